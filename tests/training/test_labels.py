"""Which labels a training is given, cell by cell."""

import itertools

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.training.inputs import load
from openmic_explore.training.labels import given_labels, known_cells
from tests.learnable import write_learnable


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("labels") / "data", labels=0.2))


@pytest.fixture(scope="module")
def rows(data):
    return data.split("train")


def training(data):
    return np.sort(np.concatenate([data.split("train"), data.split("validation")]))


def test_without_a_word_they_are_the_data_s_own(data, rows):
    relevance, mask = given_labels(data, TrainConfig(), rows)
    np.testing.assert_array_equal(mask, data.mask[rows])
    np.testing.assert_array_equal(relevance[mask], data.relevance[rows][mask])
    assert (relevance[~mask] == 0).all()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_a_share_is_of_the_cells_of_all_training_clips_and_of_no_test_clip(data, share):
    known = known_cells(data, share, seed=3)
    inside = training(data)
    assert known[inside].sum() == round(share * inside.size * 20)
    assert not known[data.split("test")].any()


def test_a_smaller_share_is_part_of_a_larger_and_observed_cells_come_first(data):
    shares = [known_cells(data, share, seed=1) for share in (0.02, 0.1, 0.15, 0.4, 1.0)]
    for smaller, larger in itertools.pairwise(shares):
        assert (smaller <= larger).all()
        assert smaller.sum() < larger.sum()
    inside = training(data)
    observed = data.mask[inside].mean()
    assert 0.15 < observed < 0.4
    for share in shares[:3]:
        assert (share <= data.mask).all()
    assert (shares[3][inside] >= data.mask[inside]).all()


def test_the_seed_draws(data):
    one, other = (known_cells(data, 0.1, seed) for seed in (0, 1))
    np.testing.assert_array_equal(one, known_cells(data, 0.1, 0))
    assert (one != other).any()


def test_labels_beyond_the_observed_ones_are_the_truth(data, rows):
    relevance, mask = given_labels(data, TrainConfig(known=1.0), rows)
    assert mask.all()
    np.testing.assert_array_equal(relevance >= 0.5, data.truth[rows])
    relevance, mask = given_labels(data, TrainConfig(known=0.5), rows)
    np.testing.assert_array_equal(relevance[mask] >= 0.5, data.truth[rows][mask])
    assert (relevance[~mask] == 0).all()


def test_unknown_as_absent_counts_every_cell(data, rows):
    masked = given_labels(data, TrainConfig(known=0.05), rows)
    relevance, mask = given_labels(data, TrainConfig(known=0.05, unknown="absent"), rows)
    assert mask.all()
    np.testing.assert_array_equal(relevance, masked[0])


def test_shifted_labels_are_the_next_clip_s(data, rows):
    relevance, mask = given_labels(data, TrainConfig(label_shift=1), rows)
    np.testing.assert_array_equal(mask[:-1], data.mask[rows[1:]])
    np.testing.assert_array_equal(mask[-1], data.mask[rows[0]])
    plain = given_labels(data, TrainConfig(), rows)[0]
    np.testing.assert_array_equal(relevance, np.roll(plain, -1, axis=0))
    batch = load(data, TrainConfig(label_shift=1), rows)
    np.testing.assert_array_equal(batch.features.numpy(), data.embedding[rows])


def test_more_labels_than_there_are_need_the_truth(tmp_path):
    folder = write_learnable(tmp_path / "data", labels=0.2)
    (folder / "activity.npz").unlink()
    data = OpenMIC(folder)
    assert known_cells(data, 0.1, 0).any()
    with pytest.raises(
        ExploreError, match=r"known=0.9 needs 3,240 labels; .* has \d+ \(0\.\d+ of the training cells\)"
    ):
        train(TrainConfig("mean", known=0.9, epochs=1), data, runs=tmp_path / "runs", progress=False)


def test_labels_buy_precision_and_wrong_ones_cost_it(data, tmp_path):
    """On data that can be learned: all cells known beat 2 %, and labels out of step leave nothing to learn."""
    found = {}
    for name, settings in {"few": {"known": 0.02}, "all": {"known": 1.0}, "shifted": {"label_shift": 1}}.items():
        run = train(TrainConfig("mean", epochs=25, **settings), data, runs=tmp_path, progress=False)
        found[name] = run.info["means_truth"]["average_precision"]
    chance = data.truth[data.split("test")].mean()
    assert found["all"] > found["few"] + 0.1
    assert abs(found["shifted"] - chance) < 0.1


def test_a_forest_and_the_majority_class_take_them_too(data, tmp_path):
    few, all_ = (train(TrainConfig("forest", known=known), data, runs=tmp_path, progress=False) for known in (0.1, 1.0))
    assert all_.info["means_truth"]["average_precision"] > few.info["means_truth"]["average_precision"]
    absent = train(TrainConfig("majority", unknown="absent"), data, runs=tmp_path, progress=False)
    assert (absent.predictions[1] == 0).all()
