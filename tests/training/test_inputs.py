"""A data set's features as a model's input, and what is said when they are not there."""

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.errors import MissingError
from openmic_explore.training.inputs import column_seconds, load
from tests.training.pictures import write_pictures, write_store

MELS, FRAMES = 64, 998  # ten seconds of log-mel


def with_log_mels(folder, values):
    """A learnable set with one log-mel for all clips: (64, 998) uint8."""
    data = write_pictures(folder)
    write_store(folder, "log_mel", data.keys.tolist(), np.repeat(values[None].astype(np.uint8), len(data), axis=0))
    return data


def test_labels_are_finite_and_masked(tmp_path):
    data = write_pictures(tmp_path / "data")
    rows = data.split("validation")
    batch = load(data, TrainConfig("cnn"), rows)
    assert batch.features.shape == (len(rows), 1, 64, 64)
    assert batch.features.dtype == torch.uint8
    np.testing.assert_array_equal(batch.mask.numpy(), data.mask[rows])
    np.testing.assert_array_equal(batch.relevance.numpy(), np.where(data.mask[rows], data.relevance[rows], 0))
    assert column_seconds(data, TrainConfig("cnn")) == pytest.approx(10 / 64)
    embedding = load(data, TrainConfig("mel"), rows[:3]).features
    np.testing.assert_array_equal(embedding.numpy(), data.embedding[rows[:3]])
    assert column_seconds(data, TrainConfig("mel")) == 1.0


def test_a_constant_log_mel_stays_itself_in_the_scalogram_s_shape(tmp_path):
    data = with_log_mels(tmp_path / "data", np.full((MELS, FRAMES), 77))
    config = TrainConfig("cnn", features="log_mel")
    features = load(data, config, np.arange(3)).features
    assert features.shape == (3, 1, 128, 128)
    assert (features == 77).all()
    assert column_seconds(data, config) == pytest.approx(10 / 128)


def test_a_ramp_in_time_is_averaged_and_one_in_frequency_is_stretched(tmp_path):
    time = np.tile(np.linspace(0, 255, FRAMES).round(), (MELS, 1))
    image = load(with_log_mels(tmp_path / "a", time), TrainConfig("cnn", features="log_mel"), np.arange(1))
    columns = image.features[0, 0].double().numpy()
    assert (columns == columns[0]).all()
    centres = (np.arange(128) + 0.5) * FRAMES / 128 - 0.5  # of the new columns, in old ones
    np.testing.assert_allclose(columns[0, 2:-2], (centres * 255 / (FRAMES - 1))[2:-2], atol=1.0)

    frequency = np.tile(np.linspace(10, 200, MELS).round()[:, None], (1, FRAMES))
    image = load(with_log_mels(tmp_path / "b", frequency), TrainConfig("cnn", features="log_mel"), np.arange(1))
    rows = image.features[0, 0].double().numpy()
    assert (rows == rows[:, :1]).all()
    places = (np.arange(128) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(rows[1:-1, 0], (10 + 190 * places / (MELS - 1))[1:-1], atol=1.5)


def test_single_frames_are_averaged_not_dropped(tmp_path):
    """Alternating frames of 0 and 200: without averaging, some columns would be 0 and others 200."""
    stripes = np.tile(np.where(np.arange(FRAMES) % 2, 200, 0), (MELS, 1))
    image = load(with_log_mels(tmp_path / "data", stripes), TrainConfig("cnn", features="log_mel"), np.arange(1))
    assert (image.features[..., 1:-1].double() - 100).abs().max() < 10


def test_a_cnn_trains_on_log_mels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (MELS, FRAMES))
    data = with_log_mels(tmp_path / "data", noise)
    config = TrainConfig("cnn-reduced", features="log_mel", epochs=1, precision="fp32")
    run = train(config, data, runs=tmp_path, progress=False)
    assert run.info["embedding"] == "log_mel"
    assert run.name == "cnn-reduced-repaired-epochs=1-features=log_mel-precision=fp32-seed0"


@pytest.mark.parametrize(
    ("config", "command"),
    [
        (TrainConfig("cnn"), "features data/teaching, and"),
        (TrainConfig("cnn-reduced", features="log_mel"), "features data/teaching, and"),
        (TrainConfig("mel", features="vggish"), "features data/teaching --only embedding --embedding vggish, and"),
    ],
)
def test_on_the_package_s_own_set_the_commands_are_named_that_make_what_is_missing(config, command, tmp_path):
    with pytest.raises(ExploreError) as told:
        train(config, OpenMIC.teaching(), runs=tmp_path, progress=False)
    words = str(told.value)
    assert "openmic-explore teach data/teaching, then openmic-explore" in words
    assert command in words
    assert words.endswith("train with --data data/teaching")
    assert list(tmp_path.iterdir()) == []


def test_the_package_s_own_pictures_of_a_few_clips_can_be_read():
    """As the dashboard does when it shows what a CNN sees in one of them."""
    data = OpenMIC.teaching()
    row = data.index(data.audio_keys[0])
    assert load(data, TrainConfig("cnn"), np.array([row])).features.shape == (1, 1, 128, 128)


def test_elsewhere_the_store_s_own_message_says_it(tmp_path):
    data = write_pictures(tmp_path / "data")
    with pytest.raises(MissingError, match=r"openmic-explore features .*data --only log_mel"):
        load(data, TrainConfig("cnn", features="log_mel"), np.arange(2))
