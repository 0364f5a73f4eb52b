"""A configuration is complete, checked, and names its run."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest

from openmic_explore import ExploreError, TrainConfig


def test_the_preset_fills_what_is_left_open():
    config = TrainConfig(model="mel", preset="published", epochs=3)
    assert (config.epochs, config.batch, config.learning_rate, config.weight_decay) == (3, 32, 5e-4, 1e-5)


def test_goes_through_json_and_back():
    config = TrainConfig(model="attention", seed=4, learning_rate=0.01)
    assert TrainConfig.from_dict(config.to_dict()) == config


# A value other than the default of every field.
OTHER = {
    "model": "cnn",
    "preset": "published",
    "seed": 7,
    "epochs": 3,
    "batch": 16,
    "learning_rate": 1e-5,
    "weight_decay": 0.0,
    "checkpoint": "average_precision",
    "schedule": "cosine",
    "averaging": 0.9,
    "versions": 2,
    "self_training": 0.2,
    "known": 0.05,
    "unknown": "absent",
    "label_shift": 1,
    "features": "log_mel",
    "augment": ("noise", "flip"),
    "augment_as": "text",
    "precision": "bf16",
    "options": {"width": 4, "dropout_at_test": False, "scaling": "tiny"},
}


def test_every_field_goes_through_json():
    assert set(OTHER) == {each.name for each in dataclasses.fields(TrainConfig)}
    config = TrainConfig(**OTHER)
    assert all(getattr(config, name) == value for name, value in OTHER.items())
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("values", "words"),
    [({"momentum": 0.9}, "Unknown settings: momentum. Known: augment, "), ({"Model": "mel", "lr": 1}, "Model, lr")],
)
def test_unknown_keys_are_refused(values, words):
    with pytest.raises(ExploreError, match=words):
        TrainConfig.from_dict(values)


def test_augment_has_one_order_and_says_each_kind_once():
    config = TrainConfig(augment=("flip", "noise", "flip"))
    assert config.augment == ("noise", "flip")
    assert config == TrainConfig(augment=("noise", "flip"))


def test_what_augment_means_follows_the_preset():
    assert TrainConfig("mel", "published").augment_as == "run"
    assert TrainConfig("mel", "repaired").augment_as == "text"


def test_names_differ_where_settings_differ_and_can_be_folders():
    base = {"model": "cnn", "preset": "repaired"}
    configs = [TrainConfig(**base), TrainConfig(**OTHER)]
    configs += [
        TrainConfig(**base | {name: value}) for name, value in OTHER.items() if name not in ("model", "augment_as")
    ]
    configs += [TrainConfig(**base, options={name: value}) for name, value in OTHER["options"].items()]
    configs += [TrainConfig(**base, augment=kinds) for kinds in (("noise",), ("flip",), ("interpolation", "flip"))]
    configs += [TrainConfig(**base, augment=("noise",), augment_as="run")]
    configs += [TrainConfig(**base, learning_rate=rate) for rate in (1e-4, 1e-6)]
    configs += [TrainConfig("mel"), TrainConfig("mel-3"), TrainConfig("mel", features="my.own_vectors-2")]
    configs += [TrainConfig("forest"), TrainConfig("forest", features="mine"), TrainConfig("majority")]
    names = [config.name for config in configs]
    assert len(set(names)) == len(names)
    for config in configs:
        assert re.fullmatch(r"[\w.+=-]{1,250}", config.name)
        assert config.name == f"{config.group}-seed{config.seed}"
        assert dataclasses.replace(config, seed=99).group == config.group
    assert names[1].startswith("cnn-published-epochs=3-batch=16-learning_rate=1e-05-weight_decay=0.0-checkpoint=")
    few = {name: OTHER[name] for name in ("model", "preset", "seed", "epochs", "known", "augment", "options")}
    assert TrainConfig(**few).name == (
        "cnn-published-epochs=3-known=0.05-noise+flip-dropout_at_test=False-scaling=tiny-width=4-seed7"
    )


def test_a_name_too_long_for_a_folder_is_cut_and_still_its_own():
    one, other = TrainConfig(**OTHER), TrainConfig(**OTHER | {"options": OTHER["options"] | {"width": 5}})
    assert len(one.group) == len(other.group) == 200
    assert one.group != other.group
    assert one.group == TrainConfig(**OTHER | {"seed": 1}).group


def test_a_configuration_needs_neither_torch_nor_pandas():
    code = "import sys, openmic_explore.training as t; t.TrainConfig('cnn').name, t.Runs; "
    code += "sys.exit(bool({'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


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
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"augment": ("mixup",)}, "augment takes any of interpolation, noise, flip, .* not \\['mixup'\\]"),
        ({"augment": "noise"}, "not \\['noise'\\]"),
        ({"augment_as": "paper"}, "augment_as must be one of text, run"),
        ({"precision": "fp16"}, "precision must be one of auto, fp32, bf16"),
        ({"options": {"colour": 1}}, "no setting colour"),
        ({"options": {"dropout": 2}}, "dropout must be"),
        ({"preset": "published", "options": {"hidden": 8}}, "no effect with head='clamp'"),
        ({"known": 0.0}, "above 0 and at most 1"),
        ({"known": 1.5}, "above 0 and at most 1"),
        ({"unknown": "present"}, "unknown must be one of masked, absent"),
        ({"label_shift": 0.5}, "whole number of clips"),
        ({"features": "scalogram"}, "mel reads an embedding, not 'scalogram'"),
        ({"features": "../elsewhere"}, "reads an embedding, not"),
        ({"model": "cnn", "features": "embedding"}, "cnn reads scalogram or log_mel, not 'embedding'"),
    ],
)
def test_bad_values_are_refused(values, words):
    with pytest.raises(ExploreError, match=words):
        TrainConfig(**values)
