import numpy as np

from openmic_explore.figures import Panel, Series, paper_figure, style

ROWS = ("violin", "voice", "mallet_percussion")


def panel(first=0.2, **others):
    series = [Series("a", np.array([[first, 0.8, 0.5], [0.4, 0.6, 0.5]])), Series("b", np.array([[0.1, 0.2, 0.3]]))]
    return Panel(**{"title": "set, 2 seeds", "axis": "F1", "series": series} | others)


def test_instruments_stay_in_their_order_with_the_mean_of_each_run_below():
    figure = paper_figure(ROWS, [panel()])
    assert list(figure.layout.yaxis.ticktext) == ["violin", "voice", "mallet percussion", "<b>mean</b>"]
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < 0 < figure.layout.yaxis.tickvals[2] < figure.layout.yaxis.tickvals[3] < bottom
    a = next(trace for trace in figure.data if trace.name == "a")
    np.testing.assert_allclose(a.x, [0.3, 0.7, 0.5, 0.5])
    np.testing.assert_allclose(np.add(a.x, a.error_x.array), [0.4, 0.8, 0.5, 0.5])
    np.testing.assert_allclose(np.subtract(a.x, a.error_x.arrayminus), [0.2, 0.6, 0.5, 0.5])


def test_the_mean_s_bar_is_of_means_not_of_instruments():
    values = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5]])  # runs that disagree everywhere, with one mean
    figure = paper_figure(ROWS, [Panel("", "F1", [Series("a", values)])])
    a = figure.data[-1]
    assert (a.x[3], a.error_x.array[3], a.error_x.arrayminus[3]) == (0.5, 0.0, 0.0)
    assert a.error_x.array[0] == 0.5


def test_a_series_looks_the_same_in_every_panel_and_is_listed_once():
    swapped = Panel("other", "F1", panel().series[::-1])
    figure = paper_figure(ROWS, [panel(), swapped])
    looks = {}
    for trace in figure.data:
        looks.setdefault(trace.name, set()).add((trace.marker.symbol, trace.marker.color))
    assert all(len(seen) == 1 for seen in looks.values())
    assert looks["a"] == {(style(0).symbol, style(0).colour)}
    assert [trace.name for trace in figure.data if trace.showlegend] == ["a", "b"]  # and no baseline that is not there
    assert {trace.xaxis for trace in figure.data if trace.name == "b"} == {"x", "x2"}


def test_no_mark_of_a_row_hides_another_or_leaves_it():
    many = [Series(str(place), np.full((1, 3), 0.5)) for place in range(5)]
    figure = paper_figure(ROWS, [Panel("", "F1", many)])
    heights = [trace.y[0] for trace in figure.data if trace.name.isdigit()]
    assert len(set(heights)) == 5
    assert heights == sorted(heights)
    assert max(map(abs, heights)) < 0.5


def test_baselines_are_drawn_where_they_are_known():
    figure = paper_figure(ROWS, [panel(majority=np.array([0.1, 0.2, 0.6])), panel()])
    first, second = (trace for trace in figure.data if trace.name == "majority class")
    np.testing.assert_allclose(first.x, [0.1, 0.2, 0.6, 0.3])
    assert np.isnan(np.asarray(second.x, dtype=float)).all()


def test_the_forest_is_drawn_where_it_is_known_with_a_bar_over_its_runs():
    forest = np.array([[0.1, 0.5, 0.9], [0.3, 0.5, 0.7]])
    figure = paper_figure(ROWS, [panel(), panel(forest=forest)])
    first, second = (trace for trace in figure.data if trace.name == "random forest")
    assert np.isnan(np.asarray(first.x, dtype=float)).all()
    assert (first.xaxis, second.xaxis) == ("x", "x2")
    np.testing.assert_allclose(second.x, [0.2, 0.5, 0.8, 0.5])
    np.testing.assert_allclose(np.add(second.x, second.error_x.array), [0.3, 0.5, 0.9, 0.5])
    np.testing.assert_allclose(np.subtract(second.x, second.error_x.arrayminus), [0.1, 0.5, 0.7, 0.5])
    assert second.error_x.visible
    assert [trace.name for trace in figure.data if trace.showlegend] == ["random forest", "a", "b"]


def test_one_run_has_no_bar_and_a_missing_score_no_mark():
    one = Panel("", "F1", [Series("a", np.array([[0.2, np.nan, 0.4]]))])
    trace = paper_figure(ROWS, [one]).data[-1]
    assert not trace.error_x.visible
    np.testing.assert_allclose(trace.x, [0.2, np.nan, 0.4, 0.3])


def test_an_empty_panel_says_why():
    figure = paper_figure(ROWS, [panel(), Panel("b", "F1", [], note="not logged")])
    assert "not logged" in [note.text for note in figure.layout.annotations]
