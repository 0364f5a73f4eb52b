"""The shipped runs belong to the shipped data, their scores follow from their predictions, and they beat the majority."""

import numpy as np
import pandas as pd
import pytest

from openmic_explore import OpenMIC, Runs, score
from openmic_explore.training import majority_scores
from openmic_explore.training.config import BASELINES
from openmic_explore.training.inputs import load
from openmic_explore.training.run import SHIPPED
from openmic_explore.training.trainer import predict

NAMES = [run.name for run in Runs(SHIPPED)]
NETWORKS = [run.name for run in Runs(SHIPPED) if run.config.model not in BASELINES]


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


def test_there_are_several_models_with_several_seeds_each():
    table = Runs(SHIPPED).table()
    seeds = table[table.model != "majority"].groupby(["model", "preset"]).seed.nunique()
    assert len(seeds) >= 2
    assert (seeds >= 3).all()
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 15e6


@pytest.mark.parametrize("name", NAMES)
def test_scores_follow_from_predictions_on_the_shipped_data(data, name):
    run = Runs(SHIPPED)[name]
    assert run.info["fingerprint"] == data.fingerprint
    assert run.info["embedding"] == (data.embedding_name if run.config.features == "embedding" else run.config.features)
    assert run.info["recipe"] == data.info["recipe"]
    test = data.split("test")
    keys, probability = run.predictions
    assert keys.tolist() == data.keys[test].tolist()
    again = score(data.relevance[test], data.mask[test], probability.astype(float))
    pd.testing.assert_frame_equal(run.scores, again, check_exact=False, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_stored_weights_give_the_stored_predictions_and_frames(data, name):
    """A dropout that stays on draws its mask by the clip's place among all test clips; then only the shapes are held."""
    run = Runs(SHIPPED)[name]
    places = [place for place, key in enumerate(run.predictions[0]) if data.has_audio(key)][:8]
    rows = data.split("test")[places]
    output = predict(run.model(), load(data, run.config, rows).features)
    moving = run.config.preset == "published" and run.config.reads_pictures
    # Weights are stored as halves; the first runs in bfloat16 predicted in it too.
    tolerance = 0.05 if run.info.get("precision") == "bf16" else 2e-3
    for place, row in enumerate(rows):
        frames = run.frames(data.keys[row])
        assert frames is not None
        assert frames.attention.shape == output.attention[place].shape
        if moving:
            continue
        np.testing.assert_allclose(output.clip[place].numpy(), run.predictions[1][places[place]], atol=tolerance)
        np.testing.assert_allclose(frames.attention, output.attention[place].numpy(), atol=tolerance)
        np.testing.assert_allclose(frames.frame, output.frame[place].numpy(), atol=tolerance)


def test_repaired_models_beat_the_majority_class_by_far(data):
    baseline = majority_scores(data).f1_macro.mean()
    table = Runs(SHIPPED).table()
    assert (table[table.preset == "repaired"].f1_macro > baseline + 0.2).all()
