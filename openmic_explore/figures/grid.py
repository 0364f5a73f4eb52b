"""Pictures of one kind in a grid: on the same axes and in the same colours, so that they can be compared."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.style import MAP, MUTED, base_layout, title_line


def grid_figure(
    pictures: Mapping[str, NDArray[np.floating]],
    *,
    columns: int,
    low: float,
    high: float,
    across: str,
    down: str = "",
    rows: Sequence[str] | None = None,
    first: float = 0.0,
    step: float = 1.0,
    height: int = 200,
    title: str = "",
) -> go.Figure:
    """Heatmaps (n, m) each, by title, in reading order: n rows down (up without `rows`), m columns across.

    low, high: values at the ends of the colours, which stand beside them. across, down: what the axes are.
    rows: names of the n rows, the first on top, such as instruments. first, step: of the columns, in the unit of
    `across`; a column is centred there. height: pixels of one picture.
    """
    lines = -(-len(pictures) // columns)
    panels = 46 + 28 * (down == "" and rows is not None)
    whole = lines * (height + panels) + 76
    figure = make_subplots(
        rows=lines,
        cols=columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.02,
        vertical_spacing=min(0.9 / max(1, lines - 1), 44 / (whole - 106)) if lines > 1 else 0,
        subplot_titles=list(pictures),
    )
    for place, (name, values) in enumerate(pictures.items()):
        values = np.asarray(values, dtype=np.float32)
        where = {"row": place // columns + 1, "col": place % columns + 1}
        label = "%{y}, " if rows is not None else ""
        named = {} if rows is None else {"y": [row.replace("_", " ") for row in rows]}
        figure.add_heatmap(
            z=values, x0=first, dx=step, coloraxis="coloraxis", name=name,
            hovertemplate=f"{label}%{{x:.4g}} {across}: %{{z:.3g}}<extra></extra>", **named, **where,
        )  # fmt: skip
    figure.update_layout(
        base_layout(whole)
        | {
            "margin": {"l": 140 if rows is not None else 60, "r": 30, "t": 62, "b": 44},
            "title": title_line(title),
            "coloraxis": {
                "colorscale": MAP, "cmin": low, "cmax": high,
                "colorbar": {"thickness": 10, "outlinewidth": 0, "x": 1.01},
            },
        }
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, zeroline=False, showline=True, linecolor=MUTED)
    figure.update_yaxes(showgrid=False, zeroline=False, showline=True, linecolor=MUTED)
    if rows is not None:
        figure.update_yaxes(autorange="reversed", tickfont_size=11, dtick=1)
    figure.update_xaxes(title_text=across, title_standoff=4, row=lines)
    figure.update_yaxes(title_text=down, col=1)
    figure.update_annotations(font_size=12)
    return figure
