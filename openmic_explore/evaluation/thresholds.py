"""What a threshold decides: counts and scores of one instrument at every threshold, and the best of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.weighted import ratio

CHOSEN_FOR = ("f1", "f1_macro", "f1_weighted")


class Sweep(NamedTuple):
    """One instrument's cells at M thresholds, ascending: predicted where the probability is at least the threshold.

    hits, false_alarms, misses, rejections: (M,) counts of present and predicted, absent and predicted, and so on. The
    scores are those of `score`, (M,) each, nan where it has nan.
    """

    threshold: NDArray[np.float64]
    hits: NDArray[np.int64]
    false_alarms: NDArray[np.int64]
    misses: NDArray[np.int64]
    rejections: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> NDArray[np.float64]:
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> NDArray[np.float64]:
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    @property
    def f1_absent(self) -> NDArray[np.float64]:
        return _share(2 * self.rejections, 2 * self.rejections + self.false_alarms + self.misses)

    @property
    def f1_macro(self) -> NDArray[np.float64]:
        return (self.f1 + self.f1_absent) / 2

    @property
    def f1_weighted(self) -> NDArray[np.float64]:
        positives, negatives = self.hits + self.misses, self.rejections + self.false_alarms
        # A class without support has weight 0, but its F1 may be nan: 0 x nan must not count.
        supported = np.where(positives > 0, positives * self.f1, 0) + np.where(
            negatives > 0, negatives * self.f1_absent, 0
        )
        return _share(supported, positives + negatives)

    @property
    def average_precision(self) -> float:
        """Of a sweep over all thresholds: the sum of the steps in recall, each times the precision there; as `score` has it."""
        steps = -np.diff(self.recall)  # recall falls as the threshold rises
        return float((steps * np.nan_to_num(self.precision[:-1])).sum())

    def at(self, threshold: float) -> int:
        """The place, of a sweep over all thresholds, whose decisions are those of any threshold."""
        return int(np.searchsorted(self.threshold, threshold))


def sweep(present: NDArray[np.bool_], probability: NDArray[np.floating]) -> Sweep:
    """Counts at every threshold that decides differently: each probability that occurs, and one above all of them (inf).

    present: (n,) bool; probability: (n,) in [0, 1], of the observed cells of one instrument. Raises ExploreError when
    the shapes differ, without a cell, or for a probability out of range.
    """
    present, probability = _checked(present, probability)
    threshold = np.append(np.unique(probability), np.inf)
    # How many of each kind lie below: those are not predicted.
    misses, rejections = (
        np.searchsorted(np.sort(probability[kind]), threshold).astype(np.int64) for kind in (present, ~present)
    )
    return Sweep(threshold, int(present.sum()) - misses, int((~present).sum()) - rejections, misses, rejections)


def best_threshold(present: NDArray[np.bool_], probability: NDArray[np.floating], metric: str = "f1_macro") -> float:
    """The threshold with the highest F1 on these cells: choose it on validation cells, never on those that are scored.

    It lies midway between two neighbouring probabilities, so that clips a little off fall on the same side; among
    equally good ones it is the one nearest to .5. metric: "f1", "f1_macro" or "f1_weighted". present, probability: as
    for `sweep`. Raises ExploreError as that does, or for another metric.
    """
    if metric not in CHOSEN_FOR:
        raise ExploreError(f"A threshold is chosen for one of {', '.join(CHOSEN_FOR)}, not for {metric!r}.")
    found = sweep(present, probability)
    scores = np.nan_to_num(getattr(found, metric), nan=-1.0)
    # 0 takes all, 1 and a little none.
    edges = np.concatenate([[0.0], found.threshold[:-1], [np.nextafter(1.0, 2.0)]])
    below, above = edges[:-1], edges[1:]
    between = (below + above) / 2
    between = np.where(between > below, between, above)  # neighbours with no number between them
    best = np.flatnonzero(scores == scores.max())
    return float(between[best[np.argmin(np.abs(between[best] - 0.5))]])


def _checked(
    present: NDArray[np.bool_], probability: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    labels: NDArray[np.bool_] = np.asarray(present, dtype=np.bool_)
    scores: NDArray[np.float64] = np.asarray(probability, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape or not len(labels):
        raise ExploreError(
            f"present {labels.shape} and probability {scores.shape} must be one value a cell, of at least one cell."
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ExploreError("probability must lie in [0, 1] in every cell.")
    return labels, scores


def _share(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return ratio(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
