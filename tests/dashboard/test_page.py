"""The page's widgets, without a browser."""

import base64
import subprocess
import sys

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.page import Page, open_data, open_runs
from openmic_explore.dashboard.widgets import Plot
from openmic_explore.errors import ExploreError
from tests.dashboard.small_data import write_folder


@pytest.fixture
def page(folder, runs_folder):
    page = dashboard(folder, runs_folder)
    assert isinstance(page, Page)
    assert page.message.text == ""
    return page


def trace(page, kind, place=0):
    return [one for one in page.listen.plot.figure["data"] if one["type"] == kind][place]


def test_both_pictures_and_the_sound_are_the_open_clips(page):
    from openmic_explore.features import clip_views

    key = page.clips.clip
    assert page.listen.player.audio == page.data.audio_path(key).read_bytes()
    assert page.listen.player.clip == key
    views = clip_views(page.data, key)
    for place, picture in enumerate(views):
        sent = trace(page, "heatmap", place)["z"]
        assert sent["dtype"] == "u1"
        values = np.frombuffer(base64.b64decode(sent["bdata"]), dtype=np.uint8).reshape(picture.values.shape)
        np.testing.assert_array_equal(values, picture.values)


def test_another_clip_changes_sound_and_pictures_in_the_same_widgets(page):
    plot, player = page.listen.plot, page.listen.player
    before = (player.audio, trace(page, "heatmap")["z"], trace(page, "heatmap", 1)["z"])
    page.listen.picker.on.click()
    after = (player.audio, trace(page, "heatmap")["z"], trace(page, "heatmap", 1)["z"])
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


def test_another_run_changes_the_lines_and_not_the_pictures(page):
    before = trace(page, "scatter")["y"], trace(page, "heatmap")["z"]
    other = next(name for name in page.run_state.names if name != page.run_state.name)
    page.listen.run.value = other
    assert page.run_state.name == other
    assert trace(page, "scatter")["y"] != before[0]
    assert trace(page, "heatmap")["z"] == before[1]


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
    lines = sum(one["type"] == "scatter" for one in page.listen.plot.figure["data"])
    page.listen.table.shown = [*names, hidden]  # as the browser writes it
    assert sum(one["type"] == "scatter" for one in page.listen.plot.figure["data"]) == lines + 2
    row = next(row for row in page.listen.table.rows if row["name"] == hidden)
    assert row["shown"]
    assert row["colour"]


def test_a_clip_without_kept_frames_is_computed_with_a_word_before(page):
    seen = []
    page.message.observe(lambda change: seen.append((change["new"], page.message.busy)), "text")
    train_clip = str(page.data.keys[0])
    page.clips.heard = False
    page.clips.clip = train_clip
    assert any("Computing" in text and busy for text, busy in seen)
    assert page.run_state.kept(train_clip) is None
    assert len([one for one in page.listen.plot.figure["data"] if one["type"] == "scatter"]) > 0
    assert "openmic-explore teach" in page.message.text  # this clip has no audio
    assert page.listen.player.audio == b""
    assert not [one for one in page.listen.plot.figure["data"] if one["type"] == "heatmap"]


def test_the_runs_view_is_made_when_first_opened_and_shows_every_run_and_the_majority(page):
    assert page.compare is None
    page.tab.selected_index = 1
    view = page.compare
    names = [one["name"] for one in view.plot.figure["data"]]
    assert names[0] == "majority class"
    assert "mel repaired, epochs=3 (2 seeds)" in names
    for run in page.runs:
        assert f"{run.scores['f1_macro'].mean():.3f}" in view.table.value
    assert view.table.value.count("<tr>") + view.table.value.count("<tr class") == 1 + 3 + 1 + 1 + 20
    before = view.plot.figure["data"][1]["x"]
    view.metric.value = "average_precision"
    assert view.plot.figure["data"][1]["x"] != before
    assert "Average precision" in view.plot.figure["layout"]["title"]["text"]
    assert "tones v1 (seed 0)" in view.plot.figure["layout"]["title"]["text"]


def test_without_runs_the_page_names_the_command(folder, tmp_path):
    page = dashboard(folder, tmp_path)
    assert "openmic-explore train" in page.listen.about.value
    assert page.listen.plot.figure["data"][0]["type"] == "heatmap"
    page.tab.selected_index = 1
    assert "openmic-explore train" in page.message.text


def test_without_audio_and_truth_labels_and_lines_remain(tmp_path, runs_folder):
    data = write_folder(tmp_path / "bare", audio=False, activity=False)
    page = dashboard(data, runs_folder)
    assert isinstance(page, Page)
    assert "openmic-explore teach" in page.message.text
    assert {row["truth"] for row in page.listen.table.rows} == {None}
    titles = [note["text"] for note in page.listen.plot.figure["layout"]["annotations"]]
    assert not any("Truth" in title for title in titles)


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_a_wrong_folder_is_a_sentence(where, tmp_path, monkeypatch):
    wrong = str(tmp_path / "nowhere")
    if where == "environment":
        monkeypatch.setenv("OPENMIC_DATA", wrong)
    page = dashboard(wrong if where == "argument" else None)
    text = page.children[1].value
    assert wrong in text
    assert "<code>openmic-explore download</code>" in text
    assert "Traceback" not in text


def test_the_environment_chooses_data_and_runs(folder, runs_folder, monkeypatch):
    monkeypatch.setenv("OPENMIC_DATA", str(folder))
    monkeypatch.setenv("OPENMIC_RUNS", str(runs_folder))
    assert open_data().path == folder
    assert len(open_runs()) == 3
    monkeypatch.setenv("OPENMIC_RUNS", str(runs_folder / "nowhere"))
    with pytest.raises(ExploreError, match="nowhere"):
        open_runs()


def test_runs_are_found_beside_the_notebooks_folder(folder, runs_folder, tmp_path, monkeypatch):
    (tmp_path / "runs").symlink_to(runs_folder)
    for name in ("apps", "shipped"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("openmic_explore.training.run.SHIPPED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path / "apps")
    assert len(open_runs()) == 3


def test_the_page_escapes_what_comes_from_files(tmp_path, runs_folder):
    import json

    data = write_folder(tmp_path / "odd", audio=False)
    info = json.loads((data / "dataset.json").read_text()) | {"name": "<script>alert(1)</script>"}
    (data / "dataset.json").write_text(json.dumps(info))
    page = dashboard(data, runs_folder)
    assert "<script>" not in page.children[0].value
    assert "&lt;script&gt;" in page.children[0].value


def test_figures_share_one_library(page):
    page.tab.selected_index = 1
    assert isinstance(page.compare.plot, Plot)
    assert page.compare.plot.library is page.listen.plot.library is page.library
    assert page.compare.plot.anchor != page.listen.plot.anchor


def test_the_first_plot_needs_no_heavy_library(folder, runs_folder):
    from openmic_explore.data import OpenMIC
    from openmic_explore.features import write_features

    write_features(OpenMIC(folder), progress=False, jobs=1)
    code = (
        "import sys\n"
        "from openmic_explore.dashboard import dashboard\n"
        f"page = dashboard({str(folder)!r}, {str(runs_folder)!r})\n"
        "assert page.listen.plot.figure['data'], page.message.text\n"
        "print([name for name in ('torch', 'librosa', 'sklearn', 'pandas') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
