"""The commands that make, fetch and check data: download, check, teach, features, and the package's own copies."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from openmic_explore.cli_runs import Command, open_data
from openmic_explore.errors import ExploreError, as_command


def add_data_commands(command: Command) -> None:
    """Add the commands to the command line."""
    sub = command(
        "download", _download, "fetch the official archive (2.6 GB) and unpack it", "openmic-explore download"
    )
    sub.add_argument("--to", type=Path, default=Path(), help="where openmic-2018/ will be (default: here)")
    sub.add_argument("--from", dest="source", metavar="URL-or-file", help="default: Zenodo record 1432913")
    sub.add_argument("--md5", help="of another archive in the same layout (default: the official one's)")
    sub.add_argument("--keep-archive", action="store_true", help="do not delete the archive once it is unpacked")
    sub.add_argument("--json", action="store_true", help="what arrived as one JSON object")
    sub.set_defaults(resumes=True)

    sub = command("check", _check, "what is complete, missing, damaged", "openmic-explore check openmic-2018")
    sub.add_argument("data", type=Path)
    sub.add_argument("--deep", action="store_true", help="read all audio and features, too, and compare their MD5")
    sub.add_argument("--jobs", type=int, default=-1, help="threads of --deep (default: one a core)")
    sub.add_argument("--json", action="store_true", help="one JSON object a piece, in a line of its own")

    sub = command("teach", _teach, "mix a teaching set from a bank of notes", "openmic-explore teach data/teaching")
    sub.add_argument("folder", type=Path, help="a new folder, or one to go on with")
    sub.add_argument("--clips", type=int, default=3600, help="how many clips; a sixth are test clips (default 3600)")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--bank", type=Path, help="a folder of notes with an index.csv (default: the shipped bank)")
    sub.add_argument("--no-embedding", action="store_true", help="audio, labels and truth only")
    sub.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    sub.add_argument("--json", action="store_true", help="what was made as one JSON object")
    sub.set_defaults(resumes=True)

    sub = command(
        "embed-teaching",
        _embed_teaching,
        "make the package's own copy of a teaching set",
        "openmic-explore embed-teaching data/teaching --to data/small",
    )
    sub.add_argument("data", type=Path, help="a folder made by `teach`")
    sub.add_argument("--to", type=Path, help="a new folder (default: the package's own)")
    sub.add_argument("--gallery", type=int, default=40, help="test clips that keep their audio (default 40)")

    sub = command(
        "fit-embedding",
        _fit_embedding,
        "fit the embedding's PCA to training clips",
        "openmic-explore fit-embedding data/pca",
    )
    sub.add_argument("data", type=Path, help="a folder with audio")
    sub.add_argument("--to", type=Path, help="where to write (default: the package's own weights)")

    sub = command(
        "features",
        _features,
        "compute and keep embeddings, log-mels and scalograms",
        "openmic-explore features openmic-2018",
    )
    sub.add_argument("data", type=Path)
    sub.add_argument(
        "--only",
        choices=("log_mel", "scalogram", "embedding"),
        action="append",
        help="one kind; may be given again (default: all three)",
    )
    sub.add_argument(
        "--embedding",
        default="musicnn",
        help="musicnn, musicnn+mel, vggish, or your own as FILE.py:NAME (default: musicnn)",
    )
    sub.add_argument("--weights", type=Path, help="vggish: a folder with its two files (default: fetched, 289 MB)")
    sub.add_argument(
        "--versions",
        type=int,
        default=0,
        metavar="N",
        help="altered versions of the sound of every training clip, too: pitch, filters, room, level (default 0)",
    )
    sub.add_argument("--scales", type=int, default=128, help="rows of the scalogram (default 128)")
    sub.add_argument("--bins", type=int, default=128, help="time bins of the scalogram (default 128)")
    sub.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    sub.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler whose workers see the folder")
    sub.add_argument("--json", action="store_true", help="what was done as one JSON object")
    sub.set_defaults(resumes=True)


def _download(options: argparse.Namespace) -> None:
    from openmic_explore.data.check import arrived, check
    from openmic_explore.data.download import MD5, URL, download

    folder = download(
        options.to,
        source=options.source or URL,
        md5=options.md5 or MD5,
        keep=options.keep_archive,
        progress=sys.stderr.isatty(),
        tell=lambda note: print(note, file=sys.stderr),
    )
    table = arrived(folder)
    differ = [row.what for row in table if row.found != row.official]
    if options.json:
        rows = {row.what: {"found": row.found, "official": row.official} for row in table}
        print(json.dumps({"folder": str(folder), "as_official": not differ, **rows}))
    else:
        print(f"{'':18}{'here':>8}  {'official':>8}")
        for row in table:
            mark = "" if row.found == row.official else "  differs"
            print(f"{row.what:18}{row.found:8,}  {row.official:8,}{mark}")
        print(f"{folder} {'is not the official data' if differ else 'has the official numbers'}")
    if differ and not options.md5:
        raise ExploreError(f"{folder} differs from the official data: {', '.join(differ)}.")
    _complain_of(folder, check(folder))


def _check(options: argparse.Namespace) -> None:
    from openmic_explore.data.check import check

    findings = check(options.data, deep=options.deep, jobs=options.jobs, progress=sys.stderr.isatty())
    if options.json:
        for finding in findings:
            print(json.dumps({**finding._asdict(), "wrong": finding.wrong}))
    else:
        width = max(len(finding.piece) for finding in findings)
        print(f"{'piece':{width}}  state       files  missing  damaged")
        for finding in findings:
            counts = (finding.listed, finding.missing, finding.damaged)
            numbers = "{:7,}  {:7,}  {:7,}".format(*counts) if finding.listed else f"{'-':>7}  {'-':>7}  {'-':>7}"
            print(f"{finding.piece:{width}}  {finding.state:8} {numbers}  {finding.detail}")
            for file in finding.bad:
                print(f"{'':{width}}  {file}")
    _complain_of(options.data, findings)


def _complain_of(folder: Path, findings: Any) -> None:
    wrong = [finding for finding in findings if finding.wrong]
    if not wrong:
        return
    official = not (folder / "dataset.json").exists() and folder.resolve().name == "openmic-2018"
    # Files that are as listed and yet wrong would come from the archive just so.
    helps = official and any(finding.missing or finding.damaged or not finding.listed for finding in wrong)
    mend = f" Mend it: {as_command('download', '--to', folder.resolve().parent)}" if helps else ""
    raise ExploreError(f"{folder} is not whole: {', '.join(finding.piece for finding in wrong)}.{mend}")


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
    if options.json:
        counts = {"clips": len(data), "labels": int(data.mask.sum()), "cells": data.mask.size}
        print(json.dumps({"folder": str(options.folder), **counts, "fingerprint": data.fingerprint}))
    else:
        print(f"{len(data.keys)} clips, {int(data.mask.sum())} labels known of {data.mask.size}, in {options.folder}")


def _embed_teaching(options: argparse.Namespace) -> None:
    from openmic_explore.data.openmic import TEACHING
    from openmic_explore.features import embed_teaching

    print(embed_teaching(options.data, options.to or TEACHING, gallery=options.gallery))


def _fit_embedding(options: argparse.Namespace) -> None:
    from openmic_explore.features import fit_embedding

    print(fit_embedding(open_data(options.data), options.to, progress=sys.stderr.isatty()))


def _features(options: argparse.Namespace) -> None:
    from openmic_explore.features import Embedded, LogMel, Scalograms, write_features
    from openmic_explore.transforms.alter import alter
    from openmic_explore.transforms.embedding import embedding

    if options.versions < 0:
        raise ExploreError(f"--versions must be at least 0, not {options.versions}.")
    chosen = options.only or ["log_mel", "scalogram", "embedding"]
    kinds: list[Any] = []
    if "log_mel" in chosen:
        kinds.append(LogMel())
    if "scalogram" in chosen:
        kinds.append(Scalograms(scales=options.scales, bins=options.bins))
    if "embedding" in chosen:
        kinds.append(Embedded(embedding(options.embedding, weights=options.weights)))
    data = open_data(options.data)
    common: dict[str, Any] = {
        "jobs": options.jobs,
        "cluster": options.cluster,
        "progress": sys.stderr.isatty(),
        "tell": lambda note: print(note, file=sys.stderr),
    }
    report = write_features(data, kinds, **common)
    training = [part for part in ("train", "validation") if options.versions and len(data.split(part))]
    altered = [str(data.keys[row]) for part in training for row in data.split(part)]
    for version in range(1, options.versions + 1):
        more = write_features(data, kinds, keys=altered, version=version, augment=alter, **common)
        report.folders |= {f"{kind}.{version}": folder for kind, folder in more.folders.items()}
        report.left_out |= more.left_out
        report.computed, report.reused = report.computed + more.computed, report.reused + more.reused
    if options.json:
        folders = {kind: str(folder) for kind, folder in report.folders.items()}
        counts = {"computed": report.computed, "reused": report.reused}
        print(json.dumps({"folders": folders, **counts, "left_out": report.left_out}))
        return
    for key, reason in report.left_out.items():
        print(f"left out: {key}: {reason}", file=sys.stderr)
    for kind, folder in report.folders.items():
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{kind:20} {size / 1e6:9.1f} MB  {folder}")
    counts = {"computed": report.computed, "there already": report.reused, "left out": len(report.left_out)}
    print("clips: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()), file=sys.stderr)
