"""musicnn's vectors with the log-mel statistics of the same second, against numpy on hand-made spectra."""

import pickle

import numpy as np
import pytest

from openmic_explore import ExploreError, log_mel
from openmic_explore.transforms.embedding import embedding
from openmic_explore.transforms.musicnn import MusicnnEmbedding
from openmic_explore.transforms.musicnn_mel import HIGH, LOW, log_mel_statistics

STEP = (HIGH - LOW) / 255


def test_statistics_of_a_second_by_hand():
    """Band 0 stands still, band 1 alternates by 10 steps, band 2 rises by one step a frame."""
    mel = np.zeros((100, 64))
    mel[:] = LOW
    mel[:, 0] = LOW + 40 * STEP
    mel[::2, 1] += 10 * STEP
    mel[:, 2] += np.arange(100) * STEP
    mean, most, least, deviation, moved = log_mel_statistics(mel, 1).reshape(5, 64)[:, :3].astype(int)
    assert mean.tolist() == [40, 5, 50]  # 49.5, to the even
    assert most.tolist() == [40, 10, 99]
    assert least.tolist() == [40, 0, 0]
    assert deviation.tolist() == [0, 5, 29]
    assert moved.tolist() == [0, 10, 1]


def test_every_second_has_its_own_frames_and_a_last_one_without_any_the_last_spectrum():
    mel = np.full((150, 64), LOW)
    mel[100:] += 20 * STEP
    found = log_mel_statistics(mel, 3)[:, :64]
    assert found[:, 0].tolist() == [0, 20, 20]
    one = log_mel_statistics(mel[:1], 1)
    assert not one[:, 4 * 64 :].any()


@pytest.mark.parametrize("seconds", [0.3, 2.0, 3.6])
def test_both_halves_are_those_of_the_sound(seconds):
    sound = np.random.default_rng(3).normal(0, 0.1, int(seconds * 16000)).astype(np.float32)
    made = embedding("musicnn+mel")
    found = made(sound, 16000)
    assert found.shape == (max(1, int(seconds + 0.5)), made.dimension == 448 and 448)
    np.testing.assert_array_equal(found[:, :128], MusicnnEmbedding()(sound, 16000))
    mel = log_mel(np.pad(sound, (0, max(0, len(found) * 16000 - len(sound)))), 16000)
    mean = (mel[:100].mean(axis=0) - LOW) / STEP
    np.testing.assert_allclose(found[0, 128:192], np.clip(mean, 0, 255), atol=0.51)


def test_it_travels_and_refuses_what_musicnn_refuses():
    made = pickle.loads(pickle.dumps(embedding("musicnn-mtt-pca128+mel")))
    assert (made.name, made.frame_length, made.rate) == ("musicnn-mtt-pca128+mel", 1.0, 16000)
    with pytest.raises(ExploreError, match="empty"):
        made(np.zeros(0), 16000)
    with pytest.raises(ExploreError, match="brings its own weights"):
        embedding("musicnn+mel", weights="x")
