"""The fast scalogram against the definition, the definition against a plain sum, and both against simple truths."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmic_explore import ExploreError, OpenMIC, scalogram
from openmic_explore.transforms import morse
from openmic_explore.transforms.scalogram_plan import plan
from openmic_explore.transforms.wavelet_transform import scalogram_by_definition, wavelet_transform

RATE = 8000
REAL = Path(__file__).parent.parent.parent.parent / "shared" / "openmic" / "audio" / "000" / "000046_3840.ogg"


def tone(frequency: float, amplitude: float = 1.0, seconds: float = 2.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def picture(samples, **options):
    return scalogram(samples, RATE, **{"fmin": 50.0, "fmax": 3000.0, "scales": 60, "bins": 40} | options)


def errors(samples: np.ndarray, rate: float, decibel: float = 80.0, **options) -> np.ndarray:
    """Relative errors against the definition, wherever that is within `decibel` of its own maximum."""
    exact = scalogram_by_definition(samples, rate, **options).magnitude
    found = scalogram(samples, rate, **options).magnitude
    loud = exact > 10 ** (-decibel / 20) * exact.max()
    return np.abs(found - exact)[loud] / exact[loud]


def test_the_definition_is_a_plain_sum_of_wavelets():
    """By the definition in time: W(t) is the sum of the mirrored sound times the wavelet's inverse transform."""
    samples = np.random.default_rng(2).standard_normal(300).astype(np.float32)  # as the transform takes it
    extended = np.concatenate([samples, samples[::-1]])
    size = extended.size
    omega = 2 * np.pi * np.arange(size) / size
    for frequency in (200.0, 900.0):
        psi = morse.response(morse.scale_of(frequency, RATE) * omega)
        psi[omega > np.pi] = 0
        kernel = np.array([(psi * np.exp(1j * omega * n)).sum() / size for n in range(size)])
        summed = [(extended * kernel[(n - np.arange(size)) % size]).sum() for n in range(300)]
        found = wavelet_transform(samples, RATE, np.array([frequency]))[0]
        np.testing.assert_allclose(found, summed, atol=1e-12)


def onset(seconds: float, rate: int, at: float) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * 440 * time) * (time >= at) + 0.5 * np.sin(2 * np.pi * 5000 * time) * (time >= seconds / 2)


def hard_cases() -> dict[str, np.ndarray]:
    """Ten seconds at 44.1 kHz each; a bin is 3,445.3125 samples long."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(441_000)
    clicks = 1e-3 * noise
    clicks[[20 * 441_000 // 128, 220_500]] += 1.0  # the second exactly on a bin's edge
    clicks[:100] += 0.5
    clicks[-1] = 1.0
    click = np.zeros(441_000)
    click[7 * 3445] = 1.0
    time = np.arange(441_000) / 44_100
    sweep = np.sin(2 * np.pi * 30 * (600 ** (time / 10) - 1) * 10 / np.log(600))
    fading = noise * 10 ** (-4 * time / 10)  # 80 dB within the clip
    return {
        "noise": noise,
        "noise, fading": fading,
        "clicks, one on a bin's edge, sounds at both ends": clicks,
        "one click": click,
        "onsets on a bin's edge": onset(10, 44_100, 20 * 10 / 128),
        "a sweep over everything": sweep,
        "a tone on a constant": 0.5 + 0.01 * np.sin(2 * np.pi * 1000 * time),
    }


@pytest.mark.parametrize("name", list(hard_cases()))
def test_the_paper_s_grid_is_the_definition(name):
    # Every third scale of the grid, since the definition takes its time; all of them below.
    found = errors(hard_cases()[name], 44_100, scales=43, fmax=np.geomspace(27.5, 19_000, 128)[126])
    assert found.max() <= 2e-2
    assert found.mean() <= 5e-4


def test_a_teaching_clip_and_the_real_clip_are_the_definition():
    from openmic_explore.data.audio import read_audio

    data = OpenMIC.teaching()
    sounds = [data.audio(data.audio_keys[5])]
    if REAL.is_file():
        sounds.append(read_audio(REAL))
    for samples, rate in sounds:
        found = errors(samples, rate)
        assert found.max() <= 2e-2
        assert found.mean() <= 5e-4


@pytest.mark.parametrize(
    ("samples", "rate", "options"),
    [
        (48_000, 48_000, {}),
        (16_001, 16_000, {"fmax": 7000.0}),  # a prime number of samples
        (44_099, 44_100, {"scales": 40, "bins": 300}),
        (30_000, 22_050, {"bins": 7, "fmin": 100.0, "fmax": 9000.0}),
        (88_200, 44_100, {"gamma": 3.0, "beta": 5.0, "scales": 48}),
        (44_100, 44_100, {"gamma": 2.0, "beta": 4.0, "scales": 32, "fmin": 60.0}),
        (44_100, 44_100, {"gamma": 6.0, "beta": 60.0, "scales": 48}),
        (44_100, 44_100, {"gamma": 3.0, "beta": 200.0, "scales": 48}),
        (30_000, 8_000, {"gamma": 3.0, "beta": 1.0, "scales": 24, "fmax": 3000.0}),
        (100_000, 8_000, {"scales": 200, "bins": 1000, "fmax": 3400.0}),
    ],
)
def test_other_lengths_rates_grids_and_shapes_are_the_definition(samples, rate, options):
    rng = np.random.default_rng(samples)
    sound = rng.standard_normal(samples) * 10 ** (-2 * np.arange(samples) / samples)
    sound[samples // 2] += 20.0
    found = errors(sound, rate, **options)
    assert found.max() <= 2e-2
    assert found.mean() <= 5e-4


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(1, 3000),
    rate=st.sampled_from([1000, 8000, 11_025, 44_100]),
    scales=st.integers(1, 20),
    bins=st.integers(1, 40),
    seed=st.integers(0, 100),
)
def test_short_sounds_of_any_length_are_the_definition(samples, rate, scales, bins, seed):
    """Bins may be fractions of a sample here; then the two ways to average differ by what |W| bends in between."""
    sound = np.random.default_rng(seed).standard_normal(samples)
    options = {"scales": scales, "bins": min(bins, samples), "fmin": rate / 400, "fmax": rate / 12}
    exact = scalogram_by_definition(sound, rate, **options).magnitude
    found = scalogram(sound, rate, **options).magnitude
    assert np.abs(found - exact).max() <= 2e-2 * exact.max() + 1e-7


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


def test_is_linear_in_amplitude_and_silent_in_silence_and_on_a_constant():
    samples = tone(300.0)
    np.testing.assert_allclose(picture(0.1 * samples).magnitude, 0.1 * picture(samples).magnitude, rtol=1e-4, atol=1e-7)
    assert (picture(np.zeros(RATE)).magnitude == 0).all()
    assert picture(np.ones(2 * RATE)).magnitude.max() < 1e-6


def test_channels_are_averaged():
    left, right = tone(300.0), tone(1000.0)
    both = picture(np.column_stack([left, right])).magnitude
    np.testing.assert_array_equal(both, picture((left + right) / 2).magnitude)


def test_a_finer_picture_averages_to_the_coarse_one():
    samples = np.random.default_rng(1).standard_normal(2 * RATE)
    coarse = picture(samples, scales=30, bins=20).magnitude
    fine = picture(samples, scales=30, bins=200).magnitude
    np.testing.assert_allclose(fine.reshape(30, 20, 10).mean(axis=2), coarse, rtol=5e-3)


def test_grid_and_axes():
    result = scalogram(tone(440.0), RATE)
    assert result.magnitude.shape == (128, 128)
    assert result.magnitude.dtype == np.float32
    assert (result.frequency[0], result.frequency[-1]) == pytest.approx((27.5, 19000.0))
    assert (result.magnitude[result.frequency > 0.4342 * RATE] == 0).all()
    assert (result.magnitude[result.frequency < 0.434 * RATE] > 0).any(axis=1).all()
    np.testing.assert_allclose(result.time[[0, -1]], [1 / 128, 2 - 1 / 128])


@pytest.mark.parametrize("length", [1, 2, 7, 127, 129])
def test_very_short_sounds(length):
    assert np.isfinite(picture(np.ones(length)).magnitude).all()
    assert np.isfinite(scalogram(np.ones(length), 44_100).magnitude).all()


def test_no_scale_at_all_is_an_empty_picture():
    assert (scalogram(tone(100.0), RATE, fmin=5000.0, fmax=9000.0, scales=5).magnitude == 0).all()


@pytest.mark.parametrize(
    "options", [{"scales": 0}, {"bins": 0}, {"fmin": 0.0}, {"fmin": 500.0, "fmax": 50.0}, {"gamma": 0.0}]
)
def test_an_impossible_grid_is_refused(options):
    with pytest.raises(ExploreError, match="must be positive"):
        picture(tone(440.0), **options)


def test_the_plan_for_the_paper_s_grid_is_short_transforms():
    """What makes it fast, without a stopwatch: nearly all of the work lies in blocks of a few hundred points."""
    made = plan(441_000, 44_100.0, 128, 128, 27.5, 19000.0, 3.0, 20.0)
    in_blocks = sum(level.blocks * band.length * len(band.rows) for level in made.levels for band in level.bands)
    direct = sum(band.length * len(band.rows) for band in made.direct)
    assert max(level.block for level in made.levels) <= 512
    assert in_blocks < 8e6
    assert direct < 0.15 * in_blocks
    rows = [row.row for level in made.levels for band in level.bands for row in band.rows]
    rows += [row.row for band in made.direct for row in band.rows]
    assert sorted(rows) == list(range(128))
