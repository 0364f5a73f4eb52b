"""One clip: what it looks like, where a model looks, what it believes, and what is true, on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.axes import curve_axis, log_axis, mel_axis, round_values, time_axis
from openmic_explore.figures.style import MAP, MUTED, Style, base_layout

# Pixels.
PICTURE, CURVE, LANE = 130, 84, 15
ABOVE, GAP, BELOW = 20, 28, 36
LEFT, RIGHT = 92, 150

TITLES = {
    "log_mel": ("Log-mel spectrogram", "ln of the magnitude in 64 bands, spaced as we hear pitch; brighter is louder"),
    "scalogram": (
        "Scalogram",
        "wavelet magnitude in dB on a log frequency axis: an octave is the same height everywhere",
    ),
    "attention": (
        "Attention",
        "where the model looks: the weights of an instrument sum to 1; dotted line: no preference",
    ),
    "frame": ("Frame score", "how strongly it finds the instrument at each moment"),
    "truth": ("Truth", "when each instrument really sounds; the model never saw this"),
}
PANELS = tuple(TITLES)


class PictureLike(Protocol):
    """A time-frequency picture in 8 bits; value = low + values / 255 x (high - low)."""

    @property
    def values(self) -> NDArray[np.uint8]: ...
    @property
    def frequency(self) -> NDArray[np.float64]: ...
    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True)
class Line:
    """One instrument in a clip.

    attention: (T,) weights that sum to 1, frame: (T,) scores, both None without a run.
    active: (Ta,) bool, does it sound; None where nobody knows.
    """

    name: str
    style: Style
    attention: NDArray[np.floating] | None = None
    frame: NDArray[np.floating] | None = None
    active: NDArray[np.bool_] | None = None


def clip_figure(
    log_mel: PictureLike | None,
    scalogram: PictureLike | None,
    lines: Sequence[Line],
    *,
    frame_length: float = 1.0,
    frame_start: float = 0.0,
    activity_length: float = 0.1,
    duration: float = 10.0,
    notes: Mapping[str, str] | None = None,
    panels: Sequence[str] = PANELS,
) -> go.Figure:
    """Panels on one time axis: log-mel, scalogram, attention, frame score and, where known, the true activity.

    log_mel, scalogram: pictures, rows ascending in Hz; None leaves the panel empty.
    lines: the instruments to draw. frame_length, activity_length: seconds a frame of a line's attention and activity;
    frame_start: where the first frame of attention and score begins, in seconds.
    duration: seconds on the time axis. notes: a sentence in place of an empty panel, by panel
    ("log_mel", "scalogram", "attention", "frame"). panels: which of PANELS to draw; the truth only where it is known.
    """
    known = [line for line in lines if line.active is not None]
    every = {
        "log_mel": PICTURE,
        "scalogram": PICTURE,
        "attention": CURVE,
        "frame": CURVE,
        "truth": LANE * len(known) + 6,
    }
    heights = {panel: every[panel] for panel in PANELS if panel in panels and (known or panel != "truth")}
    total = sum(heights.values()) + ABOVE + GAP * (len(heights) - 1) + BELOW

    inner = total - ABOVE - BELOW
    layout: dict[str, Any] = base_layout(total) | {
        "margin": {"l": LEFT, "r": RIGHT, "t": ABOVE, "b": BELOW},
        "legend": {
            "x": 1.012,
            "xanchor": "left",
            "yanchor": "top",
            "itemclick": False,
            "itemdoubleclick": False,
            "font": {"size": 11},
            "bgcolor": "rgba(0,0,0,0)",
        },
        "annotations": [],
        "shapes": [],
        "dragmode": "zoom",
        "barmode": "overlay",
    }
    data: list[dict[str, Any]] = []
    top = 0
    for row, (panel, height) in enumerate(heights.items(), start=1):
        domain = [1 - (top + height) / inner, 1 - top / inner]
        domain = [max(0.0, domain[0]), domain[1]]
        top += height + GAP
        x, y = (f"x{row}", f"y{row}") if row > 1 else ("x", "y")
        last = row == len(heights)
        layout[f"xaxis{row if row > 1 else ''}"] = time_axis(y, duration, last) | ({"matches": "x"} if row > 1 else {})
        axis: dict[str, Any] = {"domain": domain, "anchor": x, "fixedrange": True, "zeroline": False}
        head, text = TITLES[panel]
        layout["annotations"].append(_heading(head, text, domain[1]))
        if panel in ("log_mel", "scalogram"):
            picture = log_mel if panel == "log_mel" else scalogram
            if picture is not None:
                data.append(_heatmap(picture, panel, x, y, domain, height))
                axis |= mel_axis(picture.frequency) if panel == "log_mel" else log_axis(picture.frequency)
            axis |= {"title": {"text": "Hz", "standoff": 4}}
        elif panel == "truth":
            data += _lanes(known, activity_length, x, y)
            axis |= {
                "tickvals": list(range(len(known))),
                "ticktext": [line.name.replace("_", " ") for line in known],
                "range": [len(known) - 0.5, -0.5],
                "tickfont": {"size": 10},
            }
        else:
            drawn = [line for line in lines if getattr(line, panel) is not None]
            data += [_curve(line, panel, (frame_start, frame_length), duration, x, y) for line in drawn]
            axis |= curve_axis(panel, [np.asarray(getattr(line, panel), dtype=float) for line in drawn])
            if panel == "attention":
                layout["legend"]["y"] = domain[1]
                if drawn:
                    layout["shapes"].append(_equal_weight(drawn, x, y, duration))
        if not any(one["yaxis"] == y for one in data):
            # plotly leaves out a panel without a trace, and with it the note and the time axis.
            data.append({"type": "scatter", "x": [0], "y": [None], "xaxis": x, "yaxis": y, "showlegend": False})
        note = (notes or {}).get(panel)
        if note:
            layout["annotations"].append(_note(note, x, y))
            axis |= {"showticklabels": False, "showgrid": False, "range": [0, 1], "type": "linear"}
        layout[f"yaxis{row if row > 1 else ''}"] = axis
    return go.Figure({"data": data, "layout": layout}, skip_invalid=False)


def _heatmap(picture: PictureLike, panel: str, x: str, y: str, domain: list[float], height: int) -> dict[str, Any]:
    step = float(picture.time[1] - picture.time[0]) if len(picture.time) > 1 else 1.0
    ticks = round_values(picture.low, picture.high)
    return {
        "type": "heatmap",
        "name": TITLES[panel][0],
        "z": np.ascontiguousarray(picture.values),
        "x0": float(picture.time[0]),
        "dx": step,
        "y": [_hertz(value) for value in picture.frequency] if panel == "log_mel" else picture.frequency,
        "xaxis": x,
        "yaxis": y,
        "zmin": 0,
        "zmax": 255,
        "colorscale": MAP,
        "hovertemplate": "%{x:.2f} s<br>%{y}<extra></extra>"
        if panel == "log_mel"
        else "%{x:.2f} s<br>%{y:.0f} Hz<extra></extra>",
        "colorbar": {
            "title": {"text": picture.unit, "side": "top", "font": {"size": 11}},
            "x": 1.012,
            "xanchor": "left",
            "y": domain[1],
            "yanchor": "top",
            "len": height,
            "lenmode": "pixels",
            "thickness": 10,
            "outlinewidth": 0,
            "xpad": 0,
            "ypad": 0,
            "tickfont": {"size": 10.5},
            "tickvals": [(value - picture.low) / (picture.high - picture.low) * 255 for value in ticks],
            "ticktext": [f"{value:g}" for value in ticks],
        },
    }


def _hertz(value: float) -> str:
    return f"{value:.1f} Hz" if value < 1000 else f"{value:.0f} Hz"


def _curve(line: Line, panel: str, grid: tuple[float, float], duration: float, x: str, y: str) -> dict[str, Any]:
    start, length = grid
    values = np.asarray(getattr(line, panel), dtype=float)
    # Steps as wide as a frame: a point in each frame's middle, and one at either end to close the outer steps.
    middle = start + (np.arange(len(values)) + 0.5) * length
    ends = max(0.0, start), min(duration, start + len(values) * length)
    times = np.concatenate([ends[:1], middle, ends[1:]])
    heights = np.concatenate([values[:1], values, values[-1:]])
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.name.replace("_", " "),
        "legendgroup": line.name,
        "showlegend": panel == "attention",
        "x": np.round(times, 4),
        "y": np.round(heights, 5),
        "xaxis": x,
        "yaxis": y,
        "line": {"shape": "hvh", "color": line.style.colour, "width": 1.8, "dash": line.style.dash},
        "marker": {
            "symbol": line.style.symbol,
            "color": line.style.colour,
            "size": [0, *[7] * len(values), 0],
            "opacity": 1,
        },
        "hovertemplate": f"{line.name.replace('_', ' ')}: %{{y:.2f}}<extra></extra>",
    }


def _equal_weight(lines: Sequence[Line], x: str, y: str, duration: float) -> dict[str, Any]:
    attention = lines[0].attention
    assert attention is not None
    level = 1 / len(attention)
    return {
        "type": "line",
        "xref": x,
        "yref": y,
        "x0": 0,
        "x1": duration,
        "y0": level,
        "y1": level,
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
    }


def _lanes(lines: Sequence[Line], length: float, x: str, y: str) -> list[dict[str, Any]]:
    lanes = []
    for lane, line in enumerate(lines):
        assert line.active is not None
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.active.astype(np.int8), [0]])))
        starts, ends = edges[::2] * length, edges[1::2] * length
        lanes.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": line.name.replace("_", " "),
                "showlegend": False,
                "base": np.round(starts, 3).tolist(),
                "x": np.round(ends - starts, 3).tolist(),
                "y": [lane] * len(starts),
                "customdata": np.round(ends, 2).tolist(),
                "width": 0.62,
                "marker": {"color": line.style.colour, "line": {"width": 0}},
                "xaxis": x,
                "yaxis": y,
                "hovertemplate": f"{line.name.replace('_', ' ')} sounds %{{base:.1f}} to %{{customdata:.1f}} s<extra></extra>",
            }
        )
    return lanes


def _heading(head: str, text: str, top: float) -> dict[str, Any]:
    return {
        "text": f"<b>{head}</b>  <span style='color:{MUTED}'>{text}</span>",
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 2,
        "showarrow": False,
        "align": "left",
    }


def _note(text: str, x: str, y: str) -> dict[str, Any]:
    return {
        "text": text,
        "xref": f"{x} domain",
        "yref": f"{y} domain",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"color": MUTED, "size": 13},
    }
