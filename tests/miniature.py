"""Writes a small folder in OpenMIC-2018's official layout: every file, column and dtype of the archive."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from openmic_explore.instruments import INSTRUMENTS

METADATA_COLUMNS = (
    "track_id,album_id,album_title,album_url,artist_id,artist_name,artist_url,artist_website,license_image_file,"
    "license_image_file_large,license_parent_id,license_title,license_url,tags,track_bit_rate,track_comments,"
    "track_composer,track_copyright_c,track_copyright_p,track_date_created,track_date_recorded,track_disc_number,"
    "track_duration,track_explicit,track_explicit_notes,track_favorites,track_file,track_genres,track_image_file,"
    "track_information,track_instrumental,track_interest,track_language_code,track_listens,track_lyricist,"
    "track_number,track_publisher,track_title,track_url,sample_key,start_time"
).split(",")
NPZ = "openmic-2018.npz"
LABELS = "openmic-2018-aggregated-labels.csv"
METADATA = "openmic-2018-metadata.csv"
CLIPS = 48
SECONDS = 10
RATE = 44100


def write_miniature(folder: Path, *, clips: int = CLIPS, seed: int = 0, audio: bool = True) -> Path:
    """Write `clips` (at least 24) clips into `folder`; about a quarter are test clips, artists whole on one side."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    # Two clips a track, two tracks an artist, so that artists matter beyond tracks.
    tracks = 46 + 3000 * np.arange((clips + 1) // 2)
    starts = 3840 * rng.integers(1, 200, clips)
    clip_tracks = np.repeat(tracks, 2)[:clips]
    starts[1::2] += 200 * 3840  # never the same start twice in a track
    keys = [f"{track:06d}_{start}" for track, start in zip(clip_tracks, starts, strict=True)]
    artists = np.repeat(4 + 7 * np.arange((clips + 3) // 4), 4)[:clips]
    test = np.isin(artists, rng.permutation(np.unique(artists))[: max(1, clips // 16)])

    mask = rng.random((clips, 20)) < 0.103
    mask[np.arange(clips), rng.integers(0, 20, clips)] = True
    relevance = _write_responses(folder, keys, mask, rng)
    _write_metadata(folder, keys, clip_tracks, artists, starts)

    features = rng.integers(0, 256, (clips, 10, 128), dtype=np.int64)
    for key, values in zip(keys, features, strict=True):
        file = folder / "vggish" / key[:3] / f"{key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        times = [round(0.96 * frame, 2) for frame in range(10)]
        file.write_text(json.dumps({"time_points": times, "features": values.tolist()}))

    # The npz has an order of its own, as the official one does.
    order = rng.permutation(clips)
    np.savez_compressed(
        folder / NPZ,
        X=features[order],
        Y_true=np.where(mask, relevance, 0.5)[order],
        Y_mask=mask[order],
        sample_key=np.array(keys, dtype=object)[order],
    )
    (folder / "class-map.json").write_text(json.dumps({name: i for i, name in enumerate(INSTRUMENTS)}, indent=4))
    (folder / "partitions").mkdir(exist_ok=True)
    for name, chosen in (("train", ~test), ("test", test)):
        lines = [key for key, is_in in zip(keys, chosen, strict=True) if is_in]
        (folder / "partitions" / f"split01_{name}.csv").write_text("\n".join(lines) + "\n")
    if audio:
        _write_audio(folder, keys)
    (folder / "acknowledgement.md").write_text("A miniature of OpenMIC-2018 for tests. Its sounds are sine tones.\n")
    (folder / "license-cc-by.txt").write_text("Attribution 4.0 International\n")
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    (folder / "checksums").write_text(
        "".join(f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(folder)}\n" for file in files)
    )
    return folder


def _write_responses(folder: Path, keys: list[str], mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Three workers answer for each observed cell; relevance is their mean, weighted by trust."""
    relevance = np.full(mask.shape, np.nan)
    with (
        open(folder / "openmic-2018-individual-responses.csv", "w", newline="") as single,
        open(folder / LABELS, "w", newline="") as total,
    ):
        single_rows, total_rows = csv.writer(single), csv.writer(total)
        single_rows.writerow(("sample_key", "worker_id", "worker_trust", "channel", "instrument", "response"))
        total_rows.writerow(("sample_key", "instrument", "relevance", "num_responses"))
        for row, column in np.argwhere(mask):
            trust = np.round(rng.uniform(0.7, 1, 3), 4)
            # Most often the workers agree, as the official relevances do.
            responses = np.full(3, rng.integers(0, 2)) if rng.random() < 0.7 else rng.integers(0, 2, 3)
            for weight, response in zip(trust, responses, strict=True):
                worker = rng.integers(10**7, 5 * 10**7)
                single_rows.writerow((keys[row], worker, weight, "neodev", INSTRUMENTS[column], response))
            relevance[row, column] = min(1.0, (trust * responses).sum() / trust.sum())
            total_rows.writerow((keys[row], INSTRUMENTS[column], relevance[row, column], 3))
    return relevance


def _write_metadata(folder: Path, keys: list[str], tracks: np.ndarray, artists: np.ndarray, starts: np.ndarray) -> None:
    with open(folder / METADATA, "w", newline="") as file:
        rows = csv.DictWriter(file, METADATA_COLUMNS, restval="")
        rows.writeheader()
        for key, track, artist, start in zip(keys, tracks, artists, starts, strict=True):
            rows.writerow(
                {
                    "track_id": track,
                    "album_id": 58.0,
                    "artist_id": artist,
                    "artist_name": f'Miniature, "the" {artist}',
                    "license_title": "Attribution 4.0 International",
                    "tags": "[]",
                    "track_genres": "[{'genre_id': '76', 'genre_title': 'Experimental Pop'}, {'genre_id': '103'}]",
                    "track_information": "Several lines,\nas some artists write.",
                    "track_title": f"Tone, no. {track}",
                    "sample_key": key,
                    "start_time": start / 1000,
                }
            )


def _write_audio(folder: Path, keys: list[str]) -> None:
    """Two real tones at the real length, rate and channels; the clips share them by copying."""
    time = np.arange(SECONDS * RATE) / RATE
    tones = []
    for number, frequency in enumerate((440.0, 880.0)):
        samples = 0.3 * np.sin(2 * np.pi * frequency * time)
        tones.append(folder / f"tone{number}.ogg")
        with soundfile.SoundFile(tones[-1], "w", RATE, 2, format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(samples), 65536):
                file.write(np.column_stack([samples, samples])[start : start + 65536])
    for number, key in enumerate(keys):
        target = folder / "audio" / key[:3] / f"{key}.ogg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tones[number % 2], target)
    for tone in tones:
        tone.unlink()


def members(folder: Path) -> dict[str, np.ndarray]:
    """The npz as numpy reads it; trusted, since the test wrote it."""
    with np.load(folder / NPZ, allow_pickle=True) as archive:
        return dict(archive)


def rewrite(folder: Path, **changes: np.ndarray | None) -> None:
    """Write the npz again with some members changed, or left out where None."""
    arrays = {**members(folder), **changes}
    np.savez_compressed(folder / NPZ, **{name: array for name, array in arrays.items() if array is not None})


def rows_of(path: Path) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))


def write_rows(path: Path, rows: list[list[str]]) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def write_activity(folder: Path, **changes: object) -> np.ndarray:
    """Write activity for the miniature's clips in the CSV's order; returns it in that of the npz."""
    keys = sorted(members(folder)["sample_key"])
    active: np.ndarray = np.random.default_rng(3).random((48, 20, 43)) < 0.1
    arrays = {
        "active": np.packbits(active, axis=-1),
        "frames": np.int64(43),
        "frame_length": np.float64(0.25),
        "sample_key": np.array(keys),
        **changes,
    }
    np.savez_compressed(folder / "activity.npz", **arrays)
    return active[[keys.index(key) for key in members(folder)["sample_key"]]]
