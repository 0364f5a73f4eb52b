"""Baselines under the same scoring, the record of dead heads, and the choice of precision."""

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.training import majority_scores, precision
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("baselines") / "data"))


def test_the_forest_is_the_official_one(data, tmp_path):
    from sklearn.ensemble import RandomForestClassifier

    run = train(TrainConfig("forest", seed=3), data, runs=tmp_path, progress=False)
    means = np.asarray(data.embedding, dtype=float).mean(axis=1)
    official = np.setdiff1d(np.arange(len(data)), data.split("test"))
    for column in (0, 7, 19):
        rows = official[data.mask[official, column]]
        forest = RandomForestClassifier(n_estimators=100, max_depth=8, random_state=3)
        forest.fit(means[rows].astype(np.float32), data.relevance[rows, column] >= 0.5)
        expected = forest.predict_proba(means[data.split("test")].astype(np.float32))[:, 1]
        np.testing.assert_allclose(run.predictions[1][:, column], expected, atol=1e-5)
    assert run.frames("000200_0") is None
    with pytest.raises(ExploreError, match="keeps no model"):
        run.model()


def test_the_majority_run_is_the_majority_class(data, tmp_path):
    run = train(TrainConfig("majority"), data, runs=tmp_path, progress=False)
    np.testing.assert_allclose(run.scores.f1_macro, majority_scores(data).f1_macro, rtol=1e-5)
    assert len(Runs(tmp_path).table()) == 1


@pytest.mark.parametrize("setting", [{"epochs": 3}, {"augment": ("noise",)}, {"options": {"head": "logit"}}])
def test_baselines_have_no_epochs_augmentation_or_options(setting):
    with pytest.raises(ExploreError, match="not trained in epochs"):
        TrainConfig("forest", **setting)


def test_heads_that_sit_on_the_clamp_are_recorded(data, tmp_path):
    config = TrainConfig("mel", "published", epochs=3)
    run = train(config, data, runs=tmp_path, progress=False)
    assert run.heads.blocked.shape == run.heads.constant.shape == (3, 20)
    assert run.heads.blocked.max() > 0.5
    repaired = train(TrainConfig("mel", epochs=3), data, runs=tmp_path, progress=False)
    assert (repaired.heads.blocked == 0).all()


def test_constant_means_the_same_decision_for_every_validation_clip(data, tmp_path):
    run = train(TrainConfig("mel", "published", epochs=1, learning_rate=1e-9), data, runs=tmp_path, progress=False)
    moving = train(TrainConfig("attention", epochs=30, learning_rate=3e-3), data, runs=tmp_path, progress=False)
    assert run.heads.constant[0].sum() > moving.heads.constant[-1].sum()
    assert (moving.heads.spread[-1] > 0.4).mean() > 0.8


def test_the_probe_answers_and_leaves_the_random_state_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path))
    config, device = TrainConfig("cnn"), torch.device("cpu")
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    found = precision.resolve_precision(config, device)
    torch.testing.assert_close(torch.rand(3), expected)
    assert found in ("fp32", "bf16")
    monkeypatch.setattr(precision, "probe", lambda *_: pytest.fail("probed twice"))
    assert precision.resolve_precision(config, device) == found
    assert precision.resolve_precision(TrainConfig("mel"), device) == "fp32"
    assert precision.resolve_precision(TrainConfig("cnn", precision="fp32"), device) == "fp32"
