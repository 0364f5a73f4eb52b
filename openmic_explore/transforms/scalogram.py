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
# A response below this share of its peak is left out.
NEGLIGIBLE = 1e-6
# Samples of |W| in a time bin, at least.
OVERSAMPLING = 32


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
    lowest, highest = morse.support(NEGLIGIBLE, gamma, beta)
    # A sample stands for the interval around it, so the clip reaches from half a sample before its first one on.
    edges = (pad - 0.5 + np.linspace(0, signal.size, bins + 1)) / size
    finest = OVERSAMPLING * bins * size / signal.size
    for row in kept:
        scale = float(morse.scale_of(frequency[row], rate, gamma, beta))
        first = int(np.floor(lowest / scale * size / (2 * np.pi)))
        last = min(int(np.ceil(highest / scale * size / (2 * np.pi))) + 1, spectrum.size)
        omega = 2 * np.pi * np.arange(first, last) / size
        # |W| does not care where its band lies, so the band alone is transformed back, at its own rate.
        length = fft.next_fast_len(int(np.ceil(max(2 * (last - first), finest))))
        band = np.zeros(length, dtype=np.complex64)
        band[: last - first] = spectrum[first:last] * morse.response(scale * omega, gamma, beta)
        magnitude[row] = _bin_means(np.abs(fft.ifft(band)) * (length / size), edges * length)
    time = (np.arange(bins) + 0.5) * signal.size / (bins * rate)
    return Scalogram(magnitude, frequency, time)


def _bin_means(values: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of samples at 0, 1, 2, ... between neighbouring edges; the value between two samples is interpolated."""
    pairs = (values[:-1] + values[1:]) / 2
    integral = np.concatenate([[0.0], np.cumsum(pairs, dtype=np.float64)])
    return np.diff(np.interp(edges, np.arange(values.size), integral)) / np.diff(edges)
