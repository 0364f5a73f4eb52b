"""A configuration is complete, checked, and names its run."""

import pytest

from openmic_explore import ExploreError, TrainConfig


def test_the_preset_fills_what_is_left_open():
    config = TrainConfig(model="mel", preset="published", epochs=3)
    assert (config.epochs, config.batch, config.learning_rate, config.weight_decay) == (3, 32, 5e-4, 1e-5)


def test_goes_through_json_and_back():
    config = TrainConfig(model="attention", seed=4, learning_rate=0.01)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_the_name_tells_what_differs_from_the_preset():
    assert TrainConfig(seed=2).name == "mel-repaired-seed2"
    assert TrainConfig(epochs=7, checkpoint="f1_macro").name == "mel-repaired-epochs=7-checkpoint=f1_macro-seed0"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model": "vgg"}, "no model 'vgg'"),
        ({"preset": "better"}, "preset 'better'"),
        ({"checkpoint": "test"}, "checkpoint must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"seed": -1}, "seed must be"),
        ({"batch": 1.5}, "batch must be"),
        ({"batch": 1}, "batch must be"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"weight_decay": -1.0}, "weight_decay"),
    ],
)
def test_bad_values_are_refused(values, words):
    with pytest.raises(ExploreError, match=words):
        TrainConfig(**values)
