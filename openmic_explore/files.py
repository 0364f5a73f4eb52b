"""Writing files so that nothing is lost, and knowing them again."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openmic_explore.errors import BusyError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and rename it to `path` when the block ends well.

    The block may create a file or a folder. If it raises, the temporary is removed and whatever stood
    at `path` stays. The temporary keeps the suffix of `path`, since some writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            remove(path)
        os.replace(temporary, path)
    finally:
        remove(temporary)


@contextmanager
def locked(path: Path, doing: str, *, inside: bool = False) -> Iterator[None]:
    """Keep other processes from `doing` something to `path` at the same time; the lock file is gone afterwards.

    inside: it lies in the folder `path`, not beside it, where perhaps nothing can be written.
    Raises BusyError at once when another process holds it.
    """
    from filelock import FileLock, Timeout

    file = path / ".lock" if inside else path.with_name(f".{path.name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(f"Another process is {doing}, {path}. Wait for it to end.") from None
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def remove(path: Path) -> None:
    """Delete a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def nearby(path: str | Path) -> Path:
    """Where a relative path is: here, or one level up, since notebooks run in a folder of their own."""
    path = Path(path).expanduser()
    above = Path("..") / path
    return above if not path.is_absolute() and not path.exists() and above.exists() else path


def cache_dir(*parts: str) -> Path:
    """The user's cache folder for this package, created; OPENMIC_EXPLORE_CACHE overrides the default."""
    override = os.environ.get("OPENMIC_EXPLORE_CACHE")
    if override:
        base = Path(override)
    else:
        from platformdirs import user_cache_path

        base = user_cache_path("openmic_explore", appauthor=False)
    folder = base.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sha256_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
