"""What is shown stays in step when data sets, runs and addresses change; without a browser."""

import gc
import shutil
import weakref

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard, own_audio_state
from openmic_explore.dashboard.own_audio_state import SoundState
from openmic_explore.dashboard.training_state import TrainingState
from openmic_explore.dashboard.weak_state import RUN, STEPS, CellState
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.training import Run, Runs, TrainConfig, train
from openmic_explore.training.run import SHIPPED
from tests.dashboard.small_data import write_folder

FIRST, SECOND = "attention-repaired-seed0", "mel-repaired-seed0"


@pytest.fixture
def page(folder, runs_folder, tmp_path):
    (tmp_path / "own").mkdir()
    page = dashboard(folder, [runs_folder, tmp_path / "own"])
    assert page.message.text == ""
    return page


@pytest.fixture
def fresh(folder, tmp_path):
    """Trains a run of the page's data while the page is open, and hands it over."""

    def make(page, config) -> Run:
        run = train(config, page.data, runs=tmp_path / "own", progress=False)
        page.shared.add_run(run)
        return run

    return make


# The address


def test_the_same_link_can_be_followed_twice(page):
    link = {"view": "Runs", "metric": "f1"}
    page.address.asked = link
    page.view("Listen")
    page.address.asked = link  # pasted once more
    assert page.shared.navigation.view == "Runs"


def test_after_another_data_set_the_address_is_of_what_is_shown(page, tmp_path):
    page.view("Runs")
    page.show_data(write_folder(tmp_path / "other", activity=False))
    assert page.address.shown == {"view": "Listen", **page.listen.link}


def test_a_link_to_a_view_that_cannot_be_made_keeps_the_reason(page, monkeypatch):
    def refuse(_):
        raise ExploreError("The cellar is flooded.")

    monkeypatch.setattr("openmic_explore.dashboard.runs.make", refuse)
    page.address.asked = {"view": "Runs"}
    assert page.message.text == "The cellar is flooded."


def test_a_link_to_the_guess_without_a_clip_opens_a_round(page):
    page.address.asked = {"view": "Weak labels", "part": "guess"}
    guess = page.views["Weak labels"].parts["guess"]
    assert guess.state.clip in page.data.audio_keys
    assert "nothing to guess" not in guess.question.value


def test_a_link_to_the_cells_shows_just_as_many():
    page = dashboard(runs=SHIPPED)  # so many cells that a share to three places is not their number
    view = page.view("Weak labels")
    view.part.value = "cells"
    part, link = view.parts["cells"], view.link
    known = int(page.data.mask.sum())
    assert part.state.known == known != round((1 - float(link["hidden"])) * page.data.mask.size)
    for back in (
        lambda: part.restore(link),
        lambda: setattr(part.hidden, "value", round(100 * part.state.own, 1)),  # the slider's own steps
    ):
        part.restore({**link, "hidden": "0.5"})
        back()
        assert part.state.known == known


def test_the_own_share_is_just_the_labels(folder):
    state = CellState(OpenMIC(folder))
    state.hidden = 0.2
    state.hide(state.own + 4e-4)
    assert state.known == state.data.mask.sum()
    state.hide(-1)
    assert state.hidden == state.least


def test_a_link_names_an_instrument_once(page):
    for name in ("Listen", "Attention"):
        page.view(name).restore({"show": "piano,violin,piano"})
        assert page.views[name].shown.names == ["piano", "violin"]


def test_a_link_to_a_training_opens_all_its_settings(page, folder, runs_folder):
    view = page.view("Train")
    form = view.form
    form.model.value, form.epochs.value, form.seed.value = "mel", 7, 123_456
    form.boxes["noise"].value = form.boxes["flip"].value = True
    form.augment_as.value = "run"
    form.own.value, form.unknown.value = False, "absent"
    form.known.value = 40
    other = dashboard(folder, runs_folder).view("Train")
    other.restore(view.link)
    assert other.settings.config() == view.settings.config()
    # And from there to one where all is as usual.
    other.restore({"model": "mel", "preset": "repaired", "seed": "0"})
    assert other.settings.config() == TrainConfig("mel")


@pytest.mark.parametrize(
    "odd", [{"epochs": "0"}, {"epochs": "9999"}, {"seed": "9999999"}, {"known": "0.0000"}, {"features": "no such"}]
)
def test_a_link_sets_nothing_that_the_form_would_not(page, odd):
    view = page.view("Train")
    view.restore({"model": "mel", "preset": "repaired", **odd})
    assert view.settings.epochs == view.form.epochs.value
    assert view.settings.seed == view.form.seed.value
    assert 100 * view.settings.known == pytest.approx(view.form.known.value)
    assert view.settings.features == view.form.features.value
    assert page.message.text == ""


def test_a_link_to_a_model_that_lacks_the_preset_that_is_set(page):
    view = page.view("Train")
    assert view.settings.preset == "repaired"
    page.address.asked = {"view": "Train", "model": "forest", "preset": "published"}
    assert page.message.text == ""
    assert (view.settings.model, view.form.model.value, view.form.preset.value) == ("forest", "forest", "published")


def test_the_address_of_your_audio_names_the_run_from_the_start():
    page = dashboard(runs=SHIPPED)
    page.run_state.name = SECOND
    view = page.view("Your audio")
    view.state._thread.join(120)
    assert view.link == {"run": SECOND}


# Another data set


def test_another_data_set_leaves_nothing_of_the_first_behind(page, tmp_path):
    for name in ("Attention", "Runs", "Weak labels", "Your audio", "Train"):
        page.view(name)
    gone = {name: weakref.ref(view) for name, view in page.views.items()} | {"data": weakref.ref(page.data)}
    page.show_data(write_folder(tmp_path / "other", activity=False))
    gc.collect()
    assert [name for name, one in gone.items() if one() is not None] == []
    page.view("Train")  # and the library that all share is still there
    assert page.message.text == ""


def test_a_training_that_ends_after_another_data_set_came_is_in_its_lists(page, tmp_path, folder):
    state = page.view("Train").state
    state.stage, state.name, state.folder = "training", "mean-late", str(tmp_path / "own")
    page.show_data(write_folder(tmp_path / "other", activity=False))  # of the same embedding
    train(TrainConfig("mean", epochs=2), OpenMIC(folder), runs=tmp_path / "own", name="mean-late", progress=False)
    state.stage = "done"
    assert "mean-late" in page.runs
    assert "mean-late" in page.run_state.names
    assert "mean-late" in dict(page.listen.run.options).values()


def test_curves_are_titled_with_the_data_that_was_trained_on(page, tmp_path):
    import json

    view = page.view("Train")
    assert isinstance(view.state, TrainingState)
    row = {"train_loss": 1.0, "validation_loss": 1.0, "validation_f1_macro": 0.5, "validation_average_precision": 0.5}
    with view.state.hold_trait_notifications():
        view.state.rows = {1: {"epoch": 1, **row}}
        view.state.stage, view.state.epochs, view.state.data, view.state.title = "training", 2, page.data.name, "mine"
        view.state.changed += 1
    assert "tones" in view.plot.figure["layout"]["title"]["text"]
    other = write_folder(tmp_path / "other", activity=False)
    info = json.loads((other / "dataset.json").read_text()) | {"name": "elsewhere"}
    (other / "dataset.json").write_text(json.dumps(info))
    page.show_data(other)
    title = page.view("Train").plot.figure["layout"]["title"]["text"]
    assert "tones" in title
    assert "elsewhere" not in title


# Runs that come


def test_the_first_run_switches_on_what_needs_one(folder, tmp_path, fresh):
    (tmp_path / "own").mkdir()
    page = dashboard(folder, tmp_path / "own")
    attention = page.view("Attention")
    assert page.listen.beside.disabled
    assert "There is no run" in attention.where.value
    fresh(page, TrainConfig("mel", epochs=2))
    assert not page.listen.beside.disabled
    assert "There is no run" not in attention.where.value


def test_the_first_cnn_has_its_input_offered():
    page = dashboard(runs=SHIPPED)
    cnns = [name for name, _ in page.listen.controls.cnns]
    assert cnns
    names = list(page.run_state.names)
    page.run_state.names = [name for name in names if name not in cnns]  # as before it was trained
    assert "network" not in dict(page.listen.controls.offered)
    page.run_state.names = names
    assert "network" in dict(page.listen.controls.offered)
    assert [name for name, _ in page.listen.controls.cnns] == cnns
    assert page.listen.state.cnn in cnns


def test_a_run_that_comes_leaves_the_guess_and_the_search_alone(page, fresh):
    guess = page.view("Weak labels").parts["guess"]
    page.run_state.name = guess.run.options[-1][1]
    chosen, seen = page.run_state.name, []
    page.run_state.observe(lambda change: seen.append(change["new"]), "name")
    fresh(page, TrainConfig("max", epochs=2))
    assert seen == []
    assert guess.run.value == page.run_state.name == chosen
    assert "max-repaired-epochs=2-seed0" in dict(guess.run.options)


def test_a_run_that_comes_makes_no_other_listen(monkeypatch):
    page = dashboard(runs=SHIPPED)
    page.run_state.name = SECOND
    view = page.view("Your audio")
    view.state._thread.join(120)
    assert view.run.value == SECOND != view.run.options[0][1]
    asked = []
    monkeypatch.setattr(view.state, "_begin", lambda: asked.append(view.state.name))
    page.shared.news.newest = FIRST
    monkeypatch.setattr(SoundState, "add", lambda self, run: setattr(self, "names", [*self.names, "new"]))
    page.shared.news.changed += 1
    assert asked == []
    assert view.run.value == view.state.name == SECOND
    assert ("new", "new") in view.run.options


def test_other_experiments_to_choose_from_leave_the_choice():
    page = dashboard(runs=SHIPPED)
    view = page.view("Runs")
    view.chooser.experiment.options = [("all runs", ""), ("start", "start")]  # as long as there were no others
    view.state.experiment = "start"
    view.state.tick(["mel-repaired"])
    page.shared.news.newest = "best-repaired-seed0"
    page.shared.news.changed += 1
    assert len(view.chooser.experiment.options) > 2
    assert view.chooser.experiment.value == view.state.experiment == "start"
    assert view.state.chosen == ["mel-repaired", "best-repaired"]
    view.chooser.experiment.value = "main"  # both are still tied
    assert view.state.experiment == "main"


def test_the_tally_keeps_runs_apart(page):
    guess = page.view("Weak labels").parts["guess"]
    names = page.run_state.names
    for name in names[:2]:
        page.run_state.name = name
        guess.state.marked = [True] * STEPS
        guess.go.click()
        guess.go.click()
        last = guess.state.scores(guess._frames)[RUN]
        assert guess.state.tally[name] == [pytest.approx(last)]
        guess.go.click()
    for name in names[:2]:
        assert (
            f"{page.run_state.title(name)} <b>{np.mean(guess.state.tally[name]):.2f}</b> (1 of 2)" in guess.tally.value
        )


# Your audio


def test_a_run_that_cannot_listen_is_no_end(monkeypatch):
    data, runs = OpenMIC.teaching(), Runs(SHIPPED)
    listen = own_audio_state._listen

    def fails(path, run, told):
        if run.name == FIRST:
            raise ExploreError("The weights are damaged.")
        return listen(path, run, told)

    monkeypatch.setattr(own_audio_state, "_listen", fails)
    state = SoundState(runs, FIRST)
    state.open(data.audio_path(data.audio_keys[0]), "clip")
    state._thread.join(120)
    assert "damaged" in state.error
    state.choose(SECOND)
    state._thread.join(120)
    assert state.error == ""
    assert state.prediction is not None


def test_who_is_no_longer_chosen_stops_listening(monkeypatch):
    data, runs = OpenMIC.teaching(), Runs(SHIPPED)
    state = SoundState(runs, FIRST)
    state.open(data.audio_path(data.audio_keys[0]), "clip")
    state._thread.join(120)
    monkeypatch.setattr(own_audio_state, "in_thread", lambda work: None)  # a second one that takes its time
    state.choose(SECOND)
    assert state.busy
    state.choose(FIRST)
    assert not state.busy  # else the page says that the first one listens


# Damage and odd data


def test_a_damaged_run_leaves_the_clips_of_others_to_choose(folder, runs_folder, tmp_path):
    shutil.copytree(runs_folder, tmp_path / "runs")
    page = dashboard(folder, tmp_path / "runs")
    view = page.view("Runs")
    first = view.state.picked[0].runs[0]
    page = dashboard(folder, tmp_path / "runs")
    (first.path / "predictions.npz").write_bytes(b"damaged")
    view = page.view("Runs")
    assert first.name in view.scoring.damaged
    view.controls.part.value = "clips"
    assert page.message.text == ""
    assert view.controls.run in view.controls.children
    assert view.state.answering.name != first.name
    assert view.clips.rows


def test_the_means_name_their_threshold_also_beside_average_precision():
    view = dashboard(runs=SHIPPED).view("Runs")
    view.state.threshold = 0.3
    view.state.metric = "average_precision"
    assert "threshold 0.30" in view.table.value.split("</h2>")[0]


def test_data_without_an_unknown_cell_has_its_losses(tmp_path):
    path = write_folder(tmp_path / "all")
    with np.load(path / "openmic-2018.npz") as file:
        arrays = dict(file)
    data = OpenMIC(path)
    arrays["Y_mask"] = np.ones_like(arrays["Y_mask"])
    arrays["Y_true"] = np.asarray(data.truth, dtype=float)
    np.savez(path / "openmic-2018.npz", **arrays)
    lines = ["sample_key,instrument,relevance,num_responses"]
    lines += [
        f"{key},{name},{float(data.truth[row, column])},3"
        for row, key in enumerate(data.keys)
        for column, name in enumerate(data.instruments)
    ]
    (path / "openmic-2018-aggregated-labels.csv").write_text("\n".join(lines) + "\n")
    page = dashboard(path, tmp_path)
    assert page.data.mask.all()
    view = page.view("Weak labels")
    view.part.value = "loss"
    assert page.message.text == ""
    assert "no unknown cell" in view.parts["loss"].cost.value


def test_what_runs_beside_the_page_leaves_the_message(page):
    view = page.view("Runs")
    posted = []
    view.scoring.resample = lambda *_: None

    def at_once(work):
        work(lambda action, *arguments: posted.append((action, arguments)))

    import openmic_explore.dashboard.runs.view as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "in_thread", at_once)
        view.state.tick(list(view.state.groups))
        view.state.part = "differences"
    view.state.part = "scores"
    page.message.set("Something to read.")
    for action, arguments in posted:
        action(*arguments)
    assert posted
    assert page.message.text == "Something to read."


def test_a_sound_that_is_listened_to_ends_with_its_view():
    page = dashboard(runs=SHIPPED)
    state = page.view("Your audio").state
    assert state.busy
    page.views["Your audio"].close()
    state._thread.join(120)
    assert not state._thread.is_alive()
    assert state.predictions == {}
