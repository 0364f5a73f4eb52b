"""Work on a Dask cluster."""

import itertools
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TypeVar

from openmic_explore.errors import ExploreError

# How long to wait for a Dask scheduler, and for its first worker.
PATIENCE = 5  # seconds

Task = TypeVar("Task")
Result = TypeVar("Result")


def on_cluster(
    function: Callable[[Task], Result], tasks: Iterator[Task], address: str, *, path: Path, ahead: int = 2
) -> Generator[Result, None, None]:
    """Call a function with every task on the workers of a Dask scheduler; yield results as they come.

    path: what all workers must see under the same name. ahead: tasks that are given out for each of the workers'
    threads; no more are drawn, so that few are in memory at once.
    Raises ExploreError when there is no scheduler or worker, when workers do not see the path, when the cluster stops
    working; and whatever the function raises.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        raise ExploreError('A Dask cluster needs one package more: pip install "dask[distributed]"') from error
    first = list(itertools.islice(tasks, 1))
    if not first:
        return
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ExploreError(
            f"There is no Dask scheduler at {address} ({error}). Start one with `dask scheduler`, and give the address "
            "that it tells, such as tcp://localhost:8786."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise ExploreError(
                f"The Dask scheduler at {address} has no workers. Start one: dask worker {address}"
            ) from error
        try:
            blind = [worker for worker, there in client.run(sees, path).items() if not there]
            if blind and sees(path):
                raise ExploreError(
                    f"Of the Dask workers at {address}, {len(blind)} do not see {path}, such as {blind[0]}. They "
                    "must have the folder under the same path."
                )
            width = ahead * max(1, sum(client.nthreads().values()))
            some = itertools.islice(itertools.chain(first, tasks), width)
            running = as_completed([client.submit(function, task, pure=False) for task in some])
            for future in running:
                yield future.result()
                for following in itertools.islice(tasks, 1):
                    running.add(client.submit(function, following, pure=False))
        except (OSError, KilledWorker, CancelledError) as error:
            raise ExploreError(
                f"The Dask cluster at {address} stopped working ({type(error).__name__}: {error}). What is done is kept; "
                "the same command goes on."
            ) from error


def sees(path: Path) -> bool:
    """Is it there, for the machine that is asked?"""
    return path.exists()
