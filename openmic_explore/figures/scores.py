"""Scores per instrument as a dot plot: runs beside each other and beside the majority class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.style import GRID, MUTED, base_layout, style

METRICS = {
    "f1_macro": "F1, mean of present and absent (macro)",
    "f1": "F1 of present",
    "f1_weighted": "F1 weighted by support",
    "average_precision": "average precision",
}
ROW = 25
CHARACTER, NARROWEST = 7, 560  # pixels: of a letter in the legend; of a panel on a small screen


@dataclass(frozen=True)
class Series:
    """Runs that differ by seed only: values (runs, K) of one metric."""

    name: str
    values: NDArray[np.floating]


def scores_figure(
    instruments: Sequence[str],
    series: Sequence[Series],
    metric: str,
    *,
    baseline: NDArray[np.floating] | None = None,
    title: str = "",
) -> go.Figure:
    """Dot plot: K instruments down, the metric across, a marker a series, a thin bar from its worst to its best seed.

    metric: a key of METRICS. baseline: (K,) scores of the majority class. Instruments are sorted by the mean of
    all series, best on top. Undefined (nan) scores are left out.
    """
    values = [np.atleast_2d(np.asarray(one.values, dtype=float)) for one in series]
    means = [mean_over_seeds(value) for value in values]
    overall = mean_over_seeds(np.stack(means)) if means else np.zeros(len(instruments))
    order = np.argsort(-np.nan_to_num(overall, nan=-1.0), kind="stable")
    names = [instruments[row].replace("_", " ") for row in order]
    places = np.arange(len(names))
    data: list[dict] = []
    if baseline is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "majority class",
                "x": np.asarray(baseline, dtype=float)[order],
                "y": places,
                "marker": {"symbol": "line-ns", "size": 15, "line": {"color": MUTED, "width": 2}},
                "hovertemplate": "majority class: %{x:.3f}<extra></extra>",
            }
        )
    offsets = (np.arange(len(values)) - (len(values) - 1) / 2) * min(0.16, 0.6 / max(1, len(values)))
    for place, (one, value, mean) in enumerate(zip(series, values, means, strict=True)):
        look, several = style(place), len(value) > 1
        spread = {
            "type": "data",
            "symmetric": False,
            # fmax and fmin pass over nan, and stay silent where no seed is defined.
            "array": (np.fmax.reduce(value, axis=0) - mean)[order],
            "arrayminus": (mean - np.fmin.reduce(value, axis=0))[order],
            "color": look.colour,
            "thickness": 1.5,
            "width": 0,
        }
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{one.name} ({len(value)} seeds)" if several else one.name,
                "x": mean[order],
                "y": places + offsets[place],
                "marker": {"symbol": look.symbol, "color": look.colour, "size": 10},
                "hovertemplate": f"{one.name}: %{{x:.3f}}<extra></extra>",
                **({"error_x": spread} if several else {}),
            }
        )
    axis_text = METRICS[metric]
    # Room for the legend is made beforehand: plotly would take it from the panel.
    wide = sum(CHARACTER * len(one["name"]) + 52 for one in data)
    top = 50 + 22 * max(1, math.ceil(wide / NARROWEST))
    layout = base_layout(ROW * len(names) + top + 44) | {
        "margin": {"l": 140, "r": 24, "t": top, "b": 44},
        "title": {
            "text": title,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "pad": {"t": 18},
            "yanchor": "top",
            "font": {"size": 14},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"},
        "xaxis": {
            "title": {"text": axis_text},
            "range": [-0.01, 1.02],
            "gridcolor": GRID,
            "zeroline": False,
            "dtick": 0.1,
        },
        "yaxis": {
            "tickvals": places.tolist(),
            "ticktext": names,
            "range": [len(names) - 0.5, -0.5],
            "gridcolor": GRID,
            "zeroline": False,
            "fixedrange": True,
        },
    }
    return go.Figure({"data": data, "layout": layout})


def mean_over_seeds(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over rows where defined; nan where no row is."""
    defined = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.where(defined > 0, total / np.maximum(defined, 1), np.nan)
