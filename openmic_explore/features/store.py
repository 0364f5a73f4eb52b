"""A kept feature: one 8-bit array for all clips, memory-mapped, and an index that says what it is.

    features/<kind>/values.npy    (clips, ...) uint8, as numpy.save writes it
    features/<kind>/index.json    keys in row order, shape of a row, parameters, axes, clips left out and why; CRC-32 of
                                  every row
    features/<kind>.<k>/          the same of the k-th augmented version of every clip, k from 1 on

Nothing else is in a finished folder. `writer` has what lies beside it while it is computed.
"""

import io
import json
import math
import os
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError, MissingError, as_command
from openmic_explore.transforms.embedding import EMBEDDINGS

FOLDER = "features"
VALUES, INDEX = "values.npy", "index.json"
FORMAT = 1
# The official data set's takes some 0.7 MB.
_MAX_INDEX_BYTES = 2**26
PICTURES = ("log_mel", "scalogram")


class Picture(NamedTuple):
    """A picture in 8 bits: value = low + values / 255 x (high - low), in `unit`.

    values: (rows, columns) uint8. frequency: (rows,) Hz, ascending. time: (columns,) s, centres of the columns.
    """

    values: NDArray[np.uint8]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Features:
    """A finished feature of a data folder.

    keys: of the clips, in row order. values: (clips, ...) uint8, memory-mapped, read-only; rows of clips that were left
    out are 0. info: shape of a row, parameters, axes. left_out: {key: {"reason": text, "stamp": [bytes, ns]}}, where
    the stamp is the size and time of the file that could not be used. row: of the clips that have one. crc32: of the rows'
    bytes; empty where a feature of an earlier version has none.
    """

    path: Path
    keys: tuple[str, ...]
    values: NDArray[np.uint8]
    info: dict[str, Any]
    left_out: dict[str, dict[str, Any]]
    row: dict[str, int]
    crc32: tuple[int, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the values were computed with."""
        return dict(self.info["parameters"])

    def __contains__(self, key: str) -> bool:
        return key in self.row

    def rows(self, keys: NDArray[np.str_] | list[str]) -> NDArray[np.intp]:
        """Rows of clips. Raises MissingError when some have none, naming the command that computes them."""
        wanted = [str(key) for key in keys]
        absent = [key for key in wanted if key not in self.row]
        if absent:
            why = self.left_out.get(absent[0])
            such = f"{absent[0]} (left out: {why['reason']})" if why else absent[0]
            raise MissingError(
                f"{self.path} lacks {len(absent):,} of {len(wanted):,} clips, such as {such}. "
                f"Compute what is missing: {command(self.path, self.parameters)}"
            )
        return np.array([self.row[key] for key in wanted], dtype=np.intp)

    def read(self, keys: NDArray[np.str_] | list[str]) -> NDArray[np.uint8]:
        """Values (n, ...) of clips, copied and held against their checksums.

        Raises MissingError as `rows` does, ExploreError when the disk gives back something else than was written.
        """
        rows = self.rows(keys)
        values = self.values[rows]
        wrong = [row for row, found in zip(rows.tolist(), values, strict=True) if not self._is_whole(row, found)]
        if wrong:
            raise ExploreError(
                f"{self.path / VALUES} is damaged: {len(wrong):,} of {len(rows):,} clips are not as they were written, such "
                f"as {self.keys[wrong[0]]}. Delete {self.path} and compute it again: {command(self.path, self.parameters)}"
            )
        return values

    def _is_whole(self, row: int, values: NDArray[np.uint8]) -> bool:
        return not self.crc32 or zlib.crc32(np.ascontiguousarray(values).data) == self.crc32[row]

    def picture(self, key: str) -> Picture:
        """The picture of a clip.

        Raises MissingError when it has none, ExploreError when this is no kind of picture or it is damaged.
        """
        if "frequency" not in self.info:
            raise ExploreError(f"{self.path} holds no pictures. Kinds that do: {', '.join(PICTURES)}.")
        (values,) = self.read([key])
        frequency, time = (np.asarray(self.info[axis], dtype=np.float64) for axis in ("frequency", "time"))
        return Picture(values, frequency, time, self.info["low"], self.info["high"], self.info["unit"])


def feature_folder(data: Path, kind: str, version: int = 0) -> Path:
    """Where a kind of feature is kept for a data folder; version: 0 for the clips as they are, k for augmented ones.

    Raises ExploreError for a name that cannot be a folder's, or that reads like a version.
    """
    if not re.fullmatch(r"\w[\w.+-]{0,99}", kind) or re.search(r"\.\d*$", kind):
        raise ExploreError(
            f"{kind!r} cannot be the name of a folder of features. Use letters, digits and . _ + - only, "
            "beginning with a letter or digit, without a point and a number at the end."
        )
    return data / FOLDER / (f"{kind}.{version}" if version else kind)


def command(folder: Path, parameters: dict[str, Any] | None = None) -> str:
    """What to type, or to call, to compute the feature of that folder with these parameters again."""
    kind, _, version = folder.name.partition(".") if re.search(r"\.\d+$", folder.name) else (folder.name, "", "")
    if version:
        return f"write_features(..., version={version}, augment=...)"
    options: list[str] = ["--only", kind if kind in PICTURES else "embedding"]
    if kind not in PICTURES:
        options += ["--embedding", kind if kind in EMBEDDINGS.values() else "FILE.py:NAME"]
    for name in ("scales", "bins"):
        if parameters and name in parameters:
            options += [f"--{name}", str(parameters[name])]
    return as_command("features", folder.parent.parent, *options)


def open_features(data: Path, kind: str, *, version: int = 0) -> Features:
    """Open a kept feature of a data folder; takes milliseconds, since values are read when they are looked at.

    kind: "log_mel", "scalogram", or an embedding's name. version: of augmented clips, see `write_features`.
    Raises MissingError when it is not there, ExploreError when it is damaged; both name the command that mends it.
    """
    folder = feature_folder(data, kind, version)
    if not (folder / INDEX).is_file():
        raise MissingError(f"There is no {folder / INDEX}. Compute it: {command(folder)}")
    return _open(folder, (_state(folder / INDEX), _state(folder / VALUES)))


def _state(path: Path) -> tuple[int, ...] | None:
    """What differs when a file has been written again; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def close_features() -> None:
    """Forget opened features, so that their folders can be replaced (a mapped file cannot be on Windows)."""
    _open.cache_clear()


@lru_cache(maxsize=16)
def _open(folder: Path, state: Any) -> Features:  # noqa: ARG001 (written again, it is opened again)
    try:
        info = read_json(folder / INDEX)
        wrong = misfit(info)
        if wrong:
            raise ValueError(wrong)
        keys, left_out, crc32 = info.pop("keys"), info.pop("left_out"), info.pop("crc32", [])
        values = map_values(folder / VALUES, (len(keys), *info["shape"]))
    except (OSError, ValueError, RecursionError) as error:
        raise ExploreError(f"{folder} is damaged ({error}). Compute it again: {command(folder)}") from error
    row = {key: place for place, key in enumerate(keys) if key not in left_out}
    return Features(folder, tuple(keys), values, info, left_out, row, tuple(crc32))


def read_json(path: Path) -> Any:
    """The content of an index. Raises ValueError when it is far too large or not JSON."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > _MAX_INDEX_BYTES:
            raise ValueError(f"{path.name} is far too large")
        return json.loads(file.read())


def header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of values.npy, by NumPy's format 1.0."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def map_values(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values (clips, ...), memory-mapped. Raises ValueError when the file does not have just that shape."""
    # Compared with what must be there, the header need not be parsed, and no shape can make more of the file than it is.
    start = header(shape)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(start)) != start or size != len(start) + math.prod(shape):
            raise ValueError(f"{VALUES} and {INDEX} do not belong together")
        return np.memmap(file, np.uint8, "r", len(start), shape)


def misfit(info: Any) -> str:
    """In what the content of index.json cannot be right, in plain words; "" when it can."""
    if not isinstance(info, dict):
        return f"{INDEX} is not an object"
    if info.get("format") != FORMAT:
        return f"its format is {info.get('format')!s:.20}, not {FORMAT}"
    keys, shape, left_out = info.get("keys"), info.get("shape"), info.get("left_out")
    if not (isinstance(keys, list) and keys and all(isinstance(key, str) for key in keys)):
        return "keys are not a list of texts"
    if len(set(keys)) < len(keys):
        return "a key is there twice"
    if not (isinstance(shape, list) and 1 <= len(shape) <= 8 and all(type(n) is int and 1 <= n < 2**32 for n in shape)):
        return "shape is not a list of positive numbers"
    if not (isinstance(left_out, dict) and left_out.keys() <= set(keys) and all(map(is_reason, left_out.values()))):
        return "left_out does not say why clips of this index were left out"
    if not isinstance(info.get("parameters"), dict):
        return "there are no parameters"
    crc32 = info.get("crc32", [])
    if not (isinstance(crc32, list) and len(crc32) in (0, len(keys)) and all(type(n) is int for n in crc32)):
        return "crc32 is not a list with a number for every key"
    if "frequency" not in info:
        return ""
    axes = [info.get(name) for name in ("frequency", "time")]
    numbers = [info.get("low"), info.get("high")]
    for axis in axes:
        if not isinstance(axis, list):
            return "an axis is not a list"
        numbers += axis
    if not all(isinstance(number, int | float) and abs(number) < 1e9 for number in numbers):
        return "the axes and range are not finite numbers"
    if [len(axis) for axis in axes if axis is not None] != shape or not isinstance(info.get("unit"), str):
        return "axes and shape do not belong together"
    return ""


def is_reason(why: Any) -> bool:
    """Does it say why a clip was left out, and for which state of its file?"""
    return (
        isinstance(why, dict)
        and why.keys() == {"reason", "stamp"}
        and isinstance(why["reason"], str)
        and isinstance(why["stamp"], list)
        and [type(number) for number in why["stamp"]] == [int, int]
    )
