"""The browser widgets of the view Runs: groups of seeds to choose from, clips behind a score, and what to take along."""

from typing import Any

import anywidget
import traitlets

from openmic_explore.dashboard.widgets import static

ASKED = {"ask": "csv"}  # what Exports sends when a table is wanted; the answer is {"csv": text}


class GroupList(anywidget.AnyWidget):
    """Groups of seeds with a box each; the markers of the chosen ones are the figures' legend.

    rows: dicts of key, label, heading (rows of one heading stand together; "" for none), seeds, value (texts), shown,
    glyph, colour and dark (the same in the dark). heading: of the column of values. most: how many may be chosen.
    chosen: keys, written by the browser.
    """

    _esm = static("groups.js")
    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    heading = traitlets.Unicode().tag(sync=True)
    most = traitlets.Int().tag(sync=True)
    chosen: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)


class ClipList(anywidget.AnyWidget):
    """Clips with label and probability, a button each.

    rows: dicts of key, label ("present", "absent", "unknown"), truth (bool, None where it is not what counts),
    probability, wrong, heard (bool), others (a text). opened: key of the last one opened, and the count of clicks.
    """

    _esm = static("clips.js")
    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    opened = traitlets.Dict().tag(sync=True)


class Exports(anywidget.AnyWidget):
    """Buttons that save the numbers as CSV and a Plot as PNG, and copy the page's address.

    name: of the files. plot: the anchor of the Plot. ready: is there anything to save? The browser asks for the table by a
    message; see `ASKED`.
    """

    _esm = static("exports.js")
    name = traitlets.Unicode("runs").tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)
    ready = traitlets.Bool(True).tag(sync=True)


class Slider(anywidget.AnyWidget):
    """A number between min and max, by steps; description: its label."""

    _esm = static("slider.js")
    description = traitlets.Unicode().tag(sync=True)
    value = traitlets.Float().tag(sync=True)
    min = traitlets.Float().tag(sync=True)
    max = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)
    disabled = traitlets.Bool().tag(sync=True)
