"""Scores per instrument over the observed cells."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS

COLUMNS = (
    "positives",
    "negatives",
    "precision",
    "recall",
    "f1",
    "f1_macro",
    "f1_weighted",
    "average_precision",
)
SHARES = COLUMNS[2:]
MEAN = "mean"  # the "instrument" of a row that holds the mean over instruments


def score(
    relevance: NDArray[np.floating],
    mask: NDArray[np.bool_],
    probability: NDArray[np.floating],
    threshold: float = 0.5,
    *,
    instruments: tuple[str, ...] = INSTRUMENTS,
) -> pd.DataFrame:
    """Score clip probabilities against weak labels, instrument by instrument, over the observed cells.

    relevance: (N, K) in [0, 1], present where at least .5; ignored (may be nan) where mask is False.
    mask: (N, K) bool, True where a cell is observed. probability: (N, K) in [0, 1]; predicted where at least threshold.
    instruments: the K names, which become the index.

    Returns one row an instrument: positives, negatives (observed cells), precision, recall and f1 of "present",
    f1_macro (the mean of the F1 of "present" and of "absent"), f1_weighted (their mean weighted by support),
    average_precision. An F1 is 2TP / (2TP + FP + FN), nan at 0/0 only; precision is nan without predictions,
    recall and average precision without positives (scikit-learn returns 0 with a warning there);
    f1_weighted leaves out a class without support.
    Average precision is scikit-learn's step-wise sum, without interpolation.

    Raises ExploreError for shapes that differ or for values out of range or nan in an observed cell.
    """
    relevance, mask, probability = (
        np.asarray(relevance),
        np.asarray(mask, dtype=bool),
        np.asarray(probability),
    )
    if not relevance.shape == mask.shape == probability.shape == (len(mask), len(instruments)):
        raise ExploreError(
            f"relevance {relevance.shape}, mask {mask.shape} and probability {probability.shape} must all be "
            f"(clips, {len(instruments)})."
        )
    for name, values in (("relevance", relevance), ("probability", probability)):
        observed = values[mask]
        if not ((observed >= 0) & (observed <= 1)).all():
            raise ExploreError(f"{name} must lie in [0, 1] in every observed cell.")

    from sklearn.metrics import average_precision_score

    rows = []
    for column in range(len(instruments)):
        seen = mask[:, column]
        present = relevance[seen, column] >= 0.5
        guess = probability[seen, column]
        predicted = guess >= threshold
        positives, negatives = int(present.sum()), int((~present).sum())
        hits = int((present & predicted).sum())
        false_alarms = int((~present & predicted).sum())
        misses = positives - hits
        f1 = _ratio(2 * hits, 2 * hits + false_alarms + misses)
        rejections = negatives - false_alarms
        f1_absent = _ratio(2 * rejections, 2 * rejections + false_alarms + misses)
        rows.append(
            (
                positives,
                negatives,
                _ratio(hits, hits + false_alarms),
                _ratio(hits, positives),
                f1,
                (f1 + f1_absent) / 2,
                _weighted((f1, f1_absent), (positives, negatives)),
                float(average_precision_score(present, guess)) if positives else float("nan"),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS), index=pd.Index(instruments, name="instrument"))


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else float("nan")


def _weighted(values: tuple[float, float], weights: tuple[int, int]) -> float:
    supported = [(value, weight) for value, weight in zip(values, weights, strict=True) if weight]
    total = sum(weight for _, weight in supported)
    return sum(value * weight for value, weight in supported) / total if total else float("nan")


def means(scores: pd.DataFrame) -> dict[str, float]:
    """Means over the instruments of every column that is a share, over those instruments where it is defined."""
    return {column: float(scores[column].mean()) for column in SHARES}


def majority(relevance: NDArray[np.floating], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The majority class of each instrument among the observed cells of training clips, as a probability.

    relevance, mask: (N, K). Returns (K,): 1 where more cells are present than absent, else 0. It is the score
    to beat: a constant answer that never listens.
    """
    present = ((np.nan_to_num(relevance, nan=0.0) >= 0.5) & mask).sum(axis=0)
    return (present > mask.sum(axis=0) - present).astype(np.float64)
