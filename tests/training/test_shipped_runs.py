"""The shipped runs belong to the shipped data, their scores follow from their predictions, and they beat the majority."""

import numpy as np
import pandas as pd
import pytest

from openmic_explore import OpenMIC, Runs, score
from openmic_explore.evaluation import majority
from openmic_explore.training.run import SHIPPED
from openmic_explore.training.trainer import predict

NAMES = [run.name for run in Runs(SHIPPED)]


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


def test_there_are_several_models_with_several_seeds_each():
    table = Runs(SHIPPED).table().groupby(["model", "preset"]).seed.nunique()
    assert len(table) >= 2
    assert (table >= 3).all()
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 15e6


@pytest.mark.parametrize("name", NAMES)
def test_scores_follow_from_predictions_on_the_shipped_data(data, name):
    run = Runs(SHIPPED)[name]
    assert run.info["fingerprint"] == data.fingerprint
    assert run.info["embedding"] == data.embedding_name
    assert run.info["recipe"] == data.info["recipe"]
    test = data.split("test")
    keys, probability = run.predictions
    assert keys.tolist() == data.keys[test].tolist()
    again = score(data.relevance[test], data.mask[test], probability.astype(float))
    pd.testing.assert_frame_equal(run.scores, again, check_exact=False, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_weights_give_the_stored_predictions_and_frames(data, name):
    import torch

    run = Runs(SHIPPED)[name]
    rows = data.split("test")[:64]
    output = predict(run.model(), torch.from_numpy(np.asarray(data.embedding[rows], dtype=np.float32)))
    np.testing.assert_allclose(output.clip.numpy(), run.predictions[1][:64], atol=1e-3)
    for key in data.audio_keys[:5]:
        frames = run.frames(key)
        assert frames is not None
        features = torch.from_numpy(np.asarray(data.embedding[[data.index(key)]], dtype=np.float32))
        again = predict(run.model(), features)
        np.testing.assert_allclose(frames.attention, again.attention[0].numpy(), atol=2e-3)
        np.testing.assert_allclose(frames.frame, again.frame[0].numpy(), atol=2e-3)


def test_repaired_models_beat_the_majority_class_by_far(data):
    fitting, test = data.split("train"), data.split("test")
    constant = np.tile(majority(data.relevance[fitting], data.mask[fitting]), (len(test), 1))
    baseline = score(data.relevance[test], data.mask[test], constant).f1_macro.mean()
    table = Runs(SHIPPED).table()
    assert (table[table.preset == "repaired"].f1_macro > baseline + 0.2).all()
