"""A training that was cut off, at any moment, goes on to the same run as one that was not."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.training import Run, fit, trainer
from tests.learnable import write_learnable

CONFIG = TrainConfig("mel", epochs=12, augment=("interpolation", "noise", "flip"))
# Trains one run again and again in processes that are forked, so that torch is imported once; each is killed.
KILLER = """
import io, os, signal, sys, time
# What the trainer imports late, and each process would by itself; an optimiser imports torch._dynamo.
import pandas, safetensors.torch, sklearn.metrics, torch._dynamo, tqdm.auto
import torch
from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.training import fit, trainer, write

data, runs, moments = OpenMIC(sys.argv[1]), sys.argv[2], sys.argv[3:]
config = TrainConfig("mel", epochs=12, augment=("interpolation", "noise", "flip"))
fit.KEEP_EVERY = 0.0  # the state is kept after every epoch

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def nth(place, function, then=kill):
    calls = iter(range(1, 10**6))
    return lambda *given, **named: then(*given) if next(calls) == place else function(*given, **named)

def save_half(content, file, save=torch.save):
    whole = io.BytesIO()
    save(content, whole)
    file.write(whole.getvalue()[: whole.tell() // 2])
    file.flush()
    kill()

def go(moment, on_epoch=None):
    if moment == "after epoch 2":
        on_epoch = lambda row: kill() if row["epoch"] == 2 else None
    if moment == "in the middle of an epoch":
        fit.augment = nth(8, fit.augment)
    if moment == "half a state":
        torch.save = nth(2, torch.save, then=save_half)
    if moment == "half a run":
        write.score = kill
    if moment == "renamed":
        trainer.remove = kill
    try:
        train(config, data, runs=runs, progress=False, on_epoch=on_epoch)
    except ExploreError as error:
        print(error, flush=True)

def forked(*given):
    child = os.fork()
    if not child:
        go(*given)
        os._exit(0)
    return child

for moment in moments:
    if moment == "any":
        child = forked(moment)
        time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
    elif moment == "second":
        started, begun = os.pipe()
        child = forked(moment, lambda row: (os.write(begun, b"x"), time.sleep(60)))
        os.read(started, 1)
        os.waitpid(forked("other"), 0)
        os.kill(child, signal.SIGKILL)
    else:
        child = forked(moment)
    print(moment, os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("resume") / "data"))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    return train(CONFIG, data, runs=tmp_path_factory.mktemp("whole"), progress=False)


def killed(data, runs, *moments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(data.path), str(runs), *moments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def same(one: Run, other: Run) -> None:
    first, second = one.model().state_dict(), other.model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert one.history.equals(other.history)
    for a, b in zip(one.heads, other.heads, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predictions[1], other.predictions[1])
    assert one.info["epoch"] == other.info["epoch"]


@needs_fork
def test_killed_at_any_moment_it_ends_in_the_same_run_and_leaves_no_litter(data, whole, tmp_path):
    moments = ["second", "after epoch 2", "in the middle of an epoch", "half a state", "any"]
    lines = killed(data, tmp_path, *moments)
    assert lines.pop(0).startswith("Another process is training this run")
    assert lines == [f"{moment} {signal.SIGKILL.value}" for moment in moments]
    (unfinished,) = Runs(tmp_path).unfinished
    assert unfinished.name == f".{CONFIG.name}.part"
    rest = []
    same(whole, train(CONFIG, data, runs=tmp_path, progress=False, on_epoch=rest.append))
    assert 0 < len(rest) < 11  # it went on, it did not begin anew
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG.name]
    assert sorted(path.name for path in (tmp_path / CONFIG.name).iterdir()) == sorted(
        path.name for path in whole.path.iterdir()
    )


@needs_fork
def test_killed_while_the_run_is_written(data, whole, tmp_path):
    assert len(killed(data, tmp_path, "half a run", "renamed")) == 2
    run = Run(tmp_path / CONFIG.name)  # whole, since it is renamed when all is in it
    same(whole, run)
    with pytest.raises(ExploreError, match="exists already"):
        train(CONFIG, data, runs=tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG.name]


def interrupted(data, runs, config=CONFIG, epoch=3):
    def stop(row):
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, data, runs=runs, progress=False, on_epoch=stop)


@pytest.mark.parametrize("epoch", [1, 12])
def test_interrupted_it_goes_on(data, whole, tmp_path, monkeypatch, epoch):
    monkeypatch.setattr(fit, "KEEP_EVERY", 0.0)
    interrupted(data, tmp_path, epoch=epoch)
    rest = []
    same(whole, train(CONFIG, data, runs=tmp_path, progress=False, on_epoch=rest.append))
    assert [row["epoch"] for row in rest] == list(range(epoch + 1, 13))


def test_the_state_of_another_training_is_refused_and_a_damaged_one_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "KEEP_EVERY", 0.0)
    interrupted(data, tmp_path)
    other = TrainConfig("mel", epochs=12, seed=5)
    with pytest.raises(ExploreError, match="left by a training with other settings, and would"):
        train(other, data, runs=tmp_path, name=CONFIG.name, progress=False)
    with pytest.raises(ExploreError, match="other number of threads, and would"):
        train(CONFIG, data, runs=tmp_path, threads=2, progress=False)
    (state,) = (tmp_path / f".{CONFIG.name}.part").iterdir()
    content = state.read_bytes()
    for damaged in (content[:100], b"", b"PK" + content[2:4] + bytes(len(content) - 4)):
        state.write_bytes(damaged)
        with pytest.raises(ExploreError, match=r"is damaged .* Delete it"):
            train(CONFIG, data, runs=tmp_path, progress=False)
    state.unlink()
    train(CONFIG, data, runs=tmp_path, progress=False)


def test_the_state_of_other_data_is_not_taken(data, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "KEEP_EVERY", 0.0)
    interrupted(data, tmp_path)
    other, rows = OpenMIC(write_learnable(tmp_path / "other", seed=1)), []
    train(CONFIG, other, runs=tmp_path, progress=False, on_epoch=rows.append)
    assert len(rows) == 12


def test_a_failure_while_the_run_is_written_leaves_the_state(data, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "write_run", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(CONFIG, data, runs=tmp_path, progress=False)
    rest = []
    same(whole, train(CONFIG, data, runs=tmp_path, progress=False, on_epoch=rest.append))
    assert rest == []


def test_two_trainings_of_one_run_at_once_are_refused(data, tmp_path):
    def again(row):
        with pytest.raises(ExploreError, match="Another process is training this run"):
            train(CONFIG, data, runs=tmp_path, progress=False)

    assert len(train(CONFIG, data, runs=tmp_path, progress=False, on_epoch=again).history) == 12
