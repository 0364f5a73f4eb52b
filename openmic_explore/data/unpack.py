"""Unpacking an archive that may be hostile: only plain files, only inside the folder, no more than is expected."""

import gzip
import hashlib
import re
import tarfile
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from openmic_explore.data.fetch import write_all
from openmic_explore.errors import ExploreError

_CHUNK = 2**20
# A header of the archive (a long name, say) is read in one piece; the official ones take 512 bytes.
_LONGEST_READ = 2**22
_DEEPEST = 8
# Forbidden on one system or another, or able to hide something in a terminal.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')


@dataclass(frozen=True)
class Bounds:
    """What an archive may hold at most: bytes once decompressed, members, characters of a path."""

    bytes: int
    members: int = 200_000
    path: int = 200


def safe_path(name: str, *, longest: int = 200) -> str | None:
    """The relative path that `name` means, with / between its parts; None when it is not certain to stay in its folder.

    Absolute paths, `..`, backslashes, colons, control characters, more than `longest` characters or 8 levels are not.
    """
    path = PurePosixPath(name)
    parts = path.parts
    if not parts or path.is_absolute() or ".." in parts or len(parts) > _DEEPEST or len(name) > longest:
        return None
    return None if _UNSAFE.search(name) else str(path)


def unpack(
    archive: Path, into: Path, *, top: str, bounds: Bounds, only: Container[str] | None = None, progress: bool = False
) -> dict[str, str]:
    """Unpack the folder `top` of a .tgz so that its content lies in the existing, empty folder `into`.

    only: the paths below `top` to unpack (default: all). A link becomes a copy of the file that it names, which must
    lie before it in the archive. Modes, owners and times are not taken over; what macOS leaves in archives (._name) is
    left out. Returns {path below `top`: MD5 of what was written}.
    Raises ExploreError when the archive is damaged, holds anything that would leave the folder or is no file, folder or
    such a link, or exceeds `bounds`; and when the disk is full.
    """
    from tqdm.auto import tqdm

    done: dict[str, str] = {}
    bar = tqdm(total=archive.stat().st_size, desc="unpacking", unit="B", unit_scale=True, disable=not progress)
    with bar, _errors(archive), open(archive, "rb") as packed, gzip.GzipFile(fileobj=packed) as plain:
        stream: Any = _Bounded(plain, bounds.bytes)
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            number = 0
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
                number += 1
                if number > bounds.members:
                    raise _RefusedError(f"it has more than {bounds.members:,} members")
                path = _place(member, top, bounds)
                if path is not None and (only is None or path in only):
                    _unpack_member(tar, member, path, done, into, top)
                bar.update(packed.tell() - bar.n)
        # To the very end, where gzip's own checksum is.
        while plain.read(_CHUNK):
            if plain.tell() > bounds.bytes:
                raise _RefusedError(f"it is larger than {bounds.bytes:,} bytes")
    return done


class _RefusedError(Exception):
    """The archive is not what it should be; the message says in what."""


class _Bounded:
    """A stream that refuses to give more than `limit` bytes in all, or very many at once."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self.stream = stream
        self.limit = limit

    def tell(self) -> int:
        return self.stream.tell()

    def seek(self, offset: int) -> int:
        if offset > self.limit:
            raise _RefusedError(f"it is larger than {self.limit:,} bytes")
        return self.stream.seek(offset)

    def read(self, size: int) -> bytes:
        if size > _LONGEST_READ:
            raise _RefusedError("one of its headers is far too large")
        if self.stream.tell() + size > self.limit + tarfile.BLOCKSIZE:
            raise _RefusedError(f"it is larger than {self.limit:,} bytes")
        return self.stream.read(size)


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, done: dict[str, str], into: Path, top: str
) -> None:
    target = into / path
    if member.isdir():
        _writing(into, lambda: target.mkdir(parents=True, exist_ok=True))
        return
    if member.issym() or member.islnk():
        chunks = _linked(member, path, done, into, top)
    elif member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and (source := tar.extractfile(member)):
        chunks = iter(partial(source.read, _CHUNK), b"")
    else:
        raise _RefusedError(f"{member.name[:80]!r} is neither a file nor a folder")
    digest = hashlib.md5(usedforsecurity=False)
    with _writing(into, lambda: _created(target)) as file:
        for chunk in chunks:
            digest.update(chunk)
            _writing(into, partial(write_all, file, chunk))
    done[path] = digest.hexdigest()


def _created(target: Path) -> Any:
    target.parent.mkdir(parents=True, exist_ok=True)
    return open(target, "wb", buffering=0)


def _place(member: tarfile.TarInfo, top: str, bounds: Bounds) -> str | None:
    """Where below `top` a member belongs; None for one that is left out."""
    if member.name in ("", ".", "./"):
        return None  # the folder that the archive was made in
    path = safe_path(member.name, longest=bounds.path)
    if path is None:
        raise _RefusedError(f"{member.name[:80]!r} would leave the folder or is no name for a file")
    first, _, rest = path.partition("/")
    if PurePosixPath(path).name.startswith("._"):
        return None
    if first != top or (not rest and not member.isdir()):
        raise _RefusedError(f"{member.name[:80]!r} is not in {top}/")
    return rest or None


def _linked(member: tarfile.TarInfo, path: str, done: dict[str, str], into: Path, top: str) -> Iterator[bytes]:
    """What a link stands for, if that is a file that was unpacked before."""
    name = member.linkname
    if member.issym():  # beside the link; a hard link counts from the top of the archive
        parts: list[str] = list(PurePosixPath(path).parent.parts)
        for part in PurePosixPath(name).parts:
            parts = parts[:-1] if part == ".." and parts else [*parts, part]
        inside = "/".join(parts)
    else:
        inside = name.removeprefix("./").removeprefix(f"{top}/")
    if inside not in done or inside == path:
        raise _RefusedError(f"{member.name[:80]!r} is a link to {name[:80]!r}, which is no file that came before it")
    with open(into / inside, "rb") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")


def _writing(into: Path, act: Callable[[], Any]) -> Any:
    """Do something to the disk, whose errors are not the archive's."""
    try:
        return act()
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise _RefusedError("two of its members want the same place") from error
    except OSError as error:
        raise ExploreError(
            f"{into.parent.resolve()} could not be written while unpacking ({error.strerror or error}). The archive is "
            "kept. Make room there and run the same command again."
        ) from error


@contextmanager
def _errors(archive: Path) -> Iterator[None]:
    """Say of whatever goes wrong inside an archive that it is the archive's fault."""
    try:
        yield
    except _RefusedError as error:
        raise ExploreError(f"{archive} was not unpacked: {error}. Delete it and get it from another source.") from error
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise ExploreError(
            f"{archive} could not be unpacked: it is damaged ({str(error)[:200] or type(error).__name__}). Delete it and "
            "run the command again."
        ) from error
