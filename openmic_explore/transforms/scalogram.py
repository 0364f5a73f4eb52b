"""The scalogram: mean magnitude of the continuous wavelet transform in equal time bins.

The grid of the paper's pictures, 128 scales by 128 bins for ten seconds, unless told otherwise; fine grids for the eye
come from the same function. `scalogram_plan` tells how it is made fast, `wavelet_transform` holds the definition.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.transforms import morse
from openmic_explore.transforms.bin_means import LEAD, TRAIL
from openmic_explore.transforms.resample import mono_at
from openmic_explore.transforms.scalogram_plan import Band, Level, Plan, plan


class Scalogram(NamedTuple):
    """A scalogram and its axes.

    magnitude: (scales, bins), linear, float32 (float64 from `scalogram_by_definition`). frequency: (scales,) Hz,
    ascending. time: (bins,) s, centres of the bins.
    """

    magnitude: NDArray[np.floating]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]


def scalogram(
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
    """Mean magnitude of the wavelet transform in equal time bins.

    W(f, t) = IFFT[X(omega) psi(s omega)], s = omega_0 rate / (2 pi f), with psi at most 2, so that a sine's ridge has
    the sine's amplitude (L1 normalisation). The clip is continued without end by half-sample symmetric reflection.

    samples: (n,) mono or (n, channels), averaged; any length. rate: Hz. scales: rows, spaced logarithmically from fmin
    to fmax (Hz). bins: columns. gamma, beta: the Morse wavelet's shape, see `morse`.
    Returns a Scalogram: magnitude is the mean of |W| over the bin; rows whose wavelet would have more than half its
    peak left at the Nyquist frequency (for the default wavelet those above .434 x rate) are 0, the grid stays.
    Within 2e-2 (and 5e-4 on average) of `scalogram_by_definition` wherever that is within 80 dB of its own maximum.
    Raises ExploreError when the samples are empty or not finite, or the grid is impossible.
    """
    signal = mono_at(samples, rate, target=rate)
    frequency = frequency_grid(scales, fmin, fmax)
    if bins < 1:
        raise ExploreError(f"A scalogram needs at least one time bin, not {bins}; the number must be positive.")
    morse.check_shape(gamma, beta)
    prepared = plan(signal.size, float(rate), scales, bins, float(fmin), float(fmax), float(gamma), float(beta))
    return Scalogram(_magnitude(prepared, signal), frequency, bin_centres(bins, signal.size / rate))


def frequency_grid(scales: int, fmin: float, fmax: float) -> NDArray[np.float64]:
    """Frequencies (scales,) in Hz, logarithmic from fmin to fmax. Raises ExploreError for an impossible grid."""
    if scales < 1 or not 0 < fmin <= fmax < np.inf:
        raise ExploreError(
            f"No scalogram has {scales} scales from {fmin} to {fmax} Hz: all must be positive and fmin at most fmax."
        )
    return np.geomspace(fmin, fmax, scales)


def bin_centres(bins: int, seconds: float) -> NDArray[np.float64]:
    """Centres (bins,) in seconds of equal time bins."""
    return np.asarray((np.arange(bins) + 0.5) * (seconds / bins), dtype=np.float64)


def _magnitude(plan: Plan, signal: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy import fft

    spectrum = fft.dct(signal)  # of the endless mirrored clip, with time counted from the clip's left edge
    magnitude = np.zeros(plan.shape, dtype=np.float32)
    for level in plan.levels:
        blocks = _block_spectra(level, spectrum)
        for band in level.bands:
            _from_blocks(level, band, blocks, magnitude)
    for band in plan.direct:
        _from_spectrum(band, spectrum, magnitude)
    return magnitude


def _block_spectra(level: Level, spectrum: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The level's blocks (blocks, block), transformed."""
    from scipy import fft

    part = spectrum[: level.size].copy()
    part[: level.low] = 0.0
    # Transforms are used in the direction that costs least; the conjugates that come of it have the same magnitude.
    half = fft.rfft(part)
    # The clip is the first half of the period, the second one its mirror image, and so is the transform.
    signal = np.empty(level.span, dtype=np.complex64)
    ahead, middle = -level.start, min(half.size, level.span + level.start)
    np.conj(half[ahead:0:-1], out=signal[:ahead])
    signal[ahead : ahead + middle] = half[:middle]
    behind = signal[ahead + middle :]
    last = level.size - half.size
    np.conj(half[last : last - behind.size : -1], out=behind)
    blocks = np.lib.stride_tricks.sliding_window_view(signal, level.block)[:: level.hop]
    return fft.ifft(blocks)


def _from_blocks(level: Level, band: Band, blocks: NDArray[np.complex64], magnitude: NDArray[np.float32]) -> None:
    """Fill in a band's rows: multiply the blocks' spectra by the response, transform back, keep what is not shared."""
    from scipy import fft

    flat = blocks.view(np.float32)  # real and imaginary parts side by side
    buffer = np.empty((level.blocks, band.length), dtype=np.complex64)
    first = level.shared // 2 * band.length // level.block
    kept = level.hop * band.length // level.block
    modulus = np.empty((level.blocks, kept), dtype=np.float32)
    for row in band.rows:
        width = len(row.response)
        np.multiply(
            flat[:, 2 * row.first : 2 * (row.first + width)],
            np.repeat(row.response, 2),
            out=buffer.view(np.float32)[:, : 2 * width],
        )
        buffer[:, width:] = 0.0
        np.abs(fft.fft(buffer, overwrite_x=True)[:, first : first + kept], out=modulus)
        magnitude[row.row] = band.means.of(modulus.reshape(1, -1))[0]


def _from_spectrum(band: Band, spectrum: NDArray[np.float32], magnitude: NDArray[np.float32]) -> None:
    """Fill in rows that are transformed back from the whole spectrum; |W| is even about both ends of the clip."""
    from scipy import fft

    buffer = np.zeros((len(band.rows), band.length), dtype=np.float32)
    for place, row in enumerate(band.rows):
        width = len(row.response)
        np.multiply(spectrum[row.first : row.first + width], row.response, out=buffer[place, :width])
    half = np.abs(fft.rfft(buffer))
    modulus = np.concatenate([half[:, LEAD:0:-1], half, half[:, -2 : -2 - TRAIL : -1]], axis=1)
    magnitude[[row.row for row in band.rows]] = band.means.of(modulus)
