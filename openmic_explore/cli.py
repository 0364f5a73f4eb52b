"""One command, openmic-explore: make data, train, compare, and open the dashboard."""

import argparse
import errno
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from openmic_explore.cli_data import add_data_commands
from openmic_explore.cli_results import add_result_commands
from openmic_explore.cli_runs import add_run_commands, data_option
from openmic_explore.errors import ExploreError
from openmic_explore.training.run import SHIPPED

NOTEBOOK = Path(__file__).parent.parent / "apps" / "dashboard.ipynb"
# What the exit status says; the help of every command shows it.
STATUSES = {0: "all is well", 1: "something is to be mended, as told", 2: "not a command", 130: "interrupted by Ctrl-C"}
_STATUSES = f"Exit status: {', '.join(f'{status} {text}' for status, text in STATUSES.items())}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0 well, 1 the user can mend it, 130 interrupted."""
    options = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _each_once()
        try:
            options.run(options)
            sys.stdout.flush()
        except ExploreError as error:
            print(f"openmic-explore: {error}", file=sys.stderr)
            return 1
        except BrokenPipeError:
            # Whoever read the output has seen enough, as `head` has. Python would complain of it once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            print(f"openmic-explore: {_describe(error, options.resumes)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            kept = "The same command goes on where it stopped." if options.resumes else "Nothing half-written was kept."
            print(f"openmic-explore: interrupted. {kept}", file=sys.stderr)
            return 130
    return 0


def _each_once() -> Callable[..., None]:
    """Shows a warning as a sentence, without the place in the code that nobody asked for, and none of them twice."""
    told: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in told:
            told.add(str(message))
            print(f"openmic-explore: note: {message}", file=sys.stderr)

    return show


def _describe(error: OSError, resumes: bool) -> str:
    """What is wrong with a disk, and what to do."""
    where = f": {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        again = "run the same command again; it goes on where it stopped" if resumes else "run the same command again"
        return f"{error.strerror}{where}. Make room and {again}."
    return f"{error.strerror or error}{where}. Choose a place that can be written."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openmic-explore",
        description="Learn, see and hear how a machine recognises instruments from weak labels.",
        epilog=f"Example: openmic-explore predict song.mp3. {_STATUSES}",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text}. Example: {example}", epilog=_STATUSES)
        sub.set_defaults(run=run, resumes=False)
        return sub

    add_data_commands(command)
    add_run_commands(command)
    add_result_commands(command)

    sub = command(
        "benchmark", _benchmark, "measure speed, as ratios against peers", "openmic-explore benchmark transforms"
    )
    sub.add_argument("what", choices=("transforms", "training", "store"))
    sub.add_argument("--clip", type=Path, help="transforms: a ten-second stereo Ogg file (default: a teaching clip)")
    sub.add_argument("--data", type=Path, help="store: a data set with audio of 2,000 clips")
    sub.add_argument("--to", type=Path, help="a JSON file for the numbers, machine and versions")

    sub = command("dashboard", _dashboard, "open the dashboard", "openmic-explore dashboard --data openmic-2018")
    data_option(sub)
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    from openmic_explore.benchmarks.harness import Result

    def tell(what: str) -> None:
        print(f"measuring {what} ...", file=sys.stderr)

    if options.what == "transforms":
        from openmic_explore.benchmarks.transforms import transforms

        result = transforms(options.clip, tell=tell)
    elif options.what == "store":
        from openmic_explore.benchmarks.store import store

        if options.data is None:
            raise ExploreError("The store is measured on a data set with audio: --data data/teaching")
        result = store(options.data, tell=tell)
    else:
        from openmic_explore.benchmarks.training import training

        result = Result(training(), {"benchmark": "training"})
    print(result)
    if options.to is not None:
        result.write(options.to)


def _dashboard(options: argparse.Namespace) -> None:
    if not NOTEBOOK.is_file():
        raise ExploreError(
            f"{NOTEBOOK} is missing: the dashboard runs from a clone of the repository. Try: make dashboard"
        )
    environment = dict(os.environ)
    if options.data:
        environment["OPENMIC_DATA"] = str(options.data.resolve())
    if Path("runs").is_dir():  # voila starts elsewhere
        environment.setdefault("OPENMIC_RUNS", os.pathsep.join([str(SHIPPED), str(Path("runs").resolve())]))
    status = subprocess.call(
        [sys.executable, "-m", "voila", str(NOTEBOOK)], cwd=NOTEBOOK.parent.parent, env=environment
    )
    if status:
        raise ExploreError(
            f"voila stopped with status {status}. Is its port taken? Try: voila apps/dashboard.ipynb --port=0"
        )


if __name__ == "__main__":
    sys.exit(main())
