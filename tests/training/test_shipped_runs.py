"""The shipped runs belong to the shipped data, their scores follow from their predictions, and they beat the majority."""

import numpy as np
import pandas as pd
import pytest
import torch

from openmic_explore import OpenMIC, Runs, score
from openmic_explore.experiments import EXPERIMENTS, FIGURES, runs_of
from openmic_explore.training import majority_scores
from openmic_explore.training.config import BASELINES
from openmic_explore.training.inputs import load_features
from openmic_explore.training.run import SHIPPED
from openmic_explore.training.trainer import predict
from openmic_explore.transforms.embedding import embedding

RUNS = Runs(SHIPPED)
NAMES = [run.name for run in RUNS]
NETWORKS = [run.name for run in RUNS if run.keeps_model]


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_is_there_with_three_seeds(data, experiment):
    for group, runs in runs_of(experiment, RUNS, data).items():
        assert [run.config.seed for run in runs] == ([0] if group.startswith("majority") else [0, 1, 2]), group


def test_they_are_small_and_the_first_seeds_of_the_main_models_keep_their_weights(data):
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 15e6
    for experiment in ("start", "5", "pooling"):
        for group, (first, *_) in runs_of(experiment, RUNS, data).items():
            assert first.keeps_model == (first.config.model not in BASELINES), group


@pytest.mark.parametrize("figure", FIGURES)
def test_the_figures_can_be_drawn_at_both_checkpoints(data, figure):
    for runs in runs_of(figure, RUNS, data).values():
        for run in runs:
            assert run.at("f1_macro").predictions[1].shape == run.predictions[1].shape


@pytest.mark.parametrize("name", NAMES)
def test_scores_follow_from_predictions_on_the_shipped_data(data, name):
    run = RUNS[name]
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
    run = RUNS[name]
    places = [place for place, key in enumerate(run.predictions[0]) if data.has_audio(key)][:8]
    rows = data.split("test")[places]
    if run.config.features in ("embedding", "scalogram", "log_mel"):
        features = load_features(data, run.config, rows)
    else:  # the package has it of no clip, but the sound of these
        embed = embedding(run.info["embedding"])
        features = torch.from_numpy(np.stack([embed(*data.audio(data.keys[row])) for row in rows]))
    output = predict(run.model(), features)
    moving = run.config.preset == "published" and run.config.reads_pictures
    tolerance = 5e-3  # weights are stored as halves, probabilities with 8 significant bits
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
    for experiment in ("5", "pooling"):
        for runs in runs_of(experiment, RUNS, data).values():
            for run in runs:
                if run.config.preset == "repaired":
                    assert run.info["means"]["f1_macro"] > baseline + 0.2, run.name
