"""Which labels a training is given: those of the data set, fewer or more of them, or wrong ones on purpose."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.training.config import TrainConfig

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC


def given_labels(
    data: "OpenMIC", config: TrainConfig, rows: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Relevance (n, K), 0 where there is none, and mask (n, K) of training or validation clips.

    They are the data's own unless the configuration's `known`, `unknown` or `label_shift` says otherwise.
    Raises ExploreError when `known` asks for more labels than there are and the data set does not know the truth.
    """
    rows = np.roll(rows, -config.label_shift)
    mask = np.array(data.mask[rows], dtype=bool)
    relevance = np.nan_to_num(data.relevance[rows], nan=0.0)
    if config.known is not None:
        known = known_cells(data, config.known, config.seed)[rows]
        if data.truth is not None:
            relevance = np.where(mask | ~known, relevance, data.truth[rows])
        relevance, mask = np.where(known, relevance, 0.0), known
    return relevance, np.ones_like(mask) if config.unknown == "absent" else mask


def known_cells(data: "OpenMIC", share: float, seed: int) -> NDArray[np.bool_]:
    """Which cells (N, K) of the official training split are known when `share` of them is; False for test clips.

    The observed cells come first, in an order that the seed draws, then the others: so of two shares with one seed the
    smaller is part of the larger. Raises ExploreError when there are fewer observed cells and no truth is known.
    """
    training = np.concatenate([data.split("train"), data.split("validation")])
    inside = np.zeros(data.mask.shape, dtype=bool)
    inside[training] = True
    cells, observed = np.flatnonzero(inside), data.mask.ravel()
    count = max(1, round(share * len(cells)))
    have = int(observed[cells].sum())
    if count > have and data.truth is None:
        raise ExploreError(
            f"known={share} needs {count:,} labels; {data.path} has {have:,} ({have / len(cells):.3f} of the training "
            "cells), and no activity.npz that tells the others."
        )
    drawn = np.random.default_rng((seed, 2018)).random(observed.size)
    order = cells[np.argsort(np.where(observed[cells], drawn[cells], 1 + drawn[cells]))]
    known = np.zeros(observed.size, dtype=bool)
    known[order[:count]] = True
    return known.reshape(data.mask.shape)
