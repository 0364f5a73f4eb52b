"""The two representations compared: their building blocks, their pictures on one frequency axis, what they resolve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from openmic_explore.figures.style import DASHES, GRID, MAP, MUTED, base_layout, style

# Hz that get a tick on a log axis.
MARKS = (30, 60, 125, 250, 500, 1000, 2000, 4000, 7500, 15000)


@dataclass(frozen=True)
class Atom:
    """What a picture compares the sound with around one frequency: a short wave, and how it answers to tones.

    time: (n,) ms and wave: (n,), its real part; envelope: (n,) its magnitude. frequency: (m,) Hz, response: (m,).
    """

    name: str
    time: NDArray[np.floating]
    wave: NDArray[np.floating]
    envelope: NDArray[np.floating]
    frequency: NDArray[np.floating]
    response: NDArray[np.floating]


@dataclass(frozen=True)
class Image:
    """A picture of a sound: values (rows, columns) at frequency (rows,) Hz, ascending, and time (columns,) s.

    lines: curves over it by name, each (time in s, frequency in Hz).
    """

    title: str
    values: NDArray[np.floating]
    frequency: NDArray[np.floating]
    time: NDArray[np.floating]
    lines: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]] | None = None


@dataclass(frozen=True)
class Curve:
    """The smallest distance that a picture separates, value (n,), at frequency (n,) Hz; inf where it separates none.

    place: which of the styles it is drawn in, so that one picture looks the same in two figures.
    """

    name: str
    frequency: NDArray[np.floating]
    value: NDArray[np.floating]
    place: int


def atoms_figure(rows: Mapping[str, Sequence[Atom]], *, title: str = "") -> go.Figure:
    """Short waves in time (left) and their responses to tones in frequency (right), one row of panels a frequency.

    rows: by name (such as "110 Hz"), the atoms to compare; an atom keeps its style from row to row.
    """
    figure = make_subplots(
        rows=len(rows),
        cols=2,
        shared_xaxes=True,
        horizontal_spacing=0.06,
        vertical_spacing=0.24 / max(2, len(rows)),
        subplot_titles=[text for name in rows for text in (f"{name}, in time", f"{name}, in frequency")],
    )
    for row, atoms in enumerate(rows.values(), start=1):
        for place, atom in enumerate(atoms):
            look = style(place)
            ink = {"color": look.colour, "dash": DASHES[place % len(DASHES)], "width": 2, "simplify": False}
            named = {"name": atom.name, "legendgroup": atom.name}
            figure.add_scatter(
                **named, x=atom.time, y=atom.envelope, mode="lines", line=ink, showlegend=row == 1,
                hovertemplate="%{x:.1f} ms<extra></extra>", row=row, col=1,
            )  # fmt: skip
            figure.add_scatter(
                **named, x=atom.time, y=atom.wave, mode="lines", line={"color": look.colour, "width": 0.8},
                opacity=0.6, showlegend=False, hoverinfo="skip", row=row, col=1,
            )  # fmt: skip
            figure.add_scatter(
                **named, x=atom.frequency, y=atom.response, mode="lines", line=ink, showlegend=False,
                hovertemplate="%{x:.0f} Hz: %{y:.2f}<extra></extra>", row=row, col=2,
            )  # fmt: skip
    figure.update_layout(_layout(150 * len(rows) + 120, title, 86))
    figure.update_xaxes(showline=True, linecolor=MUTED, gridcolor=GRID, zeroline=False, ticks="outside")
    figure.update_yaxes(showticklabels=False, showgrid=False, zerolinecolor=GRID, fixedrange=True)
    figure.update_xaxes(**_log_ticks(), col=2)
    figure.update_xaxes(title_text="time (ms)", row=len(rows), col=1)
    figure.update_xaxes(title_text="frequency (Hz)", row=len(rows), col=2)
    figure.update_annotations(font_size=12)
    return figure


def pictures_figure(
    images: Sequence[Image],
    *,
    low: float,
    high: float,
    unit: str = "dB",
    columns: int = 1,
    fmin: float = 27.5,
    fmax: float = 19000.0,
    height: int = 230,
    title: str = "",
) -> go.Figure:
    """Pictures of one sound, all on the same log frequency axis and the same colours, so that gaps are seen as gaps.

    low, high: values at the ends of the colours, in `unit`. columns: pictures beside each other. fmin, fmax: Hz at the
    ends of the frequency axis; where a picture has no rows the paper shows. height: pixels a row of pictures.
    """
    rows = -(-len(images) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.035,
        vertical_spacing=0.18 / max(2, rows),
        subplot_titles=[image.title for image in images],
    )
    lines = 0
    for place, image in enumerate(images):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_heatmap(
            z=np.asarray(image.values, dtype=np.float32), x=image.time, y=image.frequency, coloraxis="coloraxis",
            hovertemplate=f"%{{x:.3f}} s, %{{y:.0f}} Hz: %{{z:.0f}} {unit}<extra></extra>", **where,
        )  # fmt: skip
        for name, (time, frequency) in (image.lines or {}).items():
            # Orange and white stand out from every colour of the map; a dash each tells them apart in grey.
            ink = {"color": ("#FFFFFF", "#E69F00")[lines % 2], "dash": DASHES[lines % len(DASHES)], "width": 2.5}
            figure.add_scatter(x=time, y=frequency, mode="lines", name=name, line=ink, hoverinfo="skip", **where)
            lines += 1
    layout = _layout(height * rows + 100, title, 56)
    # On the picture, in the map's darkest colour, where a white line can be seen.
    legend = {"x": 0.99, "y": 0.99, "xanchor": "right", "yanchor": "top", "bgcolor": "#440154"}
    layout["legend"] = legend | {"font": {"color": "#FFFFFF"}}
    layout["coloraxis"] = {
        "colorscale": MAP,
        "cmin": low,
        "cmax": high,
        "colorbar": {"ticksuffix": f" {unit}", "thickness": 10, "outlinewidth": 0, "x": 1.01},
    }
    figure.update_layout(layout)
    figure.update_xaxes(showline=True, linecolor=MUTED, showgrid=False, zeroline=False, ticks="outside")
    figure.update_yaxes(showline=True, linecolor=MUTED, **_log_ticks(fmin, fmax) | {"showgrid": False})
    figure.update_xaxes(title_text="time (s)", row=rows)
    figure.update_yaxes(title_text="Hz", col=1)
    figure.update_annotations(font_size=12)
    return figure


def resolution_figure(
    curves: Sequence[Curve],
    *,
    unit: str,
    ceiling: float,
    limits: tuple[float, float] | None = None,
    marks: Sequence[float] | None = None,
    title: str = "",
) -> go.Figure:
    """The smallest distance that each picture separates, over frequency; both axes logarithmic, lower is finer.

    unit: of the distance, for the axis ("semitones"). ceiling: where inf, nothing separated, is drawn, as an open
    marker without a line. limits: a frequency range in Hz outside of which the paper is shaded. marks: ticks.
    """
    figure = go.Figure()
    missing = 0
    for curve in curves:
        look = style(curve.place)
        value = np.asarray(curve.value, dtype=float)
        found = np.isfinite(value)
        marker = {"symbol": look.symbol, "size": 8, "color": look.colour}
        named = {"name": curve.name, "legendgroup": curve.name}
        figure.add_scatter(
            **named, x=curve.frequency, y=np.where(found, value, np.nan), mode="lines+markers", marker=marker,
            line={"color": look.colour, "width": 2},
            hovertemplate=f"{curve.name}<br>%{{x:.0f}} Hz: %{{y:.3g}} {unit}<extra></extra>",
        )  # fmt: skip
        if not found.all():
            gone = np.asarray(curve.frequency)[~found]
            # Each a little above the one before, so that none hides another.
            height = np.full(gone.size, ceiling * 1.2**missing)
            missing += 1
            figure.add_scatter(
                **named, x=gone, y=height, mode="markers", showlegend=False,
                marker=marker | {"symbol": f"{look.symbol}-open"},
                hovertemplate=f"{curve.name}<br>%{{x:.0f}} Hz: separates none<extra></extra>",
            )  # fmt: skip
    figure.update_layout(_layout(460, title, 100))
    figure.update_xaxes(**_log_ticks(), title_text="frequency (Hz)", zeroline=False)
    figure.update_yaxes(title_text=f"{unit}, lower is finer", type="log", gridcolor=GRID, zeroline=False)
    if marks is not None:
        figure.update_yaxes(tickvals=list(marks), ticktext=[f"{mark:g}" for mark in marks])
    every = np.concatenate([curve.frequency for curve in curves])
    left, right = float(every.min()) / 1.15, float(every.max()) * 1.15
    figure.update_xaxes(range=[np.log10(left), np.log10(right)])
    if limits is not None:
        for start, end in ((left, limits[0]), (limits[1], right)):
            figure.add_vrect(x0=start, x1=end, fillcolor=GRID, opacity=0.6, line_width=0, layer="below")
    return figure


def shares_figure(
    instruments: Sequence[str],
    panels: Mapping[str, Mapping[str, NDArray[np.floating]]],
    *,
    title: str = "",
) -> go.Figure:
    """Shares per instrument: K instruments down, one panel a measure, one marker a part.

    panels: by a measure's name, the shares (K,) from 0 to 1 by the part's name. Instruments are sorted by the largest share in
    the first panel, that on top.
    """
    first = np.max(list(next(iter(panels.values())).values()), axis=0)
    order = np.argsort(-np.asarray(first), kind="stable")
    names = [instruments[row].replace("_", " ") for row in order]
    figure = make_subplots(
        rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=list(panels)
    )
    for col, parts in enumerate(panels.values(), start=1):
        for place, (part, shares) in enumerate(parts.items()):
            look = style(place)
            figure.add_scatter(
                x=np.asarray(shares, dtype=float)[order], y=names, mode="markers", name=part, legendgroup=part,
                marker={"symbol": look.symbol, "color": look.colour, "size": 10}, showlegend=col == 1,
                hovertemplate=f"%{{y}}, {part}: %{{x:.1%}}<extra></extra>", row=1, col=col,
            )  # fmt: skip
    top = max(float(np.max(shares)) for parts in panels.values() for shares in parts.values())
    figure.update_layout(_layout(22 * len(names) + 140, title, 90))
    figure.update_xaxes(range=[-0.02 * top, 1.08 * top], tickformat=".0%", gridcolor=GRID, zeroline=False)
    figure.update_yaxes(autorange="reversed", gridcolor=GRID, fixedrange=True)
    figure.update_layout(margin_l=130)
    figure.update_annotations(font_size=12)
    return figure


def _log_ticks(fmin: float | None = None, fmax: float | None = None) -> dict[str, Any]:
    axis: dict[str, Any] = {"type": "log", "tickvals": MARKS, "gridcolor": GRID}
    axis["ticktext"] = [f"{mark / 1000:g}k" if mark >= 1000 else f"{mark}" for mark in MARKS]
    if fmin is not None and fmax is not None:
        axis["range"] = [float(np.log10(fmin)), float(np.log10(fmax))]
    return axis


def _layout(height: int, title: str, top: int) -> dict[str, Any]:
    """Title at the left, the legend under it; height and top, the margin above the panels, in pixels."""
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1 - 36 / height, "yref": "container"}
    head = {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container"}
    return base_layout(height) | {
        "margin": {"l": 70, "r": 30, "t": top, "b": 48},
        "title": head | {"yanchor": "top", "pad": {"t": 14}, "font": {"size": 14}},
        "legend": legend | {"yanchor": "top"},
    }
