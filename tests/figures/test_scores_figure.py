import numpy as np
import pytest

from openmic_explore.figures import METRICS, Series, scores_figure

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
    assert mel.name == "mel (2 seeds)"


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


@pytest.mark.parametrize("metric", METRICS)
def test_the_axis_names_the_metric(metric):
    figure = scores_figure(NAMES, [], metric, title="teaching set")
    assert figure.layout.xaxis.title.text == METRICS[metric]
    assert figure.layout.title.text == "teaching set"
