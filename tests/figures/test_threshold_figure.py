"""Ten clips cut in four, what silence earns, one instrument at one threshold, and scores with intervals."""

import re

import numpy as np
import pandas as pd
import pytest

from openmic_explore.evaluation import sweep
from openmic_explore.figures.redraw import redraw
from openmic_explore.figures.threshold import clips_figure, intervals_figure, silence_figure, threshold_figure

PRESENT = np.array([1, 1, 0, 0, 1, 0, 1, 0, 0, 0], dtype=bool)
PROBABILITY = np.array([0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05])


def drawn(threshold: float, present=PRESENT, probability=PROBABILITY, title=""):
    return threshold_figure(present, probability, sweep(present, probability), threshold, title=title)


def counts_of(figure) -> dict[str, int]:
    notes = (re.sub("<.?b>", "", note.text).split(" ", 1) for note in figure.layout.annotations)
    return {name: int(number) for number, name in notes}


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, {"misses": 1, "hits": 3, "rejections": 4, "false alarms": 2}),
        (0.3, {"misses": 0, "hits": 4, "rejections": 3, "false alarms": 3}),
        (1.0, {"misses": 4, "hits": 0, "rejections": 6, "false alarms": 0}),
    ],
)
def test_the_four_corners_are_counted(threshold, expected):
    figure = clips_figure(PRESENT, PROBABILITY, threshold)
    assert counts_of(figure) == expected
    present, absent = figure.data
    np.testing.assert_array_equal(present.x, PROBABILITY[PRESENT])
    np.testing.assert_array_equal(absent.x, PROBABILITY[~PRESENT])
    assert present.y[0] > absent.y[0]
    assert present.marker.symbol != absent.marker.symbol


def test_instruments_lie_on_the_curve_of_their_score():
    share = np.linspace(0, 1, 11)
    points = pd.DataFrame({"absent": [0.2, 0.8], "weighted": [0.7, 0.6]}, index=["mallet_percussion", "voice"])
    figure = silence_figure({"weighted": share, "macro": share / 2}, share, points=points, title="t")
    assert [(trace.legendgroup, trace.mode) for trace in figure.data] == [
        ("weighted", "lines"), ("weighted", "markers"), ("macro", "lines"),
    ]  # fmt: skip
    assert list(figure.data[1].text) == ["mallet percussion", "voice"]
    assert figure.data[0].line.color == figure.data[1].marker.color != figure.data[2].line.color


def test_all_panels_say_the_same_of_a_threshold():
    figure = drawn(0.5, title="toy")
    traces = list(figure.data)
    up, down = (trace for trace in traces if trace.type == "bar")
    assert (sum(up.y), sum(down.y)) == (4, -6)
    (matrix,) = (trace for trace in traces if trace.type == "heatmap")
    assert [list(row) for row in matrix.text] == [["4 rejections", "2 false alarms"], ["1 misses", "3 hits"]]
    assert list(matrix.y) == ["is absent", "is present"]
    lines = [trace for trace in traces if trace.type == "scatter"]
    points = [(trace.x[0], trace.y[0]) for trace in lines if trace.mode == "markers"]
    assert points[0] == (0.5, pytest.approx(6 / 9))
    assert points[1] == (0.5, pytest.approx((6 / 9 + 8 / 11) / 2))
    assert points[2] == (0.5, pytest.approx((4 * 6 / 9 + 6 * 8 / 11) / 10))
    assert points[3] == (pytest.approx(0.75), pytest.approx(0.6))  # recall, precision
    cuts = [trace for trace in lines if trace.mode == "lines" and len(trace.x) == 2]
    assert [list(cut.x) for cut in cuts] == [[0.5, 0.5], [0.5, 0.5]]
    (chance,) = (trace for trace in lines if trace.mode == "lines+text")
    assert list(chance.y) == [0.4, 0.4]
    assert figure.layout.title.text == "toy"


def test_the_histogram_counts_clips_where_their_probability_is():
    present = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    probability = np.array([0.01, 0.42, 0.43, 1.0, 0.02, 0.03, 0.38, 0.42, 0.97])
    up, down = (trace for trace in drawn(0.5, present, probability).data if trace.type == "bar")
    for bars, sign, counts in ((up, 1, {0.02: 1, 0.42: 2, 0.98: 1}), (down, -1, {0.02: 2, 0.38: 1, 0.42: 1, 0.98: 1})):
        x, y = np.round(np.asarray(bars.x, dtype=float), 6), np.asarray(bars.y)
        assert len(x) == 25
        assert {float(at): int(sign * height) for at, height in zip(x, y, strict=True) if height} == counts
        np.testing.assert_array_equal(bars.customdata, sign * y)


def test_curves_hold_between_probabilities_as_decisions_do():
    figure = drawn(0.5)
    curve = next(trace for trace in figure.data if trace.name == "F1 of present")
    # "vh" steps up where the line begins: between two probabilities holds the value of the upper one.
    assert curve.line.shape == "vh"
    assert (curve.x[0], curve.x[-1]) == (0, 1)
    found = sweep(PRESENT, PROBABILITY)
    for threshold in (0.01, 0.3, 0.5, 0.55, 0.9, 1.0):
        assert curve.y[np.searchsorted(curve.x, threshold)] == found.f1[found.at(threshold)]


def test_precision_over_recall_encloses_the_average_precision():
    figure = drawn(0.5)
    curve = next(trace for trace in figure.data if trace.type == "scatter" and trace.line.shape == "hv")
    assert (curve.x[0], curve.x[-1]) == (1, 0)
    area = -np.sum(np.diff(curve.x) * np.asarray(curve.y)[:-1])
    assert area == pytest.approx(np.mean([1, 1, 3 / 5, 4 / 7]))
    assert "AP <b>0.79</b>" in figure.layout.annotations[3].text


def test_where_nothing_is_said_the_precision_is_undefined():
    figure = drawn(1.0)
    assert "precision <b>undefined</b>, recall <b>0.00</b>" in figure.layout.annotations[3].text
    assert "F1 of present <b>0.00</b>, macro <b>0.38</b>, weighted <b>0.45</b>" in figure.layout.annotations[2].text


def test_it_is_redrawn_at_another_threshold_and_for_other_cells():
    rng = np.random.default_rng(0)
    present, probability = rng.random(200) < 0.2, rng.random(200)
    figure, new = drawn(0.5), drawn(0.2, present, probability, title="other")
    redraw(figure, new)
    assert figure.layout.title.text == "other"
    assert [note.text for note in figure.layout.annotations] == [note.text for note in new.layout.annotations]
    assert figure.layout.yaxis.range == new.layout.yaxis.range
    for trace, other in zip(figure.data, new.data, strict=True):
        if trace.type != "heatmap":
            np.testing.assert_array_equal(np.array(trace.y, dtype=float), np.array(other.y, dtype=float))
        else:
            np.testing.assert_array_equal(trace.z, other.z)
            assert [list(row) for row in trace.text] == [list(row) for row in other.text]


def test_intervals_are_drawn_as_they_are_around_their_value():
    table = pd.DataFrame({"value": [0.5, np.nan], "low": [0.3, np.nan], "high": [0.6, np.nan]})
    figure = intervals_figure(["voice (60)", "violin (2)"], {"known": table, "all": table}, axis="F1", title="t")
    known, every = figure.data
    assert (known.error_x.array[0], known.error_x.arrayminus[0]) == pytest.approx((0.1, 0.2))
    assert np.isnan(known.x[1])
    assert known.y[0] != every.y[0]
    assert list(figure.layout.yaxis.ticktext) == ["voice (60)", "violin (2)"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first on top
