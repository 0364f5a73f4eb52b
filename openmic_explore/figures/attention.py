"""Runs side by side on one clip: where each looks, what it believes, and how its answer grows while the clip goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from openmic_explore.figures.axes import curve_axis, log_axis, mel_axis, time_axis
from openmic_explore.figures.panels import (
    Line,
    PictureLike,
    curve,
    estimate_curve,
    heading,
    heatmap,
    lanes,
    lanes_axis,
    level_line,
    note_inside,
    stretches,
)
from openmic_explore.figures.style import base_layout

# Pixels.
PICTURE, CURVE, LANE = 96, 82, 15
ABOVE, GAP, BELOW = 24, 27, 36
TWO_LINES = 16  # more above, where the names of runs take two lines
LEFT, RIGHT = 92, 14
BETWEEN = 0.025  # columns, as a share of the width

TITLES = {
    "truth": ("Truth", "when each instrument really sounds"),
    "attention": ("Attention", "where the run looks: an instrument's weights sum to 1; dotted: no preference"),
    "frame": ("Frame score", "what it hears in each frame, on its own scale"),
    "product": ("Attention × frame score", "looks there and says yes"),
    "estimate": (
        "Running estimate",
        "the clip's probability if it had ended here; open mark: the label",
    ),
}
CURVES = ("attention", "frame", "product", "estimate")


@dataclass(frozen=True)
class Column:
    """One run on one clip. lines: its instruments; frame_length, frame_start: where their frames lie, in seconds.

    note: a sentence in place of lines that there are none of.
    """

    name: str
    lines: Sequence[Line]
    frame_length: float = 1.0
    frame_start: float = 0.0
    note: str = ""


def attention_figure(
    picture: PictureLike | None,
    columns: Sequence[Column],
    *,
    mel: bool = True,
    activity_length: float = 0.1,
    duration: float = 10.0,
) -> go.Figure:
    """A column a run, all on one time axis and with one scale a row: the picture, the truth where it is known, attention,
    frame score, their product, and the running estimate.

    picture: drawn over every column; None leaves it out. mel: its rows are mel bands, otherwise a scalogram's.
    activity_length: seconds a frame of a line's activity. duration: seconds on the time axis.
    """
    if not columns:
        return go.Figure(layout=base_layout(200) | {"annotations": [heading("No run is chosen", "", 0.0, 0.5)]})
    known = [line for line in columns[0].lines if line.active is not None]
    heights = {"picture": PICTURE} if picture is not None else {}
    heights |= {"truth": LANE * len(known) + 6} if known else {}
    heights |= dict.fromkeys(CURVES, CURVE)
    names = [column.name.replace(" ", "<br>", 1) if len(columns) > 2 else column.name for column in columns]
    lift = 0 if picture is not None else LANE  # the first row has a heading of its own, but for the picture
    above = ABOVE + lift + (TWO_LINES if any("<br>" in name for name in names) else 0)
    total = sum(heights.values()) + above + GAP * (len(heights) - 1) + BELOW
    inner = total - above - BELOW
    layout: dict[str, Any] = base_layout(total) | {
        "margin": {"l": LEFT, "r": RIGHT, "t": above, "b": BELOW},
        "annotations": [],
        "shapes": [],
        "dragmode": "zoom",
        "barmode": "overlay",
        "showlegend": False,
    }
    data: list[dict[str, Any]] = []
    width = (1 - BETWEEN * (len(columns) - 1)) / len(columns)
    scales = {panel: curve_axis(panel, _values(columns, panel)) for panel in CURVES}
    number, top = 0, 0
    for row, (panel, height) in enumerate(heights.items()):
        domain = [max(0.0, 1 - (top + height) / inner), 1 - top / inner]
        top += height + GAP
        for place, column in enumerate(columns):
            number += 1
            x, y = (f"x{number}", f"y{number}") if number > 1 else ("x", "y")
            left = place * (width + BETWEEN)
            axis = time_axis(y, duration, row == len(heights) - 1) | {"domain": [left, min(1.0, left + width)]}
            layout[f"xaxis{x[1:]}"] = axis | ({"matches": "x"} if number > 1 else {})
            axis = {"domain": domain, "anchor": x, "fixedrange": True, "zeroline": False}
            traces: list[dict[str, Any]] = []
            if panel == "picture":
                assert picture is not None
                traces = [heatmap(picture, "Log-mel spectrogram" if mel else "Scalogram", x, y)]
                axis |= (mel_axis if mel else log_axis)(picture.frequency) | {"title": {"text": "Hz", "standoff": 4}}
            elif panel == "truth":
                traces = lanes(known, activity_length, x, y)
                axis |= lanes_axis(known)
            else:
                traces = _curves(column, panel, duration, x, y)
                axis |= scales[panel]
                layout["shapes"] += _behind(column, panel, known, activity_length, duration, x, y)
                if column.note and panel == "attention":
                    layout["annotations"].append(note_inside(column.note, x, y))
            data += traces or [{"type": "scatter", "x": [0], "y": [None], "xaxis": x, "yaxis": y}]
            if place:
                axis |= {"showticklabels": False, "title": None}
            layout[f"yaxis{y[1:]}"] = axis
            if not row:
                layout["annotations"].append(
                    heading(names[place], "", left, 1.0) | {"font": {"size": 14}, "yshift": 2 + lift}
                )
        if panel != "picture":
            layout["annotations"].append(heading(*TITLES[panel], 0.0, domain[1]))
    return go.Figure({"data": data, "layout": layout}, skip_invalid=False)


def _values(columns: Sequence[Column], panel: str) -> list[np.ndarray]:
    values = [getattr(line, panel) for column in columns for line in column.lines]
    return [np.asarray(value, dtype=float) for value in values if value is not None]


def _curves(column: Column, panel: str, duration: float, x: str, y: str) -> list[dict[str, Any]]:
    grid = column.frame_start, column.frame_length
    drawn = [line for line in column.lines if getattr(line, panel) is not None]
    if panel != "estimate":
        return [curve(line, panel, grid, duration, x, y) for line in drawn]
    labelled = [line for line in drawn if line.present is not None]
    return [estimate_curve(line, grid, duration, x, y) for line in drawn] + [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"label of {line.label}",
            "x": [duration],
            "y": [float(bool(line.present))],
            "xaxis": x,
            "yaxis": y,
            "marker": {
                "symbol": f"{line.style.symbol}-open",
                "size": 13,
                "color": line.style.colour,
                "line": {"width": 2.5},
            },
            "cliponaxis": False,
            "hovertemplate": f"label of {line.label}: {'present' if line.present else 'absent'}<extra></extra>",
        }
        for line in labelled
    ]


def _behind(
    column: Column, panel: str, known: Sequence[Line], length: float, duration: float, x: str, y: str
) -> list[dict[str, Any]]:
    """Dotted levels; and bands where the instrument sounds, when there is only one."""
    drawn = [line for line in column.lines if line.attention is not None]
    shapes = []
    if panel == "attention" and drawn:
        assert drawn[0].attention is not None
        shapes.append(level_line(1 / len(drawn[0].attention), x, y, duration))
    if panel == "estimate":
        shapes.append(level_line(0.5, x, y, duration))
    if len(known) == 1 and len(column.lines) == 1:
        (line,) = known
        assert line.active is not None
        shapes += [
            {
                "type": "rect",
                "layer": "below",
                "xref": x,
                "yref": f"{y} domain",
                "x0": start,
                "x1": end,
                "y0": 0,
                "y1": 1,
                "fillcolor": line.style.colour,
                "opacity": 0.13,
                "line": {"width": 0},
            }
            for start, end in zip(*stretches(line.active, length), strict=True)
        ]
    return shapes
