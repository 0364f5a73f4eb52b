"""What happened in training: learning curves, and heads that died."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.dashboard.runs.parts import Asked, Part, Rows
from openmic_explore.dashboard.runs.words import names, number, plain, table_of
from openmic_explore.figures.curves import HISTORY, Curve, Learned, heads_figure, learning_figure

if TYPE_CHECKING:
    from openmic_explore.training import Run

SAID_LEARNING = (
    "<p>Lines are means over the seeds, bands go from the lowest seed to the highest. Training loss that falls while "
    "validation loss rises: the model learns its clips by heart.</p>"
)
SAID_HEADS = (
    "<p>A head is dead where it says the same of every clip: it scores as the majority class does. A clamp that cuts off "
    "whatever the network says passes no gradient on, so such a head may never come back.</p>"
)


def learning_part(asked: Asked, groups: list[Group]) -> Part:
    """Losses and validation scores by epoch, and the numbers at the kept epoch."""
    trained = asked.scoring.sound([group for group in groups if group.runs[0].has_epochs], "history")
    others = [group for group in groups if not group.runs[0].has_epochs]
    said = SAID_LEARNING + (f"<p>Without epochs, as a baseline is: {names(others)}.</p>" if others else "")
    if not trained:
        return Part(None, "no learning curve", said)
    learned = [
        Learned(group.label, asked.place(group), [run.history for run in group.runs], _kept(group.runs))
        for group in trained
    ]
    lines = []
    for group in trained:
        for run in group.runs:
            at = run.history.set_index("epoch").loc[run.info["epoch"]]
            facts = [str(run.config.seed), str(len(run.history)), str(run.info["epoch"])]
            lines.append((asked.label(group), [*facts, *(number(at[column]) for column in HISTORY)], ""))
    table = table_of(["run", "seed", "epochs", "kept", *HISTORY.values()], lines)
    return Part(
        learning_figure(learned, title=asked.title("Learning curves", trained, "validation clips")),
        f"learning curves of {names(trained)}",
        said,
        f"<h2>At the kept epoch</h2>{table}",
        lambda: _history_rows(trained),
    )


def heads_part(asked: Asked, groups: list[Group]) -> Part:
    """How many heads are dead by epoch, and which are at the kept epoch."""
    kept = [group for group in asked.scoring.sound(groups, "heads") if all(run.heads for run in group.runs)]
    here = {group.name for group in kept}
    without = [group for group in groups if group.name not in here]
    said = SAID_HEADS + (f"<p>Without a record of heads: {names(without)}.</p>" if without else "")
    if not kept:
        return Part(None, "no record of heads", said)

    def curves(count: "Callable[[Run], NDArray]") -> list[Curve]:
        return [
            Curve(group.label, asked.place(group), _padded([count(run) for run in group.runs]), _kept(group.runs))
            for group in kept
        ]

    instruments = asked.scoring.data.instruments
    figure = heads_figure(
        curves(lambda run: run.heads.constant.sum(axis=1) if run.heads else np.zeros(0)),
        curves(lambda run: run.heads.blocked.sum(axis=1) if run.heads else np.zeros(0)),
        len(instruments),
        title=asked.title("Dead heads", kept, "training and validation clips"),
    )
    lines = []
    for group in kept:
        for run in group.runs:
            dead = run.heads.constant[run.info["epoch"] - 1] if run.heads else np.zeros(0, dtype=bool)
            which = ", ".join(np.array(instruments)[dead]).replace("_", " ")
            facts = [str(run.config.seed), str(run.info["epoch"]), str(int(dead.sum()))]
            lines.append((asked.label(group), [*facts, which or "none"], ""))
    table = table_of(["run", "seed", "kept epoch", "dead", "which"], lines, words=True)
    return Part(
        figure,
        f"dead heads by epoch of {names(kept)}",
        said,
        f"<h2>Dead at the kept epoch, on the validation clips</h2>{table}",
        lambda: _head_rows(kept, instruments),
    )


def _kept(runs: "Sequence[Run]") -> list[int]:
    return [int(run.info["epoch"]) for run in runs]


def _padded(rows: Sequence[NDArray]) -> NDArray[np.float64]:
    """Rows of different lengths as one array, nan where one has ended."""
    padded = np.full((len(rows), max(map(len, rows))), np.nan)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded


def _history_rows(groups: list[Group]) -> Rows:
    rows: Rows = [["group", "seed", "kept_epoch", "epoch", *HISTORY]]
    for group in groups:
        for run in group.runs:
            table = run.history[["epoch", *HISTORY]].to_numpy().tolist()
            rows += [
                [group.label, run.config.seed, run.info["epoch"], int(epoch), *plain(values)]
                for epoch, *values in table
            ]
    return rows


def _head_rows(groups: list[Group], instruments: Sequence[str]) -> Rows:
    rows: Rows = [["group", "seed", "epoch", "instrument", "constant", "blocked", "spread"]]
    for group in groups:
        for run in group.runs:
            for epoch, column in np.ndindex(run.heads.constant.shape) if run.heads else ():
                constant, numbers = run.heads.constant, (run.heads.blocked, run.heads.spread)  # type: ignore[union-attr]
                facts = [int(constant[epoch, column]), *plain([float(one[epoch, column]) for one in numbers])]
                rows.append([group.label, run.config.seed, epoch + 1, instruments[column], *facts])
    return rows
