"""Which runs an experiment is."""

import itertools

import pytest

from openmic_explore import ExploreError, OpenMIC, TrainConfig
from openmic_explore.experiments import BUDGETS, EXPERIMENTS, FIGURES, configs
from openmic_explore.experiments.named import shortened
from openmic_explore.training.config import BASELINES
from tests.learnable import write_learnable


def test_an_experiment_is_its_configurations_with_every_seed():
    chosen = configs("small", seeds=2)
    assert [config.name for config in chosen] == [
        "majority-published-seed0",  # draws nothing, so once is enough
        "mean-repaired-epochs=2-seed0",
        "mean-repaired-epochs=2-seed1",
        "mel-repaired-epochs=2-noise-seed0",
        "mel-repaired-epochs=2-noise-seed1",
    ]
    with pytest.raises(ExploreError, match=r"no experiment 'tiny'\. Known: start"):
        configs("tiny")


def test_of_several_experiments_every_run_stands_once():
    both = [config.name for config in configs(["4", "6"])]
    assert len(both) == len(set(both))
    assert set(both) == {config.name for name in ("4", "6") for config in configs(name)}
    everything = {config.name for name in EXPERIMENTS for config in configs(name)}
    assert {config.name for config in configs("all")} == everything


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_no_two_runs_of_an_experiment_have_one_name(experiment):
    names = [config.name for config in EXPERIMENTS[experiment].runs]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_pairs_are_of_its_own_runs_and_differ(experiment):
    names = {config.name for config in EXPERIMENTS[experiment].runs}
    for a, b in EXPERIMENTS[experiment].pairs:
        assert {a.name, b.name} <= names
        assert a != b


def test_the_figures_have_the_paper_s_series_in_both_presets():
    presets = ("published", "repaired")
    wanted = {
        "4": {(model, preset, ()) for model in ("mel", "mel-3") for preset in presets},
        "5": {(model, preset, ()) for model in ("mel", "cnn", "cnn-reduced") for preset in presets},
    }
    kinds = [(), ("noise",), ("interpolation",), ("flip",), ("interpolation", "noise", "flip")]
    wanted |= {
        figure: {(model, *rest) for rest in itertools.product(presets, kinds)}
        for figure, model in (("6", "mel"), ("7", "cnn"))
    }
    for figure in FIGURES:
        runs = EXPERIMENTS[figure].runs
        assert {run.model for run in runs} >= {*BASELINES}
        found = {(run.model, run.preset, run.augment) for run in runs if run.model not in BASELINES}
        assert found == wanted[figure]


def test_the_ablation_changes_one_thing_at_a_time():
    for base, other in EXPERIMENTS["ablation"].pairs:
        one, two = base.to_dict(), other.to_dict()
        changed = [name for name in one if one[name] != two[name]]
        if "options" in changed:
            assert changed == ["options"]
            assert len(two["options"]) <= 2
        else:
            # What an augmentation means, and Adam's settings, go together.
            assert len(changed) <= 2


def test_label_budgets_are_masked_and_absent_but_where_all_is_known():
    runs = [run for run in EXPERIMENTS["labels"].runs if run.model == "mel"]
    assert [run.known for run in runs if run.unknown == "masked"] == list(BUDGETS)
    assert [run.known for run in runs if run.unknown == "absent"] == list(BUDGETS[:-1])


def test_a_preset_and_a_number_of_epochs_can_be_asked_for():
    chosen = configs("4", seeds=1, presets=("published",), epochs=7)
    assert {config.model for config in chosen} == {"majority", "forest", "mel", "mel-3"}
    networks = [config for config in chosen if config.model not in BASELINES]
    assert {config.preset for config in networks} == {"published"}
    assert {config.epochs for config in networks} == {7}
    for wrong in ({"seeds": 0}, {"epochs": 0}):
        with pytest.raises(ExploreError, match="must be at least 1"):
            configs("4", **wrong)


def test_cnns_are_cut_short_on_a_teaching_set_only(tmp_path):
    folder = write_learnable(tmp_path / "data")
    (folder / "dataset.json").unlink()  # as the official archive, which has none
    teaching, real = OpenMIC.teaching(), OpenMIC(folder)
    cnn, mel = TrainConfig("cnn", "published"), TrainConfig("mel", "published")
    assert cnn.epochs == mel.epochs == 200
    assert shortened(cnn, teaching).epochs == 30
    assert shortened(cnn, teaching, 5).epochs == 5
    assert shortened(mel, teaching).epochs == 200
    assert shortened(cnn, real).epochs == 200
    assert (shortened(cnn, real).batch, shortened(cnn, real).learning_rate) == (32, 5e-4)
    assert shortened(TrainConfig("forest"), teaching) == TrainConfig("forest")
