"""The commands that say what came out of runs: summary, report, localise, compare, predict."""

import argparse
import json
import sys
from pathlib import Path

from openmic_explore.cli_runs import FIGURES, RUNS_HELP, Command, data_option, open_data
from openmic_explore.errors import ExploreError
from openmic_explore.training.config import CHECKPOINTS


def add_result_commands(command: Command) -> None:
    """Add the commands to the command line."""
    sub = command("summary", _summary, "means and spread over seeds, as a Markdown table", "openmic-explore summary")
    data_option(sub)
    sub.add_argument("folders", type=Path, nargs="*", help=RUNS_HELP)

    sub = command(
        "report",
        _report,
        "the tables of figures and experiments, with paired differences, as Markdown",
        "openmic-explore report 4 5 --checkpoint f1_macro",
    )
    sub.add_argument(
        "experiments", nargs="*", metavar="NAME", default=list(FIGURES), help="default: the figures, 4 to 7"
    )
    data_option(sub)
    sub.add_argument("--runs", type=Path, action="append", help=RUNS_HELP)
    sub.add_argument("--epochs", type=int, help="the runs that `reproduce --epochs` made")
    sub.add_argument(
        "--checkpoint",
        choices=CHECKPOINTS,
        help="the epoch at which all runs are looked at (default: each one's own)",
    )
    sub.add_argument("--resamples", type=int, default=2000, help="of the bootstrap over clips (default 2000)")

    sub = command(
        "localise",
        _localise,
        "hold the signals in time of a run, or of the seeds of a group, against what really sounds",
        "openmic-explore localise attention-repaired --data data/teaching",
    )
    sub.add_argument("names", nargs="+", metavar="NAME", help="a run's name, or what its seeds have in common")
    data_option(sub)
    sub.add_argument("--runs", type=Path, action="append", help=RUNS_HELP)
    sub.add_argument("--resamples", type=int, default=1000, help="of the bootstrap over clips (default 1000)")
    sub.add_argument("--json", action="store_true")

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
    sub.add_argument(
        "--truth", action="store_true", help="over all cells against what really sounds, where it is known"
    )
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


def _summary(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import summary
    from openmic_explore.training import Runs

    print(summary(Runs(*options.folders), open_data(options.data)))


def _report(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import report
    from openmic_explore.training import Runs

    runs, data = Runs(*(options.runs or ())), open_data(options.data)
    asked = {name: getattr(options, name) for name in ("epochs", "checkpoint", "resamples")}
    print(report(options.experiments, runs, data, **asked))


def _localise(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import localise_runs
    from openmic_explore.training import Runs

    runs, data = Runs(*(options.runs or ())), open_data(options.data)
    for name in options.names:
        chosen = [run for run in runs.matching(name) if run.keeps_model] or runs.matching(name)
        table = localise_runs(chosen, data, resamples=options.resamples)
        about = {"runs": [run.name for run in chosen], "data": data.name, "clips": len(data.split("test"))}
        if options.json:
            print(json.dumps({**about, "signals": json.loads(table.to_json(orient="index"))}))
        else:
            print(f"frame AUC of {', '.join(about['runs'])} on {data.name}\n{table.round(3).to_string(na_rep='')}\n")


def _compare(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import compare_runs
    from openmic_explore.training import Runs

    data = open_data(options.data)
    runs = Runs(*(options.runs or ()))
    sides = runs.matching(options.a), runs.matching(options.b)
    found = compare_runs(*sides, data, truth=options.truth, resamples=options.resamples)
    table, mean = found.table(options.metric), found.mean(options.metric)
    about = {
        "a": [run.name for run in sides[0]],
        "b": [run.name for run in sides[1]],
        "difference": "b minus a",
        "metric": options.metric,
        "cells": "all" if options.truth else "observed",
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
