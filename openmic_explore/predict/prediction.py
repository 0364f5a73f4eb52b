"""What a run hears in a sound: arrays on one time axis, plain values for JSON, and text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.instruments import INSTRUMENTS

DECIMALS = 5
ROW = 60  # seconds in a row of the time line
MARKS = " .+#"  # no frame, below half the threshold, from half of it, from the threshold on
SAMPLED = (np.arange(10) + 0.5) / 10  # where in a second the frames are looked up


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a run's model hears in a sound: W windows, F frames, K instruments. See `windows` for where they lie.

    source: the file, or what the samples were called. seconds, rate (Hz): the sound's.
    run, model, preset, data, embedding: the run's name, and what it was trained with; about: the same in a sentence.
    window: length of a window, s. start (W,): where each begins, s. clip (W, K): probability that the instrument sounds
    somewhere in it. frame_start, frame_length: where the first frame begins and how long each is, s.
    frame, attention (F, K): score in time and weight, as in `models.Output`.
    threshold: from which probability on an instrument counts as heard. notes: what to know of this sound.
    """

    source: str
    seconds: float
    rate: int
    run: str
    model: str
    preset: str
    data: str
    embedding: str
    about: str
    window: float
    start: NDArray[np.float64]
    clip: NDArray[np.float32]
    frame_start: float
    frame_length: float
    frame: NDArray[np.float32]
    attention: NDArray[np.float32]
    threshold: float = 0.5
    notes: tuple[str, ...] = ()
    instruments: tuple[str, ...] = INSTRUMENTS

    @property
    def end(self) -> NDArray[np.float64]:
        """Where each window ends, or the sound in it: (W,) s."""
        return np.asarray(np.minimum(self.start + self.window, self.seconds), dtype=np.float64)

    @property
    def time(self) -> NDArray[np.float64]:
        """Where each frame begins: (F,) s."""
        return self.frame_start + self.frame_length * np.arange(len(self.frame), dtype=np.float64)

    def heard(self, row: int, top: int | None = None) -> dict[str, float]:
        """Instruments whose probability in a window reaches the threshold, likeliest first, at most `top` of them."""
        order = np.argsort(-self.clip[row], kind="stable")
        reached = [k for k in order if self.clip[row, k] >= self.threshold]
        return {self.instruments[k]: round(float(self.clip[row, k]), DECIMALS) for k in reached[:top]}

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """Everything as plain values, for JSON, with five decimals. top: how many are named as heard in a window."""
        return {
            "file": self.source,
            "seconds": round(self.seconds, DECIMALS),
            "rate": self.rate,
            **{name: getattr(self, name) for name in ("run", "model", "preset", "data", "embedding", "about")},
            "threshold": self.threshold,
            "windows": [
                {
                    "start": _plain(self.start[row]),
                    "end": _plain(self.end[row]),
                    "heard": list(self.heard(row, top)),
                    "probability": self._by_instrument(self.clip[row]),
                }
                for row in range(len(self.clip))
            ],
            "frames": {
                "start": _plain(self.time),
                "length": round(self.frame_length, DECIMALS),
                "score": self._by_instrument(self.frame.T),
                "attention": self._by_instrument(self.attention.T),
            },
            "notes": list(self.notes),
        }

    def _by_instrument(self, values: NDArray[np.floating]) -> dict[str, Any]:
        return dict(zip(self.instruments, _plain(values), strict=True))

    def by_second(self) -> NDArray[np.float64]:
        """Frame scores second by second: the mean of the frames that lie in each, nan where none does; (seconds, K)."""
        second = np.arange(max(1, int(np.ceil(self.seconds))))
        place = np.floor((second[:, None] + SAMPLED - self.frame_start) / self.frame_length).astype(int)  # (S, 10)
        there = (place >= 0) & (place < len(self.frame))
        padded = np.concatenate([self.frame, np.zeros((1, self.frame.shape[1]))])
        total = padded[np.where(there, place, -1)].sum(axis=1)  # (S, 10, K) -> (S, K)
        count = there.sum(axis=1)[:, None]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _plain(values: Any) -> Any:
    """Arrays as lists of Python numbers, rounded; float32 as its nearest short decimal."""
    return np.round(np.asarray(values, dtype=np.float64), DECIMALS).tolist()


def describe(prediction: Prediction, top: int | None = None) -> str:
    """A prediction as text: windows with what is heard in them, then a time line for each of these instruments.

    top: at most so many instruments a window, likeliest first.
    """
    return "\n".join(_lines(prediction, top))


def _lines(found: Prediction, top: int | None) -> Iterator[str]:
    yield f"{found.source}: {found.seconds:.2f} s at {found.rate} Hz"
    yield from (f"  note: {note}" for note in found.notes)
    yield f"  {'from':>7} {'to':>7}  instruments with a probability of at least {found.threshold:g}"
    named: set[str] = set()
    for row, (start, end) in enumerate(zip(found.start, found.end, strict=True)):
        heard = found.heard(row, top)
        named |= set(heard)
        listed = ", ".join(f"{name} {probability:.2f}" for name, probability in heard.items())
        yield f"  {_clock(start):>7} {_clock(end):>7}  {listed or '-'}"
    order = [k for k, name in enumerate(found.instruments) if name in named]
    if not order:
        return
    yield (
        f"  second by second, frame score: # at least {found.threshold:g}, + at least {found.threshold / 2:g}, . below, "
        "blank where the model has no frame"
    )
    scores = found.by_second()
    marks = np.array(list(MARKS))[
        np.isfinite(scores).astype(int) + (scores >= found.threshold / 2) + (scores >= found.threshold)
    ]
    width = max(len(found.instruments[k]) for k in order)
    for begin in range(0, len(marks), ROW):
        yield f"  {_clock(begin, 0):>{width}}"
        for k in order:
            yield f"  {found.instruments[k]:>{width}} |{''.join(marks[begin : begin + ROW, k])}|"


def _clock(seconds: float, decimals: int = 1) -> str:
    """Seconds as minutes and seconds, m:ss.s."""
    tenths = round(seconds * 10**decimals)
    minutes, rest = divmod(tenths, 60 * 10**decimals)
    return f"{minutes}:{rest / 10**decimals:0{3 + decimals if decimals else 2}.{decimals}f}"
