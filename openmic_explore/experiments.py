"""The experiments by name: which runs belong to which question."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from openmic_explore.errors import ExploreError
from openmic_explore.training import Run, Runs, TrainConfig, train

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# For each experiment its (model, preset) pairs; every pair is trained with each seed.
EXPERIMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    # What the dashboard opens on: the paper's Mel architecture, repaired and as published, and a per-frame network.
    "start": (("mel", "repaired"), ("mel", "published"), ("attention", "repaired")),
}


def configs(experiment: str, seeds: int = 3) -> list[TrainConfig]:
    """The configurations of an experiment, model by model and seed by seed. Raises ExploreError for an unknown name."""
    if experiment not in EXPERIMENTS:
        raise ExploreError(f"There is no experiment {experiment!r}. Known: {', '.join(EXPERIMENTS)}.")
    return [
        TrainConfig(model=model, preset=preset, seed=seed)
        for (model, preset), seed in itertools.product(EXPERIMENTS[experiment], range(seeds))
    ]


def reproduce(
    experiment: str, data: "OpenMIC", *, runs: str | Path = "runs", seeds: int = 3, progress: bool = True
) -> Runs:
    """Train what is missing of an experiment into the folder `runs`; return the runs that are there.

    Raises ExploreError when a run of that name is there but was trained on other data.
    """
    folder = Path(runs)
    folder.mkdir(parents=True, exist_ok=True)
    for config in configs(experiment, seeds):
        path = folder / config.name
        if not path.exists():
            train(config, data, runs=folder, progress=progress)
        elif Run(path).info["fingerprint"] != data.fingerprint:
            raise ExploreError(f"{path} was trained on other data. Give another folder: --runs DIR")
    return Runs(folder)


def summary(runs: Iterable[Run], data: "OpenMIC") -> str:
    """A Markdown table of the runs on a data set: mean and standard deviation over seeds, beside the majority class.

    Runs of one line differ by seed only. Scores are of the test clips, means over instruments; where the data set knows
    the truth, the last column is the mean average precision over all cells, labelled or not.
    Raises ExploreError when no run belongs to the data.
    """
    from openmic_explore.evaluation import means
    from openmic_explore.training import majority_scores

    rows = {"majority class": [means(majority_scores(data))]}
    truth: dict[str, list[float]] = {}
    if data.truth is not None:
        truth["majority class"] = [means(majority_scores(data, truth=True))["average_precision"]]
    mine = [run for run in runs if run.info["fingerprint"] == data.fingerprint]
    if not mine:
        raise ExploreError(f"No run was trained on {data.path}. Train some: openmic-explore reproduce start")
    for run in mine:
        name = run.config.group.replace("-", ", ", 1)
        rows.setdefault(name, []).append(run.info["means"])
        if run.info["means_truth"]:
            truth.setdefault(name, []).append(run.info["means_truth"]["average_precision"])

    columns = {"f1": "F1 of present", "f1_macro": "F1 macro", "f1_weighted": "F1 weighted"}
    columns |= {"average_precision": "average precision"}
    lines = [["model", "seeds", *columns.values(), *(["average precision, all cells"] if truth else [])]]
    for name, values in rows.items():
        cells = [_spread([value[column] for value in values]) for column in columns]
        lines.append([name, str(len(values)), *cells, *([_spread(truth[name])] if truth else [])])
    lines.insert(1, ["---"] * len(lines[0]))
    recipe = data.info.get("recipe") or {}
    made = f" (recipe version {recipe.get('version')}, seed {recipe.get('seed')})" if recipe else ""
    caption = f"{len(data.split('test'))} test clips of {data.name}{made}, embedding {data.embedding_name}"
    return "\n".join([caption, "", *(f"| {' | '.join(line)} |" for line in lines)])


def _spread(values: list[float]) -> str:
    """Mean, and standard deviation where there are several values."""
    import numpy as np

    mean = f"{np.mean(values):.3f}"
    return f"{mean} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else mean
