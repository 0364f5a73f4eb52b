"""What came out: runs held against each other, and tables of them in Markdown."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.experiments.named import EXPERIMENTS, configs, experiments, shortened
from openmic_explore.training import Run, Runs

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.evaluation import Comparison

# What a table of runs shows: of the observed cells, means over instruments.
COLUMNS = {
    "f1": "F1 of present",
    "f1_macro": "F1 macro",
    "f1_weighted": "F1 weighted",
    "average_precision": "average precision",
}
TRUTH = "average precision, all cells"
CONSTANT = "constant outputs"


def compare_runs(
    a: list[Run], b: list[Run], data: "OpenMIC", *, truth: bool = False, resamples: int = 5000
) -> "Comparison":
    """Compare two runs, or two groups of seeds, on the observed cells of the same test clips; see `evaluation.compare`.

    truth: on all cells, against what really sounds. Raises ExploreError when a run was trained on other data or
    predicted other clips, or, with truth, when the data set does not know it.
    """
    from openmic_explore.evaluation import compare

    for run in (*a, *b):
        if run.info["fingerprint"] != data.fingerprint:
            raise ExploreError(f"{run.path} was trained on other data than {data.path}. Give its data: --data DIR")
    keys = a[0].predictions[0]
    for run in (*a, *b):
        if run.predictions[0].tolist() != keys.tolist():
            raise ExploreError(f"{run.path} and {a[0].path} predict different clips.")
    rows = [data.index(str(key)) for key in keys]
    relevance, mask = data.relevance[rows], data.mask[rows]
    if truth:
        if data.truth is None:
            raise ExploreError(f"{data.path} does not know the truth: it has no activity.npz.")
        relevance, mask = data.truth[rows].astype(float), np.ones_like(mask)
    sides = [[run.predictions[1].astype(float) for run in side] for side in (a, b)]
    one, other = (side[0] if len(side) == 1 else side for side in sides)
    return compare(relevance, mask, one, other, resamples=resamples)


def summary(runs: Iterable[Run], data: "OpenMIC") -> str:
    """A Markdown table of the runs on a data set: mean and standard deviation over seeds, beside the majority class.

    Runs of one line differ by seed only. Scores are of the test clips, means over instruments; where the data set knows
    the truth, the last column is the mean average precision over all cells, labelled or not. epoch: the kept one, mean
    over seeds. constant outputs: of the instruments, those that get the same decision at .5 for every test clip.
    Raises ExploreError when no run belongs to the data.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.info["fingerprint"] == data.fingerprint and run.config.model != "majority":
            groups.setdefault(run.config.label, []).append(run)
    if not groups:
        raise ExploreError(f"No run was trained on {data.path}. Train some: openmic-explore reproduce start")
    return "\n".join([_caption(data), "", table(groups, data)])


def table(groups: dict[str, list[Run]], data: "OpenMIC") -> str:
    """The Markdown table of groups of seeds, by their names, with the majority class on top."""
    from openmic_explore.evaluation import means
    from openmic_explore.training import majority_scores

    known = data.truth is not None
    lines = [["model", "seeds", "epoch", CONSTANT, *COLUMNS.values(), *([TRUTH] if known else [])]]
    floor = means(majority_scores(data))
    whole = [means(majority_scores(data, truth=True))["average_precision"]] if known else []
    lines.append(
        [
            "majority class",
            "1",
            "",
            str(len(data.instruments)),
            *(f"{floor[column]:.3f}" for column in COLUMNS),
            *map("{:.3f}".format, whole),
        ]
    )
    for name, runs in groups.items():
        epochs = [run.info["epoch"] for run in runs if run.info["epoch"] is not None]
        cells = [_spread([run.info["means"][column] for run in runs]) for column in COLUMNS]
        true = [run.info["means_truth"]["average_precision"] for run in runs if run.info.get("means_truth")]
        cells += [_spread(true) if true else ""] if known else []
        stuck = f"{np.mean([constant_outputs(run).sum() for run in runs]):.1f}"
        lines.append([name, str(len(runs)), f"{np.mean(epochs):.0f}" if epochs else "", stuck, *cells])
    return _markdown(lines)


def constant_outputs(run: Run) -> NDArray[np.bool_]:
    """Which instruments (K,) get the same decision at .5 for every test clip, as the majority class does."""
    present = run.predictions[1] >= 0.5
    return np.asarray(present.all(axis=0) | ~present.any(axis=0))


def report(
    names: Sequence[str],
    runs: Runs,
    data: "OpenMIC",
    *,
    epochs: int | None = None,
    checkpoint: str | None = None,
    resamples: int = 2000,
) -> str:
    """Experiments in Markdown: the question, the scores of its runs, and the paired differences that answer it.

    names: of experiments. epochs: the limit under which the runs were trained, if any. checkpoint: at which all runs
    are looked at; None for each one's own. Differences are b minus a over the same test clips, with the 95 % interval of
    the bootstrap over clips; seeds are averaged on either side and held fixed, so hold a difference against the spread of
    the seeds too. Raises ExploreError when a run of an experiment is missing.
    """
    parts = [_caption(data)]
    for name in experiments(names):
        groups = {
            key: [run.at(checkpoint or run.config.checkpoint) for run in found]
            for key, found in runs_of(name, runs, data, epochs=epochs).items()
        }
        parts += [f"**{name}.** {EXPERIMENTS[name].question}", table(_named(groups), data)]
        pairs = [(shortened(a, data, epochs), shortened(b, data, epochs)) for a, b in EXPERIMENTS[name].pairs]
        if pairs:
            sides = [(groups[a.group], groups[b.group]) for a, b in pairs]
            parts.append(differences(sides, data, resamples=resamples))
    return "\n\n".join(parts)


def runs_of(name: str, runs: Runs, data: "OpenMIC", *, epochs: int | None = None) -> dict[str, list[Run]]:
    """The runs of an experiment on a data set by group, in the experiment's order, as many seeds as there are.

    epochs: the limit under which they were trained, if any. Raises ExploreError when there is none of a group, with the
    command that trains it.
    """
    mine = {run.name: run for run in runs.of(data.fingerprint)}
    wanted = list(dict.fromkeys(config.group for config in configs(name, data, seeds=1, epochs=epochs)))
    groups = {group: [run for run in mine.values() if run.config.group == group] for group in wanted}
    missing = [group for group, found in groups.items() if not found]
    if missing:
        raise ExploreError(
            f"Of experiment {name} {len(missing)} of {len(wanted)} groups of runs are missing, such as {missing[0]}. "
            f"Train them: openmic-explore reproduce {name} --data DIR{f' --epochs {epochs}' if epochs else ''}"
        )
    return groups


def differences(sides: Sequence[tuple[list[Run], list[Run]]], data: "OpenMIC", *, resamples: int = 2000) -> str:
    """A Markdown table of paired differences between groups of seeds, b minus a: macro F1 over the observed cells, and
    average precision over all cells where the data set knows the truth. p is corrected (Holm) for the table's length."""
    from openmic_explore.evaluation import holm

    measures = [("f1_macro", False, COLUMNS["f1_macro"])]
    if data.truth is not None:
        measures.append(("average_precision", True, TRUTH))
    columns: list[list[str]] = []
    for metric, truth, _ in measures:
        found = [compare_runs(a, b, data, truth=truth, resamples=resamples).mean(metric) for a, b in sides]
        p = holm(np.array([row.p for row in found]))
        columns.append([f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]" for row in found])
        columns.append([f"{value:.3f}" for value in p])
    head = [part for *_, title in measures for part in (f"{title}, b minus a", "p")]
    rows = [
        [a[0].config.label, b[0].config.label, *cells]
        for (a, b), cells in zip(sides, zip(*columns, strict=True), strict=True)
    ]
    return _markdown([["a", "b", *head], *rows])


def _named(groups: dict[str, list[Run]]) -> dict[str, list[Run]]:
    """The same with the reader's names, without the majority class, which stands above."""
    return {runs[0].config.label: runs for runs in groups.values() if runs[0].config.model != "majority"}


def _caption(data: "OpenMIC") -> str:
    recipe = data.info.get("recipe") or {}
    made = f" (recipe version {recipe.get('version')}, seed {recipe.get('seed')})" if recipe else ""
    return f"{len(data.split('test'))} test clips of {data.name}{made}, embedding {data.embedding_name}"


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ["---"] * len(lines[0]), *lines[1:]])


def _spread(values: list[Any]) -> str:
    """Mean, and standard deviation where there are several values."""
    mean = f"{np.mean(values):.3f}"
    return f"{mean} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else mean
