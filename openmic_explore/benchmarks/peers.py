"""Other ways to the scalogram's picture: at full resolution, by fcwt and by ssqueezepy, with the same averaging."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.transforms import morse
from openmic_explore.transforms.wavelet_transform import scalogram_by_definition

SCALES, BINS, FMIN, FMAX = 128, 128, 27.5, 19000.0
DEFINITION = "full resolution, float64 (the definition)"
# Share of a clip that a float32 transform at full resolution is continued by on either side.
MARGIN = 1 / 16
# Peers leave out what of a response is below this share of its peak, as the fast scalogram does.
NEGLIGIBLE = 1e-5

Picture = NDArray[np.floating]
Peers = dict[str, Callable[[], Picture]]


def peers(samples: NDArray[np.float32], rate: int) -> tuple[Peers, list[str]]:
    """Functions by name that make the picture (128 scales, 128 bins), and what to say of those that are not installed."""
    found: Peers = {
        DEFINITION: lambda: scalogram_by_definition(samples, rate).magnitude,
        "full resolution, float32": full_resolution(samples, rate),
    }
    missing = []
    for name, make in {"ssqueezepy": _ssqueezepy, "fcwt (Morlet), as it comes": _fcwt}.items():
        try:
            found[name] = make(samples, rate)
        except ImportError as error:
            # fcwt imports matplotlib and does not say so in its requirements.
            without = f" without {error.name}" if error.name and error.name not in name else ""
            missing.append(
                f"{name.split()[0]} does not import{without}: not installed? pip install openmic_explore[bench]"
            )
    return found, missing


def agreement(picture: Picture, definition: Picture) -> float:
    """Median relative difference from the definition where that is within 60 dB of its maximum."""
    heard = definition > 1e-3 * definition.max()
    return float(np.median(np.abs(picture[heard] - definition[heard]) / definition[heard]))


def full_resolution(samples: NDArray[np.float32], rate: int) -> Callable[[], Picture]:
    """The transform at every sample in float32, as one would write it for speed: the responses are prepared once, and the
    clip is continued by its mirror image as far as matters, not to twice its length."""
    from scipy import fft

    margin = round(MARGIN * samples.size)
    size = fft.next_fast_len(samples.size + 2 * margin)
    after = size - samples.size - margin
    omega = 2 * np.pi * np.arange(size // 2 + 1) / size
    bands = []
    low, high = morse.support(NEGLIGIBLE)
    for scale in morse.scale_of(np.geomspace(FMIN, FMAX, SCALES), rate):
        part = slice(int(np.searchsorted(omega, low / scale)), int(np.searchsorted(omega, high / scale)))
        bands.append((part, morse.response(scale * omega[part]).astype(np.float32)))

    def run() -> Picture:
        spectrum = fft.rfft(np.pad(samples, (margin, after), mode="symmetric"))
        rows = []
        for part, response in bands:
            analytic = np.zeros(size, dtype=np.complex64)
            np.multiply(spectrum[part], response, out=analytic[part])
            rows.append(_bin_means(fft.ifft(analytic, overwrite_x=True)[margin : margin + samples.size]))
        return np.stack(rows)

    return run


def _bin_means(transform: NDArray[np.complexfloating]) -> Picture:
    """Mean magnitude (bins,) of a row of the transform, bins to the nearest sample."""
    edges = np.linspace(0, transform.size, BINS + 1).round().astype(np.intp)
    return np.add.reduceat(np.abs(transform), edges[:-1]) / np.diff(edges)


def _ssqueezepy(samples: NDArray[np.float32], rate: int) -> Callable[[], Picture]:
    import ssqueezepy

    scales = morse.scale_of(np.geomspace(FMAX, FMIN, SCALES), rate)
    wavelet = ("gmw", {"gamma": morse.GAMMA, "beta": morse.BETA, "norm": "bandpass"})

    def run() -> Picture:
        with _environment("SSQ_PARALLEL", "0"):  # its own switch; without it, it takes every core
            transform, _ = ssqueezepy.cwt(samples, wavelet, scales=scales, fs=rate, padtype="symmetric")
        return np.stack([_bin_means(one) for one in transform[::-1]])

    return run


def _fcwt(samples: NDArray[np.float32], rate: int) -> Callable[[], Picture]:
    import fcwt

    def run() -> Picture:
        _, transform = fcwt.cwt(samples, rate, FMIN, FMAX, SCALES, nthreads=1, scaling="log")
        return np.stack([_bin_means(one) for one in transform[::-1]])

    return run


def plan_fcwt(samples: int) -> bool:
    """Let FFTW try out its plans for so many samples (about 20 s); every later call of fcwt in this process uses them.

    Returns whether there is an fcwt to do so.
    """
    try:
        import fcwt
    except ImportError:
        return False
    planner = fcwt.FCWT(fcwt.Morlet(2.0), 1, True, True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _quiet():  # it writes and talks
        planner.create_FFT_optimization_plan(samples, "FFTW_MEASURE")
    return True


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before: Any = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop what C++ code writes to standard output."""
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
