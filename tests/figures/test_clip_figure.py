from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from openmic_explore.figures import Line, clip_figure, style
from openmic_explore.figures.axes import note_name
from openmic_explore.figures.clip import Manner
from openmic_explore.figures.panels import Wave


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
    assert (mel.y[0], scalogram.y[0]) == ("140.0 Hz (C♯3)", "27.5 Hz (A0)")
    assert len(scalogram.y) == 128
    assert (mel.zmin, mel.zmax) == (0, 255)


def test_scalogram_ticks_stand_at_octaves_that_are_equally_far_apart():
    axis = clip_figure(MEL, SCALOGRAM, []).layout.yaxis2
    named = {float(text): place for place, text in zip(axis.tickvals, axis.ticktext, strict=True) if text}
    assert list(named) == [27.5, 110, 440, 1760, 7040]
    for hertz, place in named.items():
        assert np.interp(place, np.arange(128), np.log(SCALOGRAM.frequency)) == pytest.approx(np.log(hertz), abs=1e-3)
    assert np.ptp(np.diff(axis.tickvals)) < 0.01


def test_notes_can_stand_before_the_hertz():
    layout = clip_figure(MEL, SCALOGRAM, [], manner=Manner(pitch=True)).layout
    assert "A4 440" in layout.yaxis.ticktext
    assert "A4 440" in layout.yaxis2.ticktext


@pytest.mark.parametrize(
    ("hertz", "name"),
    [(440, "A4"), (261.63, "C4"), (27.5, "A0"), (466.16, "A♯4"), (4186, "C8"), (452.7, "A4"), (453.3, "A♯4")],
)
def test_a_frequency_is_the_nearest_note(hertz, name):
    assert note_name(hertz) == name


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


def test_the_waveform_is_a_band_over_its_own_time():
    wave = Wave(np.linspace(-0.5, 0, 500), np.linspace(0.5, 0, 500), 10.0)
    figure = clip_figure(MEL, None, [], wave=wave, panels=["waveform", "log_mel"])
    low, high = figure.data[:2]
    np.testing.assert_allclose(low.y, wave.low, atol=1e-4)
    np.testing.assert_allclose(high.y, wave.high, atol=1e-4)
    assert high.fill == "tonexty"
    assert low.x0 + 499 * low.dx == pytest.approx(10 - low.dx / 2)
    assert figure.layout.yaxis.range[1] > 0.5
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]


def test_pictures_stand_in_pairs_and_the_rest_keeps_the_whole_width():
    wave = Wave(-np.ones(9), np.ones(9), 10.0)
    panels = ["waveform", "log_mel", "scalogram", "network", "truth"]
    layout = clip_figure(
        MEL, SCALOGRAM, [line("violin", 0)], wave=wave, network=SCALOGRAM, panels=panels, manner=Manner(beside=True)
    ).layout
    across = [tuple(layout[f"xaxis{number}"].domain) for number in ("", 2, 3, 4, 5)]
    assert across[0] == across[4] == (0, 1)
    assert across[1] == across[3]
    assert across[1][1] < across[2][0]
    assert layout.yaxis2.domain == layout.yaxis3.domain
    assert layout.yaxis4.domain[1] < layout.yaxis3.domain[0]
    assert {layout[f"xaxis{number}"].matches for number in (2, 3, 4, 5)} == {"x"}


def test_colours_end_at_the_decibels_asked_for_and_only_pictures_in_decibels_follow():
    mel, scalogram = clip_figure(MEL, SCALOGRAM, [], manner=Manner(colours=(-75, -25))).data[:2]
    assert (mel.zmin, mel.zmax) == (0, 255)
    assert (scalogram.zmin, scalogram.zmax) == (pytest.approx(255 * 0.25), pytest.approx(255 * 0.75))


def test_without_plotlys_labels_a_picture_says_what_its_levels_and_rows_stand_for():
    mel = clip_figure(MEL, None, [], manner=Manner(hover=False)).data[0]
    assert mel.hoverinfo == "skip"
    assert (mel.meta["low"], mel.meta["high"], mel.meta["unit"]) == (-4.6, 4.6, "ln")
    np.testing.assert_allclose(mel.meta["frequency"], MEL.frequency, atol=0.01)


def test_the_legend_stands_beside_the_first_curves_or_not_at_all():
    lines = [line("violin", 0), line("voice", 1)]
    for panels in (["attention", "frame"], ["frame"]):
        drawn = clip_figure(None, None, lines, panels=panels).data
        assert [one.name for one in drawn if one.showlegend] == ["violin", "voice"]
    assert not any(one.showlegend for one in clip_figure(None, None, lines, manner=Manner(legend=False)).data)
