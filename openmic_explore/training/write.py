"""Writing a run folder; `run` tells what is in it and reads it."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from openmic_explore.evaluation import means, score
from openmic_explore.models import Model, Output, resolve_options
from openmic_explore.training.config import TrainConfig
from openmic_explore.training.fit import Fit
from openmic_explore.training.inputs import input_name
from openmic_explore.training.run import LEVELS, plain

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

VERSIONS = ("openmic_explore", "torch", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model at its kept epoch, its output on the test clips, and how it came there.

    frame_start, frame_length: where the output's first frame begins, and the step to the next, in seconds.
    """

    model: Model
    output: Output
    fit: Fit
    sizes: dict[str, int]
    frame_start: float
    frame_length: float
    device: str
    precision: str


def write_run(
    folder: Path, config: TrainConfig, data: "OpenMIC", parts: dict[str, NDArray[np.intp]], trained: Trained
) -> None:
    """Write a network's run into an empty folder; run.json comes last."""
    import pandas as pd
    from safetensors.torch import save_file

    state = {name: tensor.cpu().contiguous() for name, tensor in trained.model.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    (folder / "weights.safetensors").chmod(0o644)  # safetensors makes files that only their owner can read
    keys = data.keys[parts["test"]]
    heard = np.flatnonzero(np.isin(keys, data.audio_keys))
    np.savez_compressed(
        folder / "gallery.npz",
        sample_key=keys[heard],
        **{
            part: getattr(trained.output, part).numpy()[heard].astype(np.float16)
            for part in ("frame", "attention", "clip")
        },
    )
    write_table(pd.DataFrame(trained.fit.history), folder / "history.csv", index=False)
    np.savez_compressed(
        folder / "heads.npz",
        blocked=np.stack(trained.fit.blocked).astype(np.float16),
        spread=np.stack(trained.fit.spread).astype(np.float16),
        constant=np.stack(trained.fit.constant),
    )
    facts = {
        "sizes": trained.sizes,
        "options": resolve_options(config.model, config.preset, config.options),
        "parameters": sum(parameter.numel() for parameter in trained.model.parameters()),
        "frame_start": trained.frame_start,
        "frame_length": trained.frame_length,
        "epoch": trained.fit.kept(config.checkpoint)["epoch"],
        "device": trained.device,
        "threads": torch.get_num_threads(),
        "precision": trained.precision,
        "wall_time": round(trained.fit.seconds, 1),
    }
    write_results(folder, config, data, parts, trained.output.clip.double().numpy(), facts)


def write_results(
    folder: Path,
    config: TrainConfig,
    data: "OpenMIC",
    parts: dict[str, NDArray[np.intp]],
    clip: NDArray[np.float64],
    facts: dict[str, Any],
) -> None:
    """Write what every run has: predictions, scores, configuration, and run.json, last.

    clip: probabilities (n, K) of the test clips.
    """
    test = parts["test"]
    # Scores come from what is stored, so that they can be computed again from the run folder alone.
    stored = np.round(clip * LEVELS).astype(np.uint16)
    probability = stored / LEVELS
    scores = score(data.relevance[test], data.mask[test], probability)
    truth_scores = None
    if data.truth is not None:
        truth = data.truth[test]
        truth_scores = score(truth.astype(float), np.ones_like(truth), probability)
        write_table(truth_scores, folder / "scores_truth.csv")
    np.savez_compressed(folder / "predictions.npz", sample_key=data.keys[test], probability=stored)
    write_table(scores, folder / "scores.csv")
    info = {
        "data": data.name,
        "fingerprint": data.fingerprint,
        "recipe": data.info.get("recipe"),
        "embedding": input_name(data, config),
        "artists_apart": data.knows_artists,
        "clips": {part: len(rows) for part, rows in parts.items()},
        "means": plain(means(scores)),
        "means_truth": plain(means(truth_scores)) if truth_scores is not None else None,
        **facts,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONS},
    }
    (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(info, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_table(table: "pd.DataFrame", path: Path, index: bool = True) -> None:
    """Write a table as CSV, numbers to six digits."""
    table.to_csv(path, index=index, float_format="%.6g")
