"""The loss over what was observed, and over nothing else."""

import torch
from torch import Tensor

from openmic_explore.models import Output


def masked_loss(output: Output, relevance: Tensor, mask: Tensor, *, log_odds: bool) -> Tensor:
    """Binary cross-entropy, the mean over the observed cells.

    output: of B clips. relevance: (B, K) in [0, 1], of any finite value where unobserved. mask: (B, K), True where
    observed; or weights from 0 to 1, as mixed clips have them, for the weighted mean. Of a model that answers several
    times, (M, B, K), as an ensemble does in training, all answers count alike.
    log_odds: True where output.logit are log-odds (then computed from them, which is exact far from 0),
    False where the clip's probability was clamped. Without any observed cell the loss is 0, with gradient 0.
    """
    answers = output.logit if log_odds else output.clip
    relevance, mask = relevance.expand_as(answers), mask.expand_as(answers)
    if log_odds:
        cell = torch.nn.functional.binary_cross_entropy_with_logits(output.logit, relevance, reduction="none")
    else:
        cell = torch.nn.functional.binary_cross_entropy(output.clip, relevance, reduction="none")
    weight = mask.to(cell.dtype)
    total = weight.sum()
    return (cell * weight).sum() / torch.where(total > 0, total, torch.ones_like(total))
