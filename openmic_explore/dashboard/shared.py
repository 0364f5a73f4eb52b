"""What all views of a page have in common, and the way from one to another."""

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ipywidgets as ui
from traitlets import Dict, HasTraits, Int, Unicode

from openmic_explore.dashboard.clips import ClipState
from openmic_explore.dashboard.state import Message, RunState
from openmic_explore.dashboard.widgets import PlotlyLibrary, static

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run, Runs

VIEWS = ("Listen", "Attention", "Runs", "Weak labels", "Your audio", "Train")


class Navigation(HasTraits):
    """The view that is open, one of `VIEWS`; whoever sets it takes the reader there."""

    view = Unicode(VIEWS[0])


class News(HasTraits):
    """Runs that were trained while the page was open. changed: how many, to be observed. newest: the last one's name."""

    changed = Int()
    newest = Unicode()


@dataclass
class Shared:
    """The data, the runs, and the models that views observe; plots share one `library`."""

    data: "OpenMIC"
    runs: "Runs"
    message: Message
    clips: ClipState
    run: RunState
    library: PlotlyLibrary
    navigation: Navigation = field(default_factory=Navigation)
    news: News = field(default_factory=News)

    @classmethod
    def of(cls, data: "OpenMIC", runs: "Runs", message: Message, library: PlotlyLibrary | None = None) -> "Shared":
        run = RunState(data, runs)
        return cls(data, runs, message, ClipState(data, run), run, library or PlotlyLibrary())

    def add_run(self, run: "Run") -> None:
        """Take in a run that has just been trained: `runs` has it, views that observe `news` and `run.names` show it."""
        self.runs.add(run)
        self.run.add(run)
        with self.news.hold_trait_notifications():
            self.news.newest = run.name
            self.news.changed += 1


class View(ui.Box):
    """One tab. link: what an address needs to reopen the view as it is now, as short texts."""

    link = Dict(value_trait=Unicode(), key_trait=Unicode())

    @property
    def goes_on(self) -> bool:
        """Is something at work that another data set does not end?"""
        return False

    def restore(self, asked: Mapping[str, str]) -> None:
        """Show what `link` said; what no longer exists is passed over."""


def style_sheet(name: str) -> ui.HTML:
    """A view's own CSS from `static`; colours come from the variables of page.css, which know light and dark."""
    return ui.HTML(f"<style>{static(f'{name}.css')}</style>")


def help_line(text: str, lesson: str) -> ui.HTML:
    """What to look for in a view, and the lesson about it; `text` is HTML, `lesson` the name of a notebook."""
    path = f"notebooks/{lesson}.ipynb"
    # Voila serves one notebook only; JupyterLab opens the others.
    alone = "voila" in os.environ.get("SERVER_SOFTWARE", "")
    named = f"<code>{html.escape(path)}</code>"
    link = f"{named} (in JupyterLab: <code>make lab</code>)" if alone else f"<a href='../{path}'>{named}</a>"
    return ui.HTML(f"<p class='om-help'>{text} Lesson: {link}</p>")
