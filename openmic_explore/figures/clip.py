"""One clip: what it looks like, where a model looks, what it believes, and what is true, on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from openmic_explore.figures.axes import curve_axis, log_axis, mel_axis, time_axis
from openmic_explore.figures.panels import (
    Line,
    PictureLike,
    Wave,
    colour_bar,
    curve,
    heading,
    heatmap,
    lanes,
    lanes_axis,
    level,
    level_line,
    note_inside,
    waveform,
)
from openmic_explore.figures.style import GRID, base_layout

# Pixels.
PICTURE, CURVE, WAVE, LANE = 130, 84, 46, 15
ABOVE, GAP, BELOW = 20, 28, 36
LEFT, RIGHT, RIGHT_WITHOUT_LEGEND = 92, 150, 62
BESIDE = 0.12  # between two pictures, as a share of the width

TITLES = {
    "waveform": ("Waveform", "the sound's amplitude"),
    "log_mel": ("Log-mel spectrogram", "bands spaced as we hear pitch; brighter is louder"),
    "scalogram": ("Scalogram", "log frequency: an octave is the same height everywhere"),
    "network": ("What the CNN gets", "the numbers that go into its first layer"),
    "attention": (
        "Attention",
        "where the model looks: an instrument's weights sum to 1; dotted: no preference",
    ),
    "frame": ("Frame score", "how strongly it finds the instrument at each moment"),
    "truth": ("Truth", "when each instrument really sounds; the model never saw this"),
}
PICTURES = ("log_mel", "scalogram", "network")
PANELS = ("log_mel", "scalogram", "attention", "frame", "truth")


@dataclass(frozen=True)
class Manner:
    """How a clip is drawn.

    beside: pictures in pairs beside each other, not above. pitch: note names on the frequency axes. colours: the dB at
    either end of the colours of pictures in dB; None for all that they hold. height: of a picture, in pixels.
    legend: name the lines at the right. hover: plotly's own labels on pictures; without them, each picture's `meta`
    says what its levels and rows stand for.
    """

    beside: bool = False
    pitch: bool = False
    colours: tuple[float, float] | None = None
    height: int = PICTURE
    legend: bool = True
    hover: bool = True


PLAIN = Manner()


def clip_figure(
    log_mel: PictureLike | None,
    scalogram: PictureLike | None,
    lines: Sequence[Line],
    *,
    wave: Wave | None = None,
    network: PictureLike | None = None,
    frame_length: float = 1.0,
    frame_start: float = 0.0,
    activity_length: float = 0.1,
    duration: float = 10.0,
    notes: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
    panels: Sequence[str] = PANELS,
    manner: Manner = PLAIN,
) -> go.Figure:
    """Panels on one time axis: waveform, log-mel, scalogram, attention, frame score and, where known, the true activity.

    log_mel, scalogram, network (what a CNN is given): pictures, rows ascending in Hz; None leaves the panel empty.
    lines: the instruments to draw. frame_length, activity_length: seconds a frame of a line's attention and activity;
    frame_start: where the first frame of attention and score begins, in seconds.
    duration: seconds on the time axis. notes: a sentence in place of an empty panel, by panel ("log_mel", "attention" and
    so on). titles: other texts than those of TITLES, by panel. panels: which of TITLES to draw, in that order; the truth
    only where it is known.
    """
    known = [line for line in lines if line.active is not None]
    content = _Content(
        {"log_mel": log_mel, "scalogram": scalogram, "network": network},
        wave,
        lines,
        known,
        (frame_start, frame_length),
        activity_length,
        duration,
        manner,
    )
    rows = _rows([panel for panel in TITLES if panel in panels and (known or panel != "truth")], manner.beside)
    heights = [_height(row[0], len(known), manner) for row in rows]
    total = sum(heights) + ABOVE + GAP * (len(rows) - 1) + BELOW
    inner = total - ABOVE - BELOW

    layout: dict[str, Any] = base_layout(total) | {
        "margin": {"l": LEFT, "r": RIGHT if manner.legend else RIGHT_WITHOUT_LEGEND, "t": ABOVE, "b": BELOW},
        "annotations": [],
        "shapes": [],
        "dragmode": "zoom",
        "barmode": "overlay",
    }
    data: list[dict[str, Any]] = []
    count, top = 0, 0
    for row, height in zip(rows, heights, strict=True):
        bottom, upper = max(0.0, 1 - (top + height) / inner), 1 - top / inner
        top += height + GAP
        for column, panel in enumerate(row):
            count += 1
            number = "" if count == 1 else str(count)
            x, y = f"x{number}", f"y{number}"
            across = _across(column, panel in PICTURES and manner.beside)
            layout[f"xaxis{number}"] = (
                time_axis(y, duration, row is rows[-1]) | {"domain": across} | ({"matches": "x"} if number else {})
            )
            traces, axis, shapes = content.draw(panel, x, y)
            axis |= {"domain": [bottom, upper], "anchor": x, "fixedrange": True, "zeroline": False}
            picture = content.pictures.get(panel)
            if picture and panel == row[-1]:
                bar = colour_bar(picture, across[1] + 0.012, upper, height)
                traces[0] |= {"showscale": True, "colorbar": bar}
            if manner.legend and panel in ("attention", "frame") and "legend" not in layout:
                layout["legend"] = _legend(upper)
                traces = [trace | {"showlegend": True} for trace in traces]
            if note := (notes or {}).get(panel):
                layout["annotations"].append(note_inside(note, x, y))
                axis |= {"showticklabels": False, "showgrid": False, "range": [0, 1], "type": "linear"}
            # plotly leaves out a panel without a trace, and with it the note and the time axis.
            data += traces or [{"type": "scatter", "x": [0], "y": [None], "xaxis": x, "yaxis": y, "showlegend": False}]
            layout[f"yaxis{number}"] = axis
            layout["shapes"] += shapes
            text = (titles or {}).get(panel, TITLES[panel][1])
            layout["annotations"].append(heading(*_words(panel, text, picture, manner), across[0], upper))
    return go.Figure({"data": data, "layout": layout}, skip_invalid=False)


@dataclass(frozen=True)
class _Content:
    """What the panels are drawn from; grid: start and step of the lines' frames, in seconds."""

    pictures: dict[str, PictureLike | None]
    wave: Wave | None
    lines: Sequence[Line]
    known: Sequence[Line]
    grid: tuple[float, float]
    activity_length: float
    duration: float
    manner: Manner

    def draw(self, panel: str, x: str, y: str) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
        """A panel's traces, its vertical axis, and shapes behind the traces."""
        if panel == "waveform":
            return waveform(self.wave, x, y) if self.wave else [], _wave_axis(self.wave), []
        if panel == "truth":
            return lanes(self.known, self.activity_length, x, y), lanes_axis(self.known), []
        if panel in PICTURES:
            hertz = {} if self.manner.beside else {"title": {"text": "Hz", "standoff": 4}}
            picture = self.pictures[panel]
            if picture is None:
                return [], hertz, []
            rows = mel_axis if panel == "log_mel" else log_axis
            return (
                [_picture(picture, panel, x, y, self.manner)],
                rows(picture.frequency, pitch=self.manner.pitch) | hertz,
                [],
            )
        drawn = [line for line in self.lines if getattr(line, panel) is not None]
        traces = [curve(line, panel, self.grid, self.duration, x, y) for line in drawn]
        axis = curve_axis(panel, [np.asarray(getattr(line, panel), dtype=float) for line in drawn])
        even = [
            level_line(1 / len(line.attention), x, y, self.duration) for line in drawn[:1] if line.attention is not None
        ]
        return traces, axis, even if panel == "attention" else []


def _words(panel: str, text: str, picture: PictureLike | None, manner: Manner) -> tuple[str, str]:
    """A panel's heading: in bold, and not."""
    if picture is None:
        return TITLES[panel][0], text
    return f"{TITLES[panel][0]} {'×'.join(map(str, picture.values.shape))}", "Hz" if manner.beside else text


def _rows(panels: Sequence[str], beside: bool) -> list[list[str]]:
    """The panels of each row: one, or two pictures beside each other."""
    if not beside:
        return [[panel] for panel in panels]
    pictures = [panel for panel in panels if panel in PICTURES]
    pairs = [pictures[place : place + 2] for place in range(0, len(pictures), 2)]
    before = [[panel] for panel in panels if panel == "waveform"]
    after = [[panel] for panel in panels if panel != "waveform" and panel not in PICTURES]
    return before + pairs + after


def _across(column: int, half: bool) -> list[float]:
    """From where to where a panel goes, in paper coordinates."""
    if not half:
        return [0.0, 1.0]
    return [[0.0, 0.5 - BESIDE / 2], [0.5 + BESIDE / 2, 1.0]][column]


def _height(panel: str, known: int, manner: Manner) -> int:
    every = {"waveform": WAVE, "truth": LANE * known + 6} | dict.fromkeys(PICTURES, manner.height)
    return every.get(panel, CURVE)


def _picture(picture: PictureLike, panel: str, x: str, y: str, manner: Manner) -> dict[str, Any]:
    trace = heatmap(picture, TITLES[panel][0], x, y)
    if manner.colours and picture.unit == "dB":
        trace |= {"zmin": level(picture, manner.colours[0]), "zmax": level(picture, manner.colours[1])}
    if not manner.hover:
        del trace["hovertemplate"]
        trace |= {
            "hoverinfo": "skip",
            "meta": {
                "low": picture.low,
                "high": picture.high,
                "unit": picture.unit,
                "frequency": np.round(picture.frequency, 2).tolist(),
            },
        }
    return trace


def _wave_axis(wave: Wave | None) -> dict[str, Any]:
    peak = max(float(np.abs([wave.low, wave.high]).max()), 0.01) if wave else 1.0
    tick = next(step for step in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005) if step <= peak)
    return {"range": [-1.06 * peak, 1.06 * peak], "tickvals": [-tick, 0, tick], "gridcolor": GRID}


def _legend(top: float) -> dict[str, Any]:
    return {
        "x": 1.012,
        "xanchor": "left",
        "y": top,
        "yanchor": "top",
        "itemclick": False,
        "itemdoubleclick": False,
        "font": {"size": 11},
        "bgcolor": "rgba(0,0,0,0)",
    }
