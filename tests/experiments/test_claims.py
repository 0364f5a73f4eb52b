"""The claims, with runs whose answers are known, and the published numbers against a calculation of their own."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from openmic_explore import INSTRUMENTS, Runs, TrainConfig
from openmic_explore.experiments.claims import CLAIMS, KINDS, claims, overview, verdict
from openmic_explore.experiments.named import AUGMENTED, shortened
from openmic_explore.models import PRESETS
from openmic_explore.reference import published
from tests.experiments.runs import write_run


@pytest.mark.parametrize(
    ("says", "low", "high", "expected"),
    [
        ("greater", 0.001, 0.3, "holds"),
        ("greater", -0.3, -0.001, "the reverse"),
        ("greater", -0.01, 0.02, "no difference"),
        ("greater", -0.01, 0.03, "open"),
        ("smaller", 0.001, 0.3, "the reverse"),
        ("smaller", -0.3, -0.001, "holds"),
        ("smaller", -0.03, 0.01, "open"),
        ("same", -0.02, 0.02, "holds"),
        ("same", 0.001, 0.019, "holds"),  # a difference, but too small to count
        ("same", 0.001, 0.03, "they differ"),
        ("same", -0.03, -0.001, "they differ"),
        ("same", -0.03, 0.01, "open"),
        ("greater", np.nan, np.nan, "no interval"),
    ],
)
def test_the_rule(says, low, high, expected):
    assert verdict(says, low, high) == expected


def test_the_margin_can_be_another():
    assert verdict("same", -0.04, 0.04) == "open"
    assert verdict("same", -0.04, 0.04, margin=0.05) == "holds"


def test_there_are_nine_each_with_something_to_measure():
    assert sorted({claim.number for claim in CLAIMS}) == list(range(1, 10))
    for claim in CLAIMS:
        for parts in claim.ours:
            # A difference, but for a trend, which is one by itself.
            assert sum(weight for weight, _ in parts) == pytest.approx(1 if claim.statistic == "trend" else 0)
        for parts in claim.plotted:
            assert sum(weight for weight, *_ in parts) == pytest.approx(0)


@pytest.fixture(scope="module")
def answers(data):
    """Probabilities of the test clips with a share of wrong ones: noisy copies of the truth."""
    truth = data.truth[data.split("test")]

    def with_errors(share, seed):
        wrong = np.random.default_rng(seed).random(truth.shape) < share
        return np.where(truth ^ wrong, 0.9, 0.1)

    return with_errors


@pytest.fixture(scope="module")
def found(data, answers, tmp_path_factory):
    """Mel with three layers is far better than with one, the two CNNs answer alike, noise alone helps Mel; no forest."""
    folder = tmp_path_factory.mktemp("claims")

    def add(config, share, same=False, **others):
        for seed in range(2):
            mine = dataclasses.replace(shortened(config, data), seed=seed)
            write_run(folder, data, mine, answers(share, 0 if same else 100 * len(mine.group) + seed), **others)

    rising = np.repeat([0.3, 0.3, 0.3, 0.5], 4)
    for preset in PRESETS:
        add(TrainConfig("mel", preset), 0.3)
        add(TrainConfig("mel-3", preset), 0.05)
        for kind in KINDS:
            add(TrainConfig("mel", preset, augment=AUGMENTED[kind]), 0.05 if kind == "noise" else 0.45)
        add(TrainConfig("cnn", preset), 0.3, same=True, history=rising)
        add(TrainConfig("cnn-reduced", preset), 0.3, same=True)
    return claims(Runs(folder), data, resamples=200)


def row(found, number, whose="repaired"):
    (one,) = found[(found.number == number) & (found.whose == whose)].to_dict("records")
    return one


@pytest.mark.parametrize("preset", PRESETS)
def test_verdicts_are_what_the_runs_were_made_for(found, preset):
    assert row(found, 2, preset)["verdict"] == "the reverse"
    assert row(found, 2, preset)["difference"] > 0.1
    depth = row(found, 3, preset)
    assert (depth["difference"], depth["low"], depth["high"], depth["verdict"]) == (0, 0, 0, "holds")
    assert row(found, 8, preset)["verdict"] == "holds"
    assert row(found, 8, preset)["difference"] == pytest.approx(0.2)


def test_the_best_kind_of_augmentation_is_the_one_that_counts(found):
    best = row(found, 5)
    assert best["verdict"] == "the reverse"
    assert best["runs"] == "+1 x mel-repaired-noise -1 x mel-repaired"


def test_without_runs_it_says_which_command_trains_them(found):
    forest = row(found, 1)
    assert (forest["verdict"], forest["runs"]) == ("no runs", "openmic-explore reproduce 4")
    assert np.isnan(forest["difference"])
    assert row(found, 9)["runs"] == "openmic-explore reproduce representations"
    assert row(found, 6)["runs"] == "openmic-explore reproduce 7"


def test_published_differences_are_those_of_the_table(found):
    table = published("published_figures").pivot(index="instrument", columns=["figure", "series"], values="f1_weighted")
    layers = table[4, "mel-3layer"] - table[4, "mel-1layer"]
    low, high = stats.ttest_1samp(layers, 0).confidence_interval()
    three = row(found, 2, "as published")
    np.testing.assert_allclose([three["difference"], three["low"], three["high"]], [layers.mean(), low, high])
    assert three["verdict"] == "open"
    best = max(table[6, f"mel+{kind}"].mean() for kind in KINDS) - table[6, "mel"].mean()
    assert row(found, 5, "as published")["difference"] == pytest.approx(best)
    clarinet = (table[5, "cnn"] - table[4, "reference (Anhari 2020)"])["clarinet"]
    assert row(found, 4, "as published")["difference"] == pytest.approx(clarinet)


def test_what_is_the_majority_class_says_nothing(found):
    majority = published("majority_baseline_test").set_index("instrument").weighted_f1_majority.round(3)
    for number, series in ((3, "cnn-reduced"), (4, "cnn")):
        figures = published("published_figures")
        plotted = figures[(figures.figure == 5) & (figures.series == series)].set_index("instrument").f1_weighted
        equal = int((plotted.round(3) == majority).sum())
        assert row(found, number, "as published")["verdict"] == f"says nothing: majority class on {equal} of 20"
    assert "nothing" not in row(found, 2, "as published")["verdict"]


def test_a_checkpoint_that_no_run_kept_is_no_run(data, answers, tmp_path):
    config = TrainConfig("mel-3")
    path = write_run(tmp_path, data, config, answers(0.1, 0))
    text = (path / "run.json").read_text()
    (path / "run.json").write_text(text.replace('"f1_macro": {"epoch"', '"last": {"epoch"'))
    write_run(tmp_path, data, TrainConfig("mel"), answers(0.1, 1))
    kept, other = (claims(Runs(tmp_path), data, checkpoint=name, resamples=20) for name in ("loss", "f1_macro"))
    assert row(kept, 2)["verdict"] != "no runs"
    assert row(other, 2)["verdict"] == "no runs"


def test_the_overview_has_a_line_a_claim_and_says_everything_in_it(found):
    table = overview(found)
    assert len(table) == len(CLAIMS)
    assert list(table.columns) == ["as published", "ours, as the authors ran it", "ours, repaired"]
    assert [number for number, _ in table.index] == [claim.number for claim in CLAIMS]
    three = row(found, 2)
    assert (
        table.iloc[1]["ours, repaired"]
        == f"{three['difference']:+.3f} [{three['low']:+.3f}, {three['high']:+.3f}] the reverse"
    )
    assert table.iloc[0]["ours, repaired"] == "no runs"
    assert isinstance(found, pd.DataFrame)
    assert len(found) == 3 * len(CLAIMS)
    assert len(INSTRUMENTS) == 20
