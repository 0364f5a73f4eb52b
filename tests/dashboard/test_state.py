"""The models behind the page, without a widget."""

import numpy as np
import pytest

from openmic_explore.dashboard.state import ClipState, Message, RunState, ShownState
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.training import Frames, Runs


@pytest.fixture
def data(folder):
    return OpenMIC(folder)


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
    opened = {key: ClipState(data, follows(key)).clip for key in data.audio_keys}
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


def test_a_run_gives_the_same_frames_kept_and_computed(data, runs_folder):
    state = RunState(data, Runs(runs_folder))
    kept, computed = state.kept(data.audio_keys[0]), state.compute(data.audio_keys[0])
    for name in ("frame", "attention", "clip"):
        np.testing.assert_allclose(getattr(kept, name), getattr(computed, name), atol=2e-3)
    assert kept.frame_length == computed.frame_length


def test_only_runs_of_the_same_embedding_are_offered(folder, runs_folder, tmp_path):
    from tests.dashboard.small_data import write_folder

    other = OpenMIC(write_folder(tmp_path / "other", audio=False, embedding="another"))
    state = RunState(other, Runs(runs_folder))
    assert state.names == []
    assert state.run is None
    assert state.left_out == 3
    with pytest.raises(ExploreError, match="openmic-explore train"):
        state.compute(str(other.keys[0]))


def test_the_first_choice_is_labelled_instruments_and_the_three_most_probable():
    labels = {"violin": "present", "voice": "absent", "organ": "unknown", "piano": "unknown", "flute": "unknown"}
    shown = ShownState()
    shown.choose(labels, np.array([0.9, 0.1, 0.2, 0.8, 0.7]))
    assert shown.names == ["violin", "voice", "piano", "flute"]
    shown.choose(labels, np.array([0.9, 0.1, 0.2, 0.8, 0.7]), ["organ", "violin"])
    assert shown.names == ["violin", "organ", "voice", "piano", "flute"]
    shown.choose(labels, None)
    assert shown.names == ["violin", "voice"]


def test_a_ticked_instrument_comes_last_so_that_the_others_keep_their_colours():
    shown = ShownState(names=["violin", "voice", "piano"])
    shown.pick(["accordion", "piano", "violin"])
    assert shown.names == ["violin", "piano", "accordion"]


def test_what_a_callback_raises_becomes_a_sentence(caplog):
    message = Message()

    def fail(kind):
        raise kind("there is no bow")

    message.guard(fail)(ExploreError)
    assert message.text == "there is no bow"
    assert not caplog.records
    message.guard(fail)(KeyError)
    assert "KeyError" in message.text
    assert "Traceback" not in message.text
    assert caplog.records[0].exc_info
    message.guard(lambda: None)()
    assert message.text == ""
