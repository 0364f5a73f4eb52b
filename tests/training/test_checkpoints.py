"""Every run is kept at several epochs, and can be looked at each of them."""

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, TrainConfig, score, train
from openmic_explore.training import Run, Runs
from openmic_explore.training.run import LEVELS
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("checkpoints") / "data"))


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for checkpoint in ("loss", "f1_macro", "average_precision", "last"):
        config = TrainConfig("mel", "published", epochs=8, learning_rate=1e-2, checkpoint=checkpoint)
        train(config, data, runs=folder, progress=False)
    train(TrainConfig("majority"), data, runs=folder, progress=False)
    return folder


def of(folder, checkpoint):
    return next(run for run in Runs(folder) if run.config.checkpoint == checkpoint and run.config.model == "mel")


def test_a_run_at_another_checkpoint_is_the_run_that_would_have_kept_it(folder):
    run = of(folder, "loss")
    assert run.checkpoints == ["loss", "f1_macro", "last"]
    epochs = {checkpoint: run.at(checkpoint).info["epoch"] for checkpoint in run.checkpoints}
    assert len(set(epochs.values())) > 1, "nothing to tell apart"
    for checkpoint in ("f1_macro", "last"):
        one, other = run.at(checkpoint), of(folder, checkpoint)
        assert one.config == other.config
        assert one.info["epoch"] == other.info["epoch"]
        assert one.info["means"] == other.info["means"]
        np.testing.assert_array_equal(one.predictions[1], other.predictions[1])
        assert one.scores.equals(other.scores)
        assert one.scores_truth.equals(other.scores_truth)
    assert of(folder, "average_precision").checkpoints == ["average_precision", "loss", "f1_macro", "last"]


def test_the_epochs_are_those_that_the_history_names(folder):
    run = of(folder, "average_precision")
    history = run.history.set_index("epoch")
    assert run.info["epoch"] == history.validation_average_precision.idxmax()
    assert run.at("loss").info["epoch"] == history.validation_loss.idxmin()
    assert run.at("f1_macro").info["epoch"] == history.validation_f1_macro.idxmax()
    assert run.at("last").info["epoch"] == 8


def test_scores_follow_from_the_predictions_of_their_checkpoint(data, folder):
    run = of(folder, "loss").at("last")
    keys, probability = run.predictions
    rows = [data.index(key) for key in keys]
    again = score(data.relevance[rows], data.mask[rows], np.round(probability * LEVELS) / LEVELS)
    np.testing.assert_allclose(run.scores.average_precision, again.average_precision, rtol=1e-5)


def test_only_its_own_has_a_model_and_the_others_say_so(folder):
    run = of(folder, "loss")
    assert run.keeps_model
    assert not run.at("last").keeps_model
    assert run.at("last").frames(run.predictions[0][0]) is None
    with pytest.raises(ExploreError, match=r"keeps no model at this checkpoint"):
        run.at("last").model()
    with pytest.raises(
        ExploreError, match=r"not kept at the checkpoint 'average_precision'. It has: loss, f1_macro, last"
    ):
        run.at("average_precision")


def test_a_baseline_is_the_same_at_all_of_them(folder):
    run = Runs(folder)["majority-published-seed0"]
    assert run.at("last") is run
    assert run.checkpoints == []


def test_a_run_from_before_has_its_own_only(folder, tmp_path):
    import json
    import shutil

    old = tmp_path / "old"
    shutil.copytree(of(folder, "loss").path, old)
    shutil.rmtree(old / "checkpoints")
    info = json.loads((old / "run.json").read_text())
    del info["checkpoints"], info["parameters_of_input"]
    (old / "run.json").write_text(json.dumps(info))
    assert Run(old).checkpoints == ["loss"]
    assert Run(old).keeps_model
