"""The transforms against their peers, one thread, on a ten-second stereo Ogg file."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.benchmarks.harness import (
    SEVERAL_THREADS,
    Result,
    Timing,
    interleaved,
    machine,
    numbers,
    one_thread,
    row,
    table,
)
from openmic_explore.benchmarks.peers import DEFINITION, agreement, peers, plan_fcwt
from openmic_explore.data.audio import read_audio
from openmic_explore.transforms import log_mel, scalogram
from openmic_explore.transforms.log_mel import BANDS, FFT, FMAX, FMIN, HOP, OFFSET, RATE, WINDOW
from openmic_explore.transforms.resample import mono_at

FLOOR = "decode + one real FFT"
# Of the quick functions: what is divided by what.
QUICK = (
    ("scalogram", FLOOR),
    ("scalogram", "decode, mix to mono + one real FFT"),
    ("musicnn embedding", FLOOR),
    ("log-mel from 16 kHz", "librosa's from 16 kHz"),
    ("log-mel from the clip's rate", "librosa's from the clip's rate"),
)

Functions = dict[str, Callable[[], Any]]


def transforms(
    clip: Path | None = None,
    *,
    rounds: int = 15,
    slow_rounds: int = 3,
    tell: Callable[[str], object] = lambda _: None,
) -> Result:
    """Measure the transforms.

    clip: a ten-second file; without one a teaching clip is written as stereo Ogg. rounds: of the quick functions;
    slow_rounds: of the peers that take seconds. tell: called with what is being measured. Peers that are not installed
    are named. Raises ExploreError when the clip cannot be decoded.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = clip or stereo_clip(Path(folder) / "clip.ogg")
        samples, rate = read_audio(path)
        quick = _quick(path, samples, rate)  # imports everything, ahead of pinning
        others, missing = peers(samples, rate)
        with one_thread():
            tell(f"the package's own, {rounds} rounds")
            found = interleaved(quick, rounds)
            pairs = [(found[one], found[other]) for one, other in QUICK]
            definition = others[DEFINITION]()
            differences = {"scalogram": agreement(quick["scalogram"]().magnitude, definition)}
            for name in list(others):
                pairs.append(_against(name, others[name], quick["scalogram"], slow_rounds, tell))
                differences[name] = agreement(others[name](), definition)
            tell("fcwt's planning, about 20 s")
            if plan_fcwt(samples.size):  # last: what FFTW has learnt it does not forget
                name = "fcwt (Morlet), FFTW's plans tried out beforehand"
                fcwt = next(peer for other, peer in others.items() if other.startswith("fcwt"))
                pairs.append(_against(name, fcwt, quick["scalogram"], slow_rounds, tell))
    differences.pop(DEFINITION)
    notes = [
        f"Medians here: {', '.join(f'{name} {1000 * timing.median:.1f} ms' for name, timing in found.items())}.",
        "Median difference from the definition within 60 dB of its maximum: "
        f"{', '.join(f'{name} {value:.1g}' for name, value in differences.items())} (Morlet's is another wavelet).",
        machine(),
        *(
            f"Not on one thread: {timing.name} kept {timing.threads:.1f} busy."
            for timing in {timing.name: timing for pair in pairs for timing in pair}.values()
            if timing.threads > SEVERAL_THREADS
        ),
        *missing,
    ]
    return Result(
        "\n".join([table([row(f"{one.name} / {other.name}", one, other) for one, other in pairs]), "", *notes]),
        {
            "benchmark": "transforms",
            "clip": {"source": "given" if clip else "teaching", "seconds": samples.size / rate, "rate": rate},
            "ratios": {f"{one.name} / {other.name}": numbers(one, other) for one, other in pairs},
            "median_seconds": {name: timing.median for name, timing in found.items()},
            "difference_from_definition": differences,
            "missing": missing,
        },
    )


def _against(
    name: str, peer: Callable[[], Any], ours: Callable[[], Any], rounds: int, tell: Callable[[str], object]
) -> tuple[Timing, Timing]:
    tell(f"{name}, {rounds} rounds")
    pair = interleaved({"scalogram": ours, name: peer}, rounds)
    return pair[name], pair["scalogram"]


def stereo_clip(path: Path) -> Path:
    """Two clips of the teaching set as a stereo Ogg file that takes as long to decode as the official ones (137 kB).

    One is the middle and the other, softer, the sides: two equal channels would be coded, and decoded, as one.
    """
    import soundfile

    from openmic_explore.data import OpenMIC

    data = OpenMIC.teaching()
    (middle, rate), (sides, _) = (data.audio(key) for key in data.audio_keys[:2])
    both = np.column_stack([middle + 0.3 * sides, middle - 0.3 * sides])
    both /= max(1.0, float(np.abs(both).max()))
    with soundfile.SoundFile(path, "w", rate, 2, format="OGG", subtype="VORBIS", compression_level=0.6) as file:
        for start in range(0, len(both), 65536):
            file.write(both[start : start + 65536])
    return path


def _quick(path: Path, samples: NDArray[np.float32], rate: int) -> Functions:
    import librosa
    import soundfile
    import torch  # noqa: F401 (so that it is there to be pinned)
    from scipy import fft

    from openmic_explore.transforms.musicnn import MusicnnEmbedding

    low = mono_at(samples, rate, target=RATE)
    weights = librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=BANDS, fmin=FMIN, fmax=FMAX, htk=True, norm=None)
    embed = MusicnnEmbedding()

    def peer(signal: NDArray[np.float32]) -> Any:
        spectrum = librosa.stft(signal, n_fft=FFT, hop_length=HOP, win_length=WINDOW, center=False)
        return np.log(weights @ np.abs(spectrum) + OFFSET)

    def resampled() -> Any:
        return librosa.resample(samples, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")

    return {
        FLOOR: lambda: (soundfile.read(path, dtype="float32"), fft.rfft(samples)),
        "decode, mix to mono + one real FFT": lambda: fft.rfft(read_audio(path)[0]),
        "scalogram": lambda: scalogram(samples, rate),
        "musicnn embedding": lambda: embed(samples, rate),
        "log-mel from 16 kHz": lambda: log_mel(low, RATE),
        "librosa's from 16 kHz": lambda: peer(low),
        "log-mel from the clip's rate": lambda: log_mel(samples, rate),
        "librosa's from the clip's rate": lambda: peer(resampled()),
    }
