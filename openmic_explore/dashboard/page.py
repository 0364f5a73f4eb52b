"""The whole page: opens the data and the runs, and puts the views together."""

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.listen import ListenView, describe_data
from openmic_explore.dashboard.state import ClipState, Message, RunState, log
from openmic_explore.dashboard.widgets import STATIC, PlotlyLibrary
from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Runs

TITLE = "OpenMIC Explore"
LEAD = (
    "Ten seconds of music, twenty possible instruments, a label for the whole clip only: "
    "watch where a model looks, and hear whether it is right."
)
VIEWS = ("Listen", "Runs")


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

    chosen = path or os.environ.get("OPENMIC_DATA")
    if not chosen:
        return OpenMIC.teaching()
    try:
        return OpenMIC(_folder(chosen))
    except ExploreError as error:
        if path:
            raise
        raise ExploreError(f"{error} (The environment variable OPENMIC_DATA asks for {chosen}.)") from error


def open_runs(paths: str | Path | Sequence[str | Path] | None = None) -> "Runs":
    """The runs that `dashboard` shows; none is not an error. Raises ExploreError for a folder that is not there."""
    from openmic_explore.training import Runs
    from openmic_explore.training.run import SHIPPED

    if paths is None:
        asked = os.environ.get("OPENMIC_RUNS")
        if asked:
            paths = asked.split(os.pathsep)
        else:
            # Voila starts the notebook in apps/, while training leaves its runs beside it.
            beside = _folder("runs")
            paths = [SHIPPED, *([beside] if beside.is_dir() else [])]
    elif isinstance(paths, str | Path):
        paths = [paths]
    return Runs(*(_folder(path) for path in paths))


def _folder(path: str | Path) -> Path:
    """A relative folder is looked for here, then one level up, since Voila runs a notebook in its own folder."""
    path = Path(path).expanduser()
    above = Path("..") / path
    return above.resolve() if not path.is_absolute() and not path.exists() and above.exists() else path


class Page(ui.VBox):
    """Header, message, and a tab a view; Runs is made when it is first opened, so that the clip shows sooner."""

    def __init__(self, data: "OpenMIC", runs: "Runs", message: Message) -> None:
        self.data, self.runs, self.message = data, runs, message
        self.library = PlotlyLibrary()
        self.run_state = RunState(data, runs)
        self.clips = ClipState(data, self.run_state.kept)
        self.listen = ListenView(data, self.clips, self.run_state, self.library, message)
        self.compare: Any = None
        self.tab = ui.Tab([self.listen, ui.VBox()], titles=VIEWS)
        self.tab.observe(message.guard(self._open_view), "selected_index")
        super().__init__([_header(data), _message_bar(message), self.library, self.tab])
        self.add_class("om-page")

    def _open_view(self, change: dict[str, Any]) -> None:
        if VIEWS[change["new"]] == "Runs" and self.compare is None:
            from openmic_explore.dashboard.compare import RunsView

            self.compare = RunsView(self.data, self.runs, self.library, self.message)
            self.tab.children = [self.listen, self.compare]


def _header(data: "OpenMIC | None") -> ui.Widget:
    style = (STATIC / "page.css").read_text(encoding="utf-8")
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
