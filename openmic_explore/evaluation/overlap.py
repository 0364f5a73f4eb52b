"""How far two answers to "when does it sound?" agree."""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError


def overlap(guess: NDArray[np.bool_], active: NDArray[np.bool_]) -> float:
    """Intersection over union of the frames (T,) that two answers mark, from 0 to 1; nan where neither marks any.

    Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 1912. Raises ExploreError when their
    frames are not the same in number.
    """
    guess, active = np.asarray(guess, dtype=bool), np.asarray(active, dtype=bool)
    if guess.ndim != 1 or guess.shape != active.shape:
        raise ExploreError(f"Both answers must be about the same frames (T,), not {guess.shape} and {active.shape}.")
    union = int(np.count_nonzero(guess | active))
    return int(np.count_nonzero(guess & active)) / union if union else float("nan")
