"""Scores against scikit-learn, by hand, and where they are undefined."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from openmic_explore import INSTRUMENTS, ExploreError, score
from openmic_explore.evaluation import majority, means


def table(seed: int = 0, clips: int = 300):
    rng = np.random.default_rng(seed)
    mask = rng.random((clips, 20)) < 0.3
    relevance = np.where(mask, rng.random((clips, 20)), np.nan)
    return relevance, mask, rng.random((clips, 20))


def test_agrees_with_scikit_learn_on_observed_cells():
    relevance, mask, probability = table()
    scores = score(relevance, mask, probability)
    assert list(scores.index) == list(INSTRUMENTS)
    for column, name in enumerate(INSTRUMENTS):
        seen = mask[:, column]
        true = relevance[seen, column] >= 0.5
        guess = probability[seen, column]
        row = scores.loc[name]
        assert (row.positives, row.negatives) == (true.sum(), (~true).sum())
        predicted = guess >= 0.5
        assert row.precision == pytest.approx(precision_score(true, predicted))
        assert row.recall == pytest.approx(recall_score(true, predicted))
        assert row.f1 == pytest.approx(f1_score(true, predicted))
        assert row.f1_macro == pytest.approx(f1_score(true, predicted, average="macro"))
        assert row.f1_weighted == pytest.approx(f1_score(true, predicted, average="weighted"))
        assert row.average_precision == pytest.approx(average_precision_score(true, guess))


def test_unobserved_cells_do_not_count():
    relevance, mask, probability = table()
    other = probability.copy()
    other[~mask] = 1 - other[~mask]
    filled = np.where(mask, relevance, 1.0)
    expected = score(relevance, mask, probability)
    assert score(filled, mask, other).equals(expected)


def test_by_hand():
    relevance = np.array([[1.0], [1.0], [0.0], [0.4], [0.5]])
    probability = np.array([[0.9], [0.2], [0.6], [0.1], [0.5]])
    row = score(relevance, np.ones((5, 1), bool), probability, instruments=("violin",)).iloc[0]
    # hits 2, false alarms 1, misses 1, rejections 1: present 4/6, absent 2/4
    assert (row.positives, row.negatives) == (3, 2)
    assert row.f1 == pytest.approx(2 / 3)
    assert row.f1_macro == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert row.f1_weighted == pytest.approx((3 * 2 / 3 + 2 * 1 / 2) / 5)
    # ranked .9 (+) .6 (-) .5 (+) .2 (+) .1 (-)
    assert row.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_threshold_is_inclusive():
    one = np.array([[1.0]])
    assert score(one, one > 0, np.array([[0.3]]), 0.3, instruments=("violin",)).f1.item() == 1.0


def test_undefined_is_nan_and_never_zero():
    mask = np.ones((3, 1), bool)
    absent = np.zeros((3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = score(absent, mask, absent, instruments=("violin",)).iloc[0]
        alarm = score(absent, mask, absent + 1, instruments=("violin",)).iloc[0]
        nothing = score(absent, ~mask, absent, instruments=("violin",)).iloc[0]
        missed = score(absent + 1, mask, absent, instruments=("violin",)).iloc[0]
    assert np.isnan(quiet[["precision", "recall", "f1", "f1_macro", "average_precision"]].astype(float)).all()
    assert quiet.f1_weighted == 1.0
    assert alarm.f1 == 0.0
    assert alarm.precision == 0.0
    assert np.isnan(alarm.recall)
    assert nothing[["precision", "recall", "f1", "f1_macro", "f1_weighted", "average_precision"]].isna().all()
    assert missed.f1 == 0.0
    assert np.isnan(missed.precision)


def test_means_leave_out_what_is_undefined():
    relevance = np.array([[1.0, 0.0], [0.0, 0.0]])
    scores = score(relevance, np.ones((2, 2), bool), np.array([[0.9, 0.1], [0.2, 0.1]]), instruments=("a", "b"))
    assert means(scores)["f1"] == 1.0


def test_majority_is_the_more_frequent_state_of_the_known_cells():
    relevance = np.array([[1.0, np.nan, 0.0], [1.0, 1.0, 0.0], [0.0, np.nan, 1.0]])
    assert majority(relevance, ~np.isnan(relevance)).tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r, m, p: (r[:, :19], m, p), "must all be"),
        (lambda r, m, p: (r, m, p + 1), "probability must lie"),
        (lambda r, m, p: (r * np.nan, m, p), "relevance must lie"),
    ],
)
def test_bad_input_is_refused(change, words):
    with pytest.raises(ExploreError, match=words):
        score(*change(*table()))
