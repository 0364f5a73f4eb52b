"""VGGish's front end against its definition, librosa and simple truths."""

import librosa
import numpy as np
import pytest

from openmic_explore import ExploreError, log_mel
from openmic_explore.transforms.log_mel import band_frequencies, frame_times, hz_to_mel, mel_to_hz


def by_definition(signal: np.ndarray) -> np.ndarray:
    """Sum by sum: windowed DFT magnitudes, triangles in mel, logarithm. Nothing shared with the package."""
    n = np.arange(400)
    window = 0.5 * (1 - np.cos(2 * np.pi * n / 400))
    basis = np.exp(-2j * np.pi * np.outer(np.arange(257), n) / 512)
    mels = 1127 * np.log(1 + np.arange(257) * 16000 / 512 / 700)
    low, high = (1127 * np.log(1 + f / 700) for f in (125, 7500))
    step = (high - low) / 65
    frames = []
    for start in range(0, len(signal) - 400 + 1, 160):
        magnitude = np.abs(basis @ (window * signal[start : start + 400]))
        bands = []
        for band in range(64):
            centre = low + (band + 1) * step
            weight = np.clip(1 - np.abs(mels - centre) / step, 0, None)
            weight[0] = 0
            bands.append(np.log((weight * magnitude).sum() + 0.01))
        frames.append(bands)
    return np.array(frames)


def noise(seconds: float = 0.5, rate: int = 16000) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, int(seconds * rate))


def test_is_the_definition():
    signal = noise().astype(np.float32)
    result = log_mel(signal, 16000)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, by_definition(signal.astype(np.float64)), atol=2e-6)


def test_agrees_with_librosa_once_aligned():
    signal = noise(1.0)
    # librosa centres the 400-sample window in 512, so its frame starts 56 samples earlier.
    spectrum = librosa.stft(
        np.pad(signal, (56, 512)), n_fft=512, hop_length=160, win_length=400, window="hann", center=False
    )
    weights = librosa.filters.mel(sr=16000, n_fft=512, n_mels=64, fmin=125, fmax=7500, htk=True, norm=None)
    ours = log_mel(signal, 16000)
    theirs = np.log(weights @ np.abs(spectrum) + 0.01).T[: len(ours)]
    assert np.abs(ours - theirs).max() < 2e-2


def test_shape_of_ten_seconds_at_any_rate():
    for rate in (8000, 16000, 44100, 48000):
        assert log_mel(noise(10, rate), rate).shape == (998, 64)


def test_silence_is_the_logarithm_of_the_offset():
    np.testing.assert_allclose(log_mel(np.zeros(16000), 16000), np.log(0.01), atol=1e-6)


@pytest.mark.parametrize("frequency", [200.0, 440.0, 1000.0, 4000.0])
def test_a_tone_lies_in_its_band(frequency):
    time = np.arange(32000) / 16000
    picture = log_mel(np.sin(2 * np.pi * frequency * time), 16000)
    found = band_frequencies()[picture.mean(axis=0).argmax()]
    assert abs(hz_to_mel(found) - hz_to_mel(frequency)) < 0.6 * (hz_to_mel(7500) - hz_to_mel(125)) / 65


def test_delay_by_a_hop_moves_by_a_frame():
    signal = noise()
    np.testing.assert_allclose(log_mel(signal[160:], 16000), log_mel(signal, 16000)[1:], atol=1e-6)


def test_a_click_shows_at_its_time():
    signal = np.zeros(16000)
    signal[8000] = 1.0
    picture = log_mel(signal, 16000)
    assert abs(frame_times(len(picture))[picture.sum(axis=1).argmax()] - 0.5) <= 0.005


def test_short_sounds_are_padded_to_one_window():
    assert log_mel(np.ones(10), 16000).shape == (1, 64)


def test_mel_scale_has_an_inverse():
    frequency = np.array([0.0, 125.0, 1000.0, 7500.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(frequency)), frequency, atol=1e-9)


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros((2, 100)), 16000, "mono"),
        (np.zeros(0), 16000, "empty"),
        (np.array([0.0, np.nan]), 16000, "finite"),
        (np.zeros(100), 0, "rate"),
    ],
)
def test_bad_input_is_refused(samples, rate, words):
    with pytest.raises(ExploreError, match=words):
        log_mel(samples, rate)
