"""A training that was killed, at any moment, goes on to the same run as one that was not."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.training import Run, fit
from tests.learnable import write_learnable

CONFIG = TrainConfig("mel", epochs=12, augment=("interpolation", "noise", "flip"))
CHILD = """
import sys, time
from openmic_explore import OpenMIC, TrainConfig, train
from openmic_explore.training import fit
fit.KEEP_EVERY = 0.0
config = TrainConfig("mel", epochs=12, augment=("interpolation", "noise", "flip"))
train(config, OpenMIC(sys.argv[1]), runs=sys.argv[2], progress=False,
      on_epoch=lambda row: (print(int(row["epoch"]), flush=True), time.sleep(0.03)))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("resume") / "data"))


def same(one: Run, other: Run) -> None:
    first, second = one.model().state_dict(), other.model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert one.history.equals(other.history)
    for a, b in zip(one.heads, other.heads, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predictions[1], other.predictions[1])


def test_killed_at_five_moments_it_ends_in_the_same_run_and_leaves_no_litter(data, tmp_path):
    whole = train(CONFIG, data, runs=tmp_path / "whole", progress=False)
    runs = tmp_path / "killed"
    for moment in (2, 4, 6, 9, 11):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(data.path), str(runs)], stdout=subprocess.PIPE, text=True
        )
        for line in child.stdout:
            if int(line) >= moment:
                break
        time.sleep(0.01 * (moment % 3))
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not (runs / CONFIG.name).exists()
    same(whole, train(CONFIG, data, runs=runs, progress=False))
    assert [path.name for path in runs.iterdir()] == [CONFIG.name]


def interrupted(data, runs, config=CONFIG):
    def stop(row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, data, runs=runs, progress=False, on_epoch=stop)


def test_interrupted_it_goes_on(data, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "KEEP_EVERY", 0.0)
    interrupted(data, tmp_path / "a")
    same(
        train(CONFIG, data, runs=tmp_path / "a", progress=False),
        train(CONFIG, data, runs=tmp_path / "b", progress=False),
    )


def test_the_state_of_other_settings_and_a_damaged_one_are_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "KEEP_EVERY", 0.0)
    interrupted(data, tmp_path)
    other = TrainConfig("mel", epochs=12, seed=5)
    with pytest.raises(ExploreError, match="other settings"):
        train(other, data, runs=tmp_path, name=CONFIG.name, progress=False)
    (state,) = (tmp_path / f".{CONFIG.name}.part").iterdir()
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(ExploreError, match="is damaged"):
        train(CONFIG, data, runs=tmp_path, progress=False)


def test_two_processes_do_not_train_one_run(data, tmp_path):
    from openmic_explore.files import locked

    with locked(tmp_path / CONFIG.name, "training this run"), pytest.raises(ExploreError, match="Another process"):
        train(CONFIG, data, runs=tmp_path, progress=False)
