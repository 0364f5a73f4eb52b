"""A small experiment and its runs."""

import pytest

from openmic_explore import OpenMIC, TrainConfig, train
from openmic_explore.experiments import EXPERIMENTS, Experiment
from tests.learnable import write_learnable

NETWORKS = (TrainConfig("mean", epochs=2), TrainConfig("mel", epochs=2, augment=("noise",)))
SMALL = Experiment("Which is better?", (TrainConfig("majority"), *NETWORKS), (NETWORKS,))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("experiments") / "data"))


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "small", SMALL)


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory):
    """The runs of `small` with two seeds, trained one by one."""
    folder = tmp_path_factory.mktemp("trained")
    for config in SMALL.runs:
        for seed in range(2 if config.model != "majority" else 1):
            train(TrainConfig.from_dict(config.to_dict() | {"seed": seed}), data, runs=folder, progress=False)
    return folder
