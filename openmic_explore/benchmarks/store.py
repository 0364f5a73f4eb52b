"""The feature store: clips a second with one process and with two, for few clips and for many, and the memory it takes.

Every measurement starts a Python of its own, so that none finds workers and imports that another one left.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openmic_explore.benchmarks.harness import Result, interleaved, markdown
from openmic_explore.benchmarks.transforms import stereo_clip
from openmic_explore.data import OpenMIC
from openmic_explore.data.audio import read_audio
from openmic_explore.errors import ExploreError
from openmic_explore.features import Embedded, LogMel, Scalograms, write_features
from openmic_explore.features.kinds import Kind
from openmic_explore.transforms.embedding import embedding

OFFICIAL = 20_000
KINDS = {"log-mel, scalogram": False, "the same and musicnn": True}  # name: with the embedding?


def store(
    folder: Path,
    *,
    clips: tuple[int, ...] = (100, 500, 2000),
    jobs: tuple[int, ...] = (1, 2),
    tell: Callable[[str], object] = lambda _: None,
) -> Result:
    """Measure decode to store: log-mel and scalogram, then with the musicnn embedding; takes about ten minutes.

    folder: a data set with that much audio; it is not written to. clips: how many, ascending; all of them are tried with
    the most processes, and the last but one with every number of `jobs`. tell: called with what is being measured.
    Raises ExploreError when the folder has too few clips.
    """
    data = OpenMIC(folder)
    if len(data.audio_keys) < max(clips):
        raise ExploreError(
            f"{folder} has audio of {len(data.audio_keys)} clips; this takes {max(clips)}. Try teach data/teaching."
        )
    found: list[dict[str, Any]] = []
    for name, count, processes in itertools.product(KINDS, clips, jobs):
        if processes == max(jobs) or count == clips[max(0, len(clips) - 2)]:
            tell(f"{name}: {count:,} clips, {processes} processes")
            measured = _apart(data.path, count, processes, KINDS[name])
            found.append({"kept": name, "clips": count, "processes": processes, **measured})
    head = ("kept", "clips", "processes", "clips a second", "20,000 clips, minutes", "memory a process, MB")
    lines = [head, *(_line(one) for one in found)]
    size = {name: next(one["bytes"] / one["clips"] for one in found[::-1] if one["kept"] == name) for name in KINDS}
    stereo = _stereo_surcharge(data)
    notes = [
        *(_growth(name, [one for one in found if one["kept"] == name]) for name in KINDS),
        f"1,000 clips take {' MB, '.join(f'{name} {1000 * each / 1e6:.1f}' for name, each in size.items())} MB.",
        _about(data),
        f"A stereo file such as OpenMIC's takes {1000 * stereo:.1f} ms more to decode and mix than one of these: "
        f"{OFFICIAL * stereo / max(jobs) / 60:.1f} minutes more for 20,000 with {max(jobs)} processes.",
    ]
    return Result(
        "\n".join([markdown(lines), "", *filter(None, notes)]),
        {"benchmark": "store", "measured": found, "bytes_a_clip": size, "stereo_surcharge_seconds": stereo},
    )


def _line(one: dict[str, Any]) -> tuple[str, ...]:
    seconds = one["seconds"] / one["clips"]
    memory = "not known here" if one["memory"] is None else f"{one['memory'] / 1e6:.0f}"
    return (
        *(one["kept"], f"{one['clips']:,}", str(one["processes"])),
        *(f"{1 / seconds:.1f}", f"{OFFICIAL * seconds / 60:.1f}", memory),
    )


def _growth(name: str, found: list[dict[str, Any]]) -> str:
    """Whether a clip costs the same among many: milliseconds of each further clip, from one number of clips to the next."""
    most = max(one["processes"] for one in found)
    steps = list(itertools.pairwise(one for one in found if one["processes"] == most))
    further = [
        f"{1000 * (after['seconds'] - before['seconds']) / (after['clips'] - before['clips']):.1f} ms from "
        f"{before['clips']:,} to {after['clips']:,}"
        for before, after in steps
    ]
    return f"A further clip, {name}, {most} processes: {', '.join(further)}." if further else ""


def _about(data: OpenMIC) -> str:
    import soundfile

    path = data.audio_path(data.audio_keys[0])
    about = soundfile.info(str(path))
    channels = {1: "mono", 2: "stereo"}.get(about.channels, f"{about.channels} channels")
    return (
        f"The clips: {about.duration:.0f} s, {channels}, {about.samplerate:,} Hz, {path.stat().st_size / 1000:.0f} kB."
    )


def _stereo_surcharge(data: OpenMIC) -> float:
    """Seconds that reading a stereo file of the official ones' size takes beyond reading one of these (mono, if by teach)."""
    with tempfile.TemporaryDirectory() as folder:
        path = stereo_clip(Path(folder) / "clip.ogg")
        own = data.audio_path(data.audio_keys[0])
        found = interleaved({"own": lambda: read_audio(own), "stereo": lambda: read_audio(path)}, 15)
    return found["stereo"].median - found["own"].median


def _apart(folder: Path, count: int, processes: int, embed: bool) -> dict[str, Any]:
    """`_measure` in a Python of its own, on a copy of the folder in which the audio is linked, deleted afterwards."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "data"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("audio", "features", ".*"))
        (copy / "audio").symlink_to(folder.resolve() / "audio", target_is_directory=True)
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(copy), str(count), str(processes), str(int(embed))],
            env={**os.environ, **one, "OPENMIC_EXPLORE_CACHE": str(Path(temporary) / "cache")},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ExploreError(f"{folder} could not be measured; what went wrong stands above.")
        return dict(json.loads(done.stdout))


def _measure(folder: Path, count: int, processes: int, embed: bool) -> dict[str, Any]:
    """Seconds for so many clips, opening the data and starting the processes included; bytes stored; the largest memory."""
    start = time.perf_counter()
    data = OpenMIC(folder)
    kinds: list[Kind] = [LogMel(), Scalograms()]
    kinds += [Embedded(embedding("musicnn"))] if embed else []
    report = write_features(data, kinds, keys=data.audio_keys[:count], jobs=processes, progress=False)
    seconds = time.perf_counter() - start
    size = sum(file.stat().st_size for path in report.folders.values() for file in path.iterdir())
    return {"seconds": seconds, "bytes": size, "left_out": len(report.left_out), "memory": _memory()}


def _memory() -> int | None:
    """The largest resident memory, in bytes, that this process or a child still running has had; None without /proc."""
    largest = None
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended meanwhile
            continue
        if "VmHWM" in lines and os.getpid() in (int(lines["Pid"]), int(lines["PPid"])):
            largest = max(largest or 0, int(lines["VmHWM"].split()[0]) * 1024)
    return largest


if __name__ == "__main__":
    place, number, at_once, with_embedding = sys.argv[1:]
    print(json.dumps(_measure(Path(place), int(number), int(at_once), bool(int(with_embedding)))))
