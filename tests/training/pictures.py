"""The learnable data set with pictures, as `features` would keep them, that show which instrument sounds when."""

import json
from pathlib import Path

import numpy as np

from openmic_explore import OpenMIC
from tests.learnable import FRAMES, write_learnable

SECONDS = 10.0


def write_pictures(folder: Path, *, size: int = 64, kind: str = "scalogram", seed: int = 0) -> OpenMIC:
    """Write 240 clips with pictures (size, size): each instrument has three rows of its own, bright while it sounds."""
    data = OpenMIC(write_learnable(folder, seed, 1.0))
    active = data.activity.active  # (N, 20, FRAMES)
    values = np.random.default_rng(seed).normal(100, 10, (len(data), size, size))
    columns = np.arange(size) * FRAMES // size
    values[:, :60] += 100 * np.repeat(active[:, :, columns], 3, axis=1)
    write_store(folder, kind, data.keys.tolist(), np.clip(values, 0, 255).astype(np.uint8))
    return data


def write_store(folder: Path, kind: str, keys: list[str], values: np.ndarray) -> None:
    """Write 8-bit values (N, rows, columns) as a kept picture of ten seconds."""
    rows, columns = values.shape[1:]
    target = folder / "features" / kind
    target.mkdir(parents=True)
    np.save(target / "values.npy", values)
    index = {
        "format": 1,
        "kind": kind,
        "keys": keys,
        "shape": [rows, columns],
        "parameters": {"seconds": SECONDS},
        "left_out": {},
        "low": -80.0,
        "high": 0.0,
        "unit": "dB",
        "frequency": np.geomspace(27.5, 19000, rows).round(2).tolist(),
        "time": ((np.arange(columns) + 0.5) * SECONDS / columns).round(4).tolist(),
    }
    (target / "index.json").write_text(json.dumps(index))
