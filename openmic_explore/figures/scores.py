"""Scores per instrument as a dot plot: runs beside each other and beside the majority class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.style import GRID, MUTED, SYMBOLS, base_layout, style, title_line

METRICS = {
    "f1_macro": "F1, mean of present and absent (macro)",
    "f1": "F1 of present",
    "f1_weighted": "F1 weighted by support",
    "average_precision": "average precision",
}
# Everything that `scores_figure` can show.
SHOWN = METRICS | {"precision": "precision of present", "recall": "recall of present"}
FEW = 3
ROW, ROOM = 25, 5.5  # pixels: of a row with few series, and of each series in a row with more
MEAN_GAP = 0.5  # rows between the last instrument and the mean
CHARACTER, NARROWEST, USUAL = 6.5, 460, 700  # pixels: of a letter in the legend; of panels on a small, a usual screen
OURS, THEIRS = (0.0, 0.64), (0.67, 1.0)  # of the width, where there are two panels
TITLE, AXIS, LINE = 50, 44, 16  # pixels: of a figure's title, of an axis with its own, of a further line of that
MAJORITY = "majority class"


@dataclass(frozen=True)
class Series:
    """Runs that differ by seed only: values (runs, K) of one metric.

    place: which of the styles it is drawn in; None for the next one.
    """

    name: str
    values: NDArray[np.floating]
    place: int | None = None


@dataclass(frozen=True)
class Elsewhere:
    """Scores of other clips, in a panel of their own: series, and the majority class (K,) of those clips.

    title: whose scores, of which clips. note: what to say where there is nothing.
    """

    title: str
    series: Sequence[Series] = ()
    baseline: NDArray[np.floating] | None = None
    note: str = ""


def scores_figure(
    instruments: Sequence[str],
    series: Sequence[Series],
    metric: str,
    *,
    baseline: NDArray[np.floating] | None = None,
    title: str = "",
    cells: str = "",
    order: Sequence[int] | NDArray[np.integer] | None = None,
    mean: bool = False,
    elsewhere: Elsewhere | None = None,
) -> go.Figure:
    """Dot plot: K instruments down, the metric across, a marker a series, a thin bar from its worst to its best seed.

    metric: a key of SHOWN. baseline: (K,) scores of the majority class. cells: over which, for the axis. order: rows from
    top to bottom; None sorts them by the mean of all series, best on top. mean: a last row with the mean over the
    instruments where a run's score is defined. elsewhere: a second panel. Undefined (nan) scores are left out.
    A series is named with its number of seeds where they differ in that. A trace's meta is the series' name, its
    customdata the instruments.
    """
    values = [_runs(one.values) for one in series]
    if order is None:
        means = [mean_over_seeds(one) for one in values] or [np.zeros(len(instruments))]
        order = np.argsort(-np.nan_to_num(mean_over_seeds(np.stack(means)), nan=-1.0), kind="stable")
    rows = np.asarray(order, dtype=int)
    down = np.append(np.arange(len(rows)), [len(rows) + MEAN_GAP] if mean else []).astype(float)
    named = [instruments[row] for row in rows] + ([""] if mean else [])
    there = list(elsewhere.series) if elsewhere else []
    many = max(len(series), len(there))
    step = min(0.16, 0.6 / max(1, many)) if many <= FEW else 0.8 / many
    uneven = len({len(one) for one in values}) > 1

    def trace(one: Series, marker: dict[str, Any], offset: float = 0.0, seeds: bool = False) -> dict[str, Any]:
        scores = _runs(one.values)[:, rows]
        if mean:
            scores = np.column_stack([scores, mean_over_seeds(scores.T)])
        return _trace(one.name, scores, marker, down + offset, named, seeds)

    def offset(slot: int, of: int) -> float:
        return (slot - (of - 1) / 2) * step

    data = [] if baseline is None else [trace(Series(MAJORITY, baseline), _tick())]
    for slot, one in enumerate(series):
        look = style(slot if one.place is None else one.place)
        marker = {"symbol": look.symbol, "color": look.colour, "size": 10 if many <= FEW else 8}
        data.append(trace(one, marker, offset(slot, len(series)), uneven))
    if elsewhere and there and elsewhere.baseline is not None:
        listed = {"xaxis": "x2", "showlegend": baseline is None}
        data.append(trace(Series(MAJORITY, elsewhere.baseline), _tick()) | listed)
    for slot, one in enumerate(there):
        # No colour of ours, so that none is taken for ours.
        hollow = {"symbol": f"{SYMBOLS[slot % len(SYMBOLS)]}-open", "color": MUTED, "size": 9, "line": {"width": 1.6}}
        data.append(trace(one, hollow, offset(slot, len(there))) | {"xaxis": "x2"})

    panel = round((max(ROW, ROOM * many + 6) if many > FEW else ROW) * (down[-1] + 1 if len(down) else 1))
    axis = AXIS + (LINE * elsewhere.title.count("<br>") if elsewhere else 0)
    room = legend([one["name"] for one in data if one.get("showlegend", True)], panel, under=axis)
    layout = base_layout(panel + TITLE + room.over + room.under) | {
        "margin": {"l": 140, "r": 24, "t": TITLE + room.over, "b": room.under},
        "title": head(title),
        "legend": room.entry,
        "xaxis": {
            "title": {"text": f"{SHOWN[metric]}{cells}"},
            "range": [-0.01, 1.02],
            "gridcolor": GRID,
            "zeroline": False,
            "dtick": 0.1,
        },
        "yaxis": {
            "tickvals": down.tolist(),
            "ticktext": [instruments[row].replace("_", " ") for row in rows] + (["<b>mean</b>"] if mean else []),
            "range": [(down[-1] if len(down) else 0) + 0.5, -0.5],
            "gridcolor": GRID,
            "zeroline": False,
            "fixedrange": True,
        },
    }
    if elsewhere:
        _second_panel(layout, elsewhere)
    return go.Figure({"data": data, "layout": layout})


def mean_over_seeds(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over rows where defined; nan where no row is."""
    defined = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.where(defined > 0, total / np.maximum(defined, 1), np.nan)


class Legend(NamedTuple):
    """Room for a horizontal legend: pixels over and under the panels, and what the layout says of it."""

    over: int
    under: int
    entry: dict[str, Any]


def legend(names: Sequence[str], panels: float, *, over: int = 0, under: int = 0) -> Legend:
    """A legend over the panels where two rows hold it on a narrow page; a larger one stands under them.

    panels: their height in pixels; over, under: pixels of what stands between them and the legend, as titles do. Room is
    made beforehand, as plotly would take it from the panels; what is missing under them it takes all the same.
    """
    widest = max((CHARACTER * len(name) + 52 for name in names), default=1.0)

    def rows(width: float) -> int:
        return math.ceil(len(names) / max(1, width // widest))  # columns are as wide as the longest entry

    place = {"orientation": "h", "x": 0, "xanchor": "left"}
    if rows(NARROWEST) <= 2:
        return Legend(over + 20 * rows(NARROWEST) + 4, under, place | {"y": 1 + over / panels, "yanchor": "bottom"})
    under += 12
    return Legend(over, under + 20 * rows(USUAL) + 6, place | {"y": -under / panels, "yanchor": "top"})


def head(title: str) -> dict[str, Any]:
    """A figure's title, at the top left."""
    return title_line(title, 14)


def _runs(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.atleast_2d(np.asarray(values, dtype=float))


def _trace(
    name: str,
    values: NDArray[np.float64],
    marker: dict[str, Any],
    places: NDArray[np.float64],
    named: Sequence[str],
    seeds: bool,
) -> dict[str, Any]:
    middle, several = mean_over_seeds(values), len(values) > 1
    spread = {
        "type": "data",
        "symmetric": False,
        # fmax and fmin pass over nan, and stay silent where no seed is defined.
        "array": np.fmax.reduce(values, axis=0) - middle,
        "arrayminus": middle - np.fmin.reduce(values, axis=0),
        "color": marker.get("color", MUTED),
        "thickness": 1.5,
        "width": 0,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{name} ({len(values)} seed{'s' * several})" if seeds else name,
        "meta": name,
        "x": middle,
        "y": places,
        "marker": marker,
        "customdata": list(named),
        "hovertemplate": f"{name}: %{{x:.3f}}<extra></extra>",
        **({"error_x": spread} if several else {}),
    }


def _tick() -> dict[str, Any]:
    return {"symbol": "line-ns", "size": 15, "color": MUTED, "line": {"color": MUTED, "width": 2}}


def _second_panel(layout: dict[str, Any], elsewhere: Elsewhere) -> None:
    layout["xaxis"] |= {"domain": list(OURS), "dtick": 0.2}
    layout["xaxis2"] = layout["xaxis"] | {"domain": list(THEIRS), "anchor": "y", "title": {"text": elsewhere.title}}
    if not elsewhere.series:
        layout["annotations"] = [
            {
                "text": elsewhere.note,
                "xref": "paper",
                "yref": "paper",
                "x": sum(THEIRS) / 2,
                "y": 0.5,
                "showarrow": False,
                "font": {"color": MUTED, "size": 13},
            }
        ]
