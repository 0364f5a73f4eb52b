"""Answers as lanes, cells by state, a loss in two readings."""

import numpy as np
import pytest

from openmic_explore.figures.labels import COLOURS
from openmic_explore.figures.weak import Answer, answers_figure, false_absents_figure, losses_figure, matrix_figure

RANDOM = np.random.default_rng(0)
NAMES = ["mallet_percussion", "flute", "organ"]


def test_a_lane_has_a_bar_a_stretch():
    marked = np.zeros(100, dtype=bool)
    marked[:10] = marked[40:65] = True
    figure = answers_figure(
        [Answer("truth", ~marked, "#000000"), Answer("you", marked, "#0072B2", "0.50")], duration=10
    )
    bars = figure.data[1]
    assert list(zip(bars.y, bars.base, bars.x, strict=True)) == [(1, 0, 1), (1, 4, 2.5)]
    assert figure.layout.yaxis.ticktext == ("truth <b></b>", "you <b>0.50</b>")
    # What one marks and what the other does is the whole clip.
    assert sum(sum(trace.x) for trace in figure.data) == pytest.approx(10)


def test_the_curve_keeps_its_edges_and_threshold():
    edges, values = np.array([0.0, 2.5, 5.0, 10.0]), np.array([0.1, 0.4, 0.2])
    answers = [Answer("run", values >= 0.2, "#0072B2")]
    figure = answers_figure(answers, curve=(edges, values), threshold=0.2, curve_title=("a", "b"))
    curve = figure.data[1]
    assert curve.line.shape == "hv"
    np.testing.assert_allclose(curve.x, edges)
    np.testing.assert_allclose(curve.y, [0.1, 0.4, 0.2, 0.2])
    assert figure.layout.shapes[-1].y0 == 0.2


@pytest.mark.parametrize("parts", [1, 4])
def test_every_cell_is_where_and_what_it_is(parts):
    states = RANDOM.integers(-1, 2, (18, 3))
    figure = matrix_figure(states, [f"clip{row}" for row in range(18)], NAMES, parts=parts)
    bands = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(bands) == 3
    for place, band in enumerate(bands):
        z = np.asarray(band.z)
        assert z.shape == (parts, -(-18 // parts))
        np.testing.assert_array_equal(z.ravel()[:18], states[:, place])
        assert (z.ravel()[18:] == -1).all()
        # Bands follow each other without gap or overlap.
        assert (band.y0, band.dy) == (place * parts, 1)
        # A state's colour is the one of the legend, over the third of the scale in whose middle the state lies.
        assert (band.zmin, band.zmax) == (-1, 1)
        assert [edge for edge, _ in band.colorscale] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
        scale = dict(zip([-1, -1, 0, 0, 1, 1], [colour for _, colour in band.colorscale], strict=True))
        assert scale == COLOURS
    if parts == 1:
        said = bands[1].customdata[0][5]
        assert said == f"{['unknown', 'absent', 'present'][states[5, 1] + 1]}<br>clip clip5"
        assert [bands[1].text[0][row] for row in range(18)] == [["", "○", "●"][state + 1] for state in states[:, 1]]
    else:
        assert np.asarray(bands[0].customdata).ravel()[:18].tolist() == list(range(1, 19))
        assert [words for line in bands[1].text for words in line][:18] == [
            ["unknown", "absent", "present"][state + 1] for state in states[:, 1]
        ]


def test_false_absents_are_marked_where_they_are():
    state = np.array([-1, 1, -1])
    absent = np.array([0.7, 0.1, 2.0])
    masked = np.where(state >= 0, absent, np.nan)
    figure = losses_figure(NAMES, state, np.array([0.5, 0.9, 0.86]), masked, absent, np.array([False, True, True]))
    first, second, marks = figure.data
    np.testing.assert_array_equal(first.x, masked)
    np.testing.assert_array_equal(second.x, absent)
    assert list(marks.x) == [2.0]
    assert [text.split()[0] for text in marks.y] == ["organ"]
    assert "●" in second.y[1]
    # Nobody knows: nothing is marked.
    assert len(losses_figure(NAMES, state, np.full(3, 0.5), masked, absent).data[2].x) == 0


def test_most_false_absents_come_first():
    figure = false_absents_figure(NAMES, np.array([5, 6, 7]), np.array([1, 30, 2]))
    assert list(figure.data[0].y) == ["flute", "organ", "mallet percussion"]
    assert list(figure.data[0].x) == [6, 7, 5]
    assert list(figure.data[1].x) == [30, 2, 1]
