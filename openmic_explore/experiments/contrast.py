"""Groups of runs held against each other in macro F1, with clips and seeds both counted as chance.

Fast, because nothing but counts at the threshold is resampled: all groups of a figure take a second or two, so that a
notebook can afford every pair. `compare_runs` gives every score, and the same numbers where both give one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.training import Run

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

RESAMPLES = 2000
THRESHOLD = 0.5


@dataclass(frozen=True)
class Sampled:
    """Macro F1 of a group of seeds: values (S, K), a row a seed, and samples (R, K) of the mean over seeds, a row a
    resample of the test clips. Groups that were sampled together saw the same resamples."""

    values: NDArray[np.float64]
    samples: NDArray[np.float64]


class Contrast(NamedTuple):
    """A difference and its interval. clips, seeds: half of what either of the two sources of chance adds."""

    difference: float
    low: float
    high: float
    clips: float
    seeds: float


def sample_groups(
    groups: Mapping[str, Sequence[Run]], data: "OpenMIC", *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Sampled]:
    """Macro F1 over the observed cells of each group's test clips, and of the same resampled clips for all of them.

    Raises ExploreError when a run was trained on other data or predicted other clips than the others.
    """
    from openmic_explore.evaluation import bootstrap
    from openmic_explore.evaluation.bootstrap import average

    flat = [run for runs in groups.values() for run in runs]
    if not flat:
        return {}
    keys = flat[0].predictions[0]
    for run in flat:
        if run.info["fingerprint"] != data.fingerprint:
            raise ExploreError(f"{run.path} was trained on other data than {data.path}. Give its data: --data DIR")
        if run.predictions[0].tolist() != keys.tolist():
            raise ExploreError(f"{run.path} and {flat[0].path} predict different clips.")
    rows = [data.index(str(key)) for key in keys]
    mask = data.mask[rows]
    present = np.where(mask, data.relevance[rows], 0.0) >= 0.5
    decided = np.stack([run.predictions[1] >= THRESHOLD for run in flat])
    ends = np.cumsum([len(runs) for runs in groups.values()])
    parts = [slice(end - len(runs), end) for end, runs in zip(ends, groups.values(), strict=True)]

    def of_groups(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = weighted_f1_macro(present, mask, decided, weights)
        return np.stack([average(scores[:, part], axis=1) for part in parts], axis=1)

    values = weighted_f1_macro(present, mask, decided, np.ones((1, len(rows))))[0]
    samples = bootstrap(of_groups, len(rows), resamples=resamples, seed=seed)
    return {
        name: Sampled(values[part], samples[:, place])
        for place, (name, part) in enumerate(zip(groups, parts, strict=True))
    }


def weighted_f1_macro(
    present: NDArray[np.bool_], mask: NDArray[np.bool_], decided: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Mean of the F1 of "present" and of "absent", with clips weighted, as `evaluation.weighted_scores` has it.

    present, mask: (N, K); decided: (S, N, K), of S runs; weights: (R, N), how often each clip counts. Returns (R, S, K).
    """
    from openmic_explore.evaluation.weighted import ratio

    _, clips, instruments = decided.shape
    weights = weights.astype(np.float32)  # which holds counts of this size exactly

    def count(cells: NDArray[np.bool_]) -> NDArray[np.float64]:
        table = np.moveaxis(cells, 1, 0).reshape(clips, -1).astype(np.float32)
        return (weights @ table).reshape(len(weights), -1, instruments).astype(float)

    positives, negatives = count((mask & present)[None]), count((mask & ~present)[None])
    hits, false_alarms = count(decided & (mask & present)), count(decided & (mask & ~present))
    errors = false_alarms + positives - hits
    rejections = negatives - false_alarms
    return (ratio(2 * hits, 2 * hits + errors) + ratio(2 * rejections, 2 * rejections + errors)) / 2


def paired(a: Sampled, b: Sampled, instruments: Sequence[str]) -> "pd.DataFrame":
    """b minus a, one row an instrument: a, b, difference, low, high, p, p_holm (Holm's over the instruments).

    The interval is of the bootstrap over clips, with the seeds held fixed; see `evaluation.compare`.
    """
    import pandas as pd

    from openmic_explore.evaluation import bootstrap_p, holm, percentile_interval
    from openmic_explore.evaluation.bootstrap import average

    one, other = average(a.values), average(b.values)
    samples = np.where(np.isnan(other - one), np.nan, b.samples - a.samples)
    interval, p = percentile_interval(samples), bootstrap_p(samples)
    columns = {"a": one, "b": other, "difference": other - one, "low": interval.low, "high": interval.high, "p": p}
    return pd.DataFrame(columns | {"p_holm": holm(p)}, index=pd.Index(instruments, name="instrument"))


def contrast(
    parts: Sequence[tuple[float, Sampled]],
    statistic: str = "mean",
    place: int | None = None,
    *,
    confidence: float = 0.95,
) -> Contrast:
    """A weighted sum of groups' scores, such as b minus a: [(1, b), (-1, a)], with an interval for clips and seeds.

    statistic: of a group's scores over the instruments, "mean", or "spread", their standard deviation; place: of one
    instrument alone. The interval is that of the bootstrap over clips, widened by the error of the means over seeds
    (Student's t), as the two are independent: the halves add in quadrature. Groups of one run bring no error of seeds.
    """
    from scipy.stats import t

    from openmic_explore.evaluation import percentile_interval

    def of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if place is not None:
            return scores[:, place]
        with np.errstate(invalid="ignore"):
            return np.nanstd(scores, axis=1, ddof=1) if statistic == "spread" else np.nanmean(scores, axis=1)

    # The spread is of the mean over seeds on either side; a single seed's is larger, by its own noise.
    value = sum(weight * float(of(group.values.mean(axis=0, keepdims=True))[0]) for weight, group in parts)
    samples = np.sum([weight * of(group.samples) for weight, group in parts], axis=0)
    interval = percentile_interval(samples, confidence)
    several = [(weight, of(group.values)) for weight, group in parts if len(group.values) > 1]
    freedom = sum(len(scores) - 1 for _, scores in several)
    error = sum(weight**2 * scores.var(ddof=1) / len(scores) for weight, scores in several) ** 0.5
    seeds = float(t.ppf((1 + confidence) / 2, freedom) * error) if freedom else 0.0
    below, above = value - float(interval.low), float(interval.high) - value
    low, high = value - np.hypot(max(below, 0.0), seeds), value + np.hypot(max(above, 0.0), seeds)
    return Contrast(value, float(low), float(high), (below + above) / 2, seeds)
