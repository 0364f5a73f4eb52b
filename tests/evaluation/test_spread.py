"""Mean and spread over seeds, by hand."""

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS, ExploreError, score
from openmic_explore.evaluation import MEAN, means, spread
from openmic_explore.evaluation.scores import SHARES
from tests.evaluation.test_scores import table


def tables(f1: list[list[float]]):
    """Tables of two instruments that differ in f1 alone."""
    blank = score(np.ones((1, 2)), np.ones((1, 2), bool), np.ones((1, 2)), instruments=("a", "b"))
    return [blank.assign(f1=values) for values in f1]


def test_by_hand():
    found = spread(tables([[0.2, 0.5], [0.4, np.nan], [0.9, 0.7]])).set_index(["metric", "instrument"]).loc["f1"]
    assert found.loc["a"].tolist() == pytest.approx([0.5, np.sqrt((0.09 + 0.01 + 0.16) / 2), 0.2, 0.9, 3])
    assert found.loc["b"].tolist() == pytest.approx([0.6, np.sqrt(0.02), 0.5, 0.7, 2])
    # Means over instruments first, where defined: .35, .4, .8.
    assert found.loc[MEAN].tolist() == pytest.approx([1.55 / 3, np.std([0.35, 0.4, 0.8], ddof=1), 0.35, 0.8, 3])


def test_one_seed_has_no_spread_and_no_seed_no_mean():
    found = spread(tables([[0.2, np.nan]])).set_index(["metric", "instrument"]).loc["f1"]
    assert found.loc["a"].tolist() == pytest.approx([0.2, np.nan, 0.2, 0.2, 1], nan_ok=True)
    assert found.loc["b", ["mean", "std", "minimum", "maximum"]].isna().all()
    assert found.loc["b", "n"] == 0


def test_agrees_with_pandas_on_real_tables():
    runs = [score(*table(seed)) for seed in range(4)]
    found = spread(runs).pivot(index="instrument", columns="metric", values=["mean", "std"])
    stacked = np.stack([run[list(SHARES)] for run in runs])
    np.testing.assert_allclose(found["mean"].loc[list(INSTRUMENTS), list(SHARES)], stacked.mean(axis=0))
    np.testing.assert_allclose(found["std"].loc[list(INSTRUMENTS), list(SHARES)], stacked.std(axis=0, ddof=1))
    assert found["mean"].loc[MEAN, "f1"] == pytest.approx(np.mean([means(run)["f1"] for run in runs]))


def test_bad_input_is_refused():
    with pytest.raises(ExploreError, match="no scores"):
        spread([])
    one, other = tables([[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(ExploreError, match="not of the same instruments"):
        spread([one, other.iloc[::-1]])
