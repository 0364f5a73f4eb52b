"""The wavelet transform by its definition: at full resolution, in float64, slow, and easy to read.

It is what the fast `scalogram` is held against, and what to use for a look at phase or at single samples.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from openmic_explore.transforms import morse
from openmic_explore.transforms.resample import mono_at
from openmic_explore.transforms.scalogram import Scalogram, bin_centres, frequency_grid


def wavelet_transform(
    samples: NDArray[np.floating],
    rate: float,
    frequency: NDArray[np.floating],
    *,
    gamma: float = morse.GAMMA,
    beta: float = morse.BETA,
) -> NDArray[np.complex128]:
    """The analytic wavelet transform W(f, t) of a sound at every sample.

        W(f, t) = IFFT[X(omega) psi(s omega)](t),    s = omega_0 rate / (2 pi f)

    The clip is continued without end by half-sample symmetric reflection (x[-1] = x[0], x[n] = x[n - 1]), so its
    spectrum is that of one period, the clip and its mirror image.

    samples: (n,) mono or (n, channels), rate in Hz; frequency: (scales,) Hz. Returns (scales, n) complex128: a sine of
    amplitude a has |W| = a on its ridge. Takes 16 bytes a scale and sample: 900 MB for ten seconds and 128 scales.
    Raises ExploreError for samples that are empty or not finite.
    """
    signal = mono_at(samples, rate, target=rate)
    return np.stack(list(_rows(signal, rate, np.asarray(frequency), gamma, beta)))


def _rows(
    signal: NDArray[np.float32], rate: float, frequency: NDArray[np.floating], gamma: float, beta: float
) -> Iterator[NDArray[np.complex128]]:
    size = 2 * signal.size
    spectrum = fft.fft(np.concatenate([signal, signal[::-1]]).astype(np.float64))
    omega = 2 * np.pi * np.arange(size) / size
    omega[omega > np.pi] = 0.0  # the negative half: the wavelets are analytic
    for scale in morse.scale_of(frequency, rate, gamma, beta):
        yield fft.ifft(spectrum * morse.response(scale * omega, gamma, beta))[: signal.size]


def scalogram_by_definition(
    samples: NDArray[np.floating],
    rate: float,
    *,
    scales: int = 128,
    bins: int = 128,
    fmin: float = 27.5,
    fmax: float = 19000.0,
    gamma: float = morse.GAMMA,
    beta: float = morse.BETA,
) -> Scalogram:
    """The same as `scalogram`, from the transform at every sample: a sample stands for the interval around it.

    magnitude is float64 here.
    """
    signal = mono_at(samples, rate, target=rate)
    frequency = frequency_grid(scales, fmin, fmax)
    magnitude = np.zeros((scales, bins))
    edges = np.linspace(0, signal.size, bins + 1)
    kept = frequency <= morse.highest_frequency(rate, gamma, beta)
    for row, transform in enumerate(_rows(signal, rate, frequency[kept], gamma, beta)):  # the kept ones come first
        integral = np.concatenate([[0.0], np.cumsum(np.abs(transform))])
        magnitude[row] = np.diff(np.interp(edges, np.arange(signal.size + 1), integral)) / np.diff(edges)
    return Scalogram(magnitude, frequency, bin_centres(bins, signal.size / rate))
