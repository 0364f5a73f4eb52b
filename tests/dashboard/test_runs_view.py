"""The view Runs, without a browser."""

import asyncio
import csv
import io
import shutil
import subprocess
import sys

import numpy as np
import pytest

from openmic_explore.dashboard import dashboard
from openmic_explore.dashboard.runs.state import PARTS
from openmic_explore.dashboard.runs.widgets import ASKED
from openmic_explore.training import TrainConfig, train
from openmic_explore.training.run import SHIPPED


@pytest.fixture
def page():
    return dashboard(None, SHIPPED)


@pytest.fixture
def view(page):
    view = page.view("Runs")
    assert page.message.text == ""
    return view


def traces(view):
    return {one["name"]: one for one in view.plot.figure["data"]}


def numbers(values):
    """A list or plotly's binary form of one, as an array."""
    if isinstance(values, dict):
        import base64

        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]))
    return np.asarray(values, dtype=float)


def settle(view, **changes):
    """Change the state on a loop, as in a kernel, and wait for what is computed beside the page."""

    async def change():
        for name, value in changes.items():
            setattr(view.state, name, value)
        async with asyncio.timeout(60):
            while view.working:
                await asyncio.sleep(0.01)

    asyncio.run(change())


def table_of(view):
    sent = []
    view.exports.send = sent.append
    view._export(view.exports, ASKED, [])
    return list(csv.DictReader(io.StringIO(sent[0]["csv"])))


def test_it_opens_on_the_start_beside_the_majority_class(view, page):
    assert list(traces(view)) == [
        "majority class", "mel repaired", "mel published", "attention repaired",
    ]  # fmt: skip
    drawn = numbers(traces(view)["mel repaired"]["x"])
    means = [page.runs[f"mel-repaired-seed{seed}"].info["means"]["f1_macro"] for seed in range(3)]
    assert len(drawn) == 21
    assert drawn[-1] == pytest.approx(np.mean(means), abs=1e-6)
    assert f"{np.mean(means):.3f} ± {np.std(means, ddof=1):.3f}" in view.table.value
    title = view.plot.figure["layout"]["title"]["text"]
    assert "teaching set v1" in title
    assert "600 test clips, known cells, threshold 0.50, seeds 0, 1, 2" in title
    assert view.link == {}


def test_only_the_drawn_runs_are_read(view, page):
    read = {run.config.group for run in page.runs if "predictions" in vars(run)}
    assert read == set(view.state.chosen)


def test_the_list_says_what_the_figure_shows(view, page):
    rows = {row["key"]: row for row in view.chooser.list.rows}
    for name, group in zip(view.state.chosen, view.state.picked, strict=True):
        assert rows[name]["shown"]
        trace = traces(view)[group.label]
        assert rows[name]["colour"] == trace["marker"]["color"]
        assert rows[name]["value"] == f"{numbers(trace['x'])[-1]:.3f}"
    view.state.cells = "all"
    rows = {row["key"]: row for row in view.chooser.list.rows}
    assert rows["mel-repaired"]["value"] == f"{numbers(traces(view)['mel repaired']['x'])[-1]:.3f}"


def test_the_threshold_moves_the_scores_and_not_the_rows(view):
    before = numbers(traces(view)["mel repaired"]["x"])
    rows = view.plot.figure["layout"]["yaxis"]["ticktext"]
    view.controls.threshold.value = 0.3
    assert view.state.threshold == 0.3
    assert (numbers(traces(view)["mel repaired"]["x"]) != before).any()
    assert view.plot.figure["layout"]["yaxis"]["ticktext"] == rows
    assert "threshold 0.30" in view.plot.figure["layout"]["title"]["text"]
    view.controls.metric.value = "average_precision"
    assert view.controls.threshold.disabled
    precise = numbers(traces(view)["mel repaired"]["x"])
    view.state.threshold = 0.8
    np.testing.assert_array_equal(numbers(traces(view)["mel repaired"]["x"]), precise)


def test_a_box_draws_a_group_and_its_colour_stays(view):
    colour = traces(view)["attention repaired"]["marker"]["color"]
    view.chooser.list.chosen = ["mel-repaired", "attention-repaired"]  # as the browser writes it
    assert list(traces(view)) == ["majority class", "mel repaired", "attention repaired"]
    assert traces(view)["attention repaired"]["marker"]["color"] == colour
    view.chooser.none.click()
    assert view.plot.layout.display == "none"
    assert "Tick at least one" in view.said.value
    assert not view.exports.ready
    view.chooser.all.click()
    assert view.exports.ready
    assert view.plot.layout.display == ""
    assert len(view.plot.figure["data"]) == 4


def test_choosing_an_experiment_draws_its_groups(view):
    view.chooser.experiment.value = "main"
    assert "best repaired" in traces(view)
    assert "How far" in view.chooser.question.value
    assert view.link == {"experiment": "main"}


def test_every_part_of_every_experiment_can_be_shown(view, page):
    for name in view.state.experiments:
        view.state.experiment = name
        for part in PARTS:
            if part != "differences":  # takes its time, see below
                view.controls.part.value = part
                assert page.message.text == "", (name, part)
                assert view.part().said, (name, part)
    assert view.said.value


def test_published_scores_are_switched_on_and_off(view):
    view.controls.published.value = "forest"
    figure = view.plot.figure
    (forest,) = [one for one in figure["data"] if one.get("xaxis") == "x2" and one["name"] == "random forest"]
    assert len(numbers(forest["x"])) == 21
    assert "OpenMIC-2018" in figure["layout"]["xaxis2"]["title"]["text"]
    assert "never subtract" in view.said.value
    view.controls.metric.value = "average_precision"
    assert "not as avg. precision" in view.plot.figure["layout"]["annotations"][0]["text"]
    view.controls.published.value = ""
    assert "xaxis2" not in view.plot.figure["layout"]
    view.controls.majority.value = False
    assert "majority class" not in traces(view)


def test_differences_are_computed_beside_the_page_and_drawn_as_they_come(view, page, monkeypatch):
    monkeypatch.setattr("openmic_explore.dashboard.runs.scoring.RESAMPLES", 200)
    seen = []
    view.busy.observe(lambda change: seen.append(change["new"]), "value")
    settle(view, part="differences")
    assert any("group 1 of 3" in text for text in seen)
    assert view.busy.value == ""
    assert list(traces(view)) == ["mel published", "attention repaired"]
    assert "minus that of mel repaired" in view.plot.figure["layout"]["xaxis"]["title"]["text"]
    published = numbers(traces(view)["mel published"]["x"])
    assert f"mean <b>{published[-1]:+.3f}</b>" in view.said.value
    assert "Holm" in view.said.value
    # Another reference or metric needs no new resampling.
    before = len(seen)
    view.controls.reference.value = "mel-published"
    assert not view.working
    np.testing.assert_allclose(numbers(traces(view)["mel repaired"]["x"])[-1], -published[-1])
    view.controls.metric.value = "recall"
    assert not view.working
    assert not any("Resampling" in text for text in seen[before:])
    assert page.message.text == ""


def test_a_group_that_cannot_be_resampled_is_a_sentence(view, monkeypatch):
    from openmic_explore.errors import ExploreError

    def fail(group, *asked):
        raise ExploreError("These are other clips.")

    monkeypatch.setattr(view.scoring, "resample", fail)
    settle(view, part="differences")
    assert "These are other clips." in view.busy.value
    assert view.plot.layout.display == "none"


def test_one_group_has_no_difference(view):
    view.state.tick(["mel-repaired"])
    view.state.part = "differences"
    assert "second group" in view.said.value
    assert not view.working


def test_learning_curves_and_dead_heads_say_what_has_none(view):
    view.state.experiment = "main"
    view.state.part = "learning"
    assert "forest published" in view.said.value
    assert "cnn repaired" in traces(view)
    view.state.part = "constant"
    assert "same decision" in view.plot.figure["layout"]["annotations"][0]["text"]
    view.state.tick(["forest-published"])
    assert view.plot.layout.display == "none"
    assert "forest published" in view.said.value


def test_a_click_on_a_marker_leads_to_its_clips_and_on_to_listen(view, page):
    figure = view.plot.figure
    trace = figure["data"][3]
    place = trace["customdata"].index("voice")
    view.plot.clicked = {"meta": trace["meta"], "customdata": trace["customdata"][place], "count": 1}
    assert (view.state.part, view.state.instrument, view.state.run) == ("clips", "voice", "attention-repaired-seed0")
    assert view.controls.instrument.value == "voice"
    assert view.controls.run.value == "attention-repaired-seed0"
    rows = view.clips.rows
    assert rows
    assert all(row["heard"] for row in rows)
    assert [row["wrong"] for row in rows] == sorted((row["wrong"] for row in rows), reverse=True)
    view.controls.heard.value = False
    keys = [row["key"] for row in view.clips.rows]
    assert len(keys) > len(rows)
    keys, probability = page.runs["attention-repaired-seed0"].predictions
    for row in view.clips.rows[::7]:
        column = page.data.instruments.index("voice")
        assert row["probability"] == pytest.approx(probability[list(keys).index(row["key"]), column])
        assert row["label"] == page.data.labels(row["key"])["voice"]
    opened = next(row["key"] for row in view.clips.rows if row["heard"])
    view.clips.opened = {"key": opened, "count": 1}
    assert page.clips.clip == opened
    assert page.shared.navigation.view == "Listen"
    assert page.listen.player.clip == opened
    assert page.run_state.name == "attention-repaired-seed0"


def test_a_run_without_its_model_is_stood_in_for_by_another_seed(view, page):
    view.state.part, view.state.run = "clips", "attention-repaired-seed2"
    assert view.state.answering.name == "attention-repaired-seed2"
    assert not page.runs["attention-repaired-seed2"].keeps_model
    view.clips.opened = {"key": view.clips.rows[0]["key"], "count": 1}
    assert page.run_state.run.config.group == "attention-repaired"


def test_a_point_of_the_clips_opens_its_clip_though_it_has_no_sound(view, page):
    view.state.part = "clips"
    page.clips.instrument, page.clips.label = "voice", "present"
    silent = next(str(key) for key in page.data.keys[::-1] if not page.data.has_audio(str(key)))
    view.plot.clicked = {"meta": "", "customdata": silent, "count": 1}
    assert page.clips.clip == silent
    assert silent in page.clips.matches


def test_a_click_on_the_mean_or_on_what_is_not_ours_changes_nothing(view):
    for meta, point in (("mel repaired", ""), ("majority class", "voice"), ("random forest", "voice")):
        view.plot.clicked = {"meta": meta, "customdata": point, "count": 1}
        assert view.state.part == "scores"


def test_a_click_on_a_difference_leads_to_the_clips(view):
    view.plot.clicked = {"meta": "mel repaired", "customdata": [0.1, 0.2, "piano"], "count": 1}
    assert (view.state.part, view.state.instrument) == ("clips", "piano")


def test_what_is_shown_can_be_taken_along_as_a_table(view, page, monkeypatch):
    monkeypatch.setattr("openmic_explore.dashboard.runs.scoring.RESAMPLES", 200)
    view.state.threshold = 0.4
    rows = table_of(view)
    assert len(rows) == (9 + 1) * 20
    found = next(
        row for row in rows if (row["group"], row["seed"], row["instrument"]) == ("mel repaired", "1", "piano")
    )
    expected = view.scoring.table(page.runs["mel-repaired-seed1"], "known", 0.4)[page.data.instruments.index("piano")]
    assert float(found["f1_macro"]) == pytest.approx(expected[5], abs=1e-5)
    assert found["threshold"] == "0.40"
    settle(view, part="differences")
    rows = table_of(view)
    assert len(rows) == 2 * 21
    mean = next(row for row in rows if (row["group"], row["instrument"]) == ("attention repaired", "mean"))
    assert float(mean["difference"]) == pytest.approx(float(mean["b"]) - float(mean["a"]), abs=1e-5)
    assert float(mean["low"]) <= float(mean["difference"]) <= float(mean["high"])
    view.state.part = "learning"
    rows = table_of(view)
    history = page.runs["mel-repaired-seed2"].history
    mine = [row for row in rows if (row["group"], row["seed"]) == ("mel repaired", "2")]
    np.testing.assert_allclose([float(row["validation_loss"]) for row in mine], history["validation_loss"], rtol=1e-4)
    view.state.part = "constant"
    rows = [row for row in table_of(view) if (row["group"], row["seed"], row["epoch"]) == ("mel published", "0", "1")]
    assert sum(int(row["constant"]) for row in rows) == page.runs["mel-published-seed0"].heads.constant[0].sum()
    view.state.part = "clips"
    rows = table_of(view)
    assert len(rows) == len(view.scoring.answers(view.state.answering, view.state.instrument, "known", 0.4))


def test_an_address_opens_the_view_as_it_was(page):
    asked = {"experiment": "5", "part": "clips", "instrument": "piano", "threshold": "0.40"}
    page.address.asked = {"view": "Runs", **asked}
    view = page.views["Runs"]
    assert view.link == asked
    assert page.tab.selected_index == 2
    assert view.controls.part.value == "clips"
    assert view.chooser.experiment.value == "5"
    assert "piano" in view.plot.figure["layout"]["title"]["text"]
    assert page.address.shown == {"view": "Runs", **asked}


def test_without_runs_a_sentence_names_the_command(folder, tmp_path):
    page = dashboard(folder, tmp_path)
    view = page.view("Runs")
    assert "openmic-explore train" in view.caption.value
    page.address.asked = {"view": "Runs", "part": "learning"}
    assert page.message.text == ""


def test_a_run_trained_meanwhile_is_shown(folder, tmp_path):
    page = dashboard(folder, tmp_path)
    view = page.view("Runs")
    for seed, count in ((0, ""), (1, "")):
        run = train(TrainConfig("attention", seed=seed, epochs=2), page.data, runs=tmp_path, progress=False)
        page.shared.add_run(run)
        assert page.message.text == ""
        assert f"attention repaired, epochs=2{count}" in traces(view)
    assert "There is no run" not in view.caption.value


def test_damaged_runs_and_runs_of_other_data_are_named(folder, runs_folder, tmp_path):
    for run in runs_folder.iterdir():
        shutil.copytree(run, tmp_path / run.name)
    names = sorted(run.name for run in tmp_path.iterdir())
    (tmp_path / names[0] / "run.json").write_text("{")
    (tmp_path / names[1] / "predictions.npz").write_bytes(b"")
    page = dashboard(folder, [SHIPPED, tmp_path])
    view = page.view("Runs")
    assert page.message.text == ""
    assert "2 damaged runs are left out" in view.caption.value
    assert "run.json" in view.caption.value
    assert "predictions.npz" in view.caption.value
    assert "of teaching set v1" in view.caption.value
    assert len(traces(view)) == 2


def test_without_the_truth_only_known_cells_are_offered(folder, runs_folder, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    (bare / "activity.npz").unlink()
    page = dashboard(bare, runs_folder)
    view = page.view("Runs")
    if view.state.groups:
        assert [value for _, value in view.controls.cells.options] == ["known"]
        assert "all cells" not in view.table.value
    else:
        assert "other data" in view.caption.value


def test_opening_it_needs_no_heavy_library():
    code = (
        "import sys\n"
        "from openmic_explore.dashboard import dashboard\n"
        "from openmic_explore.training.run import SHIPPED\n"
        "page = dashboard(None, SHIPPED)\n"
        "view = page.view('Runs')\n"
        "view.state.threshold = 0.3\n"
        "assert view.plot.figure['data'], page.message.text\n"
        "print([name for name in ('torch', 'librosa', 'sklearn', 'scipy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
