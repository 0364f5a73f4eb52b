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


@pytest.mark.parametrize("log_odds", [True, False])
def test_weights_count_as_so_much_of_a_cell(log_odds):
    """A cell of two observed parents, one of the first only, one of the second only, one of neither; lambda = .7."""
    probability = torch.tensor([[0.8, 0.6, 0.3, 0.1]])
    label, weight = torch.tensor([[0.7, 1.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.7, 0.3, 0.0]])
    both = -(0.7 * math.log(0.8) + 0.3 * math.log(0.2))
    expected = (both - 0.7 * math.log(0.6) - 0.3 * math.log(0.7)) / (1.0 + 0.7 + 0.3)
    loss = masked_loss(output(torch.logit(probability)), label, weight, log_odds=log_odds)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("log_odds", [True, False])
def test_a_mixture_s_loss_is_the_parents_losses_weighted(log_odds):
    """Cross-entropy is linear in the label: mixing labels and mixing losses are one, blanks included."""
    first, second = torch.tensor([[1.0, 0.2, 0.0]]), torch.tensor([[0.0, 0.0, 0.9]])
    seen_first, seen_second = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])
    weight = 0.7 * seen_first + 0.3 * seen_second
    label = (0.7 * seen_first * first + 0.3 * seen_second * second) / weight
    out = output(torch.tensor([[0.3, -1.0, 2.0]]))
    mixed = masked_loss(out, label, weight, log_odds=log_odds) * weight.sum()
    apart = 0.7 * masked_loss(out, first, seen_first, log_odds=log_odds) * seen_first.sum()
    apart += 0.3 * masked_loss(out, second, seen_second, log_odds=log_odds) * seen_second.sum()
    assert mixed.item() == pytest.approx(apart.item(), rel=1e-5)


@pytest.mark.parametrize("log_odds", [True, False])
@pytest.mark.parametrize("dtype", [torch.bool, torch.float32])
def test_nothing_observed_is_zero_with_zero_gradient(dtype, log_odds):
    logit = torch.randn(2, 3, requires_grad=True)
    loss = masked_loss(output(logit), torch.zeros(2, 3), torch.zeros(2, 3, dtype=dtype), log_odds=log_odds)
    loss.backward()
    assert loss.item() == 0
    assert (logit.grad == 0).all()


def test_a_clamped_and_wrong_probability_is_dear_but_finite():
    """The authors' clamp gives exact zeros and ones; PyTorch cuts the logarithm off at -100."""
    total = torch.tensor([[-0.3, 1.2, 0.4]], requires_grad=True)
    clip = torch.nn.functional.hardtanh(total, 0.0, 1.0)
    out = Output(clip, total, total[:, None], torch.ones_like(total)[:, None])
    loss = masked_loss(out, torch.tensor([[1.0, 0.0, 1.0]]), torch.ones(1, 3, dtype=torch.bool), log_odds=False)
    loss.backward()
    assert loss.item() == pytest.approx((100 + 100 - math.log(0.4)) / 3, rel=1e-5)
    assert total.grad[0].tolist() == pytest.approx([0.0, 0.0, -1 / 0.4 / 3], rel=1e-5)
