"""The toy of five frames, the sliding logit, one instrument as several models see it, and localisation with controls."""

import numpy as np
import plotly.graph_objects as go
import pytest

from openmic_explore.figures.pooling import (
    Found,
    Look,
    Pooled,
    localisation_figure,
    looks_figure,
    slide_figure,
    toy_figure,
)
from openmic_explore.figures.redraw import redraw

ODDS = np.array([-3.0, -1.0, 4.0, 1.0, -3.0])


class Picture:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    frequency = np.array([100.0, 1000.0, 7000.0])
    time = np.array([1.25, 3.75, 6.25, 8.75])
    low, high, unit = -80.0, 0.0, "dB"


def pooled(attention: bool) -> Pooled:
    weight = np.full(5, 0.2)
    return Pooled(ODDS, weight, 0.1 * weight, 0.1 * ODDS if attention else None, 0.4)


def looks(shift: float = 0.0) -> list[Look]:
    frame = np.linspace(0.1, 0.9, 10) - shift
    return [Look("mean", frame, np.full(10, 0.1), 0.7), Look("max", frame[::-1], np.eye(10)[3], 0.2)]


def scatters(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.type == "scatter" and (trace.name or "").startswith(name)]


def test_the_toy_has_a_column_a_pooling_and_says_where_there_is_nothing_to_push():
    figure = toy_figure({"mean": pooled(False), "attention": pooled(True)}, title="toy")
    bars = {(trace.name, place // 2): trace for place, trace in enumerate(figure.data)}
    np.testing.assert_array_equal(bars["mean", 0].y, ODDS)
    np.testing.assert_array_equal(bars["attention", 3].y, 0.1 * ODDS)
    assert not np.any(bars["mean", 3].y)
    assert [note.text for note in figure.layout.annotations].count("nothing to learn here") == 1
    assert "clip 0.40" in figure.layout.annotations[0].text
    # A row has one axis for all poolings, wide enough for either.
    for row, values in enumerate((ODDS, np.full(5, 0.2))):
        low, high = figure.layout["yaxis" if row == 0 else f"yaxis{2 * row + 1}"].range
        assert low <= values.min()
        assert high > values.max()


def test_the_toy_s_bars_say_their_values_and_which_way_a_push_goes():
    odds, weight = np.array([-3.0, 0.0, 4.0]), np.array([0.25, 0.5, 0.125])
    push, attention = np.array([-0.125, 0.0, 0.5]), np.array([0.125, 0.0, -0.5])
    figure = toy_figure({"attention": Pooled(odds, weight, push, attention, 0.4)})
    assert [list(trace.text) for trace in figure.data] == [
        ["-3", "0", "+4"], ["0.25", "0.5", "0.125"], ["-0.12", "0", "+0.5"], ["+0.12", "0", "-0.5"],
    ]  # fmt: skip


def test_the_sliding_point_lies_on_its_curve():
    curve = np.linspace(-2, 2, 5), np.array([0.1, 0.2, 0.4, 0.8, 0.9])
    figure = slide_figure(np.array([0.2, 0.5, 0.3]), curve, 0.5, levels={"mean": 0.3}, moved=1, title="t")
    bars, _, point, level = figure.data
    assert list(bars.y) == [0.2, 0.5, 0.3]
    assert len({bars.marker.color[0], bars.marker.color[2]}) == 1
    assert bars.marker.color[1] == point.marker.color != bars.marker.color[0]
    assert (point.x[0], point.y[0]) == (0.5, pytest.approx(0.6))
    assert (level.y[0], level.y[1], level.text[1]) == (0.3, 0.3, "mean")
    assert figure.layout.annotations[1].text.endswith("0.60")
    assert figure.layout.xaxis2.title.text == "attention logit of frame 2"


def test_a_model_keeps_its_look_from_panel_to_panel_and_the_product_is_one():
    figure = looks_figure(Picture(), looks(), np.array([0, 1, 1, 0], bool), frame_length=1.0, activity_length=2.5)
    for look in looks():
        frame, attention, product = scatters(figure, look.name)
        assert len({(trace.line.color, trace.marker.symbol) for trace in (frame, attention, product)}) == 1
        np.testing.assert_allclose(product.y, np.asarray(frame.y) * np.asarray(attention.y), atol=1e-5)
        assert (frame.x[1], frame.x[-2]) == (0.5, 9.5)
        assert frame.showlegend
        assert not attention.showlegend
    assert scatters(figure, "max")[0].line.color != scatters(figure, "mean")[0].line.color
    heatmap = figure.data[0]
    assert (heatmap.type, heatmap.x0, heatmap.dx) == ("heatmap", 1.25, 2.5)
    # Truth: from 2.5 to 7.5 s, the whole height of each panel.
    for shade, axis in zip(scatters(figure, "really"), ("yaxis2", "yaxis3", "yaxis4"), strict=True):
        assert set(shade.x) == {2.5, 7.5}
        assert (min(shade.y), max(shade.y)) == figure.layout[axis].range


def test_frames_that_begin_later_are_drawn_where_they_are():
    figure = looks_figure(None, looks(), None, frame_length=0.5, frame_start=2.0)
    frame = scatters(figure, "mean")[0]
    assert (frame.x[0], frame.x[1], frame.x[-1]) == (2.0, 2.25, 7.0)


def test_without_sound_or_truth_there_is_neither_picture_nor_shade():
    figure = looks_figure(None, looks(), None, frame_length=1.0)
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert all(not shade.x and not shade.showlegend for shade in scatters(figure, "really"))


def test_negative_scores_of_the_published_head_fit_their_axes():
    figure = looks_figure(None, looks(shift=1.0), None, frame_length=1.0)
    assert figure.layout.yaxis.range[0] < -1
    low, high = figure.layout.yaxis3.range
    products = [np.asarray(trace.y) for name in ("mean", "max") for trace in scatters(figure, name)[2:]]
    assert low <= min(map(np.min, products)) < 0 < high


def test_one_clip_is_redrawn_as_another_however_often_it_pauses():
    active = np.array([1, 0, 1, 0, 1, 0, 1, 0], bool)
    figure = looks_figure(Picture(), looks(), active[:4], frame_length=1.0, title="first")
    new = looks_figure(Picture(), looks(shift=1.0), active, frame_length=1.0, title="second")
    redraw(figure, new)
    assert figure.layout.title.text == "second"
    assert figure.layout.yaxis2.range == new.layout.yaxis2.range
    for trace, other in zip(figure.data, new.data, strict=True):
        assert trace.name == other.name
        if trace.type == "scatter":
            np.testing.assert_array_equal(np.array(trace.x, dtype=float), np.array(other.x, dtype=float))
            np.testing.assert_array_equal(np.array(trace.y, dtype=float), np.array(other.y, dtype=float))


def test_controls_stand_in_the_row_of_their_signal():
    found = [
        Found("mean", "frame score", 0.7, 0.65, 0.74, {"another clip": 0.52, "loudness": 0.6}),
        Found("max", "attention", 0.55, 0.5, 0.6, {"another clip": 0.51}),
        Found("energy", "", 0.72, 0.7, 0.75),
    ]
    figure = localisation_figure({"40 clips": found}, title="where")
    axis = figure.layout.yaxis
    row = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert list(row) == ["mean: frame score", "max: attention", "energy"]
    (mean,) = scatters(figure, "mean")
    assert (mean.x[0], mean.y[0]) == (0.7, row["mean: frame score"])
    assert (mean.error_x.array[0], mean.error_x.arrayminus[0]) == pytest.approx((0.04, 0.05))
    (other,) = scatters(figure, "another clip")
    assert list(zip(other.x, other.y, strict=True)) == [(0.52, row["mean: frame score"]), (0.51, row["max: attention"])]
    (loudness,) = scatters(figure, "loudness")
    assert loudness.marker.symbol != other.marker.symbol
    assert {len(trace.x) for trace in figure.data} == {1, 2}
    low, high = figure.layout.xaxis.range
    assert low < 0.5
    assert high > 0.75


def test_panels_share_their_rows():
    found = [Found("mean", "frame score", 0.7, 0.65, 0.74)]
    figure = localisation_figure({"all": found, "some": [Found("max", "frame score", 0.6, 0.5, 0.7), *found]})
    assert [note.text for note in figure.layout.annotations] == ["all", "some"]
    assert [(trace.xaxis, trace.showlegend) for trace in scatters(figure, "mean")] == [("x", True), ("x2", False)]
    assert scatters(figure, "mean")[0].y == scatters(figure, "mean")[1].y
