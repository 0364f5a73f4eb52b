"""How far a score would move with other test clips: the bootstrap over clips."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.scores import COLUMNS, MEAN, SHARES, score
from openmic_explore.evaluation.weighted import ratio, weighted_scores
from openmic_explore.instruments import INSTRUMENTS

RESAMPLES = 1000
CHUNK = 250  # resamples at a time: 250 x 5,085 clips are 10 MB

# One model: (N, K), or one such array a seed.
Probability: TypeAlias = NDArray[np.floating] | Sequence[NDArray[np.floating]]


class Interval(NamedTuple):
    """Percentiles of resampled values, and the share of resamples in which the value is undefined (left out)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    undefined: NDArray[np.float64]


def bootstrap(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    clips: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray | None = None,
) -> NDArray[np.float64]:
    """Values of a statistic over resampled clips (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).

    As many clips as there are, drawn with replacement; a clip is drawn as a whole, with the cells of all instruments.
    statistic: takes weights (r, clips), how often each clip was drawn, and returns (r, ...).
    groups: (clips,) names, such as the artist; clips of one group are then drawn together (as many groups as there
    are), as they are alike and less than so many independent clips; None draws clip by clip.
    The same clips, resamples, seed and groups draw the same clips, whatever the statistic: that makes pairs.

    Returns (resamples, ...). Raises ExploreError without clips or resamples, or when groups has another length.
    """
    if clips < 1 or resamples < 1:
        raise ExploreError(f"A bootstrap needs clips and resamples; there are {clips} clips, {resamples} resamples.")
    member = np.arange(clips)
    if groups is not None:
        if np.shape(groups) != (clips,):
            raise ExploreError(f"groups {np.shape(groups)} must name one group for each of the {clips} clips.")
        member = np.unique(groups, return_inverse=True)[1]
    units = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    values = []
    for start in range(0, resamples, CHUNK):
        rows = min(CHUNK, resamples - start)
        drawn = rng.integers(0, units, (rows, units)) + units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        values.append(statistic(counts[:, member].astype(float)))
    return np.concatenate(values)


def percentile_interval(values: NDArray[np.floating], confidence: float = 0.95) -> Interval:
    """The percentile interval of resampled values (R, ...): for .95 the 2.5th to the 97.5th percentile.

    Efron and Tibshirani 1993, chapter 13. It needs no symmetry and stays within the range of the score. It corrects
    neither for bias nor for skew, as BCa does: with a few dozen cells of an instrument it is too short and lies off the
    score's own middle, for average precision upwards (a clip drawn twice is a tie) and for macro F1 downwards.
    Undefined (nan) resamples are left out, and their share is returned; the interval is nan where none is defined.

    Raises ExploreError unless confidence lies between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ExploreError(f"confidence must lie between 0 and 1, for example .95; it is {confidence}.")
    missing = np.isnan(values)
    undefined = missing.mean(axis=0)
    low, high = np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
    somewhere = undefined < 1
    tail = (1 - confidence) / 2
    low[somewhere], high[somewhere] = np.nanquantile(values[:, somewhere], (tail, 1 - tail), axis=0)
    return Interval(low, high, undefined)


def intervals(
    relevance: NDArray[np.floating],
    mask: NDArray[np.bool_],
    probability: Probability,
    threshold: float = 0.5,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    groups: NDArray | None = None,
    instruments: tuple[str, ...] = INSTRUMENTS,
) -> pd.DataFrame:
    """Every score with a percentile interval by the bootstrap over clips, per instrument and for their mean.

    relevance, mask, threshold, instruments: as for `score`. probability: (N, K), or one such array a seed of the same
    model: the scores are then averaged over the seeds, resample by resample. resamples, seed, groups: see `bootstrap`.

    Returns one row for each instrument and column of `score`, then one for each of its shares with the instrument
    "mean", the mean over the instruments where it is defined: instrument, metric, value, low, high, undefined.
    undefined is the share of resamples left out because the score is nan in them; for the mean it is the share of
    instruments that a resample leaves out, of those defined in the data. Where value is nan, so are low and high.

    The interval says how the score of these very weights would move with other clips of the same kind. It does not say
    how another training would turn out, also with several seeds, which are held fixed: see `spread` for that.

    Raises ExploreError as `score` and `bootstrap` do.
    """
    runs = as_runs(probability)
    value = average([score(relevance, mask, run, threshold, instruments=instruments).to_numpy(float) for run in runs])
    resampled = resampled_scores(
        relevance, mask, runs, threshold, resamples=resamples, seed=seed, groups=groups
    )  # (R, K, columns)
    undefined_value = np.isnan(value)
    resampled[:, undefined_value] = np.nan
    each = percentile_interval(resampled, confidence)
    whole = percentile_interval(average(resampled, axis=1), confidence)
    left_out = ratio(np.where(undefined_value, 0.0, each.undefined).sum(axis=0), (~undefined_value).sum(axis=0))

    rows = [
        (name, metric, value[k, c], each.low[k, c], each.high[k, c], each.undefined[k, c])
        for k, name in enumerate(instruments)
        for c, metric in enumerate(COLUMNS)
    ]
    mean = average(value)
    rows += [
        (MEAN, metric, mean[c], whole.low[c], whole.high[c], left_out[c])
        for c, metric in enumerate(COLUMNS)
        if metric in SHARES
    ]
    return pd.DataFrame(rows, columns=["instrument", "metric", "value", "low", "high", "undefined"])


def resampled_scores(
    relevance: NDArray[np.floating],
    mask: NDArray[np.bool_],
    runs: Sequence[NDArray[np.floating]],
    threshold: float = 0.5,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray | None = None,
) -> NDArray[np.float64]:
    """Scores of resampled clips, averaged over runs where defined: (resamples, K, len(COLUMNS)).

    The arguments must have passed `score`.
    """
    mask = np.asarray(mask, dtype=bool)
    present = np.where(mask, np.asarray(relevance), 0.0) >= 0.5

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return average([weighted_scores(present, mask, np.asarray(run), weights, threshold) for run in runs])

    return bootstrap(statistic, len(mask), resamples=resamples, seed=seed, groups=groups)


def as_runs(probability: Probability) -> list[NDArray[np.floating]]:
    """One array a run, of one (N, K) array or of several. Raises ExploreError when there is none."""
    runs = [probability] if np.ndim(probability[0] if len(probability) else 0) == 1 else list(probability)
    if not runs or np.ndim(runs[0]) != 2:
        raise ExploreError("There are no probabilities: give one array (clips, instruments), or one such array a seed.")
    return runs  # type: ignore[return-value]


def average(values: Sequence[NDArray[np.floating]] | NDArray[np.floating], axis: int = 0) -> NDArray[np.float64]:
    """The mean along an axis over what is defined, nan where nothing is, without a warning."""
    values = np.asarray(values, dtype=float)
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))
