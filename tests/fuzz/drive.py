"""Damages a file again and again and looks at what becomes of it; a report of all: python -m tests.fuzz.drive 1000"""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openmic_explore.errors import ExploreError
from openmic_explore.features.store import close_features
from tests.fuzz.targets import TARGETS, Target

# What a case may take beyond what the process has, and how long.
ROOM, SECONDS = 3 * 2**29, 30


@dataclass
class Outcome:
    """What became of the damaged files of one kind.

    refused: an error that names the file. unharmed: read as if nothing had happened. other: another answer, within bounds,
    which nothing could tell from a good one. wrong: everything else, with the number of the case and what it was.
    """

    refused: int = 0
    unharmed: int = 0
    other: int = 0
    wrong: list[str] = field(default_factory=list)


def attack(target: Target, cases: int, place: Path, first: int = 0) -> Outcome:
    """Damage a target's file `cases` times, each time in the good folder or a copy of it; place: an empty folder."""
    good = place / "good"
    with _cache(good, place):
        target.make(good)
    file = min(good.glob(target.file))
    content, name = file.read_bytes(), file.relative_to(good)
    with _cache(good, place):
        expected = target.read(_copy(good, place) if target.fresh else good)
    outcome = Outcome()
    for case in range(first, first + cases):
        rng = random.Random(f"{target.name} {case}")
        mutation = target.mutations[rng.randrange(len(target.mutations))]
        folder = _copy(good, place) if target.fresh else good
        (folder / name).write_bytes(mutation(content, rng))
        close_features()
        error = _what(target, folder, file.name, expected, place, outcome)
        if error:
            outcome.wrong.append(f"case {case}, {mutation.__name__}: {error}")
        file.write_bytes(content)
    return outcome


def _copy(good: Path, place: Path) -> Path:
    shutil.rmtree(place / "copy", ignore_errors=True)
    return Path(shutil.copytree(good, place / "copy"))


def _what(target: Target, folder: Path, name: str, expected: object, place: Path, outcome: Outcome) -> str:
    """Read the damaged file and count what comes; in words what is wrong with it, if anything is."""
    try:
        with warnings.catch_warnings(), _cache(folder, place), _bounded():
            warnings.simplefilter("ignore")
            found = target.read(folder)
    except ExploreError as error:
        if not any(each in str(error) for each in (name, *target.also_named)):
            return f"the error does not name the file: {error}"
        outcome.refused += 1
        return ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        ours = [each for each in traceback.extract_tb(error.__traceback__) if "openmic_explore" in each.filename]
        at = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in [where, *reversed(ours)][:3])
        return f"{type(error).__name__}: {str(error)[:150]} ({at})"
    if found == expected:
        outcome.unharmed += 1
        return ""
    if target.sure:
        return "it was read, and gave something else"
    outcome.other += 1
    return ""


@contextmanager
def _cache(folder: Path, place: Path) -> Iterator[None]:
    """A cache folder that no other case has written to; a target may bring its own."""
    own = folder / "cache"
    cache = own if own.is_dir() else place / "cache"
    before = os.environ.get("OPENMIC_EXPLORE_CACHE")
    os.environ["OPENMIC_EXPLORE_CACHE"] = str(cache)
    try:
        yield
    finally:
        os.environ.pop("OPENMIC_EXPLORE_CACHE")
        if before is not None:
            os.environ["OPENMIC_EXPLORE_CACHE"] = before
        shutil.rmtree(place / "cache", ignore_errors=True)


@contextmanager
def _bounded() -> Iterator[None]:
    """Little memory and little time, as far as this system can limit them."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it took more than {SECONDS} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = _address_space()
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """Bytes of this process's address space, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def shares(cases: int) -> dict[str, int]:
    """How many cases each kind gets, so that there are `cases` in all, and at least one of each."""
    each, rest = divmod(max(cases, len(TARGETS)), len(TARGETS))
    return {target.name: each + (place < rest) for place, target in enumerate(TARGETS)}


def main(cases: int, only: str = "") -> None:
    total: Counter[str] = Counter()
    print(f"{'':28} {'cases':>6} {'refused':>8} {'unharmed':>9} {'other':>6} {'wrong':>6}")
    for target in TARGETS:
        if only not in target.name:
            continue
        with tempfile.TemporaryDirectory() as place:
            count = shares(cases)[target.name]
            found = attack(target, count, Path(place))
        numbers = {"cases": count, "refused": found.refused, "unharmed": found.unharmed, "other": found.other}
        numbers["wrong"] = len(found.wrong)
        total.update(numbers)
        print(
            f"{target.name:28} {count:6} {found.refused:8} {found.unharmed:9} {found.other:6} {len(found.wrong):6}",
            flush=True,
        )
        for line in found.wrong[:8]:
            print(f"    {line}", flush=True)
    print(f"{'all':28} " + " ".join(f"{value:,}" for value in total.values()))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
