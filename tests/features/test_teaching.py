"""The gallery, the small copy of a teaching set that the package ships, and the embedding's projection."""

import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.data.audio import write_ogg
from openmic_explore.data.bank import Bank
from openmic_explore.data.teach import teach
from openmic_explore.features import clip_views, embed_teaching, fit_embedding, gallery_keys, open_features
from openmic_explore.transforms.pca import PCA
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
    assert list(open_features(target, "scalogram").keys) == small.audio_keys
    clip_views(small, small.audio_keys[0])
    with pytest.raises(ExploreError, match="exists"):
        embed_teaching(data.path, target)


def test_the_projection_is_fitted_to_training_clips_only(data, tmp_path):
    first = fit_embedding(data, tmp_path / "a.safetensors", jobs=2, progress=False)
    for row in data.split("test"):
        write_ogg(data.audio_path(data.keys[row]), np.zeros(441000, dtype=np.float32), 44100)
    second = fit_embedding(data, tmp_path / "b.safetensors", jobs=2, progress=False)
    assert first.read_bytes() == second.read_bytes()
    assert PCA.load(first).frames == 150
