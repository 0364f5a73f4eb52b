"""Training what is missing of an experiment: several runs at once, here or on a cluster, going on where it stopped."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from openmic_explore.cluster import on_cluster
from openmic_explore.errors import BusyError, ExploreError
from openmic_explore.experiments.named import configs
from openmic_explore.models import PRESETS
from openmic_explore.training import Run, Runs, TrainConfig, train
from openmic_explore.training.config import BASELINES
from openmic_explore.training.trainer import tidy

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC


def reproduce(
    experiments: str | Sequence[str],
    data: "OpenMIC",
    *,
    runs: str | Path = "runs",
    seeds: int = 3,
    presets: Sequence[str] = PRESETS,
    epochs: int | None = None,
    jobs: int = -1,
    cluster: str | None = None,
    progress: bool = True,
    on_run: Callable[[str], object] | None = None,
) -> Runs:
    """Train what is missing of one or several experiments into the folder `runs`; return the runs that are there.

    presets, seeds, epochs: see `configs`. jobs: runs at once, each in a process of its own with one thread; -1 for one
    a core. cluster: address of a Dask scheduler instead, whose workers see the data and the runs under the same path.
    on_run: called with the name of each run that is done. Interrupted or killed, the same call goes on where each
    training stopped; what another process is training meanwhile is left to it.
    Raises ExploreError, before anything is trained, when features are missing, or when a run of that name is there but
    was trained on other data or with other settings.
    """
    from tqdm.auto import tqdm

    if jobs == 0:
        raise ExploreError("jobs must be at least 1, or -1 for one a core, not 0.")
    folder = Path(runs).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [
        config
        for config in configs(experiments, data, seeds=seeds, presets=presets, epochs=epochs)
        if not _is_there(folder / config.name, config, data)
    ]
    _check_features(missing, data)
    work = partial(_train_one, data=data.path.resolve(), folder=folder)
    done = on_cluster(work, iter(missing), cluster, path=folder) if cluster else _on_this_machine(work, missing, jobs)
    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, left {remaining}{postfix}"
    with tqdm(total=sum(map(cost, missing)), desc="runs", bar_format=form, disable=not progress) as bar:
        for count, (config, trained) in enumerate(done, 1):
            bar.set_postfix_str(f"{count} of {len(missing)}: {config.name}", refresh=False)
            bar.update(cost(config))
            if trained and on_run is not None:
                on_run(config.name)
    return Runs(folder)


def cost(config: TrainConfig) -> float:
    """How much longer a run takes than an epoch of Mel, roughly: only its share of the whole counts, for the time left."""
    if config.model in BASELINES:
        return 30.0 if config.model == "forest" else 1.0
    return float(config.epochs or 1) * (30.0 if config.reads_pictures else 1.0)


def _is_there(path: Path, config: TrainConfig, data: "OpenMIC") -> bool:
    if not path.exists():
        return False
    run = Run(path)
    if run.info["fingerprint"] != data.fingerprint or run.config != config:
        raise ExploreError(f"{path} was trained on other data or with other settings. Give another folder: --runs DIR")
    tidy(path)
    return True


def _check_features(missing: list[TrainConfig], data: "OpenMIC") -> None:
    """Better now than after an hour."""
    from openmic_explore.training.inputs import check_features

    for config in {config.features: config for config in missing if config.model != "majority"}.values():
        check_features(data, config)


def _on_this_machine(
    work: Callable[[TrainConfig], tuple[TrainConfig, bool]], missing: list[TrainConfig], jobs: int
) -> Iterator[tuple[TrainConfig, bool]]:
    from joblib import Parallel, delayed

    if not missing:
        return
    try:
        parallel = Parallel(n_jobs=min(jobs, len(missing)), batch_size=1, return_as="generator_unordered")
        yield from parallel(delayed(work)(config) for config in missing)
    except BrokenExecutor as error:
        raise ExploreError(
            "A process that trained was ended from outside, perhaps for want of memory. What is done is kept. "
            "Go on with fewer at once: --jobs 1"
        ) from error


def _train_one(config: TrainConfig, *, data: Path, folder: Path) -> tuple[TrainConfig, bool]:
    """Train a run; was it this process that did?"""
    from openmic_explore.data import OpenMIC

    if (folder / config.name).exists():  # another process has trained it since
        return config, False
    try:
        train(config, OpenMIC(data), runs=folder, progress=False)
    except BusyError:
        return config, False
    return config, True
