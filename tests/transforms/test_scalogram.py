"""Morse wavelets and the scalogram against published values and simple truths."""

import numpy as np
import pytest

from openmic_explore import ExploreError, scalogram
from openmic_explore.transforms import morse

RATE = 8000


def tone(frequency: float, amplitude: float = 1.0, seconds: float = 2.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def picture(samples, **options):
    return scalogram(samples, RATE, **{"fmin": 50.0, "fmax": 3000.0, "scales": 60, "bins": 40} | options)


def test_peak_frequency_is_the_published_one():
    # jLab's and clouddrift's documented value for gamma 3 and beta 50
    assert morse.peak_frequency(3, 50) == pytest.approx(2.55436477464518, abs=1e-13)
    assert morse.peak_frequency() == pytest.approx(1.88207, abs=5e-6)


def test_response_peaks_at_two_and_is_analytic():
    omega = np.linspace(-5, 8, 20001)
    psi = morse.response(omega)
    assert psi.max() == pytest.approx(2.0, abs=1e-6)
    assert omega[psi.argmax()] == pytest.approx(morse.peak_frequency(), abs=1e-3)
    assert (psi[omega <= 0] == 0).all()
    assert np.isfinite(morse.response(np.array([1e-300, 1e3]), 9, 90)).all()


def test_highest_frequency_is_matlab_s():
    # cwtfreqbounds(1000): .4341 cycles a sample, where the response at Nyquist has half its peak.
    grid = np.linspace(0.42, 0.45, 30001)
    at_nyquist = morse.response(morse.scale_of(grid, 1.0) * np.pi)
    assert grid[np.abs(at_nyquist - 1.0).argmin()] == pytest.approx(0.4341, abs=5e-5)


@pytest.mark.parametrize("frequency", [80.0, 440.0, 1500.0])
def test_a_tone_peaks_at_its_frequency_with_its_amplitude(frequency):
    result = picture(tone(frequency, 0.3))
    ridge = result.magnitude[:, 5:-5].mean(axis=1)
    step = result.frequency[1] / result.frequency[0]
    assert 1 / step < result.frequency[ridge.argmax()] / frequency < step
    exact = scalogram(tone(frequency, 0.3), RATE, fmin=frequency, fmax=frequency, scales=1, bins=40)
    np.testing.assert_allclose(exact.magnitude[0, 5:-5], 0.3, rtol=1e-3)


def test_a_chirp_follows_its_law():
    time = np.arange(2 * RATE) / RATE
    chirp = np.sin(2 * np.pi * (100 * time + 400 * time**2))  # 100 to 1,700 Hz, 800 Hz a second
    result = picture(chirp, scales=200)
    ridge = result.frequency[result.magnitude.argmax(axis=0)]
    inside = slice(4, -4)
    np.testing.assert_allclose(ridge[inside], (100 + 800 * result.time)[inside], rtol=0.05)


def test_time_reversal_flips_the_picture():
    samples = np.random.default_rng(0).standard_normal(2 * RATE) * np.linspace(0, 1, 2 * RATE)
    forward, backward = picture(samples).magnitude, picture(samples[::-1]).magnitude
    np.testing.assert_allclose(backward[:, ::-1], forward, rtol=5e-3, atol=2e-5)


def test_is_linear_in_amplitude_and_silent_in_silence():
    samples = tone(300.0)
    np.testing.assert_allclose(picture(0.1 * samples).magnitude, 0.1 * picture(samples).magnitude, rtol=1e-4, atol=1e-7)
    assert (picture(np.zeros(RATE)).magnitude == 0).all()


def test_against_a_plain_sum_of_wavelets():
    """One scale by the definition in time: W(t) is the sum of x times the wavelet's inverse transform."""
    rng = np.random.default_rng(2)
    samples = rng.standard_normal(600)
    frequency = 900.0
    extended = np.concatenate([samples[::-1], samples, samples[::-1]])
    size = extended.size
    omega = 2 * np.pi * np.arange(size) / size
    psi = morse.response(morse.scale_of(frequency, RATE) * omega)
    psi[omega > np.pi] = 0
    kernel = np.array([(psi * np.exp(1j * omega * n)).sum() / size for n in range(size)])
    circular = np.array([(extended * kernel[(n - np.arange(size)) % size]).sum() for n in range(600, 1200)])
    expected = np.abs(circular).reshape(10, 60).mean(axis=1)
    result = scalogram(samples, RATE, fmin=frequency, fmax=frequency, scales=1, bins=10)
    np.testing.assert_allclose(result.magnitude[0], expected, rtol=2e-3)


def test_against_the_transform_at_full_resolution():
    """Noise, a click on a bin's edge, and both ends, against |W| at every sample in float64."""
    rng = np.random.default_rng(4)
    samples = 0.01 * rng.standard_normal(RATE)
    samples[RATE // 2] += 1.0
    samples[:200] += 0.5
    result = picture(samples, scales=24)
    size = 3 * RATE
    extended = np.concatenate([samples[::-1], samples, samples[::-1]])
    spectrum = np.fft.fft(extended)
    omega = 2 * np.pi * np.arange(size) / size
    omega[omega > np.pi] = 0
    expected = np.empty_like(result.magnitude)
    for row, frequency in enumerate(result.frequency):
        full = np.abs(np.fft.ifft(spectrum * morse.response(morse.scale_of(frequency, RATE) * omega)))
        expected[row] = full[RATE : 2 * RATE].reshape(40, -1).mean(axis=1)
    error = np.abs(result.magnitude - expected) / expected
    loud = expected > 1e-4 * expected.max()
    assert error[loud].max() < 2e-2
    assert error[loud].mean() < 2e-3


@pytest.mark.parametrize(("gamma", "beta"), [(3.0, 20.0), (2.0, 4.0), (6.0, 60.0)])
def test_support_is_where_the_response_falls_to_its_share(gamma, beta):
    low, high = morse.support(1e-3, gamma, beta)
    assert low < morse.peak_frequency(gamma, beta) < high
    np.testing.assert_allclose(morse.response(np.array([low, high]), gamma, beta), 2e-3, rtol=1e-6)


def test_grid_and_axes():
    result = scalogram(tone(440.0), RATE)
    assert result.magnitude.shape == (128, 128)
    assert result.magnitude.dtype == np.float32
    assert (result.frequency[0], result.frequency[-1]) == pytest.approx((27.5, 19000.0))
    assert (result.magnitude[result.frequency > 0.434 * RATE] == 0).all()
    assert (result.magnitude[result.frequency < 0.43 * RATE] > 0).any(axis=1).all()
    np.testing.assert_allclose(result.time[[0, -1]], [1 / 128, 2 - 1 / 128])


@pytest.mark.parametrize("length", [1, 7, 127, 129])
def test_very_short_sounds(length):
    assert np.isfinite(picture(np.ones(length)).magnitude).all()


@pytest.mark.parametrize(
    "options", [{"scales": 0}, {"bins": 0}, {"fmin": 0.0}, {"fmin": 500.0, "fmax": 50.0}, {"gamma": 0.0}]
)
def test_an_impossible_grid_is_refused(options):
    with pytest.raises(ExploreError, match="must be positive"):
        picture(tone(440.0), **options)
