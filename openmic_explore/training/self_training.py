"""Targets for cells that nobody labelled: what networks say that never trained on the clip's artist.

Self-training (Scudder, "Probability of error of some adaptive pattern-recognition machines", IEEE Trans. Inf. Theory
1965), here cross-fitted: the clips are dealt into three parts by artist, and each part is told by a network of the same
kind that was trained on the two others, so that no network hands on what it has learned by heart.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmic_explore.errors import ExploreError
from openmic_explore.training.inputs import Batch

PARTS = 3


def deal(groups: NDArray[np.str_], parts: int = PARTS) -> NDArray[np.intp]:
    """The part (n,), from 0, that each clip falls to: whole groups, the largest first, each to the smallest part.

    Raises ExploreError when there are fewer groups than two.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise ExploreError("self_training needs training clips of at least two artists. Leave it at 0.")
    filled = np.zeros(min(parts, len(names)), dtype=int)
    part_of: dict[str, int] = {}
    for place in np.lexsort((names, -sizes)):
        smallest = int(filled.argmin())
        part_of[str(names[place])] = smallest
        filled[smallest] += sizes[place]
    return np.array([part_of[str(group)] for group in groups], dtype=np.intp)


def with_guesses(
    fitting: Batch, groups: NDArray[np.str_], weight: float, told: Callable[[int, Tensor, Tensor], Tensor]
) -> Batch:
    """The clips with a target for every cell: the label where it is known, elsewhere a guess that counts `weight`.

    groups: (n,) of the clips. told: (part, rows to train on, rows to tell) -> probabilities (rows to tell, K).
    """
    guess = torch.zeros_like(fitting.relevance)
    parts = torch.from_numpy(deal(groups))
    for part in range(int(parts.max()) + 1):
        rows = (parts == part).nonzero()[:, 0]
        guess[rows] = told(part, (parts != part).nonzero()[:, 0], rows)
    known = fitting.mask.to(torch.float32)
    relevance = known * fitting.relevance + (1 - known) * guess
    return fitting._replace(relevance=relevance, mask=known + (1 - known) * weight)
