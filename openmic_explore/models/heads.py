"""From frames to one answer for the clip."""

import torch
from torch import Tensor, nn

from openmic_explore.errors import ExploreError
from openmic_explore.models.output import Output


class FrameHead(nn.Module):
    """A score and a weight for every frame and instrument, from linear layers, and their sum over time.

    pooling: "attention", learned weights; "mean", 1/T each; "max", all on the best-scored frame of each instrument.
    over: "logit", logit = sum_t w_t z_t with w_t = softmax over time: the sigmoid comes last, on the pooled log-odds,
    so that there is a gradient everywhere; "probability", clip = sum_t w_t sigma(z_t) with w_t = `normalised_sigmoid`.
    Input (B, T, D).
    """

    def __init__(self, dimension: int, instruments: int, *, pooling: str = "attention", over: str = "logit"):
        super().__init__()
        self.pooling, self.over = pooling, over
        if pooling == "attention":
            self.attend = nn.Linear(dimension, instruments)
        self.classify = nn.Linear(dimension, instruments)

    def forward(self, hidden: Tensor) -> Output:
        odds = self.classify(hidden)  # (B, T, D) -> (B, T, K)
        if self.pooling == "mean":
            attention = torch.full_like(odds, 1 / odds.shape[1])
        elif self.pooling == "max":
            best = odds.argmax(dim=1, keepdim=True)  # (B, T, K) -> (B, 1, K)
            attention = torch.zeros_like(odds).scatter_(1, best, 1.0)
        elif self.over == "logit":
            attention = self.attend(hidden).softmax(dim=1)  # (B, T, D) -> (B, T, K)
        else:
            attention = normalised_sigmoid(self.attend(hidden))
        return pooled_log_odds(odds, attention) if self.over == "logit" else averaged_probability(odds, attention)


def normalised_sigmoid(score: Tensor) -> Tensor:
    """The paper's attention, w_t = sigma(a_t) / sum_t' sigma(a_t'), with its authors' clamp. (B, T, K) -> same."""
    weight = score.sigmoid().clamp(1e-7, 1 - 1e-7)
    return weight / weight.sum(dim=1, keepdim=True)


def pooled_log_odds(odds: Tensor, attention: Tensor) -> Output:
    """The repaired clip output: the sigmoid of the weighted mean of the frames' log-odds. odds, attention: (B, T, K)."""
    logit = (attention * odds).sum(dim=1)  # (B, T, K) -> (B, K)
    return Output(logit.sigmoid(), logit, odds.sigmoid(), attention)


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


def blocked(output: Output, head: str) -> Tensor:
    """Where the clip output passes no gradient back: (B, K) bool.

    head: the model's option of that name (see `resolve_options`). With "clamp", wherever the sum is not strictly
    between 0 and 1: PyTorch's hardtanh has gradient 0 at the ends too. Nowhere with "probability" and "logit".
    Raises ExploreError for another head.
    """
    if head == "clamp":
        return (output.logit <= 0) | (output.logit >= 1)
    if head not in ("probability", "logit"):
        raise ExploreError(f"head must be clamp, probability or logit, not {head!r}.")
    return torch.zeros_like(output.logit, dtype=torch.bool)
