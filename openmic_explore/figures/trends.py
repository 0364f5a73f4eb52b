"""Curves over something that was turned: a share of labels, a threshold, a length; runs of one kind as one curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.scores import mean_over_seeds
from openmic_explore.figures.style import DASHES, GRID, MUTED, base_layout, legend_line, style, title_line

DRAWN = 40  # points up to which each gets a marker


@dataclass(frozen=True)
class Trend:
    """A curve: values (n,), or (runs, n) of runs that differ by seed only, at x (n,).

    place: which of the styles it is drawn in, so that one thing looks the same in every panel. hollow: open markers on
    a dotted line, for the other one of two kinds that share a style.
    """

    name: str
    x: NDArray[np.floating]
    values: NDArray[np.floating]
    place: int
    hollow: bool = False


def trends_figure(
    panels: Mapping[str, Sequence[Trend]],
    *,
    across: str,
    down: str = "",
    log: bool = False,
    ticks: Mapping[float, str] | None = None,
    bounds: tuple[float, float] | None = None,
    height: int = 400,
    title: str = "",
) -> go.Figure:
    """Curves in panels beside each other, a marker a point, a bar from the worst to the best seed.

    panels: curves by the panel's title; a name has one entry in the legend. across, down: the axes; log: of x.
    ticks: of x, their texts by position. bounds: of the vertical axis, which all panels share then.
    """
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        shared_yaxes=bounds is not None,
        horizontal_spacing=0.03 if bounds is not None else 0.06,
        subplot_titles=list(panels),
    )
    named: set[str] = set()
    for col, trends in enumerate(panels.values(), start=1):
        for trend in trends:
            figure.add_trace(_curve(trend, trend.name not in named), row=1, col=col)
            named.add(trend.name)
    # Entries of the legend beside each other, by the length of their names, on a page of usual width.
    lines = -(-sum(8 * len(name) + 60 for name in named) // 900)
    top = 66 + 20 * max(1, lines)
    figure.update_layout(
        base_layout(height)
        | {
            "margin": {"l": 62, "r": 20, "t": top, "b": 50},
            "title": title_line(title),
            "legend": legend_line(height, 34),
        }
    )
    figure.update_xaxes(title_text=across, gridcolor=GRID, zeroline=False, showline=True, linecolor=MUTED)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, showline=True, linecolor=MUTED)
    figure.update_yaxes(title_text=down, col=1)
    if log:
        figure.update_xaxes(type="log")
    if ticks:
        figure.update_xaxes(tickvals=list(ticks), ticktext=list(ticks.values()))
    if bounds is not None:
        figure.update_yaxes(range=list(bounds))
    figure.update_annotations(font_size=12)
    return figure


def _curve(trend: Trend, listed: bool) -> dict[str, Any]:
    look = style(trend.place)
    values = np.atleast_2d(np.asarray(trend.values, dtype=float))
    middle = mean_over_seeds(values)
    several, marked = len(values) > 1, len(middle) <= DRAWN
    # Where no marker tells two curves apart without colour, the dash does.
    dash = "dot" if trend.hollow else "solid" if marked else DASHES[trend.place % len(DASHES)]
    spread = {
        "type": "data", "symmetric": False, "color": look.colour, "thickness": 1.5, "width": 0,
        "array": np.fmax.reduce(values, axis=0) - middle, "arrayminus": middle - np.fmin.reduce(values, axis=0),
    }  # fmt: skip
    return {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "name": trend.name,
        "legendgroup": trend.name,
        "showlegend": listed,
        "x": np.asarray(trend.x, dtype=float),
        "y": middle,
        "line": {"color": look.colour, "width": 2, "dash": dash},
        "marker": {"symbol": f"{look.symbol}-open" if trend.hollow else look.symbol, "color": look.colour, "size": 9},
        "hovertemplate": f"{trend.name}, %{{x:.3g}}: %{{y:.3f}}<extra></extra>",
        **({"error_y": spread} if several else {}),
    }
