"""Scaling of the input, and the fast pooling against PyTorch's own."""

import pytest
import torch

from openmic_explore.models.layers import InputScale
from openmic_explore.models.pooling import max_pool


def test_standard_scaling_of_embeddings():
    spread = torch.tensor([3.0, 5.0, 0.0, 0.1])
    features = torch.randn(600, 10, 4) * spread + torch.tensor([30.0, 200.0, 7.0, 9.0])
    scale = InputScale((4,), "standard")
    scale.fit(features)
    scaled = scale(features).reshape(-1, 4)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(scaled.std(0)[:2], torch.ones(2), atol=1e-4, rtol=0)
    # A constant feature does not divide by zero, and one that moves within a rounding step is not blown up.
    assert torch.isfinite(scaled).all()
    assert scaled.std(0)[3] == pytest.approx(0.1, rel=0.1)
    other = InputScale((4,), "standard")
    other.load_state_dict(scale.state_dict())
    assert torch.equal(other(features), scale(features))


def test_standard_scaling_of_pictures_is_per_scale():
    pictures = (torch.randn(300, 1, 3, 8) * torch.tensor([2.0, 20.0, 8.0])[:, None] + 100).clamp(0, 255).byte()
    scale = InputScale((3, 1), "standard", ranged=True)
    scale.fit(pictures)
    rows = scale(pictures).transpose(0, 2).flatten(1)  # (N, 1, 3, 8) -> (3, N 8)
    torch.testing.assert_close(rows.mean(1), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(rows.std(1), torch.ones(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("scaling", "upper"), [("unit", 1.0), ("bytes", 255.0), ("tiny", 1 / 255)])
def test_other_scalings_end_where_they_say(scaling, upper):
    pictures = torch.tensor([10.0, 60.0, 110.0]).reshape(3, 1, 1, 1)
    ranged, whole = InputScale((1, 1), scaling, ranged=True), InputScale((1,), scaling)
    torch.testing.assert_close(ranged(torch.tensor([0.0, 255.0]))[0], torch.tensor([0.0, upper]))
    for scale in (ranged, whole):
        scale.fit(pictures)
    # The training set's least and greatest value, or those of the store.
    torch.testing.assert_close(ranged(pictures).flatten(), torch.tensor([0.0, upper / 2, upper]))
    torch.testing.assert_close(whole(torch.tensor([0.0, 255.0])), torch.tensor([0.0, upper]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "height", "width"), [(8, 12, 14), (16, 13, 11), (5, 6, 9), (1, 2, 2), (3, 3, 3)])
def test_max_pool_is_pytorchs(dtype, channels, height, width):
    # Distinct values that bfloat16 can hold, so that the two cannot differ in whom a tie goes to.
    values = torch.stack([torch.randperm(256)[: height * width] for _ in range(3 * channels)]).float() - 128
    x = values.reshape(3, channels, height, width).to(dtype).to(memory_format=torch.channels_last)
    results = []
    for pool in (max_pool, lambda x: torch.nn.functional.max_pool2d(x, 2)):
        leaf = x.clone(memory_format=torch.preserve_format).requires_grad_()
        pooled = pool(leaf)
        weight = torch.arange(pooled.numel()).reshape(pooled.shape).remainder(7).to(dtype)
        (pooled * weight).sum().backward()
        results.append((pooled.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_max_pool_counts_a_tie_once():
    x = torch.zeros(1, 8, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    pooled = max_pool(x)
    assert type(pooled.grad_fn).__name__ == "_MaxPoolBackward"
    pooled.sum().backward()
    assert x.grad.unfold(2, 2, 2).unfold(3, 2, 2).sum(dim=(-1, -2)).eq(1).all()
