"""Log-mel and scalogram of many sounds at once, in PyTorch: for a GPU, and for training on raw audio.

The same numbers as `log_mel` and `scalogram` to 1e-4, on whichever device the samples are, and with gradients. On a CPU
the plain functions are faster; here is what they do, tensor for tensor, from the same plan.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from openmic_explore.errors import ExploreError
from openmic_explore.transforms import morse
from openmic_explore.transforms.bin_means import GROUP, LEAD, TRAIL, BinMeans
from openmic_explore.transforms.log_mel import FFT, HOP, OFFSET, RATE, WINDOW, mel_weights
from openmic_explore.transforms.scalogram import frequency_grid
from openmic_explore.transforms.scalogram_plan import Band, Level, plan


def log_mel_batch(samples: Tensor, rate: float = RATE) -> Tensor:
    """Log-mel spectrograms of VGGish, see `log_mel`.

    samples: (B, n) float32 at 16 kHz, n >= 400. Returns (B, frames, 64) float32 on the samples' device.
    Raises ExploreError for another shape or rate: resample first, `transforms.resample.mono_at(x, rate, target=16000)`.
    """
    _check(samples)
    if rate != RATE or samples.shape[1] < WINDOW:
        raise ExploreError(
            f"log_mel_batch takes at least {WINDOW} samples at {RATE} Hz, not {samples.shape[1]} at {rate} Hz. "
            "Resample by transforms.resample.mono_at(samples, rate, target=16000)."
        )
    frames = samples.unfold(1, WINDOW, HOP)  # (B, n) -> (B, frames, 400)
    window = torch.hann_window(WINDOW, dtype=torch.float64).to(samples)
    weights = torch.from_numpy(mel_weights()).to(samples)
    magnitude = torch.fft.rfft(frames * window, n=FFT).abs()  # (B, frames, 257)
    return torch.log(magnitude @ weights + OFFSET)


def scalogram_batch(
    samples: Tensor,
    rate: float,
    *,
    scales: int = 128,
    bins: int = 128,
    fmin: float = 27.5,
    fmax: float = 19000.0,
    gamma: float = morse.GAMMA,
    beta: float = morse.BETA,
) -> Tensor:
    """Magnitudes of scalograms, see `scalogram`.

    samples: (B, n) float32, mono, equally long; rate: Hz. Returns (B, scales, bins) float32 on the samples' device, rows
    in ascending frequency. Raises ExploreError for samples of another shape or an impossible grid.
    """
    _check(samples)
    frequency_grid(scales, fmin, fmax)
    morse.check_shape(gamma, beta)
    if bins < 1:
        raise ExploreError(f"A scalogram needs at least one time bin, not {bins}; the number must be positive.")
    size = samples.shape[1]
    prepared = plan(size, float(rate), scales, bins, float(fmin), float(fmax), float(gamma), float(beta))
    # The cosine transform (DCT-II), by way of the period that it stands for.
    period = torch.fft.rfft(torch.cat([samples, samples.flip(1)], dim=1))[:, :size]
    spectrum = (period * _half_sample(size, samples.device)).real
    rows: dict[int, Tensor] = {}
    for level in prepared.levels:
        blocks = _block_spectra(level, spectrum)
        for band in level.bands:
            rows |= _from_blocks(level, band, blocks)
    for band in prepared.direct:
        rows |= _from_spectrum(band, spectrum)
    silent = samples.new_zeros(len(samples), bins)
    return torch.stack([rows.get(row, silent) for row in range(scales)], dim=1)


def _check(samples: Tensor) -> None:
    if samples.ndim != 2 or samples.dtype != torch.float32 or 0 in samples.shape:
        raise ExploreError(
            f"A batch of sounds is a float32 tensor (clips, samples), not {samples.dtype} {tuple(samples.shape)}."
        )


@lru_cache(maxsize=4)
def _half_sample(size: int, device: torch.device) -> Tensor:
    """The delay by half a sample as phases (size,): it moves the origin of time to the clip's left edge."""
    turn = torch.arange(size, dtype=torch.float64) * (-math.pi / (2 * size))
    return torch.polar(torch.ones_like(turn), turn).to(device, torch.complex64)


def _block_spectra(level: Level, spectrum: Tensor) -> Tensor:
    part = spectrum[:, : level.size].clone()
    part[:, : level.low] = 0.0
    half = torch.fft.rfft(part)
    ahead, middle = -level.start, min(half.shape[1], level.span + level.start)
    behind, last = level.span - ahead - middle, level.size - half.shape[1]
    mirrored = half[:, last - behind + 1 : last + 1].flip(1).conj()
    signal = torch.cat([half[:, 1 : ahead + 1].flip(1).conj(), half[:, :middle], mirrored], dim=1)
    return torch.fft.ifft(signal.unfold(1, level.block, level.hop))  # (B, blocks, block)


def _from_blocks(level: Level, band: Band, blocks: Tensor) -> dict[int, Tensor]:
    first = level.shared // 2 * band.length // level.block
    kept = level.hop * band.length // level.block
    weights = _weights(band.means, blocks.device)
    rows = {}
    for row in band.rows:
        response = torch.from_numpy(row.response).to(blocks.device)
        product = blocks[:, :, row.first : row.first + len(response)] * response
        modulus = torch.fft.fft(product, n=band.length)[:, :, first : first + kept].abs()  # (B, blocks, kept)
        rows[row.row] = _means(modulus.flatten(1), weights)
    return rows


def _from_spectrum(band: Band, spectrum: Tensor) -> dict[int, Tensor]:
    weights = _weights(band.means, spectrum.device)
    rows = {}
    for row in band.rows:
        response = torch.from_numpy(row.response).to(spectrum.device)
        half = torch.fft.rfft(spectrum[:, row.first : row.first + len(response)] * response, n=band.length).abs()
        ends = half[:, 1 : LEAD + 1].flip(1), half[:, -1 - TRAIL : -1].flip(1)
        rows[row.row] = _means(torch.cat([ends[0], half, ends[1]], dim=1), weights)
    return rows


class _Weights(NamedTuple):
    """A BinMeans as tensors."""

    group: Tensor
    columns: Tensor
    weights: Tensor
    width: Tensor


def _weights(means: BinMeans, device: torch.device) -> _Weights:
    return _Weights(*(torch.from_numpy(array).to(device) for array in means))


def _means(values: Tensor, weights: _Weights) -> Tensor:
    """As BinMeans.of: values (B, samples) -> (B, bins)."""
    sums = values[:, : values.shape[1] // GROUP * GROUP].unflatten(1, (-1, GROUP)).sum(dim=2)
    integral = torch.nn.functional.pad(sums.double().cumsum(dim=1), (1, 0))  # its differences are small against it
    core = integral[:, weights.group].diff(dim=1)
    edge = (values[:, weights.columns] * weights.weights).sum(dim=2)
    return ((core + edge.diff(dim=1)) / weights.width).to(values.dtype)


__all__ = ["log_mel_batch", "scalogram_batch"]
