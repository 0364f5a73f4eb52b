import numpy as np
import pytest

from openmic_explore.figures.attention import Column, attention_figure
from openmic_explore.figures.panels import Line
from openmic_explore.figures.style import style
from tests.figures.test_clip_figure import MEL, SCALOGRAM

RNG = np.random.default_rng(1)


def line(name: str, place: int, frames: int = 10, *, known: bool = True, present: bool | None = None) -> Line:
    attention = RNG.random(frames)
    attention /= attention.sum()
    frame = RNG.random(frames)
    active = np.zeros(100, dtype=bool)
    active[20:35] = active[60:] = True
    return Line(
        name,
        style(place),
        attention,
        frame,
        active if known else None,
        product=attention * frame,
        estimate=np.linspace(0.1, 0.8, frames),
        present=present,
    )


def on(figure, x):
    """The traces over a time axis."""
    return [one for one in figure.data if one.xaxis == x]


def test_a_column_a_run_and_a_row_a_kind_on_one_time_axis():
    columns = [
        Column("mean", [line("violin", 0), line("voice", 1)]),
        Column("max", [line("violin", 0), line("voice", 1)]),
    ]
    figure = attention_figure(MEL, columns)
    assert len({one.xaxis for one in figure.data}) == 12
    assert [one.type for one in on(figure, "x")] == [one.type for one in on(figure, "x2")] == ["heatmap"]
    for column in (1, 2):
        kinds = [on(figure, f"x{row * 2 + column}" if row * 2 + column > 1 else "x") for row in range(6)]
        assert [len(kind) for kind in kinds] == [1, 2, 2, 2, 2, 2]
    assert all(figure.layout[f"xaxis{number}"].matches == "x" for number in range(2, 13))
    titles = [note.text for note in figure.layout.annotations]
    assert titles[:2] == ["<b>mean</b>", "<b>max</b>"]


def test_each_value_stands_where_its_frame_is_and_an_estimate_where_its_frame_ends():
    one = line("violin", 0, 4)
    figure = attention_figure(None, [Column("cnn", [one], 1.25, 1.0)])
    attention, estimate = on(figure, "x2")[0], on(figure, "x5")[0]
    np.testing.assert_allclose(attention.x[1:-1], 1.0 + (np.arange(4) + 0.5) * 1.25)
    np.testing.assert_allclose(attention.y[1:-1], one.attention, atol=1e-5)
    np.testing.assert_allclose(estimate.x, [2.25, 3.5, 4.75, 6.0])
    np.testing.assert_allclose(estimate.y, one.estimate, atol=1e-5)
    assert estimate.line.shape == "hv"


def test_a_row_has_one_scale_for_all_runs():
    first, second = line("violin", 0), line("violin", 0)
    loud = Line(**{**vars(second), "attention": np.eye(10)[3], "frame": second.frame - 0.9})
    layout = attention_figure(None, [Column("mean", [first]), Column("max", [loud])]).layout
    assert layout.yaxis3.range == layout.yaxis4.range == (0, pytest.approx(1.08))
    assert layout.yaxis5.range == layout.yaxis6.range == (pytest.approx(-1.06), pytest.approx(1.06))


def test_labels_stand_at_the_end_of_the_estimate_where_they_are_known():
    lines = [line("violin", 0, present=True), line("voice", 1, present=False), line("organ", 2)]
    marks = [one for one in attention_figure(None, [Column("mean", lines)]).data if one.name.startswith("label")]
    assert [(one.name, one.y) for one in marks] == [("label of violin", (1.0,)), ("label of voice", (0.0,))]
    assert all(one.marker.symbol.endswith("-open") for one in marks)


def test_one_instrument_is_shaded_where_it_sounds_and_several_are_not():
    def bands(lines):
        return [
            shape for shape in attention_figure(None, [Column("mean", lines)]).layout.shapes if shape.type == "rect"
        ]

    found = bands([line("violin", 0)])
    assert len(found) == 2 * 4
    assert {(shape.x0, shape.x1) for shape in found} == {(2.0, 3.5), (6.0, 10.0)}
    assert bands([line("violin", 0), line("voice", 1)]) == []
    assert bands([line("violin", 0, known=False)]) == []


def test_without_truth_picture_or_lines_what_there_is_remains():
    figure = attention_figure(None, [Column("mean", [line("violin", 0, known=False)])])
    assert "xaxis5" not in figure.layout.to_plotly_json()
    name, first = figure.layout.annotations[:2]
    assert (name.text, first.text[:16]) == ("<b>mean</b>", "<b>Attention</b>")
    assert name.yshift > first.yshift + 10
    figure = attention_figure(SCALOGRAM, [Column("cnn", [], note="no scalogram")], mel=False)
    assert [note.text for note in figure.layout.annotations if note.text == "no scalogram"]
    assert figure.data[0].y[0] == "27.5 Hz (A0)"
    empty = attention_figure(MEL, [])
    assert empty.data == ()
    assert [note.text for note in empty.layout.annotations] == ["<b>No run is chosen</b>"]
