"""What happened during training: losses and scores by epoch, and outputs that say the same of every clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.scores import TITLE, head, legend, mean_over_seeds
from openmic_explore.figures.style import GRID, MUTED, Style, base_layout, style

if TYPE_CHECKING:
    import pandas as pd

HISTORY = {
    "train_loss": "training loss",
    "validation_loss": "validation loss",
    "validation_f1_macro": "validation macro F1",
    "validation_average_precision": "validation average precision",
}
PANEL, OVER, UNDER = 250, 26, 44  # pixels: of a row of panels, of their titles, of the axis under them
KEPT = "kept epoch"
COLUMNS = 2  # of panels


@dataclass(frozen=True)
class Curve:
    """A number by epoch of runs that differ by seed only: values (runs, E) from epoch 1 on, nan where a run had ended.

    kept: each run's epoch whose weights were kept. place: which of the styles it is drawn in.
    """

    name: str
    place: int
    values: NDArray[np.floating]
    kept: Sequence[int] = ()


@dataclass(frozen=True)
class Learned:
    """The histories of runs that differ by seed only, with the columns of HISTORY and `epoch`. kept, place: see Curve."""

    name: str
    place: int
    histories: Sequence["pd.DataFrame"]
    kept: Sequence[int]

    def curve(self, column: str) -> Curve:
        """One column of the histories."""
        last = max(int(history["epoch"].max()) for history in self.histories)
        values = np.full((len(self.histories), last), np.nan)
        for row, history in zip(values, self.histories, strict=True):
            row[history["epoch"].to_numpy(int) - 1] = history[column].to_numpy(float)
        return Curve(self.name, self.place, values, () if column == "train_loss" else self.kept)


def learning_figure(groups: Sequence[Learned], *, title: str = "") -> go.Figure:
    """Learning curves in four panels: training and validation loss on one scale, validation macro F1 and average precision.

    A line is the mean over seeds, the band around it goes from the lowest to the highest, a marker stands at each
    seed's kept epoch.
    """
    panels = {text: [group.curve(column) for group in groups] for column, text in HISTORY.items()}
    figure = curves_figure(panels, title=title)
    # A clamp's loss is some twenty times that of a logit.
    figure.update_yaxes(matches="y", type="log", row=1)
    return figure


def heads_figure(
    constant: Sequence[Curve], blocked: Sequence[Curve], instruments: int, *, title: str = ""
) -> go.Figure:
    """How many of the outputs are dead, by epoch.

    constant: how many give every validation clip the same decision. blocked: how many heads pass no gradient, as a mean
    over the training clips. instruments: how many outputs there are.
    """
    panels = {
        "outputs with the same decision for every validation clip": list(constant),
        "heads that pass no gradient (mean over training clips)": list(blocked),
    }
    figure = curves_figure(panels, title=title)
    figure.update_yaxes(range=[-0.4, instruments + 0.4], dtick=5, title_text=f"of {instruments} outputs", col=1)
    figure.update_yaxes(range=[-0.4, instruments + 0.4], dtick=5, col=2)
    return figure


def curves_figure(panels: dict[str, list[Curve]], *, title: str = "") -> go.Figure:
    """Curves by epoch, panel by panel; a curve of the same name looks the same in all, and is listed once."""
    count = -(-len(panels) // COLUMNS)
    figure = make_subplots(
        rows=count,
        cols=COLUMNS,
        subplot_titles=list(panels),
        horizontal_spacing=0.09,
        vertical_spacing=0.14 if count > 1 else 0,
    )
    listed: set[str] = set()
    for slot, curves in enumerate(panels.values()):
        row, col = slot // COLUMNS + 1, slot % COLUMNS + 1
        for curve in curves:
            for trace in _traces(curve, curve.name not in listed):
                figure.add_trace(trace, row=row, col=col)
            listed.add(curve.name)
    marked = any(curve.kept for curves in panels.values() for curve in curves)
    if marked:
        figure.add_trace(_key(), row=count, col=1)
    panels_height = PANEL * count
    room = legend([*listed, *([KEPT] if marked else [])], panels_height, over=OVER, under=UNDER)
    figure.update_layout(
        base_layout(panels_height + TITLE + room.over + room.under)
        | {
            "margin": {"l": 62, "r": 20, "t": TITLE + room.over, "b": room.under},
            "title": head(title),
            "legend": room.entry,
        }
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, showline=True, linecolor=MUTED, rangemode="tozero")
    figure.update_xaxes(title_text="epoch", row=count)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, showline=True, linecolor=MUTED)
    figure.update_annotations(font_size=12)
    return figure


def _traces(curve: Curve, listed: bool) -> list[dict[str, Any]]:
    look, values = style(curve.place), np.atleast_2d(np.asarray(curve.values, dtype=float))
    middle, epochs = mean_over_seeds(values), np.arange(1, values.shape[1] + 1)
    traces = [_band(values, epochs, look, curve.name)] if len(values) > 1 else []
    traces.append(
        {
            "type": "scatter",
            # A marker now and then, since colour alone is not enough.
            "mode": "lines+markers",
            "name": curve.name,
            "legendgroup": curve.name,
            "showlegend": listed,
            "x": epochs,
            "y": middle,
            "line": {"color": look.colour, "width": 2},
            "marker": {
                "symbol": look.symbol,
                "color": look.colour,
                "size": 7,
                "maxdisplayed": 8,
            },
            "hovertemplate": f"{curve.name}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        }
    )
    if curve.kept:
        kept = np.asarray(curve.kept, dtype=int)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": KEPT,
                "legendgroup": curve.name,
                "showlegend": False,
                "x": kept,
                "y": values[np.arange(len(kept)), kept - 1],
                "marker": {
                    "symbol": "circle-open", "color": look.colour, "size": 13, "line": {"width": 2, "color": look.colour}
                },
                "hovertemplate": f"{curve.name}, kept epoch %{{x}}: %{{y:.3f}}<extra></extra>",
            }
        )  # fmt: skip
    return traces


def _band(values: NDArray[np.float64], epochs: NDArray[np.integer], look: Style, name: str) -> dict[str, Any]:
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    return {
        "type": "scatter",
        "mode": "none",
        "name": name,
        "legendgroup": name,
        "showlegend": False,
        "x": np.concatenate([epochs, epochs[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": look.colour,
        "opacity": 0.16,
        "hoverinfo": "skip",
    }


def _key() -> dict[str, Any]:
    """An entry of the legend for the rings."""
    marker = {"symbol": "circle-open", "color": MUTED, "size": 11, "line": {"width": 2, "color": MUTED}}
    return {"type": "scatter", "mode": "markers", "name": KEPT, "x": [None], "y": [None], "marker": marker}
