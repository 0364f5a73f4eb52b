"""Augmentation, in both meanings, by hand on toys."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from openmic_explore.models.layers import InputScale
from openmic_explore.training import augment as module
from openmic_explore.training.augment import NOISE, augment, palindrome, reverse
from openmic_explore.training.config import AUGMENTATIONS
from openmic_explore.training.inputs import Batch

CLIPS = 40  # a tenth of them is four


def batch(clips: int = CLIPS, shape: tuple[int, ...] = (10, 8)) -> Batch:
    generator = torch.Generator().manual_seed(0)
    features = torch.randint(0, 256, (clips, *shape), generator=generator, dtype=torch.uint8)
    mask = torch.rand(clips, 20, generator=generator) < 0.5
    relevance = torch.rand(clips, 20, generator=generator) * mask
    return Batch(features, relevance, mask)


def changed(before: Batch, after: Batch) -> list[int]:
    return (before.features.float() != after.features).flatten(1).any(dim=1).nonzero().flatten().tolist()


@pytest.fixture
def half(monkeypatch):
    """Every coefficient .5, so that no mixture happens to be one of its parents."""
    monkeypatch.setattr(module, "_beta", lambda rows: torch.full(rows.shape, 0.5))


# Which clips


@pytest.mark.parametrize("shape", [(10, 8), (1, 6, 9)])
@pytest.mark.parametrize("meaning", ["text", "run"])
@pytest.mark.parametrize("kinds", [("interpolation",), ("noise",), ("flip",), ("noise", "flip"), AUGMENTATIONS])
def test_each_kind_changes_a_tenth_of_its_own_and_nothing_else(kinds, meaning, shape, half):
    torch.manual_seed(1)
    before = batch(shape=shape)
    after = augment(before, kinds, meaning, torch.ones(()))
    rows = changed(before, after)
    assert len(rows) == 4 * len(kinds)
    kept = [row for row in range(CLIPS) if row not in rows]
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old[kept].float(), new[kept])
    if "flip" in kinds:  # as they would be without the other kinds
        turned = (reverse if meaning == "text" else palindrome)(before.features.float())
        assert sum(torch.equal(turned[row], after.features[row]) for row in rows) == 4
    labels = (before.relevance != after.relevance) | (before.mask.float() != after.mask)
    assert labels.any(dim=1).sum() == (4 if "interpolation" in kinds and meaning == "text" else 0)


@pytest.mark.parametrize(("clips", "tenth"), [(2, 1), (5, 1), (14, 1), (32, 3), (128, 13)])
def test_a_tenth_is_rounded_and_at_least_one_clip(clips, tenth):
    before = batch(clips)
    assert len(changed(before, augment(before, ("noise",), "text", torch.ones(8)))) == tenth


def test_a_batch_smaller_than_the_kinds_is_not_touched_twice():
    before = batch(2)
    after = augment(before, AUGMENTATIONS, "text", torch.ones(8))
    assert len(changed(before, after)) <= 2
    assert after.features.isfinite().all()


def test_nothing_asked_is_nothing_done_and_the_given_batch_stays():
    before = batch()
    assert augment(before, (), "text", torch.ones(8)) is before
    copy = Batch(*(tensor.clone() for tensor in before))
    augment(before, AUGMENTATIONS, "text", torch.ones(8))
    assert all(torch.equal(one, other) for one, other in zip(before, copy, strict=True))


# Flip


@pytest.mark.parametrize("length", [1, 2, 5, 10])
@pytest.mark.parametrize("shape", [(3, -1, 4), (3, 1, 4, -1)])
def test_time_is_reversed_or_as_an_in_place_loop_leaves_it(length, shape):
    """Time is the first axis after the clip for an embedding, the last for a picture."""
    x = torch.rand([length if size < 0 else size for size in shape])
    axis = shape.index(-1)
    expected, looped = torch.empty_like(x), x.clone()
    frames = [range(length), range(length)]
    for frame, other in zip(frames[0], reversed(frames[1]), strict=True):
        expected.select(axis, frame).copy_(x.select(axis, other))
        looped.select(axis, frame).copy_(looped.select(axis, other).clone())
    assert torch.equal(reverse(x), expected)
    assert torch.equal(palindrome(x), looped)


# Noise


@pytest.mark.parametrize(("meaning", "deviation"), [("text", math.sqrt(0.2)), ("run", 0.2)])
@pytest.mark.parametrize("scaling", ["unit", "standard"])
@pytest.mark.parametrize(("shape", "scaled"), [((100, 8), (8,)), ((1, 8, 100), (8, 1))])
def test_noise_is_as_large_as_said_after_the_model_s_scaling(shape, scaled, scaling, meaning, deviation):
    torch.manual_seed(3)
    features = 100 + torch.randn(CLIPS, *shape) * torch.linspace(2, 40, 8).reshape(scaled)
    scale = InputScale(scaled, scaling, ranged=len(scaled) == 2)
    scale.fit(features)
    before = Batch(features, torch.zeros(CLIPS, 20), torch.ones(CLIPS, 20, dtype=torch.bool))
    after = augment(before, ("noise",), meaning, scale.scale)
    added = (scale(after.features) - scale(features))[changed(before, after)]
    assert len(added) == 4
    over = [axis for axis in range(added.ndim) if added.shape[axis] != 8]
    torch.testing.assert_close(added.std(dim=over), torch.full((8,), deviation), rtol=0.15, atol=0)
    assert added.std().item() == pytest.approx(deviation, rel=0.05)
    assert added.mean().item() == pytest.approx(0, abs=4 * deviation / math.sqrt(added.numel()))
    assert NOISE[meaning] == pytest.approx(deviation)


# Interpolation


def test_a_mixed_cell_counts_with_each_observed_parent_s_own_coefficient(monkeypatch):
    """Clip r is the number r throughout, so that the parents can be read off the mixture."""
    torch.manual_seed(4)
    monkeypatch.setattr(module, "_beta", lambda rows: torch.full(rows.shape, 0.25))
    before = batch()
    before = before._replace(features=torch.arange(float(CLIPS))[:, None, None].expand(CLIPS, 3, 2))
    kinds = set()
    for _ in range(5):
        after = augment(before, ("interpolation",), "text", torch.ones(2))
        for row in changed(before, after):
            other = round((after.features[row, 0, 0].item() - 0.25 * row) / 0.75)
            assert 0 <= other < CLIPS
            assert other != row
            torch.testing.assert_close(after.features[row], torch.full((3, 2), 0.25 * row + 0.75 * other))
            for cell in range(20):
                observed = bool(before.mask[row, cell]), bool(before.mask[other, cell])
                one, two = before.relevance[row, cell].item(), before.relevance[other, cell].item()
                weight, label = {
                    (True, True): (1.0, 0.25 * one + 0.75 * two),
                    (True, False): (0.25, one),
                    (False, True): (0.75, two),
                    (False, False): (0.0, 0.0),
                }[observed]
                assert after.mask[row, cell].item() == pytest.approx(weight, abs=1e-6)
                assert after.relevance[row, cell].item() == pytest.approx(label, abs=1e-6)
                kinds.add(observed)
    assert len(kinds) == 4


def test_as_run_the_previous_clip_is_mixed_in_and_labels_stay(monkeypatch):
    drawn = [torch.full((4,), 0.6), torch.full((4,), 0.2)]
    monkeypatch.setattr(module, "_beta", lambda rows: drawn.pop(0))
    before = batch()
    after = augment(before, ("interpolation",), "run", torch.ones(8))
    rows = changed(before, after)
    assert len(rows) == 4
    for row in rows:
        expected = 0.75 * before.features[row].float() + 0.25 * before.features[row - 1].float()
        torch.testing.assert_close(after.features[row], expected)
    assert torch.equal(after.relevance, before.relevance)
    assert torch.equal(after.mask, before.mask.float())


@pytest.mark.parametrize("meaning", ["text", "run"])
def test_the_coefficient_s_distribution(meaning):
    """Beta(.2, .2) in the text; as run, the share of one of two such draws in their sum, here drawn by NumPy."""
    torch.manual_seed(5)
    clips = 200_000
    features = torch.zeros(clips, 1, 1)
    features[::2] = 1.0  # every other clip, so that of an even one's mixture with an odd one the share is left
    before = Batch(features, torch.zeros(clips, 1), torch.zeros(clips, 1, dtype=torch.bool))
    after = augment(before, ("interpolation",), meaning, torch.ones(1)).features[::2].flatten().double().numpy()
    share = after[after < 1]
    if meaning == "text":
        wanted = stats.beta(0.2, 0.2)
        # Half of the partners are even clips: their mixtures are 1, and left out with those that round to 1.
        assert len(share) == pytest.approx(clips / 40, rel=0.1)
    else:
        drawn = np.random.default_rng(0).beta(0.2, 0.2, (2, 400_000))
        wanted = stats.ecdf(drawn[0] / drawn.sum(axis=0)).cdf
    cdf = wanted.cdf if meaning == "text" else wanted.evaluate
    for edge in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99):
        # Mixtures within 6e-8 of the own clip round to it: a few in a hundred that are missing at the upper end.
        expected = cdf(edge) / cdf(1 - 6e-8)
        error = math.sqrt(expected * (1 - expected) / len(share))
        assert (share <= edge).mean() == pytest.approx(expected, abs=4 * error)
