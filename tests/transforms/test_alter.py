"""Altered sounds: the filters by their definition, and what must stay as it was."""

import numpy as np
import pytest
from scipy.signal import sosfreqz

from openmic_explore.transforms import alter as module
from openmic_explore.transforms.alter import DECAY, LEVEL, SEMITONES, WET, _room, alter, section

RATE = 16000


def level(sections, frequency, rate):
    """dB at a frequency in Hz."""
    _, response = sosfreqz(sections[None], worN=[2 * np.pi * frequency / rate])
    return 20 * np.log10(np.abs(response[0]))


def tone(frequency, seconds=2.0, rate=RATE):
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("gain", [-9.0, 4.0])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_filters_have_their_gain_where_they_should_and_none_elsewhere(gain, rate):
    """A shelf has half of its decibels at its frequency, by the Cookbook's definition."""
    low, peak, high = (section(kind, 1000, gain, 0.7, rate) for kind in ("low", "peak", "high"))
    top = rate / 2 - 1
    assert [level(low, f, rate) for f in (1, 1000, top)] == pytest.approx([gain, gain / 2, 0], abs=0.02)
    assert [level(peak, f, rate) for f in (1, 1000, top)] == pytest.approx([0, gain, 0], abs=0.02)
    assert [level(high, f, rate) for f in (1, 1000, top)] == pytest.approx([0, gain / 2, gain], abs=0.02)


def test_a_filter_without_gain_changes_nothing():
    for kind in ("low", "peak", "high"):
        b, a = np.split(section(kind, 700, 0.0, 1.0, RATE), 2)
        np.testing.assert_allclose(b, a)


@pytest.mark.parametrize("seed", range(8))
def test_a_sound_keeps_its_length_its_kind_and_roughly_its_level(seed):
    sound = np.random.default_rng(seed).normal(0, 0.1, 30001).astype(np.float32)
    altered = alter(sound, RATE, np.random.default_rng(seed))
    assert altered.shape == sound.shape
    assert altered.dtype == np.float32
    assert np.abs(altered).max() <= 1
    change = 20 * np.log10(np.sqrt(np.square(altered).mean()) / np.sqrt(np.square(sound).mean()))
    assert abs(change) <= LEVEL + 0.1


def test_pitch_moves_by_at_most_two_semitones_and_does_move():
    moved = []
    for seed in range(12):
        altered = alter(tone(1000), RATE, np.random.default_rng(seed))
        peak = np.abs(np.fft.rfft(altered * np.hanning(len(altered)))).argmax() * RATE / len(altered)
        moved.append(12 * np.log2(peak / 1000))
    assert np.abs(moved).max() <= SEMITONES + 0.05
    assert np.ptp(moved) > 1


def test_the_same_generator_alters_alike_and_another_does_not():
    one, again, other = (alter(tone(500), RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01


def test_silence_stays_silent_and_finite():
    assert not alter(np.zeros(RATE, np.float32), RATE, np.random.default_rng(0)).any()


@pytest.mark.parametrize("seed", range(6))
def test_a_room_answers_a_click_with_noise_that_decays_as_fast_as_it_should(seed):
    click = np.zeros(RATE)
    click[100] = 1.0
    answer = _room(click, RATE, np.random.default_rng(seed))
    assert len(answer) == len(click)
    np.testing.assert_allclose(answer[:100], 0, atol=1e-9)  # nothing before it
    tail = answer - click
    wet = np.sqrt(np.square(tail).sum())
    assert WET[0] - 1e-6 <= wet <= WET[1] + 1e-6
    # Its level in steps of 10 ms, down to -40 dB, is a line: 60 dB in DECAY seconds.
    power = np.square(tail[100 : 100 + RATE // 2]).reshape(-1, RATE // 100).mean(axis=1)
    decibels = 10 * np.log10(power / power[0])
    loud = np.arange(np.argmax(decibels < -40) or len(decibels))
    slope = np.polyfit(loud / 100, decibels[loud], 1)[0]
    assert 0.9 * DECAY[0] <= -60 / slope <= 1.1 * DECAY[1]


def test_a_room_keeps_the_sound_and_adds_its_echo_to_it():
    sound = np.random.default_rng(0).normal(0, 0.1, RATE)
    click = np.eye(1, RATE)[0]
    echo = _room(click, RATE, np.random.default_rng(1)) - click
    expected = sound + np.convolve(sound, echo)[:RATE]
    np.testing.assert_allclose(_room(sound, RATE, np.random.default_rng(1)), expected, atol=1e-9)


@pytest.mark.parametrize(("often", "rings"), [(0.0, False), (1.0, True)])
def test_a_sound_rings_on_where_there_is_a_room(often, rings, monkeypatch):
    monkeypatch.setattr(module, "REVERB", often)
    sound = np.concatenate([tone(1000, 0.5), np.zeros(RATE, np.float32)])
    for seed in range(4):
        altered = alter(sound, RATE, np.random.default_rng(seed))
        after = altered[int(0.6 * RATE) : int(0.65 * RATE)]
        assert (np.abs(after).max() > 1e-4 * np.abs(altered).max()) == rings
