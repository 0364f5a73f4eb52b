"""How well runs and loudness follow an instrument through one clip, as a table."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from openmic_explore.figures.style import DARK, style

PARTS = {"attention": "attention", "frame": "frame score", "product": "product"}
MEANING = (
    "<p class='om-caption'>Frame AUC: of all pairs of a sounding and a silent moment of this clip, the share where the signal "
    "is larger while the instrument sounds; .5 is chance, “–” where it sounds always or never. Loudness is the control: a "
    "run that only finds the loud moments does no better. One clip says little; the lesson has all test clips.</p>"
)


def localisation_table(
    columns: Mapping[str, int],
    found: Mapping[str, Mapping[str, NDArray[np.float64]]],
    loudness: NDArray[np.float64] | None,
) -> str:
    """Frame AUCs as HTML.

    columns: the instruments and their places; found: by run, by each of PARTS, the AUC (20,); loudness: that of the
    control (20,), None without sound.
    """
    rows = []
    for place, (name, column) in enumerate(columns.items()):
        drawn = style(place)
        mark = f"<span class='om-glyph' style='--light:{drawn.colour};--dark:{DARK[drawn.colour]}'>{drawn.glyph}</span>"
        first = f"<td>{mark} {name.replace('_', ' ')}</td>"
        for run, auc in found.items():
            rows.append(f"<tr>{first}<td>{html.escape(run)}</td>{_cells([auc[part][column] for part in PARTS])}</tr>")
        if loudness is not None:
            rows.append(
                f"<tr class='om-base'>{first}<td>loudness alone, no model</td>{_cells([loudness[column]] * len(PARTS))}</tr>"
            )
    if not rows:
        return ""
    head = "".join(f"<th class='om-figure' scope='col'>{text}</th>" for text in PARTS.values())
    return (
        "<h2>Does it follow when the instrument sounds? Frame AUC in this clip</h2><table class='om-scores'><thead><tr>"
        f"<th scope='col'>instrument</th><th scope='col'>run</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"{MEANING}"
    )


def _cells(values: Sequence[float]) -> str:
    texts = [f"{value:.2f}" if np.isfinite(value) else "–" for value in values]
    return "".join(f"<td class='om-figure'>{text}</td>" for text in texts)
