"""Your audio without a browser: how a sound arrives, what is computed of it, and what the view says."""

import base64
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.own_audio_state import COLUMNS, SoundState, joined, listens
from openmic_explore.dashboard.sound_input import SoundInput
from openmic_explore.data import OpenMIC
from openmic_explore.features import Picture, compute_views
from openmic_explore.predict import predict_file
from openmic_explore.training import Runs
from openmic_explore.training.run import SHIPPED

FIRST, SECOND = "attention-repaired-seed0", "mel-repaired-seed0"


@pytest.fixture(scope="module")
def runs():
    return Runs(SHIPPED)


@pytest.fixture
def tones(tmp_path) -> Path:
    """23.4 s of a melody, stereo, 22.05 kHz."""
    rate = 22_050
    seconds = np.arange(round(23.4 * rate)) / rate
    pitch = 220 * 2 ** (np.floor(seconds * 2) % 12 / 12)
    sound = 0.4 * np.sin(2 * np.pi * pitch * seconds) * np.exp(-3 * (seconds * 2 % 1))
    soundfile.write(tmp_path / "tones.wav", np.column_stack([sound, 0.5 * sound]), rate)
    return tmp_path / "tones.wav"


def settled(state: SoundState, seconds: float = 120) -> None:
    state._thread.join(seconds)
    assert not state.busy


# How a sound arrives


class Arrivals:
    def __init__(self, **bounds):
        self.taken, self.told = [], []
        self.input = SoundInput(
            lambda path, name, local: self.taken.append((path, path.read_bytes(), name, local)), **bounds
        )
        self.input.send = lambda content, buffers=None: self.told.append(content)

    def say(self, kind, *buffers, **more):
        self.input._receive(None, {"kind": kind, "id": "1", **more}, [memoryview(one) for one in buffers])


def test_pieces_become_the_file():
    sound = np.random.default_rng(0).bytes(2500)
    page = Arrivals()
    page.say("start", name="mine.flac", size=2500)
    for at in range(0, 2500, 1000):
        page.say("piece", sound[at : at + 1000], at=at)
    assert [said["bytes"] for said in page.told] == [1000, 2000, 2500]
    assert page.taken == []
    page.say("end")
    ((path, content, name, local),) = page.taken
    assert (content, name, local) == (sound, "mine.flac", "1")
    # The next one takes its place.
    page.say("start", id="2", name="other", size=3)
    page.say("piece", b"abc", id="2", at=0)
    page.say("end", id="2")
    assert page.taken[1][1] == b"abc"
    assert not path.exists()


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([("start", (), {"name": "a", "size": 10**9})], "MB are allowed"),
        ([("start", (), {"name": "a", "size": 0})], "empty"),
        ([("start", (), {"name": "a", "size": "x"})], "empty"),
        ([("start", (), {"name": "a", "size": 4}), ("piece", (b"ab",), {"at": 2})], "disorder"),
        ([("start", (), {"name": "a", "size": 4}), ("piece", (b"abcde",), {"at": 0})], "disorder"),
        ([("start", (), {"name": "a", "size": 4}), ("piece", (b"ab",), {"at": 0}), ("end", (), {})], "Only a part"),
    ],
)
def test_what_does_not_arrive_whole_is_refused(steps, why):
    page = Arrivals()
    for kind, buffers, more in steps:
        page.say(kind, *buffers, **more)
    assert page.told[-1]["kind"] == "refused"
    assert why in page.told[-1]["text"]
    assert page.taken == []


def test_pieces_of_a_sound_that_another_followed_are_passed_over():
    page = Arrivals()
    page.say("start", name="long", size=10)
    page.say("start", id="2", name="short", size=1)
    page.say("piece", b"x", at=0)
    page.say("end")
    page.say("piece", b"y", id="2", at=0)
    page.say("end", id="2")
    assert [one[1] for one in page.taken] == [b"y"]


# What is computed


def test_what_a_run_hears_is_what_the_command_line_says(runs, tones):
    state = SoundState(runs, FIRST)
    state.open(tones, "tones.wav")
    assert state.busy
    settled(state)
    assert state.error == ""
    assert state.seconds == pytest.approx(23.4)
    expected = predict_file(tones, runs[FIRST])
    np.testing.assert_allclose(state.prediction.frame, expected.frame)
    np.testing.assert_allclose(state.prediction.clip, expected.clip)
    assert state.done == 1
    state.choose(SECOND)
    settled(state)
    np.testing.assert_allclose(state.prediction.clip, predict_file(tones, runs[SECOND]).clip)
    assert list(state.predictions) == [FIRST, SECOND]
    state.choose(FIRST)
    assert not state.busy  # it has listened already


def test_pictures_of_ten_seconds_are_the_models_own(runs, tmp_path):
    data = OpenMIC.teaching()
    key = data.audio_keys[3]
    state = SoundState(runs, FIRST)
    state.open(data.audio_path(key), key)
    settled(state)
    expected = compute_views(*data.audio(key))
    np.testing.assert_array_equal(state.views.scalogram.values, expected.scalogram.values)
    # The log-mel has 998 frames in 10 s, drawn on 1,000 columns: none is further than one column from its place.
    drawn, given = (views.log_mel.values.astype(int) for views in (state.views, expected))
    place = np.clip(
        np.round((state.views.log_mel.time - expected.log_mel.time[0]) / 0.01).astype(int), 0, given.shape[1] - 1
    )
    assert np.abs(drawn - given[:, place]).mean() < 8
    assert state.views.log_mel.values.shape == (64, 1000)


def test_long_pictures_keep_time_and_level():
    time_ = np.arange(0, 30, 0.01) + 0.005
    values = np.zeros((2, len(time_)), dtype=np.uint8)
    values[0, (time_ >= 12) & (time_ < 18)] = 200
    values[1] = 50
    pieces = [
        Picture(values[:, part], np.array([100.0, 200.0]), time_[part], -80.0, 0.0, "dB")
        for part in np.array_split(np.arange(len(time_)), 3)
    ]
    whole = joined(pieces, 30.0, columns=300)
    assert whole.values.shape == (2, 300)
    np.testing.assert_allclose(whole.time, (np.arange(300) + 0.5) / 10)
    np.testing.assert_array_equal(whole.values[0] > 0, (whole.time >= 12) & (whole.time < 18))
    assert (whole.values[0][whole.values[0] > 0] == 200).all()
    assert (whole.values[1] == 50).all()
    assert joined(pieces, 30.0).values.shape[1] == COLUMNS


def broken(kind: str, path: Path) -> Path:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "not audio":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), 22_050, format="WAV")
    elif kind == "too long":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 1, 1000, 0, "NONE", ""))
            file.writeframes(bytes([128]) * 601_000)
    elif kind == "cut off":
        soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 441_000), 44_100, format="FLAC")
        path.write_bytes(path.read_bytes()[:200])
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", "empty"),
        ("not audio", "could not be decoded"),
        ("no samples", "empty"),
        ("too long", "10.0 minutes long"),
        ("cut off", "could not be decoded"),
    ],
)
def test_what_is_no_sound_gets_a_sentence(kind, said, runs, tmp_path):
    state = SoundState(runs, FIRST)
    path = broken(kind, tmp_path / "copy-in-a-folder-of-its-own")
    state.open(path, "mine.wav")
    settled(state)
    assert said in state.error
    assert state.error.startswith("mine.wav")
    assert str(path) not in state.error
    assert state.prediction is None
    page_says = state.error
    assert "Traceback" not in page_says
    # The next sound is none the worse for it.
    data = OpenMIC.teaching()
    state.open(data.audio_path(data.audio_keys[0]), "good")
    settled(state)
    assert state.error == ""
    assert state.prediction is not None


@pytest.mark.parametrize("seconds", [0.03, 1.2, 10.02, 20.5])
def test_any_length_has_pictures_and_frames(seconds, runs, tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * 44_100))
    soundfile.write(tmp_path / "noise.wav", samples, 44_100)
    state = SoundState(runs, FIRST)
    state.open(tmp_path / "noise.wav", "noise")
    settled(state)
    assert state.error == ""
    assert state.seconds == pytest.approx(seconds, abs=1e-3)
    for picture in state.views:
        assert 0 < picture.time[0] < picture.time[-1] + 1e-9 <= seconds + 0.1
    assert len(state.prediction.frame) >= 1


def test_a_later_sound_wins(runs, tones):
    data = OpenMIC.teaching()
    state = SoundState(runs, FIRST)
    state.open(tones, "tones.wav")
    state.open(data.audio_path(data.audio_keys[0]), "clip")
    settled(state)
    time.sleep(0.5)  # whatever the first had still to say
    assert state.seconds == pytest.approx(10, abs=0.01)
    assert state.prediction.seconds == pytest.approx(10, abs=0.01)
    assert state.title == "clip"


def test_runs_that_cannot_listen_are_not_offered(runs, runs_folder):
    offered = SoundState(runs).names
    assert FIRST in offered
    assert "majority-published-seed0" not in offered
    assert all(runs[name].keeps_model for name in offered)
    assert not any(listens(run) for run in Runs(runs_folder))  # of an embedding that the package does not have


# What the view says


@pytest.fixture
def view():
    page = dashboard(runs=SHIPPED)
    view = page.view("Your audio")
    settled(view.state)
    assert page.message.text == ""
    return view


def z_of(trace):
    values = np.frombuffer(base64.b64decode(trace["z"]["bdata"]), dtype=trace["z"]["dtype"])
    return values.reshape([int(size) for size in trace["z"]["shape"].split(",")])


def test_an_example_is_there_from_the_start(view):
    found = view.state.prediction
    assert view.player.audio
    maps = [trace for trace in view.plot.figure["data"] if trace["type"] == "heatmap"]
    assert len(maps) == 3
    order = np.argsort(-found.clip.max(axis=0), kind="stable")
    np.testing.assert_allclose(z_of(maps[2]) / 255, found.frame.T[order], atol=0.002)
    rows = view.table.rows
    assert [row["name"] for row in rows] == [found.instruments[k] for k in order]
    assert rows[0]["probability"] == pytest.approx(found.clip.max(), abs=1e-3)
    assert f"{found.clip.max():.2f}" in view.heard.value
    assert "What really sounds" in view.heard.value
    assert "teaching set of mixed single notes" in view.doubt.value


def test_ticking_an_instrument_draws_its_lines(view):
    names = view.shown.names
    count = len(view.plot.figure["data"])
    hidden = next(row["name"] for row in view.table.rows if row["name"] not in names)
    view.table.shown = [*names, hidden]  # as the browser writes it
    assert len(view.plot.figure["data"]) == count + 2


def test_every_run_that_has_listened_stands_in_the_table(view):
    assert "<table" not in view.others.value
    first = view.state.name
    view.run.value = SECOND
    settled(view.state)
    assert view.link == {"run": SECOND}
    assert first in view.others.value
    assert f"{SECOND} (shown)" in view.others.value
    for found in view.state.predictions.values():
        assert f"{found.clip.max():.2f}" in view.others.value


def test_a_sound_of_the_reader_s_own_plays_from_the_browser(view, tones):
    view._take(tones, "<b>tones</b>.wav", "browser-7")
    assert view.player.local == "browser-7"
    assert view.player.audio == b""
    settled(view.state)
    assert view.player.duration == pytest.approx(23.4)
    assert "&lt;b&gt;tones" in view.heard.value
    assert "What really sounds" not in view.heard.value
    assert view.plot.figure["layout"]["xaxis"]["range"] == [0, pytest.approx(23.4)]
    view.example.click()
    assert view.player.local == ""
    settled(view.state)


def test_a_broken_file_is_a_sentence_in_its_place(view, tmp_path):
    view._take(broken("not audio", tmp_path / "x"), "mine.mp3", "1")
    settled(view.state)
    assert "mine.mp3 could not be decoded" in view.heard.value
    assert view.plot.layout.display == view.player.layout.display == "none"


def test_without_a_run_that_listens_the_command_is_named(folder, runs_folder):
    page = dashboard(folder, runs_folder)
    view = page.view("Your audio")
    assert "openmic-explore train" in view.heard.value
    assert view.run.disabled
    assert page.message.text == ""
