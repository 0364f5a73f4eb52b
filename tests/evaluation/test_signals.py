"""Signals in time and the controls that know less."""

import numpy as np
import pytest

from openmic_explore import ExploreError
from openmic_explore.evaluation import (
    Signal,
    attention_signal,
    energy,
    frame_energy,
    frame_signal,
    product,
    shuffled,
    swapped,
    uniform,
)


def test_product_multiplies_values_and_thresholds_in_double_precision():
    frame = np.array([[[0.6], [-0.5], [1e-3], [0.9]]], dtype=np.float16)
    attention = np.array([[[0.25], [0.5], [1e-3], [0.249]]], dtype=np.float16)
    both = product(frame_signal(frame, 1.0), attention_signal(attention, 1.0))
    assert both.values.dtype == np.float64
    assert both.values.ravel() == pytest.approx([0.15, -0.25, 1e-6, 0.224], rel=1e-3)
    assert both.threshold == pytest.approx(0.5 / 4, rel=2e-3)
    # Both at their threshold: sounding. Attended at an even share but denied: not.
    assert (both.values >= both.threshold).ravel().tolist() == [True, False, False, True]
    with pytest.raises(ExploreError, match="same frames"):
        product(frame_signal(frame, 1.0), attention_signal(attention, 0.5))


@pytest.mark.parametrize("frames", [3, 6, 10, 30, 100])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_an_even_share_counts_as_sounding_in_any_precision(frames, kind):
    weight = attention_signal(np.full((1, frames, 1), 1 / frames, dtype=kind), 1.0)
    assert (weight.values.astype(float) >= weight.threshold).all()
    assert weight.threshold > 0.99 / frames


def test_uniform_sums_to_one_on_the_same_frames():
    like = frame_signal(np.random.default_rng(0).random((2, 6, 3)), 1.5, 0.25)
    even = uniform(like)
    assert even.values.sum(axis=1) == pytest.approx(np.ones((2, 3)))
    assert (even.step, even.start) == (1.5, 0.25)


def test_energy_is_the_loudness_of_the_clip_for_every_instrument():
    loudness = np.array([[1.0, 3.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    signal = energy(loudness, 1.0, instruments=3)
    assert signal.values.shape == (2, 4, 3)
    assert (signal.values == signal.values[:, :, :1]).all()
    assert signal.values[:, :, 0].tolist() == [[0.25, 0.75, 0.0, 0.0], [0.25] * 4]
    for bad in (-loudness, loudness * np.nan, loudness[0]):
        with pytest.raises(ExploreError, match="loudness"):
            energy(bad, 1.0)


def test_frame_energy_is_the_mean_square_of_each_frame():
    rate = 1000
    samples = np.concatenate([np.full(500, 0.5), np.zeros(500), np.full(250, -1.0)])
    assert frame_energy(samples, rate, step=0.5, frames=4) == pytest.approx([0.25, 0, 1.0, 0])
    assert frame_energy(samples, rate, step=0.5, frames=2, start=0.25) == pytest.approx([0.125, 0.5])
    # A sine of amplitude A has mean square A ** 2 / 2.
    sine = 0.8 * np.sin(2 * np.pi * 100 * np.arange(44100) / 44100)
    assert frame_energy(sine, 44100, step=0.1, frames=10) == pytest.approx(np.full(10, 0.32))


def test_shuffled_gives_every_clip_another_of_the_same_state():
    rng = np.random.default_rng(0)
    present = rng.random((40, 3)) < 0.4
    values = np.arange(40.0)[:, None, None] + np.zeros((40, 5, 3))  # a clip's signal is its number
    for seed in range(5):
        moved = shuffled(frame_signal(values, 1.0), present, seed=seed).values
        assert (moved == moved[:, :1]).all()
        source = moved[:, 0].astype(int)
        assert (source != np.arange(40)[:, None]).all()
        assert (np.take_along_axis(present, source, axis=0) == present).all()
        assert (np.sort(source, axis=0) == np.arange(40)[:, None]).all()
    again = shuffled(frame_signal(values, 1.0), present, seed=4).values
    assert (again == moved).all()


def test_shuffled_leaves_a_clip_without_fellow_undefined():
    present = np.array([[True], [False], [False]])
    moved = shuffled(frame_signal(np.arange(6.0).reshape(3, 2, 1), 1.0), present)
    assert np.isnan(moved.values[0]).all()
    assert moved.values[1:, :, 0].tolist() == [[4, 5], [2, 3]]
    with pytest.raises(ExploreError, match="present"):
        shuffled(moved, present.T)


def test_bad_signals_are_refused():
    good = np.zeros((2, 3, 4))
    partly = good.copy()
    partly[0, 0, 0] = np.nan
    infinite = good.copy()
    infinite[0, :, 0] = np.inf
    for values, step, start, words in (
        (good[0], 1.0, 0.0, "must be \\(clips"),
        (good[:, :0], 1.0, 0.0, "must be \\(clips"),
        (good, 0.0, 0.0, "seconds"),
        (good, 1.0, np.nan, "seconds"),
        (partly, 1.0, 0.0, "finite"),
        (infinite, 1.0, 0.0, "finite"),
    ):
        with pytest.raises(ExploreError, match=words):
            Signal(values, step, start)


def test_swapped_gives_every_instrument_the_signal_of_another_that_sounds_in_the_clip():
    rng = np.random.default_rng(0)
    present = rng.random((30, 5)) < 0.5
    values = np.arange(5.0) + 10 * np.arange(30)[:, None, None] + np.zeros((30, 4, 5))  # which clip, which instrument
    moved = swapped(frame_signal(values, 0.5, 0.25), present)
    assert (moved.step, moved.start) == (0.5, 0.25)
    for clip, sounding in enumerate(present):
        on = np.flatnonzero(sounding)
        if len(on) < 2:
            assert np.isnan(moved.values[clip]).all()
            continue
        assert np.isnan(moved.values[clip][:, ~sounding]).all()
        source = moved.values[clip][:, on] - 10 * clip
        assert (source == source[0]).all()
        assert (source[0] != on).all()
        assert sorted(source[0]) == on.tolist()


def test_swapping_takes_nothing_from_loudness():
    loudness = energy(np.random.default_rng(1).random((6, 8)), 1.0, instruments=3)
    other = swapped(loudness, np.ones((6, 3), bool))
    assert (other.values == loudness.values).all()
    with pytest.raises(ExploreError, match="present"):
        swapped(loudness, np.ones((6, 2), bool))
