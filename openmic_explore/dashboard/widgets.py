"""The dashboard's own browser widgets: a figure, a player, and the table of a clip's instruments."""

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import widget_serialization

from openmic_explore.figures.style import DARK

if TYPE_CHECKING:
    import plotly.graph_objects as go

STATIC = Path(__file__).parent / "static"


def static(name: str) -> str:
    """The text of a file in `static`. As text, since anywidget keeps every widget of a path for good, to load it anew."""
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def _plotly_js() -> bytes:
    """The plotly.js that the installed plotly was made for, gzipped: 1.6 MB instead of 4.8."""
    import plotly

    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), compresslevel=3, mtime=0)


class PlotlyLibrary(anywidget.AnyWidget):
    """plotly.js itself, sent once for all figures of a page; it draws nothing. dark: colours in the dark by their light ones."""

    _esm = "export default { render() {} };"
    code = traitlets.Bytes().tag(sync=True)
    dark = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(code=_plotly_js(), dark=DARK)


class ThemeSwitch(anywidget.AnyWidget):
    """Light, dark, or as the browser or JupyterLab has it; the browser remembers the choice."""

    _esm = static("theme.js")


class Address(anywidget.AnyWidget):
    """The page's address after its #, as short texts by name: read once when the page opens, written when `shown` changes.

    asked: written by the browser, emptied when it has been followed. Read there and not by the server, since a preheated kernel
    starts before the request.
    """

    _esm = static("address.js")
    asked = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)


class Plot(anywidget.AnyWidget):
    """A plotly figure that is redrawn in place when `figure` changes.

    plotly's own FigureWidget sends 5 MB of JavaScript a figure; this one shares a gzipped `library`.
    figure: a figure as `go.Figure.to_dict()` gives it. anchor: names the figure in the page, for the playhead.
    label: what a screen reader says of it. clicked: the last point clicked: meta of its trace, its customdata, and the
    count of clicks, so that the same point twice is two changes.
    """

    _esm = static("plot.js")
    library = traitlets.Instance(PlotlyLibrary).tag(sync=True, **widget_serialization)
    figure = traitlets.Dict().tag(sync=True)
    anchor = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    clicked = traitlets.Dict().tag(sync=True)

    def __init__(self, library: PlotlyLibrary, figure: "go.Figure", label: str) -> None:
        super().__init__(library=library, figure=figure.to_dict(), label=label, anchor=uuid4().hex)

    def show(self, figure: "go.Figure", label: str) -> None:
        """Draw another figure in the place of this one."""
        with self.hold_sync():
            self.figure, self.label = figure.to_dict(), label


class Player(anywidget.AnyWidget):
    """Plays a clip and moves a line over the panels of a Plot, by the sound's own clock.

    audio: an encoded file's bytes, empty where there is none. mime: its type. local: a sound that the browser has itself,
    by the name that SoundInput gave. clip: its key. duration: seconds, until the browser has read it. plot: the anchor of
    the Plot.
    """

    _esm = static("player.js")
    _css = static("player.css")
    audio = traitlets.Bytes().tag(sync=True)
    mime = traitlets.Unicode("audio/ogg").tag(sync=True)
    local = traitlets.Unicode().tag(sync=True)
    clip = traitlets.Unicode().tag(sync=True)
    duration = traitlets.Float(10.0).tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)

    def load(self, clip: str, audio: bytes) -> None:
        """Take another clip; empty audio switches the player off."""
        with self.hold_sync():
            self.clip, self.audio, self.local = clip, audio, ""

    def load_local(self, clip: str, name: str) -> None:
        """Take a sound that the browser has itself."""
        with self.hold_sync():
            self.clip, self.audio, self.local = clip, b"", name


class InstrumentTable(anywidget.AnyWidget):
    """A clip's twenty instruments with label, truth and probability; a box each chooses whose lines are drawn.

    rows: dicts of name, label ("present", "absent", "unknown"), truth (bool, None where unknown), probability
    (None without a run), shown, colour, dark and glyph (None where not shown; dark: the colour in the dark, default the
    same). shown: names, written by the browser.
    """

    _esm = static("instruments.js")
    _css = static("instruments.css")
    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    shown: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)


class PictureControls(anywidget.AnyWidget):
    """How the pictures of a Plot are drawn, folded away, and what is under the pointer; the browser moves the colours.

    The traits of `pictures.PictureState`, and: offered: panels, as (name, text). resolutions: (name, text). cnns: (name,
    text) of the runs whose input can be shown. plot: the anchor of the Plot.
    """

    _esm = static("picture.js")
    _css = static("picture.css")
    panels: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    beside = traitlets.Bool().tag(sync=True)
    tall = traitlets.Bool().tag(sync=True)
    pitch = traitlets.Bool().tag(sync=True)
    resolution = traitlets.Unicode().tag(sync=True)
    floor = traitlets.Float(-80.0).tag(sync=True)
    ceiling = traitlets.Float(0.0).tag(sync=True)
    cnn = traitlets.Unicode().tag(sync=True)
    offered: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    resolutions: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    cnns: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)


class Choice(anywidget.AnyWidget):
    """Boxes in groups, of which at most `most` can be ticked. groups: (title, [(value, text), ...]). value: the ticked."""

    _esm = static("choice.js")
    _css = static("choice.css")
    groups: traitlets.List[tuple[str, list[tuple[str, str]]]] = traitlets.List().tag(sync=True)
    value: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    most = traitlets.Int(4).tag(sync=True)


class Estimates(anywidget.AnyWidget):
    """What runs would say of a clip that ended at the playhead, and of all of it, held against the label.

    table: runs, their names; rows, an instrument each: name, glyph, colour, dark, label ("present", "absent", "unknown"), cells,
    one a run: start and step of its frames (s), values (None without one), clip (its probability), right (None where the
    label is unknown). plot: the anchor of the Plot that the player plays over.
    """

    _esm = static("estimates.js")
    table: "traitlets.Dict[str, Any]" = traitlets.Dict({"runs": [], "rows": []}).tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)
