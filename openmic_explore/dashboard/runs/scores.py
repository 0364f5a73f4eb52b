"""Scores: every instrument of the chosen groups, beside the majority class and what was published."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.dashboard.runs.parts import OVER, SHORT, Asked, Part, Rows
from openmic_explore.dashboard.runs.published import PUBLISHED, published_majority, published_series
from openmic_explore.dashboard.runs.scoring import ALL, KNOWN
from openmic_explore.dashboard.runs.words import folded, names, number, plain, spread, table_of
from openmic_explore.figures.scores import MAJORITY, SHOWN, Elsewhere, Series, mean_over_seeds, scores_figure

MEANS = ("f1_macro", "f1", "f1_weighted", "average_precision")
SAID = (
    "<p>A marker is the mean over the seeds, its bar goes from the worst seed to the best one. "
    "<b>Click a marker</b> for the clips behind it.</p>"
)
SAID_ELSEWHERE = (
    "<p><b>Published numbers are of OpenMIC-2018</b>, other clips than those of this data set: see who is good at what, but "
    "never subtract one panel from the other.</p>"
)


def scores_part(asked: Asked, groups: list[Group]) -> Part:
    """A dot plot of the metric, the means of every run, and the same as tables."""
    state, scoring = asked.state, asked.scoring
    series = [
        Series(group.label, scoring.scores(group, state.metric, state.cells, state.threshold), asked.place(group))
        for group in groups
    ]
    own = scoring.data.name == "openmic-2018"
    figure = scores_figure(
        scoring.data.instruments,
        series,
        state.metric,
        baseline=scoring.majority(state.metric, state.cells) if state.majority else None,
        title=asked.title(SHOWN[state.metric], groups),
        cells=f", {OVER[state.cells]}",
        order=_order(asked, groups),
        mean=True,
        elsewhere=_elsewhere(asked) if state.published else None,
    )
    spoken = f"{SHOWN[state.metric]} per instrument of {names(groups)}{' and the majority class' * state.majority}"
    return Part(
        figure,
        spoken,
        SAID + (SAID_ELSEWHERE if state.published and not own else ""),
        _means(asked, groups) + _per_instrument(asked, groups),
        lambda: _rows(asked, groups),
    )


def _order(asked: Asked, groups: list[Group]) -> NDArray[np.intp]:
    """Rows from top to bottom; as at the usual threshold, so that they stay where they are while it is moved."""
    state, scoring = asked.state, asked.scoring
    if state.order == "name":
        return np.argsort(scoring.data.instruments)
    each = [mean_over_seeds(scoring.scores(group, state.metric, state.cells)) for group in groups]
    return np.argsort(-np.nan_to_num(mean_over_seeds(np.stack(each)), nan=-1.0), kind="stable")


def _elsewhere(asked: Asked) -> Elsewhere:
    name, metric, known = asked.state.published, asked.state.metric, asked.state.cells == KNOWN
    has = [SHORT[one] for one in SHORT if published_series(name, one)]
    note = f"published as {' and '.join(has)},<br>not as {SHORT[metric]}"
    return Elsewhere(
        f"as published: <b>OpenMIC-2018</b><br>{PUBLISHED[name].split(' (')[0]}, one run each",
        published_series(name, metric) if known else (),
        published_majority(metric) if asked.state.majority else None,
        note if known else "published scores are<br>of known cells only",
    )


def _means(asked: Asked, groups: list[Group]) -> str:
    from openmic_explore.experiments.tables import constant_outputs

    state, scoring = asked.state, asked.scoring
    columns = [(metric, state.cells) for metric in MEANS]
    heads = ["run", "seeds", "kept epoch", "constant outputs", *(SHORT[metric] for metric in MEANS)]
    if state.knows_truth and state.cells == KNOWN:
        columns.append(("average_precision", ALL))
        heads.append("avg. precision, all cells")
    lines = []
    for group in groups:
        epochs = [run.info["epoch"] for run in group.runs if run.info["epoch"] is not None]
        stuck = np.mean([constant_outputs(run).sum() for run in group.runs])
        facts = [str(len(group.runs)), f"{np.mean(epochs):.0f}" if epochs else "", f"{stuck:.1f}"]
        scores = [scoring.scores(group, metric, cells, state.threshold) for metric, cells in columns]
        lines.append((asked.label(group), [*facts, *(spread(mean_over_seeds(one.T)) for one in scores)], ""))
    floors = [spread(mean_over_seeds(scoring.majority(metric, cells)[:, None])) for metric, cells in columns]
    lines.append((MAJORITY, ["", "", str(len(scoring.data.instruments)), *floors], "om-base"))
    said = f"Means over the instruments, ± standard deviation over seeds; threshold {state.threshold:.2f}"
    return f"<h2>{said}</h2>{table_of(heads, lines)}"


def _per_instrument(asked: Asked, groups: list[Group]) -> str:
    state, scoring = asked.state, asked.scoring
    positives, negatives, floor = (
        scoring.majority(metric, state.cells) for metric in ("positives", "negatives", state.metric)
    )
    values = [scoring.scores(group, state.metric, state.cells, state.threshold) for group in groups]
    heads = ["instrument", "present / absent", *map(asked.label, groups), MAJORITY]
    lines = [
        (
            scoring.data.instruments[row].replace("_", " "),
            [
                f"{positives[row]:.0f} / {negatives[row]:.0f}",
                *(spread(one[:, row]) for one in values),
                number(floor[row]),
            ],
            "",
        )
        for row in _order(asked, groups)
    ]
    return folded(f"{SHOWN[state.metric]} of every instrument, as a table", table_of(heads, lines))


def _rows(asked: Asked, groups: list[Group]) -> Rows:
    from openmic_explore.evaluation.scores import COLUMNS

    state, scoring = asked.state, asked.scoring
    tables: list[tuple[str, Any, NDArray[np.float64]]] = [
        (group.label, run.config.seed, scoring.table(run, state.cells, state.threshold))
        for group in groups
        for run in group.runs
    ]
    tables.append((MAJORITY, "", scoring.majority_table(state.cells)))
    found: Rows = [["group", "seed", "cells", "threshold", "instrument", *COLUMNS]]
    for label, seed, table in tables:
        for name, values in zip(scoring.data.instruments, table, strict=True):
            found.append([label, seed, state.cells, f"{state.threshold:.2f}", name, *plain(values)])
    return found
