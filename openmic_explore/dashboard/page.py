"""The whole page: opens the data and the runs, and puts the views together."""

import html
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.chooser import DataChooser
from openmic_explore.dashboard.listen import describe_data
from openmic_explore.dashboard.shared import VIEWS, Shared, View
from openmic_explore.dashboard.state import Message, log
from openmic_explore.dashboard.widgets import Address, PlotlyLibrary, ThemeSwitch, static
from openmic_explore.errors import ExploreError
from openmic_explore.files import nearby

if TYPE_CHECKING:
    from openmic_explore.dashboard.listen import ListenView
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Runs

TITLE = "OpenMIC Explore"
LEAD = (
    "Ten seconds of music, twenty possible instruments, a label for the whole clip only: "
    "watch where a model looks, and hear whether it is right."
)
LOOKS = ("layout", "style")  # traits of widgets that are widgets of their own
# Modules are imported when their view opens; each has a function `make` from what all share to the view.
MODULES = {
    "Listen": "listen",
    "Attention": "attention",
    "Runs": "runs",
    "Weak labels": "weak",
    "Your audio": "own_audio",
    "Train": "training",
}


def dashboard(path: str | Path | None = None, runs: str | Path | Sequence[str | Path] | None = None) -> ui.Widget:
    """The dashboard of a data folder, as a widget.

    path: a folder in OpenMIC-2018's layout; default the environment variable OPENMIC_DATA, else the teaching set.
    runs: one or several folders of runs; default OPENMIC_RUNS (folders separated as in PATH), else the shipped runs
    and those in ./runs. What cannot be opened becomes a sentence in the page; nothing is raised.
    """
    message = Message()
    try:
        data = open_data(path)
        found = open_runs(runs)
        return Page(data, found, message)
    except ExploreError as error:
        message.set(str(error))
    except Exception as error:
        log.exception("the dashboard could not be opened")
        message.set(f"The dashboard could not be opened ({type(error).__name__}: {error}). The server's log says more.")
    return _page([_header(None), _message_bar(message)])


def open_data(path: str | Path | None = None) -> "OpenMIC":
    """The data set that `dashboard` shows. Raises ExploreError where the folder cannot be opened."""
    from openmic_explore.data import OpenMIC

    return OpenMIC(nearby(path)) if path else OpenMIC.chosen()


def open_runs(paths: str | Path | Sequence[str | Path] | None = None) -> "Runs":
    """The runs that `dashboard` shows; none is not an error. Raises ExploreError for a folder that is not there."""
    from openmic_explore.training import Runs

    if paths is None:
        return Runs()
    return Runs(*map(nearby, [paths] if isinstance(paths, str | Path) else paths))


class Page(ui.VBox):
    """Header, message, and a tab a view. A view is made when it is first opened, so that the clip shows sooner."""

    def __init__(self, data: "OpenMIC", runs: "Runs", message: Message) -> None:
        self.message = message
        self.library, self.address = PlotlyLibrary(), Address()
        self.head, self.body = ui.VBox(), ui.VBox()
        self._show(data, runs)
        self.address.observe(message.guard(self._follow), "asked")
        super().__init__([self.head, _message_bar(message), self.library, self.address, self.body])
        self.add_class("om-page")

    @property
    def listen(self) -> "ListenView":
        return self.views["Listen"]

    def _show(self, data: "OpenMIC", runs: "Runs") -> None:
        self.shared = shared = Shared.of(data, runs, self.message, self.library)
        self.data, self.runs, self.clips, self.run_state = data, runs, shared.clips, shared.run
        self.views: dict[str, View] = {}
        chooser = DataChooser(data.path, self.show_data, self.message)
        bar = ui.HBox([chooser, ThemeSwitch()])
        bar.add_class("om-bar")
        first = self._make(VIEWS[0])
        self.tab = ui.Tab([first, *(ui.VBox() for _ in VIEWS[1:])], titles=VIEWS)
        self.tab.observe(self.message.guard(self._switch), "selected_index")
        shared.navigation.observe(self.message.guard(self._go), "view")
        self.body.children = [self.tab]
        self.head.children = [_header(data), bar]

    def show_data(self, path: str | Path) -> None:
        """Show another data set, with its runs. Raises ExploreError where it cannot be opened; the page then stays."""
        data = open_data(path)
        before = [*self.head.children, *self.body.children]
        going = [name for name, view in self.views.items() if view.goes_on]
        self._show(data, self.runs)
        for widget in before:
            _close(widget)
        for name in going:  # what it tells at its end is for the new views
            self._place(name)
        self._tell()

    def view(self, name: str) -> View:
        """Go to a view, which is made where it is new."""
        self.shared.navigation.view = name
        return self.views[name]

    def _make(self, name: str) -> View:
        view = importlib.import_module(f"openmic_explore.dashboard.{MODULES[name]}").make(self.shared)
        view.observe(self.message.guard(lambda _: self._tell()), "link")
        self.views[name] = view
        return view

    def _switch(self, change: dict[str, Any]) -> None:
        self.shared.navigation.view = VIEWS[change["new"]]

    def _go(self, change: dict[str, Any]) -> None:
        name = change["new"]
        if name not in self.views:
            self._place(name)
        self.tab.selected_index = VIEWS.index(name)
        self._tell()

    def _place(self, name: str) -> None:
        children, place = list(self.tab.children), VIEWS.index(name)
        children[place] = self._make(name)
        empty, self.tab.children = self.tab.children[place], children
        _close(empty)

    def _tell(self) -> None:
        """Keep the browser's address in step, so that it can be handed on."""
        name = self.shared.navigation.view
        if name in self.views:  # not where making it failed
            self.address.shown = {"view": name, **self.views[name].link}

    def _follow(self, change: dict[str, Any]) -> None:
        asked = {str(key): str(value) for key, value in change["new"].items()}
        if not asked:
            return
        self.address.asked = {}  # the same link again is asked again
        name = asked.pop("view", VIEWS[0])
        if name in VIEWS:
            self.shared.navigation.view = name
            if name in self.views:  # else the message says why not
                self.views[name].restore(asked)


def _close(widget: ui.Widget) -> None:
    """Close a widget and all that it has, shown or not: the browser forgets them, and so does the kernel."""
    if widget.comm is None:
        return
    widget.close()
    own = [
        part for name, part in vars(widget).items() if name != "_trait_values"
    ]  # where a Plot has the shared library
    for part in (*getattr(widget, "children", ()), *own, *map(widget.trait_values().get, LOOKS)):
        for each in part.values() if isinstance(part, dict) else (part,):
            if isinstance(each, ui.Widget):
                _close(each)


def _header(data: "OpenMIC | None") -> ui.Widget:
    style = static("page.css")
    about = ""
    if data is not None:
        recipe = data.info.get("recipe") or {}
        many = f"{len(data.keys):,} clips, " if "clips" not in recipe else ""
        counts = f"{many}{data.mask.mean():.0%} of the labels known"
        info = {"data": data.name, "recipe": recipe, "embedding": data.embedding_name}
        kind = "; clips mixed from sampled notes, not OpenMIC's audio" if data.name == "teaching" else ""
        about = f"<p class='om-data'>Data: {html.escape(describe_data(info))}{kind}; {counts}.</p>"
    return ui.HTML(
        f"<style>{style}</style><div class='om-head'><h1>{TITLE}</h1><p class='om-lead'>{LEAD}</p></div>{about}"
    )


def _message_bar(message: Message) -> ui.Widget:
    bar = ui.HTML()

    def show(_: Any = None) -> None:
        # A command to type stands out, so that it can be copied.
        text = re.sub(r"`([^`]+)`|(openmic-explore(?: [\w./=<>-]+)+)", _code, html.escape(message.text, quote=False))
        state = "om-message om-busy" if message.busy else "om-message"
        bar.value = f"<div class='{state}' role='status'>{text}</div>" if text else ""

    message.observe(show, ["text", "busy"])
    show()
    return bar


def _code(match: re.Match[str]) -> str:
    return f"<code>{match[1] or match[2]}</code>"


def _page(children: list[ui.Widget]) -> ui.VBox:
    page = ui.VBox(children)
    page.add_class("om-page")
    return page
