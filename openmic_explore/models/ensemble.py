"""Several small networks that answer together, each looking at every frame on its own."""

import torch
from torch import Tensor, nn

from openmic_explore.models.heads import FrameHead
from openmic_explore.models.layers import InputScale, full_precision
from openmic_explore.models.output import Model, Output


class Residual(nn.Module):
    """A linear layer, `layers` residual ones, each of batch norm, ReLU, dropout and a linear layer, and once more
    batch norm, ReLU and dropout. (N, D) -> (N, width)."""

    def __init__(self, dimension: int, width: int, layers: int, dropout: float):
        super().__init__()
        self.enter = nn.Linear(dimension, width)
        self.layers = nn.ModuleList(
            nn.Sequential(*_ready(width, dropout), nn.Linear(width, width)) for _ in range(layers)
        )
        self.leave = nn.Sequential(*_ready(width, dropout))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.enter(x)
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        leaving: Tensor = self.leave(hidden)
        return leaving


def _ready(width: int, dropout: float) -> tuple[nn.Module, ...]:
    return nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)


class Ensemble(Model):
    """`members` networks with attention over log-odds; the clip's log-odds are the mean of theirs.

    Input (B, T, dimension) features in 0..255. In training mode every member answers for itself, so that each is
    trained by its own loss: clip and logit (M, B, K), frame and attention (M, B, T, K). In evaluation mode they answer
    as one: the means of log-odds, of the frames' log-odds and of attention. Options: see `registry.ENSEMBLE`.
    """

    def __init__(
        self,
        *,
        dimension: int,
        instruments: int,
        scaling: str,
        head: str,
        width: int,
        layers: int,
        members: int,
        dropout: float,
    ):
        super().__init__()
        self.scale = InputScale((dimension,), scaling)
        self.members = nn.ModuleList(Residual(dimension, width, layers, dropout) for _ in range(members))
        self.heads = nn.ModuleList(FrameHead(width, instruments, over=head) for _ in range(members))

    def forward(self, x: Tensor) -> Output:
        x = self.scale(x)
        answers = []
        for member, head in zip(self.members, self.heads, strict=True):
            hidden = member(x.flatten(0, 1)).unflatten(0, x.shape[:2])  # (B, T, D) -> (B, T, width)
            with full_precision(hidden):
                answers.append(head(hidden.float()))
        every = Output(*(torch.stack(tensors) for tensors in zip(*answers, strict=True)))
        if self.training:
            return every
        logit, odds = every.logit.mean(0), every.frame.logit(eps=1e-6).mean(0)
        return Output(logit.sigmoid(), logit, odds.sigmoid(), every.attention.mean(0))
