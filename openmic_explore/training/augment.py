"""Augmentation of a batch, in both meanings: as the paper's text says, and as its authors ran it.

Each kind changes one tenth of a batch, at least one clip; several kinds change different tenths. Features come in
0..255 and leave as floats; `unit` is the width that the model's own scaling makes 1, so that noise is as large as the
paper says, after it.

- interpolation. text: l x + (1 - l) y with another clip of the batch, labels alike, l from Beta(.2, .2); of a cell each
  observed parent counts with its own coefficient. run: with the previous clip, both coefficients drawn and normalised;
  labels stay the clip's own.
- noise, Gaussian. text: of variance .2. run: of standard deviation .2.
- flip. text: reversal in time. run: a palindrome, the second half and its mirror image in place of the first (the
  reversal was done in place, frame by frame).
"""

import math

import torch
from torch import Tensor

from openmic_explore.training.config import AUGMENTATIONS
from openmic_explore.training.inputs import Batch

SHARE = 0.1
ALPHA = 0.2
NOISE = {"text": math.sqrt(0.2), "run": 0.2}


def augment(batch: Batch, kinds: tuple[str, ...], meaning: str, unit: Tensor) -> Batch:
    """Augment a batch of B clips; draws from torch's global generator.

    kinds: of AUGMENTATIONS. meaning: "text" or "run". unit: broadcast against a clip's features, (dimension,) or
    (scales, 1). Returns a new batch; the mask becomes weights where clips are mixed.
    """
    if not kinds:
        return batch
    clips = len(batch.features)
    tenth = max(1, round(SHARE * clips))
    order = torch.randperm(clips, device=batch.features.device)
    features = batch.features.to(torch.float32, copy=True)
    relevance, mask = batch.relevance.clone(), batch.mask.to(torch.float32, copy=True)
    original = batch.features.float()  # a parent is a clip as it was
    for place, kind in enumerate(name for name in AUGMENTATIONS if name in kinds):
        rows = order[place * tenth : (place + 1) * tenth]
        if kind == "flip":
            features[rows] = (reverse if meaning == "text" else palindrome)(original[rows])
        elif kind == "noise":
            features[rows] += NOISE[meaning] * unit * torch.randn_like(original[rows])
        elif meaning == "text":
            other = (rows + torch.randint(1, max(clips, 2), rows.shape, device=rows.device)) % clips
            share = _beta(rows)
            features[rows] = _mix(original[rows], original[other], share)
            weight = share[:, None] * mask[rows], (1 - share)[:, None] * batch.mask[other].float()
            total = weight[0] + weight[1]
            mixed = weight[0] * batch.relevance[rows] + weight[1] * batch.relevance[other]
            relevance[rows] = mixed / torch.where(total > 0, total, torch.ones_like(total))
            mask[rows] = total
        else:
            first, second = _beta(rows), _beta(rows)
            features[rows] = _mix(original[rows], original[(rows - 1) % clips], first / (first + second))
    return Batch(features, relevance, mask)


def reverse(features: Tensor) -> Tensor:
    """Reversed in time: (N, T, D), or pictures (N, 1, scales, bins), whose time is the last axis."""
    return features.flip(_time(features))


def palindrome(features: Tensor) -> Tensor:
    """What an in-place reversal, frame by frame, leaves: the second half, and its mirror image in place of the first."""
    axis = _time(features)
    length = features.shape[axis]
    second = features.narrow(axis, length // 2, length - length // 2)
    return torch.cat([second.flip(axis).narrow(axis, 0, length // 2), second], dim=axis)


def _time(features: Tensor) -> int:
    return 1 if features.ndim == 3 else features.ndim - 1


def _beta(rows: Tensor) -> Tensor:
    return torch.distributions.Beta(ALPHA, ALPHA).sample(rows.shape).to(rows.device)


def _mix(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    share = share.reshape(-1, *([1] * (first.ndim - 1)))
    return share * first + (1 - share) * second
