"""Audio files in and out, by libsndfile."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path

# What can be a clip or a note. A header may claim anything, and memory is set aside by what it claims.
RATES = (1000, 768_000)  # Hz
LONGEST = 600.0  # seconds
CHANNELS = 32
SAMPLES = 2**27  # of all channels together: half a gigabyte once decoded
LOUDEST = 100.0  # full scale is 1; beyond this, samples are in another unit or damaged


def read_audio(path: str | Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file as mono samples.

    Returns samples (n,) float32, nominally in [-1, 1], the mean of the file's channels, and the rate in Hz.
    Raises ExploreError when the file is missing, is not audio that libsndfile can decode (wav, flac, ogg, mp3 and
    others), or exceeds the bounds above.
    """
    with _opened(path) as file:
        samples, rate = file.read(dtype="float32", always_2d=True), int(file.samplerate)
    loudest = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(loudest):
        raise ExploreError(f"{path} contains samples that are not finite numbers; it is damaged.")
    if loudest > LOUDEST:
        raise ExploreError(
            f"{path} has samples of {loudest:g}, where full scale is 1: it is damaged or in another unit."
        )
    return samples.mean(axis=1, dtype=np.float32), rate


def audio_seconds(path: str | Path) -> float:
    """Length of an audio file, as its header tells. Raises ExploreError as `read_audio` does."""
    with _opened(path) as file:
        return float(file.frames / file.samplerate)


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise ExploreError(f"There is no audio file {path}.")
    try:
        with soundfile.SoundFile(path) as file:
            wrong = _beyond(file.samplerate, file.channels, file.frames)
            if wrong:
                raise ExploreError(f"{path} is said to have {wrong}: it is damaged or no clip.")
            yield file
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise ExploreError(f"{path} could not be decoded as audio ({error}); it is damaged or not audio.") from error


def _beyond(rate: int, channels: int, frames: int) -> str:
    """In what a header's claims exceed the bounds, in a few words; "" when they do not."""
    if not RATES[0] <= rate <= RATES[1]:
        return f"{rate:,} samples a second, where sound has {RATES[0]:,} to {RATES[1]:,}"
    if channels > CHANNELS:
        return f"{channels:,} channels, and {CHANNELS} are allowed"
    if frames > LONGEST * rate:
        return f"{frames / rate / 60:,.1f} minutes of sound, and {LONGEST / 60:g} are allowed"
    if frames * channels > SAMPLES:
        return f"{frames * channels:,} samples, and {SAMPLES:,} are allowed"
    return ""


def write_ogg(path: str | Path, samples: NDArray[np.float32], rate: int, quality: float = 0.4) -> None:
    """Write mono samples (n,) in [-1, 1] as Ogg Vorbis, atomically; the same samples always give the same bytes.

    quality is Vorbis quality / 10, from 0 (about 32 kbit/s mono) to 1 (about 240 kbit/s mono).
    """
    import soundfile

    with atomic_path(path) as temporary:
        with soundfile.SoundFile(
            temporary, "w", rate, 1, format="OGG", subtype="VORBIS", compression_level=1 - quality
        ) as file:
            # libsndfile's Vorbis encoder overflows its stack on very long single writes.
            for start in range(0, len(samples), 65536):
                file.write(samples[start : start + 65536])
        temporary.write_bytes(without_serial(temporary.read_bytes()))


def without_serial(ogg: bytes) -> bytes:
    """An Ogg stream whose pages have 0 in place of the serial number, which libsndfile draws by chance.

    Pages are those of RFC 3533, section 6: the serial number in bytes 14 to 17, a checksum in 22 to 25, the number of
    segments in 26, and their lengths from 27 on. Raises ExploreError for anything else.
    """
    whole, start = bytearray(ogg), 0
    while start < len(whole):
        head = whole[start : start + 27]
        segments = whole[start + 27 : start + 27 + head[-1]]
        end = start + len(head) + len(segments) + sum(segments)
        if head[:4] != b"OggS" or len(head) < 27 or end > len(whole):
            raise ExploreError("What was written is no Ogg stream. Is libsndfile damaged?")
        whole[start + 14 : start + 18] = whole[start + 22 : start + 26] = bytes(4)
        whole[start + 22 : start + 26] = _ogg_checksum(bytes(whole[start:end])).to_bytes(4, "little")
        start = end
    return bytes(whole)


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_checksum(page: bytes) -> int:
    """CRC with generator 0x04c11db7 from 0 on, highest bit first: zlib's is the same from the lowest bit, inverted."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
