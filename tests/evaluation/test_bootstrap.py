"""Intervals: against the binomial distribution, by coverage, and where a score is undefined."""

import numpy as np
import pytest
from scipy.stats import binom

from openmic_explore import INSTRUMENTS, ExploreError, score
from openmic_explore.evaluation import MEAN, bootstrap, intervals, means, percentile_interval
from openmic_explore.evaluation.scores import COLUMNS, SHARES
from tests.evaluation.test_scores import table


def proportion(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_a_proportion_s_interval_is_the_binomial_one():
    values = np.arange(600) < 180
    interval = percentile_interval(bootstrap(proportion(values), 600, resamples=4000))
    # k successes of n, drawn n times with replacement, are binomial: here with standard deviation .0187.
    assert [interval.low, interval.high] == pytest.approx(binom.ppf([0.025, 0.975], 600, 0.3) / 600, abs=0.003)
    assert interval.undefined == 0


def test_a_nine_in_ten_interval_holds_the_truth_nine_times_in_ten():
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(400):
        values = rng.random(150) < 0.4
        interval = percentile_interval(bootstrap(proportion(values), 150, resamples=300, seed=trial), 0.9)
        held += bool(interval.low <= 0.4 <= interval.high)
    assert 0.85 < held / 400 < 0.94  # standard deviation .015


def test_every_resample_draws_as_many_clips_as_there_are():
    weights = bootstrap(lambda weights: weights, 50, resamples=600)
    assert weights.shape == (600, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.2)
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.01)


def test_the_seed_decides_and_nothing_else():
    values = np.random.default_rng(0).random(80)
    first, again, other = (bootstrap(proportion(values), 80, resamples=300, seed=seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert not (first == other).any()


def test_clips_of_a_group_are_drawn_together():
    groups = np.repeat(np.arange(100).astype(str), 4)
    weights = bootstrap(lambda weights: weights, 400, resamples=20, groups=groups)
    assert (weights.reshape(20, 100, 4) == weights.reshape(20, 100, 4)[:, :, :1]).all()
    values = np.repeat(np.random.default_rng(0).random(100) < 0.5, 4)
    spread = [bootstrap(proportion(values), 400, resamples=2000, groups=g).std() for g in (None, groups)]
    assert spread[1] / spread[0] == pytest.approx(2.0, rel=0.1)  # 100 independent draws, not 400


def test_values_are_the_scores_and_means_between_their_ends():
    relevance, mask, probability = table()
    found = intervals(relevance, mask, probability, resamples=200)
    scores = score(relevance, mask, probability)
    each = found[found.instrument != MEAN].pivot(index="instrument", columns="metric", values="value")
    np.testing.assert_allclose(each.loc[list(INSTRUMENTS), list(COLUMNS)], scores.astype(float), rtol=1e-12)
    mean = found[found.instrument == MEAN].set_index("metric")
    assert list(mean.index) == list(SHARES)
    assert mean.value.to_dict() == pytest.approx(means(scores))
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()
    # The mean of twenty instruments is surer than any of them.
    width = found.assign(width=found.high - found.low).groupby("instrument").width.mean()
    assert width[MEAN] < 0.5 * width.drop(MEAN).min()


def test_the_interval_is_that_of_clips_drawn_and_scored_one_by_one():
    relevance, mask, probability = table(clips=60)
    drawn = bootstrap(lambda weights: weights, 60, resamples=40, seed=5).astype(int)
    rows = [np.repeat(np.arange(60), weight) for weight in drawn]
    slow = np.stack([score(relevance[row], mask[row], probability[row]).to_numpy(float) for row in rows])
    found = intervals(relevance, mask, probability, resamples=40, seed=5)
    each = found[found.instrument != MEAN]
    ends = np.nanquantile(slow, [0.025, 0.975], axis=0).reshape(2, -1)
    np.testing.assert_allclose(each[["low", "high"]].to_numpy().T, ends, atol=1e-12)
    ends = np.nanquantile(np.nanmean(slow, axis=1), [0.025, 0.975], axis=0)[:, 2:]
    np.testing.assert_allclose(found[found.instrument == MEAN][["low", "high"]].to_numpy().T, ends, atol=1e-12)


def test_undefined_resamples_are_left_out_and_their_share_is_told():
    # One positive among ten clips: (1 - 1/10) ** 10 of the resamples have none, and no recall.
    relevance = np.eye(10)[:, [0, 0]] * [1.0, 0.0]
    probability = np.full((10, 2), 0.9)
    found = intervals(relevance, np.ones((10, 2), bool), probability, resamples=2000, instruments=("a", "b"))
    found = found.set_index(["instrument", "metric"])
    recall = found.loc[("a", "recall")]
    assert (recall.value, recall.low, recall.high) == (1.0, 1.0, 1.0)
    assert recall.undefined == pytest.approx(0.9**10, abs=0.03)
    # No clip has b: its recall is undefined in the data, and does not count in the mean.
    assert found.loc[("b", "recall"), ["value", "low", "high"]].isna().all()
    assert found.loc[("b", "recall"), "undefined"] == 1.0
    assert found.loc[(MEAN, "recall"), "value"] == 1.0
    assert found.loc[(MEAN, "recall"), "undefined"] == recall.undefined
    # All is predicted present: precision is the drawn share of the one positive, and may be 0.
    assert found.loc[("a", "precision"), "low"] == 0.0


def test_several_seeds_are_averaged_clip_sample_by_clip_sample():
    relevance, mask, probability = table(clips=100)
    other = np.random.default_rng(9).random(probability.shape)
    one = intervals(relevance, mask, probability, resamples=100)
    assert one.equals(intervals(relevance, mask, [probability, probability], resamples=100))
    assert one.equals(intervals(relevance, mask, probability[None], resamples=100))
    both = intervals(relevance, mask, [probability, other], resamples=100)
    alone = intervals(relevance, mask, other, resamples=100)
    defined = (one.value + alone.value).notna()
    np.testing.assert_allclose(both.value[defined], ((one.value + alone.value) / 2)[defined])
    # Two independent guessers: their average is surer than either.
    rows = both.metric == "f1_macro"
    assert (both.high - both.low)[rows].mean() < 0.9 * (one.high - one.low)[rows].mean()


def test_bad_input_is_refused():
    relevance, mask, probability = table()
    for change, words in (
        ({"resamples": 0}, "needs clips and resamples"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"groups": np.zeros(3)}, "one group for each"),
    ):
        with pytest.raises(ExploreError, match=words):
            intervals(relevance, mask, probability, **change)
    with pytest.raises(ExploreError, match="no probabilities"):
        intervals(relevance, mask, [])
    with pytest.raises(ExploreError, match="must all be"):
        intervals(relevance, mask, [probability, probability[:5]])
