"""Two models on the same clips: is the one better than the other, and on which instruments?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.bootstrap import (
    RESAMPLES,
    Probability,
    as_runs,
    average,
    percentile_interval,
    resampled_scores,
)
from openmic_explore.evaluation.scores import COLUMNS, SHARES, score
from openmic_explore.evaluation.significance import bootstrap_p, holm, mcnemar
from openmic_explore.evaluation.weighted import ratio
from openmic_explore.instruments import INSTRUMENTS

PLACES = [COLUMNS.index(metric) for metric in SHARES]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    differences: one row an instrument and metric: instrument, metric, a, b, difference (b - a), low, high, p, p_holm,
    undefined. mcnemar: one row an instrument: cells (observed), only_a, only_b (cells that only the one gets right),
    mcnemar_p, mcnemar_p_holm. means: one row a metric, over the instruments where a and b are both defined:
    instruments (their number), a, b, difference, low, high, p, undefined.
    """

    differences: pd.DataFrame
    mcnemar: pd.DataFrame
    means: pd.DataFrame

    def table(self, metric: str = "f1_macro") -> pd.DataFrame:
        """One row an instrument: the differences in one metric, and McNemar's test, which knows no metric but right
        and wrong. Raises ExploreError for a metric that is none."""
        self._check(metric)
        rows = self.differences[self.differences["metric"] == metric]
        return rows.set_index("instrument").drop(columns="metric").join(self.mcnemar)

    def mean(self, metric: str = "f1_macro") -> pd.Series:
        """The row of the mean over instruments. Raises ExploreError for a metric that is none."""
        self._check(metric)
        return self.means.T[metric]

    def _check(self, metric: str) -> None:
        if metric not in self.means.index:
            raise ExploreError(f"There is no metric {metric!r}. There are: {', '.join(self.means.index)}.")


def compare(
    relevance: NDArray[np.floating],
    mask: NDArray[np.bool_],
    a: Probability,
    b: Probability,
    threshold: float = 0.5,
    *,
    keys_a: Sequence[str] | NDArray | None = None,
    keys_b: Sequence[str] | NDArray | None = None,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    groups: NDArray | None = None,
    instruments: tuple[str, ...] = INSTRUMENTS,
) -> Comparison:
    """Compare two models, or two groups of seeds, on the same clips, instrument by instrument.

    relevance, mask, threshold, instruments: as for `score`. a, b: (N, K) probabilities each, or one such array a seed,
    as many as there are on either side. keys_a, keys_b: (N,) the clips' keys, if they are to be checked.
    resamples, seed, groups: see `bootstrap`.

    The bootstrap is paired: each resample scores a and b on the same clips, and only their difference is kept, so what
    makes a clip hard for both falls out. The interval is `percentile_interval`'s, p is `bootstrap_p`'s, p_holm is
    corrected by `holm` for the number of instruments of the same metric, not for the number of metrics: choose one
    beforehand. undefined is the share of resamples left out because a or b is nan in them (for the means: the share of
    instruments that a resample leaves out). Where a or b is undefined in the data, so is their difference.

    McNemar's test is on right or wrong at the threshold over the observed cells, and weighs both alike; it needs one
    answer a clip, so with several seeds on either side its columns are nan.

    With several seeds each score is averaged over the seeds of its side. Interval and p then say whether these very
    weights differ on other clips of the same kind; the seeds are held fixed, so a difference may be real in this sense
    and yet vanish with other seeds: hold it against `spread`. No pairing of seeds is assumed.

    Raises ExploreError when keys or shapes differ, and as `score` and `bootstrap` do.
    """
    _same_clips(keys_a, keys_b, len(np.asarray(mask)))
    sides = [as_runs(a), as_runs(b)]
    shapes = sorted({np.shape(run) for runs in sides for run in runs})
    if len(shapes) > 1:
        raise ExploreError(f"The runs are not of the same clips and instruments: their shapes are {shapes}.")

    value_a, value_b = (
        average([score(relevance, mask, run, threshold, instruments=instruments).to_numpy(float) for run in runs])
        for runs in sides
    )
    value = value_b - value_a
    samples_a, samples_b = (
        resampled_scores(relevance, mask, runs, threshold, resamples=resamples, seed=seed, groups=groups)
        for runs in sides
    )
    samples = np.where(np.isnan(value), np.nan, samples_b - samples_a)[..., PLACES]  # (R, K, shares)
    value_a, value_b = (np.where(np.isnan(value), np.nan, side)[:, PLACES] for side in (value_a, value_b))
    each = percentile_interval(samples, confidence)
    p = bootstrap_p(samples)

    differences = pd.DataFrame(
        {
            "instrument": np.repeat(instruments, len(SHARES)),
            "metric": np.tile(SHARES, len(instruments)),
            "a": value_a.ravel(),
            "b": value_b.ravel(),
            "difference": (value_b - value_a).ravel(),
            "low": each.low.ravel(),
            "high": each.high.ravel(),
            "p": p.ravel(),
            "p_holm": np.apply_along_axis(holm, 0, p).ravel(),
            "undefined": each.undefined.ravel(),
        }
    )
    return Comparison(
        differences,
        _mcnemar_table(relevance, np.asarray(mask, dtype=bool), sides, threshold, instruments),
        _means(value_a, value_b, samples, each.undefined, confidence),
    )


def _means(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    samples: NDArray[np.float64],
    undefined: NDArray[np.float64],
    confidence: float,
) -> pd.DataFrame:
    mean = average(samples, axis=1)
    whole = percentile_interval(mean, confidence)
    defined = ~np.isnan(a)
    return pd.DataFrame(
        {
            "instruments": defined.sum(axis=0),
            "a": average(a),
            "b": average(b),
            "difference": average(b - a),
            "low": whole.low,
            "high": whole.high,
            "p": bootstrap_p(mean),
            "undefined": ratio(np.where(defined, undefined, 0.0).sum(axis=0), defined.sum(axis=0)),
        },
        index=pd.Index(SHARES, name="metric"),
    )


def _mcnemar_table(
    relevance: NDArray[np.floating],
    mask: NDArray[np.bool_],
    sides: list[list[NDArray[np.floating]]],
    threshold: float,
    instruments: tuple[str, ...],
) -> pd.DataFrame:
    cells = mask.sum(axis=0)
    if any(len(runs) > 1 for runs in sides):
        only_a = only_b = p = np.full(len(cells), np.nan)
    else:
        present = np.where(mask, relevance, 0.0) >= 0.5
        right_a, right_b = (((np.asarray(runs[0]) >= threshold) == present) & mask for runs in sides)
        only_a, only_b = (right_a & ~right_b).sum(axis=0), (right_b & ~right_a).sum(axis=0)
        p = np.array(
            [mcnemar(*counts) if seen else np.nan for *counts, seen in zip(only_a, only_b, cells, strict=True)]
        )
    return pd.DataFrame(
        {"cells": cells, "only_a": only_a, "only_b": only_b, "mcnemar_p": p, "mcnemar_p_holm": holm(p)},
        index=pd.Index(instruments, name="instrument"),
    )


def _same_clips(a: Sequence[str] | NDArray | None, b: Sequence[str] | NDArray | None, clips: int) -> None:
    if a is None and b is None:
        return
    if a is None or b is None:
        raise ExploreError("Give the keys of both runs, keys_a and keys_b, or of neither.")
    keys_a, keys_b = np.asarray(a), np.asarray(b)
    if len(keys_a) == len(keys_b) == clips and (keys_a == keys_b).all():
        return
    only_a, only_b = np.setdiff1d(keys_a, keys_b), np.setdiff1d(keys_b, keys_a)
    if len(only_a) or len(only_b):
        what = f"{len(only_a)} clips are in the first only, {len(only_b)} in the second only"
        raise ExploreError(f"The two runs are not of the same clips: {what}. Compare runs of one data set and split.")
    if len(keys_a) == len(keys_b) == clips:
        raise ExploreError("The two runs hold the same clips in another order: sort both by key.")
    raise ExploreError(f"{len(keys_a)} and {len(keys_b)} keys do not name the {clips} clips of the labels.")
