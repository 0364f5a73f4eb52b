"""The dashboard's own browser widgets: a figure, a player, and the table of a clip's instruments."""

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import widget_serialization

if TYPE_CHECKING:
    import plotly.graph_objects as go

STATIC = Path(__file__).parent / "static"


@cache
def _plotly_js() -> bytes:
    """The plotly.js that the installed plotly was made for, gzipped: 1.6 MB instead of 4.8."""
    import plotly

    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), compresslevel=3, mtime=0)


class PlotlyLibrary(anywidget.AnyWidget):
    """plotly.js itself, sent once for all figures of a page; it draws nothing."""

    _esm = "export default { render() {} };"
    code = traitlets.Bytes().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(code=_plotly_js())


class Plot(anywidget.AnyWidget):
    """A plotly figure that is redrawn in place when `figure` changes.

    plotly's own FigureWidget sends 5 MB of JavaScript a figure; this one shares a gzipped `library`.
    figure: a figure as `go.Figure.to_dict()` gives it. anchor: names the figure in the page, for the playhead.
    label: what a screen reader says of it.
    """

    _esm = STATIC / "plot.js"
    library = traitlets.Instance(PlotlyLibrary).tag(sync=True, **widget_serialization)
    figure = traitlets.Dict().tag(sync=True)
    anchor = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, library: PlotlyLibrary, figure: "go.Figure", label: str) -> None:
        super().__init__(library=library, figure=figure.to_dict(), label=label, anchor=uuid4().hex)

    def show(self, figure: "go.Figure", label: str) -> None:
        """Draw another figure in the place of this one."""
        with self.hold_sync():
            self.figure, self.label = figure.to_dict(), label


class Player(anywidget.AnyWidget):
    """Plays a clip and moves a line over the panels of a Plot, by the sound's own clock.

    audio: an encoded file's bytes, empty where there is none. mime: its type. clip: its key. duration: seconds,
    until the browser has read it. plot: the anchor of the Plot.
    """

    _esm = STATIC / "player.js"
    _css = STATIC / "player.css"
    audio = traitlets.Bytes().tag(sync=True)
    mime = traitlets.Unicode("audio/ogg").tag(sync=True)
    clip = traitlets.Unicode().tag(sync=True)
    duration = traitlets.Float(10.0).tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)

    def load(self, clip: str, audio: bytes) -> None:
        """Take another clip; empty audio switches the player off."""
        with self.hold_sync():
            self.clip, self.audio = clip, audio


class InstrumentTable(anywidget.AnyWidget):
    """A clip's twenty instruments with label, truth and probability; a box each chooses whose lines are drawn.

    rows: dicts of name, label ("present", "absent", "unknown"), truth (bool, None where unknown), probability
    (None without a run), shown, colour and glyph (None where not shown). shown: names, written by the browser.
    """

    _esm = STATIC / "instruments.js"
    _css = STATIC / "instruments.css"
    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    shown: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
