"""Folders of runs: listed, filtered, tabulated, and said in JSON."""

import json
import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.training.run import SHIPPED
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = OpenMIC(write_learnable(tmp_path_factory.mktemp("runs") / "data"))
    runs = data.path.parent / "runs"
    for config in (
        TrainConfig("majority"),
        TrainConfig("attention", epochs=1),
        TrainConfig("attention", epochs=1, seed=1),
        TrainConfig("mel", "published", epochs=1, augment=("noise",)),
        TrainConfig("mel", "published", epochs=1, augment=("flip", "noise")),
    ):
        train(config, data, runs=runs, progress=False)
    return runs


def names(runs):
    return [run.name.removesuffix("-seed0") for run in runs]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"model": "attention", "seed": 1}, ["attention-repaired-epochs=1-seed1"]),
        ({"model": "mel", "seed": 1}, []),
        ({"model": ("mel", "majority"), "seed": [0, 7]}, 3),
        ({"augment": ("noise",)}, ["mel-published-epochs=1-noise"]),
        ({"augment": "noise"}, ["mel-published-epochs=1-noise"]),
        ({"augment": ["noise", "flip"]}, ["mel-published-epochs=1-noise+flip"]),
        ({"augment": ()}, 3),
        ({"group": "attention-repaired-epochs=1"}, 2),
        ({"device": "cpu"}, 4),  # of run.json, where a baseline has none
        ({"epoch": 1}, 4),
        ({"epoch": None}, ["majority-published"]),
        ({"data": "learnable"}, 5),
        ({}, 5),
    ],
)
def test_select(folder, wanted, found):
    runs = Runs(folder).select(**wanted)
    assert len(runs) == found if isinstance(found, int) else names(runs) == found


def test_select_by_what_no_run_has(folder, tmp_path):
    with pytest.raises(ExploreError, match=r"no colour\. They have: .*augment, .*seed"):
        Runs(folder).select(colour="red")
    assert Runs(tmp_path).select(model="mel") == []


def test_matching_is_a_run_or_a_group_of_seeds(folder):
    runs = Runs(folder)
    assert names(runs.matching("majority-published-seed0")) == ["majority-published"]
    assert len(runs.matching("attention-repaired-epochs=1")) == 2
    with pytest.raises(ExploreError, match=r"no run or group of seeds 'mel'\. Groups: attention-repaired-epochs=1, "):
        runs.matching("mel")


def test_the_table_has_baselines_beside_networks(folder):
    table = Runs(folder).table()
    assert len(table) == 5
    assert table.epoch.dtype == "Int64"
    assert table.epoch.isna().tolist() == [model == "majority" for model in table.model]
    assert table.f1_macro.between(0, 1).all()
    assert table.f1_macro_truth.notna().all()
    assert {"data", "embedding", "wall_time", "preset", "seed"} <= set(table)


def test_a_network_s_run_keeps_all_options_whatever_the_presets_become(folder):
    from openmic_explore.models import resolve_options

    run = Runs(folder).select(model="mel")[0]
    assert run.info["options"] == resolve_options("mel", "published")
    assert run.info["options"]["head"] == "clamp"


def test_undefined_means_are_null_in_json_and_nan_in_tables(folder, tmp_path):
    shutil.copytree(folder / "majority-published-seed0", tmp_path / "one")
    info = json.loads((tmp_path / "one" / "run.json").read_text())
    info["means"]["precision"] = None
    (tmp_path / "one" / "run.json").write_text(json.dumps(info))
    (run,) = Runs(tmp_path)
    assert np.isnan(run.info["means"]["precision"])
    assert np.isnan(Runs(tmp_path).table().precision["one"])
    text = json.dumps(run.to_dict(), allow_nan=False)
    assert json.loads(text)["means"]["precision"] is None


def test_a_run_that_never_says_present_is_written_as_json(tmp_path):
    """Its mean precision is 0/0; NaN is no JSON."""
    data = OpenMIC(write_learnable(tmp_path / "data"))
    data.relevance = np.where(data.mask, data.relevance * (np.arange(len(data)) % 5 == 0)[:, None], np.nan)
    run = train(TrainConfig("majority"), data, runs=tmp_path, progress=False)
    assert np.isnan(run.info["means"]["precision"])
    assert "NaN" not in (run.path / "run.json").read_text()


def test_trainings_that_were_cut_off_are_named(folder, tmp_path):
    (tmp_path / ".mel-repaired-learning_rate=0.01-seed0.part").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "_old").mkdir()
    (tmp_path / "note.txt").write_text("")
    runs = Runs(tmp_path)
    assert len(runs) == 0
    assert [path.name for path in runs.unfinished] == [".mel-repaired-learning_rate=0.01-seed0.part", "half"]


def test_shipped_runs_of_before_are_read():
    """Without heads.npz, frame_start, and most of today's settings."""
    old = [run for run in Runs(SHIPPED) if not (run.path / "heads.npz").exists()]
    for run in old:
        assert run.heads is None
        assert run.config.features == "embedding"
        assert run.config.augment == ()
        assert run.name == run.config.name
        assert json.dumps(run.to_dict(), allow_nan=False)
    old_config = {"model": "mel", "preset": "published", "seed": 2, "epochs": 200, "batch": 32}
    old_config |= {"learning_rate": 5e-4, "weight_decay": 1e-5, "checkpoint": "loss"}
    assert TrainConfig.from_dict(old_config) == TrainConfig("mel", "published", seed=2)


def test_without_a_folder_the_environment_or_the_place_decides(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENMIC_RUNS", raising=False)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert Runs().paths == (SHIPPED,)
    shutil.copytree(folder, tmp_path / "runs")
    assert "attention-repaired-epochs=1-seed1" in Runs()
    assert len(Runs(SHIPPED)) < len(Runs()) <= len(Runs(SHIPPED)) + 5
    monkeypatch.setenv("OPENMIC_RUNS", "runs")
    assert len(Runs()) == 5
    monkeypatch.setenv("OPENMIC_RUNS", "nowhere")
    with pytest.raises(ExploreError, match="no folder of runs nowhere"):
        Runs()
