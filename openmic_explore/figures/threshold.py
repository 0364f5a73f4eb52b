"""From probabilities to yes and no: what a threshold decides, what each score makes of it, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.style import GRID, INK, MAP, MUTED, base_layout, legend_line, style, title_line

if TYPE_CHECKING:
    import pandas as pd

PRESENT, ABSENT = style(0), style(1)
F1S = {"f1": "F1 of present", "f1_macro": "macro", "f1_weighted": "weighted"}
BINS = np.linspace(0, 1, 26)
ROW = 27  # pixels


class SweepLike(Protocol):
    """Counts and scores of one instrument's cells at M thresholds, ascending, the last one above all probabilities."""

    @property
    def threshold(self) -> NDArray[np.float64]: ...
    @property
    def hits(self) -> NDArray[np.int64]: ...
    @property
    def false_alarms(self) -> NDArray[np.int64]: ...
    @property
    def misses(self) -> NDArray[np.int64]: ...
    @property
    def rejections(self) -> NDArray[np.int64]: ...
    @property
    def precision(self) -> NDArray[np.float64]: ...
    @property
    def recall(self) -> NDArray[np.float64]: ...
    @property
    def f1(self) -> NDArray[np.float64]: ...
    @property
    def f1_macro(self) -> NDArray[np.float64]: ...
    @property
    def f1_weighted(self) -> NDArray[np.float64]: ...
    @property
    def average_precision(self) -> float: ...
    def at(self, threshold: float) -> int: ...


def clips_figure(
    present: NDArray[np.bool_], probability: NDArray[np.floating], threshold: float, *, title: str = ""
) -> go.Figure:
    """A few clips that can be counted by eye: probability across, present above absent, cut in four by the threshold.

    present (n,) bool, probability (n,) in [0, 1].
    """
    present, probability = np.asarray(present, dtype=bool), np.asarray(probability, dtype=float)
    said = probability >= threshold
    figure = go.Figure()
    for height, kind, name, look in ((1, present, "present", PRESENT), (0, ~present, "absent", ABSENT)):
        figure.add_scatter(
            x=probability[kind], y=np.full(kind.sum(), height), mode="markers", name=f"label: {name}",
            marker={"symbol": look.symbol, "color": look.colour, "size": 15},
            hovertemplate=f"{name}: %{{x:.2f}}<extra></extra>",
        )  # fmt: skip
    quarters = {
        "misses": (present & ~said, threshold / 2, 1.42),
        "hits": (present & said, (1 + threshold) / 2, 1.42),
        "rejections": (~present & ~said, threshold / 2, -0.42),
        "false alarms": (~present & said, (1 + threshold) / 2, -0.42),
    }
    for name, (cells, x, y) in quarters.items():
        figure.add_annotation(text=f"<b>{cells.sum()}</b> {name}", x=x, y=y, showarrow=False, font_size=13)
    figure.add_vline(x=threshold, line={"color": INK, "width": 2, "dash": "dash"})
    figure.add_hline(y=0.5, line={"color": MUTED, "width": 1})
    figure.update_layout(_layout(300, title, top=76) | {"legend": legend_line(300)})
    figure.update_xaxes(
        title_text=f"probability; from {threshold:.2g} on the model says present", range=[-0.02, 1.02], gridcolor=GRID,
        zeroline=False, dtick=0.1,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=[0, 1], ticktext=["absent", "present"], range=[-0.75, 1.75], showgrid=False, zeroline=False,
        fixedrange=True,
    )  # fmt: skip
    return figure


def silence_figure(
    curves: Mapping[str, NDArray[np.floating]],
    absent: NDArray[np.floating],
    *,
    points: "pd.DataFrame",
    title: str = "",
) -> go.Figure:
    """What a constant answer earns: scores over the share of absent labels, and where instruments lie on one of them.

    curves: scores (M,) by name at absent (M,), ascending in [0, 1]. points: one row an instrument: absent, and a column
    for each curve that is to have marks.
    """
    figure = go.Figure()
    names = [str(name).replace("_", " ") for name in points.index]
    for place, (name, values) in enumerate(curves.items()):
        look = style(place)
        figure.add_scatter(
            x=absent, y=values, mode="lines", name=name, legendgroup=name,
            line={"color": look.colour, "width": 2, "dash": look.dash},
            hovertemplate=f"{name}: %{{y:.3f}} at %{{x:.0%}} absent<extra></extra>",
        )  # fmt: skip
        if name in points:
            figure.add_scatter(
                x=points["absent"], y=points[name], mode="markers", text=names, showlegend=False, legendgroup=name,
                marker={"symbol": look.symbol, "color": look.colour, "size": 9},
                hovertemplate=f"%{{text}}, {name}: %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
    figure.update_layout(_layout(430, title, top=82) | {"legend": legend_line(430)})
    figure.update_xaxes(
        title_text="share of the labels that say absent", tickformat=".0%", range=[0, 1], gridcolor=GRID, zeroline=False
    )
    figure.update_yaxes(title_text="score", range=[-0.02, 1.02], gridcolor=GRID, zeroline=False)
    return figure


def threshold_figure(
    present: NDArray[np.bool_],
    probability: NDArray[np.floating],
    sweep: SweepLike,
    threshold: float,
    *,
    title: str = "",
) -> go.Figure:
    """One instrument at one threshold, in four panels: who lies where, the four counts, the three F1s, precision and recall.

    present (n,) bool and probability (n,) of its cells; sweep: over all thresholds of the same cells. Figures of any
    cells have the same traces, so that `redraw` can turn them into each other.
    """
    present, probability = np.asarray(present, dtype=bool), np.asarray(probability, dtype=float)
    place = sweep.at(threshold)
    now = {name: float(getattr(sweep, name)[place]) for name in F1S}
    recalled, precise = float(sweep.recall[place]), float(sweep.precision[place])
    share = float(present.mean())
    figure = make_subplots(
        rows=2, cols=2, column_widths=[0.56, 0.44], horizontal_spacing=0.11, vertical_spacing=0.19,
        subplot_titles=(
            f"<b>{present.sum()}</b> present (up), <b>{(~present).sum()}</b> absent (down)",
            "counts",
            ", ".join(f"{text} <b>{_number(now[name])}</b>" for name, text in F1S.items()),
            f"precision <b>{_number(precise)}</b>, recall <b>{_number(recalled)}</b>, "
            f"AP <b>{_number(sweep.average_precision)}</b>",
        ),
    )  # fmt: skip
    middle = (BINS[:-1] + BINS[1:]) / 2
    bars = []
    for kind, sign, name, look in ((present, 1, "present", PRESENT), (~present, -1, "absent", ABSENT)):
        counts = np.histogram(probability[kind], BINS)[0]
        bars.append(counts)
        figure.add_bar(
            x=middle, y=sign * counts, width=0.036, marker_color=look.colour, name=name, showlegend=False,
            customdata=counts, hovertemplate=f"{name}, about %{{x:.2f}}: %{{customdata}} clips<extra></extra>",
            row=1, col=1,
        )  # fmt: skip
    reach = 1.08 * float(max(1, *(counts.max() for counts in bars)))
    counts = np.array(
        [[sweep.rejections[place], sweep.false_alarms[place]], [sweep.misses[place], sweep.hits[place]]], dtype=float
    )
    figure.add_heatmap(
        z=counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), x=["says absent", "says present"],
        y=["is absent", "is present"], colorscale=MAP, zmin=0, zmax=1, showscale=False, xgap=3, ygap=3,
        text=[[f"{value:.0f} {name}" for value, name in zip(row, names, strict=True)] for row, names in zip(
            counts, (("rejections", "false alarms"), ("misses", "hits")), strict=True)],
        texttemplate="%{text}", textfont_size=13, hovertemplate="%{y}, %{x}: %{text}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    edges = np.clip(np.append(0.0, np.minimum(sweep.threshold, 1.0)), 0, 1)
    for at, (name, text) in enumerate(F1S.items()):
        look = style(at + 2)
        values = np.asarray(getattr(sweep, name), dtype=float)
        figure.add_scatter(
            x=edges, y=np.append(values[:1], values), mode="lines", name=text, legendgroup=text,
            line={"color": look.colour, "width": 2, "shape": "vh"},
            hovertemplate=f"{text}: %{{y:.2f}} at %{{x:.2f}}<extra></extra>", row=2, col=1,
        )  # fmt: skip
        figure.add_scatter(
            x=[threshold], y=[now[name]], mode="markers", showlegend=False, legendgroup=text,
            marker={"symbol": look.symbol, "color": look.colour, "size": 11}, hoverinfo="skip", row=2, col=1,
        )  # fmt: skip
    curve = {"color": style(0).colour, "width": 2, "shape": "hv"}
    # Nothing predicted has no precision: the curve goes on to recall 0 at the height of its last step.
    heights = np.append(sweep.precision[:-1], sweep.precision[-2])
    figure.add_scatter(
        x=sweep.recall, y=heights, mode="lines", line=curve, showlegend=False,
        hovertemplate="recall %{x:.2f}, precision %{y:.2f}<extra></extra>", row=2, col=2,
    )  # fmt: skip
    figure.add_scatter(
        x=[0, 1], y=[share, share], mode="lines+text", text=["", f"chance: {share:.2f}"], textposition="top left",
        textfont={"color": MUTED, "size": 11}, line={"color": MUTED, "width": 1, "dash": "dot"}, showlegend=False,
        hoverinfo="skip", row=2, col=2,
    )  # fmt: skip
    figure.add_scatter(
        x=[recalled], y=[precise], mode="markers", marker={"symbol": style(1).symbol, "color": style(1).colour, "size": 12},
        showlegend=False, hovertemplate="now<extra></extra>", row=2, col=2,
    )  # fmt: skip
    # Lines as traces, not shapes: they move with the threshold like everything else.
    for row, ends in ((1, [-reach, reach]), (2, [0, 1])):
        figure.add_scatter(
            x=[threshold, threshold], y=ends, mode="lines", line={"color": INK, "width": 1.5, "dash": "dash"},
            showlegend=False, hoverinfo="skip", row=row, col=1,
        )  # fmt: skip
    figure.update_layout(_layout(640, title, top=104) | {"legend": legend_line(640), "barmode": "overlay"})
    figure.update_xaxes(range=[0, 1], gridcolor=GRID, zeroline=False)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_xaxes(title_text="probability", row=1, col=1)
    figure.update_yaxes(title_text="clips", range=[-reach, reach], zeroline=True, zerolinecolor=INK, row=1, col=1)
    figure.update_xaxes(range=[-0.5, 1.5], showgrid=False, row=1, col=2)
    figure.update_yaxes(range=[-0.5, 1.5], showgrid=False, row=1, col=2)
    figure.update_xaxes(title_text="threshold", row=2, col=1)
    figure.update_yaxes(title_text="F1", range=[-0.02, 1.02], row=2, col=1)
    figure.update_xaxes(title_text="recall", row=2, col=2)
    figure.update_yaxes(title_text="precision", range=[-0.02, 1.02], row=2, col=2)
    figure.update_annotations(font_size=12)
    return figure


def intervals_figure(
    rows: Sequence[str], series: Mapping[str, "pd.DataFrame"], *, axis: str, title: str = ""
) -> go.Figure:
    """Scores with their intervals: rows down in their own order, a marker a series, its bar the interval.

    series: by name, one row for each of `rows`: value, low, high; where value is nan, nothing is drawn. axis: the score.
    """
    places = np.arange(len(rows), dtype=float)
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * min(0.3, 0.7 / max(1, len(series)))
    figure = go.Figure()
    for place, (name, table) in enumerate(series.items()):
        look = style(place)
        value, low, high = (table[column].to_numpy(float) for column in ("value", "low", "high"))
        figure.add_scatter(
            x=value, y=places + offsets[place], mode="markers", name=name,
            marker={"symbol": look.symbol, "color": look.colour, "size": 9},
            error_x={
                "type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low,
                "color": look.colour, "thickness": 1.5, "width": 0,
            },
            text=list(rows), customdata=np.column_stack([low, high]),
            hovertemplate=f"{name}, %{{text}}: %{{x:.2f}} [%{{customdata[0]:.2f}}, %{{customdata[1]:.2f}}]<extra></extra>",
        )  # fmt: skip
    height = ROW * len(rows) + 150
    figure.update_layout(_layout(height, title, top=82) | {"legend": legend_line(height)})
    figure.update_xaxes(title_text=axis, range=[-0.02, 1.02], gridcolor=GRID, zeroline=False, dtick=0.1)
    figure.update_yaxes(
        tickvals=places, ticktext=list(rows), range=[len(rows) - 0.4, -0.6], gridcolor=GRID, zeroline=False,
        fixedrange=True,
    )  # fmt: skip
    figure.update_layout(margin_l=190)
    return figure


def _number(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.2f}"


def _layout(height: int, title: str, *, top: int) -> dict[str, Any]:
    return base_layout(height) | {
        "margin": {"l": 76, "r": 20, "t": top, "b": 50},
        "title": title_line(title),
    }
