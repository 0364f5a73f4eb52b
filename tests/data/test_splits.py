"""Official splits, and a validation part cut by artist."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.data import OpenMIC
from openmic_explore.data import openmic as reader
from openmic_explore.errors import ExploreError
from tests.miniature import METADATA, members, rewrite, rows_of, write_rows

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


def test_train_and_validation_are_the_official_train(miniature):
    data = OpenMIC(miniature)
    for name in ("train", "test"):
        official = set((miniature / f"partitions/split01_{name}.csv").read_text().split())
        rows = data.split(name)
        if name == "train":
            assert not set(rows.tolist()) & set(data.split("validation").tolist())
            rows = np.concatenate([rows, data.split("validation")])
        assert set(data.keys[rows]) == official
    for name in ("train", "validation", "test"):
        rows = data.split(name)
        assert len(rows)
        assert (np.diff(rows) > 0).all()
    assert data.missing == {"train": 0, "test": 0}


def artists(folder: Path) -> dict[str, str]:
    with open(folder / METADATA, newline="") as file:
        return {row["sample_key"]: row["artist_id"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("seed", range(5))
def test_no_artist_is_in_train_and_validation(miniature, seed):
    data, artist = OpenMIC(miniature), artists(miniature)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sides = [{artist[key] for key in data.keys[data.split(name, seed=seed)]} for name in ("train", "validation")]
    assert not sides[0] & sides[1]
    # All artists have four clips, so the nearest whole number of artists is exact.
    clips = 4 * len(set.union(*sides))
    assert len(data.split("validation", seed=seed)) == 4 * round(0.15 * clips / 4)


def test_the_cut_depends_on_the_seed_and_not_on_the_order_of_clips(miniature):
    data = OpenMIC(miniature)
    cuts = {tuple(data.split("validation", seed=seed).tolist()) for seed in range(8)}
    assert len(cuts) > 1
    assert tuple(OpenMIC(miniature).split("validation", seed=3).tolist()) == tuple(data.split("validation", seed=3))
    before = {seed: set(data.keys[data.split("validation", seed=seed)]) for seed in range(4)}
    arrays = members(miniature)
    rewrite(miniature, **{name: array[::-1] for name, array in arrays.items()})
    turned = OpenMIC(miniature)
    assert turned.keys.tolist() == data.keys.tolist()[::-1]
    assert {seed: set(turned.keys[turned.split("validation", seed=seed)]) for seed in range(4)} == before


def test_the_cut_is_the_same_on_every_machine():
    groups = [f"artist {number % 40}" for number in range(200)]
    assert reader.validation_groups(groups, 0.15, 0) == {f"artist {number}" for number in (9, 24, 26, 27, 32, 33)}


@pytest.mark.parametrize("seed", range(20))
def test_validation_groups_come_as_near_as_whole_groups_can(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, 9)
    groups = [f"g{group}" for group, size in enumerate(sizes) for _ in range(size)]
    target = 0.15 * len(groups)
    sums = [sum(size for bit, size in enumerate(sizes) if subset >> bit & 1) for subset in range(2**9)]
    chosen = reader.validation_groups(groups, 0.15, seed)
    clips = sum(group in chosen for group in groups)
    assert abs(clips - target) == pytest.approx(min(abs(total - target) for total in sums))


def test_clips_without_an_artist_stay_with_their_track(miniature):
    header, *rows = rows_of(miniature / METADATA)
    column = header.index("artist_id")
    key = header.index("sample_key")
    for row in rows[::3]:
        row[column] = ""
    dropped = rows.pop(1)[key]
    write_rows(miniature / METADATA, [header, *rows])
    artist = {row[key]: row[column] for row in rows}
    data = OpenMIC(miniature)
    group = {name: artist.get(name) or f"track {name[:6]}" for name in data.keys.tolist()}
    assert group[dropped] == f"track {dropped[:6]}"
    for seed in range(6):
        sides = [{group[name] for name in data.keys[data.split(part, seed=seed)]} for part in ("train", "validation")]
        assert sides[1]
        assert not sides[0] & sides[1]


def test_without_metadata_the_cut_is_by_track_and_says_so(miniature):
    (miniature / METADATA).unlink()
    data = OpenMIC(miniature)
    with pytest.warns(UserWarning, match="by track only"):
        validation = data.split("validation")
    with pytest.warns(UserWarning, match="metadata"):
        train = data.split("train")
    assert len(validation)
    assert not {key[:6] for key in data.keys[train]} & {key[:6] for key in data.keys[validation]}
    data.split("test")


@pytest.mark.parametrize("spelling", ["train01.txt", "split01_train.csv"])
@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n", "\r\n\r\n"])
def test_both_spellings_of_partitions_and_blank_trailing_lines(miniature, spelling, ending):
    whole = OpenMIC(miniature)
    folder = miniature / "partitions"
    for name in ("train", "test"):
        file = folder / f"split01_{name}.csv"
        lines = ("\r\n" if "\r" in ending else "\n").join(file.read_text().split()) + ending
        file.unlink()
        (folder / spelling.replace("train", name)).write_bytes(lines.encode())
    data = OpenMIC(miniature)
    for name in ("train", "validation", "test"):
        assert data.split(name).tolist() == whole.split(name).tolist()


def test_a_clip_in_no_partition_is_in_no_split_and_a_missing_one_is_counted(miniature):
    file = miniature / "partitions/split01_train.csv"
    first, *lines = file.read_text().split()
    file.write_text("\n".join([*lines, "155293_3840", "155294_3840"]))
    data = OpenMIC(miniature)
    assert data.missing == {"train": 2, "test": 0}
    together = np.concatenate([data.split(name) for name in ("train", "validation", "test")])
    assert len(together) == 47
    assert data.index(first) not in together


def test_unknown_split_and_key(miniature):
    data = OpenMIC(miniature)
    with pytest.raises(ExploreError, match=r"no split 'dev'; the splits are train, validation, test"):
        data.split("dev")
    for call in (data.index, data.has_audio, data.audio, data.audio_path, data.labels):
        for key in ("999999_1", "../../../etc/passwd", None):
            with pytest.raises(ExploreError, match="has no clip"):
                call(key)
    assert [data.index(key) for key in data.keys] == list(range(48))


@pytest.mark.parametrize("name", ["train", "test"])
def test_a_missing_partition_only_costs_its_splits(miniature, name):
    (miniature / f"partitions/split01_{name}.csv").unlink()
    data = OpenMIC(miniature)
    with pytest.raises(ExploreError, match=rf"split01_{name}\.csv.*{DOWNLOAD}"):
        data.split(name)
    other = "test" if name == "train" else "train"
    assert len(data.split(other))
    assert len(data.embedding) == 48
