"""What makes the end of a training quieter: a moving average of the weights, and a learning rate that falls."""

import copy
import math

import torch
from torch import nn

# Share of a training in which the rate rises, so that the first steps of a fresh network are small.
RISE = 0.05


class Averaged:
    """An exponential moving average of a model's parameters and buffers, as a model of its own.

    share: how much of its past is kept at each step, from 0 to below 1; less over the first steps, so that the random
    beginning is soon forgotten.
    """

    def __init__(self, model: nn.Module, share: float):
        self.model = copy.deepcopy(model).eval()
        self.share = share

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """After a step of the model; step: how many it has taken, this one included."""
        share = min(self.share, (1 + step) / (10 + step))
        mine = self.model.state_dict()
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                mine[name].lerp_(value, 1 - share)
            else:
                mine[name].copy_(value)


def set_rate(optimiser: torch.optim.Optimizer, rate: float, epoch: float, epochs: int) -> None:
    """The learning rate after so many of the epochs: it rises to `rate`, then falls along half a cosine to 0."""
    done = epoch / epochs
    rise = min(1.0, (done + 1e-3) / RISE)
    for group in optimiser.param_groups:
        group["lr"] = rate * rise * 0.5 * (1 + math.cos(math.pi * done))
