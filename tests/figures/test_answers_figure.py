import numpy as np

from openmic_explore.figures.answers import answers_figure

KEYS = ["a", "b", "c", "d"]
PRESENT = np.array([True, True, False, False])
PROBABILITY = np.array([0.9, 0.2, 0.6, 0.1])


def test_what_the_threshold_gets_wrong_is_filled():
    present, absent = answers_figure(KEYS, PRESENT, PROBABILITY, threshold=0.5).data
    assert [one.endswith("-open") for one in present.marker.symbol] == [True, False]
    assert [one.endswith("-open") for one in absent.marker.symbol] == [False, True]
    present, absent = answers_figure(KEYS, PRESENT, PROBABILITY, threshold=0.15).data
    assert all(one.endswith("-open") for one in present.marker.symbol)
    assert [one.endswith("-open") for one in absent.marker.symbol] == [False, True]


def test_every_clip_stands_in_its_row_at_its_probability():
    figure = answers_figure(KEYS, PRESENT, PROBABILITY, threshold=0.3)
    for trace, row, keys, across in zip(figure.data, (1, 0), ("ab", "cd"), ([0.9, 0.2], [0.6, 0.1]), strict=True):
        assert list(trace.customdata) == list(keys)
        np.testing.assert_allclose(trace.x, across)
        assert (np.abs(np.array(trace.y) - row) < 0.4).all()
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 0.3
    assert "0.30" in figure.layout.annotations[0].text


def test_present_and_absent_differ_by_colour_and_shape():
    present, absent = answers_figure(KEYS, PRESENT, PROBABILITY).data
    assert present.marker.color != absent.marker.color
    assert present.marker.symbol[0].split("-")[0] != absent.marker.symbol[0].split("-")[0]


def test_no_clips_are_no_error():
    figure = answers_figure([], np.zeros(0, dtype=bool), np.zeros(0))
    assert [len(one.x) for one in figure.data] == [0, 0]
