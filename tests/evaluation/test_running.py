import numpy as np
import pytest
import torch

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.running import running_estimate
from openmic_explore.models import build_model

CLIP = torch.rand(1, 10, 16, generator=torch.Generator().manual_seed(0)) * 255


def answers(model, preset):
    """A network that looks at every frame on its own, and what it says of the clip cut after each frame."""
    torch.manual_seed(1)
    net = build_model(model, preset, dimension=16, instruments=20).eval()
    net.fit_input(CLIP)
    with torch.no_grad():
        whole = net(CLIP)
        cut = np.stack([net(CLIP[:, : end + 1]).clip[0].numpy() for end in range(10)])
    return whole.frame[0].numpy(), whole.attention[0].numpy(), cut


@pytest.mark.parametrize(
    ("model", "preset", "head"),
    [
        ("attention", "repaired", "logit"),
        ("mean", "repaired", "logit"),
        ("max", "repaired", "logit"),
        ("attention", "published", "probability"),
        ("mean", "published", "probability"),
        ("max", "published", "probability"),
    ],
)
def test_it_is_what_a_framewise_network_says_of_the_clip_that_ends_there(model, preset, head):
    frame, attention, cut = answers(model, preset)
    found = running_estimate(frame, attention, head=head, maximum=model == "max")
    np.testing.assert_allclose(found, cut, atol=1e-4)
    assert np.ptp(cut, axis=0).max() > 0.05  # it does change on the way


def test_the_last_one_of_a_recurrent_network_is_its_answer():
    torch.manual_seed(2)
    net = build_model("mel", "published", dimension=16, instruments=20).eval()
    net.fit_input(CLIP)
    with torch.no_grad():
        output = net(CLIP)
    found = running_estimate(output.frame[0].numpy(), output.attention[0].numpy(), head="clamp")
    np.testing.assert_allclose(found[-1], output.clip[0].numpy(), atol=1e-5)
    assert found.min() >= 0


def test_without_weight_there_is_no_estimate_yet():
    found = running_estimate(np.array([[0.2], [0.8]]), np.array([[0.0], [1.0]]), head="probability")
    assert np.isnan(found[0, 0])
    assert found[1, 0] == pytest.approx(0.8)


@pytest.mark.parametrize(("shape", "head"), [((3, 1), "logit"), ((2, 1), "sigmoid")])
def test_what_does_not_fit_is_a_sentence(shape, head):
    with pytest.raises(ExploreError, match="head must be one of"):
        running_estimate(np.zeros(shape), np.zeros((2, 1)), head=head)
