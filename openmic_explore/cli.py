"""One command, openmic-explore: make data, train, compare, and open the dashboard."""

import argparse
import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openmic_explore.errors import ExploreError
from openmic_explore.training.config import CHECKPOINTS, RECIPES, TrainConfig
from openmic_explore.training.run import SHIPPED

NOTEBOOK = Path(__file__).parent.parent / "apps" / "dashboard.ipynb"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0 well, 1 the user can mend it, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ExploreError as error:
        print(f"openmic-explore: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(
            f"openmic-explore: {error.strerror or error}{where}. Choose a place that can be written.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        resumes = options.run in (_teach, _reproduce)
        kept = "The same command goes on where it stopped." if resumes else "Nothing half-written was kept."
        print(f"openmic-explore: interrupted. {kept}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openmic-explore",
        description="Learn, see and hear how a machine recognises instruments from weak labels.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text}. Example: {example}")
        sub.set_defaults(run=run)
        return sub

    sub = command(
        "download", _download, "fetch the official archive (2.6 GB) and unpack it", "openmic-explore download"
    )
    sub.add_argument("--to", type=Path, default=Path(), help="where openmic-2018/ will be (default: here)")

    sub = command("check", _check, "what is complete, missing, damaged", "openmic-explore check openmic-2018")
    sub.add_argument("data", type=Path)

    sub = command("teach", _teach, "mix a teaching set from a bank of notes", "openmic-explore teach data/teaching")
    sub.add_argument("folder", type=Path, help="a new folder, or one to go on with")
    sub.add_argument("--clips", type=int, default=3600, help="how many clips; a sixth are test clips (default 3600)")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--bank", type=Path, help="a folder of notes with an index.csv (default: the shipped bank)")
    sub.add_argument("--no-embedding", action="store_true", help="audio, labels and truth only")
    sub.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")

    sub = command(
        "embed-teaching", _embed_teaching, "make the package's own copy of a teaching set", "... embed-teaching DATA"
    )
    sub.add_argument("data", type=Path, help="a folder made by `teach`")
    sub.add_argument("--to", type=Path, help="a new folder (default: the package's own)")
    sub.add_argument("--gallery", type=int, default=40, help="test clips that keep their audio (default 40)")

    sub = command(
        "fit-embedding", _fit_embedding, "fit the embedding's PCA to training clips", "... fit-embedding data/pca"
    )
    sub.add_argument("data", type=Path, help="a folder with audio")
    sub.add_argument("--to", type=Path, help="where to write (default: the package's own weights)")

    sub = command("features", _features, "compute and keep log-mels and scalograms", "openmic-explore features DATA")
    sub.add_argument("data", type=Path)
    sub.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")

    sub = command("train", _train, "train one run", "openmic-explore train --model attention --seed 1")
    _data_option(sub)
    for field in dataclasses.fields(TrainConfig):
        kind = {"epochs": int, "batch": int, "learning_rate": float, "weight_decay": float}.get(field.name)
        choices: dict[str, list[str]] = {
            "model": sorted({model for model, _ in RECIPES}),
            "preset": sorted({preset for _, preset in RECIPES}),
            "checkpoint": list(CHECKPOINTS),
        }
        sub.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind or type(field.default),
            default=field.default,
            choices=choices.get(field.name),
        )
    sub.add_argument("--name", help="the run's name (default: from its settings)")
    sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")

    sub = command("reproduce", _reproduce, "train what is missing of an experiment", "openmic-explore reproduce start")
    sub.add_argument("experiment")
    _data_option(sub)
    sub.add_argument("--seeds", type=int, default=3)
    sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")

    sub = command("runs", _runs, "list runs with their test scores", "openmic-explore runs")
    sub.add_argument("folders", type=Path, nargs="*", help="default: the shipped runs and ./runs")

    sub = command("summary", _summary, "means and spread over seeds, as a Markdown table", "openmic-explore summary")
    _data_option(sub)
    sub.add_argument("folders", type=Path, nargs="*", help="default: the shipped runs and ./runs")

    sub = command("dashboard", _dashboard, "open the dashboard", "openmic-explore dashboard --data openmic-2018")
    _data_option(sub)
    return parser


def _data_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="a folder in OpenMIC-2018's layout (default: the teaching set)")


def _open(path: Path | None) -> Any:
    from openmic_explore.data import OpenMIC

    return OpenMIC(path) if path else OpenMIC.teaching()


def _download(options: argparse.Namespace) -> None:
    from openmic_explore.data.download import download

    folder = download(options.to, progress=sys.stderr.isatty())
    _check(argparse.Namespace(data=folder))


def _check(options: argparse.Namespace) -> None:
    from openmic_explore.data.check import check

    findings = check(options.data)
    for finding in findings:
        print(f"{finding.piece:12}  {finding.state:9} {finding.detail}")
    wrong = [finding.piece for finding in findings if finding.state != "complete" and finding.piece != "activity"]
    if wrong:
        raise ExploreError(f"{options.data} is not whole: {', '.join(wrong)}.")


def _teach(options: argparse.Namespace) -> None:
    from openmic_explore.data import OpenMIC
    from openmic_explore.data.bank import Bank
    from openmic_explore.data.teach import teach

    embed, note = None, None
    if not options.no_embedding:
        from openmic_explore.transforms.musicnn import MusicnnEmbedding

        embed = MusicnnEmbedding()
        note = {"embedding": embed.name, "frame_length": embed.frame_length}
    teach(
        options.folder,
        bank=Bank(options.bank) if options.bank else None,
        clips=options.clips,
        seed=options.seed,
        embed=embed,
        embedding=note,
        jobs=options.jobs,
        progress=sys.stderr.isatty(),
    )
    data = OpenMIC(options.folder)
    print(f"{len(data.keys)} clips, {int(data.mask.sum())} labels known of {data.mask.size}, in {options.folder}")


def _embed_teaching(options: argparse.Namespace) -> None:
    from openmic_explore.data.openmic import TEACHING
    from openmic_explore.features import embed_teaching

    print(embed_teaching(options.data, options.to or TEACHING, gallery=options.gallery))


def _fit_embedding(options: argparse.Namespace) -> None:
    from openmic_explore.features import fit_embedding

    print(fit_embedding(_open(options.data), options.to, progress=sys.stderr.isatty()))


def _features(options: argparse.Namespace) -> None:
    from openmic_explore.features import write_views

    print(write_views(_open(options.data), jobs=options.jobs, progress=sys.stderr.isatty()))


def _train(options: argparse.Namespace) -> None:
    from openmic_explore.training import train

    fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(TrainConfig)}
    run = train(
        TrainConfig(**fields),
        _open(options.data),
        runs=options.runs,
        name=options.name,
        progress=sys.stderr.isatty(),
    )
    print(run.scores.round(3).to_string())
    means = {name: round(value, 3) for name, value in run.info["means"].items()}
    print(f"means: {means}\ndata: {run.info['data']}, embedding: {run.info['embedding']}\n{run.path}")


def _reproduce(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import reproduce

    runs = reproduce(
        options.experiment,
        _open(options.data),
        runs=options.runs,
        seeds=options.seeds,
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
    table = runs.table()
    print(table.round(3).to_string() if len(table) else "There are no runs. Train one: openmic-explore train")


def _summary(options: argparse.Namespace) -> None:
    from openmic_explore.experiments import summary
    from openmic_explore.training import Runs

    print(summary(Runs(*options.folders), _open(options.data)))


def _dashboard(options: argparse.Namespace) -> None:
    import os

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
