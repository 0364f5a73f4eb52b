"""The teaching set inside the package is what the command makes, at OpenMIC's rates."""

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS, OpenMIC
from openmic_explore.data.bank import Bank
from openmic_explore.data.labels import label_counts
from openmic_explore.data.mix import deal, mix
from openmic_explore.data.teach import RECIPE_VERSION, Recipe, _weights
from openmic_explore.features import clip_views, compute_views, gallery_keys
from openmic_explore.transforms.musicnn import MusicnnEmbedding


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


@pytest.fixture(scope="module")
def recipe(data):
    return Recipe(**data.info["recipe"])


def test_is_made_by_today_s_recipe_from_the_shipped_bank(recipe):
    assert recipe == Recipe(clips=3600, seed=0, bank=Bank.shipped().fingerprint)
    assert recipe.version == RECIPE_VERSION


def test_sizes(data):
    assert len(data) == 3600
    assert len(data.split("test")) == 600
    assert len(data.split("train")) + len(data.split("validation")) == 3000
    assert 0.1 < len(data.split("validation")) / 3000 < 0.2
    assert data.embedding.shape == (3600, 10, 128)
    assert (data.embedding_name, data.frame_length) == ("musicnn-mtt-pca128", 1.0)
    assert len(data.audio_keys) == 40


def test_a_tenth_of_the_cells_is_known_and_two_fifths_of_these_are_present(data):
    official = label_counts().values()
    present = sum(counts["train_positive"] + counts["test_positive"] for counts in official)
    total = sum(sum(counts.values()) for counts in official)
    assert data.mask.mean() == pytest.approx(total / 400_000, rel=0.05)
    assert (data.relevance[data.mask] >= 0.5).mean() == pytest.approx(present / total, abs=0.02)
    counts = data.label_counts()
    for name in INSTRUMENTS:
        assert counts.loc[name, "train_positive"] == pytest.approx(
            label_counts()[name]["train_positive"] * 3000 / 14915, rel=0.02, abs=1
        )


def test_weak_labels_hide_when(data):
    """Most instruments that are there sound in a part of the clip only, some for little more than a second."""
    sounding = data.activity.active.mean(axis=2)[data.truth]
    assert 0.5 < (sounding < 0.9).mean() < 0.9
    assert (sounding < 0.16).mean() > 0.05
    assert data.truth.any(axis=0).all()
    assert data.truth.sum(axis=1).min() >= 1


def test_every_instrument_is_heard_in_the_gallery(data):
    assert data.audio_keys == gallery_keys(data, 40)
    rows = [data.index(key) for key in data.audio_keys]
    assert data.truth[rows].sum(axis=0).min() >= 3


@pytest.mark.parametrize("place", [0, 17, 39])
def test_a_gallery_clip_is_mixed_again_from_the_bank(data, recipe, place):
    key = data.audio_keys[place]
    row = data.index(key)
    bank = Bank.shipped()
    again = mix(bank, deal(bank, "test", 1)[0], _weights(), (recipe.seed, row))
    np.testing.assert_array_equal(again.active, data.activity.active[row])
    samples, rate = data.audio(key)
    # Vorbis keeps the waveform nearly; another clip would not correlate at all.
    assert np.corrcoef(samples, again.samples)[0, 1] > 0.97
    embedding = MusicnnEmbedding()(samples, rate)
    assert np.abs(embedding.astype(int) - data.embedding[row].astype(int)).max() <= 1
    for kept, computed in zip(clip_views(data, key), compute_views(samples, rate), strict=True):
        assert np.abs(kept.values.astype(int) - computed.values.astype(int)).max() <= 1
