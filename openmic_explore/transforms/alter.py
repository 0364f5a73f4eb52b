"""Altering a sound at random, so that a model hears each instrument as others might have played and recorded it.

Augmentation of the raw audio, which the paper names as future work: another instrument body and room, the same notes.
The filters are second-order sections from R. Bristow-Johnson, "Audio EQ Cookbook" (W3C note, 2021).
"""

import math

import numpy as np
from numpy.typing import NDArray

SEMITONES = 2.0  # at most so far up or down, by playing faster or slower: pitch, formants and tempo move together
GAIN = 9.0  # dB, at most, of each of three filters
LEVEL = 6.0  # dB, at most, of the whole
REVERB = 0.4  # how often there is a room
DECAY = (0.15, 0.8)  # seconds until its sound is down by 60 dB
WET = (0.1, 0.5)


def alter(samples: NDArray[np.float32], rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Another version of a sound: samples (n,) mono in [-1, 1] at `rate` Hz -> (n,) float32.

    Played faster or slower by at most 2 semitones (repeated from the start where it becomes too short), three filters
    of at most 9 dB, sometimes a room, and a level that is at most 6 dB off; lowered where it would exceed 1.
    """
    import soxr
    from scipy.signal import sosfilt

    factor = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
    altered = soxr.resample(samples, rate * factor, rate, quality="HQ")
    altered = np.resize(altered, len(samples)) if len(altered) < len(samples) else altered[: len(samples)]
    sections = [
        section("low", _between(rng, 100, 500), rng.uniform(-GAIN, GAIN), 0.7, rate),
        section("peak", _between(rng, 300, 5000), rng.uniform(-GAIN, GAIN), rng.uniform(0.5, 1.5), rate),
        section("high", _between(rng, 1500, 5000), rng.uniform(-GAIN, GAIN), 0.7, rate),
    ]
    altered = sosfilt(np.stack(sections), altered.astype(float))
    if rng.random() < REVERB:
        altered = _room(altered, rate, rng)
    power = np.square(altered).mean()
    if power > 0:
        level = np.sqrt(np.square(samples, dtype=float).mean() / power) * 10 ** (rng.uniform(-LEVEL, LEVEL) / 20)
        altered = altered * level
    return (altered / max(1.0, np.abs(altered).max())).astype(np.float32)


def section(kind: str, frequency: float, gain: float, q: float, rate: float) -> NDArray[np.float64]:
    """A second-order section (6,) for scipy's sosfilt: "low" shelf, "high" shelf or "peak", of `gain` dB at Hz."""
    omega = 2 * math.pi * min(frequency, 0.45 * rate) / rate
    a, cosine, alpha = 10 ** (gain / 40), math.cos(omega), math.sin(omega) / (2 * q)
    if kind == "peak":
        above = [1 + alpha * a, -2 * cosine, 1 - alpha * a]
        below = [1 + alpha / a, -2 * cosine, 1 - alpha / a]
    else:
        # The high shelf is the low one mirrored in frequency, z -> -z.
        flip = 1 if kind == "low" else -1
        tilt, middle, root = flip * (a - 1) * cosine, flip * (a + 1) * cosine, 2 * math.sqrt(a) * alpha
        above = [a * (a + 1 - tilt + root), flip * 2 * a * (a - 1 - middle), a * (a + 1 - tilt - root)]
        below = [a + 1 + tilt + root, flip * -2 * (a - 1 + middle), a + 1 + tilt - root]
    return np.array([*above, *below]) / below[0]


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """A frequency, evenly in octaves."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _room(sound: NDArray[np.float64], rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The sound and its echo: noise that decays exponentially."""
    from scipy.signal import oaconvolve

    time = np.arange(rate // 2) / rate
    echo = rng.standard_normal(len(time)) * np.exp(-math.log(1000) * time / rng.uniform(*DECAY))
    wet = oaconvolve(sound, echo / np.sqrt(np.square(echo).sum()))[: len(sound)]
    return sound + rng.uniform(*WET) * wet
