"""What of a data folder is complete, what is missing, and what is damaged; and whether it is the official data."""

import json
import math
import os
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from openmic_explore.data.checksums import CHECKSUMS, compare, read_checksums
from openmic_explore.data.index import CLASS_MAP, METADATA, NPZ, PARTITIONS
from openmic_explore.data.keys import check_hint, read_header
from openmic_explore.data.labels import OFFICIAL_CLIPS, label_counts
from openmic_explore.data.openmic import OpenMIC
from openmic_explore.errors import ExploreError, MissingError

# From best to worst.
STATES = ("complete", "partial", "missing", "damaged")
# Too many and too large to be read unless that is asked for.
LARGE = ("audio", "vggish")
_NAMED = 5  # files of each piece that are not as listed
_MAX_INDEX_BYTES = 2**26


class Finding(NamedTuple):
    """One piece of the folder: state is one of STATES, detail says how far.

    needed: is the folder not whole without it? A damaged piece is wrong in any case.
    listed, missing, damaged: how many of its files the list of checksums has, and how many of these are not there or
    not as listed; bad: the first few of them, each with its state.
    """

    piece: str
    state: str
    detail: str
    needed: bool = True
    listed: int = 0
    missing: int = 0
    damaged: int = 0
    bad: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Does this piece keep the folder from being whole?"""
        return self.state == "damaged" or (self.needed and self.state != "complete")


class Arrival(NamedTuple):
    """A number that the folder has, and the official one."""

    what: str
    found: int
    official: int


def check(path: str | Path, *, deep: bool = False, jobs: int = -1, progress: bool = False) -> list[Finding]:
    """Look at every piece of a folder in OpenMIC-2018's layout, and hold it against the archive's own checksums.

    Tables and the npz are read whole, and so is the embedding. Of audio, vggish and kept features it is only checked
    that the files are there and not empty; deep: the MD5 of these, too, is compared, as far as it is listed.
    jobs: threads, -1 for one a core. Returns one Finding a piece. Raises nothing for what is wrong inside the folder,
    ExploreError when there is no folder.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        OpenMIC(folder)  # raises the sentence that says so
    findings, counts = _compared(folder, deep, jobs, progress)
    try:
        looks = _looks(OpenMIC(folder), folder, files=counts)
    except ExploreError as error:
        looks = {"labels": partial(_raise, error)}
    rows = [_finding(folder, piece, look, findings.pop(piece, None)) for piece, look in looks.items()]
    rows += [*findings.values(), *_kept_features(folder, deep)]
    order = ["labels", "class map", "train split", "test split", "metadata", "npz", "embedding", "vggish", "audio"]
    return sorted(rows, key=lambda row: order.index(row.piece) if row.piece in order else len(order))


def arrived(path: str | Path) -> list[Arrival]:
    """Clips, labels and split sizes of a folder beside those of OpenMIC-2018 (`labels.label_counts`).

    Raises ExploreError when its tables cannot be read.
    """
    data = OpenMIC(path)
    state = data.label_state
    counts = label_counts()
    official = {
        f"{split} {sign}": sum(row[f"{split}_{sign}"] for row in counts.values())
        for split in OFFICIAL_CLIPS
        for sign in ("positive", "negative")
    }
    rows = {name: np.zeros(len(data), bool) for name in OFFICIAL_CLIPS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing metadata `check` tells
        for part, name in (("train", "train"), ("validation", "train"), ("test", "test")):
            try:
                rows[name][data.split(part)] = True
            except MissingError:
                continue
    table = [
        Arrival("clips", len(data), sum(OFFICIAL_CLIPS.values())),
        *(Arrival(f"{name} clips", int(rows[name].sum()), clips) for name, clips in OFFICIAL_CLIPS.items()),
        Arrival("clips with audio", len(data.audio_keys), sum(OFFICIAL_CLIPS.values())),
        Arrival("labels", int(data.mask.sum()), sum(official.values())),
    ]
    for name in OFFICIAL_CLIPS:
        signs = [official[f"{name} {sign}"] for sign in ("positive", "negative")]
        found = [int((state[rows[name]] == value).sum()) for value in (1, 0)]
        table.append(Arrival(f"{name} labels", sum(found), sum(signs)))
        table += [
            Arrival(f"{name} {word}", here, there)
            for word, here, there in zip(("present", "absent"), found, signs, strict=True)
        ]
    return table


def _raise(error: ExploreError) -> tuple[str, str]:
    raise error


def _piece(path: str) -> str:
    """The piece that a file of the list belongs to."""
    first = path.partition("/")[0]
    if first in LARGE:
        return first
    for name, files in PARTITIONS.items():
        if path in files:
            return f"{name} split"
    if path.endswith("-labels.csv") or path.endswith("-responses.csv"):
        return "labels"
    return {CLASS_MAP: "class map", METADATA: "metadata", NPZ: "npz"}.get(path, "other files")


def _compared(folder: Path, deep: bool, jobs: int, progress: bool) -> tuple[dict[str, Finding], Counter[str]]:
    """What the list of checksums says of each piece, and how many files of each it has."""
    try:
        listed = read_checksums(folder)
    except ExploreError as error:
        return {CHECKSUMS: Finding(CHECKSUMS, "damaged", str(error))}, Counter()
    if not listed:
        return {
            CHECKSUMS: Finding(CHECKSUMS, "missing", "no list: contents cannot be compared", needed=False)
        }, Counter()
    read = {path for path in listed if deep or _piece(path) not in LARGE}
    faults = compare(folder, listed, deep=read, jobs=jobs, progress=progress)
    counts = Counter(map(_piece, listed))
    findings = {}
    for piece, count in counts.items():
        bad = [f"{path} ({state})" for path, state in faults.items() if _piece(path) == piece]
        kinds = Counter(state for path, state in faults.items() if _piece(path) == piece)
        state = "missing" if kinds["missing"] == count else "partial" if kinds["missing"] else "complete"
        state = "damaged" if kinds["damaged"] else state
        detail = f"{count - len(bad):,} of {count:,} files" + (
            " as listed" if deep or piece not in LARGE else " there (their contents are compared with --deep)"
        )
        findings[piece] = Finding(
            piece, state, detail, True, count, kinds["missing"], kinds["damaged"], tuple(bad[:_NAMED])
        )
    return findings, counts


def _finding(folder: Path, piece: str, look: Callable[[], tuple[str, str]], listed: Finding | None) -> Finding:
    """What a piece looks like from inside, with what the list says of its files; the worse of the two counts."""
    needed = piece != "activity" and (piece != "vggish" or listed is not None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a missing metadata file is not this piece's fault
            state, detail = look()
    except ExploreError as error:
        state = "missing" if isinstance(error, MissingError) else "damaged"
        detail = str(error).replace(check_hint(folder), "").strip()  # which says to do what is being done
    if listed is None:
        return Finding(piece, state, detail, needed)
    if listed.state != "complete" or piece in LARGE:
        detail = f"{detail}; {listed.detail}"
    return listed._replace(state=max(state, listed.state, key=STATES.index), detail=detail)


def _looks(data: OpenMIC, folder: Path, files: Counter[str]) -> dict[str, Callable[[], tuple[str, str]]]:
    """How each piece is looked at."""
    looks: dict[str, Callable[[], tuple[str, str]]] = {
        "labels": lambda: _labels(data),
        "train split": lambda: _split(data, "train"),
        "test split": lambda: _split(data, "test"),
        "metadata": lambda: _artists(data),
        "embedding": lambda: _embedding(data),
        "audio": lambda: _clips(len(data.audio_keys), len(data), "with audio", files["audio"]),
        "activity": lambda: _activity(data),
    }
    if files["vggish"] or (folder / "vggish").is_dir():
        features = {file.stem for file in folder.glob("vggish/*/*.json")}.intersection(data.keys.tolist())
        looks["vggish"] = lambda: _clips(len(features), len(data), "with features", files["vggish"])
    return looks


def _labels(data: OpenMIC) -> tuple[str, str]:
    present = int((data.label_state == 1).sum())
    return "complete", f"{len(data):,} clips, {int(data.mask.sum()):,} labels, {present:,} of them present"


def _split(data: OpenMIC, name: str) -> tuple[str, str]:
    parts = ("test",) if name == "test" else ("train", "validation")
    found = sum(len(data.split(part)) for part in parts)
    absent = data.missing[name]
    return ("partial" if absent else "complete"), f"{found:,} clips" + (
        f", {absent:,} more are listed" if absent else ""
    )


def _artists(data: OpenMIC) -> tuple[str, str]:
    if data.knows_artists:
        return "complete", "validation is cut by artist"
    return "missing", "no metadata: validation is cut by track only, and an artist may be on both sides"


def _embedding(data: OpenMIC) -> tuple[str, str]:
    clips, frames, dimension = data.embedding.shape
    return "complete", f"{data.embedding_name}: {clips:,} x {frames} frames x {dimension}"


def _clips(found: int, clips: int, what: str, listed: int) -> tuple[str, str]:
    """How many clips have a file. Where there is a list, it says how many should."""
    state = "complete" if listed or found == clips else "partial" if found else "missing"
    return state, f"{found:,} of {clips:,} clips {what}"


def _activity(data: OpenMIC) -> tuple[str, str]:
    if data.activity is None:
        return "missing", "nobody knows when an instrument sounds; only teaching sets do"
    return "complete", f"frames of {data.activity.frame_length:g} s"


def _kept_features(folder: Path, deep: bool) -> list[Finding]:
    """What `openmic-explore features` has kept: values.npy must be as large as index.json says, and deep: as it was."""
    rows = []
    for kept in sorted((folder / "features").glob("*")):
        if not kept.is_dir() or (kept.name.startswith(".") and not kept.name.endswith(".part")):
            continue
        if kept.name.startswith("."):
            name = kept.name.removeprefix(".").removesuffix(".part")
            again = f"unfinished: `openmic-explore features {folder}` goes on"
            rows.append(Finding(f"features/{name}, new", "partial", again, needed=False))
            continue
        try:
            rows.append(Finding(f"features/{kept.name}", "complete", _kept_feature(kept, deep), needed=False))
        except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError) as error:
            rows.append(Finding(f"features/{kept.name}", "damaged", f"{error}. Delete {kept} and compute it again."))
    return rows


def _kept_feature(kept: Path, deep: bool) -> str:
    """What there is of a kept feature. Raises some error, as damaged files do, where its two files are at odds."""
    if not all((kept / name).is_file() for name in ("index.json", "values.npy")):
        raise ValueError("index.json or values.npy is missing")
    if (kept / "index.json").stat().st_size > _MAX_INDEX_BYTES:
        raise ValueError("index.json is far too large")
    index = json.loads((kept / "index.json").read_bytes())
    keys, shape = index["keys"], (len(index["keys"]), *index["shape"])
    with open(kept / "values.npy", "rb") as file:
        found, _, dtype = read_header(file)
        size = os.fstat(file.fileno()).st_size - file.tell()
        if found != shape or dtype != np.uint8 or size != math.prod(shape):
            raise ValueError(f"values.npy has shape {found} and {size:,} bytes, where index.json says {shape}")
        # Features of an earlier version have no checksums.
        sums = index.get("crc32", []) if deep else []
        differ = [key for key, crc in zip(keys, sums, strict=False) if zlib.crc32(file.read(size // len(keys))) != crc]
    if differ:
        raise ValueError(f"{len(differ):,} clips are not as they were written, such as {differ[0]}")
    return f"{len(keys):,} clips, {len(index['left_out']):,} of them left out"
