"""The paper's figures as panels: the published numbers, and ours of the same names."""

import dataclasses

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS, ExploreError, OpenMIC, Runs, TrainConfig
from openmic_explore.data.labels import label_counts
from openmic_explore.evaluation import majority, score
from openmic_explore.experiments.named import shortened
from openmic_explore.experiments.paper import (
    SHOWN,
    like_majority,
    nearest_runs,
    paper_panels,
    published_floors,
    published_panel,
    published_scores,
    seeds_of,
)
from openmic_explore.figures import METRICS
from openmic_explore.models import PRESETS
from openmic_explore.training import majority_scores
from tests.experiments.runs import write_run
from tests.learnable import write_learnable


def test_every_series_of_every_figure_was_plotted():
    for figure, shown in SHOWN.items():
        for one in shown:
            values = published_scores(one, "f1_weighted")
            assert values.shape == (20,), (figure, one.name)
            assert one.config("published", None) is None or one.config("published", None).model == one.model
    violin = dict(zip(INSTRUMENTS, published_scores(SHOWN["4"][1], "f1_weighted"), strict=True))["violin"]
    assert violin == 0.2051


@pytest.mark.parametrize("metric", METRICS)
def test_the_published_floor_is_the_score_of_a_constant_answer(metric):
    counts = label_counts()
    for place, name in enumerate(INSTRUMENTS):
        present, absent = counts[name]["test_positive"], counts[name]["test_negative"]
        relevance = np.array([1.0] * present + [0.0] * absent)[:, None]
        mask = np.ones_like(relevance, dtype=bool)
        constant = np.tile(majority(relevance, mask), (len(relevance), 1))
        expected = score(relevance, mask, constant, instruments=(name,))[metric].iloc[0]
        assert published_floors(metric)[0][place] == pytest.approx(expected, abs=5e-4)


def test_only_what_was_logged_is_shown_at_a_checkpoint():
    assert published_scores(SHOWN["5"][0], "f1_weighted", "f1_macro") is None
    assert published_scores(SHOWN["4"][0], "f1_macro", "f1_macro") is None  # one layer was logged once
    assert published_scores(SHOWN["4"][1], "f1_macro", "f1_macro").mean() == pytest.approx(0.795, abs=1e-3)
    empty = published_panel("7", "average_precision")
    assert empty.note
    assert [one.name for one in empty.series] == [one.name for one in SHOWN["7"]]
    assert np.isnan([one.values for one in empty.series]).all()
    assert not published_panel("7").note


def test_the_cnns_are_the_majority_class_and_mel_is_not():
    assert [like_majority(one) for one in SHOWN["5"]] == [16, 20, 0, 0]
    assert [like_majority(one) for one in SHOWN["7"]] == [16, 18, 18, 20, 17]


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("paper"), np.random.default_rng(0)
    for preset in PRESETS:
        for model in ("mel", "mel-3"):
            for seed in range(2):
                config = dataclasses.replace(shortened(TrainConfig(model, preset), data), seed=seed)
                write_run(folder, data, config, rng.random((60, 20)))
    write_run(folder, data, TrainConfig("forest"), rng.random((60, 20)))
    return Runs(folder)


@pytest.mark.parametrize("metric", METRICS)
def test_ours_stand_beside_them_with_all_their_seeds(data, runs, metric):
    theirs, published, repaired = paper_panels("4", runs, data, metric, "loss")
    assert "OpenMIC-2018" in theirs.title
    for panel, preset in ((published, "published"), (repaired, "repaired")):
        assert f"{data.name} set" in panel.title
        assert "2 seeds" in panel.title
        assert panel.axis == METRICS[metric]
        assert [one.name for one in panel.series] == ["Mel, 1 layer", "Mel, 3 layers"]
        expected = [run.scores[metric] for run in runs.matching(f"mel-3-{preset}")]
        np.testing.assert_array_equal(panel.series[1].values, expected)
        np.testing.assert_array_equal(panel.majority, majority_scores(data)[metric])
        np.testing.assert_array_equal(panel.forest[0], runs["forest-published-seed0"].scores[metric])


def test_figures_scores_and_checkpoints_that_are_none_are_refused(data, runs):
    for wrong in (("8", "f1", "loss"), ("4", "accuracy", "loss"), ("4", "f1", "last")):
        with pytest.raises(ExploreError, match="There is no figure"):
            paper_panels(wrong[0], runs, data, *wrong[1:])


def test_missing_runs_are_named_with_the_command(data, runs):
    with pytest.raises(ExploreError, match=r"no run of cnn-published.*openmic-explore reproduce 5"):
        paper_panels("5", runs, data, "f1", "loss")


def test_what_was_not_trained_here_is_looked_at_on_the_teaching_set(tmp_path):
    from openmic_explore.training.run import SHIPPED

    shipped, teaching = Runs(SHIPPED), OpenMIC.teaching()
    wanted = [TrainConfig("mel"), TrainConfig("cnn", "published")]
    assert nearest_runs(wanted, shipped, teaching) == (shipped, teaching)
    (tmp_path / "none").mkdir()
    runs, on = nearest_runs(wanted, Runs(tmp_path / "none"), OpenMIC(write_learnable(tmp_path / "data")))
    assert on.fingerprint == teaching.fingerprint
    for config in wanted:
        assert len(seeds_of(config, runs, on, "5")) == 3
