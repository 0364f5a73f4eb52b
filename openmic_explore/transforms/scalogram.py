"""The scalogram: magnitude of the analytic wavelet transform with generalised Morse wavelets."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.transforms import morse
from openmic_explore.transforms.resample import mono_at

# Above this share of the rate the default wavelet's response has not come down to half its peak at the Nyquist frequency.
HIGHEST = 0.434
# Standard deviations of the longest wavelet's envelope that are added as padding on each side.
PADDING = 6.0


class Scalogram(NamedTuple):
    """magnitude (scales, bins) float32, linear; frequency (scales,) Hz ascending; time (bins,) s, bin centres."""

    magnitude: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]


def scalogram(
    samples: NDArray[np.floating],
    rate: int,
    *,
    scales: int = 128,
    bins: int = 128,
    fmin: float = 27.5,
    fmax: float = 19000.0,
    gamma: float = 3.0,
    beta: float = 20.0,
) -> Scalogram:
    """Mean magnitude of the wavelet transform in equal time bins.

    W(f, t) = IFFT[X(omega) psi(s omega)], s = w0 rate / (2 pi f), with psi at most 2, so that a sine's ridge has
    the sine's amplitude (L1 normalisation). The clip is continued by half-sample symmetric reflection.

    samples: (n,) mono, rate in Hz. scales: rows, spaced logarithmically from fmin to fmax (Hz). bins: columns.
    Returns a Scalogram: magnitude is the mean of |W| over the bin; rows above .434 x rate are 0, the grid stays.
    Raises ExploreError when the samples are not mono, empty or not finite, or the grid is impossible.
    """
    if scales < 1 or bins < 1 or not 0 < fmin <= fmax or min(gamma, beta) <= 0:
        raise ExploreError(
            f"No scalogram has {scales} scales from {fmin} to {fmax} Hz, {bins} bins, gamma {gamma} and beta {beta}: "
            "all must be positive and fmin at most fmax."
        )
    from scipy import fft

    signal = mono_at(samples, rate, target=rate)
    frequency = np.geomspace(fmin, fmax, scales)
    kept = np.flatnonzero(frequency <= HIGHEST * rate)
    magnitude = np.zeros((scales, bins), dtype=np.float32)
    # A Morse wavelet's envelope spreads over about sqrt(beta gamma / 2) radians of its own oscillation.
    deviation = np.sqrt(gamma * beta / 2) * rate / (2 * np.pi * fmin)
    pad = int(np.ceil(PADDING * deviation))
    size = fft.next_fast_len(signal.size + 2 * pad, real=True)
    after = size - signal.size - pad
    spectrum = fft.rfft(np.pad(signal, (pad, after), mode="symmetric"))
    omega = 2 * np.pi * np.arange(spectrum.size) / size
    analytic = np.zeros(size, dtype=np.complex64)
    for row in kept:
        scale = morse.scale_of(frequency[row], rate, gamma, beta)
        analytic[: spectrum.size] = spectrum * morse.response(scale * omega, gamma, beta).astype(np.float32)
        subband = np.abs(fft.ifft(analytic))[pad : pad + signal.size]
        magnitude[row] = _bin_means(subband, bins)
    time = (np.arange(bins) + 0.5) * signal.size / (bins * rate)
    return Scalogram(magnitude, frequency, time)


def _bin_means(values: NDArray[np.float32], bins: int) -> NDArray[np.float64]:
    """Means of values (n,) in `bins` equal stretches, samples on an edge counted by their share."""
    integral = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    edges = np.linspace(0, values.size, bins + 1)
    return np.diff(np.interp(edges, np.arange(values.size + 1), integral)) * bins / values.size
