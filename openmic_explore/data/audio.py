"""Audio files in and out, by libsndfile."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path


def read_audio(path: str | Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file as mono samples.

    Returns samples (n,) float32, nominally in [-1, 1], the mean of the file's channels, and the rate in Hz.
    Raises ExploreError when the file is missing or is not audio that libsndfile can decode
    (wav, flac, ogg, mp3 and others).
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise ExploreError(f"There is no audio file {path}.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ExploreError(f"{path} could not be decoded as audio ({error}); it is damaged or not audio.") from error
    mono = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise ExploreError(f"{path} contains samples that are not finite numbers; it is damaged.")
    return mono, int(rate)


def write_ogg(path: str | Path, samples: NDArray[np.float32], rate: int, quality: float = 0.4) -> None:
    """Write mono samples (n,) in [-1, 1] as Ogg Vorbis, atomically.

    quality is Vorbis quality / 10, from 0 (about 32 kbit/s mono) to 1 (about 240 kbit/s mono).
    """
    import soundfile

    with (
        atomic_path(path) as temporary,
        soundfile.SoundFile(
            temporary, "w", rate, 1, format="OGG", subtype="VORBIS", compression_level=1 - quality
        ) as file,
    ):
        # libsndfile's Vorbis encoder overflows its stack on very long single writes.
        for start in range(0, len(samples), 65536):
            file.write(samples[start : start + 65536])
