"""Weak and partial labels as pictures: truth in time against a clip's label, cells by their state, counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.style import GRID, INK, MUTED, OKABE_ITO, base_layout, legend_line, title_line

UNKNOWN, ABSENT, PRESENT = -1, 0, 1
STATES = {UNKNOWN: "unknown", ABSENT: "absent", PRESENT: "present"}
COLOURS = {UNKNOWN: GRID, ABSENT: OKABE_ITO[1], PRESENT: OKABE_ITO[0]}
# Pixels.
LANE, BETWEEN, ROW = 26, 34, 22
TOP, BOTTOM = 86, 48


@dataclass(frozen=True)
class Lane:
    """An instrument in a clip: what labels say of it and when it sounds.

    state: (B,) of -1 unknown, 0 absent, 1 present, of B stretches of equal length; a clip's weak label is one of them.
    active: (T,) bool, in frames of equal length.
    """

    name: str
    state: NDArray[np.integer]
    active: NDArray[np.bool_]


def labels_figure(clips: Mapping[str, Sequence[Lane]], *, duration: float = 10.0, title: str = "") -> go.Figure:
    """Truth in time against labels: a panel a clip, a lane an instrument; a pale bar where a label says something, a
    solid one where the instrument sounds.

    clips: lanes by the panel's title. duration: seconds on the time axis. Figures of the same clips have the same
    traces, whatever their labels, so that one can be turned into another.
    """
    lanes = [max(1, len(one)) for one in clips.values()]
    inner = LANE * sum(lanes) + BETWEEN * (len(lanes) - 1)
    figure = make_subplots(
        rows=len(clips),
        cols=1,
        shared_xaxes=True,
        row_heights=lanes,
        vertical_spacing=BETWEEN / inner if len(lanes) > 1 else 0,
        subplot_titles=list(clips),
    )
    for row, one in enumerate(clips.values(), start=1):
        for state in STATES:
            stretches = [_stretches(lane.state == state, duration) for lane in one]
            bar = _bars(stretches, 0.9, COLOURS[state]) | {"opacity": 0.9 if state == UNKNOWN else 0.4}
            figure.add_bar(
                **bar, name=f"label: {STATES[state]}", legendgroup=STATES[state], showlegend=row == 1,
                hovertemplate=f"label says {STATES[state]}<extra></extra>", row=row, col=1,
            )  # fmt: skip
        sounds = [_stretches(lane.active, duration) for lane in one]
        figure.add_bar(
            **_bars(sounds, 0.4, INK), name="it sounds", legendgroup="sounds", showlegend=row == 1,
            hovertemplate="sounds for %{x:.1f} s from %{base:.1f} s on<extra></extra>", row=row, col=1,
        )  # fmt: skip
        ticks = [_said(lane, duration) for lane in one]
        figure.update_yaxes(
            tickvals=list(range(len(one))), ticktext=ticks, range=[lanes[row - 1] - 0.5, -0.5], row=row, col=1
        )
    figure.update_layout(_layout(inner + TOP + BOTTOM, title) | {"barmode": "overlay", "bargap": 0})
    figure.update_layout(margin_l=230)
    figure.update_xaxes(
        range=[0, duration], showgrid=False, zeroline=False, showline=True, linecolor=MUTED, ticks="outside"
    )
    figure.update_xaxes(title_text="time (s)", row=len(clips))
    figure.update_yaxes(showgrid=False, zeroline=False, fixedrange=True)
    figure.update_annotations(font_size=12)
    return figure


def states_figure(
    pictures: Mapping[str, NDArray[np.integer]],
    rows: Sequence[str],
    *,
    across: str,
    names: Mapping[int, str] = STATES,
    title: str = "",
) -> go.Figure:
    """Cells by their state, -1, 0 or 1, in pictures (n, m) beside each other: n named rows down, m columns across.

    names: what the states are called, for the legend; all that occur must have one.
    """
    height = ROW * len(rows) + 130
    figure = make_subplots(
        rows=1, cols=len(pictures), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=list(pictures)
    )
    labels = [row.replace("_", " ") for row in rows]
    for col, picture in enumerate(pictures.values(), start=1):
        figure.add_trace(cells(picture, labels, names), row=1, col=col)
    for state, name in names.items():
        figure.add_scatter(x=[None], y=[None], mode="markers", name=name, hoverinfo="skip", marker=_square(state))
    figure.update_layout(_layout(height, title))
    figure.update_layout(margin_l=140)
    figure.update_xaxes(title_text=across, showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, dtick=1, tickfont_size=11)
    figure.update_annotations(font_size=12)
    return figure


def cells(
    state: NDArray[np.integer], labels: Sequence[str], names: Mapping[int, str] = STATES, gap: float = 1.0
) -> dict[str, Any]:
    """A heatmap trace of states (n, m), -1, 0 or 1, with n row labels; columns are counted from 1."""
    state = np.asarray(state, dtype=np.int8)
    words = np.vectorize(names.__getitem__, otypes=[object])(state)
    return {
        "type": "heatmap",
        "z": state,
        "x0": 1,
        "dx": 1,
        "y": list(labels),
        "text": words,
        "zmin": -1,
        "zmax": 1,
        "colorscale": _steps([COLOURS[value] for value in STATES]),
        "showscale": False,
        "xgap": gap,
        "ygap": gap,
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>",
    }


def spans_figure(
    instruments: Sequence[str], values: Sequence[NDArray[np.floating]], *, across: str, top: float, title: str = ""
) -> go.Figure:
    """Distributions of K instruments as boxes: the middle half, the median in it, whiskers from the 5th to the 95th
    percentile; sorted by the median.

    values: (n,) each, n may differ. across: what they are; top: the end of the axis.
    """
    found = [
        np.percentile(value, [5, 25, 50, 75, 95]) if len(value) else np.full(5, np.nan)
        for value in map(np.asarray, values)
    ]
    order = np.argsort([-box[2] for box in found], kind="stable")
    names = [f"{instruments[row].replace('_', ' ')} ({len(values[row])})" for row in order]
    low, first, middle, third, high = np.array([found[row] for row in order]).T
    figure = go.Figure()
    figure.add_box(
        y=names, orientation="h", lowerfence=low, q1=first, median=middle, q3=third, upperfence=high, width=0.6,
        line={"color": OKABE_ITO[0], "width": 1.5}, fillcolor="rgba(0, 114, 178, 0.18)", showlegend=False, name="",
    )  # fmt: skip
    figure.update_layout(_layout(ROW * len(names) + 104, title, top=48))
    figure.update_layout(margin_l=170)
    figure.update_xaxes(title_text=across, range=[-0.01 * top, 1.01 * top], gridcolor=GRID, zeroline=False)
    figure.update_yaxes(autorange="reversed", gridcolor=GRID, fixedrange=True)
    return figure


def counts_figure(
    instruments: Sequence[str],
    present: NDArray[np.integer],
    absent: NDArray[np.integer],
    clips: int,
    *,
    title: str = "",
) -> go.Figure:
    """Labels of K instruments as bars: of all clips (left), and the known ones alone (right); fewest present on top.

    present, absent: (K,) clips that are known to be so; of the others nothing is known.
    """
    order = np.argsort(present, kind="stable")
    names = [instruments[row].replace("_", " ") for row in order]
    known = {PRESENT: np.asarray(present)[order], ABSENT: np.asarray(absent)[order]}
    every = known | {UNKNOWN: clips - known[PRESENT] - known[ABSENT]}
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=[f"all {clips:,} clips", "the known ones alone"],
    )  # fmt: skip
    for col, parts in enumerate((every, known), start=1):
        for state, value in parts.items():
            figure.add_bar(
                y=names, x=value, orientation="h", name=STATES[state], legendgroup=STATES[state], showlegend=col == 1,
                marker_color=COLOURS[state], hovertemplate=f"%{{y}}, {STATES[state]}: %{{x:,}}<extra></extra>",
                row=1, col=col,
            )  # fmt: skip
    figure.update_layout(_layout(ROW * len(names) + 140, title) | {"barmode": "stack", "bargap": 0.25})
    figure.update_layout(margin_l=140)
    figure.update_xaxes(title_text="clips", gridcolor=GRID, zeroline=False, tickformat=",")
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_annotations(font_size=12)
    return figure


def mask_figure(
    instruments: Sequence[str],
    state: NDArray[np.integer],
    present: NDArray[np.integer],
    absent: NDArray[np.integer],
    *,
    most: float,
    title: str = "",
) -> go.Figure:
    """What is known: the states of n clips' cells as a picture, and beside it how many labels each instrument has.

    state: (n, K) of -1, 0, 1. present, absent: (K,) labels over all clips. most: the end of the axis of counts.
    The traces are the picture, then the bars of present and of absent.
    """
    labels = [name.replace("_", " ") for name in instruments]
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.03, column_widths=[0.66, 0.34],
        subplot_titles=[f"{len(state)} of the clips", "labels of all clips"],
    )  # fmt: skip
    figure.add_trace(cells(np.asarray(state).T, labels, gap=0.5), row=1, col=1)
    for value, counts in ((PRESENT, present), (ABSENT, absent)):
        figure.add_bar(
            y=labels, x=counts, orientation="h", name=STATES[value], marker_color=COLOURS[value],
            hovertemplate=f"%{{y}}, {STATES[value]}: %{{x:,}}<extra></extra>", row=1, col=2,
        )  # fmt: skip
    figure.add_scatter(x=[None], y=[None], mode="markers", name="unknown", hoverinfo="skip", marker=_square(UNKNOWN))
    figure.update_layout(_layout(ROW * len(labels) + 140, title) | {"barmode": "stack", "bargap": 0.25})
    figure.update_layout(margin_l=140)
    figure.update_xaxes(title_text="clip", showgrid=False, zeroline=False, col=1)
    figure.update_xaxes(title_text="labels", range=[0, most], gridcolor=GRID, zeroline=False, tickformat=",", col=2)
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=1, tickfont_size=11, fixedrange=True)
    figure.update_annotations(font_size=12)
    return figure


def _said(lane: Lane, duration: float) -> str:
    label = f"{STATES[int(lane.state[0])]}, " if len(lane.state) == 1 else ""
    return f"<b>{lane.name.replace('_', ' ')}</b>: {label}{lane.active.mean() * duration:.1f} s"


def _stretches(where: NDArray[np.bool_], duration: float) -> NDArray[np.float64]:
    """Start and length (m, 2) in seconds of the m stretches in which `where` (n,) holds, over `duration` seconds."""
    where = np.asarray(where, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(np.int8), [0]]))) * duration / max(1, len(where))
    return np.column_stack([edges[::2], edges[1::2] - edges[::2]])


def _bars(stretches: Sequence[NDArray[np.float64]], width: float, colour: str) -> dict[str, Any]:
    """Horizontal bars, lane by lane."""
    flat = np.concatenate(stretches) if stretches else np.zeros((0, 2))
    lanes = np.repeat(np.arange(len(stretches)), [len(one) for one in stretches])
    return {
        "orientation": "h",
        "base": np.round(flat[:, 0], 3).tolist(),
        "x": np.round(flat[:, 1], 3).tolist(),
        "y": lanes.tolist(),
        "width": width,
        "marker": {"color": colour, "line": {"width": 0}},
    }


def _square(state: int) -> dict[str, Any]:
    return {"symbol": "square", "size": 11, "color": COLOURS[state], "line": {"width": 1, "color": MUTED}}


def _steps(colours: Sequence[str]) -> list[list[Any]]:
    """A colour scale without transitions."""
    edges = np.linspace(0, 1, len(colours) + 1)
    return [[float(edge), colour] for place, colour in enumerate(colours) for edge in edges[place : place + 2]]


def _layout(height: int, title: str, top: int = TOP) -> dict[str, Any]:
    """Title at the left, the legend under it."""
    return base_layout(height) | {
        "margin": {"l": 70, "r": 24, "t": top, "b": BOTTOM},
        "title": title_line(title),
        "legend": legend_line(height, 34) | {"itemclick": False, "itemdoubleclick": False},
    }
