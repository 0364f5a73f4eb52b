import numpy as np
import pytest

from openmic_explore.figures import METRICS, Series, scores_figure, style
from openmic_explore.figures.scores import SHOWN, Elsewhere

NAMES = ("violin", "voice", "mallet_percussion")


def test_a_series_is_drawn_at_its_mean_with_a_bar_from_worst_to_best():
    values = np.array([[0.2, 0.8, 0.5], [0.4, 0.6, 0.5]])
    figure = scores_figure(NAMES, [Series("mel", values)], "f1_macro", baseline=np.array([0.1, 0.2, 0.3]))
    baseline, mel = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["voice", "mallet percussion", "violin"]  # best on top
    np.testing.assert_allclose(mel.x, [0.7, 0.5, 0.3])
    np.testing.assert_allclose(mel.x + mel.error_x.array, [0.8, 0.5, 0.4])
    np.testing.assert_allclose(mel.x - mel.error_x.arrayminus, [0.6, 0.5, 0.2])
    np.testing.assert_allclose(baseline.x, [0.2, 0.3, 0.1])
    assert mel.name == "mel"


def test_the_number_of_seeds_is_named_where_it_differs():
    one, two = np.ones((1, 3)), np.ones((2, 3))
    figure = scores_figure(NAMES, [Series("mel", two), Series("cnn", one)], "f1", baseline=one[0])
    assert [trace.name for trace in figure.data] == ["majority class", "mel (2 seeds)", "cnn (1 seed)"]
    assert [trace.meta for trace in figure.data[1:]] == ["mel", "cnn"]


def test_one_run_has_no_bar():
    (one,) = scores_figure(NAMES, [Series("mel", np.array([[0.2, 0.8, 0.5]]))], "f1").data
    assert one.error_x.array is None
    assert one.name == "mel"


def test_runs_differ_by_colour_and_shape_and_do_not_hide_each_other():
    values = np.array([[0.5, 0.5, 0.5]])
    figure = scores_figure(NAMES, [Series(str(place), values) for place in range(4)], "f1")
    assert len({(one.marker.color, one.marker.symbol) for one in figure.data}) == 4
    assert len({one.y[0] for one in figure.data}) == 4
    assert max(abs(one.y[0]) for one in figure.data) < 0.5


def test_undefined_scores_are_left_out_of_means():
    values = np.array([[np.nan, 0.8, np.nan], [0.4, 0.6, np.nan]])
    (one,) = scores_figure(NAMES, [Series("mel", values)], "average_precision").data
    np.testing.assert_allclose(one.x, [0.7, 0.4, np.nan])


@pytest.mark.parametrize("metric", SHOWN)
def test_the_axis_names_the_metric_and_the_cells(metric):
    figure = scores_figure(NAMES, [], metric, title="teaching set", cells=", known cells")
    assert figure.layout.xaxis.title.text == f"{SHOWN[metric]}, known cells"
    assert figure.layout.title.text == "teaching set"


def test_precision_and_recall_can_be_shown_beside_the_usual_metrics():
    assert set(SHOWN) == {*METRICS, "precision", "recall"}


def test_rows_stand_in_the_order_that_is_asked_for():
    values = np.array([[0.2, 0.8, 0.5]])
    figure = scores_figure(NAMES, [Series("mel", values)], "f1", order=[2, 0, 1])
    assert list(figure.layout.yaxis.ticktext) == ["mallet percussion", "violin", "voice"]
    np.testing.assert_allclose(figure.data[0].x, [0.5, 0.2, 0.8])
    assert list(figure.data[0].customdata) == ["mallet_percussion", "violin", "voice"]


def test_the_mean_row_holds_the_mean_of_each_run():
    values = np.array([[0.2, 0.8, np.nan], [0.4, 0.6, 0.2]])
    (one,) = scores_figure(NAMES, [Series("mel", values)], "f1", order=[0, 1, 2], mean=True).data
    np.testing.assert_allclose(one.x[-1], (0.5 + 0.4) / 2)
    np.testing.assert_allclose(one.x[-1] - one.error_x.arrayminus[-1], 0.4)
    np.testing.assert_allclose(one.x[-1] + one.error_x.array[-1], 0.5)
    assert one.customdata[-1] == ""
    assert one.y[-1] > one.y[-2] + 1


def test_a_series_keeps_its_style_whatever_else_is_drawn():
    (one,) = scores_figure(NAMES, [Series("mel", np.array([[0.5, 0.5, 0.5]]), 4)], "f1").data
    assert (one.marker.color, one.marker.symbol) == style(4)[:2]
    assert one.meta == "mel"


def test_scores_of_other_clips_stand_in_a_panel_of_their_own_without_our_colours():
    ours = [Series(name, np.array([[0.5, 0.4, 0.3]])) for name in ("a", "b")]
    theirs = Elsewhere("OpenMIC-2018", [Series("forest", np.array([0.7, 0.8, 0.9]))], np.array([0.3, 0.3, 0.4]))
    figure = scores_figure(
        NAMES, ours, "f1", order=[2, 1, 0], baseline=np.array([0.1, 0.1, 0.2]), elsewhere=theirs, mean=True
    )
    panels = {}
    for one in figure.data:
        panels.setdefault(one.xaxis or "x", []).append(one)
    assert [one.name for one in panels["x"]] == ["majority class", "a", "b"]
    assert [one.name for one in panels["x2"]] == ["majority class", "forest"]
    np.testing.assert_allclose(panels["x2"][1].x, [0.9, 0.8, 0.7, 0.8])
    np.testing.assert_allclose(panels["x2"][0].x[:3], [0.4, 0.3, 0.3])
    assert panels["x2"][1].marker.color not in {one.marker.color for one in panels["x"][1:]}
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert figure.layout.xaxis2.title.text == "OpenMIC-2018"
    assert [one.showlegend for one in panels["x2"]] == [False, None]


def test_an_empty_panel_says_why():
    figure = scores_figure(
        NAMES, [Series("a", np.ones((1, 3)))], "recall", elsewhere=Elsewhere("t", note="not published")
    )
    assert figure.layout.annotations[0].text == "not published"


def test_many_series_get_higher_rows():
    few, many = (
        scores_figure(NAMES, [Series(str(place), np.ones((1, 3)) / 2) for place in range(count)], "f1")
        for count in (3, 8)
    )
    assert many.layout.height > few.layout.height
    assert max(abs(one.y[0]) for one in many.data) < 0.5


@pytest.mark.parametrize(("count", "over"), [(1, True), (3, True), (8, False)])
def test_a_large_legend_stands_under_the_panel(count, over):
    series = [Series(f"a run with a long name, number {place}", np.ones((1, 3)) / 2) for place in range(count)]
    layout = scores_figure(NAMES, series[:1] if count == 1 else series, "f1").layout
    if count == 3:
        layout = scores_figure(NAMES, [Series(name, np.ones((1, 3))) for name in "abc"], "f1").layout
    assert (layout.legend.y > 0.5) == over
    room = layout.margin.t - 50 if over else layout.margin.b - 44
    assert room >= 20
