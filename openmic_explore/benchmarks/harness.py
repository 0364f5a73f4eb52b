"""Timing several functions in turn, round by round, so that a machine whose speed drifts does not favour one of them."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Timing(NamedTuple):
    """One function's seconds, round by round."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def interleaved(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Call every function once a round, after one round that does not count. Returns their timings by name."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(name, tuple(values)) for name, values in seconds.items()}


def ratio(numerator: Timing, denominator: Timing) -> tuple[float, float, float]:
    """Median, least and greatest of the rounds' own ratios."""
    ratios = [one / other for one, other in zip(numerator.seconds, denominator.seconds, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def table(rows: list[tuple[str, str, str]]) -> str:
    """A Markdown table of what was measured, the figure, and how it spread."""
    lines = [("measured", "median", "least to greatest"), ("---", "---", "---"), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """The machine and the versions that the numbers belong to."""
    from importlib.metadata import version

    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "torch", "librosa"))
    return f"{platform.machine()}, Python {platform.python_version()}, {packages}, one thread"


def row(name: str, numerator: Timing, denominator: Timing) -> tuple[str, str, str]:
    """A line of the table: a ratio of two timings."""
    middle, least, greatest = ratio(numerator, denominator)
    return name, f"{middle:.2f}", f"{least:.2f} to {greatest:.2f}"
