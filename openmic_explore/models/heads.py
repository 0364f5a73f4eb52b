"""From frames to one answer for the clip."""

import torch
from torch import Tensor, nn

from openmic_explore.models.output import Output


class AttentionHead(nn.Module):
    """Attention over log-odds: logit = sum_t w_t z_t, with w_t = softmax over time of a linear layer.

    One attention per instrument. The sigmoid comes last, on the pooled log-odds, so that there is a gradient everywhere.
    """

    def __init__(self, dimension: int, instruments: int):
        super().__init__()
        self.attend = nn.Linear(dimension, instruments)
        self.classify = nn.Linear(dimension, instruments)

    def forward(self, hidden: Tensor) -> Output:
        attention = self.attend(hidden).softmax(dim=1)  # (B, T, D) -> (B, T, K)
        odds = self.classify(hidden)  # (B, T, D) -> (B, T, K)
        logit = (attention * odds).sum(dim=1)  # (B, T, K) -> (B, K)
        return Output(logit.sigmoid(), logit, odds.sigmoid(), attention)


def normalised_sigmoid(score: Tensor) -> Tensor:
    """The paper's attention, w_t = sigma(a_t) / sum_t' sigma(a_t'), with its authors' clamp. (B, T, K) -> same."""
    weight = score.sigmoid().clamp(1e-7, 1 - 1e-7)
    return weight / weight.sum(dim=1, keepdim=True)


def clamped_output(score: Tensor, attention: Tensor) -> Output:
    """The authors' clip output, hardtanh(sum_t w_t s_t, 0, 1): no gradient wherever the sum leaves (0, 1).

    score, attention: (B, T, K).
    """
    total = (attention * score).sum(dim=1)  # (B, T, K) -> (B, K)
    return Output(nn.functional.hardtanh(total, 0.0, 1.0), total, score, attention)


def averaged_probability(odds: Tensor, attention: Tensor) -> Output:
    """Gururani's clip output: the attention-weighted mean of the frames' probabilities. odds, attention: (B, T, K)."""
    frame = odds.sigmoid()
    clip = (attention * frame).sum(dim=1).clamp(0.0, 1.0)  # (B, T, K) -> (B, K)
    return Output(clip, torch.logit(clip, eps=1e-6), frame, attention)
