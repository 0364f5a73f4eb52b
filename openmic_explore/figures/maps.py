"""What one stage of a network made of a clip: its maps beside each other, or its frames."""

from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.style import MAP, PAPER, base_layout

PAGE = 940  # pixels, the usual width


class StageLike(Protocol):
    """A step of a network, as `models.trace` gives it."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def tensor(self) -> Any: ...


def maps_figure(stage: StageLike, *, clip: int = 0, columns: int = 8, alike: bool = True, title: str = "") -> go.Figure:
    """Everything that one stage made of one clip: all its maps (C, H, W), or its frames (T, D). Time runs to the right.

    columns: maps beside each other. alike: the same colours for all maps; otherwise each map has colours from its own
    least to its own greatest value, and a map of one value is drawn in the least one's.
    """
    values = numbers(stage, clip)
    if not alike and values.ndim == 3:
        low, high = (each(values, axis=(1, 2), keepdims=True) for each in (np.min, np.max))
        values = (values - low) / np.where(high > low, high - low, 1.0)
    if values.ndim == 3 and len(values) > 1:
        wall, seams = _wall(values, min(columns, len(values)))
        ratio = wall.shape[0] / wall.shape[1]
    else:
        wall, seams, ratio = flat(values), [], 0.35
    figure = go.Figure(
        go.Heatmap(
            z=wall,
            colorscale=MAP,
            hovertemplate="%{z:.3g}<extra></extra>",
            showscale=alike,
            colorbar={"thickness": 10, "outlinewidth": 0},
        )
    )
    figure.update_layout(
        base_layout(int(np.clip(PAGE * ratio, 110, 480)) + 48)
        | {
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "title": {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 14}},
            "shapes": seams,
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
        }
    )
    return figure


def _wall(values: NDArray[np.float32], columns: int) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Maps (C, H, W) hung beside each other, the first at the top left, and the paper over what is between them.

    In a map the first row, the lowest frequency, is at the bottom.
    """
    height, width = values.shape[1:]
    rows, gap = -(-len(values) // columns), max(1, round(0.06 * width))
    # No nan between them: a widget sends its values as JSON, which has none.
    wall = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), values.min(), dtype=np.float32)
    places = np.arange(rows * columns)
    ups, rights = (rows - 1 - places // columns) * (height + gap), places % columns * (width + gap)
    for up, right, picture in zip(ups, rights, values, strict=False):
        wall[up : up + height, right : right + width] = picture
    bare = [
        (right, right + width, up, up + height)
        for up, right in zip(ups[len(values) :], rights[len(values) :], strict=True)
    ]
    bare += [(right - gap, right, 0, wall.shape[0]) for right in rights[1:columns]]
    bare += [(0, wall.shape[1], up - gap, up) for up in ups[::columns][:-1]]
    paper = {"type": "rect", "fillcolor": PAPER, "line": {"width": 0}, "layer": "above"}
    return wall, [
        paper | dict(zip(("x0", "x1", "y0", "y1"), (float(edge) - 0.5 for edge in edges), strict=True))
        for edges in bare
    ]


def numbers(stage: StageLike, clip: int) -> NDArray[np.float32]:
    """What a stage made of one clip of its batch."""
    return np.asarray(stage.tensor[clip], dtype=np.float32)


def flat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture (rows, columns), time across: the map that varies most, frames (T, D) or an answer (K,), its first on top."""
    if values.ndim == 3:
        return values[int(values.reshape(len(values), -1).std(axis=1).argmax())]
    return values.T[::-1] if values.ndim == 2 else values[::-1, None]
