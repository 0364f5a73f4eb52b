"""The search for clips, without a widget."""

import numpy as np
import pytest

from openmic_explore.dashboard.clips import ClipState, opening_clip
from openmic_explore.dashboard.state import RunState
from openmic_explore.data import OpenMIC
from openmic_explore.training import Frames, Runs


@pytest.fixture
def data(folder):
    return OpenMIC(folder)


@pytest.fixture
def searched(data, runs_folder):
    """All clips, with a run to ask."""
    clips = ClipState(data, RunState(data, Runs(runs_folder)))
    clips.heard = False
    return clips


def test_the_page_opens_on_a_clip_with_sound_and_an_instrument_that_enters_midway(data):
    clips = ClipState(data)
    assert data.has_audio(clips.clip)
    active = data.activity.active[data.index(clips.clip)]
    labelled = data.label_state[data.index(clips.clip)] == 1
    first = np.array([row.argmax() * data.activity.frame_length for row in active[labelled & active.any(axis=1)]])
    assert labelled.sum() >= 2
    assert ((first > 2) & (first < 7)).any()


def test_of_two_such_clips_the_one_that_a_run_follows_is_opened(data):
    active, length = data.activity

    def follows(chosen):
        def kept(key):
            row = data.index(key)
            frame = active[row, :, 5::10].T.astype(np.float32)  # the truth at the middle of every second
            return Frames(frame if key == chosen else 1 - frame, np.full((10, 20), 0.1), np.zeros(20), 1.0)

        return kept

    assert length == 0.1
    opened = {key: opening_clip(data, data.audio_keys, follows(key)) for key in data.audio_keys}
    followed = [key for key, clip in opened.items() if key == clip]
    assert len(followed) >= 3
    assert set(opened.values()) == set(followed)


@pytest.mark.parametrize("label", ["present", "absent", "unknown"])
def test_a_search_finds_all_clips_with_that_label_and_no_other(data, label):
    clips = ClipState(data)
    clips.heard = False
    clips.instrument, clips.label = "violin", label
    expected = [key for key in data.keys if data.labels(key)["violin"] == label]
    assert clips.matches == expected
    assert 0 < len(expected) < len(data.keys)
    assert clips.clip in expected


def test_an_instrument_without_a_label_state_finds_clips_that_have_any_label_of_it(data):
    clips = ClipState(data)
    clips.heard, clips.instrument = False, "violin"
    assert clips.matches == [key for key in data.keys if data.labels(key)["violin"] != "unknown"]


def test_an_empty_search_keeps_the_open_clip(data):
    clips = ClipState(data)
    before = clips.clip
    for instrument in data.instruments:
        clips.instrument, clips.label = instrument, "present"
        if not clips.matches:
            break
    assert clips.matches == []
    clips.step(1)
    assert clips.clip
    clips.instrument, clips.label = "", ""
    assert before in clips.matches


def test_steps_go_round(data):
    clips = ClipState(data)
    start = clips.clip
    seen = []
    for _ in clips.matches:
        clips.step(1)
        seen.append(clips.clip)
    assert sorted(seen) == sorted(clips.matches)
    assert clips.clip == start
    clips.step(-1)
    assert clips.clip == clips.matches[clips.matches.index(start) - 1]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_finds_its_clips(data, searched, split):
    searched.split = split
    assert searched.matches == data.keys[data.split(split)].tolist()


def stored(data, searched):
    """The chosen run's probabilities of its test clips, as a table by key."""
    keys, probability = searched.run.run.predictions
    assert sorted(keys) == sorted(data.keys[data.split("test")])
    return {str(key): row for key, row in zip(keys, probability, strict=True)}


@pytest.mark.parametrize("instrument", ["", "violin"])
def test_the_run_was_wrong_where_it_contradicts_a_known_label(data, searched, instrument):
    searched.instrument = instrument
    searched.wrong = True
    expected = []
    for key, row in sorted(stored(data, searched).items()):
        states = data.labels(key)
        wrong = [
            name
            for name, value in zip(data.instruments, row, strict=True)
            if states[name] != "unknown" and (value >= 0.5) != (states[name] == "present")
        ]
        if instrument in wrong or (wrong and not instrument):
            expected.append(key)
    assert sorted(searched.matches) == expected
    assert 0 < len(expected) < 16 or not instrument


def test_the_most_confident_and_the_most_divided_come_first(data, searched):
    table = stored(data, searched)
    column = data.instruments.index("voice")
    searched.instrument, searched.label, searched.order = "voice", "unknown", "confident"
    sure = [abs(table[key][column] - 0.5) for key in searched.matches]
    assert sure == sorted(sure, reverse=True)
    assert {data.labels(key)["voice"] for key in searched.matches} == {"unknown"}
    assert searched.clip == searched.matches[0]
    confident = searched.matches
    searched.order = "divided"
    assert [abs(table[key][column] - 0.5) for key in searched.matches] == sorted(sure)
    assert sorted(searched.matches) == sorted(confident)
    searched.order = ""
    assert searched.matches == [key for key in data.keys if data.labels(key)["voice"] == "unknown"]


def test_of_any_instrument_the_cell_that_was_asked_for_decides(data, searched):
    searched.wrong, searched.order = True, "confident"
    table = stored(data, searched)
    distances = []
    for key in searched.matches:
        states = data.label_state[data.index(key)]
        wrong = (states >= 0) & ((table[key] >= 0.5) != (states == 1))
        distances.append(np.abs(table[key][wrong] - 0.5).max())
        place = np.where(wrong, np.abs(table[key] - 0.5), -1).argmax()
        assert searched.topic(key) == data.instruments[place]
        said = searched.describe(key)
        assert data.instruments[place].replace("_", " ") in said
        assert f"{100 * table[key][place]:.0f} %, labelled {data.labels(key)[data.instruments[place]]}" in said
    assert distances == sorted(distances, reverse=True)


def test_another_run_finds_its_own_mistakes(searched):
    searched.wrong = True
    before = searched.matches, searched._deciding
    searched.run.name = next(name for name in searched.run.names if name != searched.run.name)
    assert (searched.matches, searched._deciding) != before


def test_a_run_of_other_data_has_no_predictions_to_search(folder, runs_folder, tmp_path):
    from tests.dashboard.small_data import write_folder

    other = OpenMIC(write_folder(tmp_path / "other", audio=False, activity=False))
    path = other.path / "dataset.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    other = OpenMIC(other.path)
    clips = ClipState(other, RunState(other, Runs(runs_folder)))
    assert clips.run.probability is None
    clips.order = "divided"
    assert clips.matches == []
    assert "trained on this data set" in clips.why_none
