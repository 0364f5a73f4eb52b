import numpy as np
import pandas as pd
import pytest

from openmic_explore.figures import differences_figure, style

ROWS = pd.Index(["violin", "mallet_percussion", "voice"], name="instrument")


def table(shift=0.0):
    return pd.DataFrame(
        {
            "difference": np.array([0.1, -0.2, 0.0]) + shift,
            "low": np.array([0.05, -0.3, -0.1]) + shift,
            "high": np.array([0.2, -0.1, 0.1]) + shift,
            "p_holm": [0.01, 0.04, 0.8],
        },
        index=ROWS,
    )


def test_differences_stand_at_their_place_with_their_interval():
    (one,) = differences_figure({"mel": table()}, axis="b minus a").data
    np.testing.assert_allclose(one.x, [0.1, -0.2, 0.0])
    np.testing.assert_allclose(np.subtract(one.x, one.error_x.arrayminus), [0.05, -0.3, -0.1])
    np.testing.assert_allclose(np.add(one.x, one.error_x.array), [0.2, -0.1, 0.1])
    np.testing.assert_array_equal(np.argsort(one.y), [0, 1, 2])


def test_what_survives_the_correction_is_filled_and_the_rest_hollow():
    figure = differences_figure(
        {"mel": table(), "cnn": table()}, means={"mel": (0.1, 0.01, 0.2), "cnn": (0.1, -0.01, 0.2)}, axis=""
    )
    for place, (one, mean) in enumerate(zip(figure.data, ("", "-open"), strict=True)):
        symbol = style(place).symbol
        assert list(one.marker.symbol) == [symbol, symbol, f"{symbol}-open", symbol + mean]
        assert one.marker.color == style(place).colour
    assert list(figure.layout.yaxis.ticktext)[1:] == ["mallet percussion", "voice", "<b>mean</b>"]


def test_zero_is_in_the_middle_and_every_interval_inside():
    figure = differences_figure({"a": table(), "b": table(0.15)}, axis="b minus a, macro F1", title="t")
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert high > 0.35
    assert figure.layout.xaxis.title.text == "b minus a, macro F1"
    assert not set(figure.data[0].y) & set(figure.data[1].y)


def test_an_undefined_difference_is_left_out():
    hollow = table()
    hollow.loc["voice"] = np.nan
    (one,) = differences_figure({"mel": hollow}, axis="").data
    assert np.isnan(one.x[2])
    assert one.marker.symbol[2] == f"{style(0).symbol}-open"


def test_a_corrected_p_decides_over_the_mean_where_it_is_given():
    means = {"mel": (0.1, 0.01, 0.2)}
    (one,) = differences_figure({"mel": table()}, means=means, p_means={"mel": 0.2}, axis="").data
    assert one.marker.symbol[-1] == f"{style(0).symbol}-open"
    np.testing.assert_allclose(one.x[-1], 0.1)
    (one,) = differences_figure({"mel": table()}, means=means, p_means={"mel": 0.04}, axis="").data
    assert one.marker.symbol[-1] == style(0).symbol


@pytest.mark.parametrize(("low", "sure"), [(-0.035, False), (0.01, True)])
def test_what_else_a_mean_comes_with_does_not_decide(low, sure):
    # As `experiments.contrast` gives it: after the interval the half-widths of clips and of seeds.
    (one,) = differences_figure({"mel": table()}, means={"mel": (0.05, low, 0.094, 0.01, 0.06)}, axis="").data
    assert one.marker.symbol[-1] == style(0).symbol + ("" if sure else "-open")


def test_styles_and_rows_are_named_for_whoever_is_told_of_a_click():
    (one,) = differences_figure({"mel": table()}, places={"mel": 5}, means={"mel": (0.1, 0.0, 0.2)}, axis="").data
    assert one.marker.color == style(5).colour
    assert one.meta == "mel"
    assert [point[-1] for point in one.customdata] == ["violin", "mallet_percussion", "voice", ""]
