"""Timing several functions in turn, round by round, so that a machine whose speed drifts does not favour one of them."""

import contextlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from openmic_explore.files import atomic_path

PACKAGES = (
    *("numpy", "scipy", "torch", "librosa", "soundfile", "soxr", "numba", "joblib"),
    *("fcwt", "ssqueezepy", "pyfftw"),  # where they are installed
)
# Processor seconds for each second on the clock, above which a function was not on one thread.
SEVERAL_THREADS = 1.1


class Timing(NamedTuple):
    """One function's seconds, round by round; busy: the same of the process's processor time, over all its threads."""

    name: str
    seconds: tuple[float, ...]
    busy: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def threads(self) -> float:
        """Threads at work, on average; below 1 where the process had to wait, nan where it was not measured."""
        return sum(self.busy) / sum(self.seconds) if self.busy else float("nan")


class Result(NamedTuple):
    """What a benchmark found: its table and notes as Markdown, and the numbers behind them."""

    text: str
    numbers: dict[str, Any]

    def __str__(self) -> str:
        return self.text

    def write(self, path: Path) -> None:
        """Write the text and the numbers, with machine and versions, as JSON, atomically."""
        content = {"machine": facts(), **self.numbers, "markdown": self.text}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS, OpenMP and torch on one thread; for libraries that are imported by now."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    with threadpool_limits(1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def interleaved(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Call every function once a round, after one round that does not count. Returns their timings by name."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    busy: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            start, used = time.perf_counter(), time.process_time()
            function()
            if number:
                seconds[name].append(time.perf_counter() - start)
                busy[name].append(time.process_time() - used)
    return {name: Timing(name, tuple(values), tuple(busy[name])) for name, values in seconds.items()}


def ratio(numerator: Timing, denominator: Timing) -> tuple[float, float, float]:
    """Median, least and greatest of the rounds' own ratios."""
    ratios = [one / other for one, other in zip(numerator.seconds, denominator.seconds, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def table(rows: list[tuple[str, str, str]]) -> str:
    """A Markdown table of what was measured, the figure, and how it spread."""
    return markdown([("measured", "median", "least to greatest"), *rows])


def markdown(lines: list[tuple[str, ...]]) -> str:
    """A Markdown table; the first line is its head."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ("---",) * len(lines[0]), *lines[1:]])


def row(name: str, numerator: Timing, denominator: Timing) -> tuple[str, str, str]:
    """A line of the table: a ratio of two timings."""
    middle, least, greatest = ratio(numerator, denominator)
    return name, f"{middle:.2f}", f"{least:.2f} to {greatest:.2f}"


def numbers(numerator: Timing, denominator: Timing) -> dict[str, Any]:
    """A ratio for the JSON file: that of the medians, the median of the rounds' own and their range, and all seconds."""
    middle, least, greatest = ratio(numerator, denominator)
    return {
        "median_of_ratios": middle,
        "ratio_of_medians": numerator.median / denominator.median,
        "least": least,
        "greatest": greatest,
        "seconds": {timing.name: timing.seconds for timing in (numerator, denominator)},
        "busy": {timing.name: timing.busy for timing in (numerator, denominator)},
    }


def machine() -> str:
    """The machine and the versions that the numbers belong to."""
    versions = ", ".join(f"{name} {found}" for name, found in _versions(PACKAGES[:4]).items())
    return f"{platform.machine()}, Python {platform.python_version()}, {versions}, one thread"


def facts() -> dict[str, Any]:
    """What numbers depend on: processor, cores, system, versions, and how busy the machine is right now."""
    load = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": _versions(PACKAGES),
        "load": load,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    return platform.processor() or platform.machine()
