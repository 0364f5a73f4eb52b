"""The paper's own form of figure: instruments down, a score across; panels beside each other for what must not be mixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.scores import Series, mean_over_seeds
from openmic_explore.figures.style import GRID, MUTED, base_layout, legend_line, style, title_line

ROW = 27  # pixels
MEAN_GAP = 0.6  # rows between the last instrument and the mean
MAJORITY, FOREST = "majority class", "random forest"


@dataclass(frozen=True)
class Panel:
    """Scores on one data set, at one checkpoint, in one metric.

    title: whose scores, on which data, how many seeds. axis: what goes across. series: values (runs, K) each, nan where
    there is none. majority: (K,) and forest: (runs, K), the answers to beat. note: what to say where there is nothing.
    bounds: of the axis.
    """

    title: str
    axis: str
    series: Sequence[Series]
    majority: NDArray[np.floating] | None = None
    forest: NDArray[np.floating] | None = None
    note: str = ""
    bounds: tuple[float, float] = (0.0, 1.0)


def paper_figure(
    rows: Sequence[str], panels: Sequence[Panel], *, title: str = "", mean: bool = True, left: int = 130
) -> go.Figure:
    """Dot plot: K rows (instruments) down in their own order, panels side by side, a marker a series, a bar over seeds.

    A series has the same marker in every panel, by its name; its mark is the mean over runs, its bar goes from the
    worst to the best of them. mean: a last row with the mean over the rows where a series is defined, which is the mean
    of the scores of each run. left: pixels for the names. However many scores are missing, figures of the same names
    and panels have the same traces, so that `redraw` can turn them.
    """
    names = list(dict.fromkeys(one.name for panel in panels for one in panel.series))
    places = np.append(np.arange(len(rows)), [len(rows) + MEAN_GAP] if mean else [])
    labels = [row.replace("_", " ") for row in rows] + (["<b>mean</b>"] if mean else [])
    unused = {MAJORITY} if all(panel.majority is None for panel in panels) else set()
    unused |= {FOREST} if all(panel.forest is None for panel in panels) else set()
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        shared_yaxes=True,
        horizontal_spacing=0.025,
        subplot_titles=[panel.title for panel in panels],
    )
    for column, panel in enumerate(panels, start=1):
        given = {one.name: np.atleast_2d(np.asarray(one.values, dtype=float)) for one in panel.series}
        blank = np.full((1, len(rows)), np.nan)
        marks: list[tuple[str, NDArray[np.float64], dict[str, Any], float]] = [
            (MAJORITY, _rows(panel.majority, blank), _tick(), 0.0),
            (FOREST, _rows(panel.forest, blank), _open(), 0.0),
        ]
        # Above each other within a row, the first on top, so that none hides another.
        offsets = (np.arange(len(names)) - (len(names) - 1) / 2) * min(0.22, 0.76 / max(1, len(names)))
        for place, name in enumerate(names):
            look = style(place)
            marker = {"symbol": look.symbol, "color": look.colour, "size": 8}
            marks.append((name, given.get(name, blank), marker, float(offsets[place])))
        for name, values, marker, offset in marks:
            listed = column == 1 and name not in unused
            figure.add_trace(_trace(name, values, marker, places + offset, mean, labels, listed), row=1, col=column)
        low, high = panel.bounds
        room = 0.015 * (high - low)  # for a mark on the edge
        figure.update_xaxes(title_text=panel.axis, range=[low - room, high + room], row=1, col=column)
        axis = "" if column == 1 else str(column)
        figure.add_annotation(
            text=panel.note, x=0.5, y=0.5, xref=f"x{axis} domain", yref=f"y{axis} domain", showarrow=False,
            font={"color": MUTED, "size": 13},
        )  # fmt: skip
    height = round(ROW * (places[-1] + 1)) + 176
    figure.update_layout(
        base_layout(height)
        | {
            "margin": {"l": left, "r": 16, "t": 126, "b": 50},
            "title": title_line(title),
            "legend": legend_line(height),
        }
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, showline=True, linecolor=MUTED, nticks=6)
    figure.update_yaxes(
        tickvals=places.tolist(), ticktext=labels, range=[places[-1] + 0.6, -0.6], gridcolor=GRID, zeroline=False,
        fixedrange=True,
    )  # fmt: skip
    for place in range(len(panels)):
        figure.layout.annotations[place].update(font={"size": 12}, yshift=2)
    return figure


def _trace(
    name: str,
    values: NDArray[np.float64],
    marker: dict[str, Any],
    places: NDArray[np.float64],
    mean: bool,
    labels: Sequence[str],
    listed: bool,
) -> dict[str, Any]:
    if mean:
        # The mean of each run, then over runs: what its scores say, and how far that moves with the seed.
        values = np.column_stack([values, mean_over_seeds(values.T)])
    middle = mean_over_seeds(values)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "showlegend": listed,
        "x": middle,
        "y": places,
        "marker": marker,
        "customdata": list(labels),
        "hovertemplate": f"{name}, %{{customdata}}: %{{x:.3f}}<extra></extra>",
        "error_x": {
            "type": "data",
            "symmetric": False,
            # fmax and fmin pass over nan, and stay silent where no run is defined.
            "array": np.fmax.reduce(values, axis=0) - middle,
            "arrayminus": middle - np.fmin.reduce(values, axis=0),
            "color": marker.get("color", MUTED),
            "thickness": 1.3,
            "width": 0,
            "visible": len(values) > 1,
        },
    }


def _rows(values: NDArray[np.floating] | None, blank: NDArray[np.float64]) -> NDArray[np.float64]:
    return blank if values is None else np.atleast_2d(np.asarray(values, dtype=float))


def _tick() -> dict[str, Any]:
    return {"symbol": "line-ns", "size": 17, "color": MUTED, "line": {"color": MUTED, "width": 2}}


def _open() -> dict[str, Any]:
    return {"symbol": "circle-open", "size": 11, "color": MUTED, "line": {"width": 1.5}}
