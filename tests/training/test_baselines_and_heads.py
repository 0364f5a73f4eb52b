"""Baselines under the same scoring, and the record of what heads did."""

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, TrainConfig, score, train
from openmic_explore.models import Output
from openmic_explore.training import majority_scores
from openmic_explore.training.config import BASELINES
from openmic_explore.training.fit import Fit, _note_heads
from openmic_explore.training.trainer import predict
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("baselines") / "data"))


# Baselines


def test_the_forest_is_the_official_one(data, tmp_path):
    """Held against scikit-learn's forest on what the files hold, without the package's own splits and masks."""
    from sklearn.ensemble import RandomForestClassifier

    run = train(TrainConfig("forest", seed=3), data, runs=tmp_path, progress=False)
    with np.load(data.path / "openmic-2018.npz") as archive:
        x, truth, mask, keys = (archive[name] for name in ("X", "Y_true", "Y_mask", "sample_key"))
    parts = {name: (data.path / "partitions" / f"split01_{name}.csv").read_text().split() for name in ("train", "test")}
    fitting, test = (np.isin(keys, parts[name]) for name in ("train", "test"))
    assert run.predictions[0].tolist() == keys[test].tolist()
    means = x.mean(axis=1, dtype=np.float32)
    for column in (0, 7, 19):
        rows = fitting & mask[:, column]
        forest = RandomForestClassifier(n_estimators=100, max_depth=8, random_state=3)
        forest.fit(means[rows], truth[rows, column] >= 0.5)
        expected = forest.predict_proba(means[test])[:, 1]
        np.testing.assert_allclose(run.predictions[1][:, column], expected, atol=1e-5)


def test_the_majority_run_is_the_majority_class(data, tmp_path):
    run = train(TrainConfig("majority"), data, runs=tmp_path, progress=False)
    expected = majority_scores(data)
    for column in expected:
        np.testing.assert_allclose(run.scores[column], expected[column], rtol=1e-5)
    official = np.setdiff1d(np.arange(len(data)), data.split("test"))
    for column in range(20):
        seen = data.relevance[official, column][data.mask[official, column]]
        assert (run.predictions[1][:, column] == ((seen >= 0.5).mean() > 0.5)).all()
    truth = majority_scores(data, truth=True)
    np.testing.assert_allclose(run.scores_truth.f1_macro, truth.f1_macro, rtol=1e-5)


def test_a_baseline_says_what_it_has_not(data, tmp_path):
    run = train(TrainConfig("majority"), data, runs=tmp_path, progress=False)
    assert run.frames(run.predictions[0][0]) is None
    assert run.heads is None
    assert run.config.head is None
    with pytest.raises(ExploreError, match="is a baseline and keeps no model"):
        run.model()
    with pytest.raises(ExploreError, match="is a baseline and has no epochs"):
        _ = run.history
    assert [path.name for path in tmp_path.iterdir()] == [run.name]


@pytest.mark.parametrize("model", BASELINES)
@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 3},
        {"batch": 8},
        {"learning_rate": 0.1},
        {"weight_decay": 0.0},
        {"checkpoint": "f1_macro"},
        {"augment": ("noise",)},
        {"augment_as": "text"},
        {"precision": "fp32"},
        {"options": {"head": "logit"}},
    ],
)
def test_baselines_refuse_what_means_nothing_to_them(model, setting):
    (name,) = setting
    with pytest.raises(ExploreError, match=f"{model} is not trained in epochs: it has no {name}"):
        TrainConfig(model, **setting)


@pytest.mark.parametrize("setting", [{"preset": "repaired"}, {"features": "scalogram"}, {"features": "log_mel"}])
def test_baselines_have_one_preset_and_read_embeddings(setting):
    with pytest.raises(ExploreError):
        TrainConfig("forest", **setting)


def test_the_forest_reads_a_kept_embedding(data, tmp_path):
    with pytest.raises(ExploreError, match="--only embedding --embedding vggish"):
        train(TrainConfig("forest", features="vggish"), data, runs=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_the_forest_needs_labels_of_both_kinds(tmp_path):
    data = OpenMIC(write_learnable(tmp_path / "data"))
    data.mask = data.mask & (np.arange(20) != 4)
    with pytest.raises(ExploreError, match=f"labels of both kinds for {data.instruments[4]}"):
        train(TrainConfig("forest"), data, runs=tmp_path / "runs", progress=False)
    assert list((tmp_path / "runs").iterdir()) == []


# Heads

STILL = {"epochs": 2, "learning_rate": 1e-12, "weight_decay": 0.0}  # all epochs are the first


def test_the_record_says_per_instrument_which_clips_sit_on_the_clamp(data, tmp_path):
    """Input in 0..255 drives the published head out of (0, 1); counted again by the untrained network's own gradient."""
    config = TrainConfig("mel", "published", options={"scaling": "bytes"}, **STILL)
    run = train(config, data, runs=tmp_path, progress=False)
    assert run.heads.blocked.shape == run.heads.spread.shape == run.heads.constant.shape == (2, 20)
    fitting = torch.from_numpy(np.array(data.embedding[data.split("train")], dtype=np.float32))
    out = run.model()(fitting)
    (gradient,) = torch.autograd.grad(out.clip.sum(), out.logit)
    expected = (gradient == 0).double().mean(dim=0).numpy()
    assert expected.max() > 0
    assert len(np.unique(expected)) > 3  # instruments differ
    np.testing.assert_allclose(run.heads.blocked, np.tile(expected, (2, 1)), atol=1.5 / len(fitting))


@pytest.mark.parametrize("model", ["mel", "mel-3", "attention", "max"])
def test_a_repaired_head_is_never_blocked(model, data, tmp_path):
    config = TrainConfig(model, epochs=2, options={"scaling": "bytes"})
    assert (train(config, data, runs=tmp_path, progress=False).heads.blocked == 0).all()


@pytest.mark.parametrize("config", [TrainConfig("mel", "published", **STILL), TrainConfig("attention", epochs=15)])
def test_constant_and_spread_are_those_of_the_validation_clips(config, data, tmp_path):
    run = train(config, data, runs=tmp_path, progress=False)
    validation = torch.from_numpy(np.array(data.embedding[data.split("validation")], dtype=np.float32))
    clip = predict(run.model(), validation).clip.numpy()
    epoch = run.info["epoch"] - 1
    np.testing.assert_allclose(run.heads.spread[epoch], np.ptp(clip, axis=0), atol=2e-3)
    decided = clip >= 0.5
    np.testing.assert_array_equal(run.heads.constant[epoch], [len(set(column)) == 1 for column in decided.T.tolist()])


def test_a_constant_predictor_is_told_from_one_that_listens(data, tmp_path):
    constant = train(TrainConfig("mel", "published", **STILL), data, runs=tmp_path, progress=False)
    listening = train(TrainConfig("attention", epochs=30, learning_rate=3e-3), data, runs=tmp_path, progress=False)
    assert constant.heads.constant[-1].mean() > 0.8
    assert listening.heads.constant[-1].mean() < 0.2
    # And its test scores are those of a constant answer: no F1 of both classes.
    rows = constant.heads.constant[-1]
    test = data.split("test")
    answers = [np.full((len(test), 20), value) for value in (0.0, 1.0)]
    both = [score(data.relevance[test], data.mask[test], answer).f1_macro.to_numpy() for answer in answers]
    found = constant.scores.f1_macro.to_numpy()
    same = np.isclose(found, both[0], atol=1e-4) | np.isclose(found, both[1], atol=1e-4)
    assert same[rows].mean() > 0.8  # constant on the validation clips, and so on most test clips


def test_always_present_is_as_constant_as_never():
    clip = torch.tensor([[0.9, 0.1, 0.9, 0.5, 0.49], [0.6, 0.4, 0.1, 0.5, 0.5]])
    done = Fit()
    _note_heads(done, Output(clip, clip, clip[:, None], clip[:, None]), torch.zeros(5))
    assert done.constant[0].tolist() == [True, True, False, True, False]
    np.testing.assert_allclose(done.spread[0], [0.3, 0.3, 0.8, 0.0, 0.01], atol=1e-6)
