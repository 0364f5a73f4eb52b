"""A clip's two pictures: right in 8 bits, kept and read back; the kinds' shapes and axes."""

import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, log_mel, scalogram
from openmic_explore.features import (
    LogMel,
    Scalograms,
    clip_views,
    compute_views,
    open_features,
    quantise,
    write_features,
)
from tests.features.short import key


def test_quantise_rounds_and_clips():
    assert quantise(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), -1.0, 1.0).tolist() == [0, 0, 128, 255, 255]


def test_kept_pictures_are_the_transforms_to_half_a_step(data):
    write_features(data, jobs=1, progress=False)
    samples, rate = data.audio(key(2))
    exact = {
        "log_mel": log_mel(samples, rate).T,
        "scalogram": 20 * np.log10(np.maximum(scalogram(samples, rate).magnitude, 1e-10)),
    }
    for name, expected in exact.items():
        picture = open_features(data.path, name).picture(key(2))
        step = (picture.high - picture.low) / 255
        shown = picture.low + picture.values * step
        inside = (expected > picture.low) & (expected < picture.high)
        assert inside.mean() > 0.3
        assert np.abs(shown - expected)[inside].max() <= step / 2 + 1e-5
        assert picture.values.shape == expected.shape == (len(picture.frequency), len(picture.time))
        assert (np.diff(picture.frequency) > 0).all()
        assert 0 < picture.time[0] < picture.time[-1] < 0.5
        # The clip's tone, 400 Hz, is where the axis says.
        loudest = picture.frequency[picture.values.mean(axis=1).argmax()]
        assert loudest == pytest.approx(400, rel=0.1)


def test_a_finer_scalogram_has_the_shape_and_axes_that_were_asked_for(data):
    kind = Scalograms(scales=20, bins=30, fmin=100.0, fmax=5000.0)
    write_features(data, [kind], jobs=1, progress=False)
    picture = open_features(data.path, "scalogram").picture(key(0))
    expected = scalogram(*data.audio(key(0)), scales=20, bins=30, fmin=100.0, fmax=5000.0)
    assert picture.values.shape == (20, 30)
    np.testing.assert_allclose(picture.frequency, expected.frequency, atol=1e-4)
    np.testing.assert_allclose(picture.time, expected.time, atol=1e-6)


def test_kept_pictures_equal_computed_ones_and_need_no_audio(data):
    computed = compute_views(*data.audio(key(3)))
    write_features(data, jobs=1, progress=False)
    shutil.rmtree(data.path / "audio")
    kept = clip_views(data, key(3))
    for one, other in zip(computed, kept, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_allclose(one.frequency, other.frequency, rtol=1e-5)
        np.testing.assert_allclose(one.time, other.time, atol=1e-6)
        assert one[3:] == other[3:]


def test_a_clip_without_kept_pictures_is_computed_on_the_spot(data):
    write_features(data, [LogMel()], keys=[key(0)], jobs=1, progress=False)
    for clip in (0, 1):
        for one, other in zip(clip_views(data, key(clip)), compute_views(*data.audio(key(clip))), strict=True):
            np.testing.assert_array_equal(one.values, other.values)


def test_without_picture_and_audio_the_error_names_the_command(data):
    shutil.rmtree(data.path / "audio")
    with pytest.raises(ExploreError, match="openmic-explore teach"):
        clip_views(data, key(0))
    with pytest.raises(ExploreError, match="no audio"):
        write_features(data, progress=False)


def test_a_damaged_store_is_told_where_a_picture_is_asked_for(data):
    write_features(data, jobs=1, progress=False)
    (data.path / "features" / "log_mel" / "index.json").write_bytes(b"x")
    with pytest.raises(ExploreError, match=r"openmic-explore features .* --only log_mel"):
        clip_views(data, key(0))
