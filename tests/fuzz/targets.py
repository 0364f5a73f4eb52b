"""Every kind of file that the program reads: how a good one is made, what damages it, and what reading it must give."""

import contextlib
import hashlib
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from openmic_explore import OpenMIC, Runs, TrainConfig, train
from openmic_explore.data.audio import read_audio
from openmic_explore.data.bank import Bank
from openmic_explore.data.check import check
from openmic_explore.data.checksums import read_checksums
from openmic_explore.data.download import download
from openmic_explore.data.unpack import Bounds, safe_path, unpack
from openmic_explore.errors import ExploreError
from openmic_explore.features import LogMel, open_features, write_features
from openmic_explore.features.store import feature_folder
from openmic_explore.features.writer import beside
from openmic_explore.predict.sound import open_sound
from openmic_explore.training import Run
from tests.bad_line import md5
from tests.features.short import write_short
from tests.fuzz import mutations as m
from tests.miniature import LABELS, METADATA, NPZ, write_activity, write_miniature
from tests.notes import write_bank

# A valid folder -> the same, spoilt: which file it was.
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Target:
    """One kind of file.

    make: writes a folder with a good one into a new folder. file: its path there. read: reads it as the program does and
    returns what it said, which must equal itself; an AssertionError means that it took what it should have refused.
    mutations: see `mutations`. sure: is there a checksum, or a second copy, so that another answer than that of the good
    file is wrong? fresh: does reading change the folder, so that each case takes a new copy?
    """

    name: str
    make: Callable[[Path], object]
    file: str
    read: Read
    mutations: tuple[m.Mutation, ...] = m.BYTES
    sure: bool = False
    fresh: bool = False
    also_named: tuple[str, ...] = ()


def digest(*arrays: Any) -> str:
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


# The data folder


def miniature(folder: Path) -> None:
    write_miniature(folder, audio=False)


def tables_only(folder: Path) -> None:
    """Labels from the CSV and vectors from the JSON files, where nothing else tells what they should be."""
    miniature(folder)
    (folder / NPZ).unlink()


def known_truth(folder: Path) -> None:
    miniature(folder)
    write_activity(folder)
    (folder / "dataset.json").write_text(
        json.dumps({"name": "x", "embedding": "vggish", "frame_length": 0.96, "recipe": {"seed": 0, "clips": 48}})
    )


def labels(folder: Path) -> object:
    data = OpenMIC(folder)
    known = data.relevance[data.mask]
    assert ((known >= 0) & (known <= 1)).all()
    assert np.isnan(data.relevance[~data.mask]).all()
    assert len(set(data.keys.tolist())) == len(data)
    return digest(data.keys, data.relevance, data.mask, data._index.part), data.missing


def whole(folder: Path) -> object:
    data = OpenMIC(folder)
    return labels(folder), digest(data.embedding), data.fingerprint


def labels_beside_vectors(folder: Path) -> object:
    """Labels stand in the CSV, too; nothing but the archive's own checksums tells one vector from another."""
    vectors(folder)
    return labels(folder)


def artists(folder: Path) -> object:
    data = OpenMIC(folder)
    sides = [set(data._index.group[data.split(part)].tolist()) for part in ("train", "validation")]
    assert not sides[0] & sides[1]
    return labels(folder)


def vectors(folder: Path) -> object:
    embedding = OpenMIC(folder).embedding
    assert embedding.dtype == np.uint8
    assert embedding.shape == (48, 10, 128)
    return digest(embedding)


def activity(folder: Path) -> object:
    data = OpenMIC(folder)
    assert data.activity is not None
    assert 0 < data.activity.frame_length < np.inf
    return digest(data.activity.active, data.activity.frame_length)


def information(folder: Path) -> object:
    data = OpenMIC(folder)
    assert isinstance(data.name, str)
    assert 0 < data.frame_length < np.inf
    with_mend = next((key for key in data.keys.tolist() if not data.has_audio(key)), None)
    try:
        data.audio(with_mend)
    except ExploreError as error:
        return data.name, data.embedding_name, data.frame_length, data.fingerprint, str(error)
    raise AssertionError("there is no audio")


def checked(folder: Path) -> object:
    listed = read_checksums(folder)
    assert all(safe_path(path) == path for path in listed)
    found = check(folder, deep=True, jobs=1)
    assert all(finding.state in ("complete", "partial", "missing", "damaged") for finding in found)
    return [finding._replace(bad=()) for finding in found]


first_key = "000/000046_"


def cached(folder: Path) -> None:
    """A folder, and beside it what the cache folder has of it."""
    import os

    miniature(folder / "data")
    before = os.environ.get("OPENMIC_EXPLORE_CACHE")
    os.environ["OPENMIC_EXPLORE_CACHE"] = str(folder / "cache")
    try:
        vectors(folder / "data")
    finally:
        os.environ.pop("OPENMIC_EXPLORE_CACHE") if before is None else os.environ.update(OPENMIC_EXPLORE_CACHE=before)


# Sound


def sound(suffix: str, subtype: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    samples = 0.3 * np.sin(np.arange(22050) / 9)[:, None] + 0.05 * rng.standard_normal((22050, 2))
    form = {"aiff": "AIFF", "mp3": "MP3"}.get(suffix, suffix.upper())
    with soundfile.SoundFile(folder / f"a.{suffix}", "w", 22050, 2, format=form, subtype=subtype) as file:
        file.write(samples)


def heard(folder: Path) -> object:
    (path,) = folder.glob("a.*")
    samples, rate = read_audio(path)
    assert samples.ndim == 1
    assert np.abs(samples).max(initial=0) <= 100
    assert 1000 <= rate <= 768_000
    assert samples.nbytes < 2**29
    with open_sound(path, limit=60) as opened:
        pieces = []
        while opened.has(opened.seconds, 1.0) or not opened.ended:
            pieces.append(opened.piece(opened.seconds, 1.0))
    return digest(samples), rate


def bank(folder: Path) -> None:
    write_bank(folder)


def notes(folder: Path) -> object:
    found = Bank(folder)
    inside = folder.resolve()
    for note in found.notes:
        assert (folder / note.file).resolve().is_relative_to(inside)
        assert 0 <= note.pitch <= 127
        assert 0 <= note.duration <= 3600
    assert len(found.fingerprint) == 64
    return len(found.samples(found.notes[0])) > 0


# Kept features


def kept(folder: Path) -> None:
    write_short(folder, 4)
    write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)


def kept_values(folder: Path) -> object:
    check(folder)
    store = open_features(folder, "log_mel")
    values = store.read(list(store.row))
    picture = store.picture(next(iter(store.row)))
    assert picture.values.shape == (len(picture.frequency), len(picture.time))
    assert all(np.isfinite(axis).all() for axis in (picture.frequency, picture.time))
    assert all(0 <= store.row[key] < len(store.values) for key in store.row)
    return digest(values), list(store.row)


def begun(folder: Path) -> None:
    """Features that were cut off after two of four clips."""
    write_short(folder, 4)

    def stop(data: OpenMIC) -> None:
        from openmic_explore.features import compute

        original = compute._shown

        def two(found: Iterable, total: int, progress: bool) -> Iterable:
            for number, each in enumerate(original(found, total, progress)):
                if number == 2:
                    raise KeyboardInterrupt
                yield each

        compute._shown = two
        try:
            write_features(data, [LogMel()], jobs=1, progress=False)
        except KeyboardInterrupt:
            pass
        finally:
            compute._shown = original

    stop(OpenMIC(folder))
    assert beside(feature_folder(folder, "log_mel"), "part").is_dir()


def finished(folder: Path) -> object:
    report = write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)
    assert not report.left_out
    assert [path.name for path in (folder / "features").iterdir()] == ["log_mel"]
    return kept_values(folder)


# Runs

CONFIG = TrainConfig("mel", epochs=3)


def finished_run(folder: Path) -> None:
    write_short(folder / "data", 4)
    train(CONFIG, OpenMIC(folder / "data"), runs=folder / "runs", name="r", progress=False)


def run_says(folder: Path) -> object:
    """Everything that the program asks of a run; one that is damaged is listed with what is wrong."""
    runs = Runs(folder / "runs")
    if runs.damaged:
        ((_, why),) = runs.damaged.items()
        raise ExploreError(why)
    if not len(runs):
        assert runs.unfinished
        raise ExploreError(f"unfinished: {runs.unfinished[0]}")
    run = runs["r"]
    table = runs.table()
    json.dumps(run.to_dict())
    keys, probability = run.predictions
    assert len(keys) == len(probability)
    assert ((probability >= 0) & (probability <= 1)).all()
    state = run.model().state_dict()
    assert all(np.isfinite(tensor.numpy()).all() for tensor in state.values())
    heads, scores, truth, history = run.heads, run.scores, run.scores_truth, run.history
    assert heads is not None and truth is not None  # noqa: PT018
    frames = [run.frames(str(key)) for key in keys]
    return (
        table.to_json(),
        digest(keys, probability, *heads),
        scores.to_json(),
        truth.to_json(),
        history.to_json(),
        digest(*(tensor.numpy() for tensor in state.values())),
        digest(*(array for each in frames if each for array in each[:3])),
    )


def begun_run(folder: Path) -> None:
    """A training that was cut off after its second epoch."""
    from openmic_explore.training import fit

    write_short(folder / "data", 4)

    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    before, fit.KEEP_EVERY = fit.KEEP_EVERY, 0.0
    try:
        train(CONFIG, OpenMIC(folder / "data"), runs=folder / "runs", name="r", progress=False, on_epoch=stop)
    except KeyboardInterrupt:
        pass
    finally:
        fit.KEEP_EVERY = before
    (state,) = (folder / "runs" / ".r.part").iterdir()
    state.rename(folder / "state")


def trained_on(folder: Path) -> object:
    """Goes on from the state, in the place where the trainer looks for it."""
    data = OpenMIC(folder / "data")
    part = folder / "runs" / ".r.part"
    part.mkdir(exist_ok=True)
    shutil.copyfile(folder / "state", part / f"{data.fingerprint[:16]}.pt")
    try:
        run = train(CONFIG, data, runs=folder / "runs", name="r", progress=False)
    except ExploreError as error:
        raise ExploreError(f"state: {error}") from error
    return digest(*(tensor.numpy() for tensor in Run(run.path).model().state_dict().values()))


# The archive


def archive(folder: Path) -> None:
    from tests.stand_in import pack

    write_miniature(folder / "openmic-2018", clips=24, audio=False)
    for file in (folder / "openmic-2018" / "vggish").glob("*/*"):
        file.write_text("{}")  # small, so that headers are often hit
    pack(folder / "openmic-2018", folder / "a.tgz")
    shutil.rmtree(folder / "openmic-2018")


def unpacked(folder: Path) -> object:
    into = folder / "into"
    into.mkdir()
    done = unpack(folder / "a.tgz", into, top="openmic-2018", bounds=Bounds(bytes=2**24))
    inside = {path.relative_to(into).as_posix() for path in into.rglob("*") if not path.is_dir()}
    assert inside == set(done)
    assert not any(path.is_symlink() for path in into.rglob("*"))
    assert {path.name for path in folder.iterdir()} == {"a.tgz", "into"}
    assert not Path("/tmp/x").exists()
    return sorted(done.items())


def part_of_archive(folder: Path) -> None:
    archive(folder)
    content = (folder / "a.tgz").read_bytes()
    (folder / "openmic-2018-v1.0.0.tgz.part").write_bytes(content[: len(content) // 2])
    (folder / "openmic-2018-v1.0.0.tgz.part.json").write_text(json.dumps({"url": "http://x/", "etag": '"one"'}))


def fetched(folder: Path) -> object:
    """Goes on with a part that is not what it was: the MD5 tells, and the next call starts anew."""
    from tests.bad_line import bad_line, tree

    content = (folder / "a.tgz").read_bytes()
    with bad_line(content) as line:
        note = folder / "openmic-2018-v1.0.0.tgz.part.json"
        note.write_bytes(note.read_bytes().replace(b"http://x/", line.url.encode()))
        order = {"source": line.url, "md5": md5(content), "size": len(content), "sleep": lambda _: None}
        for _ in range(2):
            with contextlib.suppress(ExploreError):
                download(folder, **order)
    return sorted(tree(folder / "openmic-2018"))


def pickled_keys(content: bytes, rng: random.Random) -> bytes:
    """Damage the pickle inside the npz, and put the checksums right."""
    import io

    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    array = members["sample_key.npy"]
    start = array.index(b"\n") + 1
    members["sample_key.npy"] = array[:start] + rng.choice(m.BYTES)(array[start:], rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return packed.getvalue()


JSON, CSV, LINES = (
    (*m.BYTES[::2], *[m.in_json] * 6),
    (*m.BYTES[::2], *[m.in_csv] * 6),
    (*m.BYTES[::2], *[m.in_lines] * 6),
)
ARRAYS = (*m.BYTES, *[m.in_npz] * 8)
RUN = "runs/r/"
KEPT = ("features/log_mel",)  # the folder is what is computed again

TARGETS = (
    Target("the npz of the archive", miniature, NPZ, whole, sure=True),
    Target("an npz with right checksums", miniature, NPZ, labels_beside_vectors, (m.in_npz,), sure=True),
    Target("its pickled keys", miniature, NPZ, whole, (pickled_keys,), sure=True),
    Target("labels beside an npz", miniature, LABELS, labels, CSV, sure=True),
    Target("labels alone", tables_only, LABELS, labels, CSV),
    Target("metadata", miniature, METADATA, artists, CSV),
    Target("a partition", miniature, "partitions/split01_train.csv", labels, LINES),
    Target("the class map", miniature, "class-map.json", labels, JSON, sure=True),
    Target("features of a clip", tables_only, "vggish/*/000046_*.json", vectors, JSON),
    Target("dataset.json", known_truth, "dataset.json", information, JSON),
    Target("activity.npz", known_truth, "activity.npz", activity, ARRAYS),
    Target("the list of checksums", miniature, "checksums", checked, LINES),
    Target("cached tables", cached, "cache/data/*-index.npz", lambda folder: whole(folder / "data"), ARRAYS),
    Target("the cached embedding", cached, "cache/data/*-embedding.npy", lambda folder: vectors(folder / "data")),
    Target("Ogg Vorbis", partial(sound, "ogg", "VORBIS"), "a.ogg", heard, (*m.BYTES, *[m.in_ogg] * 6)),
    Target("wav", partial(sound, "wav", "PCM_16"), "a.wav", heard, (*m.BYTES, *[m.in_wav] * 10)),
    Target("wav of floats", partial(sound, "wav", "FLOAT"), "a.wav", heard, (*m.BYTES, *[m.in_wav] * 5)),
    Target("flac", partial(sound, "flac", "PCM_16"), "a.flac", heard, (*m.BYTES, *[m.in_flac] * 10)),
    Target("mp3", partial(sound, "mp3", "MPEG_LAYER_III"), "a.mp3", heard),
    Target("aiff", partial(sound, "aiff", "PCM_16"), "a.aiff", heard),
    Target("a bank's index", bank, "index.csv", notes, CSV),
    Target("index of kept features", kept, "features/log_mel/index.json", kept_values, JSON, also_named=KEPT),
    Target("values of kept features", kept, "features/log_mel/values.npy", kept_values, sure=True, also_named=KEPT),
    Target("draft of features", begun, "features/.log_mel.part/draft.json", finished, JSON, sure=True, fresh=True),
    Target("rows of features", begun, "features/.log_mel.part/rows.jsonl", finished, LINES, sure=True, fresh=True),
    Target("values so far", begun, "features/.log_mel.part/values.npy", finished, sure=True, fresh=True),
    Target("run.json", finished_run, RUN + "run.json", run_says, JSON),
    Target("config.json", finished_run, RUN + "config.json", run_says, JSON),
    Target("history", finished_run, RUN + "history.csv", run_says, CSV),
    Target("scores", finished_run, RUN + "scores.csv", run_says, CSV),
    Target("predictions", finished_run, RUN + "predictions.npz", run_says, ARRAYS),
    Target("heads", finished_run, RUN + "heads.npz", run_says, ARRAYS),
    Target("gallery", finished_run, RUN + "gallery.npz", run_says, ARRAYS),
    Target("weights", finished_run, RUN + "weights.safetensors", run_says, (*m.BYTES, *[m.in_safetensors] * 8)),
    Target("state of a training", begun_run, "state", trained_on, sure=True, fresh=True),
    Target("archive", archive, "a.tgz", unpacked, (*m.BYTES[:4], *[m.in_tgz] * 8), fresh=True),
    Target("part of an archive", part_of_archive, "*.tgz.part", fetched, sure=True, fresh=True),
    Target("note on a part", part_of_archive, "*.tgz.part.json", fetched, JSON, sure=True, fresh=True),
)
