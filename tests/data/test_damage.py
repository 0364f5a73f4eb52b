"""Damaged folders: each error names the file and the command that mends it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS
from tests.miniature import LABELS, METADATA, NPZ, members, rewrite, rows_of, write_rows

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


class Tables(NamedTuple):
    """What there is to damage in a folder."""

    folder: Path
    npz: Path
    arrays: dict[str, np.ndarray]
    labels: Path
    test: Path
    header: list[str]
    rows: list[list[str]]


DAMAGES: dict[str, Callable[[Tables], str]] = {}


def damage(function: Callable[[Tables], str]) -> Callable[[Tables], str]:
    """Register a function that damages a folder in one way and returns what the error must say."""
    DAMAGES[function.__name__] = function
    return function


def tables(folder: Path) -> Tables:
    header, *rows = rows_of(folder / LABELS)
    test = folder / "partitions/split01_test.csv"
    return Tables(folder, folder / NPZ, members(folder), folder / LABELS, test, header, rows)


class Call:
    """Pickles as a call of os.system."""

    def __reduce__(self):
        return os.system, ("exit 1",)


@damage
def truncated_npz(it: Tables) -> str:
    it.npz.write_bytes(it.npz.read_bytes()[: it.npz.stat().st_size // 2])
    return r"openmic-2018\.npz is damaged"


@damage
def npz_is_text(it: Tables) -> str:
    it.npz.write_text("<html>404</html>")
    return r"openmic-2018\.npz is damaged"


@damage
def labels_without_mask(it: Tables) -> str:
    rewrite(it.folder, Y_mask=None)
    return "no array Y_mask"


@damage
def only_19_columns(it: Tables) -> str:
    rewrite(it.folder, Y_true=it.arrays["Y_true"][:, :19], Y_mask=it.arrays["Y_mask"][:, :19])
    return "Y_mask has type bool and shape"


@damage
def shorter_labels(it: Tables) -> str:
    rewrite(it.folder, Y_true=it.arrays["Y_true"][:-1])
    return "Y_true has type float64 and shape"


@damage
def shorter_keys(it: Tables) -> str:
    rewrite(it.folder, sample_key=it.arrays["sample_key"][:-1])
    return "47 keys for 48 rows"


@damage
def shorter_features(it: Tables) -> str:
    rewrite(it.folder, X=it.arrays["X"][:-1])
    return "X has type int64 and shape"


@damage
def fractional_features(it: Tables) -> str:
    rewrite(it.folder, X=it.arrays["X"] / 255)
    return "X has type float64"


@damage
def mask_of_numbers(it: Tables) -> str:
    rewrite(it.folder, Y_mask=it.arrays["Y_mask"].astype(float))
    return "Y_mask has type float64"


@damage
def repeated_key(it: Tables) -> str:
    it.arrays["sample_key"][3] = it.arrays["sample_key"][0]
    rewrite(it.folder, sample_key=it.arrays["sample_key"])
    return "more than once"


@damage
def hostile_keys(it: Tables) -> str:
    it.arrays["sample_key"][3] = Call()
    rewrite(it.folder, sample_key=it.arrays["sample_key"])
    return r"sample_key was not read.*posix\.system|nt\.system"


@damage
def relevance_above_1(it: Tables) -> str:
    it.arrays["Y_true"][it.arrays["Y_mask"]] = 1.5
    rewrite(it.folder, Y_true=it.arrays["Y_true"])
    return "Y_true has observed values outside 0 to 1"


@damage
def relevance_nan(it: Tables) -> str:
    it.arrays["Y_true"][it.arrays["Y_mask"]] = np.nan
    rewrite(it.folder, Y_true=it.arrays["Y_true"])
    return "Y_true has observed values outside 0 to 1"


@damage
def another_value_in_the_csv(it: Tables) -> str:
    it.rows[5][2] = str((float(it.rows[5][2]) + 0.25) % 1)
    write_rows(it.labels, [it.header, *it.rows])
    return f"disagree on 1 of the labels, first on {it.rows[5][0]}, {it.rows[5][1]}"


@damage
def a_label_less_in_the_csv(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows[:5], *it.rows[6:]])
    return f"disagree on 1 of the labels, first on {it.rows[5][0]}, {it.rows[5][1]}"


@damage
def a_clip_more_in_the_csv(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows, ["155294_3840", "banjo", "1.0", "3"]])
    return r"labels clips that openmic-2018\.npz lacks, 1 in all, such as 155294_3840"


@damage
def a_repeated_label(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows, it.rows[0]])
    return f"has {it.rows[0][0]}, {it.rows[0][1]} more than once"


@damage
def an_unknown_instrument(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows, [it.rows[0][0], "kazoo", "1.0", "3"]])
    return "kazoo"


@damage
def no_number_in_the_csv(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows, [it.rows[0][0], "banjo", "yes", "3"]])
    return "'yes'"


@damage
def a_short_row(it: Tables) -> str:
    write_rows(it.labels, [it.header, *it.rows, [it.rows[0][0], "banjo"]])
    return r"aggregated-labels\.csv, line \d+: 2 fields"


@damage
def no_header_in_the_csv(it: Tables) -> str:
    write_rows(it.labels, it.rows)
    return "no column sample_key"


@damage
def bytes_in_the_csv(it: Tables) -> str:
    it.labels.write_bytes(it.labels.read_bytes() + b"\xff\xfe\x00")
    return "cannot be read as a table"


@damage
def no_artist_column(it: Tables) -> str:
    file = it.folder / METADATA
    file.write_text(file.read_text().replace("artist_id", "artist"))
    return r"metadata\.csv has no column artist_id"


@damage
def two_artists_of_one_clip(it: Tables) -> str:
    table = rows_of(it.folder / METADATA)
    again = [*table[1]]
    again[table[0].index("artist_id")] = "99999"
    write_rows(it.folder / METADATA, [*table, again])
    return "two artists"


@damage
def other_instruments(it: Tables) -> str:
    file = it.folder / "class-map.json"
    file.write_text(file.read_text().replace("banjo", "kazoo"))
    return r"class-map\.json must give"


@damage
def a_column_twice(it: Tables) -> str:
    file = it.folder / "class-map.json"
    file.write_text(file.read_text().replace(": 1,", ": 0,"))
    return r"class-map\.json must give"


@damage
def class_map_is_a_list(it: Tables) -> str:
    (it.folder / "class-map.json").write_text(json.dumps(INSTRUMENTS))
    return r"class-map\.json must give"


@damage
def class_map_is_cut(it: Tables) -> str:
    (it.folder / "class-map.json").write_text('{"accordion": 0,')
    return r"class-map\.json is not JSON"


@damage
def no_class_map(it: Tables) -> str:
    (it.folder / "class-map.json").unlink()
    return r"class-map\.json is missing"


@damage
def a_header_in_a_partition(it: Tables) -> str:
    it.test.write_text("sample_key\n" + it.test.read_text())
    return r"split01_test\.csv: 'sample_key' is not a clip key"


@damage
def a_path_in_a_partition(it: Tables) -> str:
    it.test.write_text(it.test.read_text() + "../../etc/passwd\n")
    return "is not a clip key"


@damage
def a_key_twice_in_a_partition(it: Tables) -> str:
    it.test.write_text(it.test.read_text() * 2)
    return "more than once"


@damage
def train_and_test_overlap(it: Tables) -> str:
    key = (it.folder / "partitions/split01_train.csv").read_text().split()[2]
    it.test.write_text(it.test.read_text() + key + "\n")
    return rf"{key} stands in .*split01_train\.csv and in .*split01_test\.csv"


@damage
def dataset_json_is_cut(it: Tables) -> str:
    (it.folder / "dataset.json").write_text("{")
    return r"dataset\.json is not JSON"


@damage
def dataset_json_is_a_list(it: Tables) -> str:
    (it.folder / "dataset.json").write_text("[]")
    return r"dataset\.json must be"


@damage
def no_frame_length(it: Tables) -> str:
    (it.folder / "dataset.json").write_text('{"frame_length": 0}')
    return r"dataset\.json must be"


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_names_the_file_and_the_command(name, miniature):
    message = DAMAGES[name](tables(miniature))
    with pytest.raises(ExploreError, match=message) as caught:
        OpenMIC(miniature)
    assert CHECK in str(caught.value)
    assert str(miniature) in str(caught.value)


def test_no_folder_and_no_labels(tmp_path, miniature):
    with pytest.raises(ExploreError, match=rf"no folder .*nowhere.*{DOWNLOAD}.*openmic-explore teach"):
        OpenMIC(tmp_path / "nowhere")
    (miniature / NPZ).unlink()
    (miniature / LABELS).unlink()
    with pytest.raises(ExploreError, match=rf"neither openmic-2018\.npz nor .*{DOWNLOAD}"):
        OpenMIC(miniature)
    outer = tmp_path / "outer"
    (outer / "openmic-2018").mkdir(parents=True)
    shutil.copy(miniature / "class-map.json", outer)
    with pytest.raises(ExploreError, match=r"Did you mean .*outer"):
        OpenMIC(outer)


def test_a_command_in_an_error_survives_a_folder_with_spaces(miniature, tmp_path):
    folder = miniature.rename(tmp_path / "my music")
    truncated_npz(tables(folder))
    with pytest.raises(ExploreError, match=r"openmic-explore check '.*my music'"):
        OpenMIC(folder)
