"""What a classifier's probabilities become when a class is more or less frequent than where it was trained."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmic_explore.errors import ExploreError

SMALLEST = 1e-6  # probabilities are kept this far from 0 and 1, where log-odds end


def with_prior(probability: NDArray[np.floating], trained: ArrayLike, wanted: ArrayLike) -> NDArray[np.float64]:
    """Move probabilities (N, K) from one share of "present" to another: logit p + logit `wanted` - logit `trained`.

    trained, wanted: shares in (0, 1), one or (K,), of "present" among the labels of the training and where the
    probabilities are used. Exact where sounds of either class are alike in both places and only their shares differ
    (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002). The order of clips stays as it is.
    Raises ExploreError for a share outside of (0, 1).
    """
    shares = [np.asarray(share, dtype=float) for share in (trained, wanted)]
    for share in shares:
        if not ((share > 0) & (share < 1)).all():
            raise ExploreError("Shares of present must lie between 0 and 1, both excluded: log-odds end there.")
    inside = np.clip(np.asarray(probability, dtype=float), SMALLEST, 1 - SMALLEST)
    before, after = (np.log(share) - np.log1p(-share) for share in shares)
    odds = np.log(inside) - np.log1p(-inside) + after - before
    return 1 / (1 + np.exp(-odds))
