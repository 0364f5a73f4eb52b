"""Curves over a share, a threshold, a length."""

import numpy as np
import pytest

from openmic_explore.figures.trends import Trend, trends_figure

SHARES = np.array([0.02, 0.1, 1.0])
SEEDS = np.array([[0.2, 0.4, 0.6], [0.3, 0.4, 0.9], [0.4, 0.7, np.nan]])


def test_a_mark_is_the_mean_over_seeds_and_its_bar_goes_from_the_worst_to_the_best():
    (curve,) = trends_figure({"f1": [Trend("mel", SHARES, SEEDS, 0)]}, across="cells known").data
    np.testing.assert_allclose(curve.x, SHARES)
    np.testing.assert_allclose(curve.y, [0.3, 0.5, 0.75])
    np.testing.assert_allclose(curve.y + curve.error_y.array, [0.4, 0.7, 0.9])
    np.testing.assert_allclose(curve.y - curve.error_y.arrayminus, [0.2, 0.4, 0.6])


def test_one_run_has_no_bar():
    (curve,) = trends_figure({"": [Trend("mel", SHARES, SEEDS[0], 0)]}, across="cells known").data
    np.testing.assert_allclose(curve.y, SEEDS[0])
    assert curve.error_y.array is None


def test_a_name_keeps_its_look_over_panels_and_stands_once_in_the_legend():
    trends = [Trend("mel", SHARES, SEEDS, 1), Trend("mel, absent", SHARES, SEEDS, 1, hollow=True)]
    figure = trends_figure({"f1": trends, "precision": trends[::-1]}, across="cells known")
    assert [trace.name for trace in figure.data if trace.showlegend] == ["mel", "mel, absent"]
    solid, hollow = figure.data[:2]
    assert solid.line.color == hollow.line.color
    assert hollow.marker.symbol == f"{solid.marker.symbol}-open"
    assert solid.line.dash != hollow.line.dash
    assert figure.data[2].marker == hollow.marker
    assert [note.text for note in figure.layout.annotations] == ["f1", "precision"]


def test_long_curves_have_dashes_in_place_of_markers():
    x = np.linspace(0, 1, 100)
    trends = [Trend("few", SHARES, SEEDS[0], 1), *(Trend(f"many {place}", x, x, place) for place in range(3))]
    few, *many = trends_figure({"": trends}, across="t").data
    assert (few.mode, few.line.dash) == ("lines+markers", "solid")
    assert {one.mode for one in many} == {"lines"}
    assert len({one.line.dash for one in many}) == 3


def test_panels_share_the_bounds_or_have_their_own():
    trend = [Trend("a", SHARES, SEEDS[0], 0)]
    shared = trends_figure({"one": trend, "two": trend}, across="x", down="y", bounds=(0, 1)).layout
    assert shared.yaxis2.matches == "y"
    assert shared.yaxis.range == (0, 1)
    assert shared.yaxis.title.text == "y"
    own = trends_figure({"one": trend, "two": trend}, across="x").layout
    assert own.yaxis2.matches is None


@pytest.mark.parametrize("log", [False, True])
def test_ticks_stand_at_values_whatever_the_axis(log):
    figure = trends_figure(
        {"": [Trend("a", SHARES, SEEDS[0], 0)]}, across="x", log=log, ticks={0.02: "2 %", 1.0: "all"}
    )
    assert figure.layout.xaxis.type == ("log" if log else None)
    assert list(figure.layout.xaxis.tickvals) == [0.02, 1.0]
    assert list(figure.layout.xaxis.ticktext) == ["2 %", "all"]
