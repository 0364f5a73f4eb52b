"""The commands that make and read runs: train, reproduce, runs, summary, compare, predict."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openmic_explore.errors import ExploreError
from openmic_explore.training.config import (
    AUGMENTATIONS,
    CHECKPOINTS,
    MEANINGS,
    PRECISIONS,
    RECIPES,
    TrainConfig,
)

# Adds a sub-command: name, function, sentence, example.
Command = Callable[[str, Callable[[argparse.Namespace], None], str, str], argparse.ArgumentParser]

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
    "checkpoint": (str, list(CHECKPOINTS), "the validation measure whose best epoch is kept (default: loss)"),
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
    sub.set_defaults(resumes=True)

    sub = command("reproduce", _reproduce, "train what is missing of an experiment", "openmic-explore reproduce start")
    sub.add_argument("experiment")
    data_option(sub)
    sub.add_argument("--seeds", type=int, default=3)
    sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")
    sub.add_argument("--jobs", type=int, default=-1, help="runs at once (default: one a core)")
    sub.set_defaults(resumes=True)

    sub = command("runs", _runs, "list runs with their test scores", "openmic-explore runs --model mel")
    sub.add_argument("folders", type=Path, nargs="*", help=RUNS_HELP)
    sub.add_argument("--model", help="only this one's")
    sub.add_argument("--preset", choices=["published", "repaired"], help="only this one's")
    sub.add_argument("--json", action="store_true", help="one JSON object a run, with its configuration")

    sub = command("summary", _summary, "means and spread over seeds, as a Markdown table", "openmic-explore summary")
    data_option(sub)
    sub.add_argument("folders", type=Path, nargs="*", help=RUNS_HELP)

    sub = command(
        "compare",
        _compare,
        "compare two runs, or two groups of seeds, on the same test clips",
        "openmic-explore compare mel-repaired attention-repaired",
    )
    sub.add_argument("a", help="a run's name, or what its seeds have in common")
    sub.add_argument("b", help="the other's; differences are b minus a")
    data_option(sub)
    sub.add_argument("--runs", type=Path, action="append", help=RUNS_HELP)
    sub.add_argument("--metric", default="f1_macro", help="f1, f1_macro, f1_weighted, average_precision, ...")
    sub.add_argument("--resamples", type=int, default=5000, help="of the bootstrap over clips (default 5000)")
    sub.add_argument("--json", action="store_true")

    sub = command(
        "predict", _predict, "instruments over time in any audio file", "openmic-explore predict song.mp3 other.wav"
    )
    sub.add_argument("files", metavar="FILE", nargs="+", help="wav, flac, ogg, mp3 and whatever else libsndfile reads")
    # `run` itself is where a command's function stands.
    sub.add_argument(
        "--run",
        dest="chosen",
        metavar="NAME",
        help="default: of the shipped runs, or of --runs, the best by its validation clips",
    )
    sub.add_argument("--runs", type=Path, action="append", help=RUNS_HELP)
    sub.add_argument("--json", action="store_true", help="one JSON object a file, in a line of its own")
    sub.add_argument(
        "--threshold", type=float, default=0.5, help="from which probability on an instrument is named (default .5)"
    )
    sub.add_argument("--top", type=int, help="name at most so many instruments a window, likeliest first")
    sub.add_argument("--limit", type=float, default=60.0, metavar="MINUTES", help="refuse longer files (default 60)")
    sub.add_argument("--embedding", help="what the run reads, if it is your own: FILE.py:NAME")
    sub.add_argument("--weights", type=Path, help="vggish: a folder with its two files (default: fetched, 289 MB)")


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
    from openmic_explore.experiments import reproduce

    runs = reproduce(
        options.experiment,
        open_data(options.data),
        runs=options.runs,
        seeds=options.seeds,
        jobs=options.jobs,
        progress=sys.stderr.isatty(),
    )
    print(runs.table().round(3).to_string())


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
            print(json.dumps(runs[name].to_dict(), allow_nan=False))
        return
    table = runs.table()
    print(
        table.loc[chosen].round(3).to_string() if chosen else "There are no such runs. Train one: openmic-explore train"
    )


def _summary(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import summary
    from openmic_explore.training import Runs

    print(summary(Runs(*options.folders), open_data(options.data)))


def _compare(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import compare_runs
    from openmic_explore.training import Runs

    data = open_data(options.data)
    runs = Runs(*(options.runs or ()))
    sides = runs.matching(options.a), runs.matching(options.b)
    found = compare_runs(*sides, data, resamples=options.resamples)
    table, mean = found.table(options.metric), found.mean(options.metric)
    about = {
        "a": [run.name for run in sides[0]],
        "b": [run.name for run in sides[1]],
        "difference": "b minus a",
        "metric": options.metric,
        "data": data.name,
        "clips": len(data.split("test")),
        "resamples": options.resamples,
    }
    if options.json:
        print(
            json.dumps(
                {**about, "mean": json.loads(mean.to_json()), "instruments": json.loads(table.to_json(orient="index"))}
            )
        )
        return
    for name, value in about.items():
        print(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    print(table.round(3).to_string())
    print(f"\nmean over instruments\n{mean.round(4).to_string()}")
    print(
        "\np_holm and mcnemar_p_holm are corrected for the number of instruments (Holm). Seeds are held as they are: see summary."
    )


def _predict(options: argparse.Namespace) -> None:
    from openmic_explore.predict import about, best_run, describe, predict_file, run_embedding
    from openmic_explore.training import Runs

    if options.top is not None and options.top < 1:
        raise ExploreError(f"--top must be at least 1, not {options.top}.")
    if not 0 <= options.threshold <= 1:
        raise ExploreError(f"--threshold is a probability, from 0 to 1, not {options.threshold}.")
    if options.chosen:
        run = Runs(*(options.runs or ()))[options.chosen]
    else:
        run = best_run(Runs(*options.runs) if options.runs else None)
    embedding = run_embedding(run, options.embedding, weights=options.weights)
    if not options.json:
        print(about(run) if options.chosen else f"{about(run)} Chosen by its validation clips.")
    failures = []
    for path in options.files:
        try:
            found = predict_file(
                path,
                run,
                embedding=embedding,
                threshold=options.threshold,
                limit=options.limit * 60,
                progress=sys.stderr.isatty(),
            )
        except ExploreError as error:
            failures.append(str(error))
            continue
        text = json.dumps(found.to_dict(options.top)) if options.json else f"\n{describe(found, options.top)}"
        print(text, flush=True)
    if failures:  # said last, so that they stand below the tables and not between them
        raise ExploreError("\nopenmic-explore: ".join(failures))
