"""The carried numbers are whole, and agree with each other where they must."""

import pytest

from openmic_explore import INSTRUMENTS, ExploreError
from openmic_explore.data.labels import label_counts
from openmic_explore.reference import SOURCES, published


@pytest.mark.parametrize("name", SOURCES)
def test_tables_cover_the_twenty_instruments_with_shares(name):
    table = published(name)
    assert set(table.instrument) >= set(INSTRUMENTS)
    shares = table.filter(regex="f1|precision|recall")
    assert shares.shape[1] >= 1
    assert shares.min().min() >= 0
    assert shares.max().max() <= 1


def test_the_majority_class_follows_from_the_label_counts():
    table = published("majority_baseline_test").set_index("instrument")
    for name, counts in label_counts().items():
        more, fewer = sorted((counts["test_positive"], counts["test_negative"]), reverse=True)
        f1 = 2 * more / (2 * more + fewer)
        assert table.loc[name, "macro_f1_majority"] == pytest.approx(f1 / 2, abs=5e-4)
        assert table.loc[name, "weighted_f1_majority"] == pytest.approx(f1 * more / (more + fewer), abs=5e-4)


def test_figure_5_s_clarinet_is_the_majority_class():
    figures = published("published_figures")
    clarinet = figures[
        (figures.figure == 5) & (figures.instrument == "clarinet") & figures.series.str.startswith("cnn")
    ]
    majority = published("majority_baseline_test").set_index("instrument").loc["clarinet", "weighted_f1_majority"]
    assert len(clarinet) == 2
    assert clarinet.f1_weighted.to_numpy() == pytest.approx(majority, abs=1e-3)


def test_an_unknown_table_is_refused():
    with pytest.raises(ExploreError, match="published_figures"):
        published("table_9")
