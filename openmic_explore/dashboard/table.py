"""The rows of an InstrumentTable."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from openmic_explore.figures.style import DARK, style

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Frames


def table_rows(data: "OpenMIC", key: str, shown: Sequence[str], frames: "Frames | None" = None) -> list[dict[str, Any]]:
    """The rows of an InstrumentTable for a clip; with a run's `frames` its probabilities. None without a clip."""
    if not key:
        return []
    labels, row, truth = data.labels(key), data.index(key), data.truth
    styles = {name: style(place) for place, name in enumerate(shown)}
    rows = []
    for column, name in enumerate(data.instruments):
        drawn = styles.get(name)
        rows.append(
            {
                "name": name,
                "label": labels[name],
                "truth": bool(truth[row, column]) if truth is not None else None,
                "probability": round(float(np.clip(frames.clip[column], 0, 1)), 4) if frames else None,
                "shown": drawn is not None,
                "colour": drawn.colour if drawn else None,
                "dark": DARK[drawn.colour] if drawn else None,
                "glyph": drawn.glyph if drawn else None,
            }
        )
    return rows
