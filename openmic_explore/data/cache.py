"""What was read from a data folder once, kept in the user's cache folder until a file of the folder changes.

A kept file ends in the SHA-256 of all that comes before: what a disk or a crash has damaged is made again, not read.
"""

import hashlib
import json
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path, cache_dir

LOCK = threading.RLock()  # two threads of one process would share a temporary file
_SEAL = hashlib.sha256().digest_size


def stamp(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of change in ns of a file; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def cached_file(folder: Path, name: str, stamps: object) -> Path:
    """Where the cache keeps `name` for a data folder whose files have these stamps (anything JSON can hold)."""
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    state = hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:16]
    try:
        return cache_dir("data") / f"{place}-{state}-{name}"
    except OSError as error:
        raise _cache_error(error) from error


class Sealing:
    """A file that is being written; what was written so far is summed up on the way."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 (closed by `close`)
        self._sum = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        return self._file.write(data)

    def close(self, *, seal: bool) -> None:
        try:
            if seal:
                self._file.write(self._sum.digest())
        finally:
            self._file.close()


@contextmanager
def writing(cached: Path) -> Iterator[Sealing]:
    """Write a cached file atomically and seal it, then drop what earlier states of the same folder left under its name."""
    try:
        with atomic_path(cached) as temporary:
            file, whole = Sealing(temporary), False
            try:
                yield file
                whole = True
            finally:
                file.close(seal=whole)
    except OSError as error:
        raise _cache_error(error) from error
    place, _, name = cached.name.split("-", 2)
    for old in cached.parent.glob(f"{place}-*-{name}"):
        if old != cached:
            try:
                old.unlink()
            except OSError:
                continue  # another process has it open (Windows) or was faster; it is only a cache


def sealed(path: Path) -> memoryview | None:
    """What a sealed file holds, memory-mapped and without its seal; None when it is not there or not as it was written."""
    try:
        with open(path, "rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):  # ValueError: it is empty
        return None
    content, seal = whole[:-_SEAL], whole[-_SEAL:]
    return content if hashlib.sha256(content).digest() == bytes(seal) else None


def _cache_error(error: OSError) -> ExploreError:
    return ExploreError(
        f"The cache folder cannot be written ({error}). Set OPENMIC_EXPLORE_CACHE to a folder that can, "
        "with some 100 MB free, and start again."
    )
