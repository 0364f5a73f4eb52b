"""Clip keys, and the members of an npz archive, read without trusting the file.

OpenMIC-2018's `sample_key` is a pickled object array, and a pickle can run any code while it is read.
Here it can name four numpy functions only, and gets stand-ins even for these: what comes out is a list of
strings or an ExploreError.
"""

import io
import json
import lzma
import pickle
import re
import shlex
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

# Six digits of the FMA track, then where the clip starts in milliseconds. The bound keeps one bad key
# from making a fixed-width array of them huge.
KEY = re.compile(r"[0-9]{6}_[0-9]{1,12}")

# The official pickle takes some 0.4 MB for 20,000 keys.
_MAX_PICKLE_BYTES = 64 * 2**20
# The official X has 205 MB.
_MAX_MEMBER_BYTES = 2**32
# dataset.json and class-map.json have a few hundred.
_MAX_JSON_BYTES = 2**20


def check_hint(folder: str | Path) -> str:
    """The sentence that ends an error about a damaged piece of `folder`."""
    return f"Run `openmic-explore check {shlex.quote(str(folder))}` to see what is complete, missing or damaged."


def check_keys(keys: list[str], source: Path, folder: Path) -> NDArray[np.str_]:
    """Make an array (N,) of keys after checking that each has the official form and occurs once.

    Raises ExploreError that names `source`, the file they came from.
    """
    wrong = next((key for key in keys if type(key) is not str or not KEY.fullmatch(key)), None)
    if wrong is not None:
        raise ExploreError(
            f"{source}: {str(wrong)[:40]!r} is not a clip key such as '000046_3840'. {check_hint(folder)}"
        )
    if len(set(keys)) != len(keys):
        seen: set[str] = set()
        twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ExploreError(f"{source} lists the clip {twice} more than once. {check_hint(folder)}")
    return np.array(keys, dtype=np.str_)


class _Dtype:
    """Stands in for numpy.dtype: keeps the name, ignores the rest."""

    def __init__(self, name: object = None, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """Stands in for numpy.ndarray: keeps the shape and the items that the pickle gives it."""

    shape: object = None
    items: object = None

    def __setstate__(self, state: Any) -> None:
        _, self.shape, dtype, _, self.items = state
        if not isinstance(dtype, _Dtype) or dtype.name not in ("O", "O8", "O4"):
            raise pickle.UnpicklingError("it holds an array of something else than objects")


class _KeysUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # Made anew for each file: a hostile pickle can set attributes of whatever it is handed.
        class Array(_Array):
            pass

        class Dtype(_Dtype):
            pass

        def reconstruct(*_: object) -> _Array:
            return Array()

        def encode(text: str, _codec: str) -> bytes:
            # Protocol 2 writes bytes as text and a call of codecs.encode; _reconstruct's type code is such a one.
            return text.encode("latin1")

        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): reconstruct,
            ("numpy", "ndarray"): Array,
            ("numpy", "dtype"): Dtype,
            ("_codecs", "encode"): encode,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which an array of strings does not need")
        return allowed[module, name]


def unpickle_strings(pickled: bytes) -> list[str]:
    """Read a pickled one-dimensional numpy object array of str, and nothing else.

    Nothing that the pickle names is imported or called. Pickles of numpy 1 and 2, of Python 2 and 3 are read.
    Raises ExploreError for any other content.
    """
    try:
        array = _KeysUnpickler(io.BytesIO(pickled), encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise nearly anything, as pickle's manual says
        raise ExploreError(f"It is not a pickled array of strings: {error or type(error).__name__}.") from error
    items = array.items if isinstance(array, _Array) else None
    if type(items) is not list or array.shape != (len(items),) or any(type(item) is not str for item in items):
        raise ExploreError("It is not a pickled one-dimensional array of strings.")
    return items


class Member(NamedTuple):
    """An array inside an npz archive, opened after its header. by_columns: stored first axis fastest."""

    stream: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an .npy file: shape, whether it is stored by columns, and type.

    Raises ValueError when it is damaged, whatever numpy may raise then.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"unknown npy version {version}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(stream)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
        raise
    except Exception as error:  # numpy gives the header to Python's own parser, which raises nearly anything
        raise ValueError(f"its header cannot be read ({str(error)[:100] or type(error).__name__})") from error
    if any(length < 0 for length in shape):
        raise ValueError(f"its shape is {shape}")
    return shape, bool(by_columns), dtype


def read_json(path: Path) -> Any:
    """The content of a small JSON file. Raises ExploreError when it cannot be read, is far too large or not JSON."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_JSON_BYTES + 1)
        if len(content) > _MAX_JSON_BYTES:
            raise ValueError("it is far too large")
        return json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise ExploreError(f"{path} is not JSON ({error}). {check_hint(path.parent)}") from error


@contextmanager
def open_member(npz: Path, name: str) -> Iterator[Member | None]:
    """Open the array `name` of an npz archive for reading; None when the archive has no such array.

    Raises ExploreError, also for what goes wrong inside the block, when the archive is truncated or damaged.
    """
    try:
        with zipfile.ZipFile(npz) as archive:
            if f"{name}.npy" not in archive.namelist():
                yield None
                return
            with archive.open(f"{name}.npy") as stream:
                shape, by_columns, dtype = read_header(stream)
                size = archive.getinfo(f"{name}.npy").file_size - stream.tell()
                # Before anything is allocated: a header may claim any shape, and little can be packed to much.
                if size > _MAX_MEMBER_BYTES:
                    raise ValueError(f"it is said to have {size:,} bytes")
                if not dtype.hasobject and size != int(np.prod(shape, dtype=object)) * dtype.itemsize:
                    raise ValueError(f"{size} bytes do not fill an array of shape {shape} and type {dtype}")
                yield Member(stream, shape, dtype, by_columns)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        RuntimeError,
    ) as error:
        raise ExploreError(f"{npz} is damaged: {name}: {error}. {check_hint(npz.parent)}") from error


def read_rows(member: Member, rows: int) -> NDArray[Any]:
    """Read the next `rows` rows of an opened member of a plain (not object) type.

    An array that is stored by columns can only be read whole.
    """
    shape = (rows, *member.shape[1:])
    count = int(np.prod(shape))
    data = member.stream.read(count * member.dtype.itemsize)
    if len(data) != count * member.dtype.itemsize:
        raise EOFError("it ends too early")
    array = np.frombuffer(data, dtype=member.dtype)
    return array.reshape(shape[::-1]).T if member.by_columns else array.reshape(shape)


def read_member(npz: Path, name: str, kinds: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Read a whole array of an npz archive, without pickle.

    kinds: the numpy kind letters that are allowed, such as "f"; shape: None where any length will do.
    Raises ExploreError when it is missing, damaged, or of another type or shape.
    """
    with open_member(npz, name) as member:
        if member is None:
            raise ExploreError(f"{npz} has no array {name}. {check_hint(npz.parent)}")
        fits = len(member.shape) == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, member.shape, strict=True)
        )
        if member.dtype.kind not in kinds or not fits:
            wanted_shape = tuple("any" if length is None else length for length in shape)
            raise ExploreError(
                f"{npz}: {name} has type {member.dtype} and shape {member.shape}, where shape {wanted_shape} and "
                f"a type of kind {kinds!r} belong. {check_hint(npz.parent)}"
            )
        if not shape:
            return read_rows(member._replace(shape=(1,)), 1).reshape(())
        return read_rows(member, member.shape[0])  # at the end of which zipfile compares the checksum


def read_sample_key(npz: Path, name: str = "sample_key") -> NDArray[np.str_] | None:
    """Read the keys (N,) of an npz archive, whether pickled or fixed-width unicode; None when it has none.

    Raises ExploreError when they are damaged, hold anything but keys, or repeat one.
    """
    with open_member(npz, name) as member:
        if member is None:
            return None
        if not member.dtype.hasobject:
            keys = read_member(npz, name, "U", (None,)).tolist()
        else:
            pickled = member.stream.read(_MAX_PICKLE_BYTES + 1)
            if len(pickled) > _MAX_PICKLE_BYTES:
                raise ExploreError(f"{npz}: {name} is far larger than any list of keys. {check_hint(npz.parent)}")
            try:
                keys = unpickle_strings(pickled)
            except ExploreError as error:
                raise ExploreError(f"{npz}: {name} was not read. {error} {check_hint(npz.parent)}") from error
            if (len(keys),) != member.shape:
                raise ExploreError(f"{npz}: {name} is not as long as its header says. {check_hint(npz.parent)}")
    return check_keys(keys, npz, npz.parent)
