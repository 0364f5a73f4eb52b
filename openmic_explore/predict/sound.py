"""A sound in pieces: no more of it is in memory than is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

LIMIT = 3600.0  # seconds, unless told otherwise
RATES = (1000, 768_000)  # Hz, of what can be sound
LOUDEST = 100.0  # full scale is 1; beyond this, samples are in another unit or damaged
BLOCK = 2**20  # samples, of all channels together, that are decoded at once


class Sound:
    """Mono samples that are read as far as they are asked for, and forgotten once they are behind.

    name: the file, or what the samples are called. rate: Hz. blocks: the samples, (n,) float32 each. expected: how many
    samples there should be. limit: seconds.
    read: samples so far, ended: there are no more. peak: of what was read.
    Raises ExploreError for a rate that no sound has, for more than `limit`, and while reading for samples that are not
    finite or far beyond full scale.
    """

    def __init__(self, name: str, rate: int, blocks: Iterator[NDArray[np.float32]], expected: int, limit: float):
        self.name, self.rate, self.expected, self.limit = name, rate, expected, limit
        self.read, self.ended, self.peak = 0, False, 0.0
        self._blocks = blocks
        self._kept = np.zeros(0, dtype=np.float32)
        if not RATES[0] <= rate <= RATES[1]:
            raise ExploreError(
                f"{name} is said to have {rate:,} samples a second, where sound has {RATES[0]:,} to {RATES[1]:,}: "
                "it is damaged or not audio."
            )
        self._check_length(expected)

    @property
    def seconds(self) -> float:
        """Length of what was read."""
        return self.read / self.rate

    def has(self, start: float, seconds: float) -> bool:
        """Is there sound from `start` (s) on for so long? Reads ahead as far as it must, and forgets nothing."""
        last = self._first(start) + round(seconds * self.rate)
        parts = [self._kept]
        while self.read < last and not self.ended:
            parts.append(self._next())
        self._kept = np.concatenate(parts)
        return self.read >= last

    def piece(self, start: float, seconds: float) -> NDArray[np.float32]:
        """Samples from `start` (s) on for so long, or up to the end. What lies before them cannot be had again."""
        self.has(start, seconds)
        begun = self.read - len(self._kept)
        # A copy, so that what is behind is given back.
        self._kept = self._kept[max(0, self._first(start) - begun) :].copy()
        return self._kept[: round(seconds * self.rate)]

    def _first(self, start: float) -> int:
        return round(start * self.rate)

    def _next(self) -> NDArray[np.float32]:
        block = next(self._blocks, None)
        if block is None:
            self.ended = True
            return self._kept[:0]
        loudest = float(np.abs(block).max(initial=0.0))
        if not loudest <= LOUDEST:  # so that nan is refused too
            raise ExploreError(
                f"{self.name} has samples of {loudest:g}, where full scale is 1: it is damaged or in another unit."
            )
        self.peak = max(self.peak, loudest)
        self.read += len(block)
        self._check_length(self.read)
        return block

    def _check_length(self, samples: int) -> None:
        if samples > self.limit * self.rate:
            raise ExploreError(
                f"{self.name} is {samples / self.rate / 60:,.1f} minutes long, and {self.limit / 60:g} are allowed. "
                "Cut it, or allow more: --limit MINUTES"
            )


@contextmanager
def open_sound(path: str | Path, limit: float = LIMIT) -> Iterator[Sound]:
    """Open an audio file: any that libsndfile decodes (wav, flac, ogg, mp3 and others); channels are averaged.

    Raises ExploreError when the file is missing, damaged, empty or not audio, and as `Sound` does.
    """
    import soundfile

    path = Path(path)
    if path.is_dir():
        raise ExploreError(f"{path} is a folder. Name the audio files in it.")
    if not path.is_file():
        raise ExploreError(f"There is no audio file {path}.")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise _undecodable(path, error) from error
    with file:
        yield Sound(str(path), file.samplerate, _blocks(file, path), file.frames, limit)


def _blocks(file: Any, path: Path) -> Iterator[NDArray[np.float32]]:
    import soundfile

    size = max(1, BLOCK // file.channels)
    # soundfile seeks to where it is after every read, after which an mp3 starts with up to 2,000 wrong samples.
    file.seekable = lambda: False
    try:
        while len(block := file.read(size, dtype="float32", always_2d=True)):
            yield block.mean(axis=1, dtype=np.float32)
    except soundfile.SoundFileError as error:
        raise _undecodable(path, error) from error


def _undecodable(path: Path, error: Exception) -> ExploreError:
    why = str(getattr(error, "error_string", error)).rstrip(".")
    return ExploreError(f"{path} could not be decoded as audio ({why}); it is damaged or not audio.")
