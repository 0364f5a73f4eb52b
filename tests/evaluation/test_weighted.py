"""Scores with weighted clips: against scikit-learn's sample_weight, and against `score` of clips repeated."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from openmic_explore import score
from openmic_explore.evaluation.weighted import weighted_average_precision, weighted_scores


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30).filter(
        lambda rows: any(present and weight for present, _, weight in rows)
    )
)
def test_average_precision_is_scikit_learn_s_with_ties_and_zero_weights(rows):
    present, guess, weight = (np.array(column) for column in zip(*rows, strict=True))
    ours = weighted_average_precision(present, guess / 5, weight[None].astype(float))
    assert ours[0] == pytest.approx(average_precision_score(present, guess / 5, sample_weight=weight), abs=1e-12)


def test_average_precision_with_weights_that_are_no_counts():
    rng = np.random.default_rng(1)
    present, guess = rng.random(500) < 0.3, rng.random(500)
    weights = rng.random((5, 500))
    expected = [average_precision_score(present, guess, sample_weight=weight) for weight in weights]
    assert weighted_average_precision(present, guess, weights) == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_nan_without_positives():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = np.array([[1.0, 1.0], [0.0, 1.0]])
        drawn = weighted_average_precision(np.array([True, False]), np.array([0.4, 0.6]), weights)
        never = weighted_average_precision(np.array([False, False]), np.array([0.4, 0.6]), weights)
        empty = weighted_average_precision(np.zeros(0, bool), np.zeros(0), np.ones((2, 0)))
    assert drawn == pytest.approx([0.5, np.nan], nan_ok=True)
    assert np.isnan(never).all()
    assert np.isnan(empty).all()


def test_every_column_is_that_of_clips_repeated_as_often_as_they_weigh():
    rng = np.random.default_rng(0)
    mask = rng.random((30, 20)) < 0.15  # few cells, so that every kind of undefined score comes up
    relevance = np.where(mask, rng.random((30, 20)), np.nan)
    probability = rng.random((30, 20)) * 0.7
    weights = rng.multinomial(30, np.full(30, 1 / 30), 40)
    ours = weighted_scores((relevance >= 0.5) & mask, mask, probability, weights.astype(float))
    for weight, values in zip(weights, ours, strict=True):
        rows = np.repeat(np.arange(30), weight)
        expected = score(relevance[rows], mask[rows], probability[rows]).to_numpy(float)
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)  # nan only where nan
    assert np.isnan(ours).any(axis=(0, 1)).tolist() == [False, False, True, True, True, True, True, True]
