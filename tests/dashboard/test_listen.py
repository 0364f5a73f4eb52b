"""The view Listen, without a browser."""

import base64

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.page import Page
from openmic_explore.features import clip_views
from openmic_explore.transforms import scalogram
from tests.dashboard.small_data import write_folder


@pytest.fixture
def page(folder, runs_folder):
    page = dashboard(folder, runs_folder)
    assert isinstance(page, Page)
    assert page.message.text == ""
    return page


def traces(page, kind):
    """The figure's traces of a kind, by name."""
    return {one.get("name", ""): one for one in page.listen.plot.figure["data"] if one["type"] == kind}


def levels(sent):
    """A picture's levels as they are sent."""
    assert sent["z"]["dtype"] == "u1"
    shape = [int(size) for size in sent["z"]["shape"].split(",")]
    return np.frombuffer(base64.b64decode(sent["z"]["bdata"]), dtype=np.uint8).reshape(shape)


def curves(page):
    """The lines of instruments, but not the waveform."""
    return {name: one for name, one in traces(page, "scatter").items() if name and not name.endswith("sample")}


def test_both_pictures_and_the_sound_are_the_open_clips(page):
    key = page.clips.clip
    assert page.listen.player.audio == page.data.audio_path(key).read_bytes()
    assert page.listen.player.clip == key
    sent = list(traces(page, "heatmap").values())
    for one, picture in zip(sent, clip_views(page.data, key), strict=True):
        np.testing.assert_array_equal(levels(one), picture.values)


def test_both_pictures_are_in_decibels_of_a_full_scale_sine(page):
    mel, scale = traces(page, "heatmap").values()
    assert mel["meta"]["unit"] == scale["meta"]["unit"] == "dB"
    assert (mel["meta"]["low"], mel["meta"]["high"]) == (pytest.approx(-80, abs=0.1), pytest.approx(0, abs=0.1))
    assert (scale["meta"]["low"], scale["meta"]["high"]) == (-80, 0)


def test_the_waveform_spans_the_samples(page):
    samples, _ = page.data.audio(page.clips.clip)
    low, high = (
        np.frombuffer(base64.b64decode(traces(page, "scatter")[f"{end} sample"]["y"]["bdata"]), dtype=np.float32)
        for end in ("least", "greatest")
    )
    assert low.min() == pytest.approx(samples.min(), abs=1e-4)
    assert high.max() == pytest.approx(samples.max(), abs=1e-4)
    assert (low <= high).all()


def test_another_clip_changes_sound_and_pictures_in_the_same_widgets(page):
    plot, player = page.listen.plot, page.listen.player
    before = (player.audio, *(one["z"] for one in traces(page, "heatmap").values()))
    page.listen.picker.on.click()
    after = (player.audio, *(one["z"] for one in traces(page, "heatmap").values()))
    assert len(before) == 3
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert page.listen.plot is plot
    assert page.listen.picker.list.value == page.clips.clip == player.clip


def test_the_open_clip_stays_open_while_the_search_finds_it(page):
    page.listen.picker.on.click()
    key = page.clips.clip
    name = next(name for name, state in page.data.labels(key).items() if state == "present")
    seen = []
    page.listen.player.observe(lambda change: seen.append(change["new"]), "clip")
    picker = page.listen.picker
    picker.instrument.value, picker.label.value = name, "present"
    assert picker.list.value == page.clips.clip == key
    assert len(picker.list.options) < page.clips.audible
    picker.instrument.value, picker.label.value = "", ""
    assert len(picker.list.options) == page.clips.audible
    assert picker.list.value == page.clips.clip == page.listen.player.clip == key
    assert seen == []


def test_the_list_says_what_decided_of_a_clip_and_why_there_is_none(page):
    picker = page.listen.picker
    picker.heard.value, picker.instrument.value, picker.order.value = False, "violin", "divided"
    assert "nearest .5" in picker.count.value
    texts = [text for text, _ in picker.list.options]
    assert all(" · violin " in text and "labelled " in text for text in texts)
    distance = [abs(int(text.split("violin ")[1].split(" %")[0]) - 50) for text in texts]
    assert distance == sorted(distance)
    assert page.clips.clip == picker.list.value == picker.list.options[0][1]
    picker.split.value = "train"
    assert picker.list.options == ()
    assert "no clip found: runs keep their predictions of test clips only" in picker.count.value


def test_what_a_search_cannot_do_is_a_sentence(tmp_path, runs_folder):
    data = write_folder(tmp_path / "unsplit")
    (data / "partitions" / "split01_test.csv").unlink()
    page = dashboard(data, runs_folder)
    found = page.clips.matches
    page.listen.picker.split.value = "test"
    assert "split01_test.csv" in page.message.text
    assert page.clips.matches == found


def test_another_run_changes_the_lines_and_not_the_pictures(page):
    before = curves(page), [one["z"] for one in traces(page, "heatmap").values()]
    other = next(name for name in page.run_state.names if name != page.run_state.name)
    page.listen.run.value = other
    assert page.run_state.name == other
    assert curves(page).keys() == before[0].keys()
    assert all(one["y"] != before[0][name]["y"] for name, one in curves(page).items())
    assert [one["z"] for one in traces(page, "heatmap").values()] == before[1]


def test_the_table_says_what_labels_truth_and_run_say(page):
    key = page.clips.clip
    rows = {row["name"]: row for row in page.listen.table.rows}
    frames = page.run_state.kept(key)
    labels = page.data.labels(key)
    assert list(rows) == list(page.data.instruments)
    for column, (name, row) in enumerate(rows.items()):
        assert row["label"] == labels[name]
        assert row["truth"] == page.data.truth[page.data.index(key), column]
        assert row["probability"] == pytest.approx(frames.clip[column], abs=1e-3)


def test_ticking_an_instrument_draws_its_lines(page):
    names = page.listen.shown.names
    hidden = next(name for name in page.data.instruments if name not in names)
    page.listen.table.shown = [*names, hidden]  # as the browser writes it
    assert set(curves(page)) == {name.replace("_", " ") for name in (*names, hidden)}
    row = next(row for row in page.listen.table.rows if row["name"] == hidden)
    assert row["shown"]
    assert row["colour"] != row["dark"]


def test_a_clip_without_kept_frames_is_computed_with_a_word_before(page):
    seen = []
    page.message.observe(lambda change: seen.append((change["new"], page.message.busy)), "text")
    train_clip = str(page.data.keys[0])
    page.clips.heard = False
    page.clips.clip = train_clip
    assert any("Computing" in text and busy for text, busy in seen)
    assert page.run_state.kept(train_clip) is None
    assert curves(page)
    assert "openmic-explore teach" in page.message.text  # this clip has no audio
    assert page.listen.player.audio == b""
    assert not traces(page, "heatmap")


def test_without_audio_and_truth_labels_and_lines_remain(tmp_path, runs_folder):
    data = write_folder(tmp_path / "bare", audio=False, activity=False)
    page = dashboard(data, runs_folder)
    assert isinstance(page, Page)
    assert "openmic-explore teach" in page.message.text
    assert {row["truth"] for row in page.listen.table.rows} == {None}
    titles = [note["text"] for note in page.listen.plot.figure["layout"]["annotations"]]
    assert not any("Truth" in title for title in titles)
    assert "truth" not in [name for name, _ in page.listen.controls.offered]
    assert curves(page)


def test_a_finer_scalogram_is_computed_once_from_the_sound_with_a_word_before(page):
    seen = []
    page.message.observe(lambda change: seen.append((change["new"], page.message.busy)), "text")
    page.listen.controls.resolution = "256"  # as the browser writes it
    fine = levels(list(traces(page, "heatmap").values())[1])
    expected = scalogram(*page.data.audio(page.clips.clip), scales=256, bins=500)
    decibels = np.clip(20 * np.log10(np.maximum(expected.magnitude, 1e-10)), -80, 0)
    np.testing.assert_allclose(fine / 255 * 80 - 80, decibels, atol=0.17)
    assert ("Computing a finer scalogram …", True) in seen
    assert page.message.text == ""
    assert not page.message.busy
    seen.clear()
    page.listen.controls.resolution = "128"
    page.listen.controls.resolution = "256"
    assert not any(busy for _, busy in seen)


def test_panels_layout_notes_and_height_are_the_reader_s_choice(page):
    controls, plot = page.listen.controls, page.listen.plot
    assert "frame" in [name for name, _ in controls.offered]
    before = plot.figure["layout"]["height"]
    controls.panels = ["log_mel", "scalogram"]
    assert {one["type"] for one in plot.figure["data"]} == {"heatmap"}
    controls.pitch = True
    assert "A4 440" in plot.figure["layout"]["yaxis2"]["ticktext"]
    controls.beside = True
    assert plot.figure["layout"]["xaxis"]["domain"][1] < plot.figure["layout"]["xaxis2"]["domain"][0]
    small = plot.figure["layout"]["height"]
    assert small < before
    controls.tall = True
    assert plot.figure["layout"]["height"] == small + 130


def test_the_browser_moves_the_colours_and_the_next_figure_keeps_them(page):
    drawn = page.listen.plot.figure
    page.listen.controls.floor, page.listen.controls.ceiling = -60.0, -20.0
    assert page.listen.plot.figure is drawn  # nothing is sent
    page.listen.picker.on.click()
    for one in traces(page, "heatmap").values():
        low, high = one["meta"]["low"], one["meta"]["high"]
        assert low + one["zmin"] / 255 * (high - low) == pytest.approx(-60)
        assert low + one["zmax"] / 255 * (high - low) == pytest.approx(-20)


def test_the_address_opens_the_clip_the_run_and_the_instruments_again(page, folder, runs_folder):
    page.listen.picker.on.click()
    page.listen.run.value = page.run_state.names[-1]
    page.listen.table.shown = ["violin", "voice"]
    link = page.listen.link
    assert page.address.shown == {"view": "Listen", **link}
    other = dashboard(folder, runs_folder)
    assert other.clips.clip != page.clips.clip
    other.address.asked = {"view": "Listen", **link}
    assert other.clips.clip == page.clips.clip == other.listen.player.clip
    assert other.listen.run.value == page.run_state.names[-1]
    assert other.listen.shown.names == ["violin", "voice"]
    other.address.asked = {"view": "Listen", "clip": "no such", "run": "none", "show": "theremin"}
    assert other.message.text == ""
    assert other.listen.link == link


def test_a_new_run_is_offered_and_the_chosen_one_stays(page):
    run = page.run_state.run
    before = page.run_state.name
    page.run_state.names = [name for name in page.run_state.names if name == before]
    assert [value for _, value in page.listen.run.options] == [before]
    added = next(one for one in page.runs if one.name != run.name)
    page.run_state.add(added)
    assert [value for _, value in page.listen.run.options] == [before, added.name]
    assert page.listen.run.value == page.run_state.name == before


def test_what_was_opened_elsewhere_shows_when_the_reader_comes_back(page):
    page.view("Attention")
    before = page.listen.player.clip
    page.clips.step(1)
    page.run_state.name = page.run_state.names[-1]
    assert page.listen.player.clip == before  # nothing is drawn while it is hidden
    page.view("Listen")
    assert page.listen.player.clip == page.clips.clip != before
    assert page.listen.run.value == page.run_state.names[-1]
