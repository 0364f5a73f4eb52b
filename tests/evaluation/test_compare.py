"""Two models on the same clips: a real difference is found, none is made up, undefined ones are left out."""

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS, ExploreError
from openmic_explore.evaluation import compare, holm, mcnemar, means, score
from openmic_explore.evaluation.scores import SHARES


def guesser(present, skill, seed):
    """Probabilities that are right about as often as skill says, between .5 (chance) and 1."""
    rng = np.random.default_rng(seed)
    right = rng.random(present.shape) < skill
    return np.where(right == present, 0.55, 0.05) + 0.4 * rng.random(present.shape)


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    present = rng.random((600, 20)) < 0.45
    return present, present.astype(float), rng.random((600, 20)) < 0.3


def test_a_real_difference_is_found(labels):
    present, relevance, mask = labels
    a, b = guesser(present, 0.6, 1), guesser(present, 0.85, 2)
    found = compare(relevance, mask, a, b)
    for metric in ("f1_macro", "average_precision"):
        table = found.table(metric)
        assert list(table.index) == list(INSTRUMENTS)
        assert (table.difference > 0).all()
        assert (table.p_holm < 0.05).sum() >= 18
        mean = found.mean(metric)
        assert mean.p == pytest.approx(2 / 1001)
        assert 0 < mean.low < mean.difference < mean.high
        # The mean of twenty is surer than any of them.
        assert mean.high - mean.low < 0.5 * (table.high - table.low).min()
    assert (found.mcnemar.mcnemar_p_holm < 0.05).sum() >= 15
    assert (found.mcnemar.only_b > found.mcnemar.only_a).all()


def test_values_are_those_of_score_and_the_sign_is_b_minus_a(labels):
    present, relevance, mask = labels
    a, b = guesser(present, 0.6, 1), guesser(present, 0.7, 2)
    found, back = compare(relevance, mask, a, b, resamples=50), compare(relevance, mask, b, a, resamples=50)
    scores = [score(relevance, mask, probability) for probability in (a, b)]
    for metric in SHARES:
        table = found.table(metric)
        assert table.a.to_numpy() == pytest.approx(scores[0][metric].to_numpy())
        assert table.b.to_numpy() == pytest.approx(scores[1][metric].to_numpy())
        assert found.mean(metric).a == pytest.approx(means(scores[0])[metric])
        assert found.mean(metric).difference == pytest.approx(means(scores[1])[metric] - means(scores[0])[metric])
    assert back.differences.difference.to_numpy() == pytest.approx(-found.differences.difference.to_numpy())
    assert back.means.low.to_numpy() == pytest.approx(-found.means.high.to_numpy())
    assert back.differences.p.to_numpy() == pytest.approx(found.differences.p.to_numpy())


def test_a_run_does_not_differ_from_itself(labels):
    present, relevance, mask = labels
    a = guesser(present, 0.7, 1)
    found = compare(relevance, mask, a, a.copy(), resamples=100)
    zero = found.differences[["difference", "low", "high"]]
    assert (zero == 0).all(axis=None)
    assert (found.differences[["p", "p_holm"]] == 1).all(axis=None)
    assert (found.means.p == 1).all()
    assert (found.mcnemar[["only_a", "only_b"]] == 0).all(axis=None)
    assert (found.mcnemar.mcnemar_p == 1).all()


def test_pairing_makes_a_small_consistent_difference_plain(labels):
    present, relevance, mask = labels
    a = guesser(present, 0.7, 1)
    wrong = (a >= 0.5) != present
    mended = wrong & (np.random.default_rng(3).random(a.shape) < 0.15)
    b = np.where(mended, np.where(present, 0.9, 0.1), a)  # as a, but for some of its errors
    unrelated = guesser(present, 0.7 + 0.3 * 0.15, 2)  # as good as b, right and wrong elsewhere
    paired, loose = (compare(relevance, mask, a, other).mean("f1_macro") for other in (b, unrelated))
    assert paired.difference == pytest.approx(loose.difference, abs=0.02)
    assert paired.high - paired.low < 0.6 * (loose.high - loose.low)


def test_models_that_are_equally_good_are_told_apart_as_rarely_as_promised():
    rng = np.random.default_rng(0)
    names = tuple(map(str, range(300)))
    present = rng.random((200, 300)) < 0.5
    a, b = guesser(present, 0.7, 1), guesser(present, 0.7, 2)
    found = compare(present.astype(float), np.ones_like(present), a, b, resamples=400, instruments=names)
    for metric in ("f1_macro", "average_precision"):
        assert 0.01 < (found.table(metric).p < 0.05).mean() < 0.1  # standard deviation .013
    assert (found.table().p_holm < 0.05).sum() <= 1
    assert (found.mcnemar.mcnemar_p < 0.05).mean() < 0.08


def test_mcnemar_counts_the_observed_cells_by_hand():
    relevance = np.array([[1.0], [1.0], [0.0], [0.0], [np.nan], [0.5]])
    a = np.array([[0.9], [0.1], [0.1], [0.9], [0.9], [0.5]])  # right wrong right wrong - right
    b = np.array([[0.9], [0.9], [0.1], [0.1], [0.1], [0.4]])  # right right right right - wrong
    found = compare(relevance, ~np.isnan(relevance), a, b, resamples=10, instruments=("violin",)).mcnemar.loc["violin"]
    assert (found.cells, found.only_a, found.only_b) == (5, 1, 2)
    assert found.mcnemar_p == mcnemar(1, 2) == 1.0


def test_p_values_are_corrected_over_instruments_metric_by_metric(labels):
    present, relevance, mask = labels
    found = compare(relevance, mask, guesser(present, 0.7, 1), guesser(present, 0.78, 2), resamples=300)
    for metric in SHARES:
        table = found.table(metric)
        assert table.p_holm.to_numpy() == pytest.approx(holm(table.p.to_numpy()))
    assert table.mcnemar_p_holm.to_numpy() == pytest.approx(holm(table.mcnemar_p.to_numpy()))


def test_what_one_side_leaves_undefined_is_undefined_and_not_zero():
    relevance = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] * 10)
    mask = np.ones((20, 3), bool) & [True, True, False]
    a = np.tile([0.9, 0.1, 0.5], (20, 1))  # predicts the first always, the second never; the third has no labels
    b = np.where(relevance > 0, 0.8, 0.2)
    found = compare(relevance, mask, a, b, resamples=100, instruments=("x", "y", "z"))
    precision = found.table("precision")
    assert precision.loc["x", "difference"] == pytest.approx(0.5)
    assert precision.loc[["y", "z"], ["a", "b", "difference", "low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert precision.loc["x", "p_holm"] == precision.loc["x", "p"]  # one test, nothing to correct
    mean = found.mean("precision")
    assert (mean.instruments, mean.a, mean.b, mean.difference) == (1, 0.5, 1.0, 0.5)
    assert found.mean("recall").instruments == 2
    assert found.mcnemar.loc["z", "cells"] == 0
    assert np.isnan(found.mcnemar.loc["z", "mcnemar_p"])


def test_groups_of_seeds_are_averaged(labels):
    present, relevance, mask = labels
    a = [guesser(present, 0.65, seed) for seed in range(3)]
    b = [guesser(present, 0.75, seed) for seed in range(3, 5)]
    found = compare(relevance, mask, a, b, resamples=200)
    for side, runs in (("a", a), ("b", b)):
        expected = np.mean([score(relevance, mask, run).f1 for run in runs], axis=0)
        assert found.table("f1")[side].to_numpy() == pytest.approx(expected)
    assert found.mcnemar[["only_a", "only_b", "mcnemar_p", "mcnemar_p_holm"]].isna().all(axis=None)
    single = compare(relevance, mask, a[0], b[0], resamples=200)
    width = [(one.table().high - one.table().low).mean() for one in (found, single)]
    assert width[0] < width[1]
    repeated = compare(relevance, mask, [a[0]] * 3, [b[0]] * 2, resamples=200)
    assert repeated.means.to_numpy() == pytest.approx(single.means.to_numpy())


def test_runs_of_other_clips_are_refused(labels):
    present, relevance, mask = labels
    a = guesser(present, 0.7, 1)
    keys = np.array([f"{clip:06d}_0" for clip in range(600)])
    assert compare(relevance, mask, a, a, keys_a=keys, keys_b=keys.tolist(), resamples=5).mean("f1").p == 1
    for given, words in (
        ({"keys_a": keys, "keys_b": keys[::-1]}, "another order"),
        ({"keys_a": keys, "keys_b": np.char.add(keys, "x")}, "600 clips are in the first only"),
        ({"keys_a": keys, "keys_b": keys[:-1]}, "1 clips are in the first only"),
        ({"keys_a": keys[:-1], "keys_b": keys[:-1]}, "do not name the 600 clips"),
        ({"keys_a": keys}, "keys of both"),
    ):
        with pytest.raises(ExploreError, match=words):
            compare(relevance, mask, a, a, **given)
    with pytest.raises(ExploreError, match="not of the same clips and instruments"):
        compare(relevance, mask, a, a[:-1])
    with pytest.raises(ExploreError, match="probability must lie"):
        compare(relevance, mask, a, a + 1)
    with pytest.raises(ExploreError, match="no metric 'accuracy'"):
        compare(relevance, mask, a, a, resamples=5).table("accuracy")
