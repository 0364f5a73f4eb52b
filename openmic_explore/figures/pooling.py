"""From frames to one answer: which frame counts, which one learns, and where it looks in a real clip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.axes import curve_axis, mel_axis, time_axis
from openmic_explore.figures.panels import Line, PictureLike, curve, heatmap, stretches
from openmic_explore.figures.style import GRID, INK, MUTED, base_layout, legend_line, style, title_line

SHADE = "rgba(86, 96, 112, 0.20)"  # where the instrument really sounds
ROW = 24  # pixels
DURATION = 10.0  # seconds, of a clip


@dataclass(frozen=True)
class Pooled:
    """A clip of T frames under one pooling, and which way learning moves it.

    odds (T,): log-odds of the frames. weight (T,): their share in the clip's. push (T,): downhill on the loss, for the
    odds; attention (T,): the same for the attention's own scores, None where there are none. probability: the clip's.
    """

    odds: NDArray[np.floating]
    weight: NDArray[np.floating]
    push: NDArray[np.floating]
    attention: NDArray[np.floating] | None
    probability: float


@dataclass(frozen=True)
class Look:
    """What one model says of one instrument in a clip: frame score and attention (T,), and the clip's probability."""

    name: str
    frame: NDArray[np.floating]
    attention: NDArray[np.floating]
    clip: float


@dataclass(frozen=True)
class Found:
    """Frame AUC of one signal with its interval; controls: frame AUCs of the same signal given something wrong, by name.

    group: the model it belongs to, whose rows stand together.
    """

    group: str
    signal: str
    auc: float
    low: float
    high: float
    controls: Mapping[str, float] = field(default_factory=dict)


def toy_figure(poolings: Mapping[str, Pooled], *, title: str = "") -> go.Figure:
    """One clip under several poolings, a column each: log-odds, weights, and the pushes on either, as bars a frame."""
    parts = {
        "log-odds z": lambda one: one.odds,
        "weight w": lambda one: one.weight,
        "push on z": lambda one: one.push,
        "push on a": lambda one: one.attention,
    }
    names = [f"<b>{name}</b>: clip {one.probability:.2f}" for name, one in poolings.items()]
    figure = make_subplots(
        rows=len(parts), cols=len(poolings), shared_xaxes=True, shared_yaxes="rows", horizontal_spacing=0.03,
        vertical_spacing=0.045, subplot_titles=names,
    )  # fmt: skip
    for row, (part, of) in enumerate(parts.items(), start=1):
        for column, (name, one) in enumerate(poolings.items(), start=1):
            values = of(one)
            look = style(column - 1)
            frames = np.arange(1, len(one.odds) + 1)
            none = values is None
            figure.add_bar(
                x=frames, y=np.zeros(len(frames)) if none else values, name=name, marker_color=look.colour, width=0.6,
                text=None if none else [_short(value, part) for value in values],
                textposition="outside", textfont_size=10, constraintext="none", textangle=0, cliponaxis=False,
                showlegend=False,
                hovertemplate=f"{name}, frame %{{x}}, {part}: %{{y:.3f}}<extra></extra>", row=row, col=column,
            )  # fmt: skip
            if none:
                place = (row - 1) * len(poolings) + column
                axis = "" if place == 1 else str(place)
                figure.add_annotation(
                    text="nothing to learn here", x=0.5, y=0.62, xref=f"x{axis} domain", yref=f"y{axis} domain",
                    showarrow=False, font={"color": MUTED, "size": 11},
                )  # fmt: skip
        figure.update_yaxes(title_text=part, row=row, col=1)
    every = [[of(one) for one in poolings.values() if of(one) is not None] for of in parts.values()]
    for row, values in enumerate(every, start=1):
        low, high = min(0.0, *map(np.min, values)), max(0.0, *map(np.max, values))
        room = 0.28 * max(high - low, 1e-6)
        figure.update_yaxes(range=[low - room * (low < 0), high + room * (high > 0)], row=row)
    figure.update_layout(_layout(120 * len(parts) + 120, title, top=74))
    figure.update_xaxes(showgrid=False, zeroline=False, dtick=1)
    figure.update_xaxes(title_text="frame", row=len(parts))
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=INK, zerolinewidth=1, nticks=4, fixedrange=True)
    return figure


def slide_figure(
    weight: NDArray[np.floating],
    curve: tuple[NDArray[np.floating], NDArray[np.floating]],
    at: float,
    *,
    levels: Mapping[str, float],
    moved: int,
    title: str = "",
) -> go.Figure:
    """Left the weights (T,) of a clip's frames, right its probability while one attention logit goes from end to end.

    curve: logits (M,) ascending and probabilities (M,); at: the logit now. levels: probabilities to draw as dotted lines,
    by name, such as that of the mean. moved: which frame's logit it is, from 0.
    """
    logits, probabilities = (np.asarray(part, dtype=float) for part in curve)
    now = float(np.interp(at, logits, probabilities))
    figure = make_subplots(
        rows=1, cols=2, column_widths=[0.36, 0.64], horizontal_spacing=0.1,
        subplot_titles=("weights of the frames", f"probability of the clip: {now:.2f}"),
    )  # fmt: skip
    frames = np.arange(1, len(weight) + 1)
    colours = [style(1).colour if frame == moved + 1 else style(0).colour for frame in frames]
    figure.add_bar(
        x=frames, y=weight, marker_color=colours, width=0.6, showlegend=False, text=[f"{value:.2f}" for value in weight],
        textposition="outside", textangle=0, textfont_size=11, constraintext="none", cliponaxis=False,
        hovertemplate="frame %{x}: %{y:.3f}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=logits, y=probabilities, mode="lines", line={"color": style(0).colour, "width": 2}, showlegend=False,
        hovertemplate="logit %{x:.1f}: %{y:.2f}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    figure.add_scatter(
        x=[at], y=[now], mode="markers", marker={"size": 12, "color": style(1).colour, "symbol": style(1).symbol},
        showlegend=False, hovertemplate="now: %{y:.3f}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    for name, level in levels.items():
        figure.add_scatter(
            x=[logits[0], logits[-1]], y=[level, level], mode="lines+text", text=["", name], textposition="top left",
            textfont={"color": MUTED, "size": 11}, line={"color": MUTED, "width": 1, "dash": "dot"}, showlegend=False,
            hovertemplate=f"{name}: %{{y:.3f}}<extra></extra>", row=1, col=2,
        )  # fmt: skip
    figure.update_layout(_layout(330, title, top=80))
    figure.update_xaxes(title_text="frame", dtick=1, showgrid=False, zeroline=False, row=1, col=1)
    figure.update_xaxes(
        title_text=f"attention logit of frame {moved + 1}", range=[logits[0], logits[-1]], gridcolor=GRID,
        zeroline=False, row=1, col=2,
    )  # fmt: skip
    figure.update_yaxes(range=[0, 1.12], gridcolor=GRID, zeroline=False, tickvals=[0, 0.5, 1], fixedrange=True)
    return figure


def looks_figure(
    log_mel: PictureLike | None,
    looks: Sequence[Look],
    active: NDArray[np.bool_] | None,
    *,
    frame_length: float,
    frame_start: float = 0.0,
    activity_length: float = 0.1,
    title: str = "",
) -> go.Figure:
    """One instrument in one clip as several models see it: log-mel, frame score, attention, and their product over time.

    log_mel: None leaves the picture out. looks: one a model, all on frames of frame_length seconds from frame_start on.
    active: (Ta,) bool in frames of activity_length seconds, shaded behind the curves; None where nobody knows.
    However many seconds sound, figures of the same models have the same traces, so that `redraw` can turn them.
    """
    panels = ["log_mel", "frame", "attention", "product"]
    heads = {
        "log_mel": "<b>Log-mel spectrogram</b>",
        "frame": "<b>Frame score</b>  how strongly it finds the instrument",
        "attention": "<b>Attention</b>  which frames count; the weights sum to 1",
        "product": "<b>Frame score × attention</b>",
    }
    panels = panels if log_mel is not None else panels[1:]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.055,
        subplot_titles=[heads[one] for one in panels],
    )
    lines = [
        Line(look.name, style(place), look.attention, look.frame, product=np.multiply(look.frame, look.attention))
        for place, look in enumerate(looks)
    ]
    shown = np.zeros(1, dtype=bool) if active is None else np.asarray(active, dtype=bool)
    for row, panel in enumerate(panels, start=1):
        x, y = ("x", "y") if row == 1 else (f"x{row}", f"y{row}")
        if panel == "log_mel" and log_mel is not None:
            figure.add_trace(heatmap(log_mel, "log-mel spectrogram", x, y))
            figure.update_yaxes(**mel_axis(log_mel.frequency), title_text="Hz", row=row)
            continue
        axis = curve_axis(panel, [np.asarray(getattr(line, panel), dtype=float) for line in lines])
        bottom, top = axis["range"]
        figure.add_scatter(
            **_area(shown, activity_length, bottom, top), mode="lines", line={"width": 0}, fill="toself", fillcolor=SHADE,
            name="really sounds", legendgroup="truth", showlegend=panel == "frame" and active is not None,
            hoverinfo="skip", row=row, col=1,
        )  # fmt: skip
        for look, line in zip(looks, lines, strict=True):
            trace = curve(line, panel, (frame_start, frame_length), DURATION, x, y)
            trace |= {"name": f"{look.name}: clip {look.clip:.2f}", "showlegend": panel == "frame"}
            figure.add_trace(trace | {"hovertemplate": f"{look.name}: %{{y:.3f}}<extra></extra>"})
        figure.update_yaxes(**axis, row=row)
    height = 128 * len(panels) + 150
    figure.update_layout(_layout(height, title, top=92) | {"legend": legend_line(height)})
    for row in range(1, len(panels) + 1):
        bottom_axis = time_axis("y" if row == 1 else f"y{row}", DURATION, row == len(panels))
        figure.update_xaxes(**bottom_axis, row=row, col=1)
    figure.update_yaxes(fixedrange=True, zeroline=False)
    figure.update_annotations(x=0, xanchor="left", font_size=12)
    return figure


def localisation_figure(panels: Mapping[str, Sequence[Found]], *, title: str = "") -> go.Figure:
    """Frame AUCs with their intervals, signals down, a panel each for what must not be mixed; controls as open marks.

    panels: by title, the same groups and signals in each where there are any. Chance, .5, is a line.
    """
    rows = list(dict.fromkeys((one.group, one.signal) for found in panels.values() for one in found))
    groups = list(dict.fromkeys(group for group, _ in rows))
    places = {pair: place + 0.5 * groups.index(pair[0]) for place, pair in enumerate(rows)}
    controls = list(dict.fromkeys(name for found in panels.values() for one in found for name in one.controls))
    figure = make_subplots(
        rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=list(panels)
    )
    values = [0.5]
    for column, found in enumerate(panels.values(), start=1):
        for place, group in enumerate(groups):
            mine = [one for one in found if one.group == group]
            look = style(place)
            auc, low, high = (np.array([getattr(one, part) for one in mine]) for part in ("auc", "low", "high"))
            values += [*low, *high]
            figure.add_scatter(
                x=auc, y=[places[group, one.signal] for one in mine], mode="markers", name=group, legendgroup=group,
                showlegend=column == 1, marker={"symbol": look.symbol, "color": look.colour, "size": 10},
                error_x={
                    "type": "data", "symmetric": False, "array": high - auc, "arrayminus": auc - low,
                    "color": look.colour, "thickness": 1.6, "width": 0,
                },
                text=[one.signal for one in mine], customdata=np.column_stack([low, high]),
                hovertemplate=f"{group}, %{{text}}: %{{x:.3f}} [%{{customdata[0]:.3f}}, %{{customdata[1]:.3f}}]<extra></extra>",
                row=1, col=column,
            )  # fmt: skip
        for place, name in enumerate(controls):
            mine = [one for one in found if name in one.controls]
            auc = np.array([one.controls[name] for one in mine])
            values += list(auc)
            figure.add_scatter(
                x=auc, y=[places[one.group, one.signal] for one in mine], mode="markers", name=name, legendgroup=name,
                showlegend=column == 1,
                marker={"symbol": ("circle-open", "x-thin-open", "square-open")[place % 3], "color": MUTED, "size": 9},
                text=[f"{one.group}, {one.signal}" for one in mine],
                hovertemplate=f"%{{text}}, {name}: %{{x:.3f}}<extra></extra>", row=1, col=column,
            )  # fmt: skip
        figure.add_vline(x=0.5, line={"color": INK, "width": 1}, row=1, col=column)
    room = 0.02
    known = np.array(values)[np.isfinite(values)]
    height = round(ROW * (max(places.values(), default=0) + 1)) + 170
    figure.update_layout(_layout(height, title, top=106) | {"legend": legend_line(height)})
    figure.update_xaxes(
        title_text="frame AUC", range=[known.min() - room, known.max() + room], gridcolor=GRID, zeroline=False,
        showline=True, linecolor=MUTED, dtick=0.1, tickformat=".1f",
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(places.values()), ticktext=[f"{group}: {signal}" if signal else group for group, signal in rows],
        range=[max(places.values(), default=0) + 0.7, -0.7], gridcolor=GRID, zeroline=False, fixedrange=True,
    )  # fmt: skip
    figure.update_layout(margin_l=210)
    return figure


def _short(value: float, part: str = "weight w") -> str:
    return f"{value:.3g}" if part == "weight w" or value == 0 else f"{value:+.2g}"


def _area(active: NDArray[np.bool_], length: float, bottom: float, top: float) -> dict[str, list[float | None]]:
    """Rectangles from bottom to top wherever active (T,) holds, as one closed line with gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    for first, last in zip(*stretches(active, length), strict=True):
        x += [float(first), float(first), float(last), float(last), None]
        y += [bottom, top, top, bottom, None]
    return {"x": x[:-1], "y": y[:-1]}


def _layout(height: int, title: str, *, top: int) -> dict[str, Any]:
    return base_layout(height) | {
        "margin": {"l": 76, "r": 20, "t": top, "b": 48},
        "title": title_line(title),
    }
