"""Every frame on its own, then pooling over the frames.

With attention it is the network of Gururani, Sharma and Lerch, "An attention mechanism for musical instrument
recognition", ISMIR 2019.
"""

import torch
from torch import Tensor, nn

from openmic_explore.models.heads import FrameHead
from openmic_explore.models.layers import InputScale, full_precision
from openmic_explore.models.output import Model, Output


class Embed(nn.Module):
    """Three 1x1 convolutions in time, each with batch norm, ReLU and dropout, and a residual from the raw input.

    (B, T, D) -> (B, T, D).
    """

    def __init__(self, dimension: int, dropout: float):
        super().__init__()
        self.norm = nn.BatchNorm1d(dimension)
        self.layers = nn.ModuleList(nn.Conv1d(dimension, dimension, 1, bias=False) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dimension) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        raw = x.transpose(1, 2)  # (B, T, D) -> (B, D, T)
        hidden = self.norm(raw)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            hidden = self.dropout(torch.relu(norm(layer(hidden))))
        return (hidden + raw).transpose(1, 2)  # (B, D, T) -> (B, T, D)


class Framewise(Model):
    """A frame's scores from that frame alone; pooling says how they make the clip's.

    Input (B, T, dimension) features in 0..255. pooling: "attention", "mean" or "max", see `FrameHead`; the scores are
    the same network in all three. Options: see `registry.FRAMEWISE`. With attention 55,336 parameters for dimension
    128 and 20 instruments.
    """

    def __init__(self, *, dimension: int, instruments: int, pooling: str, scaling: str, head: str, dropout: float):
        super().__init__()
        self.scale = InputScale((dimension,), scaling)
        self.embed = Embed(dimension, dropout)
        self.head = FrameHead(dimension, instruments, pooling=pooling, over=head)

    def forward(self, x: Tensor) -> Output:
        hidden = self.embed(self.scale(x))
        with full_precision(hidden):
            return self.head(hidden.float())
