"""Axes of a clip's panels: seconds, Hz, weights and scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.figures.style import GRID, MUTED


def time_axis(y: str, duration: float, last: bool) -> dict[str, Any]:
    """Seconds; only the last panel's axis is labelled."""
    axis: dict[str, Any] = {
        "anchor": y,
        "range": [0, duration],
        "minallowed": 0,
        "maxallowed": duration,
        "showgrid": False,
        "zeroline": False,
        "showticklabels": last,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": MUTED,
        "showline": True,
        "linecolor": MUTED,
    }
    return axis | ({"title": {"text": "time (s)", "standoff": 4}} if last else {})


def mel_axis(frequency: NDArray[np.float64]) -> dict[str, Any]:
    """Hz over rows of equal height; frequency: (rows,) Hz, ascending."""
    # Rows of equal height, as the model gets them; ticks stand where their Hz would be between two rows.
    # Categories, so that the pointer reads Hz while the picture stays a plain grid (four times faster to draw).
    marks = [
        hertz for hertz in (125, 500, 1000, 2000, 4000, 7500) if frequency[0] * 0.7 <= hertz <= frequency[-1] * 1.1
    ]
    rows = np.interp(np.log(marks), np.log(frequency), np.arange(len(frequency)))
    return {
        "type": "category",
        "tickvals": rows.tolist(),
        "ticktext": [f"{hertz:g}" for hertz in marks],
        "range": [-0.5, len(frequency) - 0.5],
        "showgrid": False,
    }


def log_axis(frequency: NDArray[np.float64]) -> dict[str, Any]:
    """Hz on a log axis, with ticks at octaves; frequency: (rows,) Hz, ascending."""
    half = np.log10(frequency[-1] / frequency[0]) / max(1, len(frequency) - 1) / 2
    octaves = 27.5 * 2.0 ** np.arange(10)  # every A
    return {
        "type": "log",
        "tickvals": octaves.tolist(),
        # A label every other octave: 27.5, 110, 440 ...
        "ticktext": ["" if place % 2 else f"{hertz:g}" for place, hertz in enumerate(octaves)],
        "range": [float(np.log10(frequency[0]) - half), float(np.log10(frequency[-1]) + half)],
        "showgrid": False,
    }


def curve_axis(panel: str, values: Sequence[NDArray[np.floating]]) -> dict[str, Any]:
    """The axis of attention ("attention") or of frame scores, wide enough for the values of all lines."""
    if panel == "attention":
        top = max([0.2, *(float(value.max()) for value in values)])
        bounds, ticks, text = [0, top * 1.08], None, "weight"
    else:
        # The published head scores in (-1, 1), the repaired one in [0, 1].
        low = -1 if any(value.min() < -0.001 for value in values) else 0
        bounds, ticks, text = [low - 0.06, 1.06], ([-1, 0, 1] if low else [0, 0.5, 1]), "score"
    axis: dict[str, Any] = {"range": bounds, "gridcolor": GRID, "title": {"text": text, "standoff": 4}, "nticks": 4}
    return axis | ({"tickvals": ticks} if ticks else {})


def round_values(low: float, high: float) -> list[float]:
    """Three to six round values in [low, high]."""
    decade = 10.0 ** np.floor(np.log10(high - low))
    step = next(decade * factor for factor in (2.0, 1.0, 0.5, 0.2) if (high - low) / (decade * factor) >= 3)
    first = np.ceil(low / step)
    return [float(value * step) for value in range(int(first), int(np.floor(high / step)) + 1)]
