"""Contrasts agree with the slow comparison where both give one, and add what seeds do."""

import numpy as np
import pytest
from scipy import stats

from openmic_explore import ExploreError, OpenMIC, Runs
from openmic_explore.evaluation.weighted import COLUMNS, weighted_scores
from openmic_explore.experiments import compare_runs
from openmic_explore.experiments.contrast import Sampled, contrast, paired, sample_groups, weighted_f1_macro
from tests.learnable import write_learnable


@pytest.fixture
def sides(trained):
    runs = Runs(trained)
    return runs.matching("mean-repaired-epochs=2"), runs.matching("mel-repaired-epochs=2-noise")


def test_counts_are_those_of_the_weighted_scores():
    rng = np.random.default_rng(0)
    present, mask = rng.random((2, 50, 4)) < 0.5
    probability, weights = rng.random((3, 50, 4)), rng.integers(0, 4, (7, 50)).astype(float)
    found = weighted_f1_macro(present, mask, probability >= 0.5, weights)
    assert found.shape == (7, 3, 4)
    for run, each in enumerate(probability):
        expected = weighted_scores(present, mask, each, weights)[..., COLUMNS.index("f1_macro")]
        np.testing.assert_allclose(found[:, run], expected)


def test_an_instrument_without_labels_has_no_score():
    present, mask = np.zeros((2, 5, 1), dtype=bool)
    assert np.isnan(weighted_f1_macro(present, mask, np.ones((1, 5, 1), dtype=bool), np.ones((1, 5)))).all()


def test_pairs_are_those_of_the_full_comparison(data, sides):
    sampled = sample_groups({"a": sides[0], "b": sides[1]}, data, resamples=60)
    found = paired(sampled["a"], sampled["b"], data.instruments)
    expected = compare_runs(*sides, data, resamples=60).table("f1_macro")
    for column in ("a", "b", "difference", "low", "high", "p", "p_holm"):
        np.testing.assert_allclose(found[column], expected[column], atol=1e-12, err_msg=column)


def test_with_one_seed_a_side_the_interval_is_that_of_the_clips(data, sides):
    sampled = sample_groups({"a": sides[0][:1], "b": sides[1][:1]}, data, resamples=60)
    found = contrast([(1, sampled["b"]), (-1, sampled["a"])])
    expected = compare_runs(sides[0][:1], sides[1][:1], data, resamples=60).mean("f1_macro")
    np.testing.assert_allclose([found.difference, found.low, found.high], expected[["difference", "low", "high"]])
    assert found.seeds == 0


def test_seeds_widen_it_by_student_s_t_in_quadrature():
    a = Sampled(np.array([[0.5, 0.5], [0.7, 0.7]]), np.linspace(0.5, 0.7, 101)[:, None] * np.ones(2))
    b = Sampled(np.array([[0.8, 0.8], [0.8, 0.8], [0.8, 0.8]]), np.full((101, 2), 0.8))
    found = contrast([(1, b), (-1, a)])
    # Means over instruments: .5 and .7, so the mean of two has the standard error .1; b does not vary. 3 degrees of freedom.
    seeds = stats.t.ppf(0.975, 3) * 0.1
    clips = 0.1 * 0.95
    assert found.difference == pytest.approx(0.2)
    assert found.seeds == pytest.approx(seeds)
    assert found.clips == pytest.approx(clips)
    assert found.high - found.difference == pytest.approx(np.hypot(seeds, clips))
    assert found.difference - found.low == pytest.approx(np.hypot(seeds, clips))
    wider = contrast([(1, b), (-1, a)], confidence=0.99)
    assert wider.low < found.low < found.high < wider.high


def test_spread_is_over_instruments_and_place_picks_one():
    rng = np.random.default_rng(0)
    one = Sampled(np.array([[0.2, 0.4, 0.9]]), np.array([[0.2, 0.4, 0.9]]) + 0.01 * rng.normal(size=(50, 3)))
    assert contrast([(1, one)], "spread").difference == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert contrast([(1, one)], place=2).difference == pytest.approx(0.9)
    same = contrast([(1, one), (-0.5, one), (-0.5, one)])
    assert (same.difference, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_runs_of_other_data_are_refused(data, sides, tmp_path):
    with pytest.raises(ExploreError, match="was trained on other data"):
        sample_groups({"a": sides[0]}, OpenMIC(write_learnable(tmp_path / "data", seed=5)))
    assert sample_groups({}, data) == {}
