"""The transforms against their peers, one thread, on a ten-second stereo Ogg file."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.benchmarks.harness import interleaved, machine, row, table
from openmic_explore.transforms import log_mel, morse, scalogram
from openmic_explore.transforms.log_mel import BANDS, FFT, FMAX, FMIN, HOP, OFFSET, RATE, WINDOW
from openmic_explore.transforms.wavelet_transform import scalogram_by_definition

SCALES, BINS = 128, 128


def transforms(clip: Path | None = None, *, rounds: int = 15, slow_rounds: int = 3) -> str:
    """Measure and return the table. clip: a ten-second file; without one a teaching clip is written as stereo Ogg.

    rounds: of the quick functions; slow_rounds: of the peers that take seconds. Peers that are not installed are named.
    """
    from scipy import fft
    from threadpoolctl import threadpool_limits

    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        path = clip or _stereo(Path(folder) / "clip.ogg")
        samples, rate = _decode(path)
        quick: dict[str, Callable[[], Any]] = {
            "floor": lambda: fft.rfft(_decode(path)[0]),
            "scalogram": lambda: scalogram(samples, rate),
            **_quick(samples, rate),
        }
        found = interleaved(quick, rounds)
        rows = [
            row("scalogram / (decode + one real FFT)", found["scalogram"], found["floor"]),
            row("log-mel at 16 kHz / librosa's", found["log_mel"], found["librosa"]),
            row("musicnn embedding of ten seconds / (decode + one real FFT)", found["musicnn"], found["floor"]),
        ]
        peers, missing = _peers(samples, rate)
        for name, peer in peers.items():
            pair = interleaved({"scalogram": quick["scalogram"], name: peer}, slow_rounds)
            rows.append(row(f"{name} / scalogram", pair[name], pair["scalogram"]))
        milliseconds = ", ".join(f"{name} {1000 * timing.median:.1f} ms" for name, timing in found.items())
    notes = [f"not installed, left out: {name} (pip install openmic_explore[bench])" for name in missing]
    return "\n".join([table(rows), "", f"Medians here: {milliseconds}. {machine()}", *notes])


def _stereo(path: Path) -> Path:
    """A clip of the teaching set as a stereo Ogg file of about the official ones' size."""
    import soundfile

    from openmic_explore.data import OpenMIC

    data = OpenMIC.teaching()
    samples, rate = data.audio(data.audio_keys[0])
    both = np.column_stack([samples, np.roll(samples, 200)])
    with soundfile.SoundFile(path, "w", rate, 2, format="OGG", subtype="VORBIS", compression_level=0.5) as file:
        for start in range(0, len(both), 65536):
            file.write(both[start : start + 65536])
    return path


def _decode(path: Path) -> tuple[NDArray[np.float32], int]:
    from openmic_explore.data.audio import read_audio

    return read_audio(path)


def _quick(samples: NDArray[np.float32], rate: int) -> dict[str, Callable[[], Any]]:
    import librosa
    import torch

    from openmic_explore.transforms.musicnn import MusicnnEmbedding
    from openmic_explore.transforms.resample import mono_at

    torch.set_num_threads(1)
    low = mono_at(samples, rate, target=RATE)
    weights = librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=BANDS, fmin=FMIN, fmax=FMAX, htk=True, norm=None)
    embed = MusicnnEmbedding()

    def peer() -> Any:
        spectrum = librosa.stft(low, n_fft=FFT, hop_length=HOP, win_length=WINDOW, center=False)
        return np.log(weights @ np.abs(spectrum) + OFFSET)

    return {"log_mel": lambda: log_mel(low, RATE), "librosa": peer, "musicnn": lambda: embed(low, RATE)}


def _peers(samples: NDArray[np.float32], rate: int) -> tuple[dict[str, Callable[[], Any]], list[str]]:
    """Other ways to the same picture, each with the same averaging; and the names of those that are not installed."""
    frequency = np.geomspace(27.5, 19000.0, SCALES)
    edges = np.linspace(0, samples.size, BINS + 1).astype(int)[:-1]

    def pooled(transform: NDArray[Any]) -> Any:
        return np.add.reduceat(np.abs(transform), edges, axis=1)

    peers: dict[str, Callable[[], Any]] = {
        "full resolution, float64 (the definition)": lambda: scalogram_by_definition(samples, rate),
        "full resolution, float32": lambda: _full(samples, rate, frequency, edges),
    }
    missing = []
    try:
        import fcwt

        peers["fcwt (Morlet)"] = lambda: pooled(fcwt.cwt(samples, rate, 27.5, 19000.0, SCALES)[1])
    except ImportError:
        missing.append("fcwt")
    try:
        import ssqueezepy

        scales = morse.scale_of(frequency[::-1], rate)
        wavelet = ("gmw", {"gamma": morse.GAMMA, "beta": morse.BETA, "norm": "bandpass"})
        peers["ssqueezepy"] = lambda: pooled(ssqueezepy.cwt(samples, wavelet, scales=scales, fs=rate)[0])
    except ImportError:
        missing.append("ssqueezepy")
    return peers, missing


def _full(samples: NDArray[np.float32], rate: int, frequency: NDArray[np.float64], edges: NDArray[np.intp]) -> Any:
    from scipy import fft

    spectrum = fft.rfft(np.concatenate([samples, samples[::-1]]))
    size = 2 * samples.size
    omega = 2 * np.pi * np.arange(spectrum.size) / size
    rows = []
    for scale in morse.scale_of(frequency, rate):
        analytic = np.zeros(size, dtype=np.complex64)
        analytic[: spectrum.size] = spectrum * morse.response(scale * omega).astype(np.float32)
        rows.append(np.add.reduceat(np.abs(fft.ifft(analytic)[: samples.size]), edges))
    return np.array(rows)
