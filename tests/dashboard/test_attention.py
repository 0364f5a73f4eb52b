"""The view Attention, without a browser."""

import base64
import re
import subprocess
import sys

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.looks import estimate_of
from openmic_explore.dashboard.page import Page
from openmic_explore.evaluation import attention_signal, energy, frame_auc, frame_energy, frame_signal, product
from openmic_explore.training import TrainConfig, train
from tests.dashboard.small_data import write_folder


@pytest.fixture(scope="module")
def pooled(folder, tmp_path_factory):
    """Short real trainings of the three poolings, and a published mel with two seeds."""
    from openmic_explore.data import OpenMIC

    path, data = tmp_path_factory.mktemp("pooled"), OpenMIC(folder)
    for model in ("attention", "max", "mean"):
        train(TrainConfig(model, epochs=2), data, runs=path, progress=False)
    for seed in (0, 1):
        train(TrainConfig("mel", "published", epochs=2, seed=seed), data, runs=path, progress=False)
    return path


@pytest.fixture
def page(folder, pooled):
    page = dashboard(folder, pooled)
    assert isinstance(page, Page)
    page.view("Attention")
    assert page.message.text == ""
    return page


def decoded(part):
    return (
        np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"])
        if isinstance(part, dict)
        else np.array(part)
    )


def rows(view):
    """The curves by column (run, from 0) and by row's unit: {(column, unit): {instrument: y}}."""
    layout = view.plot.figure["layout"]
    columns = len(view.choice.value)
    found = {}
    for one in view.plot.figure["data"]:
        if one["type"] != "scatter" or one.get("name", "label").startswith("label"):
            continue
        number = int(one["yaxis"][1:] or 1) - 1
        leftmost = number - number % columns + 1
        first = layout[f"yaxis{leftmost if leftmost > 1 else ''}"]
        found.setdefault((number % columns, first["title"]["text"]), {})[one["name"]] = decoded(one["y"])
    return found


def test_it_opens_on_mean_max_and_attention_with_a_column_each(page):
    view = page.views["Attention"]
    assert view.choice.value == [
        "mean-repaired-epochs=2-seed0",
        "max-repaired-epochs=2-seed0",
        "attention-repaired-epochs=2-seed0",
    ]
    titles = [note["text"] for note in view.plot.figure["layout"]["annotations"]]
    assert titles[:3] == [f"<b>{name}<br>repaired</b>" for name in ("mean", "max", "attention")]
    offered = {title: [text for _, text in options] for title, options in view.choice.groups}
    assert list(offered) == ["repaired", "published"]
    assert offered["published"] == ["mel, epochs=2, seed 0", "mel, epochs=2, seed 1"]
    assert sorted(offered["repaired"]) == ["attention, epochs=2", "max, epochs=2", "mean, epochs=2"]


def test_the_curves_are_what_the_runs_said_of_the_clip(page):
    view, key = page.views["Attention"], page.clips.clip
    drawn = rows(view)
    assert len(view.shown.names) == 2
    for column, name in enumerate(view.choice.value):
        frames = page.runs[name].frames(key)
        for instrument in view.shown.names:
            place, label = page.data.instruments.index(instrument), instrument.replace("_", " ")
            attention, frame = frames.attention[:, place], frames.frame[:, place]
            np.testing.assert_allclose(drawn[column, "weight"][label][1:-1], attention, atol=1e-4)
            np.testing.assert_allclose(drawn[column, "score"][label][1:-1], frame, atol=1e-4)
            np.testing.assert_allclose(drawn[column, "product"][label][1:-1], attention * frame, atol=1e-4)
            # Framewise networks: with the last frame the estimate is the clip's probability.
            assert drawn[column, "probability"][label][-1] == pytest.approx(frames.clip[place], abs=5e-3)


def test_a_published_head_has_its_own_estimate(page):
    run = page.runs["mel-published-epochs=2-seed0"]
    frames = run.frames(page.clips.clip)
    estimate = estimate_of(run, frames)
    np.testing.assert_allclose(estimate[-1], frames.clip, atol=5e-3)
    expected = (frames.attention[:4] * frames.frame[:4]).sum(axis=0) / frames.attention[:4].sum(axis=0)
    np.testing.assert_allclose(estimate[3], expected.clip(0, 1), atol=1e-6)


def test_the_table_holds_the_estimates_and_the_verdict_against_the_label(page):
    view, key = page.views["Attention"], page.clips.clip
    table, labels = view.estimates.table, page.data.labels(key)
    assert [row["name"] for row in table["rows"]] == [name.replace("_", " ") for name in view.shown.names]
    for instrument, row in zip(view.shown.names, table["rows"], strict=True):
        assert row["label"] == labels[instrument]
        for name, cell in zip(view.choice.value, row["cells"], strict=True):
            clip = page.runs[name].frames(key).clip[page.data.instruments.index(instrument)]
            assert cell["clip"] == pytest.approx(clip, abs=1e-3)
            known = labels[instrument] != "unknown"
            assert cell["right"] == (((clip >= 0.5) == (labels[instrument] == "present")) if known else None)
            assert len(cell["values"]) == 10
            assert cell["step"] == 1.0


def test_localisation_is_the_frame_auc_beside_that_of_loudness(page):
    view, key = page.views["Attention"], page.clips.clip
    page.views["Attention"].table.shown = ["drums", view.shown.names[0]]
    active = page.data.activity.active[page.data.index(key)][None]
    cells = [
        re.findall(r"<td[^>]*>(?:<span[^>]*>[^<]*</span> )?([^<]*)</td>", row)
        for row in view.where.value.split("<tr")[2:]
    ]
    by_place = {(row[0], row[1]): row[2:] for row in cells}
    titles = view.estimates.table["runs"]
    assert len(by_place) == len(view.shown.names) * (len(titles) + 1)
    samples, rate = page.data.audio(key)
    control = frame_auc(energy(frame_energy(samples, rate, step=1.0, frames=10)[None], 1.0), active, 0.1)[0]
    for instrument in view.shown.names:
        place, label = page.data.instruments.index(instrument), instrument.replace("_", " ")
        for name, title in zip(view.choice.value, titles, strict=True):
            frames = page.runs[name].frames(key)
            look, score = attention_signal(frames.attention[None], 1.0), frame_signal(frames.frame[None], 1.0)
            expected = [frame_auc(signal, active, 0.1)[0, place] for signal in (look, score, product(score, look))]
            told = ["–" if np.isnan(value) else f"{value:.2f}" for value in expected]
            assert by_place[label, title] == told
        loud = "–" if np.isnan(control[place]) else f"{control[place]:.2f}"
        assert by_place[label, "loudness alone, no model"] == [loud] * 3


def test_runs_and_instruments_are_the_reader_s_choice_up_to_four_runs(page):
    view = page.views["Attention"]
    view.choice.value = ["mel-published-epochs=2-seed0", "mel-published-epochs=2-seed1"]
    titles = [note["text"] for note in view.plot.figure["layout"]["annotations"]]
    assert titles[:2] == ["<b>mel published, epochs=2, seed 0</b>", "<b>mel published, epochs=2, seed 1</b>"]
    view.table.shown = ["voice"]
    assert {name for lines in rows(view).values() for name in lines} == {"voice"}
    assert len(rows(view)) == 8
    view.choice.value = []
    assert view.plot.figure["data"] == []
    assert view.estimates.table["runs"] == []


def test_the_clip_is_the_one_of_listen_and_its_own_steps_move_both(page):
    view = page.views["Attention"]
    _, on = view.steps.children
    before = view.player.clip
    assert before == page.clips.clip
    on.click()
    assert view.player.clip == page.clips.clip != before
    assert view.player.audio == page.data.audio_path(page.clips.clip).read_bytes()
    assert page.clips.clip in view.which.value
    page.view("Listen")
    assert page.listen.player.clip == page.clips.clip
    page.clips.step(1)
    assert view.player.clip != page.clips.clip
    page.view("Attention")
    assert view.player.clip == page.clips.clip


def test_a_clip_without_kept_frames_is_computed_with_a_word_before(page):
    view, seen = page.views["Attention"], []
    page.message.observe(lambda change: seen.append((change["new"], page.message.busy)), "text")
    page.clips.heard = False
    page.clips.clip = str(page.data.keys[0])
    assert sum("Computing" in text and busy for text, busy in seen) == 3
    assert len(rows(view)) == 12
    assert not page.message.busy
    assert "loudness" not in view.where.value.split("<p")[0]  # there is no sound to hold against


def test_the_address_opens_it_again(page, folder, pooled):
    view = page.views["Attention"]
    page.clips.step(1)
    view.choice.value = ["mel-published-epochs=2-seed0"]
    view.table.shown = ["voice", "organ"]
    other = dashboard(folder, pooled)
    other.address.asked = {"view": "Attention", **view.link}
    assert other.address.shown == page.address.shown == {"view": "Attention", **view.link}
    assert other.views["Attention"].estimates.table == view.estimates.table


def test_without_truth_sound_or_runs_it_says_so(tmp_path, pooled):
    bare = write_folder(tmp_path / "bare", audio=False, activity=False)
    page = dashboard(bare, pooled)
    view = page.view("Attention")
    assert "not known in this data set" in view.where.value
    assert len(rows(view)) == 12
    (tmp_path / "none").mkdir()
    page = dashboard(bare, tmp_path / "none")
    view = page.view("Attention")
    assert "openmic-explore train" in view.where.value
    assert view.choice.groups == []


def test_it_needs_no_torch_for_clips_whose_frames_are_kept(folder, pooled):
    code = (
        "import sys\n"
        "from openmic_explore.dashboard import dashboard\n"
        f"page = dashboard({str(folder)!r}, {str(pooled)!r})\n"
        "assert page.view('Attention').estimates.table['rows'], page.message.text\n"
        "print([name for name in ('torch', 'librosa', 'sklearn') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
