"""Signals in time of runs, against a truth that is known and controls that know less."""

import numpy as np
import pytest
import soundfile

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.evaluation import Signal, localise
from openmic_explore.experiments import localise_runs
from tests.learnable import write_learnable

RATE = 8000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Learnable clips, with sound that is the louder the more instruments sound."""
    data = OpenMIC(write_learnable(tmp_path_factory.mktemp("localise") / "data"))
    rng = np.random.default_rng(0)
    for row in [*data.split("validation"), *data.split("test")]:
        key = str(data.keys[row])
        loudness = np.repeat(data.activity.active[row].sum(axis=0) + 6 * rng.random(10), RATE)
        folder = data.path / "audio" / key[:3]
        folder.mkdir(parents=True, exist_ok=True)
        samples = (0.02 * loudness * rng.standard_normal(len(loudness))).clip(-1, 1)
        soundfile.write(folder / f"{key}.ogg", samples.astype(np.float32), RATE)
    return OpenMIC(data.path)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(2):
        train(TrainConfig("max", epochs=60, known=1.0, seed=seed), data, runs=folder, progress=False)
    return list(Runs(folder))


def test_a_model_that_has_learned_beats_energy_and_its_shuffled_self(data, runs):
    table = localise_runs(runs, data, resamples=100)
    assert list(table.index) == [
        "energy",
        "attention",
        "frame score",
        "product",
        "frame score x energy",
        "product x energy",
    ]
    energy, score = table.loc["energy"], table.loc["frame score"]
    assert energy.test > 0.52  # loud where many sound
    assert score.test > energy.test + 0.1
    assert score.minus_energy == pytest.approx(score.test - energy.test)
    assert score.low < score.minus_energy < score.high
    assert abs(score.shuffled - 0.5) < 0.05
    assert abs(score.validation - score.test) < 0.1


def test_the_numbers_are_those_of_the_gallery_that_each_run_kept(data, runs):
    """All test clips have audio here, so every run kept its frames of all of them."""
    table = localise_runs(runs, data, resamples=20)
    found = []
    for run in runs:
        rows = [data.index(str(key)) for key in run.gallery["sample_key"]]
        assert len(rows) == len(data.split("test"))
        signal = Signal(run.gallery["frame"].astype(float), 1.0)
        found.append(localise(signal, data.activity.active[rows], 1.0, resamples=1).loc["mean", "auc"])
    assert table.loc["frame score", "test"] == pytest.approx(np.mean(found), abs=2e-3)
    assert table.loc["frame score", "std"] == pytest.approx(np.std(found, ddof=1), abs=2e-3)


def test_what_is_lacking_is_said(data, runs, tmp_path):
    quiet = OpenMIC(write_learnable(tmp_path / "quiet"))
    with pytest.raises(ExploreError, match="no audio of its test clips"):
        localise_runs(runs, quiet)
    with pytest.raises(ExploreError, match="was trained on other data"):
        localise_runs(runs, OpenMIC(write_learnable(tmp_path / "other", seed=3)))
    (quiet.path / "activity.npz").unlink()
    with pytest.raises(ExploreError, match=r"it has no activity\.npz"):
        localise_runs(runs, OpenMIC(quiet.path))
