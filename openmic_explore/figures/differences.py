"""Differences between two models, instrument by instrument, with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from openmic_explore.figures.scores import AXIS, TITLE, head, legend
from openmic_explore.figures.style import GRID, INK, MUTED, base_layout, style

if TYPE_CHECKING:
    import pandas as pd

ROW, ROOM = 26, 6  # pixels: of a row with few series, and of each series in a row with many
SIGNIFICANT = 0.05


def differences_figure(
    tables: Mapping[str, "pd.DataFrame"],
    *,
    axis: str,
    means: Mapping[str, Sequence[float]] | None = None,
    p_means: Mapping[str, float] | None = None,
    places: Mapping[str, int] | None = None,
    title: str = "",
) -> go.Figure:
    """Dot plot around zero: rows down in the tables' own order, a difference across with its interval.

    tables: by a series' name, one row an instrument with difference, low, high and p_holm; the same rows in each. A
    mark is filled where p_holm is below .05, hollow elsewhere. means: by the same names, (difference, low, high, ...) of
    the mean over instruments, drawn as a last row, filled where the interval leaves out 0; or where p_means, its
    corrected p, is below .05. places: by the same names, which of the styles each is drawn in. axis: what was subtracted
    from what, and in which metric. A trace's meta is its name, the last customdata the row's name.
    """
    rows = list(next(iter(tables.values())).index)
    means = means or {}
    down = np.append(np.arange(len(rows)), [len(rows) + 0.6] if means else []).astype(float)
    labels = [str(row).replace("_", " ") for row in rows] + (["<b>mean</b>"] if means else [])
    figure = go.Figure()
    named = [*map(str, rows), *([""] if means else [])]
    offsets = (np.arange(len(tables)) - (len(tables) - 1) / 2) * min(0.24, 0.8 / len(tables))
    widest = 0.01
    for place, (name, table) in enumerate(tables.items()):
        look = style(places[name] if places else place)
        middle, low, high = (table[column].to_numpy(float) for column in ("difference", "low", "high"))
        sure = table["p_holm"].to_numpy(float) < SIGNIFICANT
        if name in means:
            mean, below, above = means[name][:3]
            middle, low, high = np.append(middle, mean), np.append(low, below), np.append(high, above)
            sure = np.append(sure, p_means[name] < SIGNIFICANT if p_means else below > 0 or above < 0)
        where = down[: len(middle)] + offsets[place]
        widest = float(np.nanmax([widest, *np.abs(low), *np.abs(high)]))
        figure.add_scatter(
            x=middle, y=where, mode="markers", name=name, legendgroup=name, meta=name,
            marker={
                "symbol": [look.symbol if one else f"{look.symbol}-open" for one in sure],
                "color": look.colour, "size": 9, "line": {"width": 1.5, "color": look.colour},
            },
            error_x={
                "type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low,
                "color": look.colour, "thickness": 1.5, "width": 0,
            },
            customdata=list(zip(low.tolist(), high.tolist(), named, strict=False)), text=labels[: len(middle)],
            hovertemplate=f"{name}, %{{text}}: %{{x:+.3f}} [%{{customdata[0]:+.3f}}, %{{customdata[1]:+.3f}}]<extra></extra>",
        )  # fmt: skip
    panel = round(max(ROW, ROOM * len(tables) + 6) * (down[-1] + 1))
    room = legend(list(tables), panel, under=AXIS)
    figure.update_layout(
        base_layout(panel + TITLE + room.over + room.under)
        | {
            "margin": {"l": 140, "r": 24, "t": TITLE + room.over, "b": room.under},
            "title": head(title),
            "legend": room.entry,
            "showlegend": True,
        }
    )
    figure.update_xaxes(
        title_text=axis, range=[-1.06 * widest, 1.06 * widest], gridcolor=GRID, zeroline=True, zerolinecolor=INK,
        zerolinewidth=1, showline=True, linecolor=MUTED, tickformat="+.2f",
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=down.tolist(), ticktext=labels, range=[down[-1] + 0.6, -0.6], gridcolor=GRID, zeroline=False,
        fixedrange=True,
    )  # fmt: skip
    return figure
