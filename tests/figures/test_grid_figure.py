import numpy as np
import pytest

from openmic_explore.figures import grid_figure


def pictures(count=3):
    return {f"picture {n}": np.full((2, 5), n / 10) for n in range(count)}


def test_pictures_come_in_reading_order_on_shared_axes_and_colours():
    figure = grid_figure(pictures(), columns=2, low=0, high=1, across="epoch", title="t")
    assert [trace.name for trace in figure.data] == ["picture 0", "picture 1", "picture 2"]
    assert [(trace.xaxis, trace.yaxis) for trace in figure.data] == [("x", "y"), ("x2", "y2"), ("x3", "y3")]
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert [note.text for note in figure.layout.annotations] == list(pictures())


def test_columns_are_centred_where_they_are_said_to_be():
    (one,) = grid_figure(pictures(1), columns=1, low=0, high=1, across="time (s)", first=0.5, step=2.0).data
    assert (one.x0, one.dx) == (0.5, 2.0)
    np.testing.assert_array_equal(one.z, np.zeros((2, 5)))


def test_named_rows_are_all_shown_the_first_on_top():
    figure = grid_figure(pictures(2), columns=2, low=0, high=1, across="epoch", rows=["mallet_percussion", "voice"])
    assert list(figure.data[0].y) == ["mallet percussion", "voice"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.dtick == 1


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_panels_keep_their_height_however_many_there_are(count):
    figure = grid_figure(pictures(count), columns=1, low=0, high=1, across="epoch", height=200)
    layout = figure.layout
    inside = layout.height - layout.margin.t - layout.margin.b
    names = ["yaxis", *(f"yaxis{n}" for n in range(2, count + 1))]
    heights = [inside * (layout[name].domain[1] - layout[name].domain[0]) for name in names]
    assert min(heights) > 150
    assert max(heights) < 260
