from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from openmic_explore.figures import Line, clip_figure, style


class Picture(NamedTuple):
    values: np.ndarray
    frequency: np.ndarray
    time: np.ndarray
    low: float
    high: float
    unit: str


RNG = np.random.default_rng(0)
MEL = Picture(
    RNG.integers(0, 256, (64, 998), dtype=np.uint8),
    np.geomspace(140, 7400, 64),
    0.0125 + 0.01 * np.arange(998),
    -4.6,
    4.6,
    "ln",
)
SCALOGRAM = Picture(
    RNG.integers(0, 256, (128, 128), dtype=np.uint8),
    np.geomspace(27.5, 19000, 128),
    (np.arange(128) + 0.5) / 12.8,
    -100,
    0,
    "dB",
)


def line(name: str, place: int, known: bool = True) -> Line:
    attention = RNG.random(10)
    active = np.zeros(100, dtype=bool)
    active[20:35] = active[60:] = True
    return Line(name, style(place), attention / attention.sum(), RNG.random(10), active if known else None)


def test_every_panel_has_data_on_one_time_axis():
    figure = clip_figure(MEL, SCALOGRAM, [line("violin", 0), line("voice", 1)])
    assert [one.type for one in figure.data] == ["heatmap"] * 2 + ["scatter"] * 4 + ["bar"] * 2
    assert {one.xaxis for one in figure.data} == {"x", "x2", "x3", "x4", "x5"}
    for row in range(2, 6):
        assert figure.layout[f"xaxis{row}"].matches == "x"
    assert figure.layout.xaxis5.title.text == "time (s)"
    assert figure.layout.yaxis.title.text == figure.layout.yaxis2.title.text == "Hz"


def test_panels_do_not_overlap_and_fill_the_height():
    figure = clip_figure(MEL, SCALOGRAM, [line("violin", 0)])
    domains = [figure.layout[f"yaxis{row}" if row > 1 else "yaxis"].domain for row in range(1, 6)]
    assert domains[0][1] == pytest.approx(1)
    assert domains[-1][0] == pytest.approx(0, abs=1e-9)
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))


def test_pictures_are_8_bits_placed_by_their_axes():
    mel, scalogram = clip_figure(MEL, SCALOGRAM, []).data[:2]
    np.testing.assert_array_equal(mel.z, MEL.values)
    assert mel.z.dtype == scalogram.z.dtype == np.uint8
    assert (mel.x0, mel.dx) == (pytest.approx(0.0125), pytest.approx(0.01))
    np.testing.assert_allclose(scalogram.y, SCALOGRAM.frequency)
    assert mel.y[0] == "140.0 Hz"
    assert (mel.zmin, mel.zmax) == (0, 255)


def test_mel_ticks_stand_at_their_frequency():
    axis = clip_figure(MEL, SCALOGRAM, []).layout.yaxis
    for place, text in zip(axis.tickvals, axis.ticktext, strict=True):
        below = max(0, int(np.floor(place)))
        assert MEL.frequency[below] <= float(text) * 1.13
        assert MEL.frequency[min(63, below + 1)] >= float(text) * 0.98
    assert "1000" in axis.ticktext


def test_colour_bars_name_the_unit_and_the_value_behind_each_level():
    bars = [one.colorbar for one in clip_figure(MEL, SCALOGRAM, []).data[:2]]
    assert [bar.title.text for bar in bars] == ["ln", "dB"]
    for bar, picture in zip(bars, (MEL, SCALOGRAM), strict=True):
        values = picture.low + np.array(bar.tickvals) / 255 * (picture.high - picture.low)
        np.testing.assert_allclose(values, [float(text) for text in bar.ticktext], atol=1e-9)
        assert 3 <= len(values) <= 6


def test_a_frame_is_a_step_around_its_middle():
    one = line("violin", 0)
    figure = clip_figure(None, None, [one], frame_length=0.96)
    (curve,) = [drawn for drawn in figure.data if drawn.yaxis == "y3"]
    np.testing.assert_allclose(curve.x[1:-1], (np.arange(10) + 0.5) * 0.96)
    np.testing.assert_allclose(curve.y[1:-1], one.attention, atol=1e-5)
    assert (curve.x[0], curve.x[-1]) == (0, pytest.approx(9.6))
    assert curve.line.shape == "hvh"


def test_frames_that_begin_later_than_the_clip_are_drawn_where_they_are():
    (curve,) = [
        drawn
        for drawn in clip_figure(None, None, [line("violin", 0)], frame_length=0.9, frame_start=0.4).data
        if drawn.yaxis == "y3"
    ]
    np.testing.assert_allclose(curve.x[1:-1], 0.4 + (np.arange(10) + 0.5) * 0.9)
    assert (curve.x[0], curve.x[-1]) == (0.4, pytest.approx(9.4))


def test_equal_weight_is_drawn_at_one_over_the_frames():
    (mark,) = clip_figure(MEL, SCALOGRAM, [line("violin", 0)]).layout.shapes
    assert mark.y0 == mark.y1 == pytest.approx(0.1)
    assert mark.yref == "y3"


def test_true_activity_is_one_bar_a_stretch():
    figure = clip_figure(MEL, SCALOGRAM, [line("violin", 0)], activity_length=0.1)
    lane = next(one for one in figure.data if one.type == "bar")
    np.testing.assert_allclose(lane.base, [2.0, 6.0])
    np.testing.assert_allclose(lane.x, [1.5, 4.0])
    assert tuple(figure.layout.yaxis5.ticktext) == ("violin",)


def test_without_truth_there_is_no_truth_panel():
    figure = clip_figure(MEL, SCALOGRAM, [line("violin", 0, known=False)])
    assert "yaxis5" not in figure.layout
    assert figure.layout.xaxis4.title.text == "time (s)"


def test_scores_below_zero_widen_the_axis():
    one = line("violin", 0)
    negative = Line("violin", style(0), one.attention, one.frame - 0.9)
    assert clip_figure(None, None, [one]).layout.yaxis4.range[0] == pytest.approx(-0.06)
    assert clip_figure(None, None, [negative]).layout.yaxis4.range[0] == pytest.approx(-1.06)


def test_an_empty_panel_says_why():
    figure = clip_figure(None, None, [], notes={"log_mel": "no audio here"})
    (note,) = [note for note in figure.layout.annotations if note.text == "no audio here"]
    assert (note.xref, note.yref) == ("x domain", "y domain")
    # plotly draws no axes, so neither the note, for a panel without any trace
    assert [one.yaxis for one in figure.data] == ["y", "y2", "y3", "y4"]
    assert all(one.y == (None,) for one in figure.data)


def test_instruments_differ_by_colour_and_shape():
    first = [style(place) for place in range(20)]
    assert len({(one.colour, one.dash) for one in first}) == 20
    assert len({one.symbol for one in first[:8]}) == len({one.glyph for one in first[:8]}) == 8


def test_panels_can_be_left_out_and_keep_their_order():
    figure = clip_figure(MEL, SCALOGRAM, [line("violin", 0)], panels=["truth", "scalogram"])
    assert [one.type for one in figure.data] == ["heatmap", "bar"]
    assert figure.layout.xaxis2.title.text == "time (s)"
    assert "xaxis3" not in figure.layout.to_plotly_json()
    assert figure.layout.height < clip_figure(MEL, SCALOGRAM, [line("violin", 0)]).layout.height
