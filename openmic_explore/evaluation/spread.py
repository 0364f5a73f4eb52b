"""How far a score moves with another training: mean and spread over seeds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.bootstrap import average
from openmic_explore.evaluation.scores import MEAN, SHARES, means
from openmic_explore.evaluation.weighted import ratio


def spread(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean and spread of the scores of runs that differ by seed only, per instrument and for the mean over instruments.

    tables: one of `score`'s tables a seed.

    Returns one row for each instrument and share, then one for each share with the instrument "mean" (`means` of each
    table, then over seeds): instrument, metric, mean, std, minimum, maximum, n. n counts the seeds in which the score
    is defined; the others are left out. std is the sample standard deviation (ddof 1), nan with fewer than two seeds.

    The test clips are the same in all seeds, so this is the spread of training alone; `intervals` holds the training
    fixed and moves the clips. Neither holds the other (Bouthillier et al., "Accounting for variance in machine learning
    benchmarks", MLSys 2021).

    Raises ExploreError without a table, or when they have other instruments.
    """
    if not len(tables):
        raise ExploreError("There are no scores to take the spread of: give one table a seed.")
    instruments = list(tables[0].index)
    for table in tables:
        if list(table.index) != instruments or not set(SHARES) <= set(table.columns):
            raise ExploreError("The tables of scores are not of the same instruments and columns.")
    each = [table[list(SHARES)].to_numpy(float) for table in tables]
    overall = [[means(table)[metric] for metric in SHARES] for table in tables]
    values = np.concatenate([np.stack(each), np.array(overall)[:, None]], axis=1)  # (seeds, K + 1, shares)

    n = (~np.isnan(values)).sum(axis=0)
    mean = average(values)
    squares = np.where(np.isnan(values), 0.0, (values - mean) ** 2).sum(axis=0)
    return pd.DataFrame(
        {
            "instrument": np.repeat([*instruments, MEAN], len(SHARES)),
            "metric": np.tile(SHARES, len(instruments) + 1),
            "mean": mean.ravel(),
            "std": np.sqrt(ratio(squares, (n - 1).astype(float))).ravel(),
            # fmin and fmax pass over nan, and stay silent where no seed is defined.
            "minimum": np.fmin.reduce(values, axis=0).ravel(),
            "maximum": np.fmax.reduce(values, axis=0).ravel(),
            "n": n.ravel(),
        }
    )
