"""Bin means against exact integrals."""

import numpy as np
import pytest

from openmic_explore.transforms.bin_means import LEAD, TRAIL, bin_means


@pytest.mark.parametrize("power", range(6))
def test_polynomials_up_to_the_fifth_degree_are_exact_wherever_the_edges_fall(power):
    edges = np.array([LEAD - 0.5, 7.3, 7.6, 20.0, 33.5, 33.50001, 61.9])
    place = (np.arange(62 + TRAIL) - 30) / 30
    exact = np.diff(((edges - 30) / 30) ** (power + 1) * 30 / (power + 1)) / np.diff(edges)
    found = bin_means(edges).of((place**power)[None].astype(np.float32))[0]
    tolerance = np.where(np.diff(edges) < 1e-3, 0.2, 2e-5)  # a bin of 1e-5 samples keeps few digits of float32
    assert (np.abs(found - exact) <= tolerance).all()


def test_bins_of_many_samples_are_plain_means():
    values = np.random.default_rng(0).random((3, 4000)).astype(np.float32)
    edges = np.array([9.5, 1009.5, 3209.5])
    found = bin_means(edges).of(values)
    for row in range(3):
        plain = [values[row, 10:1010].mean(), values[row, 1010:3210].mean()]
        np.testing.assert_allclose(found[row], plain, rtol=3e-4)
