"""Train without a browser: the settings, the process that trains, stopping and going on, and what the view says."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.training_settings import (
    Settings,
    check_features,
    name_for,
    offered_features,
    target_folder,
)
from openmic_explore.dashboard.training_state import TrainingState, can_go_on
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.training import Runs, TrainConfig, train
from openmic_explore.training.config import RECIPES
from tests.dashboard.small_data import write_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(folder):
    return OpenMIC(folder)


def go(state: TrainingState, until=lambda: False, seconds: float = 120) -> None:
    """Run the loop until the training has ended, or something else is so."""

    async def wait():
        end = time.monotonic() + seconds
        while state.busy and not until():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    asyncio.get_event_loop().run_until_complete(wait())


@pytest.fixture
def loop():
    """A loop as a kernel has one, running while a test starts something."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


def begin(loop, state, *arguments):
    async def start():
        state.start(*arguments)

    loop.run_until_complete(start())


# Settings


@pytest.mark.parametrize(("model", "preset"), RECIPES)
def test_untouched_settings_are_the_preset_s(model, preset):
    settings = Settings()
    settings.model, settings.preset = model, preset
    settings.take_recipe()
    assert settings.config() == TrainConfig(model, preset)


def test_settings_become_a_configuration():
    settings = Settings()
    settings.model, settings.preset = "mel", "published"
    settings.take_recipe()
    settings.augment, settings.epochs, settings.seed = ["flip", "noise"], 7, 3
    settings.own, settings.known, settings.unknown = False, 0.05, "absent"
    assert settings.config() == TrainConfig(
        "mel", "published", seed=3, epochs=7, known=0.05, unknown="absent", augment=("noise", "flip")
    )
    settings.augment_as = "text"
    assert settings.config().augment_as == "text"


def test_what_a_configuration_refuses_is_refused_in_its_words():
    settings = Settings()
    settings.own, settings.known = False, 1.5
    with pytest.raises(ExploreError, match="known is a share"):
        settings.config()


def test_a_baseline_has_no_epochs():
    settings = Settings()
    settings.model, settings.augment = "forest", ["noise"]
    settings.take_recipe()
    assert settings.preset == "published"
    assert settings.config() == TrainConfig("forest")


def test_the_first_free_seed(runs_folder):
    settings = Settings()
    settings.model, settings.epochs = "mel", 3
    settings.take_free_seed(list(Runs(runs_folder)))  # seeds 0 and 1 are there
    assert settings.seed == 2


@pytest.mark.parametrize("config", [TrainConfig("cnn"), TrainConfig("best"), TrainConfig("cnn", features="log_mel")])
def test_missing_features_are_named_as_the_trainer_names_them(config, data):
    from openmic_explore.training.inputs import check_features as trainers

    for one in (OpenMIC.teaching(), data):
        for check in (check_features, trainers):
            with pytest.raises(ExploreError, match="openmic-explore features") as error:
                check(one, config)
            assert str(config.features) in str(error.value)


def test_what_is_there_passes(data):
    for config in (TrainConfig("mel"), TrainConfig("forest"), TrainConfig("majority")):
        check_features(data, config)


def test_computed_pictures_pass(tmp_path):
    from openmic_explore.features import write_features

    made = OpenMIC(write_folder(tmp_path / "tones"))
    write_features(made, progress=False, jobs=1)
    with pytest.raises(ExploreError, match="not there for all clips"):
        check_features(made, TrainConfig("cnn"))  # only six clips have sound
    assert ("scalogram", "scalogram") in offered_features(made, "cnn")
    assert offered_features(made, "mel")[0][1] == "embedding"
    assert "scalogram" not in dict(offered_features(made, "mel")).values()


# Where the run goes


def test_the_run_goes_where_the_page_s_runs_are(tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    own = tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    monkeypatch.setattr("openmic_explore.training.run.SHIPPED", shipped)
    assert target_folder(Runs(shipped, own)) == own
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "dashboard.ipynb").touch()
    monkeypatch.chdir(tmp_path / "apps")
    assert target_folder(Runs(shipped)) == tmp_path / "runs"  # beside the notebook's folder
    monkeypatch.chdir(own)
    assert target_folder(Runs(shipped)) == own / "runs"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ExploreError, match="OPENMIC_RUNS"):
        target_folder(Runs(shipped, own))


def test_a_run_that_is_there_is_not_trained_again(data, runs_folder, tmp_path):
    runs = Runs(runs_folder)
    with pytest.raises(ExploreError, match="mel-repaired-epochs=3-seed1"):
        name_for(TrainConfig("mel", epochs=3, seed=1), data, runs, runs_folder)
    config = TrainConfig("mel", epochs=3, seed=2)
    assert name_for(config, data, runs, runs_folder) == config.name
    # One of the same name that learned from other data is another run.
    other = OpenMIC.teaching()
    taken = TrainConfig("mel", epochs=3)
    assert name_for(taken, other, runs, runs_folder) == f"{taken.name}-{other.fingerprint[:8]}"


# The process


def test_a_training_is_heard_epoch_by_epoch(loop, data, tmp_path):
    state = TrainingState()
    stages = []
    state.observe(lambda change: stages.append(change["new"]), "stage")
    config = TrainConfig("mel", epochs=5)
    begin(loop, state, config, data, tmp_path / "runs", config.name)
    with pytest.raises(ExploreError, match="is being trained"):
        state.start(config, data, tmp_path, "another")
    go(state)
    assert stages == ["starting", "training", "done"]
    (run,) = Runs(tmp_path / "runs")
    history = run.history
    assert list(state.rows) == list(range(1, 6))
    for column in history:
        np.testing.assert_allclose([state.rows[epoch][column] for epoch in state.rows], history[column], rtol=1e-5)
    assert state.left == 0


def test_stopped_and_gone_on_ends_as_if_never_stopped(loop, data, tmp_path):
    config = TrainConfig("mel", epochs=120, augment=("noise",))
    whole = train(config, data, runs=tmp_path / "whole", progress=False)
    state, runs = TrainingState(), tmp_path / "runs"
    begin(loop, state, config, data, runs, config.name)
    go(state, until=lambda: len(state.rows) >= 3)
    state.stop()
    assert state.stage == "stopping"
    go(state)
    assert state.stage == "stopped"
    before = max(state.rows)
    assert 3 <= before < 120
    assert can_go_on(runs, config.name, data.fingerprint)
    assert not list(runs.glob("[!.]*"))
    begin(loop, state, config, data, runs, config.name)
    go(state)
    assert state.stage == "done", state.error
    assert state.resumed == before
    assert list(state.rows) == list(range(1, 121))  # earlier epochs are drawn too
    (run,) = Runs(runs)
    np.testing.assert_array_equal(run.predictions[1], whole.predictions[1])
    assert run.history.equals(whole.history)
    assert [path.name for path in runs.iterdir()] == [config.name]


def test_what_the_trainer_refuses_is_a_sentence(loop, tmp_path):
    blind = OpenMIC(write_folder(tmp_path / "blind", activity=False))
    state = TrainingState()
    begin(loop, state, TrainConfig("mel", known=0.9, epochs=2), blind, tmp_path / "runs", "asked")
    go(state)
    assert state.stage == "failed"
    assert "no activity.npz" in state.error
    assert "Traceback" not in state.error


def test_a_process_that_is_killed_is_a_sentence(loop, data, tmp_path):
    state = TrainingState()
    config = TrainConfig("mel", epochs=2000)
    begin(loop, state, config, data, tmp_path / "runs", config.name)
    go(state, until=lambda: len(state.rows) >= 1)
    os.kill(state._process.pid, signal.SIGKILL)
    go(state)
    assert state.stage == "failed"
    assert "goes on from what it had kept" in state.error


def test_a_baseline_is_trained_too(loop, data, tmp_path):
    state = TrainingState()
    begin(loop, state, TrainConfig("majority"), data, tmp_path / "runs", "majority")
    go(state)
    assert state.stage == "done", state.error
    assert len(Runs(tmp_path / "runs")) == 1


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_the_training_ends_with_its_page(folder, tmp_path):
    """A kernel that is killed leaves no process behind, and what was trained is kept."""
    code = f"""
import asyncio, os, signal
from pathlib import Path
from openmic_explore.dashboard.training_state import TrainingState
from openmic_explore.data import OpenMIC
from openmic_explore.training import TrainConfig

async def main():
    state, config = TrainingState(), TrainConfig("mel", epochs=2000)
    state.start(config, OpenMIC({str(folder)!r}), Path({str(tmp_path)!r}), "left")
    while len(state.rows) < 2:
        await asyncio.sleep(.01)
    print(state._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    kernel = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert kernel.returncode == -signal.SIGKILL, kernel.stderr
    child = int(kernel.stdout)
    end = time.monotonic() + 30
    while alive(child):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert can_go_on(tmp_path, "left", OpenMIC(folder).fingerprint)
    rows = [json.loads(line) for line in (tmp_path / ".left.part" / "epochs.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))


# The view


@pytest.fixture
def page(folder, runs_folder, tmp_path):
    (tmp_path / "own").mkdir()
    return dashboard(folder, [runs_folder, tmp_path / "own"])


def test_form_and_settings_are_one(page, tmp_path, monkeypatch):
    monkeypatch.setattr("openmic_explore.training.run.SHIPPED", page.runs.paths[0])
    view = page.view("Train")
    assert view.form.model.value == "attention"
    assert view.plot.figure["data"]  # an example's curves
    view.form.model.value = "mel"
    view.form.epochs.value, view.form.seed.value = 3, 1
    assert view.start.disabled
    assert "mel-repaired-epochs=3-seed1" in view.refused.value
    view.form.seed.value = 5
    assert not view.start.disabled
    assert str(tmp_path / "own") in view.refused.value
    view.form.boxes["flip"].value = True
    assert view.settings.config() == TrainConfig("mel", epochs=3, seed=5, augment=("flip",))
    assert "reversed in time" in view.form.boxes["flip"].description
    view.form.preset.value = "published"
    assert "palindrome" in view.form.boxes["flip"].description
    assert view.form.epochs.value == 200
    link = view.link
    view.form.model.value = "forest"
    assert view.form.epochs.disabled
    assert view.form.preset.value == "published"
    view.restore(link)
    assert view.link == link
    view.form.model.value = "cnn"
    assert view.start.disabled
    assert "openmic-explore features" in view.refused.value
    assert page.message.text == ""


def test_a_trained_run_is_everywhere_without_opening_the_page_again(page, loop, tmp_path, monkeypatch):
    monkeypatch.setattr("openmic_explore.training.run.SHIPPED", page.runs.paths[0])
    view = page.view("Train")
    others = page.view("Runs"), page.view("Weak labels")
    view.settings.model, view.settings.epochs, view.settings.seed = "mean", 4, 0
    view.settings.take_recipe()
    view.form.epochs.value, view.form.seed.value = 4, 0

    async def press():
        view.start.click()

    loop.run_until_complete(press())
    assert view.state.busy
    assert view.start.disabled
    assert not view.stop.disabled
    go(view.state)
    name = "mean-repaired-epochs=4-seed0"
    assert name in page.runs
    assert name in page.run_state.names
    assert any(name in str(option) for option in page.listen.run.options)
    assert page.shared.news.newest == name
    assert view.stop.disabled
    assert "is done" in view.now.value
    drawn = {trace["name"]: trace for trace in view.plot.figure["data"] if trace.get("name")}
    assert {"training clips", "validation clips", "macro F1", "average precision"} <= set(drawn)
    view.hear.click()
    assert page.shared.navigation.view == "Listen"
    assert page.run_state.name == name
    assert page.message.text == ""
    assert others


def test_another_data_set_leaves_the_training_alone(page, loop, tmp_path, monkeypatch):
    monkeypatch.setattr("openmic_explore.training.run.SHIPPED", page.runs.paths[0])
    view = page.view("Train")
    view.form.epochs.value = 2000

    async def press():
        view.start.click()

    loop.run_until_complete(press())
    other = write_folder(tmp_path / "other", embedding="others")
    page.show_data(other)
    again = page.view("Train")
    assert again.state is view.state
    assert again.state.busy
    go(again.state, until=lambda: again.state.stage == "training")

    async def stop():
        again.stop.click()

    loop.run_until_complete(stop())
    go(again.state)
    assert again.state.stage == "stopped"
    assert "was stopped after epoch" in again.now.value


def test_the_first_run_of_a_data_set_is_taken_in(loop, tmp_path):
    """Where there was none, every list of runs has it, and it is the chosen one."""
    blind = write_folder(tmp_path / "blind", activity=False)
    (tmp_path / "own").mkdir()
    page = dashboard(blind, tmp_path / "own")
    weak, view = page.view("Weak labels"), page.view("Train")
    weak.part.value = "loss"
    assert page.run_state.name == ""
    view.form.own.value, view.form.known.value = False, 90
    assert "no activity.npz" in view.refused.value  # more labels than anybody knows
    assert view.start.disabled
    view.form.own.value, view.form.epochs.value = True, 2

    async def press():
        view.start.click()

    loop.run_until_complete(press())
    go(view.state)
    name = view.state.name
    assert page.message.text == ""
    assert page.run_state.name == page.listen.run.value == weak.parts["guess"].run.value == name
    assert weak.parts["loss"].run.value == name
