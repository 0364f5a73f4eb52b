"""Heads on toys that can be worked by hand."""

import pytest
import torch

from openmic_explore import ExploreError
from openmic_explore.models import blocked
from openmic_explore.models.heads import FrameHead, averaged_probability, clamped_output, normalised_sigmoid


def head(pooling: str, over: str) -> FrameHead:
    """One feature, one instrument: a frame's score is twice the feature, its attention the feature itself."""
    made = FrameHead(1, 1, pooling=pooling, over=over)
    with torch.no_grad():
        for name, weight in (("attend", 1.0), ("classify", 2.0)):
            if hasattr(made, name):
                getattr(made, name).weight.fill_(weight)
                getattr(made, name).bias.zero_()
    return made


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + (-x).exp())


HIDDEN = torch.tensor([0.3, -1.1, 0.8])
WEIGHTS = {
    ("attention", "logit"): HIDDEN.exp() / HIDDEN.exp().sum(),
    ("attention", "probability"): sigmoid(HIDDEN) / sigmoid(HIDDEN).sum(),
    ("mean", "logit"): torch.full((3,), 1 / 3),
    ("mean", "probability"): torch.full((3,), 1 / 3),
    ("max", "logit"): torch.tensor([0.0, 0.0, 1.0]),
    ("max", "probability"): torch.tensor([0.0, 0.0, 1.0]),
}


@pytest.mark.parametrize(("pooling", "over"), list(WEIGHTS))
def test_pooling_by_hand(pooling, over):
    output = head(pooling, over)(HIDDEN.reshape(1, 3, 1))
    weight, odds = WEIGHTS[pooling, over], 2 * HIDDEN
    torch.testing.assert_close(output.attention.flatten(), weight, atol=1e-6, rtol=0)
    torch.testing.assert_close(output.frame.flatten(), sigmoid(odds))
    clip = sigmoid((weight * odds).sum()) if over == "logit" else (weight * sigmoid(odds)).sum()
    torch.testing.assert_close(output.clip.item(), clip.item())
    torch.testing.assert_close(output.logit.item(), torch.log(clip / (1 - clip)).item())


def test_the_max_sends_its_gradient_to_the_best_frame_of_each_instrument():
    made = FrameHead(2, 2, pooling="max")
    with torch.no_grad():
        made.classify.weight.copy_(torch.eye(2))
    hidden = torch.tensor([[[1.0, 0.0], [0.0, 3.0], [-1.0, 2.0]]], requires_grad=True)
    output = made(hidden)
    assert output.attention[0].tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    output.logit.sum().backward()
    assert hidden.grad[0].tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]


def test_normalised_sigmoid_by_hand():
    score = torch.tensor([0.0, float("inf")]).reshape(1, 2, 1)
    torch.testing.assert_close(normalised_sigmoid(score).flatten(), torch.tensor([1 / 3, 2 / 3]), atol=1e-6, rtol=0)
    # The authors' clamp: frames that nothing speaks for share the attention evenly.
    nothing = torch.full((1, 4, 1), -1e4)
    torch.testing.assert_close(normalised_sigmoid(nothing).flatten(), torch.full((4,), 0.25))


def test_gururani_averages_probabilities():
    odds = torch.tensor([0.0, torch.log(torch.tensor(3.0)).item()]).reshape(1, 2, 1)
    output = averaged_probability(odds, torch.full((1, 2, 1), 0.5))
    torch.testing.assert_close(output.clip.item(), (0.5 + 0.75) / 2)
    torch.testing.assert_close(output.logit.sigmoid().item(), output.clip.item())


def test_blocked_is_where_the_clamp_has_no_gradient_its_ends_included():
    score = torch.tensor([[[-0.5, 0.0, 1e-6, 0.4, 1.0, 1.5]]], requires_grad=True)
    output = clamped_output(score, torch.ones_like(score))
    output.clip.sum().backward()
    assert output.clip[0].tolist() == pytest.approx([0.0, 0.0, 1e-6, 0.4, 1.0, 1.0])
    assert blocked(output, "clamp")[0].tolist() == [True, True, False, False, True, True]
    assert torch.equal(score.grad[0] == 0, blocked(output, "clamp"))
    assert not blocked(output, "logit").any()
    with pytest.raises(ExploreError, match="clamp, probability or logit"):
        blocked(output, "hard")
