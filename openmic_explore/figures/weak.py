"""Weak labels, to be played with: answers to "when does it sound?", cells known and hidden, a loss in two readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.axes import mel_axis, time_axis
from openmic_explore.figures.labels import COLOURS, STATES
from openmic_explore.figures.panels import PictureLike, heading, heatmap
from openmic_explore.figures.style import GRID, INK, MUTED, OKABE_ITO, PAPER, base_layout, legend_line, title_line

MARKS = {-1: "", 0: "○", 1: "●"}  # a state's glyph in a cell; unknown is an empty one
WRONG = "✖"
PICTURE, LANE, CURVE, GAP = 120, 30, 90, 34  # pixels
ROW = 21
PIXELS = 3  # of a cell in a picture of many clips


@dataclass(frozen=True)
class Answer:
    """Frames (T,) that somebody marks; said: the score beside the name, already words. colour: of the bars."""

    name: str
    marked: NDArray[np.bool_]
    colour: str
    said: str = ""


def answers_figure(
    answers: Sequence[Answer],
    *,
    log_mel: PictureLike | None = None,
    curve: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
    threshold: float = 0.5,
    curve_title: tuple[str, str] = ("", ""),
    duration: float = 10.0,
    title: str = "",
) -> go.Figure:
    """Answers to "when does it sound?" as lanes, the curve that one of them is cut from, and the sound's log-mel.

    curve: edges (T + 1,) s of frames, and values (T,); drawn with its threshold; curve_title: a head and what to know of
    it. duration: seconds.
    """
    panels = [("lanes", LANE * len(answers))]
    panels += [("curve", CURVE)] if curve is not None else []
    panels += [("picture", PICTURE)] if log_mel is not None else []
    above, below = 58, 44
    height = sum(size for _, size in panels) + GAP * (len(panels) - 1) + above + below
    inner = max(1, height - above - below)
    layout = base_layout(height) | {
        "margin": {"l": 236, "r": 24, "t": above, "b": below},
        "title": title_line(title, 10),
        "barmode": "overlay",
        "showlegend": False,
        "annotations": [],
        "shapes": [],
    }
    data: list[dict[str, Any]] = []
    top = 0
    for place, (panel, size) in enumerate(panels, start=1):
        suffix = "" if place == 1 else str(place)
        x, y = f"x{suffix}", f"y{suffix}"
        domain = [max(0.0, 1 - (top + size) / inner), 1 - top / inner]
        top += size + GAP
        axis: dict[str, Any] = {"domain": domain, "anchor": x, "fixedrange": True, "showgrid": False, "zeroline": False}
        axis["ticklabelstandoff"] = 6  # clear of the playhead at 0 s
        layout[f"xaxis{suffix}"] = time_axis(y, duration, place == len(panels)) | ({"matches": "x"} if suffix else {})
        if panel == "picture" and log_mel is not None:
            data.append(heatmap(log_mel, "log-mel spectrogram", x, y))
            axis |= mel_axis(log_mel.frequency) | {"title": {"text": "Hz", "standoff": 4}}
            layout["annotations"].append(heading("Log-mel spectrogram", "what it looks like", 0, domain[1]))
        elif panel == "lanes":
            data += [_lane(answer, row, duration, x, y) for row, answer in enumerate(answers)]
            axis |= {
                "tickvals": list(range(len(answers))),
                "ticktext": [f"{answer.name} <b>{answer.said}</b>" for answer in answers],
                "range": [len(answers) - 0.5, -0.5],
            }
            layout["annotations"].append(heading("When does it sound?", "overlap with the truth in bold", 0, domain[1]))
        elif curve is not None:
            edges, values = (np.round(np.asarray(part, dtype=float), 4) for part in curve)
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": edges, "y": np.append(values, values[-1:]), "xaxis": x,
                    "yaxis": y, "line": {"shape": "hv", "color": OKABE_ITO[0], "width": 2}, "fill": "tozeroy",
                    "fillcolor": "rgba(0, 114, 178, 0.15)", "hovertemplate": "%{x:.1f} s: %{y:.3f}<extra></extra>",
                }
            )  # fmt: skip
            layout["shapes"].append(
                {
                    "type": "line", "xref": x, "yref": y, "x0": 0, "x1": duration, "y0": threshold, "y1": threshold,
                    "line": {"color": MUTED, "width": 1, "dash": "dot"},
                }
            )  # fmt: skip
            low = min(0.0, float(values.min()))
            reach = max(float(values.max()), threshold) * 1.1
            axis |= {"range": [low * 1.1, reach], "nticks": 4, "gridcolor": GRID, "showgrid": True}
            layout["annotations"].append(heading(*curve_title, 0, domain[1]))
        layout[f"yaxis{suffix}"] = axis
    return go.Figure({"data": data, "layout": layout}, skip_invalid=False)


def matrix_figure(
    states: NDArray[np.integer],
    clips: Sequence[str],
    instruments: Sequence[str],
    *,
    parts: int = 1,
    title: str = "",
) -> go.Figure:
    """What is known of N clips and K instruments: a cell for each pair, coloured by its state, -1, 0 or 1.

    states: (N, K). clips: names, for the hover. parts: rows that an instrument's clips are folded into, so that many
    have room; with one row each cell also carries its state's glyph.
    """
    states = np.asarray(states, dtype=np.int8)
    across = -(-len(states) // parts)
    rows = [name.replace("_", " ") for name in instruments]
    height = max(ROW, PIXELS * parts) * len(rows) + 130
    figure = go.Figure(
        {"data": [_band(states[:, place], clips, row, place, parts) for place, row in enumerate(rows)]},
        skip_invalid=False,
    )
    for state, name in STATES.items():
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=f"{MARKS[state]} {name}", hoverinfo="skip",
            marker={"symbol": "square", "size": 11, "color": COLOURS[state], "line": {"width": 1, "color": MUTED}},
        )  # fmt: skip
    figure.update_layout(_layout(height, title))
    figure.update_layout(margin_l=140)
    middle = (np.arange(len(rows)) + 0.5) * parts - 0.5
    figure.update_xaxes(
        ticks="", title_text="clip" if parts == 1 else f"clips, in {parts} rows for each instrument",
        showgrid=False, zeroline=False, showticklabels=False, range=[0.5, across + 0.5],
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=middle, ticktext=rows, range=[len(rows) * parts - 0.5, -0.5], showgrid=False, zeroline=False,
        fixedrange=True,
    )  # fmt: skip
    if parts > 1:
        figure.update_layout(shapes=[_border(place * parts - 0.5, across) for place in range(1, len(rows))])
    return figure


def losses_figure(
    instruments: Sequence[str],
    state: NDArray[np.integer],
    probability: NDArray[np.floating],
    masked: NDArray[np.floating],
    absent: NDArray[np.floating],
    truth: NDArray[np.bool_] | None = None,
    *,
    title: str = "",
) -> go.Figure:
    """One clip's cells (K,) in two readings: the loss where only known cells count, and with unknown taken for absent.

    state: -1, 0, 1. masked: nan where unknown. truth: which instruments sound; those that are unknown and sound are
    marked: there the second reading punishes what is right.
    """
    state, probability = np.asarray(state), np.asarray(probability)
    rows = [
        f"{name.replace('_', ' ')}  {MARKS[int(cell)] or '□'}  {value:.2f}"
        for name, cell, value in zip(instruments, state, probability, strict=True)
    ]
    said = [STATES[int(cell)] for cell in state]
    figure = go.Figure()
    for name, values, colour in (
        ("unknown masked", masked, OKABE_ITO[0]),
        ("unknown taken for absent", absent, OKABE_ITO[1]),
    ):
        figure.add_bar(
            y=rows, x=values, orientation="h", name=name, marker_color=colour, customdata=said,
            hovertemplate="%{y} (label: %{customdata})<br>loss %{x:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
    wrong = np.zeros(len(state), dtype=bool) if truth is None else (state < 0) & np.asarray(truth)
    figure.add_scatter(
        x=np.asarray(absent)[wrong], y=np.array(rows)[wrong], mode="markers+text", text="sounds!",
        textposition="middle right", name="a false “absent”", cliponaxis=False, hoverinfo="skip",
        marker={"symbol": "x", "size": 10, "color": INK, "line": {"width": 1, "color": PAPER}},
        textfont={"size": 11},
    )  # fmt: skip
    figure.update_layout(_layout(ROW * len(rows) + 150, title) | {"bargap": 0.2})
    figure.update_layout(margin_l=196)
    most = float(np.nanmax(absent)) if len(state) else 1.0
    figure.update_xaxes(
        title_text="binary cross-entropy (nats)", gridcolor=GRID, zeroline=False, range=[0, most * 1.35]
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    return figure


def false_absents_figure(
    instruments: Sequence[str], present: NDArray[np.integer], wrong: NDArray[np.integer], *, title: str = ""
) -> go.Figure:
    """Labels "present" (K,) beside the cells that sound, are unknown, and would be taught as absent; most wrong on top."""
    order = np.argsort(-np.asarray(wrong), kind="stable")
    rows = [instruments[place].replace("_", " ") for place in order]
    figure = go.Figure()
    for name, values, colour in (
        ("● labelled present", present, OKABE_ITO[0]),
        (f"{WRONG} false “absent”: sounds, unlabelled", wrong, OKABE_ITO[1]),
    ):
        figure.add_bar(
            y=rows, x=np.asarray(values)[order], orientation="h", name=name, marker_color=colour,
            hovertemplate="%{y}: %{x:,} clips<extra>" + name + "</extra>",
        )  # fmt: skip
    figure.update_layout(_layout(ROW * len(rows) + 140, title) | {"bargap": 0.25})
    figure.update_layout(margin_l=140)
    figure.update_xaxes(title_text="clips", gridcolor=GRID, zeroline=False, tickformat=",")
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    return figure


def _band(state: NDArray[np.integer], clips: Sequence[str], name: str, place: int, parts: int) -> dict[str, Any]:
    """One instrument's cells (N,), folded into `parts` rows."""
    across = -(-len(state) // parts)
    padded = np.full(across * parts, -1, dtype=np.int8)
    padded[: len(state)] = state
    folded = padded.reshape(parts, across)
    order = sorted(STATES)
    words, glyphs = (np.array([names[one] for one in order], dtype=object) for names in (STATES, MARKS))
    trace: dict[str, Any] = {
        "type": "heatmap", "z": folded, "x0": 1, "dx": 1, "y0": place * parts, "dy": 1, "zmin": -1, "zmax": 1,
        "colorscale": _steps([COLOURS[one] for one in order]), "showscale": False,
    }  # fmt: skip
    if parts == 1:
        return trace | {
            "xgap": 1.5, "ygap": 1.5, "text": glyphs[folded + 1], "texttemplate": "%{text}", "textfont": {"size": 11},
            "customdata": [[f"{words[one + 1]}<br>clip {clip}" for one, clip in zip(state, clips, strict=True)]],
            "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
        }  # fmt: skip
    number = np.arange(1, across * parts + 1, dtype=np.uint16).reshape(parts, across)
    return trace | {
        "text": words[folded + 1],
        "customdata": number,
        "hovertemplate": f"{name}: %{{text}}<br>clip %{{customdata}} of {len(state):,}<extra></extra>",
    }


def _lane(answer: Answer, row: int, duration: float, x: str, y: str) -> dict[str, Any]:
    marked = np.asarray(answer.marked, dtype=np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked, [0]]))) * duration / max(1, len(marked))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    return {
        "type": "bar", "orientation": "h", "base": np.round(starts, 3).tolist(), "x": np.round(lengths, 3).tolist(),
        "y": [row] * len(starts), "width": 0.62, "xaxis": x, "yaxis": y, "name": answer.name,
        "marker": {"color": answer.colour, "line": {"width": 0}},
        "hovertemplate": f"{answer.name}: %{{x:.1f}} s from %{{base:.1f}} s on<extra></extra>",
    }  # fmt: skip


def _border(at: float, across: int) -> dict[str, Any]:
    return {
        "type": "line", "x0": 0.5, "x1": across + 0.5, "y0": at, "y1": at, "line": {"color": PAPER, "width": 3},
    }  # fmt: skip


def _steps(colours: Sequence[str]) -> list[list[Any]]:
    """A colour scale without transitions."""
    edges = np.linspace(0, 1, len(colours) + 1)
    return [[float(edge), colour] for place, colour in enumerate(colours) for edge in edges[place : place + 2]]


def _layout(height: int, title: str) -> dict[str, Any]:
    """Title at the left, the legend under it."""
    return base_layout(height) | {
        "margin": {"l": 70, "r": 24, "t": 86, "b": 48},
        "title": title_line(title, 10),
        "legend": legend_line(height, 44) | {"itemclick": False, "itemdoubleclick": False},
    }
