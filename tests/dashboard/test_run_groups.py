"""Which groups of the shipped runs are listed and chosen, and the address that opens the same again; without a widget."""

import pytest

from openmic_explore.dashboard.runs.groups import FACETS, MOST
from openmic_explore.dashboard.runs.state import RunsState
from openmic_explore.data import OpenMIC
from openmic_explore.experiments import EXPERIMENTS
from openmic_explore.training import Runs
from openmic_explore.training.run import SHIPPED


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


@pytest.fixture(scope="module")
def runs():
    return Runs(SHIPPED)


@pytest.fixture
def state(data, runs):
    return RunsState(data, runs)


def test_runs_are_listed_as_groups_of_seeds(state, runs):
    assert sum(len(group.runs) for group in state.groups.values()) == len(runs)
    assert len(state.groups) < len(runs) / 2
    for group in state.groups.values():
        assert {run.config.group for run in group.runs} == {group.name}
        seeds = [run.config.seed for run in group.runs]
        assert seeds == sorted(set(seeds))


def test_nothing_is_read_but_what_is_chosen(data):
    runs = Runs(SHIPPED)
    RunsState(data, runs)
    assert not any({"predictions", "scores", "history", "heads"} & set(vars(run)) for run in runs)


def test_it_opens_on_the_experiment_start(state):
    assert state.experiment == "start"
    assert [state.groups[name].config.group for name in state.chosen] == [
        one.group for one in EXPERIMENTS["start"].runs
    ]
    assert state.reference == state.chosen[0]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_choosing_an_experiment_lists_and_chooses_its_groups(state, name):
    state.experiment = name
    members = state.experiments[name]
    assert state.listed == members
    assert 0 < len(state.chosen) <= MOST
    assert set(state.chosen) <= set(members)
    assert state.reference in state.chosen
    assert not any(state.groups[one].config.model == "majority" for one in state.chosen)
    if len(members) > MOST + 1:
        assert "drawn" in state.describe()


def test_an_experiment_with_too_many_groups_shows_one_preset_of_its_networks(state):
    state.experiment = "6"
    assert len(state.experiments["6"]) > MOST
    presets = {state.groups[name].config.preset for name in state.chosen if state.groups[name].config.model == "mel"}
    assert len(presets) == 1
    assert len(state.chosen) == 6  # the forest, and Mel with every kind of augmentation
    assert "tick others" in state.describe()


def test_the_reference_is_the_one_that_the_experiment_asks_for(state):
    state.experiment = "best"
    assert state.groups[state.reference].config.model == "forest"
    state.experiment = "7"
    assert state.groups[state.reference].config.augment == ()


def test_filters_and_words_narrow_the_list_and_leave_what_is_chosen(state):
    before = list(state.chosen)
    state.experiment = ""
    assert state.chosen == before
    assert set(state.listed) == set(state.groups)
    state.model, state.augmentation = "cnn", "noise"
    found = [name for name in state.listed if name not in before]
    assert found == [
        name
        for name, group in state.groups.items()
        if group.config.model == "cnn" and group.config.augment == ("noise",)
    ]
    assert found
    assert state.chosen == before
    state.model = state.augmentation = ""
    state.text = "LOG_MEL cnn"
    narrowed = [name for name in state.listed if name not in before]
    assert narrowed
    assert all("log_mel" in name and "cnn" in name for name in narrowed)


def test_every_facet_splits_all_groups_into_its_values(state):
    state.experiment = ""
    state.tick([])
    for facet in FACETS:
        found = []
        for value in state.values(facet):
            setattr(state, facet, value)
            assert state.listed
            found += state.listed
        setattr(state, facet, "")
        assert sorted(found) == sorted(state.groups)


def test_the_list_can_be_arranged_by_a_facet(state):
    state.experiment = ""
    state.tick([])
    state.by = "model"
    models = [state.groups[name].config.model for name in state.listed]
    assert list(dict.fromkeys(models)) == [
        model for place, model in enumerate(models) if place == 0 or models[place - 1] != model
    ]


def test_labels_are_told_in_words(state):
    values = state.values("labels")
    assert "the data's own" in values
    assert "5% of cells known, unknown taken for absent" in values
    assert "the data's own, slipped by 1 clip" in values


def test_what_stays_chosen_keeps_its_style_and_a_new_one_gets_a_free_one(state):
    first, second, third = state.chosen
    state.tick([first, third])
    assert (state.place(first), state.place(third)) == (0, 2)
    other = next(name for name in state.groups if name not in state.chosen)
    state.tick([*state.chosen, other])
    assert (state.place(first), state.place(other), state.place(third)) == (0, 1, 2)
    assert second not in state.chosen


def test_an_address_keeps_styles_though_one_is_free_in_between(state, data, runs):
    first, _, third = state.chosen
    state.tick([first, third])
    assert state.placed() == [first, "", third]
    other = RunsState(data, runs)
    other.restore(state.link())
    assert (other.chosen, other.place(third)) == ([first, third], 2)
    state.tick([])
    other.restore(state.link())
    assert other.chosen == []
    state.experiment = "start"
    state.experiment = "main"
    assert state.placed() == state.usual()


def test_no_more_are_chosen_than_can_be_told_apart(state):
    state.experiment = ""
    state.tick(state.groups)
    assert len(state.chosen) == MOST
    assert {state.place(name) for name in state.chosen} == set(range(MOST))
    assert f"more than {MOST}" in state.describe()


def test_the_reference_moves_when_it_is_no_longer_chosen(state):
    state.reference = state.chosen[1]
    state.tick([state.chosen[0], state.chosen[2]])
    assert state.reference == state.chosen[0]
    state.tick([])
    assert state.reference == ""
    assert state.answering is None


def test_the_usual_view_needs_no_address(state):
    assert state.link() == {}


def test_an_address_opens_the_same_again(state, data, runs):
    state.experiment = "7"
    state.tick([*state.chosen[1:4], "best-repaired"])
    state.preset, state.text, state.by = "repaired", "noise", "augmentation"
    state.part, state.metric, state.cells, state.threshold = "differences", "recall", "all", 0.35
    state.reference, state.order, state.published, state.majority = "best-repaired", "name", "7", False
    state.instrument, state.run, state.heard = "voice", "best-repaired-seed1", False
    told = state.link()
    assert all(isinstance(text, str) for text in told.values())
    other = RunsState(data, runs)
    other.restore(told)
    assert other.link() == told
    for name in ("experiment", "preset", "text", "by", "part", "metric", "cells", "threshold", "reference", "order",
                 "published", "majority", "instrument", "run", "heard", "listed"):  # fmt: skip
        assert getattr(other, name) == getattr(state, name), name
    assert other.placed() == state.placed()
    assert other.answering.name == "best-repaired-seed1"
    # And a shorter one takes everything back that it does not name.
    other.restore({"part": "learning"})
    assert other.link() == {"part": "learning"}


def test_an_address_of_what_no_longer_exists_is_passed_over(state):
    state.restore(
        {
            "experiment": "nothing", "model": "x", "groups": "gone~mel-repaired", "part": "x", "metric": "y", "cells": "z",
            "threshold": "nan", "reference": "gone", "published": "99", "instrument": "kazoo", "by": "?", "run": "gone",
        }
    )  # fmt: skip
    assert state.chosen == ["mel-repaired"]
    assert (state.part, state.metric, state.cells, state.threshold) == ("scores", "f1_macro", "known", 0.5)
    assert state.reference == "mel-repaired"
    assert state.instrument == state.instruments[0]
    assert state.answering.name == "mel-repaired-seed0"
    state.restore({"threshold": "7"})
    assert state.threshold == 0.5


def test_runs_of_other_data_are_set_apart(folder, runs_folder, data):
    state = RunsState(data, Runs(SHIPPED, runs_folder))
    assert {run.path.parent for run in state.others} == {runs_folder}
    assert len(state.others) == 3
    assert not any(run in group.runs for group in state.groups.values() for run in state.others)
    own = RunsState(OpenMIC(folder), Runs(SHIPPED, runs_folder))
    assert sorted(len(group.runs) for group in own.groups.values()) == [1, 2]
    assert own.experiment == ""
    assert own.chosen == list(own.groups)
    assert own.link() == {}


def test_a_run_that_was_trained_meanwhile_is_listed_and_chosen(data, runs):
    class Some:
        """Runs as far as the state asks for them."""

        def __init__(self, runs):
            self.runs = runs

        def __iter__(self):
            return iter(self.runs)

        def __len__(self):
            return len(self.runs)

        def of(self, fingerprint):
            return [run for run in self.runs if run.info["fingerprint"] == fingerprint]

    state = RunsState(data, Some([run for run in runs if run.config.model == "mel"]))
    assert "attention-repaired" not in state.groups
    state.take_in(data, runs, "attention-repaired-seed1")
    assert state.chosen[-1] == "attention-repaired"
    assert "attention-repaired" in state.listed
    before = list(state.chosen)
    state.take_in(data, runs, "nothing")
    assert state.chosen == before
