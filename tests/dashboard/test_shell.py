"""What holds the views together: the data chooser, the way from view to view, and the page's address."""

import shutil

import pytest

from openmic_explore.dashboard import dashboard, shared
from openmic_explore.dashboard.chooser import OTHER, DataChooser, offered
from openmic_explore.dashboard.page import MODULES, Page
from openmic_explore.dashboard.shared import VIEWS, help_line
from openmic_explore.dashboard.state import Message
from openmic_explore.data.openmic import TEACHING
from openmic_explore.errors import ExploreError
from tests.dashboard.small_data import write_folder


@pytest.fixture
def page(folder, runs_folder):
    page = dashboard(folder, runs_folder)
    assert isinstance(page, Page)
    return page


def test_every_view_opens_without_a_word_of_complaint(page):
    assert MODULES.keys() == set(VIEWS)
    for place, name in enumerate(VIEWS):
        page.tab.selected_index = place
        assert page.shared.navigation.view == name
        assert page.tab.children[place] is page.views[name]
        assert page.message.text == ""
    again = page.views["Runs"]
    assert page.view("Runs") is again


def test_every_view_tells_what_to_look_for_and_names_a_lesson_that_exists(page):
    from openmic_explore.dashboard.listen import ListenView
    from tests.browser.server import ROOT

    def texts(widget):
        yield getattr(widget, "value", None) or ""
        for child in getattr(widget, "children", ()):
            yield from texts(child)

    assert isinstance(page.listen, ListenView)
    for name in VIEWS:
        helps = [text for text in texts(page.view(name)) if isinstance(text, str) and "om-help" in text]
        assert helps, name
        lesson = helps[0].split("notebooks/")[1].split(".ipynb")[0]
        assert (ROOT / "notebooks" / f"{lesson}.ipynb").is_file(), lesson


def test_a_lesson_is_a_link_where_it_can_be_opened(monkeypatch):
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    assert "href='../notebooks/00_start.ipynb'" in help_line("Look.", "00_start").value
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    assert "href" not in help_line("Look.", "00_start").value


def test_the_address_names_the_open_view_and_opens_it_again(page, folder, runs_folder):
    page.view("Runs")
    assert page.address.shown == {"view": "Runs", **page.views["Runs"].link}
    metric = {"metric": "average_precision"}
    other = dashboard(folder, runs_folder)
    other.address.asked = {"view": "Runs", **page.views["Runs"].link, **metric}
    assert VIEWS[other.tab.selected_index] == "Runs"
    assert other.views["Runs"].link["metric"] == "average_precision"
    assert other.address.shown["metric"] == "average_precision"


@pytest.mark.parametrize("asked", [{"view": "Cellar"}, {"view": "Runs", "metric": "beauty", "groups": "no such"}])
def test_an_address_of_what_is_not_there_does_no_harm(page, asked):
    page.address.asked = asked
    assert page.message.text == ""
    assert page.address.shown.get("view") != "Cellar"


def test_another_data_set_takes_the_place_of_the_first(page, tmp_path):
    other = write_folder(tmp_path / "other", activity=False)
    page.view("Runs")
    before, library = page.listen, page.library
    page.show_data(other)
    assert page.data.path == other
    assert page.listen is not before
    assert before.comm is None  # closed, so that neither side keeps it
    assert page.listen.plot.library is page.library is library
    assert library.comm is not None
    assert list(page.views) == ["Listen"]
    assert page.clips.clip in page.data.keys
    assert page.message.text == ""


def test_a_folder_that_cannot_be_opened_leaves_the_page_as_it_was(page, tmp_path):
    chooser = page.head.children[1].children[0]
    assert isinstance(chooser, DataChooser)
    shown, listen = chooser.list.value, page.listen
    chooser.list.value = ""
    assert chooser.other.layout.display == "flex"
    chooser.path.value = str(tmp_path / "nowhere")
    chooser.button.click()
    assert "There is no folder" in page.message.text
    assert page.listen is listen
    assert chooser.list.value == shown
    chooser.path.value = " "
    chooser.button.click()
    assert "Type the folder" in page.message.text


def test_the_chooser_offers_what_lies_beside_the_notebook(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "data" / "mine", ignore=shutil.ignore_patterns("audio", "features"))
    (tmp_path / "data" / "no_data").mkdir()
    monkeypatch.setenv("OPENMIC_DATA", str(folder))
    (tmp_path / "apps").mkdir()
    monkeypatch.chdir(tmp_path / "apps")
    wanted = [TEACHING.resolve(), folder.resolve(), (tmp_path / "data" / "mine").resolve()]
    assert [place.resolve() for place in offered()] == wanted
    opened = []
    chooser = DataChooser(TEACHING, opened.append, Message())
    assert [text for text, _ in chooser.list.options] == [
        "teaching set (embedded)",
        *(str(place) for place in wanted[1:]),
        OTHER,
    ]
    chooser.list.value = str(wanted[2])
    assert opened == [wanted[2]]


def test_a_view_that_cannot_be_made_is_a_sentence(page, monkeypatch):
    def broken(name):
        raise ExploreError("The attic is locked.")

    monkeypatch.setattr(page, "_make", broken)
    page.tab.selected_index = VIEWS.index("Runs")
    assert page.message.text == "The attic is locked."
    page.tab.selected_index = 0
    assert page.address.shown["view"] == "Listen"
    assert shared.VIEWS[0] == "Listen"
