"""Every model in every preset: shapes, probabilities, gradients, parameter counts, and toys worked by hand."""

import pytest
import torch

from openmic_explore import ExploreError, build_model
from openmic_explore.models import REGISTRY
from openmic_explore.models.heads import AttentionHead, averaged_probability, clamped_output, normalised_sigmoid
from openmic_explore.models.output import InputScale

EVERY = pytest.mark.parametrize(("name", "preset"), list(REGISTRY))


def batch(clips: int = 4, frames: int = 10) -> torch.Tensor:
    return torch.randint(0, 256, (clips, frames, 128), generator=torch.Generator().manual_seed(0)).float()


@EVERY
def test_shapes_ranges_and_attention(name, preset):
    torch.manual_seed(0)
    model = build_model(name, preset).eval()
    for frames in (1, 10, 7):
        output = model(batch(frames=frames))
        assert output.clip.shape == output.logit.shape == (4, 20)
        assert output.frame.shape == output.attention.shape == (4, frames, 20)
        assert ((output.clip >= 0) & (output.clip <= 1)).all()
        assert (output.attention >= 0).all()
        torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(4, 20))


@pytest.mark.parametrize(
    ("name", "preset", "parameters"),
    [("mel", "published", 26_580), ("attention", "published", 55_336), ("attention", "repaired", 55_336)],
)
def test_parameters_are_the_published_number(name, preset, parameters):
    assert sum(parameter.numel() for parameter in build_model(name, preset).parameters()) == parameters


@pytest.mark.parametrize("name", ["mel", "attention"])
def test_repaired_models_always_have_a_gradient(name):
    torch.manual_seed(0)
    model = build_model(name).eval()
    # Far off scale, where a clamp would pass nothing on.
    output = model(batch() * 100)
    for instrument in range(20):
        gradient = torch.autograd.grad(output.logit[:, instrument].sum(), model.head.classify.weight, retain_graph=True)
        assert gradient[0][instrument].abs().sum() > 0


def test_the_published_clamp_passes_no_gradient_outside():
    score = torch.tensor([[[-0.5, 0.4]]], requires_grad=True)
    output = clamped_output(score, torch.ones(1, 1, 2))
    output.clip.sum().backward()
    assert output.clip.tolist() == [[0.0, pytest.approx(0.4)]]
    assert score.grad.tolist() == [[[0.0, 1.0]]]


def test_attention_pools_log_odds_by_hand():
    head = AttentionHead(1, 1)
    with torch.no_grad():
        for layer, weight in ((head.attend, 1.0), (head.classify, 2.0)):
            layer.weight.fill_(weight)
            layer.bias.zero_()
    hidden = torch.tensor([0.0, 2.0**0.5]).log1p().reshape(1, 2, 1)  # any two numbers
    output = head(hidden)
    odds = 2 * hidden.flatten()
    weight = hidden.flatten().exp() / hidden.flatten().exp().sum()
    expected = (weight * odds).sum()
    torch.testing.assert_close(output.logit.item(), expected.item())
    torch.testing.assert_close(output.clip.item(), (1 / (1 + (-expected).exp())).item())


def test_normalised_sigmoid_by_hand():
    score = torch.tensor([0.0, float("inf")]).reshape(1, 2, 1)
    torch.testing.assert_close(normalised_sigmoid(score).flatten(), torch.tensor([1 / 3, 2 / 3]), atol=1e-6, rtol=0)


def test_gururani_averages_probabilities():
    odds = torch.tensor([0.0, torch.log(torch.tensor(3.0)).item()]).reshape(1, 2, 1)
    output = averaged_probability(odds, torch.full((1, 2, 1), 0.5))
    torch.testing.assert_close(output.clip.item(), (0.5 + 0.75) / 2)
    torch.testing.assert_close(output.logit.sigmoid().item(), output.clip.item())


@EVERY
def test_clips_do_not_influence_each_other_and_evaluation_repeats(name, preset):
    torch.manual_seed(0)
    model = build_model(name, preset).eval()
    together = model(batch())
    alone = model(batch()[1:2])
    torch.testing.assert_close(together.clip[1:2], alone.clip)
    torch.testing.assert_close(model(batch()).clip, together.clip, rtol=0, atol=0)


@EVERY
def test_dropout_acts_in_training_only(name, preset):
    torch.manual_seed(0)
    model = build_model(name, preset).train()
    drops = any(module.p > 0 for module in model.modules() if isinstance(module, torch.nn.Dropout))
    differs = not torch.equal(model(batch()).logit, model(batch()).logit)
    assert differs == drops


def test_input_scale_standardises_and_is_stored():
    features = torch.randn(50, 10, 3) * torch.tensor([1.0, 5.0, 0.0]) + torch.tensor([3.0, -2.0, 7.0])
    scale = InputScale(3)
    scale.fit(features)
    scaled = scale(features).reshape(-1, 3)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(scaled.std(0)[:2], torch.ones(2), atol=1e-4, rtol=0)
    assert torch.isfinite(scaled).all()  # a constant feature does not divide by zero
    other = InputScale(3)
    other.load_state_dict(scale.state_dict())
    torch.testing.assert_close(other(features), scale(features))


def test_sizes_are_arguments():
    output = build_model("mel", dimension=12, instruments=3).eval()(torch.zeros(2, 5, 12))
    assert output.clip.shape == (2, 3)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ExploreError, match=r"mel \(repaired\)"):
        build_model("transformer")
    with pytest.raises(ExploreError, match="attention"):
        build_model("mel", "improved")
