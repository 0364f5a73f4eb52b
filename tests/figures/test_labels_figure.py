"""Truth against labels, cells by their state, lengths and counts."""

import numpy as np
import pytest

from openmic_explore.figures.labels import (
    ABSENT,
    COLOURS,
    PRESENT,
    UNKNOWN,
    Lane,
    counts_figure,
    labels_figure,
    mask_figure,
    spans_figure,
    states_figure,
)

NAMES = ("flute", "mallet_percussion", "violin")


def lane(name, state, sounds, frames=100):
    active = np.zeros(frames, dtype=bool)
    for start, end in sounds:
        active[start:end] = True
    return Lane(name, np.array(state), active)


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_a_clip_s_label_reaches_over_all_of_it_and_the_truth_only_where_it_sounds():
    lanes = [
        lane("flute", [PRESENT], [(10, 25), (40, 41)]),
        lane("mallet_percussion", [UNKNOWN], [(0, 100)]),
        lane("violin", [ABSENT], []),
    ]
    figure = labels_figure({"clip": lanes}, title="t")
    for place, word in enumerate(("present", "unknown", "absent")):
        (bar,) = traces(figure, f"label: {word}")
        assert (bar.y, bar.base, bar.x) == ((place,), (0,), (10,))
    (sounds,) = traces(figure, "it sounds")
    assert sounds.y == (0, 0, 1)
    np.testing.assert_allclose(sounds.base, [1.0, 4.0, 0.0])
    np.testing.assert_allclose(sounds.x, [1.5, 0.1, 10.0])
    assert list(figure.layout.yaxis.ticktext) == [
        "<b>flute</b>: present, 1.6 s",
        "<b>mallet percussion</b>: unknown, 10.0 s",
        "<b>violin</b>: absent, 0.0 s",
    ]
    assert figure.layout.yaxis.range == (2.5, -0.5)  # the first on top
    assert figure.layout.xaxis.range == (0, 10)


def test_shorter_labels_are_stretches_and_say_nothing_as_a_whole():
    told = lane("flute", [PRESENT, ABSENT, ABSENT, PRESENT], [(0, 1), (99, 100)])
    figure = labels_figure({"clip": [told]}, duration=8.0)
    (present,), (absent,) = traces(figure, "label: present"), traces(figure, "label: absent")
    assert (present.base, present.x) == ((0, 6), (2, 2))
    assert (absent.base, absent.x) == ((2,), (4,))
    assert list(figure.layout.yaxis.ticktext) == ["<b>flute</b>: 0.2 s"]


def test_clips_have_a_panel_each_by_their_lanes_and_one_legend():
    figure = labels_figure(
        {"a": [lane("flute", [PRESENT], [(0, 9)])], "b": [lane(name, [ABSENT], []) for name in NAMES], "c": []}
    )
    heights = [figure.layout[axis].domain for axis in ("yaxis", "yaxis2", "yaxis3")]
    one, three, none = (top - bottom for bottom, top in heights)
    assert three == pytest.approx(3 * one)
    assert none == pytest.approx(one)
    assert [note.text for note in figure.layout.annotations] == ["a", "b", "c"]
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "label: unknown", "label: absent", "label: present", "it sounds",
    ]  # fmt: skip
    assert figure.layout.xaxis3.title.text == "time (s)"
    assert figure.layout.xaxis.title.text is None


def test_a_cell_has_the_colour_of_its_state_and_the_first_row_is_on_top():
    state = np.array([[-1, 0, 1], [1, -1, -1], [0, 0, 0]])
    figure = states_figure({"left": state, "right": state[:, ::-1]}, NAMES, across="clip")
    left, right = figure.data[:2]
    np.testing.assert_array_equal(left.z, state)
    np.testing.assert_array_equal(right.z, state[:, ::-1])
    assert left.text.tolist()[0] == ["unknown", "absent", "present"]
    assert list(left.y) == ["flute", "mallet percussion", "violin"]
    assert figure.layout.yaxis.autorange == "reversed"
    # The scale is flat, and each state falls into its own third.
    scale = [(edge, colour) for edge, colour in left.colorscale]
    for value in (-1, 0, 1):
        share = (value - left.zmin) / (left.zmax - left.zmin)
        inside = [colour for edge, colour in scale if abs(edge - share) <= 1 / 3 + 1e-9]
        assert COLOURS[value] in inside
        assert max(edge for edge, colour in scale if colour == COLOURS[value]) >= share
        assert min(edge for edge, colour in scale if colour == COLOURS[value]) <= share
    legend = [(trace.name, trace.marker.color) for trace in figure.data[2:]]
    assert legend == [("unknown", COLOURS[-1]), ("absent", COLOURS[0]), ("present", COLOURS[1])]


def test_states_can_have_other_names():
    figure = states_figure({"": np.array([[-1, 1]])}, ["frame"], across="truth", names={-1: "silent", 1: "sounds"})
    assert figure.data[0].text.tolist() == [["silent", "sounds"]]
    assert [trace.name for trace in figure.data[1:]] == ["silent", "sounds"]


def test_boxes_hold_the_middle_half_and_are_sorted_by_their_median():
    values = [np.linspace(0, 2, 101), np.array([]), np.linspace(4, 8, 41)]
    (box,) = spans_figure(NAMES, values, across="seconds", top=10).data
    assert list(box.y) == ["violin (41)", "flute (101)", "mallet percussion (0)"]
    np.testing.assert_allclose(box.median, [6, 1, np.nan])
    np.testing.assert_allclose(box.q1, [5, 0.5, np.nan])
    np.testing.assert_allclose(box.q3, [7, 1.5, np.nan])
    np.testing.assert_allclose(box.lowerfence, [4.2, 0.1, np.nan])
    np.testing.assert_allclose(box.upperfence, [7.8, 1.9, np.nan])


def test_counts_fill_all_clips_on_the_left_and_the_known_ones_on_the_right():
    present, absent = np.array([30, 10, 20]), np.array([5, 40, 0])
    figure = counts_figure(NAMES, present, absent, 100)
    left, right = figure.data[:3], figure.data[3:]
    assert list(left[0].y) == ["mallet percussion", "violin", "flute"]  # fewest present first, which is on top
    assert figure.layout.yaxis.autorange == "reversed"
    assert [trace.name for trace in left] == ["present", "absent", "unknown"]
    np.testing.assert_array_equal(sum(np.asarray(trace.x) for trace in left), [100, 100, 100])
    assert [list(trace.x) for trace in right] == [[10, 20, 30], [40, 0, 5]]
    assert [trace.showlegend for trace in figure.data] == [True] * 3 + [False] * 2
    assert figure.layout.barmode == "stack"


def test_a_mask_stands_beside_what_it_leaves_of_each_instrument():
    state = np.array([[-1, 0, 1], [1, -1, -1]])
    figure = mask_figure(NAMES, state, np.array([3, 2, 1]), np.array([4, 5, 6]), most=12, title="t")
    picture, present, absent = figure.data[:3]
    np.testing.assert_array_equal(picture.z, state.T)  # instruments down
    assert list(present.y) == list(picture.y) == ["flute", "mallet percussion", "violin"]
    assert (list(present.x), list(absent.x)) == ([3, 2, 1], [4, 5, 6])
    assert figure.layout.xaxis2.range == (0, 12)
    assert figure.layout.yaxis2.matches == "y"
