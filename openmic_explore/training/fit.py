"""The loop: epochs over batches, a look at the validation clips after each, and a state from which it goes on."""

import copy
import hashlib
import io
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation import means, score
from openmic_explore.files import atomic_path
from openmic_explore.models import Model, Output, blocked
from openmic_explore.training.augment import augment
from openmic_explore.training.averaged import Averaged, set_rate
from openmic_explore.training.config import TrainConfig
from openmic_explore.training.inputs import Batch
from openmic_explore.training.loss import masked_loss
from openmic_explore.training.precision import autocast, prepared

# Seconds between two moments at which the state is kept.
KEEP_EVERY = 15.0
# Clips at once outside training.
AT_ONCE = 512
# Epochs that every run keeps, beside its own checkpoint: the paper's conclusions hang on which of them is looked at.
KEPT = ("loss", "f1_macro", "last")
BETTER = {"loss": min, "f1_macro": max, "average_precision": max}


@dataclass
class Fit:
    """How far a training is: its history, what its heads did, and the best states so far, by checkpoint.

    history: one row an epoch. blocked (epochs, K): share of the training clips whose head passed no gradient back.
    spread (epochs, K): greatest minus least validation probability. constant (epochs, K) bool: the same decision at .5
    for every validation clip. seconds: of training, over all calls.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    blocked: list[NDArray[np.float32]] = field(default_factory=list)
    spread: list[NDArray[np.float32]] = field(default_factory=list)
    constant: list[NDArray[np.bool_]] = field(default_factory=list)
    best: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    seconds: float = 0.0

    def kept(self, checkpoint: str) -> dict[str, float]:
        """The kept epoch's row of the history: the last, or the best, the first of several equals; nan is worse than
        any number."""
        if checkpoint == "last":
            return self.history[-1]
        better, measure = BETTER[checkpoint], f"validation_{checkpoint}"
        worst = math.inf if better is min else -math.inf
        return better(self.history, key=lambda row: worst if math.isnan(row[measure]) else row[measure])


def fit(
    model: Model,
    config: TrainConfig,
    fitting: Batch,
    validation: Batch,
    device: torch.device,
    *,
    precision: str = "fp32",
    progress: bool = False,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    state: Path | None = None,
    versions: Sequence[Tensor] = (),
) -> Fit:
    """Fit the model to the `fitting` clips; nothing but the validation clips decides which epoch is kept.

    versions: other features of the same clips, of which one takes a clip's place every other time.

    state: a file in which to keep how far the training is, every 15 seconds and at the end; where it is there the
    training goes on from it, with the same result as one that was never cut off. on_epoch: called with each epoch's
    row of the history. Raises ExploreError for a damaged state, and for one that would end in another result: of another
    configuration, precision, device, number of threads or version of torch. A KeyboardInterrupt that on_epoch raises stops
    the training, and the state is kept first.
    """
    from tqdm.auto import tqdm

    log_odds, clamped = config.head == "logit", config.head == "clamp"
    epochs, size = cast(int, config.epochs), cast(int, config.batch)
    prepared(model, precision)
    optimiser = torch.optim.Adam(
        model.parameters(),
        lr=cast(float, config.learning_rate),
        weight_decay=cast(float, config.weight_decay),
        fused=True,
    )
    order = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    averaged = Averaged(model, config.averaging) if config.averaging else None
    looked_at = averaged.model if averaged else model
    done = Fit()
    about = {"settings": config.to_dict(), "precision": precision, "device": device.type}
    saved = _State(state, about, {"model": model, "averaged": looked_at}, optimiser, order)
    saved.load(done)
    steps = math.ceil(len(fitting.features) / size)
    started = kept_at = time.perf_counter()
    before = done.seconds

    bar = tqdm(range(1, epochs + 1), desc=config.name, unit="epoch", disable=not progress, initial=len(done.history))
    for epoch in range(len(done.history) + 1, epochs + 1):
        model.train()
        total, used, stuck = torch.zeros((), device=device), 0, torch.zeros(fitting.mask.shape[1], device=device)
        batches = _batches(fitting, size, order, versions)
        for place, batch in enumerate(batches):
            batch = augment(batch.to(device), config.augment, str(config.augment_as), model.scale.scale)
            with autocast(device, precision):
                output = model(batch.features)
            loss = masked_loss(output, batch.relevance, batch.mask, log_odds=log_odds)
            if config.schedule == "cosine":
                set_rate(optimiser, cast(float, config.learning_rate), epoch - 1 + place / steps, epochs)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if averaged:
                averaged.update(model, (epoch - 1) * steps + place + 1)
            total, used = total + loss.detach() * len(batch.features), used + len(batch.features)
            if clamped:
                stuck += blocked(output, "clamp").sum(dim=0)
        row = {"epoch": epoch, "train_loss": float(total) / used}
        output = predict(looked_at, validation.features, device, precision=precision)
        row |= _measures(output, validation, log_odds)
        done.history.append(row)
        _note_heads(done, output, stuck / used)
        new = [name for name in checkpoints(config) if done.kept(name) is row]
        done.best |= dict.fromkeys(new, copy.deepcopy(looked_at.state_dict()) if new else {})
        now = time.perf_counter()
        done.seconds = before + now - started
        if now - kept_at > KEEP_EVERY or epoch == epochs:
            saved.keep(done)
            kept_at = now
        bar.update()
        bar.set_postfix(loss=f"{row['train_loss']:.3f}", f1=f"{row['validation_f1_macro']:.3f}")
        if on_epoch is not None:
            try:
                on_epoch(row)
            except KeyboardInterrupt:  # it may stop the training here, and no epoch is lost
                saved.keep(done)
                raise
    bar.close()
    return done


def checkpoints(config: TrainConfig) -> list[str]:
    """The checkpoints that a run keeps, its own first."""
    return list(dict.fromkeys([config.checkpoint, *KEPT]))


def _batches(data: Batch, size: int, order: torch.Generator, versions: Sequence[Tensor]) -> Iterator[Batch]:
    for rows in torch.randperm(len(data.features), generator=order).split(size):
        if len(rows) == 1:  # batch norm has no variance over a single clip
            continue
        batch = data.at(rows)
        if versions:
            # Half of the clips as they are; of the others each in one of its versions.
            drawn = torch.randint(0, 2 * len(versions), rows.shape, generator=order)
            features = batch.features.clone()
            for version, altered in enumerate(versions):
                features[drawn == version] = altered[rows[drawn == version]]
            batch = batch._replace(features=features)
        yield batch


@torch.no_grad()
def predict(
    model: nn.Module, features: Tensor, device: torch.device | str = "cpu", *, precision: str = "fp32"
) -> Output:
    """The model's output for features (N, ...), in evaluation mode, on the CPU."""
    model.eval()
    device = torch.device(device)
    with autocast(device, precision):
        outputs = [model(chunk.to(device)) for chunk in features.split(AT_ONCE)]
    return Output(*(torch.cat(tensors).cpu() for tensors in zip(*outputs, strict=True)))


def _measures(output: Output, data: Batch, log_odds: bool) -> dict[str, float]:
    loss = masked_loss(output, data.relevance, data.mask, log_odds=log_odds)
    average = means(score(data.relevance.numpy(), data.mask.numpy(), output.clip.numpy()))
    return {
        "validation_loss": loss.item(),
        "validation_f1_macro": average["f1_macro"],
        "validation_average_precision": average["average_precision"],
    }


def _note_heads(done: Fit, output: Output, stuck: Tensor) -> None:
    predicted = output.clip >= 0.5
    done.blocked.append(stuck.cpu().numpy())
    done.spread.append((output.clip.amax(dim=0) - output.clip.amin(dim=0)).numpy())
    done.constant.append((predicted.all(dim=0) | ~predicted.any(dim=0)).numpy())


class _State:
    """The file from which a training that was cut off goes on: weights, optimiser, random states, history.

    models: the trained one, and the one that is looked at, which may be the same.
    """

    def __init__(
        self,
        path: Path | None,
        about: dict[str, Any],
        models: dict[str, nn.Module],
        optimiser: torch.optim.Optimizer,
        order: torch.Generator,
    ):
        self.path, self.models, self.optimiser, self.order = path, models, optimiser, order
        self.about = {
            **about,
            "number of threads": torch.get_num_threads(),
            "version of torch": str(torch.__version__),
        }

    def keep(self, done: Fit) -> None:
        if self.path is None:
            return
        content: dict[str, Any] = {
            "about": self.about,
            "models": {name: model.state_dict() for name, model in self.models.items()},
            "optimiser": self.optimiser.state_dict(),
            "best": done.best,
            "random": [torch.get_rng_state(), self.order.get_state()],
            "cuda": torch.cuda.get_rng_state_all() if self.about["device"] == "cuda" else [],
            "history": done.history,
            "heads": [torch.from_numpy(np.stack(values)) for values in (done.blocked, done.spread, done.constant)],
            "seconds": done.seconds,
        }
        # In memory first: torch answers a full disk with an error of its own, and does not look at its checksums.
        packed = io.BytesIO()
        torch.save(content, packed)
        with atomic_path(self.path) as temporary, open(temporary, "wb") as file:
            file.write(hashlib.sha256(packed.getbuffer()).digest())
            file.write(packed.getbuffer())
            file.flush()
            os.fsync(file.fileno())

    def load(self, done: Fit) -> None:
        if self.path is None or not self.path.is_file():
            return
        try:
            whole = self.path.read_bytes()
            seal, packed = whole[:32], whole[32:]
            if hashlib.sha256(packed).digest() != seal:
                raise ValueError("its checksum is another")
            content = torch.load(io.BytesIO(packed), weights_only=True, map_location="cpu")
            about = content["about"]
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ExploreError(f"{self.path} is damaged ({error}). Delete it; the training starts anew.") from error
        other = [name for name, value in self.about.items() if about.get(name) != value]
        if other:
            raise ExploreError(
                f"{self.path} was left by a training with other {' and '.join(other)}, and would not end in the same "
                "result. Go on with what it had, or delete its folder to start anew."
            )
        for name, model in self.models.items():
            model.load_state_dict(content["models"][name])
        self.optimiser.load_state_dict(content["optimiser"])
        torch.set_rng_state(content["random"][0])
        self.order.set_state(content["random"][1])
        if content["cuda"]:
            torch.cuda.set_rng_state_all(content["cuda"])
        done.history, done.best, done.seconds = content["history"], content["best"], content["seconds"]
        done.blocked, done.spread, done.constant = ([*values.numpy()] for values in content["heads"])
