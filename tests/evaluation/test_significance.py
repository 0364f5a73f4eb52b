"""p values: by hand, against scipy, and against what they claim."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from openmic_explore import ExploreError
from openmic_explore.evaluation import bootstrap_p, holm, mcnemar


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 5, 2 / 32),
        (5, 0, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
        (3, 3, 1.0),  # twice a tail beyond one half
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(only_a, only_b, p):
    assert mcnemar(only_a, only_b) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (7, 12), (25, 40), (300, 220), (1000, 1500), (2543, 2542)])
def test_mcnemar_is_scipy_s_binomial_test(only_a, only_b):
    assert mcnemar(only_a, only_b) == pytest.approx(binomtest(only_a, only_a + only_b).pvalue, rel=1e-9)


def test_mcnemar_refuses_what_is_no_count():
    with pytest.raises(ExploreError, match="counts clips"):
        mcnemar(-1, 3)


def test_holm_by_hand():
    # .005 x 4, .01 x 3, .03 x 2, and .04 x 1 is raised to the one before
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([0.02])) == pytest.approx([0.02])


def test_holm_leaves_out_what_is_no_test():
    assert holm(np.array([np.nan, 0.01, np.nan, 0.04])) == pytest.approx([np.nan, 0.02, np.nan, 0.04], nan_ok=True)
    assert np.isnan(holm(np.full(3, np.nan))).all()


def test_bootstrap_p_by_hand():
    # of four resamples one is at or below 0: 2 x (1 + 1) / (4 + 1)
    assert bootstrap_p(np.array([-1.0, 1.0, 2.0, 3.0])) == pytest.approx(0.8)
    assert bootstrap_p(np.ones(999)) == pytest.approx(2 / 1000)
    assert bootstrap_p(-np.ones(999)) == pytest.approx(2 / 1000)
    assert bootstrap_p(np.zeros(999)) == 1.0
    assert bootstrap_p(np.array([np.nan, np.nan, 1.0, 2.0, 3.0])) == pytest.approx(2 / 4)
    assert np.isnan(bootstrap_p(np.full(5, np.nan)))


def test_bootstrap_p_is_the_two_sided_tail():
    values = np.random.default_rng(0).normal(1.5, 1.0, (20000, 1))
    assert bootstrap_p(values)[0] == pytest.approx(2 * norm.cdf(-1.5), abs=0.01)
