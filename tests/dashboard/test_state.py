"""The models behind the page, without a widget."""

import numpy as np
import pytest

from openmic_explore.dashboard.state import Message, RunState, ShownState
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.training import Runs


@pytest.fixture
def data(folder):
    return OpenMIC(folder)


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
    shown.choose(labels, np.array([0.9, 0.1, 0.2, 0.8, 0.7]), ["organ"], "voice")
    assert shown.names == ["voice", "violin", "organ", "piano", "flute"]
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
