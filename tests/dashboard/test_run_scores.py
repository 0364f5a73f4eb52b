"""Scores of runs from their stored predictions, held against those of the package and of the runs' own files."""

import shutil

import numpy as np
import pytest

from openmic_explore.dashboard.runs.groups import grouped
from openmic_explore.dashboard.runs.published import PUBLISHED, published_majority, published_series
from openmic_explore.dashboard.runs.scoring import ALL, KNOWN, RESAMPLES, Scoring
from openmic_explore.data import OpenMIC
from openmic_explore.errors import ExploreError
from openmic_explore.evaluation import MEAN, score
from openmic_explore.evaluation.scores import COLUMNS
from openmic_explore.experiments import compare_runs
from openmic_explore.figures import METRICS
from openmic_explore.reference import published
from openmic_explore.training import Runs, majority_scores
from openmic_explore.training.run import SHIPPED


@pytest.fixture(scope="module")
def data():
    return OpenMIC.teaching()


@pytest.fixture(scope="module")
def groups():
    return grouped(Runs(SHIPPED))


@pytest.fixture(scope="module")
def scoring(data):
    return Scoring(data)


@pytest.mark.parametrize("name", ["mel-repaired", "cnn-published-epochs=30", "forest-published"])
def test_at_the_usual_threshold_they_are_the_runs_own(scoring, groups, name):
    for run in groups[name].runs:
        np.testing.assert_allclose(scoring.table(run), run.scores[list(COLUMNS)].to_numpy(float), atol=1e-6)
        np.testing.assert_allclose(scoring.table(run, ALL), run.scores_truth[list(COLUMNS)].to_numpy(float), atol=1e-6)


@pytest.mark.parametrize("threshold", [0.2, 0.37, 0.9])
def test_at_another_threshold_they_are_those_of_the_package(scoring, groups, data, threshold):
    run = groups["attention-repaired"].runs[1]
    keys, probability = run.predictions
    rows = [data.index(str(key)) for key in keys]
    known = score(data.relevance[rows], data.mask[rows], probability.astype(float), threshold)
    np.testing.assert_allclose(scoring.table(run, KNOWN, threshold), known.to_numpy(float))
    truth = data.truth[rows]
    whole = score(truth.astype(float), np.ones_like(truth), probability.astype(float), threshold)
    np.testing.assert_allclose(scoring.table(run, ALL, threshold), whole.to_numpy(float))
    column = scoring.scores(groups["attention-repaired"], "recall", ALL, threshold)
    np.testing.assert_allclose(column[1], whole["recall"])


@pytest.mark.parametrize(("cells", "truth"), [(KNOWN, False), (ALL, True)])
def test_the_majority_class_is_that_of_the_package(scoring, data, cells, truth):
    expected = majority_scores(data, truth=truth)
    np.testing.assert_allclose(scoring.majority_table(cells), expected.to_numpy(float))
    np.testing.assert_allclose(scoring.majority("f1_weighted", cells), expected["f1_weighted"])


@pytest.mark.parametrize(("cells", "truth"), [(KNOWN, False), (ALL, True)])
def test_differences_are_those_of_compare_runs(scoring, groups, data, cells, truth):
    a, b = groups["mel-published"], groups["attention-repaired"]
    assert not scoring.resampled(a, cells, 0.5)
    for group in (a, b):
        scoring.resample(group, cells, 0.5)
    expected = compare_runs(list(a.runs), list(b.runs), data, truth=truth, resamples=RESAMPLES)
    for metric in ("f1_macro", "average_precision", "precision"):
        found, table = scoring.difference(a, b, metric, cells, 0.5), expected.table(metric)
        for column in ("difference", "low", "high", "p", "p_holm"):
            np.testing.assert_allclose(found.table[column], table[column], atol=1e-6, err_msg=f"{metric} {column}")
        both = table["difference"].notna()
        np.testing.assert_allclose(found.table.loc[both, ["a", "b"]], table.loc[both, ["a", "b"]], atol=1e-6)
        mean = expected.mean(metric)
        np.testing.assert_allclose(found.mean, [mean[name] for name in ("difference", "low", "high", "p")], atol=1e-6)
        assert found.instruments == mean.instruments
    assert list(found.table.index) == list(data.instruments)
    assert MEAN not in found.table.index


def test_a_group_minus_itself_is_nothing(scoring, groups):
    a = groups["attention-repaired"]
    scoring.resample(a, KNOWN, 0.3)
    found = scoring.difference(a, a, "f1", KNOWN, 0.3)
    assert (found.table["difference"] == 0).all()
    assert tuple(found.mean) == (0, 0, 0, 1)


def test_few_resamplings_are_kept(scoring, groups, monkeypatch):
    monkeypatch.setattr("openmic_explore.dashboard.runs.scoring.KEPT", 2)
    monkeypatch.setattr("openmic_explore.dashboard.runs.scoring.RESAMPLES", 10)
    mine = Scoring(scoring.data)
    for threshold in (0.1, 0.2, 0.3):
        mine.resample(groups["mel-repaired"], KNOWN, threshold)
    assert [mine.resampled(groups["mel-repaired"], KNOWN, threshold) for threshold in (0.1, 0.2, 0.3)] == [
        False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("cells", [KNOWN, ALL])
@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_the_clips_behind_a_score_are_those_that_it_counts(scoring, groups, data, cells, threshold):
    run = groups["mel-repaired"].runs[0]
    table = scoring.table(run, cells, threshold)
    for column, name in enumerate(data.instruments):
        answers = scoring.answers(run, name, cells, threshold)
        facts = dict(zip(COLUMNS, table[column], strict=True))
        present = [one for one in answers if one.present]
        assert (len(present), len(answers) - len(present)) == (facts["positives"], facts["negatives"])
        hits = sum(not one.wrong for one in present)
        assert hits / len(present) == pytest.approx(facts["recall"])
        found = hits + sum(one.wrong and not one.present for one in answers)
        assert hits / found == pytest.approx(facts["precision"])
        # The wrong ones come first, the most wrong first of all.
        wrong = [one.wrong for one in answers]
        assert wrong == sorted(wrong, reverse=True)
        far = [abs(one.probability - threshold) for one in answers if one.wrong]
        assert far == sorted(far, reverse=True)
        for one in answers[::17]:
            assert one.label == data.labels(one.key)[name]
            assert one.heard == data.has_audio(one.key)
            assert cells == ALL or one.present == (one.label == "present")


def test_a_run_that_cannot_be_read_is_left_out_and_named(tmp_path, data):
    for seed in (0, 1):
        shutil.copytree(SHIPPED / f"mel-repaired-seed{seed}", tmp_path / f"mel-repaired-seed{seed}")
    shutil.copytree(SHIPPED / "mel-published-seed0", tmp_path / "mel-published-seed0")
    (tmp_path / "mel-repaired-seed0" / "predictions.npz").write_bytes(b"nothing")
    (tmp_path / "mel-published-seed0" / "history.csv").write_text("epoch\nx\n")
    scoring, groups = Scoring(data), grouped(Runs(tmp_path))
    sound = scoring.sound(groups.values())
    assert {group.name: len(group.runs) for group in sound} == {"mel-published": 1, "mel-repaired": 1}
    assert "predictions.npz" in scoring.damaged["mel-repaired-seed0"]
    assert scoring.sound([groups["mel-published"]], "history") == []
    assert "history.csv" in scoring.damaged["mel-published-seed0"]


def test_without_the_truth_only_known_cells_can_be_scored(tmp_path, folder, runs_folder):
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    (bare / "activity.npz").unlink()
    data = OpenMIC(bare)
    run = next(iter(Runs(runs_folder)))
    scoring = Scoring(data)
    assert np.isfinite(scoring.table(run)[:, 0]).all()
    with pytest.raises(ExploreError, match="truth"):
        scoring.table(run, ALL)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scores_are_those_of_the_tables(name):
    assert published_series(name, "f1_macro")
    assert published_series(name, "average_precision") == []
    for metric in METRICS:
        for series in published_series(name, metric):
            assert series.values.shape == (1, 20)
            assert ((series.values > 0) & (series.values <= 1)).all()
    assert published_majority("recall") is None


def test_the_published_forest_is_in_the_order_of_the_instruments(data):
    table = published("official_random_forest_test").set_index("instrument")
    for metric, column in (("recall", "recall_true"), ("f1", "f1_true"), ("f1_macro", "f1_macro_of_two")):
        (series,) = published_series("forest", metric)
        assert series.values[0].tolist() == [table.loc[name, column] for name in data.instruments]
    (plain, teacher) = published_series("attention", "f1_macro")
    table = published("gururani_attention_f1_macro").set_index("instrument")
    assert teacher.values[0, 3] == table.loc[data.instruments[3], "f1_macro_mean_teacher"]
    assert plain.values[0, 3] == table.loc[data.instruments[3], "f1_macro_gururani_attention"]
