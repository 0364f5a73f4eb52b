"""Writes a stand-in of the real archive: its layout, keys, dtypes and counts, with random features and made-up sound.

`python -m tests.stand_in FOLDER` writes one of 20,000 clips (FOLDER must be new; 4 GB with --audio 20000, .4 GB without).
At full size each instrument has just the labels that OpenMIC-2018 has, present and absent, in training and in test.
"""

import argparse
import csv
import hashlib
import json
import shutil
import tarfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from openmic_explore.data.labels import OFFICIAL_CLIPS, label_counts
from openmic_explore.instruments import INSTRUMENTS
from tests.miniature import LABELS, METADATA, METADATA_COLUMNS, NPZ, RATE, SECONDS

CLIPS = sum(OFFICIAL_CLIPS.values())
RESPONSES = "openmic-2018-individual-responses.csv"
STEP = 3840  # ms: a clip of the official data begins at a multiple of it
SOUNDS = 12  # different ones; more clips share them


class Clips(NamedTuple):
    """What the tables are written from, clips by key: keys, artists (N,); test (N,) bool; relevance (N, 20), nan unknown."""

    keys: list[str]
    artists: np.ndarray
    test: np.ndarray
    relevance: np.ndarray


def write_stand_in(folder: Path, *, clips: int = CLIPS, audio: int = 300, features: bool = True, seed: int = 0) -> Path:
    """Write `clips` (at least 100) into the new folder; audio: of how many of them. features: vggish/*.json, too."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    made = deal_clips(clips, rng)
    _write_labels(folder, made, rng)
    _write_metadata(folder, made)
    vectors = rng.integers(0, 256, (clips, 10, 128), dtype=np.int64)
    order = rng.permutation(clips)  # the npz has an order of its own
    np.savez_compressed(
        folder / NPZ,
        X=vectors[order],
        Y_true=np.nan_to_num(made.relevance, nan=0.5)[order],
        Y_mask=~np.isnan(made.relevance)[order],
        sample_key=np.array(made.keys, dtype=object)[order],
    )
    if features:
        _write_features(folder, made.keys, vectors)
    (folder / "class-map.json").write_text(json.dumps({name: i for i, name in enumerate(INSTRUMENTS)}, indent=4))
    (folder / "partitions").mkdir()
    for name, chosen in (("train", ~made.test), ("test", made.test)):
        lines = "".join(f"{key}\n" for key, is_in in zip(made.keys, chosen, strict=True) if is_in)
        (folder / "partitions" / f"split01_{name}.csv").write_text(lines)
    _write_audio(folder, [made.keys[row] for row in np.linspace(0, clips - 1, audio).round().astype(int)], rng)
    (folder / "acknowledgement.md").write_text("A stand-in of OpenMIC-2018 for tests: nothing in it is real.\n")
    (folder / "license-cc-by.txt").write_text("Attribution 4.0 International\n")
    write_checksums(folder)
    return folder


def deal_clips(clips: int, rng: np.random.Generator) -> Clips:
    """Deal tracks, artists, splits and labels in the official proportions, an artist's clips on one side."""
    tracks = np.sort(rng.choice(155_312, clips, replace=False))
    starts = STEP * rng.integers(1, 2000, clips)
    test_clips = round(clips * OFFICIAL_CLIPS["test"] / CLIPS)
    artists, test = np.zeros(clips, dtype=int), np.zeros(clips, dtype=bool)
    test[rng.permutation(clips)[:test_clips]] = True
    for side, first in ((test, 0), (~test, clips)):
        # Most artists have a few clips, some have many.
        rows = rng.permutation(np.flatnonzero(side))
        sizes = np.minimum(rng.geometric(0.22, len(rows)), 60)
        artists[rows] = first + np.repeat(np.arange(len(sizes)), sizes)[: len(rows)]
    relevance = np.full((clips, len(INSTRUMENTS)), np.nan)
    for split, rows in (("train", np.flatnonzero(~test)), ("test", np.flatnonzero(test))):
        _deal_labels(relevance, split, rows, rng)
    return Clips(
        [f"{track:06d}_{start}" for track, start in zip(tracks, starts, strict=True)], artists, test, relevance
    )


def _deal_labels(relevance: np.ndarray, split: str, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Give the clips of a split as many labels of each kind as the official ones have; every clip gets one."""
    share = len(rows) / OFFICIAL_CLIPS[split]
    kinds = [
        (column, present)
        for column, name in enumerate(INSTRUMENTS)
        for present in (True, False)
        for _ in range(max(1, round(share * label_counts()[name][f"{split}_{'positive' if present else 'negative'}"])))
    ]
    labels = rng.permutation(np.array(kinds, dtype=int))
    clip = np.concatenate([rows, rng.choice(rows, max(0, len(labels) - len(rows)))])[: len(labels)]
    while True:  # until no clip has two labels of one instrument
        _, first = np.unique(clip * len(INSTRUMENTS) + labels[:, 0], return_index=True)
        again = np.setdiff1d(np.arange(len(labels)), first)
        if not len(again):
            break
        clip[again] = rng.choice(rows, len(again))
    relevance[clip, labels[:, 0]] = labels[:, 1]


def _write_labels(folder: Path, made: Clips, rng: np.random.Generator) -> None:
    """Three workers answer for a label; relevance is their mean, weighted by trust, and stays on its side of one half."""
    rows, columns = np.nonzero(~np.isnan(made.relevance))
    with open(folder / RESPONSES, "w", newline="") as single, open(folder / LABELS, "w", newline="") as total:
        single_rows, total_rows = csv.writer(single), csv.writer(total)
        single_rows.writerow(("sample_key", "worker_id", "worker_trust", "channel", "instrument", "response"))
        total_rows.writerow(("sample_key", "instrument", "relevance", "num_responses"))
        for row, column in zip(rows, columns, strict=True):
            # Most often the workers agree; two of three outvote the third whatever their trust.
            answers = np.full(3, made.relevance[row, column])
            if rng.random() < 0.3:
                answers[rng.integers(3)] = 1 - answers[0]
            trust = np.round(rng.uniform(0.7, 1, 3), 4)
            name, key = INSTRUMENTS[column], made.keys[row]
            for weight, answer in zip(trust, answers, strict=True):
                single_rows.writerow((key, rng.integers(10**7, 5 * 10**7), weight, "neodev", name, int(answer)))
            value = min(1.0, float((trust * answers).sum() / trust.sum()))
            made.relevance[row, column] = value
            total_rows.writerow((key, name, value, 3))


def _write_metadata(folder: Path, made: Clips) -> None:
    """All 41 columns, with the quotes, commas and line ends that the real texts have; 1 kB a clip, as there."""
    with open(folder / METADATA, "w", newline="") as file:
        rows = csv.DictWriter(file, METADATA_COLUMNS, restval="")
        rows.writeheader()
        for key, artist in zip(made.keys, made.artists.tolist(), strict=True):
            track, start = key.split("_")
            rows.writerow(
                {
                    "track_id": int(track),
                    "album_id": 58.0,
                    "artist_id": artist,
                    "artist_name": f'Stand-in, "the" {artist}',
                    "artist_url": f"http://freemusicarchive.org/music/{artist}/",
                    "license_title": "Attribution 4.0 International",
                    "tags": "[]",
                    "track_genres": "[{'genre_id': '76', 'genre_title': 'Experimental Pop'}, {'genre_id': '103'}]",
                    "track_information": "Several lines,\nas some artists write." + " And more." * 50,
                    "track_title": f"Noise, no. {track}",
                    "sample_key": key,
                    "start_time": int(start) / 1000,
                }
            )


def _write_features(folder: Path, keys: list[str], vectors: np.ndarray) -> None:
    times = [round(0.96 * frame, 2) for frame in range(vectors.shape[1])]
    for key, values in zip(keys, vectors, strict=True):
        file = folder / "vggish" / key[:3] / f"{key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"time_points": times, "features": values.tolist()}))


def _write_audio(folder: Path, keys: list[str], rng: np.random.Generator) -> None:
    """Stereo Ogg at the real length and rate: a chord in noise, some 150 kB each."""
    time_axis = np.arange(SECONDS * RATE) / RATE
    sounds: list[Path] = []
    for number, key in enumerate(keys):
        target = folder / "audio" / key[:3] / f"{key}.ogg"
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(sounds) == SOUNDS:
            shutil.copyfile(sounds[number % SOUNDS], target)
            continue
        sounds.append(target)
        tones = sum(np.sin(2 * np.pi * pitch * time_axis) for pitch in rng.uniform(80, 4000, 3))
        samples = 0.1 * tones[:, None] + 0.03 * rng.standard_normal((len(time_axis), 2))
        with soundfile.SoundFile(target, "w", RATE, 2, format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(samples), 65536):
                file.write(samples[start : start + 65536])


def write_checksums(folder: Path) -> None:
    """List the MD5 of every file, as md5sum does."""
    (folder / "checksums").unlink(missing_ok=True)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = (f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n" for file in files)
    (folder / "checksums").write_text("".join(lines))


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder as the archive has it: everything below openmic-2018/. Fast rather than small."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, "openmic-2018")
    return archive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--audio", type=int, default=300)
    chosen = parser.parse_args()
    begun = time.perf_counter()
    write_stand_in(chosen.folder, clips=chosen.clips, audio=chosen.audio)
    print(f"{chosen.folder}: {chosen.clips:,} clips in {time.perf_counter() - begun:.0f} s")
