"""The trainer learns, repeats itself, keeps the best epoch, and leaves a folder from which everything can be read."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, score, train
from openmic_explore.evaluation import majority
from openmic_explore.models import MODELS, PRESETS
from openmic_explore.training import Run
from openmic_explore.training.fit import Fit
from openmic_explore.training.trainer import predict
from tests.learnable import write_learnable
from tests.training.pictures import write_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_learnable(tmp_path_factory.mktemp("learnable") / "data")


@pytest.fixture(scope="module")
def data(folder):
    return OpenMIC(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures") / "data")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    config = TrainConfig(model="attention", epochs=40, learning_rate=3e-3)
    return train(config, data, runs=tmp_path_factory.mktemp("runs"), progress=False)


def test_learns_what_can_be_learned(run, data):
    train_rows, test = data.split("train"), data.split("test")
    constant = majority(data.relevance[train_rows], data.mask[train_rows])
    baseline = score(data.relevance[test], data.mask[test], np.tile(constant, (len(test), 1)))
    assert run.info["means"]["f1_macro"] > baseline.f1_macro.mean() + 0.2  # other seeds: .26 to .31
    assert run.history.train_loss.iloc[-1] < 0.7 * run.history.train_loss.iloc[0]


@pytest.mark.parametrize(
    ("model", "preset"),
    [(model, preset) for model in MODELS for preset in PRESETS if (model, preset) != ("best", "published")],
)
def test_every_model_lowers_its_loss_in_both_presets(model, preset, data, pictures, tmp_path):
    # `best` reads an embedding of its own, in altered versions, which these data do not have.
    own = {"features": "embedding", "versions": 0} if model == "best" else {}
    config = TrainConfig(model, preset, epochs=12, batch=32, learning_rate=5e-3, **own)
    clips = pictures if config.reads_pictures else data
    history = train(config, clips, runs=tmp_path, progress=False).history
    assert history.train_loss.iloc[-1] < 0.9 * history.train_loss.iloc[0]


def test_stored_scores_follow_from_stored_predictions(run, data):
    keys, probability = run.predictions
    test = data.split("test")
    assert keys.tolist() == data.keys[test].tolist()
    expected = score(data.relevance[test], data.mask[test], probability.astype(float))
    pd.testing.assert_frame_equal(run.scores, expected, check_exact=False, rtol=1e-5, check_dtype=False)
    everything = score(data.truth[test].astype(float), np.ones_like(data.truth[test]), probability.astype(float))
    pd.testing.assert_frame_equal(run.scores_truth, everything, check_exact=False, rtol=1e-5, check_dtype=False)


def test_the_stored_model_gives_the_stored_predictions(run, data):
    features = torch.from_numpy(np.asarray(data.embedding[data.split("test")], dtype=np.float32))
    output = predict(run.model(), features)
    np.testing.assert_allclose(output.clip.numpy(), run.predictions[1], atol=1.1 / 65535)


def test_the_kept_epoch_is_the_best_on_validation(run, data):
    best = run.history.loc[run.history.validation_loss.idxmin()]
    assert run.info["epoch"] == best.epoch
    validation = data.split("validation")
    features = torch.from_numpy(np.asarray(data.embedding[validation], dtype=np.float32))
    output = predict(run.model(), features)
    scores = score(data.relevance[validation], data.mask[validation], output.clip.numpy().astype(float))
    assert scores.f1_macro.mean() == pytest.approx(best.validation_f1_macro, abs=1e-5)


def test_the_checkpoint_follows_the_named_measure(data, tmp_path):
    config = TrainConfig(model="attention", epochs=4, checkpoint="f1_macro")
    run = train(config, data, runs=tmp_path, progress=False)
    assert run.info["epoch"] == run.history.epoch[run.history.validation_f1_macro.idxmax()]


@pytest.mark.parametrize(("model", "preset"), [("attention", "repaired"), ("mel-3", "published"), ("cnn", "published")])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(model, preset, data, pictures, tmp_path):
    """With all augmentations and with dropout; test_resume has it across processes."""

    def weights(name, seed):
        config = TrainConfig(model, preset, epochs=2, seed=seed, augment=("flip", "noise", "interpolation"))
        torch.rand(seed + 3)  # whatever was drawn before
        clips = pictures if config.reads_pictures else data
        return train(config, clips, runs=tmp_path, name=name, progress=False).model().state_dict()

    one, again, other = weights("one", 0), weights("again", 0), weights("other", 1)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_number_of_threads_is_recorded_and_put_back(data, tmp_path):
    before = torch.get_num_threads()
    for threads in (1, 2):
        config = TrainConfig("mean", epochs=1)
        run = train(config, data, runs=tmp_path, name=f"{threads}", threads=threads, progress=False)
        assert run.info["threads"] == threads
    assert torch.get_num_threads() == before
    with pytest.raises(ExploreError, match="threads must be at least 1"):
        train(TrainConfig(), data, runs=tmp_path, threads=0, progress=False)


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "/tmp/x"])
def test_a_name_that_is_no_folder_s_is_refused(name, data, tmp_path):
    with pytest.raises(ExploreError, match="cannot be one"):
        train(TrainConfig("majority"), data, runs=tmp_path, name=name, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_diverges_keeps_an_epoch_with_a_loss():
    rows = [{"validation_loss": loss} for loss in (float("nan"), 0.7, 0.6, float("nan"))]
    assert Fit(history=rows).kept("loss") is rows[2]
    scores = [{"validation_f1_macro": score} for score in (float("nan"), 0.4, 0.4, 0.3)]
    assert Fit(history=scores).kept("f1_macro") is scores[1]


def test_test_clips_and_unobserved_labels_cannot_influence_training(folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    with np.load(folder / "openmic-2018.npz") as archive:
        arrays = dict(archive)
    arrays["X"][-60:] = 0
    # Test labels turned over, and something written where nothing was observed (.5 in the official file).
    test_labels = arrays["Y_mask"].copy()
    test_labels[:-60] = False
    arrays["Y_true"][test_labels] = 1 - arrays["Y_true"][test_labels]
    arrays["Y_true"][~arrays["Y_mask"]] = 1.0
    np.savez(other / "openmic-2018.npz", **arrays)
    lines = (other / "openmic-2018-aggregated-labels.csv").read_text().splitlines()
    turned = [line if int(line[:6]) < 180 else _turn(line) for line in lines[1:]]
    (other / "openmic-2018-aggregated-labels.csv").write_text("\n".join([lines[0], *turned]) + "\n")
    config = TrainConfig(model="attention", epochs=2)
    first = train(config, OpenMIC(folder), runs=tmp_path / "a", progress=False).model().state_dict()
    second = train(config, OpenMIC(other), runs=tmp_path / "b", progress=False).model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def _turn(line: str) -> str:
    key, instrument, relevance, responses = line.split(",")
    return f"{key},{instrument},{1 - float(relevance)},{responses}"


def test_each_epoch_is_reported(data, tmp_path):
    rows = []
    train(TrainConfig(model="mel", epochs=3), data, runs=tmp_path, progress=False, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def test_a_run_tells_what_it_came_from(run, data):
    assert run.info["data"] == "learnable"
    assert run.info["fingerprint"] == data.fingerprint
    assert run.info["embedding"] == "made-up"
    assert run.info["recipe"] == {"seed": 0}
    assert sum(run.info["clips"].values()) == 240
    assert run.info["versions"]["torch"] == torch.__version__


def test_an_existing_run_is_not_overwritten(run, data):
    with pytest.raises(ExploreError, match="exists already"):
        train(run.config, data, runs=run.path.parent, progress=False)


def test_a_run_that_failed_leaves_nothing(data, tmp_path):
    def fail(row):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(TrainConfig(epochs=2), data, runs=tmp_path, progress=False, on_epoch=fail)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_interrupted_between_epochs_goes_on_from_there(data, tmp_path):
    seen = []

    def stop(row):
        seen.append(row["epoch"])
        if len(seen) == 1:
            raise KeyboardInterrupt

    config = TrainConfig(epochs=3)
    with pytest.raises(KeyboardInterrupt):
        train(config, data, runs=tmp_path / "stopped", progress=False, on_epoch=stop)
    (left,) = (tmp_path / "stopped").iterdir()
    assert left.name.startswith(".")
    assert [path.name for path in Runs(tmp_path / "stopped")] == []
    again = train(config, data, runs=tmp_path / "stopped", progress=False, on_epoch=stop)
    assert seen == [1, 2, 3]
    whole = train(config, data, runs=tmp_path / "whole", progress=False)
    assert (again.path / "weights.safetensors").read_bytes() == (whole.path / "weights.safetensors").read_bytes()


def test_runs_lists_filters_and_names_what_is_unfinished(run, data, tmp_path):
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "half").mkdir()
    runs = Runs(tmp_path)
    assert [item.name for item in runs] == ["copy"]
    assert "copy" in runs
    assert [path.name for path in runs.unfinished] == ["half"]
    assert [item.name for item in runs.of(data.fingerprint)] == ["copy"]
    assert runs.of("other") == []
    row = runs.table().loc["copy"]
    assert (row.model, row.seed, row.embedding) == ("attention", 0, "made-up")
    assert row.f1_macro == pytest.approx(run.scores.f1_macro.mean(), abs=1e-5)
    with pytest.raises(ExploreError, match="There are: copy"):
        runs["other"]


@pytest.mark.parametrize("name", ["config.json", "predictions.npz", "scores.csv", "gallery.npz"])
def test_a_damaged_run_is_named(run, tmp_path, name):
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(b"\x00")
    with pytest.raises(ExploreError, match=name):
        damaged = Run(tmp_path / "run")
        _ = damaged.predictions, damaged.scores, damaged.frames("000200_0")


def test_frames_are_kept_for_clips_with_audio_only(run):
    assert run.frames("000239_0") is None  # this set has no audio


def test_a_config_written_by_someone_else_is_refused(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text()) | {"momentum": 0.9}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ExploreError, match="Unknown settings: momentum"):
        Run(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", '{"learning_rate": "x"}'),
        ("config.json", '{"momentum": 0.9}'),
        ("config.json", "[1, 2]"),
        ("run.json", "{}"),
        ("run.json", "not json"),
    ],
)
def test_one_bad_run_does_not_hide_the_others(run, tmp_path, name, content):
    for folder in ("good", "bad"):
        shutil.copytree(run.path, tmp_path / folder)
    (tmp_path / "bad" / name).write_text(content)
    runs = Runs(tmp_path)
    assert [item.name for item in runs] == ["good"]
    assert list(runs.damaged) == [tmp_path / "bad"]
