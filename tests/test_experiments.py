"""Experiments: which runs they are, trained in parallel as one by one, compared and summed up."""

import shutil

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, score, train
from openmic_explore import experiments as module
from openmic_explore.evaluation import means
from openmic_explore.experiments import EXPERIMENTS, compare_runs, configs, reproduce, summary
from openmic_explore.training import fit
from tests.learnable import write_learnable

SMALL = (TrainConfig("majority"), TrainConfig("mean", epochs=2), TrainConfig("mel", epochs=2, augment=("noise",)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("experiments") / "data"))


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "small", SMALL)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The runs of `small` with two seeds, trained one by one."""
    folder = tmp_path_factory.mktemp("trained")
    for config in SMALL:
        for seed in range(2 if config.model != "majority" else 1):
            train(TrainConfig.from_dict(config.to_dict() | {"seed": seed}), data, runs=folder, progress=False)
    return folder


def weights(path):
    return (path / "weights.safetensors").read_bytes()


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


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_no_two_runs_of_an_experiment_have_one_name(experiment):
    names = [config.name for config in configs(experiment)]
    assert len(set(names)) == len(names)


def test_in_parallel_it_ends_in_the_same_runs_as_one_by_one(data, trained, tmp_path, monkeypatch):
    """And goes on: one run is there already and is left alone, one was cut off."""
    kept = tmp_path / "mean-repaired-epochs=2-seed0"
    shutil.copytree(trained / kept.name, kept)
    before = (kept / "run.json").stat().st_mtime_ns
    cut = configs("small", 2)[-1]
    with monkeypatch.context() as patch:
        patch.setattr(fit, "KEEP_EVERY", 0.0)
        with pytest.raises(ZeroDivisionError):
            train(cut, data, runs=tmp_path, progress=False, on_epoch=lambda row: 1 / 0)
    assert [path.name for path in Runs(tmp_path).unfinished] == [f".{cut.name}.part"]

    runs = reproduce("small", data, runs=tmp_path, seeds=2, jobs=2, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [run.name for run in runs]
    assert [run.name for run in runs] == [run.name for run in Runs(trained)]
    for run in runs:
        one = trained / run.name
        if run.config.model != "majority":
            assert weights(run.path) == weights(one)
            assert run.info["threads"] == 1
        np.testing.assert_array_equal(run.predictions[1], Runs(trained)[run.name].predictions[1])
    assert (kept / "run.json").stat().st_mtime_ns == before


def test_when_all_is_there_nothing_is_trained(data, trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "runs")
    monkeypatch.setattr(module, "train", lambda *_, **__: pytest.fail("trained again"))
    assert len(reproduce("small", data, runs=tmp_path / "runs", seeds=2, jobs=1, progress=False)) == 5


def test_a_run_of_other_settings_or_data_is_not_taken_for_the_experiment_s(data, trained, tmp_path):
    other = TrainConfig("mean", epochs=1)
    train(other, data, runs=tmp_path / "a", name="mean-repaired-epochs=2-seed0", progress=False)
    with pytest.raises(ExploreError, match="other settings"):
        reproduce("small", data, runs=tmp_path / "a", seeds=2, jobs=1, progress=False)
    with pytest.raises(ExploreError, match="other data"):
        reproduce("small", OpenMIC(write_learnable(tmp_path / "data", seed=5)), runs=trained, seeds=2, progress=False)


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"jobs": 0}])
def test_numbers_that_make_no_sense_are_refused(data, tmp_path, wrong):
    with pytest.raises(ExploreError, match="must be at least 1"):
        reproduce("small", data, runs=tmp_path, progress=False, **wrong)


# Comparing


def test_two_runs_are_compared_on_the_clips_that_they_predicted(data, trained):
    runs = Runs(trained)
    a, b = runs["mean-repaired-epochs=2-seed0"], runs["mel-repaired-epochs=2-noise-seed1"]
    found = compare_runs([a], [b], data, resamples=20).table("average_precision")
    np.testing.assert_allclose(found.a, a.scores.average_precision, rtol=1e-4)
    np.testing.assert_allclose(found.difference, b.scores.average_precision - a.scores.average_precision, atol=1e-4)
    same = compare_runs([a], [a], data, resamples=20)
    assert (same.table("f1_macro").difference == 0).all()


def test_groups_are_compared_by_their_means_over_seeds(data, trained):
    runs = Runs(trained)
    sides = runs.matching("mean-repaired-epochs=2"), runs.matching("mel-repaired-epochs=2-noise")
    found = compare_runs(*sides, data, resamples=20).mean("f1_macro")
    expected = [np.mean([run.scores.f1_macro.mean() for run in side]) for side in sides]
    np.testing.assert_allclose([found.a, found.b], expected, rtol=1e-4)


def test_runs_of_other_data_or_other_clips_are_not_compared(data, trained, tmp_path):
    run = Runs(trained)["majority-published-seed0"]
    with pytest.raises(ExploreError, match="was trained on other data"):
        compare_runs([run], [run], OpenMIC(write_learnable(tmp_path / "data", seed=5)))
    shutil.copytree(run.path, tmp_path / "fewer")
    keys, probability = run.predictions
    levels = np.round(probability[1:] * 65535).astype(np.uint16)
    np.savez(tmp_path / "fewer" / "predictions.npz", sample_key=keys[1:], probability=levels)
    (fewer,) = Runs(tmp_path).select(model="majority")
    with pytest.raises(ExploreError, match="predict different clips"):
        compare_runs([run], [fewer], data)


# Summing up


def test_the_summary_has_baselines_means_and_spread(data, trained):
    lines = summary(Runs(trained), data).splitlines()
    assert lines[0] == "60 test clips of learnable (recipe version None, seed 0), embedding made-up"
    cells = {line.split(" | ")[0].removeprefix("| "): line.strip("| ").split(" | ")[1:] for line in lines[4:]}
    assert list(cells) == ["majority class", "mean repaired, epochs=2", "mel repaired, epochs=2, noise"]
    runs = [run for run in Runs(trained) if run.config.model == "mean"]
    for place, column in enumerate(("f1", "f1_macro", "f1_weighted", "average_precision"), start=1):
        values = [run.info["means"][column] for run in runs]
        assert cells["mean repaired, epochs=2"][place] == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    majority = Runs(trained)["majority-published-seed0"].info["means"]
    assert cells["majority class"][:3] == ["1", f"{majority['f1']:.3f}", f"{majority['f1_macro']:.3f}"]
    test = data.split("test")
    everything = [
        means(score(data.truth[test] * 1.0, np.ones_like(data.truth[test]), run.predictions[1]))["average_precision"]
        for run in runs
    ]
    assert cells["mean repaired, epochs=2"][5].startswith(f"{np.mean(everything):.3f} ±")


def test_a_summary_of_nothing_says_how_to_train(trained, tmp_path):
    other = OpenMIC(write_learnable(tmp_path / "data", seed=5))
    with pytest.raises(ExploreError, match=r"No run was trained on .* openmic-explore reproduce start"):
        summary(Runs(trained), other)


def test_torch_s_threads_stay_as_they_were(data, trained):
    before = torch.get_num_threads()
    reproduce("small", data, runs=trained, seeds=2, jobs=1, progress=False)
    assert torch.get_num_threads() == before
