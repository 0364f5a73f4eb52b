"""Tests of a difference between two models, and Holm's correction for testing many instruments."""

from math import comb

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError


def bootstrap_p(differences: NDArray[np.floating]) -> NDArray[np.float64]:
    """Two-sided p value of "no difference" from resampled paired differences (R, ...).

    Twice the smaller share of resamples on either side of 0 (a difference of exactly 0 lies on both), at most 1: the
    p value that goes with the percentile interval, below 1 - confidence when that interval leaves out 0, but for the
    steps of the resamples. One is added to counts and resamples (Davison and Hinkley, "Bootstrap Methods and their
    Application", 1997, section 4.2), so it is never 0: with 1,000 resamples at least .002, and after Holm over 20
    instruments .04. Undefined (nan) resamples are left out; nan where no resample is defined.
    """
    defined = (~np.isnan(differences)).sum(axis=0)
    fewer = np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
    return np.where(defined > 0, np.minimum(1.0, 2 * (fewer + 1) / (defined + 1)), np.nan)


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p value of McNemar's test that two classifiers are right equally often on the same clips.

    only_a, only_b: clips that only the one, only the other classifies rightly; clips on which both are right or both
    wrong say nothing. Under the hypothesis only_a is binomial with probability 1/2: p is twice the smaller tail, at
    most 1, and 1 without any such clip. Always exact, whatever the counts, where many implementations turn to
    chi-square from 25 on (McNemar 1947, Psychometrika 12; Dietterich 1998, Neural Computation 10).

    Raises ExploreError for a negative count.
    """
    if only_a < 0 or only_b < 0:
        raise ExploreError(f"McNemar's test counts clips; {only_a} and {only_b} are not both counts.")
    discordant = int(only_a) + int(only_b)
    tail = sum(comb(discordant, k) for k in range(min(int(only_a), int(only_b)) + 1))
    return min(1.0, 2 * tail / 2**discordant)


def holm(p: NDArray[np.floating]) -> NDArray[np.float64]:
    """p values (K,) corrected for their number by Holm's step-down method (1979, Scandinavian J. of Statistics 6).

    The smallest is multiplied by the number of tests, the next by one less, and so on; each is at least the one before
    and at most 1. Whatever is below .05 afterwards is different, with a chance of 5 % at most that any such claim is
    wrong, however the tests depend on each other. A nan is no test: it stays nan and does not count.
    """
    p = np.asarray(p, dtype=float)
    corrected = np.full_like(p, np.nan)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return corrected
