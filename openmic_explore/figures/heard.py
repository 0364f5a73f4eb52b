"""What runs hear in a sound: instruments over time, and many sounds against all instruments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.style import INK, MAP, MUTED, base_layout, title_line

LANE, HEAD = 17, 30  # pixels: of an instrument, and above a panel for its title
NAMES = 130  # pixels left of the panels
ACTIVITY = 0.1  # seconds, a frame of the truth


@dataclass(frozen=True)
class Heard:
    """What one run says of a sound: score (F, K) in [0, 1] of K instruments; frames of `length` s from `start` s on."""

    name: str
    score: NDArray[np.floating]
    start: float
    length: float


def heard_figure(
    runs: Sequence[Heard],
    instruments: Sequence[str],
    *,
    duration: float,
    active: NDArray[np.bool_] | None = None,
    title: str = "",
) -> go.Figure:
    """Frame scores of K instruments over a whole sound, a panel a run, on one time axis.

    duration: seconds on it. active: (K, T) bool in frames of .1 s, does it sound; a last panel then shows that.
    Figures of the same runs have the same traces, so that `redraw` can turn them.
    """
    names = [name.replace("_", " ") for name in instruments]
    panels = [one.name for one in runs] + (["<b>truth</b>, which no run has seen"] if active is not None else [])
    figure, height = _panels(panels, len(names))
    for row, one in enumerate(runs, start=1):
        figure.add_trace(
            _heatmap(np.asarray(one.score).T, one.start + one.length / 2, one.length, names, "%{x:.1f} s"),
            row=row,
            col=1,
        )
    if active is not None:
        figure.add_trace(_bars(active, ACTIVITY, names), row=len(panels), col=1)
    figure.update_layout(_layout(height, title))
    _axes(figure, names, len(panels))
    figure.update_xaxes(range=[0, duration], minallowed=0, maxallowed=duration)
    figure.update_xaxes(title_text="time (s)", title_standoff=4, row=len(panels))
    return figure


def answers_grid(
    runs: Mapping[str, NDArray[np.floating]],
    sounds: Sequence[str],
    instruments: Sequence[str],
    *,
    title: str = "",
) -> go.Figure:
    """Probabilities (S, K) of S sounds and K instruments as a panel a run: sounds down, instruments across."""
    figure, height = _panels(list(runs), len(sounds))
    names = [name.replace("_", " ") for name in instruments]
    for row, values in enumerate(runs.values(), start=1):
        trace = _heatmap(np.asarray(values), 0, 1, sounds, "%{text}") | {"xgap": 1, "ygap": 1}
        figure.add_trace(trace | {"text": [names] * len(sounds)}, row=row, col=1)
    figure.update_layout(_layout(height + 70, title))
    figure.update_layout(margin_b=110)
    _axes(figure, sounds, len(runs))
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, tickangle=-45, range=[-0.5, len(names) - 0.5], fixedrange=True
    )
    return figure


def _panels(titles: Sequence[str], lanes: int) -> tuple[go.Figure, int]:
    """Panels below each other of so many lanes each, and the height of the whole."""
    inner = len(titles) * LANE * lanes + (len(titles) - 1) * HEAD
    gap = HEAD / inner if len(titles) > 1 else 0
    figure = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=gap, subplot_titles=list(titles)
    )
    return figure, inner + 112


def _heatmap(
    values: NDArray[np.floating], first: float, step: float, names: Sequence[str], where: str
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": np.asarray(values, dtype=np.float32),
        "x0": first,
        "dx": step,
        "y0": 0,
        "dy": 1,
        "customdata": np.tile(np.array(names, dtype=object)[:, None], (1, values.shape[1])),
        "coloraxis": "coloraxis",
        "hovertemplate": f"%{{customdata}}, {where}: %{{z:.2f}}<extra></extra>",
    }


def _bars(active: NDArray[np.bool_], length: float, names: Sequence[str]) -> dict[str, Any]:
    bounded = np.pad(np.asarray(active, dtype=np.int8), ((0, 0), (1, 1)))
    change = np.diff(bounded, axis=1)
    lanes, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return {
        "type": "bar",
        "orientation": "h",
        "base": np.round(starts * length, 3),
        "x": np.round((ends - starts) * length, 3),
        "y": lanes,
        "width": 0.7,
        "marker": {"color": INK, "line": {"width": 0}},
        "customdata": [
            [names[lane], round(float(end * length), 2)] for lane, end in zip(lanes.tolist(), ends, strict=True)
        ],
        "hovertemplate": "%{customdata[0]} sounds %{base:.1f} to %{customdata[1]:.1f} s<extra></extra>",
        "showlegend": False,
    }


def _layout(height: int, title: str) -> dict[str, Any]:
    return base_layout(height) | {
        "margin": {"l": NAMES, "r": 20, "t": 66, "b": 44},
        "title": title_line(title),
        "coloraxis": {
            "colorscale": MAP, "cmin": 0, "cmax": 1,
            "colorbar": {
                "thickness": 10, "outlinewidth": 0, "x": 1.01, "y": 1, "yanchor": "top", "len": 120,
                "lenmode": "pixels", "ypad": 0, "dtick": 0.5,
            },
        },
    }  # fmt: skip


def _axes(figure: go.Figure, names: Sequence[str], panels: int) -> None:
    figure.update_xaxes(showgrid=False, zeroline=False, showline=True, linecolor=MUTED, ticks="outside", ticklen=4)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.5, -0.5], showgrid=False,
        zeroline=False, showline=True, linecolor=MUTED, fixedrange=True, tickfont_size=11,
    )  # fmt: skip
    for place in range(panels):
        figure.layout.annotations[place].update(font={"size": 12}, x=0, xref="paper", xanchor="left")
