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
from openmic_explore.training.run import CHECKPOINTS_FOLDER, LEVELS, plain

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

VERSIONS = ("openmic_explore", "torch", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model at its kept epoch, what it says of the test clips, and how it came there.

    outputs: by checkpoint, the configuration's own among them. frame_start, frame_length: where an output's first frame
    begins, and the step to the next, in seconds.
    """

    model: Model
    outputs: dict[str, Output]
    fit: Fit
    sizes: dict[str, int]
    parameters_of_input: dict[str, Any] | None
    frame_start: float
    frame_length: float
    device: str
    precision: str


def write_run(
    folder: Path, config: TrainConfig, data: "OpenMIC", parts: dict[str, NDArray[np.intp]], trained: Trained
) -> None:
    """Write a network's run into an empty folder; run.json comes last."""
    import pandas as pd
    from safetensors.torch import save

    state = {name: tensor.cpu().contiguous() for name, tensor in trained.model.state_dict().items()}
    # Written by us: safetensors answers a full disk with an error of its own, and makes files for their owner only.
    (folder / "weights.safetensors").write_bytes(save(state))
    output = trained.outputs[config.checkpoint]
    keys = data.keys[parts["test"]]
    heard = np.flatnonzero(np.isin(keys, data.audio_keys))
    np.savez_compressed(
        folder / "gallery.npz",
        sample_key=keys[heard],
        **{part: getattr(output, part).numpy()[heard].astype(np.float16) for part in ("frame", "attention", "clip")},
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
        "parameters_of_input": trained.parameters_of_input,
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
    test = parts["test"]
    others: dict[str, Any] = {}
    for checkpoint, other in trained.outputs.items():
        if checkpoint != config.checkpoint:
            place = folder / CHECKPOINTS_FOLDER / checkpoint
            place.mkdir(parents=True)
            epoch = trained.fit.kept(checkpoint)["epoch"]
            others[checkpoint] = {"epoch": epoch, **write_answers(place, data, test, _doubles(other))}
    write_results(folder, config, data, parts, _doubles(output), facts | {"checkpoints": others})


def _doubles(output: Output) -> NDArray[np.float64]:
    return output.clip.double().numpy()


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
    answers = write_answers(folder, data, parts["test"], clip)
    info = {
        "data": data.name,
        "fingerprint": data.fingerprint,
        "recipe": data.info.get("recipe"),
        "embedding": input_name(data, config),
        "artists_apart": data.knows_artists,
        "clips": {part: len(rows) for part, rows in parts.items()},
        **answers,
        **facts,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONS},
    }
    (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(info, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_answers(
    folder: Path, data: "OpenMIC", test: NDArray[np.intp], clip: NDArray[np.float64]
) -> dict[str, dict[str, float | None] | None]:
    """Write predictions and scores of the test clips, from probabilities clip (n, K); returns the scores' means."""
    # Scores come from what is stored, so that they can be computed again from the run folder alone.
    stored = np.round(clip * LEVELS).astype(np.uint16)
    np.savez_compressed(folder / "predictions.npz", sample_key=data.keys[test], probability=stored)
    return write_scores(folder, data, test, stored)


def write_scores(
    folder: Path, data: "OpenMIC", test: NDArray[np.intp], stored: NDArray[np.uint16]
) -> dict[str, dict[str, float | None] | None]:
    """Write the scores of stored predictions (n, K) of the clips in rows `test`; returns their means."""
    probability = stored / LEVELS
    tables = {"scores": score(data.relevance[test], data.mask[test], probability)}
    if data.truth is not None:
        truth = data.truth[test]
        tables["scores_truth"] = score(truth.astype(float), np.ones_like(truth), probability)
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
    return {
        "means": plain(means(tables["scores"])),
        "means_truth": plain(means(tables["scores_truth"])) if "scores_truth" in tables else None,
    }


def write_table(table: "pd.DataFrame", path: Path, index: bool = True) -> None:
    """Write a table as CSV, numbers to six digits."""
    table.to_csv(path, index=index, float_format="%.6g")
