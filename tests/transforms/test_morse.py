"""Morse wavelets against published values, their definitions, and simple truths."""

import numpy as np
import pytest

from openmic_explore import ExploreError
from openmic_explore.transforms import morse

SHAPES = [(3.0, 20.0), (2.0, 4.0), (6.0, 60.0), (3.0, 5.0)]


def test_published_values():
    # jLab's and clouddrift's documented examples
    assert morse.peak_frequency(3, 50) == pytest.approx(2.55436477464518, abs=1e-13)
    assert morse.amplitude(3, 5) == pytest.approx(4.51966469068946, abs=1e-13)
    # MATLAB's for gamma 3 and time-bandwidth product 60
    assert morse.peak_frequency() == pytest.approx(1.88207, abs=5e-6)
    assert morse.time_spread() == pytest.approx(5.50077, abs=5e-6)


def test_frequency_limits_are_matlab_s():
    # cwtfreqbounds(1000): .0033 and .4341 cycles a sample
    assert morse.lowest_frequency(1000) == pytest.approx(0.0033, abs=5e-5)
    assert morse.highest_frequency() == pytest.approx(0.4341, abs=5e-5)
    # centre periods of cwtfilterbank for 2 Hz and 1,024 samples
    periods = 1 / morse.default_frequencies(1024, 2)[:5]
    np.testing.assert_allclose(periods, [1.1517, 1.2344, 1.3230, 1.4180, 1.5197], atol=5e-5)
    # ten seconds at 44.1 kHz
    ours = morse.default_frequencies(441_000, 44_100)
    assert len(ours) == 159
    assert ours[0] == pytest.approx(19144.9, abs=0.05)
    assert morse.lowest_frequency(441_000, 44_100) == pytest.approx(0.3295, abs=5e-5)


def test_response_peaks_at_two_and_is_analytic():
    omega = np.linspace(-5, 8, 20001)
    psi = morse.response(omega)
    assert psi.max() == pytest.approx(2.0, abs=1e-6)
    assert omega[psi.argmax()] == pytest.approx(morse.peak_frequency(), abs=1e-3)
    assert (psi[omega <= 0] == 0).all()
    assert np.isfinite(morse.response(np.array([1e-300, 1e3]), 9, 90)).all()


@pytest.mark.parametrize(("gamma", "beta"), SHAPES)
def test_response_is_the_formula(gamma, beta):
    omega = np.linspace(0.01, 4, 500)
    expected = morse.amplitude(gamma, beta) * omega**beta * np.exp(-(omega**gamma))
    np.testing.assert_allclose(morse.response(omega, gamma, beta), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("gamma", "beta"), SHAPES)
def test_time_spread_is_the_standard_deviation_of_the_wavelet(gamma, beta):
    size, step = 2**15, 0.05
    omega = 2 * np.pi * np.arange(size) / (size * step)
    energy = np.abs(np.fft.fftshift(np.fft.ifft(morse.response(omega, gamma, beta)))) ** 2
    time = (np.arange(size) - size // 2) * step
    deviation = np.sqrt((energy * time**2).sum() / energy.sum())
    assert morse.time_spread(gamma, beta) == pytest.approx(deviation * morse.peak_frequency(gamma, beta), rel=1e-6)


@pytest.mark.parametrize(("gamma", "beta"), SHAPES)
def test_duration_is_the_curvature_at_the_peak(gamma, beta):
    # Lilly and Olhede 2009: P^2 = -omega_0^2 psi''(omega_0) / psi(omega_0)
    peak, step = morse.peak_frequency(gamma, beta), 1e-4
    left, centre, right = morse.response(np.array([peak - step, peak, peak + step]), gamma, beta)
    curvature = (left - 2 * centre + right) / step**2
    assert morse.duration(gamma, beta) ** 2 == pytest.approx(-(peak**2) * curvature / centre, rel=1e-4)


@pytest.mark.parametrize(("gamma", "beta"), [(3.0, 20.0), (2.0, 4.0), (6.0, 60.0)])
def test_support_is_where_the_response_falls_to_its_share(gamma, beta):
    low, high = morse.support(1e-3, gamma, beta)
    assert low < morse.peak_frequency(gamma, beta) < high
    np.testing.assert_allclose(morse.response(np.array([low, high]), gamma, beta), 2e-3, rtol=1e-6)


@pytest.mark.parametrize(("gamma", "beta"), [*SHAPES, (3.0, 1.0)])
def test_beyond_its_reach_the_wavelet_stays_small(gamma, beta):
    size, step = 2**18, 0.02
    omega = 2 * np.pi * np.arange(size) / (size * step)
    envelope = np.abs(np.fft.ifft(morse.response(omega, gamma, beta)))[: size // 2]
    cycles = np.arange(size // 2) * step * morse.peak_frequency(gamma, beta) / (2 * np.pi)
    reach = morse.reach(1e-4, gamma, beta)
    assert envelope[cycles >= reach].max() <= 1.02e-4 * envelope[0]
    assert envelope[(cycles > 0.9 * reach) & (cycles < reach)].max() > 0.9e-4 * envelope[0]


def test_slow_decay_has_no_reach():
    assert morse.reach(1e-12, 3.0, 0.6) == np.inf


def test_scale_and_frequency_are_inverse():
    hertz = np.array([27.5, 440.0, 19000.0])
    np.testing.assert_allclose(morse.frequency_of(morse.scale_of(hertz, 44100), 44100), hertz, rtol=1e-14)
    assert morse.scale_of(44100 * morse.peak_frequency() / (2 * np.pi), 44100) == pytest.approx(1.0)


def test_cone_of_influence():
    time = np.array([0.0, 0.1, 5.0, 9.9, 10.0])
    cone = morse.cone_of_influence(time, 10.0)
    assert cone[[0, 4]].tolist() == [np.inf, np.inf]
    assert cone[1] == pytest.approx(cone[3]) == pytest.approx(5.50077 / (2 * np.pi * 0.1), rel=1e-5)
    assert cone[2] < cone[1]
    np.testing.assert_allclose(morse.cone_of_influence(time, 10.0, spreads=2.0)[1:4], 2 * cone[1:4])


def test_a_click_at_the_end_reaches_as_far_as_the_cone_says():
    """One standard deviation from a click, the wavelet's energy has fallen by its own law, whatever the frequency."""
    from openmic_explore.transforms.wavelet_transform import wavelet_transform

    click = np.zeros(8000)
    click[0] = 1.0
    for hertz in (40.0, 160.0):
        energy = np.abs(wavelet_transform(click, 8000, np.array([hertz]))[0]) ** 2
        place = round(morse.time_spread() / (2 * np.pi * hertz) * 8000)
        assert energy[place] / energy[0] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize(("gamma", "beta"), [(0.0, 20.0), (3.0, -1.0), (np.nan, 20.0), (3.0, np.inf)])
def test_impossible_shapes_are_refused(gamma, beta):
    with pytest.raises(ExploreError, match="must be positive"):
        morse.check_shape(gamma, beta)


def test_an_infinite_spread_is_told():
    with pytest.raises(ExploreError, match="beta above 1/2"):
        morse.time_spread(3.0, 0.5)
