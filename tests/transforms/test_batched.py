"""The batched transforms against the plain ones."""

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, log_mel, scalogram
from openmic_explore.transforms.batched import log_mel_batch, scalogram_batch


def sounds(clips: int, samples: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    loud = rng.standard_normal((clips, samples)) * 10.0 ** -np.arange(clips)[:, None]
    loud[0, samples // 2] += 5.0
    return loud.astype(np.float32)


def test_log_mel_has_the_same_numbers():
    batch = sounds(3, 48_000)
    found = log_mel_batch(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(found, np.stack([log_mel(clip, 16_000) for clip in batch]), atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "rate", "options"),
    [
        (441_000, 44_100, {}),
        (40_000, 16_000, {"scales": 50, "bins": 77, "fmax": 6900.0}),
        (44_101, 44_100, {"gamma": 3.0, "beta": 1.0, "scales": 16}),
    ],
)
def test_scalogram_has_the_same_numbers(samples, rate, options):
    batch = sounds(3, samples)
    found = scalogram_batch(torch.from_numpy(batch), rate, **options).numpy()
    for clip, picture in zip(batch, found, strict=True):
        expected = scalogram(clip, rate, **options).magnitude
        assert picture.dtype == np.float32
        np.testing.assert_allclose(picture, expected, rtol=1e-4, atol=1e-4 * 1e-4 * expected.max())


def test_a_clip_does_not_depend_on_its_neighbours():
    batch = torch.from_numpy(sounds(3, 30_000))
    together = scalogram_batch(batch, 16_000, fmax=6000.0)
    alone = scalogram_batch(batch[1:2], 16_000, fmax=6000.0)
    torch.testing.assert_close(together[1:2], alone, rtol=1e-5, atol=1e-9)


def test_gradients_reach_the_samples():
    """The gradient of a tone's ridge points along the tone: more of it makes the ridge higher."""
    time = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * torch.pi * 440 * time).requires_grad_()
    for transform in (
        lambda x: scalogram_batch(x, 16_000, scales=1, fmin=440.0, fmax=440.0, bins=4).mean(),
        lambda x: log_mel_batch(x).mean(),
    ):
        (gradient,) = torch.autograd.grad(transform(tone[None]), tone)
        assert torch.isfinite(gradient).all()
        assert (gradient * tone).sum() > 0


def test_rows_above_the_limit_are_silent():
    picture = scalogram_batch(torch.from_numpy(sounds(1, 20_000)), 8_000)
    frequency = np.geomspace(27.5, 19_000, 128)
    assert (picture[0, frequency > 0.4342 * 8000] == 0).all()
    assert (picture[0, frequency < 0.434 * 8000] > 0).any(dim=1).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_mel_batch(torch.zeros(1, 1000), 44_100), "16000 Hz"),
        (lambda: log_mel_batch(torch.zeros(1, 100)), "at least 400"),
        (lambda: log_mel_batch(torch.zeros(1000)), "float32 tensor"),
        (lambda: scalogram_batch(torch.zeros(2, 0), 16_000), "float32 tensor"),
        (lambda: scalogram_batch(torch.zeros(2, 100, dtype=torch.float64), 16_000), "float32 tensor"),
        (lambda: scalogram_batch(torch.zeros(2, 100), 16_000, bins=0), "must be positive"),
        (lambda: scalogram_batch(torch.zeros(2, 100), 16_000, fmin=-1.0), "must be positive"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ExploreError, match=words):
        call()
