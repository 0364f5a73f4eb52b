"""Run folders with given answers, as a training would leave them, made without one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from openmic_explore import OpenMIC, TrainConfig
from openmic_explore.training.run import LEVELS
from openmic_explore.training.write import write_scores


def write_run(
    folder: Path, data: OpenMIC, config: TrainConfig, probability: NDArray, *, history: NDArray | None = None
) -> Path:
    """Write a run of a configuration whose test clips got these probabilities (n, K) at every checkpoint.

    history: validation macro F1, an epoch each.
    """
    path = folder / config.name
    path.mkdir(parents=True)
    test = data.split("test")
    stored = np.round(probability * LEVELS).astype(np.uint16)
    means = _answers(path, data, test, stored)
    (path / "config.json").write_text(json.dumps(config.to_dict()))
    others = [name for name in ("loss", "f1_macro") if name != config.checkpoint]
    info = {
        "data": data.name,
        "fingerprint": data.fingerprint,
        "embedding": data.embedding_name,
        "sizes": {},
        "frame_length": 1.0,
        "epoch": None if config.epochs is None else 1,
        "wall_time": 0.0,
        **means,
    }
    if config.epochs is not None:
        for name in others:
            place = path / "checkpoints" / name
            place.mkdir(parents=True)
            _answers(place, data, test, stored)
        info["checkpoints"] = {name: {"epoch": 1, **means} for name in others}
        rises = np.zeros(8) if history is None else history
        table = pd.DataFrame({"epoch": np.arange(1, len(rises) + 1), "validation_f1_macro": rises})
        table.to_csv(path / "history.csv", index=False)
    (path / "run.json").write_text(json.dumps(info))
    return path


def _answers(place: Path, data: OpenMIC, test: NDArray, stored: NDArray) -> dict:
    np.savez(place / "predictions.npz", sample_key=data.keys[test], probability=stored)
    return write_scores(place, data, test, stored)
