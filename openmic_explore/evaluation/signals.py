"""What may tell when an instrument sounds: attention, frame score, their product, and controls that know less."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

# A weight kept in half precision may fall short of 1/T by one part in 2,048 and shall still count as 1/T.
SLACK = 1e-3


@dataclass(frozen=True)
class Signal:
    """N clips, T frames, K instruments: larger where the instrument is more likely to sound.

    values: (N, T, K); nan in all frames of a clip and instrument where there is no signal, finite elsewhere.
    Frame t holds for start + t x step to start + (t + 1) x step, in seconds; for frames with centres c, c + step, ...
    (a CNN's) start is c - step / 2. threshold: an instrument is taken to sound in a frame whose value is at least this.

    Raises ExploreError for other shapes, a step that is not above 0, or a clip and instrument with some nan.
    """

    values: NDArray[np.floating]
    step: float
    start: float = 0.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if np.ndim(self.values) != 3 or not np.shape(self.values)[1]:
            raise ExploreError(f"A signal must be (clips, frames, instruments), not {np.shape(self.values)}.")
        if not 0 < self.step < np.inf or not np.isfinite(self.start):
            raise ExploreError(
                f"Frames must begin at a number of seconds, in steps above 0: {self.start}, {self.step}."
            )
        infinite = ~np.isfinite(self.values)
        if (infinite.any(axis=1) & ~np.isnan(self.values).all(axis=1)).any():
            raise ExploreError("A signal must be finite in all frames of a clip and instrument, or nan in all of them.")


def frame_signal(frame: NDArray[np.floating], step: float, start: float = 0.0) -> Signal:
    """A model's frame score (N, T, K), in [0, 1] (repaired) or (-1, 1) (published); sounding from .5 on.

    .5 in both presets: a clip that is all such frames has just the clip output that counts as present.
    """
    return Signal(frame, step, start)


def attention_signal(attention: NDArray[np.floating], step: float, start: float = 0.0) -> Signal:
    """A model's attention (N, T, K), which sums to 1 over T; sounding from the uniform weight 1/T on.

    Attention has no level of its own: it tells the frames of one clip apart. A frame is taken to sound when it gets at
    least its even share. So an attention that tells nothing apart marks every frame, which is the answer to beat.
    """
    return Signal(attention, step, start, (1 - SLACK) / np.shape(attention)[1])


def product(frame: Signal, attention: Signal) -> Signal:
    """Attention times frame score: large where the model looks and says yes. Sounding from .5/T on.

    Plainly multiplied, in both presets. In `published` the score lies in (-1, 1) and the product is what the frame adds
    to the clip's sum; a negative score is evidence against, and the more so the more it is attended. In `repaired` the
    score is a probability, so the product is at least 0 and is not what the frame adds to the log-odds.
    .5/T is the product of the two thresholds. Raises ExploreError when the two are not on the same frames.
    """
    if np.shape(frame.values) != np.shape(attention.values) or (frame.step, frame.start) != (
        attention.step,
        attention.start,
    ):
        raise ExploreError(
            f"Frame score {np.shape(frame.values)} and attention {np.shape(attention.values)} must be on the same frames."
        )
    # In double precision: half precision would round away small products, or turn them into ties.
    values = np.asarray(frame.values, dtype=float) * attention.values
    return replace(frame, values=values, threshold=frame.threshold * attention.threshold)


def uniform(like: Signal) -> Signal:
    """The control that knows nothing: weight 1/T in every frame. Its frame AUC is .5; it marks every frame."""
    frames = np.shape(like.values)[1]
    return attention_signal(np.full(np.shape(like.values), 1 / frames), like.step, like.start)


def energy(loudness: NDArray[np.floating], step: float, start: float = 0.0, *, instruments: int = 20) -> Signal:
    """The control that hears but does not tell instruments apart: loudness, the same for each of them.

    loudness: (N, T), at least 0, for example `frame_energy` of every clip. It is divided by the clip's sum, so that it
    sums to 1 over T as attention does and is thresholded alike (a silent clip is uniform).
    Raises ExploreError for a loudness that is negative or nan.
    """
    loudness = np.asarray(loudness, dtype=float)
    if loudness.ndim != 2 or not (loudness >= 0).all():
        raise ExploreError(f"loudness must be (clips, frames) and nowhere negative or nan; it is {loudness.shape}.")
    total = loudness.sum(axis=1, keepdims=True)
    share = np.where(total > 0, loudness / np.where(total > 0, total, 1.0), 1 / loudness.shape[1])
    return attention_signal(np.repeat(share[:, :, None], instruments, axis=2), step, start)


def frame_energy(
    samples: NDArray[np.floating], rate: float, *, step: float, frames: int, start: float = 0.0
) -> NDArray[np.float64]:
    """Mean square of a clip's samples (n,) in each frame, (frames,). rate in Hz; step, start in seconds, as in Signal.

    A sample belongs to the frame in which its time falls; 0 where a frame has no sample.
    """
    edges = np.ceil((start + step * np.arange(frames + 1)) * rate - 1e-6).astype(int).clip(0, len(samples))
    power = np.append(0.0, np.cumsum(np.square(samples, dtype=float)))
    return np.diff(power[edges]) / np.maximum(np.diff(edges), 1)


def shuffled(signal: Signal, present: NDArray[np.bool_], *, seed: int = 0) -> Signal:
    """The control that knows which instruments sound but not when: the signal of another clip, for each instrument.

    present: (N, K) bool, where the instrument sounds somewhere in the clip. A clip with the instrument gets the signal
    of another clip with it, a clip without it that of another without it: every signal is used once and none stays.
    What is left above .5 is what clips have in common, such as entries late in the clip.
    Where a clip has no such other, nan. Raises ExploreError when present has another shape.
    """
    clips, _, instruments = np.shape(signal.values)
    if np.shape(present) != (clips, instruments):
        raise ExploreError(f"present {np.shape(present)} must be (clips, instruments) = {(clips, instruments)}.")
    rng = np.random.default_rng(seed)
    values = np.full(np.shape(signal.values), np.nan)
    for k in range(instruments):
        for state in (True, False):
            order = rng.permutation(np.flatnonzero(present[:, k] == state))
            if len(order) > 1:  # one cycle through all of them, so that none stays where it is
                values[order, :, k] = np.asarray(signal.values)[np.roll(order, 1), :, k]
    return replace(signal, values=values)


def swapped(signal: Signal, present: NDArray[np.bool_]) -> Signal:
    """The control that knows when something sounds but not what: the signal of another instrument of the same clip.

    present: (N, K) bool, where the instrument sounds somewhere in the clip. The instruments that sound in a clip pass their
    signals on to the next of them; loudness, which is the same for all, loses nothing by that. nan where an instrument
    does not sound or no other does. Raises ExploreError when present has another shape.
    """
    clips, _, instruments = np.shape(signal.values)
    if np.shape(present) != (clips, instruments):
        raise ExploreError(f"present {np.shape(present)} must be (clips, instruments) = {(clips, instruments)}.")
    values = np.full(np.shape(signal.values), np.nan)
    for clip, sounding in enumerate(present):
        order = np.flatnonzero(sounding)
        if len(order) > 1:
            values[clip][:, order] = np.asarray(signal.values)[clip][:, np.roll(order, 1)]
    return replace(signal, values=values)
