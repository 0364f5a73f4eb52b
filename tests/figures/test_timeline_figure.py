"""A sound of any length: its pictures, instruments over time and lines on one axis."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from openmic_explore.figures.panels import Line
from openmic_explore.figures.style import style
from openmic_explore.figures.timeline import MARKERS, timeline_figure

RANDOM = np.random.default_rng(0)
NAMES = ["mallet_percussion", "flute"]


class Drawn(NamedTuple):
    values: np.ndarray
    frequency: np.ndarray
    time: np.ndarray
    low: float = -80.0
    high: float = 0.0
    unit: str = "dB"


PICTURE = Drawn(
    RANDOM.integers(0, 256, (16, 50)).astype(np.uint8), np.geomspace(27.5, 19000, 16), (np.arange(50) + 0.5) / 2
)


def figure(score, **more):
    lines = [Line(name, style(row), RANDOM.random(score.shape[1]), score[row]) for row, name in enumerate(NAMES)]
    return timeline_figure(PICTURE, PICTURE, NAMES, score, lines, duration=25.0, **more)


def test_all_panels_share_the_time_axis():
    drawn = figure(RANDOM.random((2, 25)))
    axes = [drawn.layout[name] for name in ("xaxis", "xaxis2", "xaxis3", "xaxis4", "xaxis5")]
    assert axes[0].range == (0, 25)
    assert [axis.matches for axis in axes] == [None, "x", "x", "x", "x"]
    domains = [drawn.layout[f"yaxis{row}"].domain for row in ("", 2, 3, 4, 5)]
    assert all(upper[0] >= lower[1] for upper, lower in pairwise(domains))


def test_a_cell_of_the_map_covers_its_frame_and_shows_its_score():
    score = RANDOM.random((2, 20))
    drawn = figure(score, frame_start=1.25, frame_length=1.25)
    cells = drawn.data[2]
    assert cells.x0 - cells.dx / 2 == pytest.approx(1.25)
    assert cells.dx == 1.25
    assert list(cells.y) == ["mallet percussion", "flute"]
    np.testing.assert_allclose(np.asarray(cells.z) / 255, score, atol=0.002)
    assert np.asarray(cells.z).dtype == np.uint8


def test_scores_of_the_published_head_go_from_minus_one():
    score = RANDOM.uniform(-1, 1, (2, 25))
    cells = figure(score).data[2]
    np.testing.assert_allclose(np.asarray(cells.z) / 255 * 2 - 1, score, atol=0.004)
    assert list(cells.colorbar.ticktext) == ["-1", "0", "1"]


def test_attention_fills_its_axis_however_small_the_weights():
    score = RANDOM.random((2, 25))
    small = [Line(name, style(row), np.full(25, 0.01 * (row + 1)), score[row]) for row, name in enumerate(NAMES)]
    for lines, top in ((small, 0.02), (small[:1], 0.01), ([], 1.0)):
        drawn = timeline_figure(PICTURE, PICTURE, NAMES, score, lines, duration=25.0)
        assert drawn.layout.yaxis4.range == (0, pytest.approx(1.08 * top))


def test_long_lines_keep_a_shape_beside_the_colour():
    score = RANDOM.random((2, 600))
    for trace in figure(score).data[3:]:
        sizes = np.array(trace.marker.size)
        assert len(trace.x) == len(sizes) == 600
        assert MARKERS / 2 < np.count_nonzero(sizes) < 2 * MARKERS


def test_without_a_run_there_are_the_pictures_alone():
    drawn = timeline_figure(PICTURE, PICTURE, duration=25.0)
    assert [trace.type for trace in drawn.data] == ["heatmap", "heatmap"]
    np.testing.assert_array_equal(drawn.data[0].z, PICTURE.values)
