"""The page's widgets, without a browser."""

import subprocess
import sys

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


def test_a_view_is_made_when_first_opened_and_shows_runs_as_groups_of_seeds(page):
    assert "Runs" not in page.views
    page.tab.selected_index = 2
    view = page.views["Runs"]
    names = [one["name"] for one in view.plot.figure["data"]]
    assert names[0] == "majority class"
    assert "mel repaired, epochs=3 (2 seeds)" in names
    mean = sum(run.info["means"]["f1_macro"] for run in page.runs if run.config.model == "mel") / 2
    assert f"{mean:.3f} ±" in view.table.value
    assert "tones v1" in view.plot.figure["layout"]["title"]["text"]


def test_without_runs_the_page_names_the_command(folder, tmp_path):
    page = dashboard(folder, tmp_path)
    assert "openmic-explore train" in page.listen.about.value
    assert "heatmap" in [one["type"] for one in page.listen.plot.figure["data"]]
    assert "openmic-explore train" in page.view("Runs").caption.value


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
    assert "<script>" not in page.head.children[0].value
    assert "&lt;script&gt;" in page.head.children[0].value


def test_figures_share_one_library(page):
    page.tab.selected_index = 2
    assert isinstance(page.views["Runs"].plot, Plot)
    assert page.views["Runs"].plot.library is page.listen.plot.library is page.library
    assert page.views["Runs"].plot.anchor != page.listen.plot.anchor


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
