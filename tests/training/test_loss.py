"""The masked loss, by hand and by gradient."""

import math

import pytest
import torch

from openmic_explore.models import Output
from openmic_explore.training.loss import masked_loss


def output(logit: torch.Tensor) -> Output:
    return Output(logit.sigmoid(), logit, logit[:, None], torch.ones_like(logit)[:, None])


@pytest.mark.parametrize("log_odds", [True, False])
def test_is_the_mean_over_the_observed_cells(log_odds):
    probability = torch.tensor([[0.8, 0.5], [0.3, 0.9]])
    relevance = torch.tensor([[1.0, 0.0], [0.25, 0.0]])
    mask = torch.tensor([[True, False], [True, False]])
    expected = (-math.log(0.8) - 0.25 * math.log(0.3) - 0.75 * math.log(0.7)) / 2
    loss = masked_loss(output(torch.logit(probability)), relevance, mask, log_odds=log_odds)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("log_odds", [True, False])
def test_unobserved_cells_get_no_gradient_and_cannot_change_the_loss(log_odds):
    logit = torch.randn(3, 4, requires_grad=True)
    mask = torch.zeros(3, 4, dtype=torch.bool)
    mask[0, 1] = mask[2, 3] = True
    relevance = torch.rand(3, 4)
    loss = masked_loss(output(logit), relevance, mask, log_odds=log_odds)
    loss.backward()
    assert (logit.grad[~mask] == 0).all()
    assert (logit.grad[mask] != 0).all()
    other = masked_loss(output(logit), torch.where(mask, relevance, 1 - relevance), mask, log_odds=log_odds)
    assert other.item() == loss.item()


def test_nothing_observed_is_zero_with_zero_gradient():
    logit = torch.randn(2, 3, requires_grad=True)
    loss = masked_loss(output(logit), torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bool), log_odds=True)
    loss.backward()
    assert loss.item() == 0
    assert (logit.grad == 0).all()
