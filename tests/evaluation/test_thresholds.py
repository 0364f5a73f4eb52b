"""Scores at every threshold against `score` at each, against scikit-learn, and by hand; the choice of one."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from openmic_explore import ExploreError, score
from openmic_explore.evaluation import best_threshold, sweep

# Ten clips, four of them present.
PRESENT = np.array([1, 1, 0, 1, 0, 0, 1, 0, 0, 0], dtype=bool)
PROBABILITY = np.array([0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05])


def cells(seed: int = 0, count: int = 80):
    rng = np.random.default_rng(seed)
    present = rng.random(count) < 0.4
    return present, np.round(np.clip(0.3 * present + 0.7 * rng.random(count), 0, 1), 2)  # rounded: with ties


@pytest.mark.parametrize("seed", range(5))
def test_every_threshold_agrees_with_score(seed):
    present, probability = cells(seed)
    found = sweep(present, probability)
    assert len(found.threshold) == len(np.unique(probability)) + 1
    for threshold in (*found.threshold[:-1], 0.0, 0.5, 0.333, 1.0):
        place = found.at(threshold)
        row = score(
            present[:, None], np.ones((len(present), 1), bool), probability[:, None], threshold, instruments=("x",)
        )
        for name in ("precision", "recall", "f1", "f1_macro", "f1_weighted"):
            assert getattr(found, name)[place] == pytest.approx(row[name].iloc[0], nan_ok=True), (name, threshold)


def test_precision_and_recall_are_those_of_scikit_learn():
    present, probability = cells()
    precision, recall, thresholds = precision_recall_curve(present, probability)
    found = sweep(present, probability)
    np.testing.assert_allclose(found.threshold[:-1], thresholds)
    np.testing.assert_allclose(found.precision[:-1], precision[:-1])
    np.testing.assert_allclose(found.recall, recall)
    assert np.isnan(found.precision[-1])  # nothing predicted
    assert found.average_precision == pytest.approx(average_precision_score(present, probability))


def test_counted_by_hand():
    found = sweep(PRESENT, PROBABILITY)
    half = found.at(0.5)
    assert [int(part[half]) for part in found[1:]] == [3, 2, 1, 4]
    assert found.f1[half] == pytest.approx(6 / 9)
    assert found.f1_absent[half] == pytest.approx(8 / 11)
    assert found.f1_weighted[half] == pytest.approx((4 * 6 / 9 + 6 * 8 / 11) / 10)
    assert found.f1[-1] == 0.0
    assert found.f1_absent[-1] == pytest.approx(12 / 16)
    assert found.f1_absent[0] == 0.0


def test_one_kind_only_has_the_scores_that_are_defined():
    found = sweep(np.zeros(3, bool), np.array([0.2, 0.4, 0.6]))
    assert np.isnan(found.recall).all()
    assert np.isnan(found.average_precision)
    assert found.f1_weighted[-1] == 1.0
    assert np.isnan(found.f1_macro[-1])  # 0/0 of "present"
    assert best_threshold(np.zeros(3, bool), np.array([0.2, 0.4, 0.6]), "f1_weighted") > 0.6


@pytest.mark.parametrize("metric", ["f1", "f1_macro", "f1_weighted"])
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_is_better_than_the_chosen_one(metric, seed):
    present, probability = cells(seed)
    mask = np.ones((len(present), 1), bool)

    def scored(threshold):
        return score(present[:, None], mask, probability[:, None], threshold, instruments=("x",))[metric].iloc[0]

    chosen = best_threshold(present, probability, metric)
    assert scored(chosen) == pytest.approx(np.nanmax([scored(threshold) for threshold in np.linspace(0, 1, 501)]))


def test_it_lies_midway_and_nearest_to_a_half():
    # Anything above .3 and up to .7 is right on all four.
    assert best_threshold(np.array([0, 0, 1, 1], bool), np.array([0.1, 0.3, 0.7, 0.9])) == pytest.approx(0.5)
    # All present: everything up to .2 takes all of them.
    assert best_threshold(np.ones(3, bool), np.array([0.2, 0.4, 0.6]), "f1") == pytest.approx(0.1)
    # All absent and one of them certain: only a threshold above 1 takes none.
    assert best_threshold(np.zeros(2, bool), np.array([1.0, 0.5]), "f1_weighted") > 1
    # Neighbours with no number between them.
    low, high = 0.5, np.nextafter(0.5, 1)
    assert low < best_threshold(np.array([0, 1], bool), np.array([low, high])) <= high


def test_wrong_cells_are_refused():
    for present, probability in (
        (PRESENT, PROBABILITY[:-1]),
        (PRESENT[:0], PROBABILITY[:0]),
        (PRESENT[:, None], PROBABILITY[:, None]),
        (PRESENT, PROBABILITY * 2),
        (PRESENT, PROBABILITY * np.nan),
    ):
        with pytest.raises(ExploreError):
            sweep(present, probability)
    with pytest.raises(ExploreError, match="average_precision"):
        best_threshold(PRESENT, PROBABILITY, "average_precision")
