"""What happens inside a model: every stage that a batch goes through, taken from the built model itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from openmic_explore.models.ensemble import Ensemble, Residual
from openmic_explore.models.framewise import Embed
from openmic_explore.models.heads import FrameHead
from openmic_explore.models.layers import Dropout, InputScale
from openmic_explore.models.output import Model

# Modules that are a stage each, and of which kind. The last two are one each, although they have parts.
KINDS: dict[type[nn.Module], str] = {
    InputScale: "scale",
    nn.Conv2d: "conv",
    nn.BatchNorm2d: "norm",
    nn.ReLU: "relu",
    nn.Dropout: "dropout",
    nn.LSTM: "lstm",
    nn.Linear: "linear",
    Embed: "embed",
    Residual: "embed",
}
# Linear layers by the name that their owner gives them: what becomes of their output.
HEADS = {"attend": "attention", "classify": "score"}
# What a model may have several of is numbered from the first on, as in the paper: conv1, conv2.
NUMBERED = ("conv", "pool", "norm", "relu")


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a model on a batch of B clips.

    name: unique, the kind and where it recurs its number ("conv2"). kind: "input", "scale", "conv", "pool", "norm",
    "relu", "frames", "dropout", "embed", "lstm", "attention", "score" or "clip". detail: its settings in words, the
    shortest of them first and then a comma. shape: of one clip's tensor. parameters: how many numbers in it are learned.
    reads: the names of the stages that it reads. tensor: (B, *shape), what it gave, detached.
    """

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    reads: tuple[str, ...]
    tensor: Tensor


@dataclass(frozen=True, eq=False)
class _Call:
    kind: str
    module: nn.Module
    given: Tensor
    gave: Tensor


def trace(model: Model, batch: Tensor) -> list[Stage]:
    """Every stage of a model on a batch, in the order in which they are called, the clips' answer last.

    batch: as the model takes it, (B, T, dimension) or (B, 1, scales, bins). The model runs as it is: in evaluation mode
    dropout does nothing, unless it is on at test time. What happens between two modules is known by the shapes: maps
    (C, H, W) that became smaller were pooled, maps that became frames (T, D) were laid out. The parameters add up to the
    model's. Attention and score, (T, K), and the clip's answer, (K,), are those of the `Output`.
    """
    with _recorded(model) as calls, torch.no_grad():
        output = model(batch)
    stages = [_stage([], "input", "", 0, (), batch)]
    heads: dict[str, dict[str, int]] = {"attention": {}, "score": {}}  # parameters by what is read
    for call in calls:
        before = stages[-1]
        if call.given.shape != before.tensor.shape and len(before.shape) == 3:
            kind, detail = _between(before.shape, tuple(call.given.shape[1:]))
            stages.append(_stage(stages, kind, detail, 0, (before.name,), call.given))
        source, parameters = _source(stages, call.given), _count(call.module)
        if call.kind in heads:
            heads[call.kind][source] = heads[call.kind].get(source, 0) + parameters
        else:
            # Frames (B T, D) that went in without regard to their clips.
            gave = call.gave if len(call.gave) == len(batch) else call.gave.unflatten(0, (len(batch), -1))
            stages.append(_stage(stages, call.kind, _detail(call.module), parameters, (source,), gave))
    last = stages[-1].name  # what attention and score are made from where they have no layer of their own
    details = _answer_details(model)
    for kind, tensor in (("attention", output.attention), ("score", output.frame)):
        parts = heads[kind] or {last: 0}
        stages.append(_stage(stages, kind, details[kind], sum(parts.values()), tuple(parts), tensor))
    stages.append(_stage(stages, "clip", details["clip"], 0, ("attention", "score"), output.clip))
    return stages


@contextmanager
def _recorded(model: nn.Module) -> Iterator[list[_Call]]:
    """The calls of the modules that make a stage, in order, for as long as it is open."""
    calls: list[_Call] = []
    hooks, outer = [], ""
    for path, module in model.named_modules():
        kind = next((kind for each, kind in KINDS.items() if isinstance(module, each)), None)
        if kind is None or (outer and path.startswith(outer)):
            continue
        outer = f"{path}."
        kind = HEADS.get(path.rpartition(".")[2], kind)

        def record(module: nn.Module, given: tuple[Any, ...], gave: Any, kind: str = kind) -> None:
            # A recurrent layer gives its state beside its output.
            gave = gave if torch.is_tensor(gave) else gave[0]
            calls.append(_Call(kind, module, given[0].detach(), gave.detach()))

        hooks.append(module.register_forward_hook(record))
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _stage(
    stages: list[Stage], kind: str, detail: str, parameters: int, reads: tuple[str, ...], tensor: Tensor
) -> Stage:
    number = 1 + sum(stage.kind == kind for stage in stages)
    name = f"{kind}{number}" if kind in NUMBERED or number > 1 else kind
    return Stage(name, kind, detail, tuple(tensor.shape[1:]), parameters, reads, tensor.detach())


def _between(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[str, str]:
    """Kind and detail of what no module stands for, from its shapes: (C, H, W) to (C, H', W') or to (T, D)."""
    if len(after) == 3:
        return "pool", f"{before[1] // after[1]} x {before[2] // after[2]}, the largest of them"
    return "frames", f"{before[0]} x {before[1]}, a column of each map laid end to end"


def _source(stages: list[Stage], given: Tensor) -> str:
    """The last stage that gave this very tensor, or, where it was copied since, the last stage."""

    def is_it(tensor: Tensor) -> bool:
        return tensor.data_ptr() == given.data_ptr() and tensor.numel() == given.numel()

    return next((stage.name for stage in reversed(stages) if is_it(stage.tensor)), stages[-1].name)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _detail(module: nn.Module) -> str:
    if isinstance(module, InputScale):
        return str(module.scaling)
    if isinstance(module, nn.Conv2d):
        rows, columns = module.kernel_size
        return f"{rows} x {columns}, {module.in_channels} to {module.out_channels} channels"
    if isinstance(module, nn.Dropout):
        at_test = isinstance(module, Dropout) and module.at_test
        return f"{module.p:g}, {'at test time too' if at_test else 'in training only'}"
    if isinstance(module, nn.LSTM):
        layers = f"{module.num_layers} layer{'s' if module.num_layers > 1 else ''}"
        return f"{layers}, {module.hidden_size} units a direction"
    return ""


def _answer_details(model: Model) -> dict[str, str]:
    """How attention, score and the clip's answer are made, by the model's head; see `heads`."""
    head = next((module for module in model.modules() if isinstance(module, FrameHead)), None)
    if head is None:
        return {
            "attention": "sigmoids, divided by their sum over the frames",
            "score": "mean of the two directions, -1 to 1",
            "clip": "weighted sum of the scores, clamped to 0 and 1",
        }
    logit = head.over == "logit"
    learned = "softmax over the frames" if logit else "sigmoids, divided by their sum over the frames"
    fixed = {"mean": "the same for every frame", "max": "all on the best frame"}
    weighed = "sigmoid of the weighted sum of log-odds" if logit else "weighted sum of the scores"
    if isinstance(model, Ensemble):
        weighed = "sigmoid of the mean of the members' weighted sums of log-odds"
    return {"attention": fixed.get(head.pooling, learned), "score": "sigmoid of the log-odds", "clip": weighed}
