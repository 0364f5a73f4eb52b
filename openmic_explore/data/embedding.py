"""A data folder's embedding as a memory map: taken once from the npz, or from the vggish files, into the cache."""

import io
import json
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.cache import LOCK, Sealing, cached_file, sealed, stamp, writing
from openmic_explore.data.index import NPZ, Index
from openmic_explore.data.keys import check_hint, open_member, read_header, read_rows
from openmic_explore.errors import ExploreError, MissingError

_VERSION = 2  # of the cached form
_HEADER_BYTES = 1024  # more than the header of an .npy file takes
_CHUNK_BYTES = 2**23
# A real file of 10 frames takes some 7 kB.
_MAX_JSON_BYTES = 2**20


def load_embedding(folder: Path, index: Index, mend: str) -> NDArray[np.uint8]:
    """Map the embedding (N, T, D) uint8 of the folder's clips, rows in the index's order, read-only.

    An npz cannot be mapped, so its X is kept in the cache as 8-bit .npy, which loses nothing: its values are
    whole and 0 to 255. Without X the vggish/*.json of all clips are taken instead.
    Raises ExploreError when values are damaged or missing; `mend` is the sentence that says how to get them.
    """
    from_npz = bool(index.vectors[0])
    if from_npz:
        found_now = stamp(folder / NPZ)
        if found_now != tuple(index.npz_stamp.tolist()):
            # Its rows may have another order by now.
            raise ExploreError(f"{folder / NPZ} has changed since the folder was opened. Open the folder again.")
        stamps: object = ["npz", found_now]
    else:
        files = [folder / "vggish" / key[:3] / f"{key}.json" for key in index.keys.tolist()]
        found = [stamp(file) for file in files]
        absent = [file for file, state in zip(files, found, strict=True) if state is None]
        if absent:
            source = "no embedding X" if (folder / NPZ).is_file() else f"no {NPZ}"
            raise MissingError(
                f"{folder} has {source}, and {len(absent):,} of {len(files):,} feature files are missing, "
                f"such as {absent[0]}. {mend}"
            )
        stamps = ["json", index.keys.tolist(), found]
    cached = cached_file(folder, "embedding.npy", [_VERSION, stamps])
    with LOCK:
        embedding = _map(cached, len(index.keys))
        if embedding is None:
            with writing(cached) as file:
                if from_npz:
                    _extract(folder / NPZ, file)
                else:
                    features = _read_features(files, folder)
                    _write_header(file, features.shape)
                    file.write(features.tobytes())
            embedding = _map(cached, len(index.keys))
    if embedding is None:
        raise ExploreError(f"{cached} was written but cannot be read again; delete it and start again.")
    return embedding


def _map(path: Path, clips: int) -> NDArray[np.uint8] | None:
    content = sealed(path)
    if content is None:
        return None  # not there, or not whole: it is made again
    start = io.BytesIO(content[:_HEADER_BYTES])
    shape, _, dtype = read_header(start)
    if dtype != np.uint8 or len(shape) != 3 or shape[0] != clips:
        return None
    return np.memmap(path, np.uint8, "r", start.tell(), shape)


def _write_header(file: IO[bytes] | Sealing, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _extract(npz: Path, file: Sealing) -> None:
    """Copy X as an .npy file of bytes, a few rows at a time: X itself takes 205 MB in the official archive."""
    with open_member(npz, "X") as member:
        if member is None:
            raise ExploreError(f"{npz} has lost its array X. {check_hint(npz.parent)}")
        _write_header(file, member.shape)
        rows = max(1, _CHUNK_BYTES // (member.dtype.itemsize * member.shape[1] * member.shape[2]))
        if member.by_columns:
            rows = member.shape[0]
        for start in range(0, member.shape[0], rows):
            values = read_rows(member, min(rows, member.shape[0] - start))
            if values.min() < 0 or values.max() > 255:
                raise ExploreError(f"{npz}: X has values outside 0 to 255. {check_hint(npz.parent)}")
            file.write(values.astype(np.uint8).tobytes())


def _read_features(files: list[Path], folder: Path) -> NDArray[np.uint8]:
    embedding: NDArray[np.uint8] | None = None
    for row, file in enumerate(files):
        try:
            if file.stat().st_size > _MAX_JSON_BYTES:
                raise ValueError("it is far larger than ten seconds of features")
            values = np.asarray(json.loads(file.read_bytes())["features"])
            if values.ndim != 2 or 0 in values.shape or values.dtype.kind != "i":
                raise ValueError("features must be rows of whole numbers")
            if values.min() < 0 or values.max() > 255:
                raise ValueError("features must be 0 to 255")
            if embedding is None:
                embedding = np.empty((len(files), *values.shape), dtype=np.uint8)
            if values.shape != embedding.shape[1:]:
                raise ValueError(f"features have shape {values.shape}, those of other clips {embedding.shape[1:]}")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ExploreError(f"{file} is damaged: {error}. {check_hint(folder)}") from error
        embedding[row] = values
    assert embedding is not None  # an index has at least one clip
    return embedding
