"""The feature store: clips a second, with one process and with two, for few clips and for many."""

import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.features import Embedded, LogMel, Scalograms, write_features
from openmic_explore.transforms.embedding import embedding

OFFICIAL = 20_000


def store(folder: Path, *, clips: tuple[int, ...] = (100, 2000), jobs: tuple[int, ...] = (1, 2)) -> str:
    """Measure and return the table: decode to store, log-mel and scalogram, then the musicnn embedding as well.

    folder: a data set with that much audio; it is not written to. Raises ExploreError when it has too few clips.
    """
    data = OpenMIC(folder)
    keys = data.audio_keys
    if len(keys) < max(clips):
        raise ExploreError(
            f"{folder} has audio of {len(keys)} clips; this takes {max(clips)}. Try teach data/teaching."
        )
    pictures = [LogMel(), Scalograms()]
    lines = ["| kept | clips | processes | clips a second | 20,000 clips, minutes |", "| --- | --- | --- | --- | --- |"]
    for name, kinds in (
        ("log-mel, scalogram", pictures),
        ("the same and musicnn", [*pictures, Embedded(embedding("musicnn"))]),
    ):
        for count in clips:
            for processes in jobs:
                if kinds is not pictures and (count, processes) != (clips[-1], jobs[-1]):
                    continue
                seconds, size = _once(data, keys[:count], kinds, processes)
                lines.append(
                    f"| {name} | {count:,} | {processes} | {count / seconds:.1f} | {OFFICIAL / count * seconds / 60:.1f} |"
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return "\n".join(
        [
            *lines,
            "",
            f"Largest resident memory of the process that collects: {peak:.0f} MB. 1,000 clips take {1000 * size / 1e6:.0f} MB.",
        ]
    )


def _once(data: OpenMIC, keys: list[str], kinds: list, processes: int) -> tuple[float, float]:
    """Seconds for the clips, and bytes a clip, in a copy of the folder whose audio is linked."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "data"
        shutil.copytree(data.path, copy, ignore=shutil.ignore_patterns("audio", "features", ".*"))
        (copy / "audio").symlink_to(data.path.resolve() / "audio", target_is_directory=True)
        start = time.perf_counter()
        report = write_features(OpenMIC(copy), kinds, keys=keys, jobs=processes, progress=False)
        seconds = time.perf_counter() - start
        size = sum(os.path.getsize(file) for path in report.folders.values() for file in path.iterdir())
    return seconds, size / len(keys)
