"""Pictures of clips: right in 8 bits, kept and read back, chosen for the gallery; the embedding's projection."""

import json
import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, log_mel, scalogram
from openmic_explore.data.bank import Bank
from openmic_explore.data.teach import teach
from openmic_explore.features import (
    clip_views,
    compute_views,
    embed_teaching,
    fit_embedding,
    gallery_keys,
    quantise,
    write_views,
)
from tests.learnable import write_learnable
from tests.notes import write_bank


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("features")
    return teach(base / "set", bank=Bank(write_bank(base / "notes")), clips=18, jobs=2, progress=False)


@pytest.fixture
def data(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    return OpenMIC(tmp_path / "copy")


def test_quantise_rounds_and_clips():
    assert quantise(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), -1.0, 1.0).tolist() == [0, 0, 128, 255, 255]


def test_pictures_are_the_transforms_to_half_a_step(data):
    samples, rate = data.audio(data.keys[0])
    views = compute_views(samples, rate)
    exact = {
        "log_mel": log_mel(samples, rate).T,
        "scalogram": 20 * np.log10(np.maximum(scalogram(samples, rate).magnitude, 1e-10)),
    }
    for name, expected in exact.items():
        picture = getattr(views, name)
        step = (picture.high - picture.low) / 255
        shown = picture.low + picture.values * step
        inside = (expected > picture.low) & (expected < picture.high)
        assert inside.mean() > 0.3
        assert np.abs(shown - expected)[inside].max() <= step / 2 + 1e-5
        assert picture.values.shape == (len(picture.frequency), len(picture.time))
        assert (np.diff(picture.frequency) > 0).all()
        assert 0 < picture.time[0] < picture.time[-1] < 10


def test_kept_pictures_equal_computed_ones_and_need_no_audio(data):
    key = str(data.keys[3])
    computed = clip_views(data, key)
    write_views(data, jobs=1, progress=False)
    shutil.rmtree(data.path / "audio")
    kept = clip_views(data, key)
    for one, other in zip(computed, kept, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_allclose(one.frequency, other.frequency, rtol=1e-5)
        np.testing.assert_allclose(one.time, other.time, atol=1e-6)
        assert one[3:] == other[3:]


def test_without_picture_and_audio_the_error_names_the_command(data):
    shutil.rmtree(data.path / "audio")
    with pytest.raises(ExploreError, match="openmic-explore teach"):
        clip_views(data, str(data.keys[0]))
    with pytest.raises(ExploreError, match="no audio"):
        write_views(OpenMIC(data.path), progress=False)


def test_damaged_pictures_are_named_with_the_command_that_mends_them(data):
    folder = write_views(data, list(data.keys[:2]), jobs=1, progress=False)
    (folder / "log_mel.npy").write_bytes(b"x")
    with pytest.raises(ExploreError, match="openmic-explore features"):
        clip_views(data, str(data.keys[0]))
    write_views(data, list(data.keys[:2]), jobs=1, progress=False)
    index = json.loads((folder / "pictures.json").read_text())
    index["keys"].append(str(data.keys[2]))
    (folder / "pictures.json").write_text(json.dumps(index))
    from openmic_explore import features

    features._kept.cache_clear()
    with pytest.raises(ExploreError, match="do not belong together"):
        clip_views(data, str(data.keys[0]))


def test_the_gallery_is_made_of_labelled_test_clips_of_all_instruments(tmp_path):
    data = OpenMIC(write_learnable(tmp_path / "learnable"))
    keys = gallery_keys(data, 12)
    rows = [data.index(key) for key in keys]
    assert len(rows) == len(set(rows)) == 12
    assert set(rows) <= set(data.split("test"))
    assert data.mask[rows].any(axis=1).all()
    assert data.activity.active[rows].any(axis=1).mean(axis=1).min() >= 0.7
    assert data.truth[rows].any(axis=0).all()


def test_a_small_copy_keeps_everything_but_most_of_the_audio(data, tmp_path):
    target = embed_teaching(data.path, tmp_path / "small", gallery=2, jobs=1)
    small = OpenMIC(target)
    assert small.fingerprint == data.fingerprint
    assert small.audio_keys == gallery_keys(data, 2)
    np.testing.assert_array_equal(small.activity.active, data.activity.active)
    clip_views(small, small.audio_keys[0])
    with pytest.raises(ExploreError, match="exists"):
        embed_teaching(data.path, target)


def test_the_projection_is_fitted_to_training_clips_only(data, tmp_path):
    from openmic_explore.data.audio import write_ogg
    from openmic_explore.transforms.pca import PCA

    first = fit_embedding(data, tmp_path / "a.safetensors", jobs=1, progress=False)
    for row in data.split("test"):
        write_ogg(data.audio_path(data.keys[row]), np.zeros(441000, dtype=np.float32), 44100)
    second = fit_embedding(data, tmp_path / "b.safetensors", jobs=1, progress=False)
    assert first.read_bytes() == second.read_bytes()
    assert PCA.load(first).frames == 150
