"""The tables of models and options, and what they refuse."""

import subprocess
import sys

import pytest

from openmic_explore import ExploreError, build_model
from openmic_explore.models import MODELS, PRESETS, model_options, resolve_options


def test_the_tables_need_no_torch():
    code = "import sys, openmic_explore.models as m; m.resolve_options('cnn', 'published'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ExploreError, match=r"mel \(repaired\)"):
        build_model("transformer")
    with pytest.raises(ExploreError, match="attention"):
        build_model("mel", "improved")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", list(MODELS))
def test_what_is_resolved_builds_and_resolves_again(name, preset):
    options = resolve_options(name, preset)
    assert resolve_options(name, preset, options) == options
    assert all(options[key] == default[preset] for key, default in model_options(name).items() if key in options)
    build_model(name, preset, **options)


def test_the_published_cnn_is_as_its_authors_ran_it():
    assert {key: default["published"] for key, default in model_options("cnn").items()} == {
        "scaling": "unit",
        "batch_norm": False,
        "head": "clamp",
        "hidden": 64,
        "width": 8,
        "dropout": 0.5,
        "dropout_at_test": True,
    }
    assert "hidden" not in resolve_options("cnn", "published")
    assert resolve_options("cnn", "published", {"head": "logit"})["hidden"] == 64


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cnn", {"momentum": 0.9}, "no setting momentum.*It has: .*batch_norm"),
        ("mel", {"batch_norm": True}, "no setting batch_norm"),
        ("mel", {"layer_dropout": 0.2}, "no setting layer_dropout"),
        ("cnn", {"dimension": 128}, "no setting dimension.*It has: scales, bins"),
        ("cnn", {"head": "probability"}, "head must be one of clamp, logit, not 'probability'"),
        ("mean", {"head": "clamp"}, "head must be one of probability, logit"),
        ("cnn", {"scaling": "0..1"}, "scaling must be one of unit, bytes, tiny, standard"),
        ("cnn", {"dropout": 1}, "dropout must be a number of at least 0 and below 1, not 1"),
        ("cnn", {"dropout": float("nan")}, "dropout must be"),
        ("cnn", {"dropout": True}, "dropout must be"),
        ("cnn", {"batch_norm": 1}, "batch_norm must be True or False, not 1"),
        ("mel", {"hidden": 12.5}, "hidden must be a whole number of at least 1"),
        ("mel", {"hidden": 0}, "hidden must be a whole number of at least 1"),
        ("mel", {"head": "clamp", "hidden": 32}, "hidden has no effect with head='clamp'"),
        ("mel", {"instruments": 0}, "instruments must be a whole number"),
    ],
)
def test_unsound_settings_are_refused(name, options, message):
    with pytest.raises(ExploreError, match=message):
        build_model(name, **options)
