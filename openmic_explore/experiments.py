"""The experiments by name: which runs belong to which question."""

import dataclasses
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from openmic_explore.errors import ExploreError
from openmic_explore.models import PRESETS
from openmic_explore.training import Run, Runs, TrainConfig, train

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.evaluation import Comparison

SHORT = 30  # epochs of a CNN on two cores: minutes, where the paper's 200 take a good part of an hour

# The runs of each experiment, but for their seeds.
EXPERIMENTS: dict[str, tuple[TrainConfig, ...]] = {
    # What the dashboard opens on: the paper's Mel architecture, repaired and as published, and a per-frame network.
    "start": (
        TrainConfig("mel"),
        TrainConfig("mel", "published"),
        TrainConfig("attention"),
    ),
    # Every model in both presets, and the baselines. Without pictures of all clips: "vectors".
    "vectors": (
        TrainConfig("majority"),
        TrainConfig("forest"),
        *(TrainConfig(model, preset) for model in ("mel", "mel-3", "attention", "mean", "max") for preset in PRESETS),
    ),
    "pictures": tuple(
        TrainConfig(model, preset, epochs=SHORT) for model in ("cnn", "cnn-reduced") for preset in PRESETS
    ),
}


def configs(experiment: str, seeds: int = 3) -> list[TrainConfig]:
    """The configurations of an experiment, model by model and seed by seed. Raises ExploreError for an unknown name."""
    if experiment not in EXPERIMENTS:
        raise ExploreError(f"There is no experiment {experiment!r}. Known: {', '.join(EXPERIMENTS)}.")
    return [
        dataclasses.replace(config, seed=seed)
        for config, seed in itertools.product(EXPERIMENTS[experiment], range(seeds))
        # The majority class draws nothing.
        if seed == 0 or config.model != "majority"
    ]


def reproduce(
    experiment: str,
    data: "OpenMIC",
    *,
    runs: str | Path = "runs",
    seeds: int = 3,
    jobs: int = -1,
    progress: bool = True,
) -> Runs:
    """Train what is missing of an experiment into the folder `runs`; return the runs that are there.

    jobs: runs at once, each in a process of its own with one thread; -1 for one a core. Interrupted or killed, the same
    call goes on where each training stopped. Raises ExploreError when a run of that name is there but was trained on
    other data or with other settings.
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    if seeds < 1 or jobs == 0:
        raise ExploreError(f"seeds ({seeds}) must be at least 1, and jobs ({jobs}) at least 1, or -1 for one a core.")
    folder = Path(runs)
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for config in configs(experiment, seeds):
        path = folder / config.name
        if not path.exists():
            missing.append(config)
        elif (run := Run(path)).info["fingerprint"] != data.fingerprint or run.config != config:
            raise ExploreError(
                f"{path} was trained on other data or with other settings. Give another folder: --runs DIR"
            )
    work = (delayed(_train_one)(config, data.path, folder) for config in missing)
    with tqdm(total=len(missing), desc=experiment, unit="run", disable=not progress) as bar:
        for _ in Parallel(n_jobs=min(jobs, max(1, len(missing))), return_as="generator_unordered")(work):
            bar.update()
    return Runs(folder)


def _train_one(config: TrainConfig, data: Path, folder: Path) -> None:
    from openmic_explore.data import OpenMIC

    train(config, OpenMIC(data), runs=folder, progress=False)


def compare_runs(a: list[Run], b: list[Run], data: "OpenMIC", *, resamples: int = 5000) -> "Comparison":
    """Compare two runs, or two groups of seeds, on the observed cells of the same test clips; see `evaluation.compare`.

    Raises ExploreError when a run was trained on other data or predicted other clips.
    """
    from openmic_explore.evaluation import compare

    for run in (*a, *b):
        if run.info["fingerprint"] != data.fingerprint:
            raise ExploreError(f"{run.path} was trained on other data than {data.path}. Give its data: --data DIR")
    keys = a[0].predictions[0]
    rows = [data.index(str(key)) for key in keys]
    sides = [[run.predictions[1].astype(float) for run in side] for side in (a, b)]
    for run in (*a, *b):
        if run.predictions[0].tolist() != keys.tolist():
            raise ExploreError(f"{run.path} and {a[0].path} predict different clips.")
    one, other = (side[0] if len(side) == 1 else side for side in sides)
    return compare(data.relevance[rows], data.mask[rows], one, other, resamples=resamples)


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
        if run.config.model == "majority":  # stands above already
            continue
        name = run.config.label
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
