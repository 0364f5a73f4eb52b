"""The constant answer that never listens, under the same scores."""

from typing import TYPE_CHECKING

import numpy as np

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation import majority, score

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC


def majority_scores(data: "OpenMIC", *, truth: bool = False) -> "pd.DataFrame":
    """Test scores of the majority class of the official training labels, as `evaluation.score` gives them.

    truth: score all cells against what really sounds, instead of the observed cells. Raises ExploreError when the
    data set lacks a split, or, with truth, does not know it.
    """
    training = np.concatenate([data.split("train"), data.split("validation")])
    test = data.split("test")
    constant = np.tile(majority(data.relevance[training], data.mask[training]), (len(test), 1))
    if not truth:
        return score(data.relevance[test], data.mask[test], constant)
    if data.truth is None:
        raise ExploreError(f"{data.path} does not know the truth: it has no activity.npz.")
    known = data.truth[test]
    return score(known.astype(float), np.ones_like(known), constant)
