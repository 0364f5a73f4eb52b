"""Numbers and tables of the view Runs, as text and as HTML."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.figures.differences import SIGNIFICANT


def names(groups: Sequence[Group]) -> str:
    """Groups in a row, as HTML."""
    return ", ".join(html.escape(group.label) for group in groups)


def number(value: float) -> str:
    """A score as a table has it."""
    return f"{value:.3f}" if np.isfinite(value) else "undefined"


def spread(values: Sequence[float] | np.ndarray) -> str:
    """The mean over seeds where defined, and the standard deviation where there are several."""
    defined = [value for value in values if np.isfinite(value)]
    if not defined:
        return "undefined"
    return f"{np.mean(defined):.3f}" + (f" ± {np.std(defined, ddof=1):.3f}" if len(defined) > 1 else "")


def signed(instrument: str, difference: float) -> str:
    """An instrument and how much it differs."""
    return f"{instrument.replace('_', ' ')} {difference:+.2f}"


def interval(row: Any) -> str:
    """A row of a table of differences in one cell."""
    if not np.isfinite(row["difference"]):
        return "undefined"
    mark = " ✔" if row["p_holm"] < SIGNIFICANT else ""
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]{mark}"


def plain(values: Sequence[float] | np.ndarray) -> list[str]:
    """Numbers for a file; nothing where undefined."""
    return [f"{value:.6g}" if np.isfinite(value) else "" for value in values]


def table_of(heads: Sequence[str], lines: Sequence[tuple[str, Sequence[str], str]], *, words: bool = False) -> str:
    """heads: texts; lines: the first cell, the others, and the row's class. words: the last column is no number. Texts
    are HTML."""
    last = len(heads) - 1 if words else len(heads)

    def kind(place: int) -> str:
        return "" if not place else " class='om-figure'" if place < last else " class='om-words'"

    top = "".join(f"<th scope='col'{kind(place)}>{text}</th>" for place, text in enumerate(heads))
    body = "".join(
        f"<tr{f' class={css}' if css else ''}>"
        + "".join(f"<td{kind(place)}>{text}</td>" for place, text in enumerate((first, *rest)))
        + "</tr>"
        for first, rest, css in lines
    )
    table = f"<table class='om-scores'><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='om-wide' tabindex='0' role='group' aria-label='table, scrolls sideways'>{table}</div>"


def folded(summary: str, content: str) -> str:
    """To be unfolded by who wants it."""
    return f"<details><summary>{summary}</summary>{content}</details>"
