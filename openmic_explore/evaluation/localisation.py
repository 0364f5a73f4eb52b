"""When does an instrument sound? A signal in time held against the known activity.

A model learns from labels that say only that an instrument sounds somewhere in the clip. Where its signal follows the
true activity, it has learned more than it was told.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.bootstrap import (
    RESAMPLES,
    average,
    bootstrap,
    percentile_interval,
)
from openmic_explore.evaluation.scores import MEAN
from openmic_explore.evaluation.signals import Signal
from openmic_explore.evaluation.significance import bootstrap_p
from openmic_explore.evaluation.weighted import ratio
from openmic_explore.instruments import INSTRUMENTS

# Of a frame or segment: steps such as .1 s have no exact binary value.
ROUNDING = 1e-6


def localise(
    signal: Signal,
    active: NDArray[np.bool_],
    frame_length: float,
    *,
    segment: float = 1.0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    groups: NDArray | None = None,
    instruments: tuple[str, ...] = INSTRUMENTS,
) -> pd.DataFrame:
    """Hold a signal against what really sounds, instrument by instrument: `frame_auc` and `segment_counts`.

    A model's figures mean little alone: hold them against those of the controls `uniform`, `energy` and `shuffled`, and
    of the signals of the same model untrained (`localisation_difference` pairs them on clips).

    signal: N clips, K instruments, any frames; active: (N, K, T') bool in frames of frame_length seconds. segment in
    seconds. resamples, seed, groups: see `bootstrap`; the interval is of the mean AUC, over clips.

    Returns one row an instrument, then the row "mean" (means of the AUCs and F1s over the instruments where defined,
    sums of the counts):
    auc_clips (clips that have both states and a signal), auc (mean of `frame_auc` over them), auc_low, auc_high,
    auc_undefined (share of resamples without such a clip; for the mean: of instruments left out);
    hits, false_alarms, misses (segments, all clips), segment_f1;
    false_alarms_present (those in clips where the instrument sounds), segment_f1_present. The first asks which
    instrument and when; the second takes the first answer as given, and is the one for attention, which marks some
    frame in every clip. An F1 is 2TP / (2TP + FP + FN) of the summed counts, nan at 0/0 only.

    Raises ExploreError when shapes differ, or for lengths that are not above 0.
    """
    auc = frame_auc(signal, active, frame_length)
    if len(instruments) != auc.shape[1]:
        raise ExploreError(f"{len(instruments)} instruments do not name the {auc.shape[1]} of the signal.")
    mean = average(auc)
    samples = _resampled_means(auc, resamples, seed, groups)
    each = percentile_interval(samples, confidence)
    whole = percentile_interval(average(samples, axis=1), confidence)

    counts = segment_counts(signal, active, frame_length, segment=segment)  # (N, K, 3)
    present = np.any(active, axis=2)
    hits, false_alarms, misses = counts.sum(axis=0).T
    within = np.where(present, counts[:, :, 1], 0).sum(axis=0)
    table = pd.DataFrame(
        {
            "auc_clips": (~np.isnan(auc)).sum(axis=0),
            "auc": mean,
            "auc_low": each.low,
            "auc_high": each.high,
            "auc_undefined": each.undefined,
            "hits": hits,
            "false_alarms": false_alarms,
            "misses": misses,
            "segment_f1": _f1(hits, false_alarms, misses),
            "false_alarms_present": within,
            "segment_f1_present": _f1(hits, within, misses),
        },
        index=pd.Index(instruments, name="instrument"),
    )
    shares = ["auc", "segment_f1", "segment_f1_present"]
    row = {column: table[column].mean() if column in shares else table[column].sum() for column in table.columns}
    row |= {"auc_low": float(whole.low), "auc_high": float(whole.high)}
    row["auc_undefined"] = table["auc_undefined"][~np.isnan(mean)].mean()
    bottom = pd.DataFrame([row], index=pd.Index([MEAN], name="instrument")).astype(table.dtypes)
    return pd.concat([table, bottom])


def localisation_difference(
    a: Signal,
    b: Signal,
    active: NDArray[np.bool_],
    frame_length: float,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    groups: NDArray | None = None,
    instruments: tuple[str, ...] = INSTRUMENTS,
) -> pd.DataFrame:
    """Does signal b follow the activity better than signal a, such as a control? Paired, by mean frame AUC over clips.

    a, b: signals of the same clips and instruments, on frames of their own. See `localise` and `bootstrap`.

    Returns one row an instrument, then the row "mean": auc_clips (clips where both are defined), a, b,
    difference (b - a), low, high, p (`bootstrap_p`, not corrected for the number of instruments), undefined.
    Raises ExploreError as `localise` does.
    """
    auc_a, auc_b = (frame_auc(signal, active, frame_length) for signal in (a, b))
    if len(instruments) != auc_a.shape[1]:
        raise ExploreError(f"{len(instruments)} instruments do not name the {auc_a.shape[1]} of the signals.")
    both = ~np.isnan(auc_a) & ~np.isnan(auc_b)
    mean_a, mean_b = (average(np.where(both, auc, np.nan)) for auc in (auc_a, auc_b))
    samples = _resampled_means(auc_b - auc_a, resamples, seed, groups)
    samples = np.column_stack([samples, average(samples, axis=1)])
    each = percentile_interval(samples, confidence)
    # The mean leaves out an instrument wherever a resample has none of its clips.
    each.undefined[-1] = average(np.where(both.any(axis=0), each.undefined[:-1], np.nan))
    a_values, b_values = (np.append(mean, average(mean)) for mean in (mean_a, mean_b))
    return pd.DataFrame(
        {
            "auc_clips": np.append(both.sum(axis=0), both.sum()),
            "a": a_values,
            "b": b_values,
            "difference": b_values - a_values,
            "low": each.low,
            "high": each.high,
            "p": bootstrap_p(samples),
            "undefined": each.undefined,
        },
        index=pd.Index([*instruments, MEAN], name="instrument"),
    )


def frame_auc(signal: Signal, active: NDArray[np.bool_], frame_length: float) -> NDArray[np.float64]:
    """Area under the ROC curve over the frames of one clip, for each clip and instrument: (N, K).

    The share of pairs of a sounding and a silent activity frame in which the signal is larger in the sounding one; a
    tie counts half (Mann and Whitney 1947; Hanley and McNeil, "The meaning and use of the area under a ROC curve",
    Radiology 1982). .5 is chance. Compared on the activity's frames, see `frames_at`.

    nan where the clip does not have both states, or has no signal. Because a pair never leaves its clip, a signal gains
    nothing from knowing which clips have the instrument: unlike the AUC of all frames of all clips pooled.
    Raises ExploreError when shapes differ.
    """
    active = _checked(signal, active, frame_length)
    values = np.asarray(signal.values, dtype=float)
    clips, frames, instruments = values.shape
    # Activity frames that take the same signal frame are ties: count them per signal frame instead of repeating it.
    taken = np.eye(frames)[frames_at(signal, active.shape[2], frame_length)]  # (T', T)
    sounding = (active.astype(float) @ taken).transpose(0, 2, 1)  # (N, K, T') -> (N, T, K)
    silent = taken.sum(axis=0)[:, None] - sounding

    order = np.argsort(values, axis=1)
    values, sounding, silent = (np.take_along_axis(array, order, axis=1) for array in (values, sounding, silent))
    differs = values[:, 1:] != values[:, :-1]
    edge = np.ones((clips, 1, instruments), dtype=bool)
    place = np.arange(frames)[:, None]
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=1), place, 0), axis=1)
    last_place = np.where(np.concatenate([differs, edge], axis=1), place, frames - 1)
    last = np.minimum.accumulate(last_place[:, ::-1], axis=1)[:, ::-1]

    up_to = np.cumsum(silent, axis=1)
    below = np.take_along_axis(up_to - silent, first, axis=1)
    below_or_equal = np.take_along_axis(up_to, last, axis=1)
    wins = (sounding * (below + below_or_equal) / 2).sum(axis=1)  # (N, T, K) -> (N, K)
    auc = ratio(wins, sounding.sum(axis=1) * silent.sum(axis=1))
    auc[np.isnan(values).any(axis=1)] = np.nan
    return auc


def mean_auc(
    auc: NDArray[np.floating],
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    groups: NDArray | None = None,
) -> tuple[float, float, float]:
    """The mean of frame AUCs (N, K) over clips and then over instruments, where defined, and its interval over clips.

    auc: `frame_auc` of a signal, its mean over seeds, or a difference of two such arrays, which makes it paired: one number
    where `localise` and `localisation_difference` give a table. Returns (mean, low, high); see `bootstrap` for the rest.
    """
    values: NDArray[np.float64] = np.asarray(auc, dtype=np.float64)
    samples = average(_resampled_means(values, resamples, seed, groups), axis=1)
    interval = percentile_interval(samples, confidence)
    return float(average(average(values))), float(interval.low), float(interval.high)


def segment_counts(
    signal: Signal, active: NDArray[np.bool_], frame_length: float, *, segment: float = 1.0
) -> NDArray[np.int64]:
    """Hits, false alarms and misses over segments of one clip, for each clip and instrument: (N, K, 3).

    Segment-based counts as in Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection", Applied
    Sciences 2016 (DCASE, sed_eval): time is cut into segments from 0 s on, and an instrument is active in a segment if
    it is so in any part of it. Signal and truth are both taken on the activity's frames, see `frames_at`; an activity
    frame that lies across two segments counts in both. Departs from sed_eval, which reads onsets and offsets instead of
    frames, so that an estimate may begin within an activity frame. All 0 where there is no signal, as if the clip were
    not there for this instrument.

    Raises ExploreError when shapes differ, or when segment is not above 0.
    """
    active = _checked(signal, active, frame_length)
    if not 0 < segment < np.inf:
        raise ExploreError(f"A segment must be longer than 0 s; it is {segment}.")
    frames = active.shape[2]
    begin = np.floor(np.arange(frames) * frame_length / segment + ROUNDING).astype(int)
    end = np.ceil(np.arange(1, frames + 1) * frame_length / segment - ROUNDING).astype(int)
    segments = np.arange(end[-1])
    part = (begin[:, None] <= segments) & (segments < end[:, None])  # (T', S)

    values = np.asarray(signal.values, dtype=float)
    marked = (values >= signal.threshold)[:, frames_at(signal, frames, frame_length)].transpose(0, 2, 1)
    truth, guess = ((cells.astype(np.float32) @ part.astype(np.float32)) > 0 for cells in (active, marked))
    counts = np.stack([(truth & guess).sum(2), (~truth & guess).sum(2), (truth & ~guess).sum(2)], axis=2)
    counts[np.isnan(values).any(axis=1)] = 0
    return counts


def frames_at(signal: Signal, frames: int, frame_length: float) -> NDArray[np.intp]:
    """Which signal frame each activity frame takes, (frames,): the one that holds at its centre.

    Activity frame j's centre is at (j + 1/2) x frame_length seconds; on an edge the later signal frame holds. Before
    the first signal frame holds the first, after the last the last, so that all signals are judged by the same frames.
    """
    centre = (np.arange(frames) + 0.5) * frame_length
    place = np.floor((centre - signal.start) / signal.step + ROUNDING).astype(np.intp)
    return place.clip(0, np.shape(signal.values)[1] - 1)


def _checked(signal: Signal, active: NDArray[np.bool_], frame_length: float) -> NDArray[np.bool_]:
    active = np.asarray(active, dtype=bool)
    clips, _, instruments = np.shape(signal.values)
    if active.ndim != 3 or active.shape[:2] != (clips, instruments) or not active.shape[2]:
        raise ExploreError(
            f"active {active.shape} must be (clips, instruments, frames), for a signal of {clips} clips and "
            f"{instruments} instruments."
        )
    if not 0 < frame_length < np.inf:
        raise ExploreError(f"The activity's frames must be longer than 0 s; they are {frame_length}.")
    return active


def _resampled_means(
    values: NDArray[np.float64], resamples: int, seed: int, groups: NDArray | None
) -> NDArray[np.float64]:
    """Means over resampled clips of values (N, K) where defined: (resamples, K)."""
    defined = ~np.isnan(values)
    known = np.where(defined, values, 0.0)
    return bootstrap(
        lambda weights: ratio(weights @ known, weights @ defined.astype(float)),
        len(values),
        resamples=resamples,
        seed=seed,
        groups=groups,
    )


def _f1(hits: NDArray[np.integer], false_alarms: NDArray[np.integer], misses: NDArray[np.integer]) -> NDArray:
    return ratio(2.0 * hits, 2.0 * hits + false_alarms + misses)
