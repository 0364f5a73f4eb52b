"""Augmentation, in both meanings, by hand on toys."""

import math

import pytest
import torch

from openmic_explore.training.augment import augment, palindrome, reverse
from openmic_explore.training.inputs import Batch

CLIPS = 40  # a tenth of them is four


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    features = torch.randint(0, 256, (CLIPS, 10, 8), generator=generator, dtype=torch.uint8)
    mask = torch.rand(CLIPS, 20, generator=generator) < 0.5
    relevance = torch.rand(CLIPS, 20, generator=generator) * mask
    return Batch(features, relevance, mask)


def changed(before: Batch, after: Batch) -> list[int]:
    return torch.flatten((before.features.float() != after.features).flatten(1).any(dim=1).nonzero()).tolist()


def test_time_is_reversed():
    x = torch.arange(5.0).reshape(1, 5, 1)
    assert reverse(x).flatten().tolist() == [4, 3, 2, 1, 0]
    picture = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert reverse(picture).flatten().tolist() == [2, 1, 0, 5, 4, 3]


@pytest.mark.parametrize("length", [1, 2, 5, 10])
def test_the_palindrome_is_what_an_in_place_loop_leaves(length):
    x = torch.rand(2, length, 3)
    looped = x.clone()
    for frame in range(length):
        looped[:, frame] = looped[:, length - 1 - frame]
    torch.testing.assert_close(palindrome(x), looped)


@pytest.mark.parametrize("meaning", ["text", "run"])
@pytest.mark.parametrize("kind", ["interpolation", "noise", "flip"])
def test_each_kind_changes_one_tenth_and_nothing_else(kind, meaning):
    torch.manual_seed(1)
    before = batch()
    after = augment(before, (kind,), meaning, torch.ones(8))
    rows = changed(before, after)
    assert 1 <= len(rows) <= 4  # a clip may be mixed with itself, or with a coefficient of nearly 1
    if kind != "interpolation":
        assert len(rows) == 4
    kept = [row for row in range(CLIPS) if row not in rows]
    if kind != "interpolation" or meaning == "run":
        torch.testing.assert_close(after.relevance, before.relevance)
        torch.testing.assert_close(after.mask, before.mask.float())
    else:
        touched = ((after.mask != before.mask.float()) | (after.relevance != before.relevance)).any(dim=1).sum()
        assert touched <= 4
    torch.testing.assert_close(after.features[kept], before.features[kept].float())


def test_several_kinds_change_different_tenths():
    torch.manual_seed(2)
    before = batch()
    after = augment(before, ("noise", "flip"), "text", torch.ones(8))
    assert len(changed(before, after)) == 8


@pytest.mark.parametrize(("meaning", "deviation"), [("text", math.sqrt(0.2)), ("run", 0.2)])
def test_noise_is_as_large_as_said_after_the_model_s_scaling(meaning, deviation):
    torch.manual_seed(3)
    before = Batch(torch.full((40, 100, 8), 128.0), torch.zeros(40, 20), torch.ones(40, 20, dtype=torch.bool))
    unit = torch.tensor([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 255.0])
    added = augment(before, ("noise",), meaning, unit).features - before.features
    noisy = added[added.flatten(1).any(dim=1)]
    assert noisy.shape[0] == 4
    torch.testing.assert_close(noisy.std(dim=(0, 1)) / unit, torch.full((8,), deviation), rtol=0.15, atol=0)


def test_a_mixed_cell_counts_with_each_observed_parent_s_own_coefficient():
    """Two clips of constant features, so that the coefficient can be read off the mixture."""
    torch.manual_seed(4)
    clips = 20
    features = torch.zeros(clips, 4, 2)
    features[::2] = 200.0
    relevance, mask = torch.zeros(clips, 3), torch.zeros(clips, 3, dtype=torch.bool)
    mask[::2, 0] = True  # observed in the even clips only, present
    relevance[::2, 0] = 1.0
    mask[:, 1] = True  # observed everywhere, present in the even ones
    relevance[::2, 1] = 1.0
    seen = 0
    for _ in range(30):
        after = augment(Batch(features, relevance, mask), ("interpolation",), "text", torch.ones(2))
        for row in range(clips):
            even = after.features[row, 0, 0].item() / 200
            if 1e-3 < even < 1 - 1e-3:  # mixed of an even and an odd clip
                seen += 1
                assert after.mask[row].tolist() == pytest.approx([even, 1.0, 0.0], abs=1e-5)
                assert after.relevance[row].tolist() == pytest.approx([1.0, even, 0.0], abs=1e-5)
    assert seen > 3


def test_nothing_asked_is_nothing_done():
    before = batch()
    assert augment(before, (), "text", torch.ones(8)) is before
