"""Filters along the bands against the plain correlation, in float64."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from openmic_explore.transforms import band_filters
from openmic_explore.transforms.band_filters import BandFilters


def plainly(kernel: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The largest response (n, filters, frames), place by place."""
    beside = kernel.shape[1] // 2
    padded = np.pad(x, ((0, 0), (beside, beside), (0, 0)))
    return np.array([[correlate(patch, one, mode="valid").max(axis=1) for one in kernel] for patch in padded])


@pytest.mark.parametrize(
    ("filters", "taps", "height", "bands"),
    [(3, 7, 38, 96), (3, 7, 67, 96), (2, 7, 96, 96), (2, 1, 1, 96), (4, 3, 5, 13), (4, 3, 4, 13), (60, 3, 2, 9)],
)
@pytest.mark.parametrize(("n", "frames"), [(1, 1), (2, 4), (3, 50)])
def test_the_largest_response_is_that_of_the_correlation(filters, taps, height, bands, n, frames):
    rng = np.random.default_rng(height)
    kernel, x = rng.normal(size=(filters, taps, height)), rng.normal(size=(n, frames, bands))
    found = BandFilters(torch.from_numpy(kernel), bands).highest(torch.from_numpy(x).float())
    expected = plainly(kernel, x)
    assert found.dtype == torch.float32
    assert found.shape == expected.shape == (n, filters, frames)
    assert np.abs(found.numpy() - expected).max() < 2e-6 * np.sqrt(taps * height) * 4


def test_a_pattern_is_found_wherever_it_lies():
    kernel = np.zeros((1, 3, 4))
    kernel[0, 1] = [1, -2, 3, -4]
    x = np.zeros((7, 5, 10))
    for place in range(7):
        x[place, 2, place : place + 4] = [1, -2, 3, -4]
    found = BandFilters(torch.from_numpy(kernel), 10).highest(torch.from_numpy(x).float())
    assert found[:, 0, 2].tolist() == pytest.approx([30.0] * 7, rel=1e-5)
    assert found[:, 0, [0, 4]].abs().max() < 1e-5


def test_the_size_of_the_pieces_does_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    filters = BandFilters(torch.from_numpy(rng.normal(size=(10, 7, 20))), 32)
    x = torch.from_numpy(rng.normal(size=(3, 20, 32))).float()
    whole = filters.highest(x)
    monkeypatch.setattr(band_filters, "COLUMNS", 7)
    monkeypatch.setattr(band_filters, "FILTERS", 3)
    assert (filters.highest(x) - whole).abs().max() < 1e-4
