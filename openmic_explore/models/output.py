"""What every model returns, and how it scales its input."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Output(NamedTuple):
    """A batch of B clips, K instruments, T frames.

    clip (B, K): probability that the instrument sounds somewhere in the clip.
    logit (B, K): what `clip` was made from: log-odds in the repaired preset, the sum before the clamp in `published`.
    frame (B, T, K): score in time, in [0, 1] (repaired) or (-1, 1) (published).
    attention (B, T, K): weight of each frame, sums to 1 over T.
    """

    clip: Tensor
    logit: Tensor
    frame: Tensor
    attention: Tensor


class InputScale(nn.Module):
    """(x - offset) / scale per feature, kept as buffers so that a stored model scales its own input.

    offset, scale: (dimension,). Before `fit` it divides by `default`.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, dimension: int, default: float = 255.0):
        super().__init__()
        self.register_buffer("offset", torch.zeros(dimension))
        self.register_buffer("scale", torch.full((dimension,), default))

    def fit(self, features: Tensor) -> None:
        """Standardise by the mean and standard deviation of features (N, T, dimension)."""
        flat = features.reshape(-1, features.shape[-1])
        self.offset.copy_(flat.mean(dim=0))
        self.scale.copy_(flat.std(dim=0).clamp_min(1e-3))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.offset) / self.scale
