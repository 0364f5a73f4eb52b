"""The official archive, from Zenodo: fetched, checked, unpacked, and mended where files are missing or damaged.

While it is at work, and after it was cut off, there lie beside the folder openmic-2018/

    openmic-2018-v1.0.0.tgz.part   the archive so far, and .part.json: where it comes from and which version it is
    openmic-2018-v1.0.0.tgz        the archive, once its checksum was right
    .openmic-2018.unpacking        what is being unpacked
    .openmic-2018.lock             one process works at a time

and nothing of these once it is done, but for an archive that was there before.
"""

import re
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openmic_explore.data.checksums import CHECKSUMS, compare, read_checksums
from openmic_explore.data.fetch import Patience, fetch, state_file
from openmic_explore.data.index import CLASS_MAP, LABELS, METADATA, NPZ, PARTITIONS
from openmic_explore.data.unpack import Bounds, unpack
from openmic_explore.errors import ExploreError
from openmic_explore.files import locked, remove

# Zenodo record 1432913; labels CC BY 4.0, the clips carry their own licences.
URL = "https://zenodo.org/records/1432913/files/openmic-2018-v1.0.0.tgz"
MD5 = "e4ccf187e2bb5ab2e115416e8aafe7f4"
BYTES = 2_623_376_754
FOLDER = "openmic-2018"
ARCHIVE = "openmic-2018-v1.0.0.tgz"
# Beside the Ogg files, which do not get larger, there are tables and features of about .2 GB. An estimate, to be safe.
UNPACKED = 1.25
REQUIRED = (NPZ, LABELS, METADATA, CLASS_MAP, *(names[0] for names in PARTITIONS.values()))


def download(
    target: str | Path = ".",
    *,
    source: str | Path = URL,
    md5: str = MD5,
    size: int | None = None,
    keep: bool = False,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Make target/openmic-2018 whole: fetch the OpenMIC-2018 archive, check it, and unpack it. Returns that folder.

    source: an http(s) address, or a file, which stays where it is. md5, size: of the archive; size None is that of the
    official one, or unknown with another md5. keep: do not delete an archive that was fetched. tell: is given a
    sentence now and then. patience, sleep: how a busy server is waited for.
    A call that was cut off, at any moment and however, is gone on with by the next. A folder that is there already is
    held against its own list of checksums: when all is right nothing is fetched, otherwise just what is missing or
    damaged is put into it, from the archive if that is still there. Files that the archive does not have are left alone.
    Raises ExploreError when the archive cannot be fetched, is not the one of that md5, or would leave the folder, when
    the disk has no room, and when another process is at it.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{32}", md5):
        raise ExploreError(f"{md5[:60]!r} is no MD5: it has 32 digits from 0 to f.")
    md5 = md5.lower()
    size = BYTES if size is None and md5 == MD5 else size
    order = _Order(Path(target).expanduser(), source, md5, size, progress, tell or (lambda _: None))
    with locked(order.folder, "downloading the archive to it"):
        remove(order.temporary)
        # A call that was cut off at its very end leaves the archive and the note on it, but no part.
        fetched = order.note.exists() and not order.part.exists()
        sure = True
        wanted, share = _wanted(order)
        if wanted is None or wanted:
            need = share * UNPACKED * (size or 0)
            if _is_address(source):
                archive, now = _fetched(order, need, patience, sleep)
                fetched = fetched or now
            else:
                archive = _given(order, need)
            sure = _unpack(order, archive, wanted)
        if fetched and sure and not keep and Path(source).resolve() != order.archive.resolve():
            order.archive.unlink(missing_ok=True)
        for left in (order.part, order.note):
            left.unlink(missing_ok=True)
    return order.folder


@dataclass(frozen=True)
class _Order:
    """What is to be downloaded, and the files that it takes."""

    target: Path
    source: str | Path
    md5: str
    size: int | None
    progress: bool
    tell: Callable[[str], None]

    @property
    def folder(self) -> Path:
        return self.target / FOLDER

    @property
    def archive(self) -> Path:
        return self.target / ARCHIVE

    @property
    def part(self) -> Path:
        return self.target / f"{ARCHIVE}.part"

    @property
    def note(self) -> Path:
        return state_file(self.part)

    @property
    def temporary(self) -> Path:
        return self.target / f".{FOLDER}.unpacking"

    def difference(self, path: Path) -> str | None:
        """In what a file is not the archive, in a few words; None when it is."""
        import pooch

        found = path.stat().st_size
        if self.size is not None and found != self.size:
            return f"it has {found:,} bytes, not {self.size:,}"
        digest = pooch.file_hash(str(path), alg="md5")
        return None if digest == self.md5 else f"its MD5 is {digest}, not {self.md5}"


def _is_address(source: str | Path) -> bool:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", str(source))
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise ExploreError(f"--from takes an http or https address or a file, not {scheme[0]}...")
    return bool(scheme)


def _wanted(order: _Order) -> tuple[set[str] | None, float]:
    """Which files the folder lacks or has damaged, None for all, and what share of the archive that is, 0 to 1."""
    folder, tell = order.folder, order.tell
    if not folder.is_dir():
        return None, 1.0
    try:
        listed = read_checksums(folder)
    except ExploreError as error:
        tell(f"{error} All files are taken from the archive again.")
        return None, 1.0
    if not listed:
        tell(f"{folder} has no list of checksums: all files are taken from the archive again.")
        return None, 1.0
    tell(f"comparing {folder} with its checksums")
    faults = compare(folder, listed, deep=set(listed), progress=order.progress)
    if order.md5 == MD5:
        faults |= {path: "missing" for path in REQUIRED if not (folder / path).is_file()}
    if not faults:
        tell(f"{folder} is complete: all {len(listed):,} files are as listed")
        return set(), 0.0
    first = next(iter(faults))
    tell(f"{len(faults):,} of {len(listed):,} files are missing or damaged, such as {first} ({faults[first]})")
    return set(faults), min(1.0, len(faults) / len(listed))


def _room(target: Path, need: float) -> None:
    free = shutil.disk_usage(target).free
    if free < need:
        raise ExploreError(
            f"{target.resolve()} has {free / 1e9:.1f} GB free, and {need / 1e9:.1f} GB more are needed, for the archive and "
            "what is in it. Make room, or give another place: --to DIR"
        )


def _given(order: _Order, need: float) -> Path:
    """The archive that the user has."""
    path = Path(order.source).expanduser()
    if not path.is_file():
        raise ExploreError(f"There is no file {path}. --from takes an http or https address or a file.")
    order.tell(f"checking {path}")
    wrong = order.difference(path)
    if wrong:
        raise ExploreError(f"{path} is not the archive: {wrong}. Fetch it again, or leave out --from.")
    _room(order.target, need)
    return path


def _fetched(
    order: _Order, need: float, patience: Patience | None, sleep: Callable[[float], None]
) -> tuple[Path, bool]:
    """The archive beside the folder, fetched as far as it is not there; and was there anything to fetch?"""
    archive, part, tell, url = order.archive, order.part, order.tell, str(order.source)
    if archive.is_file():
        tell(f"checking {archive}")
        wrong = order.difference(archive)
        if not wrong:
            _room(order.target, need)
            return archive, False
        if part.exists() or order.size is None or archive.stat().st_size >= order.size:
            raise ExploreError(f"{archive} is not the archive: {wrong}. Move it away or delete it.")
        tell(f"{archive} is only a beginning of the archive ({wrong}): it is gone on with")
        archive.rename(part)
    have = part.stat().st_size if part.is_file() else 0
    _room(order.target, need + max(0, (order.size or 0) - have))
    amount = f"{order.size / 1e9:.2f} GB" if order.size else "the archive"
    tell(f"fetching {amount} from {url} to {order.target.resolve()}" + (f", from byte {have:,} on" if have else ""))
    fetch(url, part, size=order.size, patience=patience, sleep=sleep, progress=order.progress, tell=tell)
    tell("checking its MD5")
    wrong = order.difference(part)
    if wrong:
        part.unlink()
        order.note.unlink(missing_ok=True)
        raise ExploreError(
            f"What came from {url} is not the archive: {wrong}. It was deleted. Run the same command again, or give "
            "another source: --from URL-or-file"
        )
    part.rename(archive)
    return archive, True


def _unpack(order: _Order, archive: Path, wanted: set[str] | None) -> bool:
    """Put what is wanted into the folder. Returns False when its list of checksums still disagrees with the archive."""
    folder, temporary = order.folder, order.temporary
    bounds = Bounds(bytes=10 * archive.stat().st_size + 2**28)
    # The list comes along: the one that is there may be what is damaged.
    only = None if wanted is None else wanted | {CHECKSUMS, *(f"{CHECKSUMS}/{file}" for file in _tables(folder))}
    order.tell(f"unpacking {archive}")
    try:
        temporary.mkdir()
        done = unpack(archive, temporary, top=FOLDER, bounds=bounds, only=only, progress=order.progress)
        if not done and wanted is None:
            raise ExploreError(f"{archive} holds no folder {FOLDER}. Delete it and get it from another source.")
        if folder.is_dir():
            _replace(temporary, folder, done)
        else:
            temporary.rename(folder)
    finally:
        remove(temporary)
    listed = read_checksums(folder)
    absent = sorted((wanted or set(listed)) - set(done))
    differ = sorted(path for path in done if listed.get(path, done[path]) != done[path])
    for paths, what in ((absent, "are not in the archive"), (differ, "are in the archive with another checksum")):
        if paths:
            order.tell(f"{len(paths):,} files of the list of checksums {what}, such as {paths[0]}: the archive is kept")
    return not absent and not differ


def _tables(folder: Path) -> list[str]:
    return [path.name for path in (folder / CHECKSUMS).glob("*.csv")]


def _replace(temporary: Path, folder: Path, paths: dict[str, str]) -> None:
    """Move files from one folder into the other, each in one step, in place of what is there."""
    inside = folder.resolve()
    for path in paths:
        place = folder / path
        if not place.parent.resolve().is_relative_to(inside):
            raise ExploreError(
                f"{place.parent} is a link out of {folder}; {path} was not written there. Mend it by hand."
            )
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).replace(place)
        except OSError as error:
            raise ExploreError(
                f"{place} cannot be replaced ({error.strerror or error}). Move what is there away and run "
                f"`openmic-explore download --to {shlex.quote(str(folder.parent))}` again."
            ) from error
