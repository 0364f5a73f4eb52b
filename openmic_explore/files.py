"""Writing files so that nothing is lost, and knowing them again."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and rename it to `path` when the block ends well.

    The block may create a file or a folder. If it raises, the temporary is removed and whatever stood
    at `path` stays. The temporary keeps the suffix of `path`, since some writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            _remove(path)
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
