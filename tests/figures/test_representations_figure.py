"""Building blocks, pictures on one frequency axis, what they resolve, and shares per instrument."""

import numpy as np
import pytest

from openmic_explore.figures.representations import (
    Atom,
    Curve,
    Image,
    atoms_figure,
    pictures_figure,
    resolution_figure,
    shares_figure,
)

TIME = np.linspace(-20, 20, 41)
ATOMS = [
    Atom(name, TIME, np.cos(TIME), np.ones(41), np.geomspace(50, 5000, 100), np.ones(100))
    for name in ("window", "wavelet")
]


def picture(name: str, lowest: float = 50.0, lines: dict | None = None) -> Image:
    return Image(name, np.arange(12.0).reshape(3, 4), lowest * 10.0 ** np.arange(3), np.linspace(0.5, 3.5, 4), lines)


def test_an_atom_keeps_its_look_and_has_one_legend_entry():
    figure = atoms_figure({"110 Hz": ATOMS, "1760 Hz": ATOMS}, title="atoms")
    assert len({trace.xaxis for trace in figure.data}) == 4  # time and frequency, twice
    assert [trace.name for trace in figure.data if trace.showlegend] == ["window", "wavelet"]
    for name in ("window", "wavelet"):
        assert len({trace.line.color for trace in figure.data if trace.name == name}) == 1
    bold = [trace.line for trace in figure.data if trace.line.width == 2]
    assert len({(line.color, line.dash) for line in bold}) == len({line.dash for line in bold}) == 2


def test_an_atom_is_drawn_in_milliseconds_and_on_a_log_axis_of_hertz():
    figure = atoms_figure({"110 Hz": ATOMS[:1]})
    assert (figure.layout.xaxis.title.text, figure.layout.xaxis.type) == ("time (ms)", None)
    assert (figure.layout.xaxis2.title.text, figure.layout.xaxis2.type) == ("frequency (Hz)", "log")


def test_all_pictures_share_colours_and_the_frequency_axis():
    figure = pictures_figure(
        [picture("low"), picture("high", 150.0)], low=-50, high=0, fmin=20, fmax=20000, title="toy"
    )
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    colours = figure.layout.coloraxis
    assert (colours.cmin, colours.cmax, colours.colorbar.ticksuffix) == (-50, 0, " dB")
    # The second axis follows the first, which has the whole range, not that of either picture.
    for axis in (figure.layout.yaxis, figure.layout.yaxis2):
        assert axis.type == "log"
        np.testing.assert_allclose(axis.range, np.log10([20, 20000]))
    np.testing.assert_array_equal(figure.data[1].y, [150, 1500, 15000])
    assert [note.text for note in figure.layout.annotations] == ["low", "high"]
    assert figure.layout.title.text == "toy"


def test_pictures_stand_beside_each_other_in_columns():
    figure = pictures_figure([picture(name) for name in "abc"], low=0, high=1, columns=3)
    domains = [figure.layout[axis].domain for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert domains[0][1] < domains[1][0] < domains[1][1] < domains[2][0]
    stacked = pictures_figure([picture(name) for name in "abc"], low=0, high=1)
    assert stacked.layout.height > figure.layout.height


def test_lines_lie_over_their_picture_and_differ_without_colour():
    cone = (np.array([1.0, 2.0]), np.array([100.0, 50.0]))
    figure = pictures_figure([picture("plain"), picture("with", lines={"one": cone, "three": cone})], low=0, high=1)
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    assert [line.name for line in lines] == ["one", "three"]
    assert {line.yaxis for line in lines} == {figure.data[1].yaxis}
    np.testing.assert_array_equal(lines[0].y, [100, 50])
    assert lines[0].line.dash != lines[1].line.dash


def test_what_separates_nothing_is_an_open_marker_above_and_breaks_the_line():
    hertz = np.array([50.0, 500.0, 5000.0])
    curves = [Curve("a", hertz, np.array([np.inf, 2.0, 3.0]), 0), Curve("b", hertz, np.array([np.inf, 1.0, 1.0]), 3)]
    figure = resolution_figure(curves, unit="ms", ceiling=10)
    line, none, _, other = figure.data
    np.testing.assert_array_equal(line.y, [np.nan, 2, 3])
    np.testing.assert_array_equal(none.x, [50])
    assert none.y[0] == pytest.approx(10)
    assert other.y[0] > none.y[0]  # neither hides the other
    assert none.marker.symbol == f"{line.marker.symbol}-open"
    assert [trace.showlegend for trace in figure.data] == [None, False, None, False]
    assert len({(trace.marker.symbol, trace.marker.color) for trace in (line, figure.data[2])}) == 2


def test_what_lies_outside_of_the_limits_is_shaded():
    curve = Curve("a", np.array([50.0, 5000.0]), np.array([1.0, 2.0]), 0)
    figure = resolution_figure([curve], unit="semitones", ceiling=10, limits=(125, 2000), marks=(1, 2))
    below, above = figure.layout.shapes
    assert (below.x1, above.x0) == (125, 2000)
    assert (below.x0, above.x1) == pytest.approx(tuple(10.0 ** np.array(figure.layout.xaxis.range)))
    assert below.x0 < 50
    assert above.x1 > 5000
    assert "semitones" in figure.layout.yaxis.title.text
    assert list(figure.layout.yaxis.ticktext) == ["1", "2"]


def test_instruments_are_sorted_by_their_largest_share_and_keep_their_own():
    names = ("flute", "bass", "mallet_percussion")
    energy = {"below": np.array([0.1, 0.7, 0.0]), "above": np.array([0.0, 0.1, 0.4])}
    pixels = {"below": np.array([0.3, 0.2, 0.1]), "above": np.array([0.5, 0.6, 0.9])}
    figure = shares_figure(names, {"energy": energy, "pixels": pixels}, title="shares")
    assert figure.layout.yaxis.autorange == "reversed"  # the first on top
    for trace, values in zip(figure.data, (*energy.values(), *pixels.values()), strict=True):
        assert list(trace.y) == ["bass", "mallet percussion", "flute"]
        np.testing.assert_allclose(trace.x, values[[1, 2, 0]])
    assert figure.layout.xaxis.range[1] > 0.9  # both panels hold the largest share of either
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.xaxis2.range)
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
