"""The tables of a data folder, read once, checked against each other, and kept in the user's cache folder."""

import csv
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.cache import LOCK, cached_file, sealed, stamp, writing
from openmic_explore.data.keys import KEY, check_hint, check_keys, open_member, read_json, read_member, read_sample_key
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS

NPZ = "openmic-2018.npz"
LABELS = "openmic-2018-aggregated-labels.csv"
METADATA = "openmic-2018-metadata.csv"
CLASS_MAP = "class-map.json"
# Either spelling; the archive has the first, the text that came with older copies the second.
PARTITIONS = {
    "train": ("partitions/split01_train.csv", "partitions/train01.txt"),
    "test": ("partitions/split01_test.csv", "partitions/test01.txt"),
}
NO_PART, TRAIN, TEST = 0, 1, 2

_TABLES = (NPZ, LABELS, METADATA, CLASS_MAP, *PARTITIONS["train"], *PARTITIONS["test"])
# The official metadata, the largest table, have some 30 MB.
_MAX_TABLE_BYTES = 2**28
_VERSION = 2  # of the cached form: raise it when Index or the checks change


class Index(NamedTuple):
    """What the tables of a folder say, clips in the npz's order, instruments in INSTRUMENTS' order.

    keys (N,) str; relevance (N, 20) float64, nan where unobserved; mask (N, 20) bool;
    group (N,) str, clips that must stay on one side of the validation cut; part (N,) int8: NO_PART, TRAIN or TEST;
    missing (2,) int64: keys of the train and test file that the folder lacks, -1 where there is no such file;
    has_artists () bool: is there a metadata file; vectors (2,) int64: T and D of the npz's embedding, 0 without one;
    npz_stamp (2,) int64: stamp of the npz that all this was read from, 0 without one.
    """

    keys: NDArray[np.str_]
    relevance: NDArray[np.float64]
    mask: NDArray[np.bool_]
    group: NDArray[np.str_]
    part: NDArray[np.int8]
    missing: NDArray[np.int64]
    has_artists: NDArray[np.bool_]
    vectors: NDArray[np.int64]
    npz_stamp: NDArray[np.int64]


def load_index(folder: Path) -> Index:
    """Read the folder's tables, from the cache where nothing has changed since.

    Arrays are read-only. Raises ExploreError when a table is missing, damaged or at odds with another.
    """
    cached = cached_file(folder, "index.npz", [_VERSION, *(stamp(folder / name) for name in _TABLES)])
    with LOCK:
        index = _load_cached(cached)
        if index is None:
            index = read_index(folder)
            with writing(cached) as file:
                whole = io.BytesIO()
                np.savez(whole, **index._asdict())
                file.write(whole.getvalue())
    for array in index:
        array.flags.writeable = False
    return index


def _load_cached(path: Path) -> Index | None:
    content = sealed(path)
    if content is None:
        return None  # not there, or not whole: it is read again from the folder
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return Index(**{name: archive[name] for name in Index._fields})


def read_index(folder: Path) -> Index:
    """Read and check the folder's tables, without the cache. Raises ExploreError as load_index does."""
    columns = read_class_map(folder)
    labels = _read_labels(folder)
    npz = folder / NPZ
    vectors = (0, 0)
    npz_stamp = stamp(npz) or (0, 0)
    if npz.is_file():
        mask = read_member(npz, "Y_mask", "b", (None, len(INSTRUMENTS)))[:, columns]
        relevance = read_member(npz, "Y_true", "f", mask.shape)[:, columns].astype(np.float64)
        relevance[~mask] = np.nan
        observed = relevance[mask]
        if not (np.isfinite(observed).all() and (observed >= 0).all() and (observed <= 1).all()):
            raise ExploreError(f"{npz}: Y_true has observed values outside 0 to 1. {check_hint(folder)}")
        keys = read_sample_key(npz)
        if keys is None and labels is None:
            raise ExploreError(
                f"{npz} has no sample_key, and there is no {LABELS} to order it by. {check_hint(folder)}"
            )
        if keys is None and labels is not None:
            keys = check_keys(list(dict.fromkeys(key for key, _ in labels)), folder / LABELS, folder)
        assert keys is not None
        if len(keys) != len(mask):
            raise ExploreError(f"{npz}: {len(keys):,} keys for {len(mask):,} rows of labels. {check_hint(folder)}")
        if labels is not None:
            _compare(folder, keys, relevance, mask, labels)
        vectors = _vector_shape(npz, len(keys))
    elif labels is not None:
        keys = check_keys(list(dict.fromkeys(key for key, _ in labels)), folder / LABELS, folder)
        relevance, mask = _spread(labels, keys)
    else:
        inside = folder / "openmic-2018"
        hint = f"Did you mean {inside}? " if inside.is_dir() else ""
        raise ExploreError(
            f"{folder} has neither {NPZ} nor {LABELS}, so there are no labels. {hint}"
            "Run `openmic-explore download` for the official archive."
        )
    if not len(keys):
        raise ExploreError(f"{folder} has no clips: its labels are empty. {check_hint(folder)}")
    part, missing = _read_partitions(folder, keys)
    artists = _read_artists(folder)
    known = artists or {}
    # A clip whose artist is not known stays with the other clips of its track.
    group = np.array([f"artist {known[key]}" if known.get(key) else f"track {key[:6]}" for key in keys.tolist()])
    return Index(
        keys=keys,
        relevance=relevance,
        mask=mask,
        group=group,
        part=part,
        missing=missing,
        has_artists=np.array(artists is not None),
        vectors=np.array(vectors, dtype=np.int64),
        npz_stamp=np.array(npz_stamp, dtype=np.int64),
    )


def read_class_map(folder: Path) -> list[int]:
    """Which column of the npz holds each of INSTRUMENTS."""
    path = folder / CLASS_MAP
    if not path.is_file():
        raise ExploreError(f"{path} is missing: it says which column is which instrument. {check_hint(folder)}")
    found = read_json(path)
    whole = isinstance(found, dict) and all(type(column) is int for column in found.values())
    if not whole or set(found) != set(INSTRUMENTS) or set(found.values()) != set(range(len(INSTRUMENTS))):
        raise ExploreError(
            f"{path} must give each of OpenMIC-2018's {len(INSTRUMENTS)} instruments a column of its own, "
            f"from 0 to {len(INSTRUMENTS) - 1}. {check_hint(folder)}"
        )
    return [found[name] for name in INSTRUMENTS]


@contextmanager
def _table(path: Path, *columns: str) -> Iterator[Iterator[tuple[str, ...]]]:
    """Iterate over some columns of a CSV file with a header line."""
    limit = csv.field_size_limit(2**24)  # the artists' own texts in the metadata can be long
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise csv.Error("it is far too large")
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            absent = [name for name in columns if name not in header]
            if absent:
                raise ExploreError(f"{path} has no column {', '.join(absent)}. {check_hint(path.parent)}")
            places = [header.index(name) for name in columns]

            def rows() -> Iterator[tuple[str, ...]]:
                for row in reader:
                    if not row:
                        continue
                    if len(row) != len(header):
                        raise ExploreError(
                            f"{path}, line {reader.line_num}: {len(row)} fields where the header has {len(header)}. "
                            f"{check_hint(path.parent)}"
                        )
                    yield tuple(row[place] for place in places)

            yield rows()
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise ExploreError(f"{path} cannot be read as a table ({error}). {check_hint(path.parent)}") from error
    finally:
        csv.field_size_limit(limit)


def _read_labels(folder: Path) -> dict[tuple[str, int], float] | None:
    """Relevance by key and instrument from the aggregated labels; None without that file."""
    path = folder / LABELS
    if not path.is_file():
        return None
    column = {name: place for place, name in enumerate(INSTRUMENTS)}
    labels: dict[tuple[str, int], float] = {}
    with _table(path, "sample_key", "instrument", "relevance") as rows:
        for key, instrument, text in rows:
            try:
                relevance = float(text)
            except ValueError:
                relevance = math.nan
            if not KEY.fullmatch(key) or instrument not in column or not 0 <= relevance <= 1:
                raise ExploreError(
                    f"{path}: {key[:40]!r}, {instrument[:40]!r}, {text[:40]!r} is not a clip, one of the "
                    f"{len(INSTRUMENTS)} instruments and a relevance from 0 to 1. {check_hint(folder)}"
                )
            cell = key, column[instrument]
            if cell in labels:
                raise ExploreError(f"{path} has {key}, {instrument} more than once. {check_hint(folder)}")
            labels[cell] = relevance
    return labels


def _spread(
    labels: dict[tuple[str, int], float], keys: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Lay the labels out as relevance and mask (N, 20)."""
    relevance = np.full((len(keys), len(INSTRUMENTS)), np.nan)
    row = {key: place for place, key in enumerate(keys.tolist())}
    for (key, column), value in labels.items():
        relevance[row[key], column] = value
    return relevance, ~np.isnan(relevance)


def _compare(
    folder: Path,
    keys: NDArray[np.str_],
    relevance: NDArray[np.float64],
    mask: NDArray[np.bool_],
    labels: dict[tuple[str, int], float],
) -> None:
    """Hold the npz's labels against the aggregated ones: the same cells observed, with the same values."""
    strangers = {key for key, _ in labels}.difference(keys.tolist())
    if strangers:
        raise ExploreError(
            f"{folder / LABELS} labels clips that {NPZ} lacks, {len(strangers):,} in all, such as {min(strangers)}. "
            f"{check_hint(folder)}"
        )
    listed, observed = _spread(labels, keys)
    differs = (mask != observed) | (mask & observed & (np.abs(relevance - listed) > 1e-6))
    if differs.any():
        row, column = np.argwhere(differs)[0]
        raise ExploreError(
            f"{folder / LABELS} and {NPZ} disagree on {int(differs.sum()):,} of the labels, first on {keys[row]}, "
            f"{INSTRUMENTS[column]}. {check_hint(folder)}"
        )


def _vector_shape(npz: Path, clips: int) -> tuple[int, int]:
    with open_member(npz, "X") as member:
        if member is None:
            return 0, 0
        shape, dtype = member.shape, member.dtype
    if len(shape) != 3 or shape[0] != clips or 0 in shape or dtype.kind not in "iu":
        raise ExploreError(
            f"{npz}: X has type {dtype} and shape {shape}, where whole numbers of shape ({clips}, frames, values) "
            f"belong. {check_hint(npz.parent)}"
        )
    return shape[1], shape[2]


def _read_partitions(folder: Path, keys: NDArray[np.str_]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    part = np.zeros(len(keys), dtype=np.int8)
    missing = np.full(2, -1, dtype=np.int64)
    row = {key: place for place, key in enumerate(keys.tolist())}
    seen: dict[str, Path] = {}
    for place, names in enumerate(PARTITIONS.values()):
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            continue
        try:
            if path.stat().st_size > _MAX_TABLE_BYTES // 8:
                raise ValueError("it is far too large")
            lines = path.read_text(encoding="utf-8-sig").split()
        except (ValueError, OSError) as error:  # ValueError: what is no UTF-8 is one, too
            raise ExploreError(f"{path} cannot be read as a list of keys ({error}). {check_hint(folder)}") from error
        check_keys(lines, path, folder)
        both = next((key for key in lines if key in seen), None)
        if both is not None:
            raise ExploreError(f"{both} stands in {seen[both]} and in {path}. {check_hint(folder)}")
        seen.update(dict.fromkeys(lines, path))
        present = [row[key] for key in lines if key in row]
        part[present] = TRAIN if place == 0 else TEST
        missing[place] = len(lines) - len(present)
    return part, missing


def _read_artists(folder: Path) -> dict[str, str] | None:
    """Artist by key from the metadata; None without that file."""
    path = folder / METADATA
    if not path.is_file():
        return None
    artists: dict[str, str] = {}
    with _table(path, "sample_key", "artist_id") as rows:
        for key, artist in rows:
            if artists.setdefault(key, artist.strip()) != artist.strip():
                raise ExploreError(f"{path} gives {key[:40]} two artists. {check_hint(folder)}")
    return artists
