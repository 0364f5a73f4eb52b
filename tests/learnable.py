"""A folder in OpenMIC-2018's layout whose embedding shows which instrument sounds when, so that a model can learn it."""

import csv
import json
from pathlib import Path

import numpy as np

from openmic_explore import INSTRUMENTS

CLIPS, FRAMES = 240, 10


def write_learnable(folder: Path, seed: int = 0, labels: float = 0.5) -> Path:
    """Write 240 clips (60 of them test clips) without audio; `labels` is the share of cells that is known."""
    rng = np.random.default_rng(seed)
    keys = np.array([f"{clip:06d}_0" for clip in range(CLIPS)])
    active = rng.random((CLIPS, 20, FRAMES)) < 0.3
    active &= rng.random((CLIPS, 20, 1)) < 0.4
    truth = active.any(axis=2)
    features = rng.normal(100, 10, (CLIPS, FRAMES, 128))
    features[:, :, :20] += 60 * active.transpose(0, 2, 1)
    mask = rng.random((CLIPS, 20)) < labels
    (folder / "partitions").mkdir(parents=True)
    np.savez(
        folder / "openmic-2018.npz",
        X=np.clip(features, 0, 255).astype(np.uint8),
        Y_true=np.where(mask, truth, 0.5),
        Y_mask=mask,
        sample_key=keys,
    )
    np.savez(
        folder / "activity.npz",
        active=np.packbits(active, axis=2),
        frames=np.int64(FRAMES),
        frame_length=np.float64(1.0),
        sample_key=keys,
    )
    with open(folder / "openmic-2018-aggregated-labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sample_key", "instrument", "relevance", "num_responses"])
        writer.writerows([keys[row], INSTRUMENTS[k], float(truth[row, k]), 3] for row, k in np.argwhere(mask))
    with open(folder / "openmic-2018-metadata.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "artist_id", "sample_key"])
        writer.writerows([clip, clip % 12, key] for clip, key in enumerate(keys))
    for name, part in (("train", keys[:-60]), ("test", keys[-60:])):
        (folder / "partitions" / f"split01_{name}.csv").write_text("".join(f"{key}\n" for key in part))
    (folder / "class-map.json").write_text(json.dumps({name: place for place, name in enumerate(INSTRUMENTS)}))
    (folder / "dataset.json").write_text(
        json.dumps({"name": "learnable", "recipe": {"seed": seed}, "embedding": "made-up", "frame_length": 1.0})
    )
    return folder
