import numpy as np
import plotly.graph_objects as go
import pytest

from openmic_explore.figures import Panel, Series, paper_figure
from openmic_explore.figures.redraw import redraw

ROWS = ("violin", "voice", "mallet_percussion")
KINDS = pytest.mark.parametrize("kind", [go.Figure, go.FigureWidget])


def panel(first=0.2, **others):
    series = [Series("a", np.array([[first, 0.8, 0.5], [0.4, 0.6, 0.5]])), Series("b", np.array([[0.1, 0.2, 0.3]]))]
    return Panel(**{"title": "set, 2 seeds", "axis": "F1", "series": series} | others)


@KINDS
def test_a_figure_turns_into_another_of_its_kind(kind):
    old = kind(paper_figure(ROWS, [panel(), panel()], title="old"))
    new = paper_figure(ROWS, [panel(0.9, axis="AP", note="less"), panel(0.1, bounds=(0.2, 1.0))], title="new")
    redraw(old, new)
    for changed, wanted in zip(old.data, new.data, strict=True):
        np.testing.assert_array_equal(changed.x, wanted.x)
        for side in ("array", "arrayminus"):
            np.testing.assert_array_equal(changed.error_x[side], wanted.error_x[side])
    assert old.layout.title.text == "new"
    assert [note.text for note in old.layout.annotations] == [note.text for note in new.layout.annotations]
    for axis in ("xaxis", "xaxis2", "yaxis"):
        assert old.layout[axis].title.text == new.layout[axis].title.text
        assert old.layout[axis].range == new.layout[axis].range


@KINDS
def test_its_shapes_and_its_height_follow(kind):
    def drawn(height, *levels):
        lines = [{"type": "line", "x0": 0, "x1": 1, "y0": level, "y1": level} for level in levels]
        return go.Figure(layout={"height": height, "shapes": lines})

    figure = kind(drawn(100, 0.2))
    for height, levels in ((300, (0.4, 0.6)), (200, ())):
        redraw(figure, drawn(height, *levels))
        assert figure.layout.height == height
        assert tuple(shape.y0 for shape in figure.layout.shapes) == levels


@KINDS
def test_an_axis_without_a_title_or_a_range_keeps_its_own(kind):
    figure = kind(layout={"xaxis": {"title": {"text": "s"}, "range": [0, 3]}})
    redraw(figure, go.Figure(layout={"xaxis": {"gridcolor": "red"}}))
    assert (figure.layout.xaxis.title.text, figure.layout.xaxis.range) == ("s", (0, 3))


def test_figures_of_other_traces_are_not_turned_into_each_other():
    with pytest.raises(ValueError, match="zip"):
        redraw(paper_figure(ROWS, [panel()]), paper_figure(ROWS, [panel(), panel()]))
