"""The log-mel spectrogram: the front end of VGGish.

Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017.
Magnitude spectra of 25 ms periodic Hann windows every 10 ms, 64 HTK mel bands from 125 to 7,500 Hz, ln(x + .01).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openmic_explore.transforms.resample import mono_at

RATE = 16000
WINDOW = 400
HOP = 160
FFT = 512
BANDS = 64
FMIN = 125.0
FMAX = 7500.0
OFFSET = 0.01


def hz_to_mel(frequency: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """HTK's mel scale: 1127 ln(1 + f / 700), f in Hz."""
    return 1127.0 * np.log1p(np.asarray(frequency, dtype=np.float64) / 700.0)


def mel_to_hz(mel: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """The inverse of `hz_to_mel`."""
    return 700.0 * np.expm1(np.asarray(mel, dtype=np.float64) / 1127.0)


def band_frequencies() -> NDArray[np.float64]:
    """Centre frequencies (64,) in Hz of the mel bands, ascending."""
    return mel_to_hz(np.linspace(hz_to_mel(FMIN), hz_to_mel(FMAX), BANDS + 2)[1:-1])


def frame_times(frames: int) -> NDArray[np.float64]:
    """Centres (frames,) in seconds of the windows."""
    return (np.arange(frames) * HOP + WINDOW / 2) / RATE


@lru_cache(maxsize=1)
def mel_weights() -> NDArray[np.float64]:
    """Weights (257, 64) from FFT bins to mel bands: triangles that are linear in mel; the row for 0 Hz is zero."""
    bins = hz_to_mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    edges = np.linspace(hz_to_mel(FMIN), hz_to_mel(FMAX), BANDS + 2)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


def log_mel(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """Log-mel spectrogram of VGGish.

    samples: (n,) mono in [-1, 1]; rate: Hz, resampled to 16 kHz by soxr HQ where it differs.
    Returns (frames, 64) float32, natural logarithm, lowest band first; frame i covers the 25 ms from i x 10 ms on,
    and frames = 1 + (n - 400) // 160 at 16 kHz. A sound shorter than one window is padded with silence to one.
    Raises ExploreError when the samples are not mono, empty or not finite.
    """
    signal = mono_at(samples, rate, target=RATE).astype(np.float64)
    if signal.size < WINDOW:
        signal = np.pad(signal, (0, WINDOW - signal.size))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP]
    magnitude = np.abs(np.fft.rfft(frames * window, FFT, axis=1))
    return np.log(magnitude @ mel_weights() + OFFSET).astype(np.float32)
