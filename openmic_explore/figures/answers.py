"""What a run says of one instrument in every clip, against what is known of it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.scores import head
from openmic_explore.figures.style import GRID, INK, MUTED, base_layout, style

WORDS = ("absent", "present")
HEIGHT = 236  # pixels
SPREAD = 0.3  # of a row


def answers_figure(
    keys: Sequence[str],
    present: NDArray[np.bool_],
    probability: NDArray[np.floating],
    *,
    threshold: float = 0.5,
    title: str = "",
) -> go.Figure:
    """A marker a clip: present above, absent below, probability across; what the threshold gets wrong is filled.

    keys: (n,) names, which become the points' customdata. present, probability: (n,).
    """
    present, probability = np.asarray(present, dtype=bool), np.asarray(probability, dtype=float)
    wrong = (probability >= threshold) != present
    # Neighbours stand at other heights, so that they do not hide each other; the same ones every time.
    rank = np.empty(len(present), dtype=int)
    rank[np.argsort(probability, kind="stable")] = np.arange(len(present))
    height = present + SPREAD * (2 * ((rank * 0.618034) % 1) - 1)
    figure = go.Figure()
    for state in (True, False):
        look, rows = style(0 if state else 1), np.flatnonzero(present == state)
        figure.add_scatter(
            x=probability[rows],
            y=height[rows],
            mode="markers",
            name=WORDS[state],
            customdata=[keys[row] for row in rows.tolist()],
            marker={
                "symbol": [look.symbol if one else f"{look.symbol}-open" for one in wrong[rows]],
                "color": look.colour,
                "size": 9,
                "line": {"width": 1.5, "color": look.colour},
            },
            hovertemplate=f"%{{customdata}}, {WORDS[state]}: %{{x:.3f}}<extra></extra>",
        )
    figure.add_shape(
        type="line",
        x0=threshold,
        x1=threshold,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": INK, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        x=threshold, y=1, yref="paper", yanchor="bottom", showarrow=False, text=f"threshold {threshold:.2f}",
        font={"color": MUTED, "size": 11},
    )  # fmt: skip
    figure.update_layout(
        base_layout(HEIGHT)
        | {"margin": {"l": 76, "r": 24, "t": 74, "b": 44}, "title": head(title), "showlegend": False}
    )
    figure.update_xaxes(
        title_text="probability that it is present", range=[-0.015, 1.015], gridcolor=GRID, zeroline=False, dtick=0.1
    )
    figure.update_yaxes(
        tickvals=[0, 1], ticktext=list(WORDS), range=[-0.5, 1.5], showgrid=False, zeroline=False, fixedrange=True
    )
    return figure
