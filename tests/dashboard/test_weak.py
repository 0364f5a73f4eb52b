"""Weak labels without a browser: rounds of guessing, cells hidden and shown, a loss in two readings."""

import base64

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.weak_state import (
    AFTER,
    BEFORE,
    LABEL,
    RUN,
    STEPS,
    CellState,
    GuessState,
    LossState,
    cell_losses,
    deal_rounds,
    false_absents,
    taught_absent,
)
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.training import Runs
from tests.dashboard.small_data import write_folder


@pytest.fixture(scope="module")
def data(folder):
    return OpenMIC(folder)


@pytest.fixture(scope="module")
def blind(tmp_path_factory):
    """The same without activity.npz: nobody knows the truth."""
    return OpenMIC(write_folder(tmp_path_factory.mktemp("blind") / "tones", activity=False))


@pytest.fixture
def page(folder, runs_folder):
    return dashboard(folder, runs_folder)


@pytest.fixture
def view(page):
    view = page.view("Weak labels")
    assert page.message.text == ""
    return view


def numbers(sent):
    """An array as plotly writes it."""
    if isinstance(sent, dict):
        return np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    return np.asarray(sent).ravel()


def truth_of(data, state):
    return data.activity.active[data.index(state.clip), data.instruments.index(state.instrument)]


# Guessing


def test_rounds_are_labels_that_can_be_heard_the_telling_ones_first(data):
    dealt = deal_rounds(data)
    assert len(set(dealt)) == len(dealt)
    expected = {
        (key, name) for key in data.audio_keys for name, state in data.labels(key).items() if state == "present"
    }
    assert set(dealt) == expected
    assert dealt == deal_rounds(data)
    assert dealt != deal_rounds(data, seed=1)
    share = [data.activity.active[data.index(key), data.instruments.index(name)].mean() for key, name in dealt]
    partly = [0.15 <= one <= 0.7 for one in share]
    assert partly == sorted(partly, reverse=True)
    assert any(partly)


def test_a_round_is_scored_in_frames(data):
    state = GuessState(data)
    truth = truth_of(data, state)
    state.marked = [10 <= step < 20 for step in range(STEPS)]  # 2.5 to 5 s
    state.listen()
    state.marked = [4 <= step < 20 for step in range(STEPS)]  # 1 to 5 s
    state.show_truth(None)
    seconds = (np.arange(100) + 0.5) / 10
    for who, guess in (
        (LABEL, seconds >= 0),
        (BEFORE, (seconds >= 2.5) & (seconds < 5)),
        (AFTER, (seconds >= 1) & (seconds < 5)),
    ):
        expected = np.sum(guess & truth) / np.sum(guess | truth)
        assert state.tally[who] == [pytest.approx(expected)]
    assert RUN not in state.tally
    first = (state.clip, state.instrument)
    state.next()
    assert (state.clip, state.instrument) != first
    assert state.marked == state.before == [False] * STEPS
    assert state.stage == "guess"
    state.listen()
    state.show_truth(None)
    assert len(state.tally[LABEL]) == 2


def test_the_run_marks_frames_whose_product_reaches_the_even_share(data, runs_folder):
    run = Runs(runs_folder)["attention-repaired-epochs=3-seed0"]
    state = GuessState(data)
    frames = run.frames(state.clip)
    column = data.instruments.index(state.instrument)
    product = frames.frame[:, column].astype(float) * frames.attention[:, column]
    expected = np.repeat(product >= 0.5 / len(product) * (1 - 1e-3), 10)  # frames of 1 s over activity of .1 s
    np.testing.assert_array_equal(state.answers(frames)[RUN], expected)


def test_an_instrument_s_rounds_only(data):
    state = GuessState(data)
    name = state.names[-1]
    state.only = name
    assert state.rounds == sum(one == name for _, one in deal_rounds(data))
    assert state.instrument == name
    for _ in range(state.rounds):
        assert state.instrument == name
        state.next()


def test_only_what_can_be_heard_is_opened(data):
    state = GuessState(data)
    with pytest.raises(ExploreError, match="no sound here"):
        state.open(str(data.keys[0]), data.instruments[0])


def test_the_round_goes_through_its_stages_in_the_page(view, page):
    part = view.parts["guess"]
    assert part.state.instrument.replace("_", " ") in part.question.value
    assert part.player.audio == b""  # nothing to hear before the guess
    assert part.player.layout.display == part.plot.layout.display == "none"
    part.strip.marked = [step < 20 for step in range(STEPS)]  # as the browser writes it
    part.go.click()
    assert part.state.before == [step < 20 for step in range(STEPS)]
    assert part.player.audio == page.data.audio_path(part.state.clip).read_bytes()
    assert part.plot.layout.display == "none"
    part.go.click()
    assert part.state.stage == "truth"
    assert part.strip.locked
    lanes = [trace for trace in part.plot.figure["data"] if trace["type"] == "bar"]
    assert [lane["name"] for lane in lanes][:2] == ["truth", "the label (all of it)"]
    truth = truth_of(page.data, part.state)
    assert sum(lanes[0]["x"]) == pytest.approx(truth.mean() * 10)
    assert sum(lanes[2]["x"]) == pytest.approx(5)
    for score in part.state.tally.values():
        assert f"{score[0]:.2f}" in part.tally.value
    before = view.link
    part.go.click()
    assert part.state.stage == "guess"
    assert part.player.audio == b""
    assert view.link != before
    view.restore(before)
    assert view.link == before
    assert page.message.text == ""


def test_another_run_answers_anew(view, page):
    part = view.parts["guess"]
    part.go.click()
    part.go.click()
    curve = lambda: next(trace["y"] for trace in part.plot.figure["data"] if trace["type"] == "scatter")  # noqa: E731
    before = curve()
    first = page.run_state.name
    other = next(name for name in page.run_state.names if name != first)
    part.run.value = other
    assert page.run_state.name == other
    assert curve() != before
    assert len(part.state.tally[first]) == 1
    assert not {RUN, other} & set(part.state.tally)  # it was not asked in time


def test_without_truth_it_says_so_and_goes_on(blind, runs_folder):
    page = dashboard(blind.path, runs_folder)
    part = page.view("Weak labels").parts["guess"]
    part.strip.marked = [step < 20 for step in range(STEPS)]
    part.go.click()
    part.go.click()
    assert "no truth" in part.question.value
    assert part.state.tally == {}
    names = [trace["name"] for trace in part.plot.figure["data"] if trace["type"] == "bar"]
    assert "truth" not in names
    assert len(names) == 4
    assert part.state.scores(None)[AFTER] == 1  # against what was heard
    part.go.click()
    assert part.state.stage == "guess"
    assert page.message.text == ""


def test_without_sound_there_is_nothing_to_guess(tmp_path, runs_folder):
    page = dashboard(write_folder(tmp_path / "silent", audio=False), runs_folder)
    part = page.view("Weak labels").parts["guess"]
    assert "openmic-explore check" in part.question.value
    assert part.go.disabled


# Hidden cells


def test_what_is_known_at_a_share(data):
    state = CellState(data)
    np.testing.assert_array_equal(state.states, data.label_state)
    state.hidden = 0.0
    np.testing.assert_array_equal(state.states, data.truth)
    state.hidden = 1.0
    assert (state.states == -1).all()
    state.hidden = 0.95
    few = state.states
    assert (few >= 0).sum() == round(0.05 * few.size)
    np.testing.assert_array_equal(few[few >= 0], data.label_state[few >= 0])  # labels before truth
    state.hidden = 0.5
    many = state.states
    np.testing.assert_array_equal(many[few >= 0], few[few >= 0])  # the smaller share is part of the larger
    assert (many >= 0).sum() == many.size / 2


def test_without_truth_no_more_than_the_labels_shows(blind, runs_folder):
    state = CellState(blind)
    assert state.least == state.own
    state.hidden = 0.0  # as a hand-written address may ask
    np.testing.assert_array_equal(state.states, blind.label_state)
    page = dashboard(blind.path, runs_folder)
    view = page.view("Weak labels")
    view.part.value = "cells"
    part = view.parts["cells"]
    assert part.truth.disabled
    assert part.hidden.least >= 100 * state.own - 0.1
    assert "labels only" in part.text.value


def test_slider_and_buttons_show_the_same_cells(view, page):
    view.part.value = "cells"
    part = view.parts["cells"]
    shown = lambda: [trace for trace in part.plot.figure["data"] if trace["type"] == "heatmap"]  # noqa: E731
    rows = part.state.some
    for column, trace in enumerate(shown()):
        np.testing.assert_array_equal(numbers(trace["z"]), page.data.label_state[rows, column])
    known = f"{page.data.mask.sum():,} of {page.data.mask.size:,} cells"
    assert known in part.text.value
    part.truth.click()
    assert part.hidden.value == 0
    assert f"{page.data.mask.size:,} of {page.data.mask.size:,} cells" in part.text.value
    part.hidden.value = 50
    assert part.state.hidden == 0.5
    part.known.click()
    assert part.state.hidden == pytest.approx(1 - page.data.mask.mean())
    assert known in part.text.value
    part.every.value = True
    assert len(shown()) == 20
    assert len(rows) == 40
    link = view.link
    assert link["clips"] == "all"
    part.truth.click()
    part.every.value = False
    view.restore(link)
    assert view.link == link


# The loss in two readings


def test_losses_are_those_of_the_trainer():
    import torch

    from openmic_explore.models import Output
    from openmic_explore.training.loss import masked_loss

    random = np.random.default_rng(0)
    probability, state = random.uniform(0.01, 0.99, 20), random.integers(-1, 2, 20)
    masked, absent = cell_losses(probability, state)
    assert (np.isnan(masked) == (state < 0)).all()

    def trained(mask):
        clip = torch.from_numpy(probability)[None]
        output = Output(clip=clip, logit=torch.logit(clip), frame=clip, attention=clip)
        relevance = torch.from_numpy((state == 1).astype(float))[None]
        return float(masked_loss(output, relevance, torch.from_numpy(mask)[None], log_odds=True))

    assert np.nanmean(masked) == pytest.approx(trained(state >= 0))
    assert absent.mean() == pytest.approx(trained(np.ones(20, dtype=bool)))
    sure = cell_losses(np.array([0.0, 1.0]), np.array([1, 0]))[1]
    np.testing.assert_allclose(sure, -np.log(1e-7), rtol=1e-6)


def test_false_absents_are_counted_one_by_one(data, blind):
    rows = data.split("train")
    present, wrong = false_absents(data, rows)
    for column in range(20):
        cells = [(bool(data.mask[row, column]), bool(data.truth[row, column])) for row in rows]
        assert present[column] == sum(known and true for known, true in cells)
        assert wrong[column] == sum(not known and true for known, true in cells)
    assert false_absents(blind, rows) is None


def test_the_loss_is_of_the_chosen_clip_and_run(view, page):
    view.part.value = "loss"
    part = view.parts["loss"]
    state = part.state
    assert state.clip in page.data.keys[page.data.split("test")]
    run = page.runs[state.name]
    keys, probability = run.predictions
    row = probability[keys == state.clip][0]
    shown = {trace["name"]: trace["x"] for trace in part.plot.figure["data"]}
    _, absent = cell_losses(row, page.data.label_state[page.data.index(state.clip)])
    np.testing.assert_allclose(numbers(shown["unknown taken for absent"]), absent)
    wrong = (page.data.truth & ~page.data.mask)[page.data.index(state.clip)]
    np.testing.assert_allclose(numbers(shown["a false “absent”"]), absent[wrong])
    before = part.text.value
    part.on.click()
    assert part.text.value != before
    part.back.click()
    assert part.text.value == before
    link = view.link
    part.run.value = next(name for name in state.names if name != state.name)
    assert view.link["run"] != link["run"]
    view.restore(link)
    assert view.link == link


def test_a_new_run_can_be_chosen(view, page, runs_folder):
    view.part.value = "loss"
    part = view.parts["loss"]
    run = page.runs["mel-repaired-epochs=3-seed0"]
    del part.state.runs[run.name]
    part.state.names = sorted(part.state.runs)
    page.shared.add_run(run)
    assert run.name in part.state.names
    assert (run.name, run.name) in part.run.options


def test_runs_taught_both_ways_are_paired(data, runs_folder, tmp_path):
    from openmic_explore.training import TrainConfig, train

    for unknown in ("masked", "absent"):
        train(TrainConfig("mean", epochs=1, unknown=unknown), data, runs=tmp_path, progress=False)
    train(TrainConfig("max", epochs=1, unknown="absent"), data, runs=tmp_path, progress=False)
    pairs = taught_absent(list(Runs(tmp_path)))
    assert {label: [run.name for part in pair for run in part] for label, pair in pairs.items()} == {
        "mean repaired, epochs=1": ["mean-repaired-epochs=1-seed0", "mean-repaired-epochs=1-unknown=absent-seed0"]
    }
    page = dashboard(data.path, tmp_path)
    view = page.view("Weak labels")
    view.part.value = "loss"
    assert "Trained both ways" in view.parts["loss"].cost.value


def test_without_runs_and_truth_the_loss_still_says_what_it_can(blind, tmp_path):
    page = dashboard(blind.path, tmp_path)
    view = page.view("Weak labels")
    view.part.value = "loss"
    part = view.parts["loss"]
    assert "openmic-explore train" in part.text.value
    assert "only a truth could tell" in part.cost.value
    assert LossState(blind, []).probability is None


def test_a_wrong_address_opens_what_there_is(view, page):
    view.restore({"part": "loss", "clip": "nowhere", "run": "nothing"})
    assert view.part.value == "loss"
    view.restore({"part": "cells", "hidden": "-3", "clips": "x"})
    view.restore({"part": "cells", "hidden": "nan"})
    assert view.parts["cells"].state.hidden == view.parts["cells"].state.own
    view.restore({"part": "whatever"})
    assert page.message.text == ""
