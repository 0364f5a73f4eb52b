"""The archive's own list of checksums, and a folder held against it."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openmic_explore.data.keys import KEY
from openmic_explore.data.unpack import safe_path
from openmic_explore.errors import ExploreError

CHECKSUMS = "checksums"
# The official list has some 40,000 lines, 3 MB in all.
_MAX_BYTES, _MAX_FILES = 2**25, 200_000
_MD5 = "[0-9a-fA-F]{32}"
# As md5sum writes it, as BSD's md5 does, and as a table.
_LINES = (
    re.compile(rf"(?P<md5>{_MD5})[ \t]+\*?(?P<path>\S.*)"),
    re.compile(rf"MD5 ?\((?P<path>.+)\) ?= ?(?P<md5>{_MD5})"),
    re.compile(rf"(?P<path>[^,]+),(?P<md5>{_MD5})"),
)
# Where a line of the authors' own tables, which give a clip's key for a path, points to.
_KINDS = {"audio": "audio/{0:.3}/{0}.ogg", "vggish": "vggish/{0:.3}/{0}.json"}


def read_checksums(folder: Path) -> dict[str, str]:
    """MD5 by path of every file that the folder's `checksums` lists; paths are relative, with / between their parts.

    It is a file of lines "md5  path", or a folder with openmic-2018-audio.csv and openmic-2018-vggish.csv, whose lines
    are "key,md5", as the authors' own script reads them. Empty when there is neither.
    Raises ExploreError for a list that cannot be read, is far too large, or names a path outside of the folder.
    """
    place = folder / CHECKSUMS
    files = sorted(place.glob("*.csv")) if place.is_dir() else [place]
    listed: dict[str, str] = {}
    for file in files:
        kind = next((name for name in _KINDS if file.stem.endswith(name)), None)
        for number, line in enumerate(_lines(file), 1):
            found = next((match for pattern in _LINES if (match := pattern.fullmatch(line))), None)
            if not found:
                if number == 1 and re.fullmatch(r"[\w ]*,\s*md5", line, re.IGNORECASE):
                    continue  # the header of a table
                raise ExploreError(f"{file}, line {number}: {line[:60]!r} is not a path and its MD5. {_remedy(folder)}")
            name = found["path"]
            if kind and KEY.fullmatch(name):
                name = _KINDS[kind].format(name)
            path = safe_path(name.removeprefix("./").removeprefix("openmic-2018/"))
            if path is None:
                raise ExploreError(
                    f"{file}, line {number}: {name[:60]!r} is not inside of the folder. {_remedy(folder)}"
                )
            if listed.setdefault(path, found["md5"].lower()) != found["md5"].lower():
                raise ExploreError(f"{file}, line {number}: {path[:60]!r} has two checksums. {_remedy(folder)}")
            if len(listed) > _MAX_FILES:
                raise ExploreError(f"{file} lists more than {_MAX_FILES:,} files. {_remedy(folder)}")
    return listed


def _remedy(folder: Path) -> str:
    return f"Take {CHECKSUMS} from the archive again, or delete it to have {folder} checked without."


def _lines(file: Path) -> Iterator[str]:
    """The lines that are not empty, if it is a plain file of bearable size."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise ExploreError(
                f"{file} is no list of checksums: it has {status.st_size:,} bytes. {_remedy(file.parent)}"
            )
        with open(file, "rb") as opened:
            text = opened.read(_MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ExploreError(f"{file} cannot be read ({error}). {_remedy(file.parent)}") from error
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def compare(
    folder: Path, listed: dict[str, str], *, deep: set[str], jobs: int = -1, progress: bool = False
) -> dict[str, str]:
    """Hold a folder against its list: {path: "missing" or "damaged"} of the files that are not as listed, in its order.

    deep: the paths whose content is read; of the others it is only checked that they are files and not empty.
    jobs: threads, -1 for one a core; MD5 does not keep them from running at the same time.
    """
    from tqdm.auto import tqdm

    sizes = {path: _size(folder / path) for path in listed}
    faults = {path: "missing" if size is None else "damaged" for path, size in sizes.items() if not size}
    # An empty file can be right: its checksum tells at once.
    faults = {path: state for path, state in faults.items() if sizes[path] is None or listed[path] != _EMPTY}
    to_read = [path for path in listed if path in deep and sizes[path]]
    total = sum(sizes[path] or 0 for path in to_read)
    bar = tqdm(total=total, desc="checking", unit="B", unit_scale=True, disable=not progress)
    threads = (os.cpu_count() or 1) if jobs < 1 else jobs
    with bar, ThreadPoolExecutor(threads) as pool:
        try:
            for path, digest in zip(to_read, pool.map(lambda path: _md5(folder / path), to_read), strict=True):
                if digest != listed[path]:
                    faults[path] = "damaged"
                bar.update(sizes[path] or 0)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {path: faults[path] for path in listed if path in faults}


_EMPTY = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def _size(path: Path) -> int | None:
    """Size of a plain file in bytes, 0 for anything else that is there, None for nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _md5(path: Path) -> str | None:
    """MD5 of a file, None when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return None
