"""A panel a run, each frame where it lies in time; the truth in a panel of its own."""

import numpy as np
import pytest

from openmic_explore.figures.heard import Heard, answers_grid, heard_figure

RANDOM = np.random.default_rng(0)
NAMES = ["mallet_percussion", "flute", "organ"]


def runs() -> list[Heard]:
    return [Heard("one second", RANDOM.random((25, 3)), 0.0, 1.0), Heard("a cnn", RANDOM.random((18, 3)), 1.25, 1.25)]


def test_a_frame_s_cell_covers_the_frame():
    given = runs()
    figure = heard_figure(given, NAMES, duration=25.0)
    assert len(figure.data) == 2
    for trace, run in zip(figure.data, given, strict=True):
        np.testing.assert_allclose(trace.z, run.score.T, rtol=1e-6)
        assert trace.x0 - trace.dx / 2 == pytest.approx(run.start)
        assert trace.dx == run.length
    assert figure.layout.xaxis2.range == (0, 25)
    assert [note.text for note in figure.layout.annotations] == ["one second", "a cnn"]


def test_rows_are_instruments_from_top_to_bottom():
    figure = heard_figure(runs(), NAMES, duration=25.0)
    assert figure.layout.yaxis.ticktext == ("mallet percussion", "flute", "organ")
    assert figure.layout.yaxis.range == (2.5, -0.5)
    assert figure.data[0].customdata[0][0] == "mallet percussion"


def test_colours_go_from_0_to_1_whatever_the_scores():
    quiet = [Heard("a", np.full((25, 3), 0.2), 0.0, 1.0), Heard("b", np.full((25, 3), 0.4), 0.0, 1.0)]
    for figure in (
        heard_figure(quiet, NAMES, duration=25.0),
        answers_grid({one.name: one.score for one in quiet}, [str(place) for place in range(25)], NAMES),
    ):
        assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
        assert [trace.coloraxis for trace in figure.data] == ["coloraxis", "coloraxis"]


def test_the_truth_is_drawn_as_it_is():
    active = np.zeros((3, 250), dtype=bool)
    active[1, :30] = active[1, 100:250] = active[2, 5] = True
    figure = heard_figure(runs(), NAMES, duration=25.0, active=active)
    bars = figure.data[-1]
    assert list(zip(bars.y, bars.base, bars.x, strict=True)) == [(1, 0, 3), (1, 10, 15), (2, 0.5, 0.1)]
    assert bars.customdata[1] == ["flute", 25.0]
    assert figure.layout.xaxis3.title.text == "time (s)"
    assert figure.layout.xaxis.title.text is None


def test_a_sound_in_which_nothing_sounds_has_an_empty_panel():
    figure = heard_figure(runs(), NAMES, duration=25.0, active=np.zeros((3, 250), dtype=bool))
    assert len(figure.data) == 3
    assert len(figure.data[-1].x) == 0


def test_answers_have_a_row_a_sound_and_a_column_an_instrument():
    values = {"a": RANDOM.random((2, 3)), "b": RANDOM.random((2, 3))}
    figure = answers_grid(values, ["silence", "noise"], NAMES, title="what they say")
    for trace, (name, value) in zip(figure.data, values.items(), strict=True):
        np.testing.assert_allclose(trace.z, value, rtol=1e-6)
        assert trace.text[1][0] == "mallet percussion"
        assert trace.customdata[1][0] == "noise"
        assert name in [note.text for note in figure.layout.annotations]
    assert figure.layout.xaxis2.ticktext == ("mallet percussion", "flute", "organ")
    assert figure.layout.title.text == "what they say"
