"""What there is to see of a clip, in which resolution and colours; computed when it is asked for, and kept for a while."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Enum, Float, HasTraits, List, Unicode

from openmic_explore.errors import ExploreError
from openmic_explore.figures.clip import TITLES
from openmic_explore.figures.panels import Wave

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.features import Picture
    from openmic_explore.training import Run

# (scales, bins) of the scalogram.
PAPER = "128"
RESOLUTIONS = {PAPER: (128, 128), "256": (256, 500), "512": (512, 1000)}
SHOWN = ("waveform", "log_mel", "scalogram", "attention", "truth")
FLOOR, CEILING = -80.0, 0.0  # dB; both pictures hold no more
# A sine of amplitude 1 in the log-mel, ln(100): both pictures are in dB relative to it.
FULL_SCALE = float(np.log(100.0))
COLUMNS = 1000  # of a waveform
KEPT = 12
DEVIATIONS = 3.0  # of a standardised input, at either end of the colours

T = TypeVar("T")


class PictureState(HasTraits):
    """How pictures are drawn.

    panels: which. beside: pictures in pairs beside each other. tall: twice as high. pitch: note names on the frequency
    axes. resolution: of the scalogram. floor, ceiling: dB at the ends of the colours. cnn: the run whose input is shown.
    """

    panels = List(Enum(tuple(TITLES)), list(SHOWN))
    beside = Bool(False)
    tall = Bool(False)
    pitch = Bool(False)
    resolution = Enum(tuple(RESOLUTIONS), PAPER)
    floor = Float(FLOOR)
    ceiling = Float(CEILING)
    cnn = Unicode()


class Pictures:
    """A data set's clips as pictures and waveforms. Each raises ExploreError for a clip that lacks what it is made of."""

    def __init__(self, data: "OpenMIC") -> None:
        self.data = data
        self._kept: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def _once(self, name: tuple[str, ...], make: Callable[[], T]) -> T:
        if name not in self._kept:
            self._kept[name] = make()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        found: T = self._kept[name]
        return found

    def has(self, key: str, resolution: str) -> bool:
        """Is the scalogram at hand, so that it takes no time?"""
        return resolution == PAPER or ("scalogram", key, resolution) in self._kept

    def log_mel(self, key: str) -> "Picture":
        """The log-mel spectrogram in dB relative to a sine of amplitude 1."""
        return self._once(("log_mel", key), lambda: in_decibels(self._views(key)[0]))

    def scalogram(self, key: str, resolution: str = PAPER) -> "Picture":
        """The scalogram in dB: the kept one in the paper's resolution, or a finer one, from the audio."""
        if resolution == PAPER:
            return self._views(key)[1]
        return self._once(("scalogram", key, resolution), lambda: self._fine(key, *RESOLUTIONS[resolution]))

    def _fine(self, key: str, scales: int, bins: int) -> "Picture":
        from openmic_explore.features.kinds import Scalograms, picture

        return picture(Scalograms(scales, bins), *self._audio(key))

    def _views(self, key: str) -> tuple["Picture", "Picture"]:
        from openmic_explore.features import clip_views

        return self._once(("views", key), lambda: clip_views(self.data, key))

    def _audio(self, key: str) -> tuple[NDArray[np.float32], int]:
        return self._once(("audio", key), lambda: self.data.audio(key))

    def wave(self, key: str) -> Wave:
        """The waveform."""
        return self._once(("wave", key), lambda: envelope(*self._audio(key)))

    def loudness(self, key: str, step: float) -> NDArray[np.float64]:
        """Mean square of the sound in whole frames of `step` seconds, (frames,)."""
        from openmic_explore.evaluation import frame_energy

        samples, rate = self._audio(key)
        return frame_energy(samples, rate, step=step, frames=max(1, round(len(samples) / rate / step)))

    def network(self, key: str, run: "Run") -> "Picture":
        """What goes into the first layer of a CNN that reads scalograms: its input scaling applied, as a picture.

        Raises ExploreError when the run's weights cannot be read, or do not fit the picture.
        """
        picture = self.scalogram(key)
        offset, scale = input_scale(run)
        if len(offset) not in (1, len(picture.values)):
            raise ExploreError(f"{run.name} reads {len(offset)} scales, and this scalogram has {len(picture.values)}.")
        values = (picture.values - offset) / scale
        if run.info.get("options", run.config.options).get("scaling") == "standard":
            low, high, unit = -DEVIATIONS, DEVIATIONS, "σ"
        else:
            low, high, unit = (
                float((0 - offset).min() / scale.max()),
                float((255 - offset).max() / scale.min()),
                "input",
            )
        levels = np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        return picture._replace(values=levels, low=low, high=high, unit=unit)


def in_decibels(picture: "Picture") -> "Picture":
    """A log-mel, whose values are natural logarithms, in dB relative to a sine of amplitude 1."""
    factor = 20 / np.log(10)
    low, high = ((value - FULL_SCALE) * factor for value in (picture.low, picture.high))
    return picture._replace(low=float(low), high=float(high), unit="dB")


def envelope(samples: NDArray[np.floating], rate: float) -> Wave:
    """A sound's least and greatest sample in each of at most COLUMNS equal stretches."""
    edges = np.linspace(0, len(samples), min(COLUMNS, len(samples)) + 1).astype(int)[:-1]
    return Wave(np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges), len(samples) / rate)


def thinned(picture: "Picture", columns: int) -> "Picture":
    """A picture of at most so many columns, each the mean of its neighbours."""
    by = -(-len(picture.time) // columns)
    if by < 2:
        return picture
    starts = np.arange(0, len(picture.time), by)
    counts = np.diff(np.append(starts, len(picture.time)))
    values = np.add.reduceat(picture.values.astype(float), starts, axis=1) / counts
    whole = len(picture.time) // by  # a last column of fewer would stand off the even grid
    time = picture.time[: whole * by].reshape(whole, by).mean(axis=1)
    return picture._replace(values=np.round(values[:, :whole]).astype(np.uint8), time=time)


def input_scale(run: "Run") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A run's offset and scale of its input, without torch. Raises ExploreError when its weights cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights = load_file(run.path / "weights.safetensors")
        return weights["scale.offset"], weights["scale.scale"]
    except (OSError, KeyError, SafetensorError) as error:
        raise ExploreError(
            f"{run.path / 'weights.safetensors'} is missing or damaged ({error}). Delete the run and train it again: "
            "openmic-explore train --help"
        ) from error
