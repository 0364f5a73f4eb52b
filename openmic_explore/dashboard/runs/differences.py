"""Differences: every chosen group minus the reference, with paired intervals, and which survive Holm's correction."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.dashboard.runs.parts import OVER, SHORT, Asked, Part, Rows
from openmic_explore.dashboard.runs.scoring import Difference
from openmic_explore.dashboard.runs.words import folded, interval, names, plain, signed, table_of
from openmic_explore.figures.differences import SIGNIFICANT, differences_figure
from openmic_explore.figures.scores import SHOWN, mean_over_seeds

if TYPE_CHECKING:
    import pandas as pd


def pairs(asked: Asked) -> list[tuple[Group, Group]]:
    """The reference with every other chosen group."""
    groups = asked.groups
    reference = next((group for group in groups if group.name == asked.state.reference), None)
    return [(reference, group) for group in groups if group is not reference] if reference else []


def waiting(asked: Asked) -> list[Group]:
    """The groups that must be resampled first, the reference before the others."""
    state = asked.state
    wanted = {group.name: group for pair in pairs(asked) for group in pair}
    return [one for one in wanted.values() if not asked.scoring.resampled(one, state.cells, state.threshold)]


def differences_part(asked: Asked, groups: list[Group]) -> Part:
    """What there is of the differences: a dot plot around zero, and what it says in words."""
    state, found = asked.state, _found(asked)
    if not found:
        few = "" if pairs(asked) else "<p>Tick a second group of runs, beside the one that is subtracted.</p>"
        return Part(None, "no difference", few)
    reference, labels = pairs(asked)[0][0], {group.label: group for group in groups}
    corrected = _holm([one.mean.p for one in found.values()])
    rows = _order(asked, found)
    figure = differences_figure(
        {name: one.table.loc[rows] for name, one in found.items()},
        axis=f"{SHORT[state.metric]}, {OVER[state.cells]}: minus that of {reference.label}",
        means={name: one.mean for name, one in found.items()},
        p_means=dict(zip(found, corrected, strict=True)),
        places={name: asked.place(labels[name]) for name in found},
        title=asked.title(f"{SHOWN[state.metric]}: difference to {reference.label}", groups),
    )
    heads = ["instrument", *(asked.label(labels[name]) for name in found)]
    lines = [(row.replace("_", " "), [interval(one.table.loc[row]) for one in found.values()], "") for row in rows]
    table = folded("every difference with its interval, as a table (✔ survives the correction)", table_of(heads, lines))
    words = _words(asked, found, corrected, rows, labels)
    return Part(
        figure, f"difference of {names(groups)} to {html.escape(reference.label)}", words, table, lambda: _rows(asked)
    )


def _found(asked: Asked) -> dict[str, Difference]:
    """By label, of the pairs that are resampled already."""
    state, missing = asked.state, waiting(asked)
    return {
        b.label: asked.scoring.difference(a, b, state.metric, state.cells, state.threshold)
        for a, b in pairs(asked)
        if a not in missing and b not in missing
    }


def _holm(p: Sequence[float]) -> np.ndarray:
    from openmic_explore.evaluation.significance import holm

    return holm(np.array(p))


def _order(asked: Asked, found: Mapping[str, Difference]) -> list[str]:
    instruments = asked.scoring.data.instruments
    if asked.state.order == "name":
        return sorted(instruments)
    middle = mean_over_seeds(np.stack([one.table["difference"].to_numpy(float) for one in found.values()]))
    return [instruments[row] for row in np.argsort(-np.nan_to_num(middle, nan=-9.0), kind="stable")]


def _words(
    asked: Asked, found: Mapping[str, Difference], corrected: np.ndarray, rows: list[str], labels: Mapping[str, Group]
) -> str:
    many = len(found) > 1
    said = (
        "<p>95 % intervals of a paired bootstrap over the test clips, with the seeds held fixed. A mark is filled where the "
        f"difference survives Holm's correction: for the {len(rows)} instruments of its run; for the mean, for the "
        f"{len(found)} comparison{'s' * many} drawn.</p><ul>"
    )
    for (name, one), p in zip(found.items(), corrected, strict=True):
        table = one.table.loc[rows]
        sure = table[table["p_holm"] < SIGNIFICANT]["difference"]
        which = f": {', '.join(signed(str(row), value) for row, value in sure.items())}" if len(sure) else ""
        said += (
            f"<li>{asked.label(labels[name])}: mean <b>{one.mean.difference:+.3f}</b> "
            f"[{one.mean.low:+.3f}, {one.mean.high:+.3f}], p = {p:.3f}{' corrected' * many}; "
            f"{len(sure)} of {one.instruments} instruments differ{which}.</li>"
        )
    return f"{said}</ul>"


def _rows(asked: Asked) -> Rows:
    state = asked.state
    columns = ("a", "b", "difference", "low", "high", "p", "p_holm")
    rows: Rows = [["reference", "group", "cells", "threshold", "metric", "instrument", *columns]]
    found = _found(asked)
    for (label, (table, mean, _)), p in zip(found.items(), _holm([one.mean.p for one in found.values()]), strict=True):
        start = [pairs(asked)[0][0].label, label, state.cells, f"{state.threshold:.2f}", state.metric]
        for instrument, row in table.iterrows():
            rows.append([*start, instrument, *plain([row[name] for name in columns])])
        rows.append([*start, "mean", *plain([*_sides(table), *mean, p])])
    return rows


def _sides(table: "pd.DataFrame") -> tuple[float, float]:
    """Both means over the instruments where both are defined."""
    both = table.dropna(subset=["difference"])
    return float(both["a"].mean()), float(both["b"].mean())
