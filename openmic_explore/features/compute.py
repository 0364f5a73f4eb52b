"""Computing features for every clip of a data folder: in parallel, and going on where an earlier call stopped."""

import contextlib
import dataclasses
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from openmic_explore.errors import ExploreError, MissingError
from openmic_explore.features.kinds import Embedded, Kind, LogMel, Scalograms
from openmic_explore.features.store import FOLDER, PICTURES, Features, feature_folder, open_features
from openmic_explore.features.work import TOLERANCE, Augment, Task, attempt, results
from openmic_explore.features.writer import Writer, claimed, clear, is_tidy
from openmic_explore.transforms.embedding import prepare

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# Clips looked at to learn how long the clips are.
SAMPLED = 25

RATE = 44100


@dataclass
class Report:
    """What `write_features` did.

    folders: where each kind is now. computed: clips that something was computed of; reused: clips of which everything
    was there. left_out: clips without features, and why. notes: what was told on the way.
    """

    folders: dict[str, Path] = field(default_factory=dict)
    computed: int = 0
    reused: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def write_features(
    data: "OpenMIC",
    kinds: Sequence[Kind] = (LogMel(), Scalograms()),
    *,
    keys: Iterable[str] | None = None,
    jobs: int = -1,
    cluster: str | None = None,
    progress: bool = True,
    tell: Callable[[str], object] | None = None,
    version: int = 0,
    augment: Augment | None = None,
    seed: int = 0,
) -> Report:
    """Compute kinds of feature of the clips (default: all with audio) and keep them in the data folder.

    Clips that a kind has with the same parameters are not computed again, even where their audio is gone; with other
    parameters all are, and the old ones stay until the new ones are complete. A call that is cut off, in whatever way,
    leaves the features as they were; the next one goes on.

    jobs: processes, -1 for one a core; cluster: address of a Dask scheduler instead, whose workers see the data folder
    under the same path. tell: called at once with what there is to know, such as changed parameters.
    version, augment: the k-th augmented version of every clip, k from 1 on, kept beside version 0, and the function that
    makes it, which must be picklable; the clip in row i of the data gets the generator of (seed, k, i).

    Returns a Report. Clips that cannot be decoded, or whose length differs from the others', are left out and named; a
    clip whose file has changed since is tried again. Raises ExploreError when there is no audio, when a transform fails,
    when the folder cannot be written or lacks room, or when another process computes the same.
    """
    report = Report()

    def note(text: str) -> None:
        report.notes.append(text)
        if tell is not None:
            tell(text)

    wanted = list(dict.fromkeys(data.audio_keys if keys is None else keys))
    paths = [data.audio_path(key) for key in wanted]  # refuses keys that the data does not have
    _check(data, kinds, wanted, jobs, version, augment)
    drawn: dict[str, Any] = {"version": version, "seed": seed, "augment": _name(augment)} if augment else {}
    try:
        seconds = _seconds(data, kinds, version, paths)
        for kind in kinds:
            if isinstance(kind, Embedded):
                prepare(kind.embedding)
        with contextlib.ExitStack() as stack:
            writers: list[tuple[Kind, Writer]] = []
            todo: dict[str, list[tuple[Kind, tuple[int, ...]]]] = {}
            for kind in kinds:
                parameters = {**kind.parameters, "seconds": seconds, **drawn}
                writer = _writer(data, kind, parameters, wanted, version, note, stack)
                if writer is not None:
                    writers.append((kind, writer))
                    for key in writer.pending:
                        todo.setdefault(key, []).append((kind, writer.shape))
            tasks = (
                Task(
                    key,
                    data.audio_path(key).absolute(),
                    tuple(missing),
                    seconds,
                    augment=augment,
                    seed=(seed, version, data.index(key)),
                )
                for key, missing in todo.items()
            )
            # Closed first whatever happens, so that no process goes on in vain.
            found = stack.enter_context(contextlib.closing(results(tasks, jobs=jobs, cluster=cluster)))
            for key, outcome in _shown(found, len(todo), progress):
                for kind, writer in writers:
                    values = outcome.get(kind.name)
                    if isinstance(values, str):
                        writer.leave_out(key, values)
                    elif values is not None:
                        writer.write(key, values)
                report.computed += any(not isinstance(values, str) for values in outcome.values())
            for _, writer in writers:
                writer.finish()
    except OSError as error:
        raise ExploreError(
            f"{error.filename or data.path / FOLDER} cannot be written ({error.strerror or error}). Make room, or allow "
            "writing there; what is done is kept, and the same command goes on."
        ) from error
    for kind in kinds:
        store = open_features(data.path, kind.name, version=version)
        report.folders[kind.name] = store.path
        report.left_out |= {key: why["reason"] for key, why in store.left_out.items()}
    report.reused = sum(key not in todo and key not in report.left_out for key in wanted)
    return report


def _check(
    data: "OpenMIC", kinds: Sequence[Kind], keys: list[str], jobs: int, version: int, augment: Augment | None
) -> None:
    if (version > 0) != (augment is not None) or version < 0:
        raise ExploreError("Version 0 is the clips as they are; versions from 1 on need a function that augments them.")
    if jobs == 0:
        raise ExploreError("There cannot be 0 processes. Give a number from 1 on, or -1 for one a core.")
    if not keys:
        raise ExploreError(f"{data.path} has no audio to compute features from.")
    twice = [name for name, count in Counter(kind.name for kind in kinds).items() if count > 1]
    taken = [kind.name for kind in kinds if isinstance(kind, Embedded) and kind.name in PICTURES]
    if twice or taken:
        raise ExploreError(f"Two kinds of feature have the name {(twice + taken)[0]}. Give the embedding another name.")
    for kind in kinds:
        feature_folder(data.path, kind.name)  # refuses a name that cannot be a folder's


def _name(augment: Augment) -> str:
    """What tells an augmentation from another: its fields if it is a dataclass, else the name of the function."""
    if dataclasses.is_dataclass(augment):
        return repr(augment)
    return str(getattr(augment, "__qualname__", type(augment).__qualname__))


def _writer(
    data: "OpenMIC",
    kind: Kind,
    parameters: dict[str, Any],
    keys: list[str],
    version: int,
    note: Callable[[str], None],
    stack: contextlib.ExitStack,
) -> Writer | None:
    """A writer, entered into the stack, for what is missing of a kind; None where nothing is."""
    folder = feature_folder(data.path, kind.name, version)
    if is_tidy(folder) and _missing(data, _kept(data, kind, parameters, version), keys) == []:
        return None  # without a claim, so that a complete feature may lie where nothing can be written
    stack.enter_context(claimed(folder))
    old = _kept(data, kind, parameters, version, note)
    missing = _missing(data, old, keys)
    if not missing:
        clear(folder)
        return None
    if old is not None:
        # Clips that are there already stay, also where their audio is gone by now.
        ours = set(data.keys.tolist())
        kept = [key for key in old.keys if key in ours]
        every, info = list(dict.fromkeys([*kept, *missing])), old.info
    else:
        every, info = keys, _info(kind, parameters)
    writer = stack.enter_context(Writer(folder, every, info, lambda key: _stamp(data.audio_path(key))))
    if old is not None:
        writer.take_over(old)
    return writer


def _kept(
    data: "OpenMIC",
    kind: Kind,
    parameters: dict[str, Any],
    version: int,
    note: Callable[[str], None] = lambda text: None,  # noqa: ARG005
) -> Features | None:
    """The finished feature, if it was computed with these parameters; else it is noted why it is of no use."""
    try:
        old = open_features(data.path, kind.name, version=version)
    except MissingError:
        return None
    except ExploreError as error:
        folder = feature_folder(data.path, kind.name, version)
        note(f"{folder} is damaged ({error.__cause__}); it is computed again.")
        return None
    before, now = old.parameters, json.loads(json.dumps(parameters))
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        changes = ", ".join(f"{name} {before.get(name)} before, {now.get(name)} now" for name in changed)
        note(f"{old.path} was computed with other parameters ({changes}); it is computed again.")
        return None
    return old


def _missing(data: "OpenMIC", old: Features | None, keys: list[str]) -> list[str]:
    """The clips that are to be computed: new ones, and those whose file has changed since it was left out."""
    if old is None:
        return keys
    ours = set(data.keys.tolist())
    again = [key for key, why in old.left_out.items() if key in ours and why["stamp"] != _stamp(data.audio_path(key))]
    known = set(old.keys)
    return [*again, *(key for key in keys if key not in known)]


def _info(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    """What index.json holds beside keys. Shape and axes depend on the clips' length alone, so silence tells them."""
    seconds = parameters["seconds"]
    silence = np.zeros(round(seconds * RATE), dtype=np.float32)
    values = attempt(f"Computing the {kind.name} of {seconds} s of silence", kind.compute, silence, RATE)
    return {"kind": kind.name, "parameters": parameters, "shape": list(values.shape), **kind.axes(values, seconds)}


def _shown(found: Iterable[Any], total: int, progress: bool) -> Iterator[Any]:
    from tqdm.auto import tqdm

    yield from tqdm(found, total=total, desc="features", unit="clip", disable=not progress or not total, smoothing=0.05)


def _stamp(path: Path) -> list[int]:
    """The state of a file: bytes, and nanoseconds of its last change; [0, 0] where there is none."""
    try:
        status = path.stat()
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def _seconds(data: "OpenMIC", kinds: Sequence[Kind], version: int, paths: list[Path]) -> float:
    """How long the clips are: the median of some of them, in hundredths of a second.

    What a finished feature was computed with stays where it is as good, so that a few more clips do not change it.
    """
    import soundfile

    lengths = []
    for path in paths[:: max(1, len(paths) // SAMPLED)]:
        with contextlib.suppress(soundfile.SoundFileError, OSError):
            found = soundfile.info(path)
            if found.frames > 0 and found.samplerate > 0:
                lengths.append(found.frames / found.samplerate)
    if not lengths:
        raise ExploreError(f"None of the {len(paths):,} audio files in {data.path} that were tried can be decoded.")
    median = float(np.median(lengths))
    for kind in kinds:
        with contextlib.suppress(ExploreError):
            kept = open_features(data.path, kind.name, version=version).parameters.get("seconds")
            if isinstance(kept, int | float) and abs(kept - median) < TOLERANCE / 2:
                return kept
    return max(0.01, math.floor(median * 100 + 0.5) / 100)
