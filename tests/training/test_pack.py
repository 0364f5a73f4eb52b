"""A packed run says the same in fewer bytes."""

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, TrainConfig, score, train
from openmic_explore.training import predict
from openmic_explore.training.inputs import load_features
from openmic_explore.training.pack import pack, rounded
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("pack") / "data"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return train(TrainConfig("attention", epochs=3), data, runs=tmp_path_factory.mktemp("runs"), progress=False)


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_rounding_stays_within_half_a_percent_and_on_its_side_of_one_half():
    levels = np.arange(65536, dtype=np.uint16)
    found = rounded(levels).astype(int)
    near = np.minimum(levels.astype(int), 65535 - levels.astype(int))
    assert (np.abs(found - levels) <= near / 256 + 1e-9).all()
    assert ((found >= 32768) == (levels >= 32768)).all()
    assert (np.diff(found) >= 0).all()
    assert len(np.unique(found)) < 4200
    np.testing.assert_array_equal(found[:256], levels[:256])
    np.testing.assert_array_equal(65535 - found[::-1], found)  # both ends alike


def test_a_whole_one_predicts_what_it_has_stored(run, data, tmp_path):
    copy = pack(run, tmp_path, data)
    assert size(copy.path) < 0.7 * size(run.path)
    assert copy.keeps_model
    assert copy.config == run.config
    assert copy.checkpoints == ["loss", "f1_macro"]
    np.testing.assert_allclose(copy.predictions[1], run.predictions[1], rtol=1 / 200)
    output = predict(copy.model(), load_features(data, copy.config, data.split("test")))
    np.testing.assert_allclose(output.clip, copy.predictions[1], atol=5e-3)
    assert copy.history.equals(run.history)
    np.testing.assert_array_equal(copy.heads.spread, run.heads.spread)


def test_scores_are_those_of_what_is_stored(run, data, tmp_path):
    copy = pack(run, tmp_path, data).at("f1_macro")
    test = data.split("test")
    again = score(data.relevance[test], data.mask[test], copy.predictions[1].astype(float))
    np.testing.assert_allclose(copy.scores, again, rtol=1e-5)
    np.testing.assert_allclose(copy.info["means"]["average_precision"], again.average_precision.mean())
    assert copy.info["means"] == pytest.approx(run.at("f1_macro").info["means"], abs=5e-3)


def test_without_its_model_it_says_so(run, data, tmp_path):
    copy = pack(run, tmp_path, data, whole=False, checkpoints=())
    assert sorted(path.name for path in copy.path.iterdir()) == [
        "config.json",
        "heads.npz",
        "history.csv",
        "predictions.npz",
        "run.json",
        "scores.csv",
        "scores_truth.csv",
    ]
    assert not copy.keeps_model
    assert copy.frames(copy.predictions[0][0]) is None
    with pytest.raises(ExploreError, match=r"attention-repaired-epochs=3-seed0 keeps no model, its predictions only"):
        copy.model()
    with pytest.raises(ExploreError, match="has no weights to pack"):
        pack(copy, tmp_path / "again", data)


def test_packing_twice_gives_the_same_bytes(run, data, tmp_path):
    first, second = (pack(run, tmp_path / name, data) for name in ("a", "b"))
    for file in first.path.rglob("*"):
        if file.is_file():
            assert file.read_bytes() == (second.path / file.relative_to(first.path)).read_bytes(), file.name


def test_a_baseline_too(data, tmp_path):
    run = train(TrainConfig("majority"), data, runs=tmp_path / "runs", progress=False)
    copy = pack(run, tmp_path / "packed", data)
    np.testing.assert_array_equal(copy.predictions[1], run.predictions[1])


def test_other_data_is_refused(run, tmp_path):
    with pytest.raises(ExploreError, match="was trained on other data"):
        pack(run, tmp_path, OpenMIC(write_learnable(tmp_path / "data", seed=4)))
