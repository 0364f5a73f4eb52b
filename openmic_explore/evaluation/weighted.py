"""The scores of `score` where each clip counts with a weight of its own, for many sets of weights at once.

A bootstrap resample is such a set: a weight is how often the clip was drawn. Counts become matrix products, so that
a thousand resamples cost little more than one.
"""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.evaluation.scores import COLUMNS


def weighted_scores(
    present: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    probability: NDArray[np.floating],
    weights: NDArray[np.floating],
    threshold: float = 0.5,
) -> NDArray[np.float64]:
    """Every column of `score` per instrument, with clips weighted, for R sets of weights.

    present, mask: (N, K) bool; probability: (N, K) in [0, 1], finite where mask is True; weights: (R, N), at least 0.

    Returns (R, K, len(COLUMNS)), in the order of COLUMNS, nan exactly where `score` is nan for clips repeated as often
    as their weight says; positives and negatives are sums of weights.
    """
    present = present & mask
    absent = mask & ~present
    predicted = probability >= threshold
    positives, negatives = (weights @ cells.astype(float) for cells in (present, absent))
    hits, false_alarms = (weights @ (cells & predicted).astype(float) for cells in (present, absent))
    misses, rejections = positives - hits, negatives - false_alarms

    f1 = ratio(2 * hits, 2 * hits + false_alarms + misses)
    f1_absent = ratio(2 * rejections, 2 * rejections + false_alarms + misses)
    # A class without support has weight 0, but its F1 may be nan: 0 x nan must not count.
    supported = np.where(positives > 0, positives * f1, 0.0) + np.where(negatives > 0, negatives * f1_absent, 0.0)
    precisions = [
        weighted_average_precision(present[seen, k], probability[seen, k], weights[:, seen])
        for k, seen in enumerate(mask.T)
    ]
    columns = {
        "positives": positives,
        "negatives": negatives,
        "precision": ratio(hits, hits + false_alarms),
        "recall": ratio(hits, positives),
        "f1": f1,
        "f1_macro": (f1 + f1_absent) / 2,
        "f1_weighted": ratio(supported, positives + negatives),
        "average_precision": np.stack(precisions, axis=1),
    }
    return np.stack([columns[name] for name in COLUMNS], axis=-1)


def weighted_average_precision(
    present: NDArray[np.bool_], guess: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Average precision with weighted clips: the sum over thresholds of the step in recall times the precision there.

    present: (n,) bool; guess: (n,) finite, larger where presence is more likely; weights: (R, n), at least 0.
    Equal guesses share one threshold. Returns (R,), nan where the positives weigh nothing. Not interpolated (Buckley
    and Voorhees, "Evaluating evaluation measure stability", SIGIR 2000): scikit-learn's `average_precision_score` with
    `sample_weight`, but for the nan, where scikit-learn returns 0.
    """
    order = np.argsort(-guess, kind="stable")
    hit = present[order]
    if not hit.any():
        return np.full(len(weights), np.nan)
    # A threshold without positives takes no step in recall: sum up only from one threshold with positives to the next.
    group = np.cumsum(np.append(True, np.diff(guess[order]) != 0)) - 1
    stepping = np.unique(group[hit])
    ends = np.searchsorted(group, stepping, side="right")
    ranked = weights.T[order]  # (n, R): rows, because sums down contiguous rows are the fast ones
    retrieved = np.add.reduceat(ranked[: ends[-1]], np.append(0, ends[:-1]), axis=0).cumsum(axis=0)
    step = np.add.reduceat(ranked[hit], np.searchsorted(group[hit], stepping), axis=0)
    found = step.cumsum(axis=0)
    precision = np.divide(found, retrieved, out=np.zeros_like(found), where=retrieved > 0)
    return ratio((step * precision).sum(axis=0), found[-1])


def ratio(numerator: NDArray[np.floating], denominator: NDArray[np.floating]) -> NDArray[np.float64]:
    """numerator / denominator, nan where the denominator is 0, without a warning."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)
