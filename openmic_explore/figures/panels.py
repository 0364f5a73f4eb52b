"""What the panels of a clip are made of: pictures, a waveform, curves in time, lanes of activity, their headings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from openmic_explore.figures.axes import note_name, round_values
from openmic_explore.figures.style import MAP, MUTED, Style


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
class Wave:
    """A waveform as wide as a screen: the least and the greatest sample (n,) of each of n equal stretches of `duration`
    seconds."""

    low: NDArray[np.floating]
    high: NDArray[np.floating]
    duration: float


@dataclass(frozen=True)
class Line:
    """One instrument in a clip.

    attention: (T,) weights that sum to 1, frame: (T,) scores, product: (T,) of the two, estimate: (T,) the clip's
    probability if the clip had ended with each frame, nan where it has none; None without a run.
    active: (Ta,) bool, does it sound; None where nobody knows. present: the clip's label, None where it is unknown.
    """

    name: str
    style: Style
    attention: NDArray[np.floating] | None = None
    frame: NDArray[np.floating] | None = None
    active: NDArray[np.bool_] | None = None
    product: NDArray[np.floating] | None = None
    estimate: NDArray[np.floating] | None = None
    present: bool | None = None

    @property
    def label(self) -> str:
        """The name as it is written in a figure."""
        return self.name.replace("_", " ")


def heatmap(picture: PictureLike, name: str, x: str, y: str) -> dict[str, Any]:
    """A picture's trace, without a colour bar; the pointer reads time, Hz and the nearest note."""
    step = float(picture.time[1] - picture.time[0]) if len(picture.time) > 1 else 1.0
    return {
        "type": "heatmap",
        "name": name,
        "z": np.ascontiguousarray(picture.values),
        "x0": float(picture.time[0]),
        "dx": step,
        "y": [f"{_hertz(value)} ({note_name(value)})" for value in picture.frequency],
        "xaxis": x,
        "yaxis": y,
        "zmin": 0,
        "zmax": 255,
        "colorscale": MAP,
        "showscale": False,
        "hovertemplate": "%{x:.2f} s<br>%{y}<extra></extra>",
    }


def colour_bar(picture: PictureLike, x: float, top: float, height: int) -> dict[str, Any]:
    """What a picture's colours mean; x, top: in paper coordinates, height: pixels."""
    ticks = round_values(picture.low, picture.high)
    return {
        "title": {"text": picture.unit, "side": "top", "font": {"size": 11}},
        "x": x,
        "xanchor": "left",
        "y": top,
        "yanchor": "top",
        "len": height,
        "lenmode": "pixels",
        "thickness": 10,
        "outlinewidth": 0,
        "xpad": 0,
        "ypad": 0,
        "tickfont": {"size": 10.5},
        "tickvals": [level(picture, value) for value in ticks],
        "ticktext": [f"{value:g}" for value in ticks],
    }


def level(picture: PictureLike, value: float) -> float:
    """Where a value lies in the picture's 0..255."""
    return (value - picture.low) / (picture.high - picture.low) * 255


def _hertz(value: float) -> str:
    return f"{value:.1f} Hz" if value < 1000 else f"{value:.0f} Hz"


def waveform(wave: Wave, x: str, y: str) -> list[dict[str, Any]]:
    """The band between the least and the greatest sample."""
    step = wave.duration / len(wave.low)
    both: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "x0": step / 2,
        "dx": step,
        "xaxis": x,
        "yaxis": y,
        "line": {"color": MUTED, "width": 0.6},
        "showlegend": False,
        "hoverinfo": "skip",
    }
    low, high = (np.round(part, 4).astype(np.float32) for part in (wave.low, wave.high))
    return [
        both | {"name": "least sample", "y": low},
        both | {"name": "greatest sample", "y": high, "fill": "tonexty", "fillcolor": MUTED},
    ]


def curve(line: Line, panel: str, grid: tuple[float, float], duration: float, x: str, y: str) -> dict[str, Any]:
    """A line's values of "attention", "frame" or "product": steps as wide as a frame, a marker in each one's middle.

    grid: where the first frame begins and how long one is, in seconds.
    """
    start, length = grid
    values = np.asarray(getattr(line, panel), dtype=float)
    # Beside the markers one point at either end, to close the outer steps.
    middle = start + (np.arange(len(values)) + 0.5) * length
    ends = max(0.0, start), min(duration, start + len(values) * length)
    times = np.concatenate([ends[:1], middle, ends[1:]])
    heights = np.concatenate([values[:1], values, values[-1:]])
    return _trace(line, times, heights, x, y, "hvh", [0, *[7] * len(values), 0])


def estimate_curve(line: Line, grid: tuple[float, float], duration: float, x: str, y: str) -> dict[str, Any]:
    """A line's running estimate: it changes where a frame ends, and holds until the next one does."""
    start, length = grid
    values = np.asarray(line.estimate, dtype=float)
    times = np.minimum(start + (np.arange(len(values)) + 1) * length, duration)
    return _trace(line, times, values, x, y, "hv", [7] * len(values))


def _trace(
    line: Line, times: NDArray, heights: NDArray, x: str, y: str, shape: str, sizes: list[int]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.label,
        "legendgroup": line.name,
        "showlegend": False,
        "x": np.round(times, 4),
        "y": np.round(heights, 5),
        "xaxis": x,
        "yaxis": y,
        "line": {"shape": shape, "color": line.style.colour, "width": 1.8, "dash": line.style.dash},
        "marker": {"symbol": line.style.symbol, "color": line.style.colour, "size": sizes, "opacity": 1},
        "hovertemplate": f"{line.label}: %{{y:.2f}}<extra></extra>",
    }


def level_line(level: float, x: str, y: str, duration: float) -> dict[str, Any]:
    """A dotted line across a panel."""
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


def stretches(active: NDArray[np.bool_], length: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Where an instrument's stretches begin and end, in seconds; length: of a frame of `active`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    return edges[::2] * length, edges[1::2] * length


def lanes(lines: Sequence[Line], length: float, x: str, y: str) -> list[dict[str, Any]]:
    """A lane an instrument, with a bar for each stretch in which it sounds; length: seconds a frame of the activity."""
    made = []
    for lane, line in enumerate(lines):
        assert line.active is not None
        starts, ends = stretches(line.active, length)
        made.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": line.label,
                "showlegend": False,
                "base": np.round(starts, 3).tolist(),
                "x": np.round(ends - starts, 3).tolist(),
                "y": [lane] * len(starts),
                "customdata": np.round(ends, 2).tolist(),
                "width": 0.62,
                "marker": {"color": line.style.colour, "line": {"width": 0}},
                "xaxis": x,
                "yaxis": y,
                "hovertemplate": f"{line.label} sounds %{{base:.1f}} to %{{customdata:.1f}} s<extra></extra>",
            }
        )
    return made


def lanes_axis(lines: Sequence[Line]) -> dict[str, Any]:
    """The axis of `lanes`: the instruments' names."""
    return {
        "tickvals": list(range(len(lines))),
        "ticktext": [line.label for line in lines],
        "range": [len(lines) - 0.5, -0.5],
        "tickfont": {"size": 10},
    }


def heading(head: str, text: str, left: float, top: float) -> dict[str, Any]:
    """A panel's heading, over its left end; left, top: in paper coordinates."""
    return {
        "text": f"<b>{head}</b>  <span style='color:{MUTED}'>{text}</span>" if text else f"<b>{head}</b>",
        "xref": "paper",
        "yref": "paper",
        "x": left,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 2,
        "showarrow": False,
        "align": "left",
    }


def note_inside(text: str, x: str, y: str) -> dict[str, Any]:
    """A sentence in the middle of an empty panel."""
    return {
        "text": text,
        "xref": f"{x} domain",
        "yref": f"{y} domain",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"color": MUTED, "size": 13},
    }
