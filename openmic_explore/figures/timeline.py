"""A sound of any length: what it looks like, which instruments a run hears in it when, and where it looks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.axes import curve_axis, log_axis, mel_axis, time_axis
from openmic_explore.figures.panels import Line, PictureLike, colour_bar, heading, heatmap
from openmic_explore.figures.style import MAP, base_layout

# Pixels.
PICTURE, CURVE, ROW = 110, 84, 13
ABOVE, GAP, BELOW = 20, 28, 40
LEFT, RIGHT = 122, 70
MARKERS = 40  # on a line: a shape beside each colour, however long the sound
TITLES = {
    "log_mel": ("Log-mel spectrogram", "bands spaced as we hear pitch"),
    "scalogram": ("Scalogram", "log frequency: an octave is the same height everywhere"),
    "instruments": ("Instruments over time", "frame score; the file's most probable on top"),
    "attention": ("Attention", "where the model looks; an instrument's weights sum to 1 over each window"),
    "frame": ("Frame score", "of the chosen instruments"),
}


def timeline_figure(
    log_mel: PictureLike | None,
    scalogram: PictureLike | None,
    instruments: Sequence[str] = (),
    score: NDArray[np.floating] | None = None,
    lines: Sequence[Line] = (),
    *,
    frame_start: float = 0.0,
    frame_length: float = 1.0,
    duration: float = 10.0,
) -> go.Figure:
    """Panels on one time axis: log-mel, scalogram, a map of instruments over time, attention and score of some of them.

    instruments: names of the rows of score (K, F), from the top down; None without a run. lines: the instruments to draw,
    of the same F frames; what they are called stands outside the figure. frame_start, frame_length: where the first frame
    begins and how long each is; duration: of the sound, all in seconds.
    """
    heights = {"log_mel": PICTURE, "scalogram": PICTURE}
    if score is not None:
        heights |= {"instruments": ROW * len(instruments), "attention": CURVE, "frame": CURVE}
    inner = sum(heights.values()) + GAP * (len(heights) - 1)
    layout = base_layout(inner + ABOVE + BELOW) | {
        "margin": {"l": LEFT, "r": RIGHT, "t": ABOVE, "b": BELOW},
        "showlegend": False,
        "annotations": [],
        "dragmode": "zoom",
    }  # fmt: skip
    grid = frame_start, frame_length
    data: list[dict[str, Any]] = []
    top = 0
    for row, (panel, height) in enumerate(heights.items(), start=1):
        suffix = "" if row == 1 else str(row)
        x, y = f"x{suffix}", f"y{suffix}"
        domain = [max(0.0, 1 - (top + height) / inner), 1 - top / inner]
        top += height + GAP
        layout[f"xaxis{suffix}"] = time_axis(y, duration, row == len(heights)) | ({"matches": "x"} if suffix else {})
        axis: dict[str, Any] = {"domain": domain, "anchor": x, "fixedrange": True, "zeroline": False}
        layout["annotations"].append(heading(*TITLES[panel], 0, domain[1]))
        if panel in ("log_mel", "scalogram"):
            picture = log_mel if panel == "log_mel" else scalogram
            if picture is not None:
                bar = colour_bar(picture, 1.012, domain[1], height)
                data.append(heatmap(picture, TITLES[panel][0], x, y) | {"showscale": True, "colorbar": bar})
                axis |= mel_axis(picture.frequency) if panel == "log_mel" else log_axis(picture.frequency)
            axis |= {"title": {"text": "Hz", "standoff": 4}}
        elif panel == "instruments" and score is not None:
            data.append(_map(instruments, score, grid, x, y, domain[1], height))
            axis |= {"autorange": "reversed", "tickfont": {"size": 10.5}, "showgrid": False, "dtick": 1}
        else:
            data += [_curve(line, panel, grid, x, y) for line in lines]
            values = [np.asarray(getattr(line, panel), dtype=float) for line in lines]
            # Over many frames weights are small.
            axis |= curve_axis(panel, values, least=0.0 if lines else 1.0)
        if not any(one["yaxis"] == y for one in data):
            # plotly leaves out a panel without a trace, and with it the time axis.
            data.append({"type": "scatter", "x": [0], "y": [None], "xaxis": x, "yaxis": y, "showlegend": False})
        layout[f"yaxis{suffix}"] = axis
    return go.Figure({"data": data, "layout": layout}, skip_invalid=False)


def _map(
    instruments: Sequence[str], score: NDArray[np.floating], grid: tuple[float, float], x: str, y: str, top: float,
    height: int,
) -> dict[str, Any]:  # fmt: skip
    start, length = grid
    score = np.asarray(score, dtype=float)
    low = -1.0 if score.size and score.min() < -1e-3 else 0.0  # the published head scores in (-1, 1)
    ticks = [-1.0, 0.0, 1.0] if low else [0.0, 0.5, 1.0]
    return {
        "type": "heatmap",
        "z": np.round((np.clip(score, low, 1.0) - low) / (1 - low) * 255).astype(np.uint8),
        "x0": start + length / 2,
        "dx": length,
        "y": [name.replace("_", " ") for name in instruments],
        "text": np.round(score, 2).astype(np.float32),
        "xaxis": x,
        "yaxis": y,
        "ygap": 1,
        "hovertemplate": "%{y}: %{text}<br>%{x:.1f} s<extra></extra>",
        **_scale(
            "score",
            [(value - low) / (1 - low) * 255 for value in ticks],
            [f"{value:g}" for value in ticks],
            top,
            height,
        ),
    }


def _scale(title: str, values: list[float], texts: list[str], top: float, height: int) -> dict[str, Any]:
    return {
        "zmin": 0, "zmax": 255, "colorscale": MAP,
        "colorbar": {
            "title": {"text": title, "side": "top", "font": {"size": 11}}, "x": 1.012, "xanchor": "left", "y": top,
            "yanchor": "top", "len": min(height, PICTURE), "lenmode": "pixels", "thickness": 10, "outlinewidth": 0,
            "xpad": 0, "ypad": 0, "tickfont": {"size": 10.5}, "tickvals": values, "ticktext": texts,
        },
    }  # fmt: skip


def _curve(line: Line, panel: str, grid: tuple[float, float], x: str, y: str) -> dict[str, Any]:
    start, length = grid
    values = np.asarray(getattr(line, panel), dtype=float)
    name = line.name.replace("_", " ")
    every = max(1, round(len(values) / MARKERS))
    sizes = np.where(np.arange(len(values)) % every == 0, 6, 0)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": np.round(start + (np.arange(len(values)) + 0.5) * length, 4),
        "y": np.round(values, 4),
        "xaxis": x,
        "yaxis": y,
        "line": {"shape": "hvh", "color": line.style.colour, "width": 1.6, "dash": line.style.dash},
        "marker": {"symbol": line.style.symbol, "color": line.style.colour, "size": sizes.tolist(), "opacity": 1},
        "hovertemplate": f"{name}: %{{y:.2f}}<extra></extra>",
    }
