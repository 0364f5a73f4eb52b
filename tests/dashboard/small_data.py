"""A small data folder in OpenMIC-2018's layout, made of tones, and runs trained on it: for tests of the dashboard."""

import csv
import json
from pathlib import Path

import numpy as np

from openmic_explore.data.audio import write_ogg
from openmic_explore.instruments import INSTRUMENTS

RATE, SECONDS, FRAME = 22_050, 10, 0.1
CLIPS, TEST, HEARD = 48, 16, 6


def write_folder(path: Path, *, audio: bool = True, activity: bool = True, embedding: str = "tones") -> Path:
    """48 clips (16 of them for test, 6 of those with audio): each instrument is a tone that sounds in one stretch."""
    rng = np.random.default_rng(0)
    keys = np.array([f"{clip:06d}_{clip * 10}" for clip in range(CLIPS)])
    frames = round(SECONDS / FRAME)
    active = np.zeros((CLIPS, len(INSTRUMENTS), frames), dtype=bool)
    for clip in range(CLIPS):
        for instrument in rng.choice(len(INSTRUMENTS), size=3, replace=False):
            start = rng.integers(0, frames - 30)
            active[clip, instrument, start : start + rng.integers(20, frames - start)] = True
    # The first test clip that can be heard: one instrument throughout, one that enters midway.
    first = CLIPS - TEST
    active[first] = False
    active[first, 10], active[first, 4, 45:] = True, True
    truth = active.any(axis=2)
    mask = (rng.random(truth.shape) < 0.12) | (truth & (rng.random(truth.shape) < 0.5))
    mask[first, [4, 10, 0]] = True
    for instrument in range(len(INSTRUMENTS)):  # every instrument has labels of both kinds in both parts
        for part in (slice(0, first), slice(first, CLIPS)):
            for state in (True, False):
                rows = np.flatnonzero(truth[part, instrument] == state)[:2] + part.start
                mask[rows, instrument] = True
    features = rng.integers(0, 60, (CLIPS, 10, 128))
    for column in range(len(INSTRUMENTS)):
        features[:, :, column * 6 : column * 6 + 5] += 150 * active[:, column].reshape(CLIPS, 10, 10).any(2)[..., None]

    path.mkdir(parents=True)
    np.savez(
        path / "openmic-2018.npz",
        X=features.astype(np.uint8),
        Y_true=np.where(mask, truth, 0.5),
        Y_mask=mask,
        sample_key=keys,
    )
    if activity:
        packed = np.packbits(active, axis=2)
        np.savez(path / "activity.npz", active=packed, frames=frames, frame_length=FRAME, sample_key=keys)
    info = {"name": "tones", "recipe": {"version": "1", "seed": 0}, "embedding": embedding, "frame_length": 1.0}
    (path / "dataset.json").write_text(json.dumps(info))
    (path / "class-map.json").write_text(json.dumps({name: place for place, name in enumerate(INSTRUMENTS)}))
    labels = [(keys[clip], INSTRUMENTS[i], float(truth[clip, i]), 3) for clip, i in np.argwhere(mask)]
    _csv(
        path / "openmic-2018-aggregated-labels.csv",
        [("sample_key", "instrument", "relevance", "num_responses"), *labels],
    )
    metadata = [(clip, clip // 4, keys[clip], 0.0) for clip in range(CLIPS)]
    _csv(path / "openmic-2018-metadata.csv", [("track_id", "artist_id", "sample_key", "start_time"), *metadata])
    (path / "partitions").mkdir()
    for name, part in (("train", keys[:first]), ("test", keys[first:])):
        _csv(path / "partitions" / f"split01_{name}.csv", [(key,) for key in part])
    if audio:
        for clip in range(first, first + HEARD):
            write_ogg(path / "audio" / keys[clip][:3] / f"{keys[clip]}.ogg", _tones(active[clip]), RATE)
    return path


def _tones(active: np.ndarray) -> np.ndarray:
    time = np.arange(RATE * SECONDS) / RATE
    total = np.zeros_like(time)
    for instrument in np.flatnonzero(active.any(axis=1)):
        gate = np.repeat(active[instrument], round(RATE * FRAME)).astype(float)
        pitch = 110.0 * 2 ** (instrument / 5)
        beat = np.exp(-4 * (time * 2 % 1))
        total += gate * beat * sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 6))
    return (total / max(1.0, np.abs(total).max()) * 0.8).astype(np.float32)


def _csv(path: Path, rows: list[tuple]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_runs(data: Path, path: Path) -> Path:
    """Three short real trainings: mel with two seeds, attention with one."""
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import TrainConfig, train

    opened = OpenMIC(data)
    for model, seed in (("mel", 0), ("mel", 1), ("attention", 0)):
        train(TrainConfig(model, seed=seed, epochs=3), opened, runs=path, progress=False)
    return path
