"""One clip after the other through the transforms: in the processes of this machine, or on a Dask cluster."""

import itertools
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.cluster import on_cluster
from openmic_explore.errors import ExploreError
from openmic_explore.features.kinds import Kind

# A clip whose length differs by less is cut, or filled up with silence; others are left out.
TOLERANCE = 0.05  # seconds
# Clips that are given to each process before all wait for the last of them: it bounds what is in memory at once.
CHUNK = 64

# Changes a clip ahead of its features: samples (n,), rate in Hz and a generator of its own -> samples (n,).
Augment = Callable[[NDArray[np.float32], int, np.random.Generator], NDArray[np.float32]]
# Of every kind its values, or why there are none.
Outcome = dict[str, NDArray[np.uint8] | str]
Results = Generator[tuple[str, Outcome], None, None]


@dataclass(frozen=True)
class Task:
    """One clip, as it goes to a worker.

    kinds: what is to be computed, each with the shape that its values must have. seconds: how long every clip is taken
    to be. seed: of the generator that `augment` gets.
    """

    key: str
    path: Path
    kinds: tuple[tuple[Kind, tuple[int, ...]], ...]
    seconds: float
    augment: Augment | None = None
    seed: tuple[int, ...] = ()


def run(task: Task) -> tuple[str, Outcome]:
    """Compute a clip's features. Raises ExploreError when a transform fails, which is no fault of the clip's file."""
    from openmic_explore.data.audio import read_audio

    try:
        samples, rate = read_audio(task.path)
    except (ExploreError, OSError) as error:
        return task.key, {kind.name: str(error) for kind, _ in task.kinds}
    length = round(task.seconds * rate)
    if abs(len(samples) - length) > TOLERANCE * rate:
        reason = f"{task.path} is {len(samples) / rate:.2f} s long, the other clips {task.seconds:.2f} s."
        return task.key, {kind.name: reason for kind, _ in task.kinds}
    samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
    if task.augment is not None:
        samples = attempt(f"Augmenting {task.key}", task.augment, samples, rate, np.random.default_rng(task.seed))
    found: Outcome = {}
    for kind, shape in task.kinds:
        values = attempt(f"Computing the {kind.name} of {task.key}", kind.compute, samples, rate)
        fits = values.shape == shape and values.dtype == np.uint8
        found[kind.name] = (
            values if fits else f"Its {kind.name} is {values.dtype} {values.shape}, that of other clips uint8 {shape}."
        )
    return task.key, found


def attempt(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that may be a researcher's own; whatever goes wrong in it becomes an ExploreError."""
    try:
        return function(*arguments)
    except ExploreError as error:
        raise ExploreError(f"{what} failed: {error}") from error
    except Exception as error:  # anything can go wrong in a function that is not ours
        raise ExploreError(f"{what} failed ({type(error).__name__}: {error}).") from error


def results(tasks: Iterator[Task], *, jobs: int = -1, cluster: str | None = None) -> Results:
    """Run the tasks; yield results as they come, however slowly they are taken with few of them in memory.

    jobs: processes, -1 for one a core. cluster: address of a Dask scheduler, used instead. Raises ExploreError when
    there is none, when its workers do not see the clips, or when a process dies.
    """
    return _on_cluster(tasks, cluster) if cluster else _on_this_machine(tasks, jobs)


def _on_this_machine(tasks: Iterator[Task], jobs: int) -> Results:
    from joblib import Parallel, delayed, effective_n_jobs

    # joblib goes on computing while nobody takes the results, so it is never given more than a chunk.
    chunk = CHUNK * effective_n_jobs(jobs)
    try:
        with Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered") as parallel:
            while some := list(itertools.islice(tasks, chunk)):
                yield from parallel(delayed(run)(task) for task in some)
    except BrokenExecutor as error:
        raise ExploreError(
            "A process that computed features was ended from outside, perhaps for want of memory. What is done is kept. "
            "Go on with fewer processes: --jobs 1"
        ) from error


def _on_cluster(tasks: Iterator[Task], address: str) -> Results:
    first = next(tasks, None)
    if first is not None:
        yield from on_cluster(run, itertools.chain([first], tasks), address, path=first.path)
