"""Writing a feature so that a run may be cut off at any moment, and the next one goes on.

Beside features/<kind>/ there may lie, until a run has come to its end:

    .<kind>.part/     the feature so far: values.npy at its full size, draft.json (the index without what was left out)
                      and rows.jsonl, a line for every row that is on the disk: [row, CRC-32 of its values], and why it
                      was left out if it was
    .<kind>.before/   a part that was begun for other clips; its rows are taken over first
    .<kind>.old/      the finished feature that is just being replaced
    .<kind>.lock      one process writes at a time

The order makes it safe. A row is noted only when its values are on the disk. index.json is written when all rows are;
from then on `part` is the newest finished feature, whichever steps of putting it into place are still to do.
"""

import contextlib
import errno
import json
import math
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.features.store import (
    FORMAT,
    INDEX,
    VALUES,
    close_features,
    header,
    is_reason,
    map_values,
    misfit,
    read_json,
)
from openmic_explore.files import remove

DRAFT, ROWS = "draft.json", "rows.jsonl"
# Everything is forced to the disk after so many rows or seconds: what a kill can cost.
SYNC_ROWS, SYNC_SECONDS = 128, 5.0


def beside(folder: Path, what: str) -> Path:
    """Where something that belongs to a feature lies while it is computed; what: part, before, old or lock."""
    return folder.with_name(f".{folder.name}.{what}")


def is_tidy(folder: Path) -> bool:
    """Is nothing left beside a feature by a run that was cut off, and is none at work?"""
    return not any(beside(folder, what).exists() for what in ("part", "before", "old", "lock"))


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other processes from writing a feature, and end what one left that was cut off at its very end.

    Raises ExploreError when another process is writing it.
    """
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    path = beside(folder, "lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ExploreError(f"Another process is computing {folder}. Wait for it to end, then start again.") from None
    try:
        old = beside(folder, "old")
        if (beside(folder, "part") / INDEX).is_file():
            _put_into_place(folder)
        elif folder.exists():
            remove(old)
        elif old.exists():
            os.replace(old, folder)
        yield
    finally:
        with contextlib.suppress(OSError):  # where an open file cannot be deleted, releasing it does
            path.unlink()
        lock.release()


def clear(folder: Path) -> None:
    """Delete what was begun beside a claimed feature, as with parameters that nobody wants any more."""
    remove(beside(folder, "part"))
    remove(beside(folder, "before"))


def _put_into_place(folder: Path) -> None:
    """Make a finished part the feature; may be cut off anywhere and called again."""
    part, old = beside(folder, "part"), beside(folder, "old")
    for file in part.iterdir():
        if file.name not in (VALUES, INDEX):
            remove(file)
    close_features()
    if folder.exists():
        remove(old)
        os.replace(folder, old)
    os.replace(part, folder)
    remove(old)


class Rows(Protocol):
    """Rows that are there already: of a finished feature, or of a part."""

    @property
    def values(self) -> NDArray[np.uint8]: ...
    @property
    def row(self) -> dict[str, int]: ...
    @property
    def left_out(self) -> dict[str, dict[str, Any]]: ...


@dataclass(frozen=True)
class _Part:
    """A part as an earlier run left it.

    draft: the content of draft.json. noted: rows, with why if they were left out. crc32: of the same rows' values.
    """

    path: Path
    draft: dict[str, Any]
    values: NDArray[np.uint8]
    noted: dict[int, dict[str, Any] | None]
    crc32: dict[int, int]

    @property
    def row(self) -> dict[str, int]:
        return {self.draft["keys"][row]: row for row, why in self.noted.items() if why is None}

    @property
    def left_out(self) -> dict[str, dict[str, Any]]:
        return {self.draft["keys"][row]: why for row, why in self.noted.items() if why is not None}


def _read_part(path: Path) -> _Part | None:
    """What an earlier run left; None if that is nothing, or cannot be used."""
    try:
        draft = read_json(path / DRAFT)
        if misfit({"left_out": {}, **draft}):
            return None
        values = map_values(path / VALUES, (len(draft["keys"]), *draft["shape"]))
        noted: dict[int, dict[str, Any] | None] = {}
        sums: dict[int, int] = {}
        for line in (path / ROWS).read_bytes().split(b"\n")[:-1]:  # a last line without its end was cut off
            row, crc32, *why = json.loads(line)
            if type(row) is not int or not (0 <= row < len(values) and all(map(is_reason, why)) and len(why) <= 1):
                return None
            if zlib.crc32(values[row]) == crc32:  # what the disk has lost is computed again
                noted[row], sums[row] = why[0] if why else None, crc32
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return _Part(path, draft, values, noted, sums)


class Writer:
    """Writes a claimed feature row by row, going on with what an earlier run left; a context manager.

    folder: where the feature will be. keys: its clips, in row order. info: what index.json shall hold beside these; its
    "shape" is a row's. stamp: tells the state of a clip's file, [bytes, ns]; a clip that was left out stays so only
    while it is the same. After `finish` the feature is in its place; leaving the block earlier keeps what is done.
    Raises ExploreError when the disk lacks room.
    """

    def __init__(self, folder: Path, keys: list[str], info: dict[str, Any], stamp: Callable[[str], list[int]]) -> None:
        self.folder, self.keys = folder, keys
        self.draft = json.loads(json.dumps({"format": FORMAT, **info, "keys": keys}))
        self.shape = tuple(self.draft["shape"])
        self.part = beside(folder, "part")
        self._stamp = stamp
        self._row = {key: row for row, key in enumerate(keys)}
        self._noted: dict[int, dict[str, Any] | None] = {}
        self._crc32: dict[int, int] = {}
        self._fresh: list[int] = []  # noted, but not yet in rows.jsonl
        self._start = len(header((len(keys), *self.shape)))
        self._synced = time.monotonic()
        self._files = contextlib.ExitStack()

    def __enter__(self) -> Self:
        before = beside(self.folder, "before")
        found = _read_part(self.part)
        if found is None or found.draft != self.draft:
            # While `before` is there its rows are still being taken over, so this part has nothing that it lacks.
            if found is not None and self._is_alike(found) and not before.exists():
                os.replace(self.part, before)
            remove(self.part)
            self._begin()
        else:
            self._noted = {row: why for row, why in found.noted.items() if self._holds(self.keys[row], why)}
            self._crc32 = found.crc32
        try:
            self._values = self._files.enter_context(open(self.part / VALUES, "r+b"))
            self._notes = self._files.enter_context(open(self.part / ROWS, "r+b"))
            self._notes.seek(self._notes.read().rfind(b"\n") + 1)
            self._notes.truncate()  # a line that was cut off
            earlier = _read_part(before)
            if earlier is not None and self._is_alike(earlier):
                self.take_over(earlier)
            remove(before)
        except BaseException:
            self._close()
            raise
        return self

    def _begin(self) -> None:
        """Lay out the files at their full size, so that a disk that is too small is told at once."""
        size = self._start + len(self.keys) * math.prod(self.shape)
        free = shutil.disk_usage(self.part.parent).free
        if size > 0.98 * free:
            raise ExploreError(
                f"{self.folder} needs {size / 1e6:,.1f} MB and {free / 1e6:,.1f} MB are free. Make room, then start again."
            )
        self.part.mkdir()
        try:
            with open(self.part / VALUES, "wb") as file:
                file.write(header((len(self.keys), *self.shape)))
                file.truncate(size)
                _reserve(file.fileno(), size)
            (self.part / ROWS).touch()
            (self.part / DRAFT).write_text(json.dumps(self.draft), encoding="utf-8")
        except BaseException:
            remove(self.part)
            raise

    def _is_alike(self, part: _Part) -> bool:
        """Was it begun for the same, but for the clips?"""
        return {**part.draft, "keys": None} == {**self.draft, "keys": None}

    def _holds(self, key: str, why: dict[str, Any] | None) -> bool:
        return why is None or why["stamp"] == self._stamp(key)

    @property
    def pending(self) -> list[str]:
        """Clips that are still to do."""
        return [key for row, key in enumerate(self.keys) if row not in self._noted]

    def take_over(self, rows: Rows) -> None:
        """Copy what is there of the clips that are still to do; rows: computed with the same parameters."""
        places, left_out = rows.row, rows.left_out
        for key in self.pending:
            if key in places:
                self.write(key, rows.values[places[key]])
            elif key in left_out and self._holds(key, left_out[key]):
                self._leave_out(key, left_out[key])
        self.sync()

    def write(self, key: str, values: NDArray[np.uint8]) -> None:
        """Keep the values of a clip. Raises ExploreError for another shape or type than the feature's."""
        if values.shape != self.shape or values.dtype != np.uint8:
            raise ExploreError(
                f"{key}: {values.dtype} {values.shape} does not fit {self.folder.name}, which is uint8 {self.shape}."
            )
        self._keep(key, values, None)

    def leave_out(self, key: str, reason: str) -> None:
        """Note that a clip cannot be computed from its file as it is, and why."""
        self._leave_out(key, {"reason": reason, "stamp": self._stamp(key)})

    def _leave_out(self, key: str, why: dict[str, Any]) -> None:
        self._keep(key, np.zeros(self.shape, dtype=np.uint8), why)

    def _keep(self, key: str, values: NDArray[np.uint8], why: dict[str, Any] | None) -> None:
        row = self._row[key]
        self._values.seek(self._start + row * math.prod(self.shape))
        self._values.write(np.ascontiguousarray(values).data)
        self._noted[row], self._crc32[row] = why, zlib.crc32(np.ascontiguousarray(values).data)
        self._fresh.append(row)
        if len(self._fresh) >= SYNC_ROWS or time.monotonic() - self._synced > SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Force the values to the disk, then note their rows there."""
        self._values.flush()
        os.fsync(self._values.fileno())
        for row in self._fresh:
            why = self._noted[row]
            line = [row, self._crc32[row]] if why is None else [row, self._crc32[row], why]
            self._notes.write(json.dumps(line).encode() + b"\n")
        self._notes.flush()
        self._fresh.clear()
        self._synced = time.monotonic()

    def finish(self) -> None:
        """Write the index and put the feature into its place. Raises ExploreError while clips are still to do."""
        if self.pending:
            raise ExploreError(f"{len(self.pending):,} clips of {self.folder} are still to do.")
        self.sync()
        left_out = {self.keys[row]: why for row, why in sorted(self._noted.items()) if why is not None}
        made = self.part / f"{INDEX}.new"
        with open(made, "w", encoding="utf-8") as file:
            crc32 = [self._crc32[row] for row in range(len(self.keys))]
            file.write(json.dumps({**self.draft, "left_out": left_out, "crc32": crc32}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._files.close()
        os.replace(made, self.part / INDEX)
        _put_into_place(self.folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._values.closed:
            with contextlib.suppress(OSError):  # a full disk, which has been told already
                self.sync()
            self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # closing writes what is left, if it can
            self._files.close()


def _reserve(file: int, size: int) -> None:
    """Let the disk set room aside. Raises OSError when it lacks it; where it cannot tell, writing will."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV):
                raise
