"""Axes of a clip's panels: seconds, Hz, weights and scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.figures.style import GRID, MUTED

NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
OCTAVES = 27.5 * 2.0 ** np.arange(11)  # every A


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


def mel_axis(frequency: NDArray[np.float64], *, pitch: bool = False) -> dict[str, Any]:
    """Hz over mel bands as rows of equal height; frequency: (rows,) Hz, ascending. pitch: see `rows_axis`."""
    marks = (220, 440, 880, 1760, 3520, 7040) if pitch else (125, 500, 1000, 2000, 4000, 7500)
    near = [hertz for hertz in marks if frequency[0] * 0.7 <= hertz <= frequency[-1] * 1.1]
    return rows_axis(frequency, near, pitch=pitch)


def log_axis(frequency: NDArray[np.float64], *, pitch: bool = False) -> dict[str, Any]:
    """Hz over a scalogram's rows, with ticks at octaves; frequency: (rows,) Hz, ascending. pitch: see `rows_axis`."""
    octaves = [float(hertz) for hertz in OCTAVES if frequency[0] * 0.99 <= hertz <= frequency[-1] * 1.01]
    return rows_axis(frequency, octaves, pitch=pitch, every=2)


def rows_axis(
    frequency: NDArray[np.float64], marks: Sequence[float], *, pitch: bool = False, every: int = 1
) -> dict[str, Any]:
    """Rows of equal height, as a model gets them, with ticks where the Hz of `marks` would be between two rows.

    frequency: (rows,) Hz, ascending. pitch: note names before the Hz, such as A4 440. every: which ticks are labelled.
    """
    rows = np.interp(np.log(marks), np.log(frequency), np.arange(len(frequency)))
    words = [f"{note_name(hertz)} {hertz:g}" if pitch else f"{hertz:g}" for hertz in marks]
    return {
        # Categories, so that the pointer reads Hz while the picture stays a plain grid (four times faster to draw).
        "type": "category",
        "tickvals": rows.tolist(),
        "ticktext": ["" if place % every else word for place, word in enumerate(words)],
        "range": [-0.5, len(frequency) - 0.5],
        "showgrid": False,
    }


def note_name(hertz: float) -> str:
    """The nearest note of equal temperament: A4 is 440 Hz, C4 the middle C."""
    semitones = round(12 * np.log2(hertz / 440)) + 57  # above C0
    return f"{NOTES[semitones % 12]}{semitones // 12}"


def curve_axis(panel: str, values: Sequence[NDArray[np.floating]], *, least: float | None = None) -> dict[str, Any]:
    """The axis of attention ("attention"), of its product with the frame score ("product"), of the running estimate
    ("estimate") or of frame scores ("frame"), wide enough for the values of all lines.

    least: how far an axis of weights or products goes at the least, in place of the usual.
    """
    if panel in ("attention", "product"):
        least = (0.2 if panel == "attention" else 0.05) if least is None else least
        top = max([least, *(float(value.max()) for value in values)])
        low = min([0.0, *(float(value.min()) for value in values)])
        text = "weight" if panel == "attention" else "product"
        bounds, ticks = [low * 1.08, top * 1.08], None
    elif panel == "estimate":
        bounds, ticks, text = [-0.08, 1.08], [0, 0.5, 1], "probability"
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
