"""From a configuration and a data set to a run folder."""

import dataclasses
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmic_explore.errors import ExploreError, as_command
from openmic_explore.files import atomic_path, locked, remove
from openmic_explore.models import Model, build_model
from openmic_explore.training.baseline import fit_baseline
from openmic_explore.training.config import BASELINES, TrainConfig
from openmic_explore.training.fit import checkpoints, fit, predict
from openmic_explore.training.inputs import column_seconds, input_parameters, load, load_features, load_versions
from openmic_explore.training.precision import resolve_precision
from openmic_explore.training.run import Run
from openmic_explore.training.self_training import with_guesses
from openmic_explore.training.write import Trained, write_results, write_run

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# Seeds of the networks that tell each other's unknown cells begin far from those that a run is given.
TEACHERS = 1000


def train(
    config: TrainConfig,
    data: "OpenMIC",
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    threads: int = 1,
    progress: bool = True,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Run:
    """Train a model on a data set's features and weak labels, keep the best epoch, score it once on the test clips.

    The validation clips are cut from the official training split by group; the test split is touched only after the
    last epoch. The run is written to runs/name (default: the configuration's name) when it is finished; until then its
    state is kept in runs/.name.part, from which the same call goes on after an interruption or a kill, with the same
    result. threads: of torch, while it trains; these networks are so small that a second one costs more than it
    brings: train two seeds at once instead. on_epoch is called after each epoch with its row of the history.

    Returns the Run. On the CPU of one machine, with the same threads and versions, the same configuration gives the
    same weights. Test clips are predicted in float32 whatever the training's precision, so that the stored weights give
    the stored predictions.
    Raises ExploreError when the run exists already or another process is training it, when the name cannot be a
    folder's, or when the data set lacks features or a split.
    """
    name = name or config.name
    if Path(name).name != name or name.startswith("."):
        raise ExploreError(f"A run's name is that of its folder: {name!r} cannot be one. Give another: --name NAME")
    if threads < 1:
        raise ExploreError(f"threads must be at least 1, not {threads}.")
    folder = Path(runs) / name
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with locked(folder, "training this run"):
            if folder.exists():
                remove(_unfinished(folder))  # a kill may have come just before that
                raise ExploreError(f"The run {folder} exists already. Delete it, or give another name: --name NAME")
            return _train(config, data, folder, progress, on_epoch)
    finally:
        torch.set_num_threads(before)


def _train(
    config: TrainConfig,
    data: "OpenMIC",
    folder: Path,
    progress: bool,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> Run:
    parts = {part: data.split(part) for part in ("train", "validation", "test")}
    for part, rows in parts.items():
        if len(rows) < 2:
            why = "All training clips may belong to one artist. " if part == "validation" else ""
            raise ExploreError(
                f"{data.path} has {len(rows)} clips for {part}; at least 2 are needed. {why}"
                f"See what is there: {as_command('check', data.path)}"
            )
    unfinished = _unfinished(folder)
    state = unfinished / f"{data.fingerprint[:16]}.pt"
    write: Callable[..., None]
    if config.model in BASELINES:
        clip, facts = fit_baseline(config, data, parts["test"])
        write = partial(write_results, clip=clip, facts=facts)
    else:
        write = partial(write_run, trained=_fit(config, data, parts, state, progress, on_epoch))
    with atomic_path(unfinished / "run") as temporary:
        temporary.mkdir()
        write(temporary, config, data, parts)
    os.replace(unfinished / "run", folder)
    remove(unfinished)
    return Run(folder)


def tidy(folder: Path) -> None:
    """Delete what a training that was killed at its very end left beside its finished run."""
    unfinished, lock = _unfinished(folder), folder.with_name(f".{folder.name}.lock")
    if folder.exists() and (unfinished.exists() or lock.exists()):
        try:
            with locked(folder, "training this run"):
                remove(unfinished)
        except ExploreError:
            return  # another process has the lock, and is about to


def _unfinished(folder: Path) -> Path:
    """Where everything lies that is not yet a run, so that a kill at any moment leaves nothing else."""
    return folder.with_name(f".{folder.name}.part")


def _fit(
    config: TrainConfig,
    data: "OpenMIC",
    parts: dict[str, NDArray[np.intp]],
    state: Path,
    progress: bool,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> Trained:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = resolve_precision(config, device)
    fitting, validation = (load(data, config, parts[name]) for name in ("train", "validation"))
    versions = load_versions(data, config, parts["train"])
    shape = fitting.features.shape
    sizes = {"scales": shape[2], "bins": shape[3]} if config.reads_pictures else {"dimension": shape[-1]}
    sizes["instruments"] = fitting.mask.shape[-1]
    common: dict[str, Any] = {"precision": precision, "progress": progress}

    def fresh(seed: int) -> Model:
        torch.manual_seed(seed)
        model = build_model(config.model, config.preset, **sizes, **config.options)
        model.fit_input(fitting.features)
        return model.to(device)

    if config.self_training:
        seconds = 0.0

        def told(part: int, rows: Tensor, asked: Tensor) -> Tensor:
            """What a network says of the clips `asked` that was trained on `rows`; its state is kept beside the run's."""
            nonlocal seconds
            teacher = dataclasses.replace(config, seed=TEACHERS * (config.seed + 1) + part, checkpoint="last")
            model, kept = fresh(teacher.seed), state.with_stem(f"{state.stem}-{part}")
            altered = [features[rows] for features in versions]
            done = fit(
                model, teacher, fitting.at(rows), fitting.at(asked), device, state=kept, versions=altered, **common
            )
            seconds += done.seconds
            model.load_state_dict(done.best["last"])
            return predict(model, fitting.features[asked], device).clip

        fitting = with_guesses(fitting, data.groups[parts["train"]], config.self_training, told)
    model = fresh(config.seed)
    done = fit(model, config, fitting, validation, device, on_epoch=on_epoch, state=state, versions=versions, **common)
    if config.self_training:
        done.seconds += seconds
    test = load_features(data, config, parts["test"])
    outputs = {}
    for checkpoint in reversed(checkpoints(config)):  # its own last, so that the model stays there
        model.load_state_dict(done.best[checkpoint])
        outputs[checkpoint] = predict(model, test, device)
    first, step = model.frame_grid(shape[-1] if config.reads_pictures else shape[1])
    column = column_seconds(data, config)
    return Trained(
        model=model,
        outputs=outputs,
        fit=done,
        sizes=sizes,
        parameters_of_input=input_parameters(data, config),
        frame_start=(first - step / 2) * column,
        frame_length=step * column,
        device=device.type,
        precision=precision,
    )


__all__ = ["predict", "train"]
