"""The commands that make runs and list them: train, reproduce, runs, pack."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openmic_explore.errors import ExploreError
from openmic_explore.models.registry import PRESETS
from openmic_explore.training.config import (
    AUGMENTATIONS,
    CHECKPOINTS,
    MEANINGS,
    PRECISIONS,
    RECIPES,
    SCHEDULES,
    UNKNOWN,
    TrainConfig,
)

if TYPE_CHECKING:
    from openmic_explore.training import Run

# Adds a sub-command: name, function, sentence, example.
Command = Callable[[str, Callable[[argparse.Namespace], None], str, str], argparse.ArgumentParser]

FIGURES = ("4", "5", "6", "7")  # the experiments that are figures of the paper
RUNS_HELP = "default: the shipped runs and ./runs"
# (type, choices, help) of the fields of TrainConfig.
FIELDS: dict[str, tuple[type, list[str] | None, str]] = {
    "model": (str, list(dict.fromkeys(model for model, _ in RECIPES)), "default: mel"),
    "preset": (str, ["published", "repaired"], "default: repaired; baselines: published"),
    "seed": (int, None, "of weights, batch order, dropout and augmentation (default 0)"),
    "epochs": (int, None, "default: the preset's"),
    "batch": (int, None, "clips in a batch (default: the preset's)"),
    "learning_rate": (float, None, "default: the preset's"),
    "weight_decay": (float, None, "default: the preset's"),
    "checkpoint": (str, list(CHECKPOINTS), "the validation measure whose best epoch is kept (default: the preset's)"),
    "schedule": (str, list(SCHEDULES), "of the learning rate (default: the preset's, mostly constant)"),
    "averaging": (float, None, "moving average of the weights, from 0 to below 1 (default: the preset's, mostly 0)"),
    "versions": (
        int,
        None,
        "altered versions of the training clips' sound to draw from (default: the preset's, mostly 0)",
    ),
    "self_training": (
        float,
        None,
        "weight of unknown cells, with other networks' answers (default: the preset's, mostly 0)",
    ),
    "known": (float, None, "share of the training cells whose label is known (default: those that the data has)"),
    "unknown": (str, list(UNKNOWN), "the other cells: masked out of the loss, or taken to be absent (default: masked)"),
    "label_shift": (int, None, "give every clip the labels of the clip so many rows on, to see what that does"),
    "features": (str, None, "embedding, scalogram, log_mel or a kept embedding's name (default: the model's own)"),
    "augment_as": (str, list(MEANINGS), "as in the text or as run (default: the preset's)"),
    "precision": (str, list(PRECISIONS), "default: auto, for the CNNs what a timed probe says"),
}
EXCUSED = ("augment", "options")  # these two have flags of their own form


def add_run_commands(command: Command) -> None:
    """Add the commands to the command line."""
    sub = command("train", _train, "train one run; interrupted, it goes on", "openmic-explore train --model attention")
    data_option(sub)
    for each in dataclasses.fields(TrainConfig):
        if each.name not in EXCUSED:
            kind, choices, text = FIELDS[each.name]
            flag = f"--{each.name.replace('_', '-')}"
            sub.add_argument(flag, type=kind, default=each.default, choices=choices, help=text)
    sub.add_argument(
        "--augment", action="append", choices=AUGMENTATIONS, default=[], help="one kind; may be given again"
    )
    sub.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the model, such as head=clamp or dropout=.5; may be given again",
    )
    sub.add_argument("--name", help="the run's name (default: from its settings)")
    sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")
    sub.add_argument("--threads", type=int, default=1, help="of torch (default 1)")
    sub.add_argument("--json", action="store_true", help="the run as one JSON object")
    sub.set_defaults(resumes=True)

    sub = command(
        "reproduce", _reproduce, "train what is missing of figures and experiments", "openmic-explore reproduce 4 6"
    )
    sub.add_argument(
        "experiments",
        nargs="*",
        metavar="NAME",
        default=list(FIGURES),
        help=f"figures of the paper, {', '.join(FIGURES)} (the default), or other experiments; --list tells them",
    )
    sub.add_argument("--list", action="store_true", help="tell the experiments and their questions, and do nothing")
    data_option(sub)
    sub.add_argument("--preset", choices=["both", *PRESETS], default="both", help="default: both")
    sub.add_argument("--seeds", type=int, default=3, help="0, 1, ... of each run (default 3)")
    sub.add_argument(
        "--epochs", type=int, help="at most so many a run (default: the preset's; 30 for CNNs on a teaching set)"
    )
    sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")
    sub.add_argument("--jobs", type=int, default=-1, help="runs at once (default: one a core)")
    sub.add_argument("--cluster", metavar="ADDRESS", help="of a Dask scheduler, such as tcp://localhost:8786")
    sub.add_argument(
        "--json", action="store_true", help="one JSON object a run, with its configuration; with --list, an experiment"
    )
    sub.set_defaults(resumes=True)

    sub = command("runs", _runs, "list runs with their test scores", "openmic-explore runs --model mel")
    sub.add_argument("folders", type=Path, nargs="*", help=RUNS_HELP)
    sub.add_argument("--model", help="only this one's")
    sub.add_argument("--preset", choices=["published", "repaired"], help="only this one's")
    sub.add_argument("--json", action="store_true", help="one JSON object a run, with its configuration")

    sub = command(
        "pack",
        _pack,
        "make smaller copies of runs, to ship them or hand them on",
        "openmic-explore pack runs --to smaller --whole start",
    )
    sub.add_argument("folders", type=Path, nargs="+", help="folders of runs")
    sub.add_argument("--to", type=Path, required=True, help="where the copies go")
    data_option(sub)
    sub.add_argument(
        "--whole",
        action="append",
        metavar="NAME",
        default=[],
        help="an experiment of whose first seeds weights and frames are kept; may be given again (default: all runs')",
    )


def data_option(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    parser.add_argument("--data", type=Path, help="a folder in OpenMIC-2018's layout (default: the teaching set)")


def open_data(path: Path | None) -> Any:
    """The data set of --data."""
    from openmic_explore.data import OpenMIC

    return OpenMIC(path) if path else OpenMIC.teaching()


def _train(options: argparse.Namespace) -> None:
    from openmic_explore.training import train

    fields = {
        each.name: getattr(options, each.name) for each in dataclasses.fields(TrainConfig) if each.name not in EXCUSED
    }
    config = TrainConfig(**fields, augment=tuple(options.augment), options=dict(map(_setting, options.option)))
    run = train(
        config,
        open_data(options.data),
        runs=options.runs,
        name=options.name,
        threads=options.threads,
        progress=sys.stderr.isatty(),
    )
    if options.json:
        _print_run(run)
        return
    print(run.scores.round(3).to_string())
    means = {name: round(value, 3) for name, value in run.info["means"].items()}
    print(f"means: {means}\ndata: {run.info['data']}, input: {run.info['embedding']}\n{run.path}")


def _setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE, where the value is read as JSON has it and otherwise as a word; .5 is a number too."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ExploreError(f"--option takes NAME=VALUE, not {text!r}.")
    for read in (json.loads, float):
        try:
            return name, read(value)
        except ValueError:
            continue
    return name, value


def _reproduce(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import EXPERIMENTS, configs, reproduce

    if options.list:
        for name, experiment in EXPERIMENTS.items():
            runs_of_it = [config.label for config in experiment.runs]
            told = {"experiment": name, "question": experiment.question, "runs": runs_of_it}
            print(json.dumps(told) if options.json else f"{name}: {experiment.question}")
        return
    data = open_data(options.data)
    which = {
        "seeds": options.seeds,
        "presets": PRESETS if options.preset == "both" else (options.preset,),
        "epochs": options.epochs,
    }
    runs = reproduce(
        options.experiments,
        data,
        runs=options.runs,
        jobs=options.jobs,
        cluster=options.cluster,
        progress=sys.stderr.isatty(),
        **which,
    )
    names = [config.name for config in configs(options.experiments, data, **which)]
    mine = [name for name in names if name in runs]
    if options.json:
        for name in mine:
            _print_run(runs[name])
    else:
        print(runs.table().loc[mine].round(3).to_string())
    if elsewhere := [name for name in names if name not in runs]:
        file = sys.stderr if options.json else sys.stdout
        print(f"{len(elsewhere)} runs are being trained by another process, such as {elsewhere[0]}.", file=file)


def _runs(options: argparse.Namespace) -> None:
    from openmic_explore.training import Runs

    runs = Runs(*options.folders)
    for folder in runs.unfinished:
        print(f"left out, unfinished: {folder}", file=sys.stderr)
    for message in runs.damaged.values():
        print(f"left out: {message}", file=sys.stderr)
    wanted = {name: getattr(options, name) for name in ("model", "preset") if getattr(options, name)}
    chosen = [run.name for run in (runs.select(**wanted) if wanted and len(runs) else runs)]
    if options.json:
        for name in chosen:
            _print_run(runs[name])
        return
    table = runs.table()
    print(
        table.loc[chosen].round(3).to_string() if chosen else "There are no such runs. Train one: openmic-explore train"
    )


def _print_run(run: "Run") -> None:
    print(json.dumps(run.to_dict(), allow_nan=False))


def _pack(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import configs
    from openmic_explore.training import Runs
    from openmic_explore.training.pack import pack

    data = open_data(options.data)
    whole = {config.name for config in configs(options.whole, data, seeds=1)} if options.whole else None
    shown = {config.group for config in configs(list(FIGURES), data, seeds=1)}
    for run in Runs(*options.folders):
        # The figures are looked at at both checkpoints; elsewhere one is enough.
        copy = pack(
            run,
            options.to,
            data,
            whole=whole is None or run.name in whole,
            clips=data.audio_keys,
            checkpoints=("loss", "f1_macro") if run.config.group in shown else (),
        )
        print(copy.path)
