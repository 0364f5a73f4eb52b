"""Several networks that answer together."""

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, build_model
from openmic_explore.models import Output
from openmic_explore.training.loss import masked_loss


def built(**settings):
    torch.manual_seed(0)
    model = build_model("best", dimension=12, instruments=5, width=16, **settings)
    model.fit_input(torch.randint(0, 256, (40, 7, 12), dtype=torch.uint8))
    return model


def clips(n=6):
    return torch.randint(0, 256, (n, 7, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_in_training_every_member_answers_and_later_their_mean():
    model = built(members=3, dropout=0.0)
    every = model.train()(clips())
    assert [tuple(part.shape) for part in every] == [(3, 6, 5), (3, 6, 5), (3, 6, 7, 5), (3, 6, 7, 5)]
    one = model.eval()(clips())
    assert [tuple(part.shape) for part in one] == [(6, 5), (6, 5), (6, 7, 5), (6, 7, 5)]
    # Batch norm looks at the batch in training; each member by itself in evaluation gives the terms of the mean.
    logits, odds, attention = [], [], []
    for member, head in zip(model.members, model.heads, strict=True):
        hidden = member(model.scale(clips()).flatten(0, 1)).unflatten(0, (6, 7))
        alone = Output(*(part.detach() for part in head(hidden)))
        logits.append(alone.logit)
        odds.append(torch.log(alone.frame / (1 - alone.frame)))
        attention.append(alone.attention)
    torch.testing.assert_close(one.logit, torch.stack(logits).mean(0))
    torch.testing.assert_close(one.clip, one.logit.sigmoid())
    torch.testing.assert_close(one.frame, torch.stack(odds).mean(0).sigmoid())
    torch.testing.assert_close(one.attention, torch.stack(attention).mean(0))
    torch.testing.assert_close(one.attention.sum(dim=1), torch.ones(6, 5))
    # They differ, so that no single member's would do.
    assert min(float((odds[0] - other).abs().max()) for other in odds[1:]) > 0.01
    assert min(float((attention[0] - other).abs().max()) for other in attention[1:]) > 1e-3


def test_the_members_differ_and_each_is_trained_by_its_own_loss():
    model = built(members=2, dropout=0.0).train()
    output = model(clips())
    assert (output.logit[0] - output.logit[1]).abs().max() > 0.01
    relevance, mask = torch.ones(6, 5), torch.ones(6, 5, dtype=torch.bool)
    both = masked_loss(output, relevance, mask, log_odds=True)
    alone = [masked_loss(Output(*(part[k] for part in output)), relevance, mask, log_odds=True) for k in range(2)]
    torch.testing.assert_close(both, torch.stack(alone).mean())
    alone[0].backward()
    assert any(parameter.grad.any() for parameter in model.members[0].parameters())
    assert not any(parameter.grad.any() for parameter in model.members[1].parameters())


def test_every_frame_is_looked_at_by_itself():
    model = built().eval()
    x = clips()
    order = torch.randperm(7)
    straight, turned = model(x), model(x[:, order])
    torch.testing.assert_close(straight.frame[:, order], turned.frame)
    torch.testing.assert_close(straight.clip, turned.clip)


def test_size():
    width, dimension, instruments = 16, 12, 5
    member = dimension * width + width + 2 * (2 * width + width * width + width) + 2 * width
    heads = 2 * (width * instruments + instruments)
    for members in (1, 3):
        count = sum(parameter.numel() for parameter in built(members=members).parameters())
        assert count == members * (member + heads)
    with pytest.raises(ExploreError, match="members must be a whole number of at least 1"):
        build_model("best", members=0)


def test_one_member_in_evaluation_is_itself():
    model = built(members=1).eval()
    output = model(clips())
    odds = np.log(output.frame.detach().numpy() / (1 - output.frame.detach().numpy()))
    expected = (output.attention.detach().numpy() * odds).sum(axis=1)
    np.testing.assert_allclose(output.logit.detach().numpy(), expected, atol=1e-4)
