import numpy as np
import pandas as pd
import pytest

from openmic_explore.figures.curves import HISTORY, KEPT, Curve, Learned, curves_figure, heads_figure, learning_figure
from openmic_explore.figures.style import style


def history(epochs, start):
    steps = np.arange(1, epochs + 1)
    return pd.DataFrame({"epoch": steps} | {name: start + place + steps / 10 for place, name in enumerate(HISTORY)})


def drawn(figure, name, axis):
    return [one for one in figure.data if one.name == name and one.xaxis == axis]


def test_a_line_is_the_mean_over_seeds_and_the_band_goes_from_the_lowest_to_the_highest():
    figure = learning_figure([Learned("mel", 2, [history(4, 0.0), history(4, 1.0)], [2, 3])])
    band, line, kept = *drawn(figure, "mel", "x2"), *drawn(figure, KEPT, "x2")
    np.testing.assert_allclose(line.y, history(4, 0.5)["validation_loss"])
    np.testing.assert_allclose(line.x, [1, 2, 3, 4])
    np.testing.assert_allclose(band.y[:4], history(4, 1.0)["validation_loss"])
    np.testing.assert_allclose(band.y[4:], history(4, 0.0)["validation_loss"][::-1])
    # Each seed's ring stands on that seed's own curve, not on the mean.
    np.testing.assert_array_equal(kept.x, [2, 3])
    np.testing.assert_allclose(kept.y, [history(4, 0.0)["validation_loss"][1], history(4, 1.0)["validation_loss"][2]])
    assert line.marker.color == band.fillcolor == style(2).colour
    assert line.marker.symbol == style(2).symbol


def test_training_loss_has_no_ring_and_losses_share_their_scale():
    figure = learning_figure([Learned("mel", 0, [history(3, 0.0)], [3])])
    assert [one.xaxis for one in figure.data if one.name == KEPT and one.x[0] is not None] == ["x2", "x3", "x4"]
    assert figure.layout.yaxis2.matches == "y"
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis3.matches is None
    assert [note.text for note in figure.layout.annotations] == list(HISTORY.values())


def test_a_seed_that_ended_earlier_leaves_the_mean_to_the_others():
    figure = learning_figure([Learned("mel", 0, [history(2, 0.0), history(4, 1.0)], [1, 4])])
    (_, line) = drawn(figure, "mel", "x")
    expected = np.append(history(2, 0.5)["train_loss"], history(4, 1.0)["train_loss"][2:])
    np.testing.assert_allclose(line.y, expected)


def test_every_group_is_listed_once():
    figure = learning_figure([Learned(name, place, [history(3, 0.0)] * 2, [1, 1]) for place, name in enumerate("ab")])
    assert [one.name for one in figure.data if one.showlegend is not False] == ["a", "b", KEPT]


def test_dead_heads_are_counted_on_one_scale():
    constant, blocked = Curve("mel", 0, np.array([[20, 3]]), [2]), Curve("mel", 0, np.array([[4.5, 0.0]]), [2])
    figure = heads_figure([constant], [blocked], 20)
    np.testing.assert_allclose(drawn(figure, "mel", "x")[0].y, [20, 3])
    np.testing.assert_allclose(drawn(figure, "mel", "x2")[0].y, [4.5, 0])
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.layout.yaxis.range[1] > 20


@pytest.mark.parametrize("count", [1, 8])
def test_the_legend_has_room_beside_the_panels(count):
    curves = [Curve(f"a run with a rather long name, {place}", place, np.ones((1, 3))) for place in range(count)]
    layout = curves_figure({"panel": curves}).layout
    panels = layout.height - layout.margin.t - layout.margin.b
    if count == 1:
        assert layout.legend.yanchor == "bottom"
        assert layout.legend.y * panels >= panels + 20  # over the panels' titles
    else:
        assert layout.legend.yanchor == "top"
        assert layout.margin.b >= -layout.legend.y * panels + 20 * count / 2
