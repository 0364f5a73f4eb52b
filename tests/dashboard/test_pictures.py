"""Pictures and waveforms of clips, without a widget."""

import numpy as np
import pytest

from openmic_explore.dashboard.pictures import COLUMNS, Pictures, PictureState, envelope, in_decibels, thinned
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.features import Picture, compute_views
from openmic_explore.training import TrainConfig, train

RATE = 44100
TONE = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32)


def test_a_full_scale_sine_is_at_0_db_in_both_pictures_and_silence_at_minus_80():
    for sound, level in ((TONE, 0.0), (np.zeros(RATE, dtype=np.float32), -80.0)):
        views = compute_views(sound, RATE)
        for picture in (in_decibels(views.log_mel), views.scalogram):
            values = picture.low + picture.values / 255 * (picture.high - picture.low)
            assert picture.unit == "dB"
            # A mel band spreads over more than the tone.
            assert np.median(values.max(axis=0)) == pytest.approx(level, abs=2.0)


def test_an_envelope_is_the_least_and_greatest_sample_of_each_stretch():
    samples = np.arange(10_000, dtype=np.float32) / 10_000
    wave = envelope(samples, 1000)
    assert len(wave.low) == len(wave.high) == COLUMNS
    assert wave.duration == 10
    np.testing.assert_allclose(wave.low, samples[::10])
    np.testing.assert_allclose(wave.high, samples[9::10])
    assert len(envelope(samples[:7], 1000).low) == 7


def test_thinning_takes_the_mean_of_neighbours_and_keeps_their_time():
    values = np.tile(np.array([[0, 100]], dtype=np.uint8), (3, 500))
    picture = Picture(values[:, :998], np.arange(1.0, 4), 0.0125 + 0.01 * np.arange(998), -80, 0, "dB")
    thin = thinned(picture, 256)
    assert thin.values.shape == (3, 249)
    assert set(thin.values.ravel()) == {50}
    np.testing.assert_allclose(np.diff(thin.time), 0.04)
    assert thin.time[0] == pytest.approx(0.0125 + 0.015)
    assert thinned(picture, 998) is picture


def test_a_fine_scalogram_is_kept_and_a_clip_without_sound_is_a_sentence(folder):
    data = OpenMIC(folder)
    pictures = Pictures(data)
    key = data.audio_keys[0]
    assert pictures.has(key, "128")
    assert not pictures.has(key, "256")
    fine = pictures.scalogram(key, "256")
    assert fine.values.shape == (256, 500)
    assert pictures.has(key, "256")
    assert pictures.scalogram(key, "256") is fine
    silent = next(key for key in data.keys.tolist() if not data.has_audio(key))
    for make in (pictures.wave, pictures.log_mel, pictures.scalogram):
        with pytest.raises(ExploreError, match="openmic-explore teach"):
            make(silent)


def test_only_so_many_pictures_are_kept(folder):
    data = OpenMIC(folder)
    pictures = Pictures(data)
    first = pictures.wave(data.audio_keys[0])
    for key in data.audio_keys:
        for resolution in ("256", "128"):
            pictures.scalogram(key, resolution)
    assert pictures.wave(data.audio_keys[0]) is not first


@pytest.mark.parametrize("preset", ["repaired", "published"])
def test_what_the_cnn_gets_is_its_own_scaling_of_the_stored_picture(preset, folder, tmp_path):
    import torch

    from openmic_explore.features import write_features

    data = OpenMIC(folder)
    write_features(data, progress=False, jobs=1)
    heard = set(data.audio_keys)
    run = cnn_run(data, preset, tmp_path)
    key = sorted(heard)[0]
    picture = Pictures(data).network(key, run)
    stored = Pictures(data).scalogram(key)
    with torch.no_grad():
        expected = run.model().scale(torch.from_numpy(stored.values[None, None].astype(np.float32)))[0, 0].numpy()
    shown = picture.low + picture.values / 255 * (picture.high - picture.low)
    step = (picture.high - picture.low) / 255
    np.testing.assert_allclose(shown, expected.clip(picture.low, picture.high), atol=step)
    assert picture.unit == ("σ" if preset == "repaired" else "input")
    (run.path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ExploreError, match=r"weights.safetensors is missing or damaged"):
        Pictures(data).network(key, run)


def cnn_run(data, preset, folder):
    """A CNN-reduced whose scaling was fitted to the clips with sound; what it learned is of no matter here."""
    import torch
    from safetensors.torch import load_file, save_file

    from openmic_explore.models import build_model

    run = train(TrainConfig("mel", preset, epochs=1), data, runs=folder, progress=False)
    model = build_model("cnn-reduced", preset)
    pictures = np.stack([Pictures(data).scalogram(key).values for key in data.audio_keys])
    model.fit_input(torch.from_numpy(pictures)[:, None])
    save_file(dict(model.state_dict()), run.path / "weights.safetensors")
    assert "scale.offset" in load_file(run.path / "weights.safetensors")
    run.info["options"] = {"scaling": "standard" if preset == "repaired" else "unit"}
    run.model = lambda: model
    return run


def test_a_wrong_choice_is_refused():
    from traitlets import TraitError

    with pytest.raises(TraitError):
        PictureState(panels=["cellar"])
    with pytest.raises(TraitError):
        PictureState(resolution="7")
