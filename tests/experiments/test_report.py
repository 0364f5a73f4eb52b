"""Runs compared and summed up."""

import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, score
from openmic_explore.evaluation import means
from openmic_explore.experiments import EXPERIMENTS, Experiment, compare_runs, report, runs_of, summary
from openmic_explore.training.run import SHIPPED
from tests.experiments.conftest import SMALL
from tests.learnable import write_learnable

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


def cells_of(markdown):
    """{first cell: the others} of the lines of Markdown tables."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines}


def test_the_summary_has_baselines_means_and_spread(data, trained):
    text = summary(Runs(trained), data)
    assert text.splitlines()[0] == "60 test clips of learnable (recipe version None, seed 0), embedding made-up"
    cells = cells_of(text)
    assert list(cells)[2:] == ["majority class", "mean repaired, epochs=2", "mel repaired, epochs=2, noise"]
    runs = [run for run in Runs(trained) if run.config.model == "mean"]
    for place, column in enumerate(("f1", "f1_macro", "f1_weighted", "average_precision"), start=3):
        values = [run.info["means"][column] for run in runs]
        assert cells["mean repaired, epochs=2"][place] == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    assert cells["mean repaired, epochs=2"][:2] == ["2", "2"]
    majority = Runs(trained)["majority-published-seed0"].info["means"]
    assert cells["majority class"][0] == "1"
    assert cells["majority class"][2] == "20"
    stuck = [sum(len(set(column)) == 1 for column in (run.predictions[1] >= 0.5).T.tolist()) for run in runs]
    assert cells["mean repaired, epochs=2"][2] == f"{np.mean(stuck):.1f}"
    assert cells["majority class"][3:5] == [f"{majority['f1']:.3f}", f"{majority['f1_macro']:.3f}"]
    test = data.split("test")
    everything = [
        means(score(data.truth[test] * 1.0, np.ones_like(data.truth[test]), run.predictions[1]))["average_precision"]
        for run in runs
    ]
    assert cells["mean repaired, epochs=2"][7].startswith(f"{np.mean(everything):.3f} ±")


def test_a_report_has_question_scores_and_differences(data, trained):
    text = report(["small"], Runs(trained), data, resamples=50)
    assert "**small.** Which is better?" in text
    a, b = (
        Runs(trained).matching(f"{group}-epochs=2{more}")
        for group, more in (("mean-repaired", ""), ("mel-repaired", "-noise"))
    )
    row = next(line for line in text.splitlines() if line.startswith("| mean repaired, epochs=2 | mel repaired"))
    found = [cell.strip() for cell in row.strip("|").split("|")]
    for place, truth, metric in ((2, False, "f1_macro"), (4, True, "average_precision")):
        mean = compare_runs(a, b, data, truth=truth, resamples=50).mean(metric)
        assert found[place] == f"{mean.difference:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
    assert f"{np.mean([run.info['means']['f1_macro'] for run in a]):.3f} ±" in text


def test_a_report_at_another_checkpoint_shows_that(data, trained):
    runs = [run.at("last") for run in Runs(trained).matching("mean-repaired-epochs=2")]
    text = report(["small"], Runs(trained), data, checkpoint="last", resamples=20)
    scores = text.split("\n\n")[2]  # below the caption and the question
    mean = np.mean([run.info["means"]["f1_macro"] for run in runs])
    assert cells_of(scores)["mean repaired, epochs=2, checkpoint=last"][4].startswith(f"{mean:.3f} ±")


def test_a_report_of_runs_that_are_not_there_says_how_to_train_them(data, trained, tmp_path):
    shutil.copytree(trained / "majority-published-seed0", tmp_path / "majority-published-seed0")
    with pytest.raises(ExploreError, match=r"2 of 3 groups .* such as mean-repaired-epochs=2.*reproduce small"):
        report(["small"], Runs(tmp_path), data)


def test_runs_cut_short_are_reported_by_the_same_limit(data, trained, monkeypatch):
    long = [TrainConfig.from_dict(config.to_dict() | {"epochs": 50}) for config in SMALL.runs[1:]]
    monkeypatch.setitem(EXPERIMENTS, "long", Experiment("Which is better?", (SMALL.runs[0], *long), ((*long,),)))
    short = report(["small"], Runs(trained), data, resamples=50)
    assert report(["long"], Runs(trained), data, epochs=2, resamples=50) == short.replace("**small.**", "**long.**")
    with pytest.raises(ExploreError, match=r"2 of 3 groups .* reproduce long --data DIR --epochs 3"):
        report(["long"], Runs(trained), data, epochs=3)


def test_runs_of_an_experiment_come_in_its_order_with_all_seeds(data, trained):
    groups = runs_of("small", Runs(trained), data)
    assert list(groups) == [config.group for config in EXPERIMENTS["small"].runs]
    assert [len(runs) for runs in groups.values()] == [1, 2, 2]


def test_over_all_cells_a_comparison_is_against_the_truth(data, trained):
    a, b = Runs(trained)["mean-repaired-epochs=2-seed0"], Runs(trained)["mel-repaired-epochs=2-noise-seed0"]
    found = compare_runs([a], [b], data, truth=True, resamples=20).table("average_precision")
    np.testing.assert_allclose(found.a, a.scores_truth.average_precision, rtol=1e-4)
    np.testing.assert_allclose(found.b, b.scores_truth.average_precision, rtol=1e-4)


def test_a_summary_of_nothing_says_how_to_train(trained, tmp_path):
    other = OpenMIC(write_learnable(tmp_path / "data", seed=5))
    with pytest.raises(ExploreError, match=r"No run was trained on .* openmic-explore reproduce start"):
        summary(Runs(trained), other)


def test_the_shipped_tables_are_what_their_command_prints():
    """Scores and questions, in the order of the experiments; the intervals take minutes and depend on the resampling."""
    from tests.browser.server import ROOT

    def without_intervals(text):
        return [line for line in text.splitlines() if line and "[" not in line]

    shipped = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").splitlines()
    assert "`openmic-explore report all`" in shipped[2]
    names = [name for name in EXPERIMENTS if name != "small"]
    printed = report(names, Runs(SHIPPED), OpenMIC.teaching(), resamples=2)
    assert without_intervals("\n".join(shipped[4:])) == without_intervals(printed)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    main = report(["main"], Runs(SHIPPED), OpenMIC.teaching(), resamples=2)
    for line in without_intervals(main)[2:]:
        assert line in readme
