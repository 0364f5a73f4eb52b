"""The kinds of feature that a store can keep: what each is computed with, and how it becomes 8 bits."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from openmic_explore.features.store import Picture
from openmic_explore.transforms.embedding import Embedding

# Natural log of a band's magnitude: ln(.01) is silence; a full-scale sine gives ln(100) = 4.6 in its band.
LOG_MEL_RANGE = (-4.61, 4.61)
# dB relative to a sine of amplitude 1.
SCALOGRAM_RANGE = (-80.0, 0.0)


class Kind(Protocol):
    """A feature of a clip: its name, what decides its numbers, and how it is computed."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> dict[str, Any]: ...

    def compute(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.uint8]:
        """The feature of samples (n,), mono, at `rate` Hz."""
        ...

    def axes(self, values: NDArray[np.uint8], seconds: float) -> dict[str, Any]:
        """What index.json tells of the values of a clip of so many seconds: axes, range, unit."""
        ...


def quantise(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] to 0..255, rounding to the nearest and clipping what lies outside."""
    return np.round(np.clip((values - low) / (high - low), 0.0, 1.0) * 255).astype(np.uint8)


@dataclass(frozen=True)
class LogMel:
    """VGGish's log-mel spectrogram as a picture (64, frames), lowest band first."""

    name = "log_mel"

    @property
    def parameters(self) -> dict[str, Any]:
        from openmic_explore.transforms.log_mel import BANDS, FFT, FMAX, FMIN, HOP, OFFSET, RATE, WINDOW
        from openmic_explore.transforms.resample import RESAMPLER

        return {
            "rate": RATE,
            "window": WINDOW,
            "hop": HOP,
            "fft": FFT,
            "bands": BANDS,
            "fmin": FMIN,
            "fmax": FMAX,
            "offset": OFFSET,
            "resampler": RESAMPLER,
            "range": list(LOG_MEL_RANGE),
        }

    def compute(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.uint8]:
        from openmic_explore.transforms import log_mel

        return quantise(log_mel(samples, rate).T, *LOG_MEL_RANGE)

    def axes(self, values: NDArray[np.uint8], seconds: float) -> dict[str, Any]:  # noqa: ARG002
        from openmic_explore.transforms.log_mel import band_frequencies, frame_times

        return _axes(band_frequencies(), frame_times(values.shape[1]), LOG_MEL_RANGE, "ln")


@dataclass(frozen=True)
class Scalograms:
    """The scalogram as a picture (scales, bins) in dB; the fields are those of `transforms.scalogram`."""

    scales: int = 128
    bins: int = 128
    fmin: float = 27.5
    fmax: float = 19000.0
    gamma: float = 3.0
    beta: float = 20.0

    name = "scalogram"

    @property
    def parameters(self) -> dict[str, Any]:
        return {**asdict(self), "range": list(SCALOGRAM_RANGE)}

    def compute(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.uint8]:
        from openmic_explore.transforms import scalogram

        magnitude = scalogram(samples, rate, **asdict(self)).magnitude
        return quantise(20 * np.log10(np.maximum(magnitude, 1e-10)), *SCALOGRAM_RANGE)

    def axes(self, values: NDArray[np.uint8], seconds: float) -> dict[str, Any]:  # noqa: ARG002
        from openmic_explore.transforms.scalogram import bin_centres, frequency_grid

        time = bin_centres(self.bins, seconds)
        return _axes(frequency_grid(self.scales, self.fmin, self.fmax), time, SCALOGRAM_RANGE, "dB")


@dataclass(frozen=True)
class Embedded:
    """An embedding: vectors (frames, dimension)."""

    embedding: Embedding

    @property
    def name(self) -> str:
        return self.embedding.name

    @property
    def parameters(self) -> dict[str, Any]:
        made = self.embedding
        return {
            "embedding": made.name,
            "rate": made.rate,
            "frame_length": made.frame_length,
            "dimension": made.dimension,
        }

    def compute(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.uint8]:
        return self.embedding(samples, rate)

    def axes(self, values: NDArray[np.uint8], seconds: float) -> dict[str, Any]:  # noqa: ARG002
        return {"frame_length": self.embedding.frame_length}


def _axes(
    frequency: NDArray[np.float64], time: NDArray[np.float64], value_range: tuple[float, float], unit: str
) -> dict[str, Any]:
    low, high = value_range
    return {
        "low": low,
        "high": high,
        "unit": unit,
        "frequency": [round(float(value), 4) for value in frequency],
        "time": [round(float(value), 6) for value in time],
    }


def picture(kind: LogMel | Scalograms, samples: NDArray[np.floating], rate: int) -> Picture:
    """The picture of samples (n,) at `rate` Hz."""
    values = kind.compute(np.asarray(samples), rate)
    axes = kind.axes(values, len(samples) / rate)
    return Picture(
        values, np.asarray(axes["frequency"]), np.asarray(axes["time"]), axes["low"], axes["high"], axes["unit"]
    )
