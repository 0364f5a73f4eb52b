"""The real files of OpenMIC-2018, where they are at hand: one clip and the whole split."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.data import OpenMIC
from tests.miniature import LABELS, METADATA, rows_of, write_rows

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


def assemble(shared: Path, folder: Path) -> Path:
    """A folder in the archive's layout from the real files: one clip of the 20,000."""
    for name in ("audio", "vggish"):
        shutil.copytree(shared / name, folder / name)
    shutil.copy(shared / "class-map.json", folder)
    shutil.copy(shared / "aggregated-labels-sample.csv", folder / LABELS)
    shutil.copy(shared / "metadata-sample.csv", folder / METADATA)
    (folder / "partitions").mkdir()
    for name in ("split01_train.csv", "split01_test.csv"):
        shutil.copy(shared / name, folder / "partitions")
    return folder


def test_the_real_clip_loads_and_plays(shared, tmp_path):
    data = OpenMIC(assemble(shared, tmp_path / "real"))
    assert data.keys.tolist() == ["000046_3840"]
    assert int(data.mask.sum()) == 3
    known = {name: value for name, value in zip(data.instruments, data.relevance[0], strict=True) if value == value}
    assert known == {"clarinet": pytest.approx(0.17105), "flute": 0.0, "trumpet": 0.0}
    assert {name for name, word in data.labels("000046_3840").items() if word == "absent"} == set(known)
    assert "present" not in data.labels("000046_3840").values()

    samples, rate = data.audio("000046_3840")
    assert rate == 44100
    assert len(samples) / rate == pytest.approx(10, abs=0.05)
    assert 0.01 < np.abs(samples).max() <= 1.5

    features = json.loads((shared / "vggish/000/000046_3840.json").read_text())["features"]
    assert data.embedding.shape == (1, 10, 128)
    np.testing.assert_array_equal(data.embedding[0], features)

    # 14,915 and 5,085 clips, of which the folder holds one.
    assert data.missing == {"train": 14914, "test": 5085}
    assert data.split("train").tolist() == [0]
    assert data.split("validation").tolist() == data.split("test").tolist() == []


def test_the_real_partitions_are_whole(shared, tmp_path):
    folder = assemble(shared, tmp_path / "real")
    (folder / METADATA).unlink()
    lines = [
        [key, "banjo", str(float(part == "train")), "3"]
        for part in ("train", "test")
        for key in (shared / f"split01_{part}.csv").read_text().split()
    ]
    write_rows(folder / LABELS, [["sample_key", "instrument", "relevance", "num_responses"], *lines])
    data = OpenMIC(folder)
    assert data.missing == {"train": 0, "test": 0}
    assert data.label_counts().loc["banjo"].tolist() == [14915, 0, 0, 5085]
    with pytest.warns(UserWarning, match="by track only"):
        parts = {name: data.split(name) for name in ("train", "validation", "test")}
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 12678, "validation": 2237, "test": 5085}
    tracks = {name: {key[:6] for key in data.keys[rows]} for name, rows in parts.items()}
    assert not tracks["train"] & tracks["validation"]


def test_the_miniature_has_the_real_columns(shared, miniature):
    for name, sample in ((METADATA, "metadata-sample.csv"), (LABELS, "aggregated-labels-sample.csv")):
        assert rows_of(miniature / name)[0] == rows_of(shared / sample)[0]
    assert json.loads((miniature / "class-map.json").read_text()) == json.loads((shared / "class-map.json").read_text())
    real = json.loads((shared / "vggish/000/000046_3840.json").read_text())
    ours = json.loads(next(miniature.glob("vggish/*/*.json")).read_text())
    assert ours.keys() == real.keys()
    assert ours["time_points"] == pytest.approx(real["time_points"])


def test_the_data_set_survives_pickling_for_parallel_workers(miniature):
    data = OpenMIC(miniature)
    again = pickle.loads(pickle.dumps(data))
    assert again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(again.embedding, data.embedding)
