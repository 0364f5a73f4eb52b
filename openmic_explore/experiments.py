"""The experiments by name: which runs belong to which question."""

import itertools
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
    """The configurations of an experiment, seed by seed. Raises ExploreError for an unknown name."""
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
