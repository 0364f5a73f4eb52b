"""Intersection over union of two answers in time."""

import numpy as np
import pytest

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.overlap import overlap


def test_by_hand():
    # Frames 2, 3, 4 against 4, 5: one in common of four.
    guess = np.isin(np.arange(10), [2, 3, 4])
    active = np.isin(np.arange(10), [4, 5])
    assert overlap(guess, active) == overlap(active, guess) == 0.25
    assert overlap(active, active) == 1
    assert overlap(guess, np.arange(10) > 6) == 0
    # "All of it" is right for as long as it sounds.
    assert overlap(np.ones(10, dtype=bool), active) == pytest.approx(0.2)


def test_nobody_marks_anything():
    nothing = np.zeros(5, dtype=bool)
    assert np.isnan(overlap(nothing, nothing))
    assert overlap(nothing, ~nothing) == 0


@pytest.mark.parametrize("active", [np.zeros(4, dtype=bool), np.zeros((5, 1), dtype=bool)])
def test_other_frames_are_refused(active):
    with pytest.raises(ExploreError, match="same frames"):
        overlap(np.zeros(5, dtype=bool), active)
