"""Reproducing an experiment: in parallel as one by one, going on, refusing what does not fit."""

import logging
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.experiments import EXPERIMENTS, Experiment, configs, reproduce, reproduction
from openmic_explore.files import locked
from openmic_explore.training import fit
from tests.learnable import write_learnable


def weights(path):
    return (path / "weights.safetensors").read_bytes()


def test_in_parallel_it_ends_in_the_same_runs_as_one_by_one(data, trained, tmp_path, monkeypatch):
    """And goes on: one run is there already and is left alone, one was cut off."""
    kept = tmp_path / "mean-repaired-epochs=2-seed0"
    shutil.copytree(trained / kept.name, kept)
    before = (kept / "run.json").stat().st_mtime_ns
    cut = configs("small", seeds=2)[-1]
    with monkeypatch.context() as patch:
        patch.setattr(fit, "KEEP_EVERY", 0.0)
        with pytest.raises(ZeroDivisionError):
            train(cut, data, runs=tmp_path, progress=False, on_epoch=lambda row: 1 / 0)
    assert [path.name for path in Runs(tmp_path).unfinished] == [f".{cut.name}.part"]

    runs = reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [run.name for run in runs]
    assert [run.name for run in runs] == [run.name for run in Runs(trained)]
    for run in runs:
        one = trained / run.name
        if run.config.model != "majority":
            assert weights(run.path) == weights(one)
            assert run.info["threads"] == 1
        np.testing.assert_array_equal(run.predictions[1], Runs(trained)[run.name].predictions[1])
    assert (kept / "run.json").stat().st_mtime_ns == before


def test_when_all_is_there_nothing_is_trained(data, trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "runs")
    monkeypatch.setattr(reproduction, "train", lambda *_, **__: pytest.fail("trained again"))
    assert len(reproduce("small", data, runs=tmp_path / "runs", seeds=2, jobs=1, progress=False)) == 5


def test_a_run_of_other_settings_or_data_is_not_taken_for_the_experiment_s(data, trained, tmp_path):
    other = TrainConfig("mean", epochs=1)
    train(other, data, runs=tmp_path / "a", name="mean-repaired-epochs=2-seed0", progress=False)
    with pytest.raises(ExploreError, match="other settings"):
        reproduce("small", data, runs=tmp_path / "a", seeds=2, jobs=1, progress=False)
    with pytest.raises(ExploreError, match="other data"):
        reproduce("small", OpenMIC(write_learnable(tmp_path / "data", seed=5)), runs=trained, seeds=2, progress=False)


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"jobs": 0}])
def test_numbers_that_make_no_sense_are_refused(data, tmp_path, wrong):
    with pytest.raises(ExploreError, match="must be at least 1"):
        reproduce("small", data, runs=tmp_path, progress=False, **wrong)


def test_the_names_of_finished_runs_are_told(data, tmp_path):
    told = []
    reproduce("small", data, runs=tmp_path, seeds=1, jobs=1, progress=False, on_run=told.append)
    assert sorted(told) == [run.name for run in Runs(tmp_path)]


def test_missing_features_are_told_before_anything_is_trained(data, tmp_path, monkeypatch):
    pictures = (TrainConfig("majority"), TrainConfig("cnn", epochs=1))
    monkeypatch.setitem(EXPERIMENTS, "pictures", Experiment("?", pictures))
    with pytest.raises(ExploreError, match=r"openmic-explore features .*--only scalogram"):
        reproduce("pictures", data, runs=tmp_path, jobs=1, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_killed_is_one_error_and_the_rest_is_kept(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(reproduction, "_train_one", _killed)
        with pytest.raises(ExploreError, match=r"ended from outside.*--jobs 1"):
            reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False)
    runs = reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False)
    assert len(runs) == 5


def _killed(config, *, data, folder):
    if config.model == "mel":
        os.kill(os.getpid(), signal.SIGKILL)
    train(config, OpenMIC(data), runs=folder, progress=False)
    return config, True


def test_what_another_process_trains_is_left_to_it(data, trained, tmp_path):
    busy, done = configs("small", seeds=2)[-1].name, []
    with locked(tmp_path / busy, "training this run"):
        runs = reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False, on_run=done.append)
    assert len(done) == len(runs) == 4
    assert busy not in done
    runs = reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False)
    assert [run.name for run in runs] == [run.name for run in Runs(trained)]


def test_on_a_cluster_the_runs_are_the_same(data, trained, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    # It tells every connection that ends, also where a test ends it on purpose.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    monkeypatch.chdir(tmp_path)  # a relative folder means the caller's, not the workers'
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=2, **options) as cluster:
        address = cluster.scheduler_address
        runs = reproduce("small", data, runs="runs", seeds=2, cluster=address, progress=False)
        assert [run.name for run in runs] == [run.name for run in Runs(trained)]
        for run in runs:
            np.testing.assert_array_equal(run.predictions[1], Runs(trained)[run.name].predictions[1])
            if run.config.model != "majority":
                assert weights(run.path) == weights(trained / run.name)
        shutil.rmtree(runs["mel-repaired-epochs=2-noise-seed1"].path)
        told = []
        reproduce("small", data, runs="runs", seeds=2, cluster=address, progress=False, on_run=told.append)
        assert told == ["mel-repaired-epochs=2-noise-seed1"]


def test_torch_s_threads_stay_as_they_were(data, trained):
    before = torch.get_num_threads()
    reproduce("small", data, runs=trained, seeds=2, jobs=1, progress=False)
    assert torch.get_num_threads() == before
