"""The trainer: plain PyTorch, all data in memory."""

import copy
import json
import platform
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmic_explore.errors import ExploreError, as_command
from openmic_explore.evaluation import means, score
from openmic_explore.files import atomic_path
from openmic_explore.models import Output, build_model
from openmic_explore.training.config import CHECKPOINTS, TrainConfig
from openmic_explore.training.loss import masked_loss
from openmic_explore.training.run import LEVELS, Run

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

VERSIONS = ("openmic_explore", "torch", "numpy", "scikit-learn")


class Batch(NamedTuple):
    """Clips as tensors: features (N, T, D) float, relevance (N, K) float, 0 where unobserved, mask (N, K) bool."""

    features: Tensor
    relevance: Tensor
    mask: Tensor

    def at(self, rows: Tensor) -> "Batch":
        return Batch(*(tensor[rows] for tensor in self))


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
    """Train a model on a data set's embedding and weak labels, keep the best epoch, score it once on the test clips.

    The validation clips are cut from the official training split by group; the test split is touched only after the
    last epoch. The run is written to runs/name (default: the configuration's name) when it is finished.
    threads: of torch, while it trains; these networks are so small that a second one costs more than it brings.
    on_epoch is called after each epoch with its row of the history.

    Returns the Run. On the CPU of one machine, with the same threads and versions, the same configuration gives the
    same weights.
    Raises ExploreError when the run exists already, or when the data set lacks an embedding or a split.
    """
    folder = Path(runs) / (name or config.name)
    if folder.exists():
        raise ExploreError(f"The run {folder} exists already. Delete it, or give another name: --name NAME")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
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
    start = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts = {part: data.split(part) for part in ("train", "validation", "test")}
    for part, rows in parts.items():
        if len(rows) < 2:
            why = "All training clips may belong to one artist. " if part == "validation" else ""
            raise ExploreError(
                f"{data.path} has {len(rows)} clips for {part}; at least 2 are needed. {why}"
                f"See what is there: {as_command('check', data.path)}"
            )
    fitting, validation = (_batch(data, parts[part]) for part in ("train", "validation"))

    torch.manual_seed(config.seed)
    sizes = {"dimension": fitting.features.shape[-1], "instruments": fitting.mask.shape[-1]}
    model = build_model(config.model, config.preset, **sizes)
    cast(Any, model).fit_input(fitting.features)
    model.to(device)
    history, best = fit(model, config, fitting, validation, device, progress=progress, on_epoch=on_epoch)
    model.load_state_dict(best)

    with atomic_path(folder) as temporary:
        temporary.mkdir()
        _write(temporary, config, data, model, sizes, history, parts, device, start)
    return Run(folder)


def fit(
    model: torch.nn.Module,
    config: TrainConfig,
    fitting: Batch,
    validation: Batch,
    device: torch.device,
    *,
    progress: bool = False,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> tuple[list[dict[str, float]], dict[str, Tensor]]:
    """Fit the model; return the history and the state of the epoch that was best on the validation clips."""
    from tqdm.auto import tqdm

    log_odds = config.preset == "repaired"
    epochs, size = cast(int, config.epochs), cast(int, config.batch)
    optimiser = torch.optim.Adam(
        model.parameters(),
        lr=cast(float, config.learning_rate),
        weight_decay=cast(float, config.weight_decay),
    )
    order = torch.Generator().manual_seed(config.seed)
    better, measure = CHECKPOINTS[config.checkpoint], f"validation_{config.checkpoint}"
    history: list[dict[str, float]] = []
    best: dict[str, Tensor] = {}

    bar = tqdm(range(1, epochs + 1), desc=config.name, unit="epoch", disable=not progress)
    for epoch in bar:
        model.train()
        total, used = 0.0, 0
        for batch in _batches(fitting, size, order):
            features, relevance, mask = (tensor.to(device) for tensor in batch)
            loss = masked_loss(model(features), relevance, mask, log_odds=log_odds)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total, used = total + loss.item() * len(features), used + len(features)
        row = {"epoch": epoch, "train_loss": total / used}
        row |= _validate(model, validation, device, log_odds)
        history.append(row)
        if better(history, key=lambda past: past[measure]) is row:
            best = copy.deepcopy(model.state_dict())
        bar.set_postfix(loss=f"{row['train_loss']:.3f}", f1=f"{row['validation_f1_macro']:.3f}")
        if on_epoch is not None:
            on_epoch(row)
    return history, best


def _batch(data: "OpenMIC", rows: NDArray[np.intp]) -> Batch:
    return Batch(
        torch.from_numpy(np.asarray(data.embedding[rows], dtype=np.float32)),
        torch.from_numpy(np.nan_to_num(data.relevance[rows], nan=0.0).astype(np.float32)),
        torch.from_numpy(np.array(data.mask[rows], dtype=bool)),
    )


def _batches(data: Batch, size: int, order: torch.Generator) -> Iterator[Batch]:
    for rows in torch.randperm(len(data.features), generator=order).split(size):
        if len(rows) > 1:  # batch norm has no variance over a single clip
            yield data.at(rows)


@torch.no_grad()
def predict(model: torch.nn.Module, features: Tensor, device: torch.device | str = "cpu", size: int = 512) -> Output:
    """The model's output for features (N, T, D), in evaluation mode, on the CPU."""
    model.eval()
    outputs = [model(chunk.to(device)) for chunk in features.split(size)]
    return Output(*(torch.cat(tensors).cpu() for tensors in zip(*outputs, strict=True)))


def _validate(model: torch.nn.Module, data: Batch, device: torch.device, log_odds: bool) -> dict[str, float]:
    output = predict(model, data.features, device)
    loss = masked_loss(output, data.relevance, data.mask, log_odds=log_odds)
    average = means(score(data.relevance.numpy(), data.mask.numpy(), output.clip.numpy()))
    return {
        "validation_loss": loss.item(),
        "validation_f1_macro": average["f1_macro"],
        "validation_average_precision": average["average_precision"],
    }


def _write(
    folder: Path,
    config: TrainConfig,
    data: "OpenMIC",
    model: torch.nn.Module,
    sizes: dict[str, int],
    history: list[dict[str, float]],
    parts: dict[str, NDArray[np.intp]],
    device: torch.device,
    start: float,
) -> None:
    import pandas as pd
    from safetensors.torch import save_file

    test = parts["test"]
    output = predict(model, _batch(data, test).features, device)
    # Scores come from what is stored, so that they can be computed again from the run folder alone.
    stored = np.round(output.clip.double().numpy() * LEVELS).astype(np.uint16)
    probability = stored / LEVELS
    scores = score(data.relevance[test], data.mask[test], probability)
    truth_scores = None
    if data.truth is not None:
        truth = data.truth[test]
        truth_scores = score(truth.astype(float), np.ones_like(truth), probability)

    keys = data.keys[test]
    heard = np.flatnonzero(np.isin(keys, data.audio_keys))
    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()},
        folder / "weights.safetensors",
    )
    np.savez_compressed(folder / "predictions.npz", sample_key=keys, probability=stored)
    np.savez_compressed(
        folder / "gallery.npz",
        sample_key=keys[heard],
        **{part: getattr(output, part).numpy()[heard].astype(np.float16) for part in ("frame", "attention", "clip")},
    )
    _table(pd.DataFrame(history), folder / "history.csv", index=False)
    _table(scores, folder / "scores.csv")
    if truth_scores is not None:
        _table(truth_scores, folder / "scores_truth.csv")
    better, measure = CHECKPOINTS[config.checkpoint], f"validation_{config.checkpoint}"
    info = {
        "data": data.name,
        "fingerprint": data.fingerprint,
        "recipe": data.info.get("recipe"),
        "embedding": data.embedding_name,
        "artists_apart": data.knows_artists,
        "clips": {part: len(rows) for part, rows in parts.items()},
        "sizes": sizes,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "frame_length": data.frame_length,
        "epoch": better(history, key=lambda row: row[measure])["epoch"],
        "means": means(scores),
        "means_truth": means(truth_scores) if truth_scores is not None else None,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONS},
        "wall_time": round(time.perf_counter() - start, 1),
    }
    (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _table(table: "pd.DataFrame", path: Path, index: bool = True) -> None:
    table.to_csv(path, index=index, float_format="%.6g")
