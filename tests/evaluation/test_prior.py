"""Probabilities under another share of "present"."""

import numpy as np
import pytest

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.prior import with_prior

# How likely four sounds are from clips with the instrument and without.
WITH, WITHOUT = np.array([0.6, 0.25, 0.1, 0.05]), np.array([0.05, 0.15, 0.3, 0.5])


def posterior(share):
    return share * WITH / (share * WITH + (1 - share) * WITHOUT)


@pytest.mark.parametrize(("trained", "wanted"), [(0.43, 0.13), (0.044, 0.43), (0.5, 0.5)])
def test_it_is_bayes_rule_where_nothing_but_the_share_differs(trained, wanted):
    np.testing.assert_allclose(with_prior(posterior(trained), trained, wanted), posterior(wanted), rtol=1e-12)


def test_there_and_back_is_where_it_was():
    probability = np.random.default_rng(0).uniform(0.001, 0.999, (50, 3))
    there = with_prior(probability, [0.1, 0.4, 0.9], [0.5, 0.2, 0.3])
    np.testing.assert_allclose(with_prior(there, [0.5, 0.2, 0.3], [0.1, 0.4, 0.9]), probability, rtol=1e-9)


def test_each_instrument_has_shares_of_its_own_and_the_order_of_clips_stays():
    probability = np.array([[0.2, 0.2], [0.5, 0.5], [0.9, 0.9]])
    moved = with_prior(probability, [0.5, 0.1], [0.5, 0.5])
    np.testing.assert_allclose(moved[:, 0], probability[:, 0])
    assert (moved[:, 1] > probability[:, 1]).all()
    assert (np.diff(moved, axis=0) > 0).all()


def test_a_sure_answer_stays_nearly_sure_and_finite():
    moved = with_prior(np.array([[0.0], [1.0]], dtype=np.float32), 0.43, 0.13)
    assert np.isfinite(moved).all()
    assert moved[0, 0] < 1e-5
    assert moved[1, 0] > 1 - 1e-5


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, np.nan, [0.2, 1.0]])
def test_a_share_without_log_odds_is_refused(share):
    with pytest.raises(ExploreError, match="between 0 and 1"):
        with_prior(np.full((3, 2), 0.5), share, 0.5)
    with pytest.raises(ExploreError, match="between 0 and 1"):
        with_prior(np.full((3, 2), 0.5), 0.5, share)
