"""The drawing says what the stages say, in their order, and every picture shows the tensor it stands for."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from openmic_explore.figures.architecture import architecture_figure
from openmic_explore.figures.maps import maps_figure

RANDOM = np.random.default_rng(0)


@dataclass(frozen=True, eq=False)
class Step:
    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int = 0
    reads: tuple[str, ...] = ()
    tensor: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensor", RANDOM.normal(size=(2, *self.shape)).astype(np.float32))


def steps(attends: str = "frames") -> list[Step]:
    return [
        Step("input", "input", "", (1, 16, 20)),
        Step("scale", "scale", "unit", (1, 16, 20), reads=("input",)),
        Step("conv1", "conv", "3 x 3, 1 to 5 channels", (5, 14, 18), 50, ("scale",)),
        Step("pool1", "pool", "2 x 2, the largest of them", (5, 7, 9), 0, ("conv1",)),
        Step("frames", "frames", "5 x 7, laid end to end", (9, 35), 0, ("pool1",)),
        Step("lstm", "lstm", "1 layer, 4 units a direction", (9, 8), 1_248, ("frames",)),
        Step("attention", "attention", "", (9, 3), 108, (attends,)),
        Step("score", "score", "", (9, 3), 0, ("lstm",)),
        Step("clip", "clip", "", (3,), 0, ("attention", "score")),
    ]


def texts(figure) -> str:
    return " ".join(each.text for each in figure.layout.annotations)


def test_a_block_names_its_last_shape_its_parameters_and_its_settings():
    found = texts(architecture_figure(steps(), names={"input": "scalogram"}))
    for text in ("scalogram", "5 × 7 × 9", "<b>50</b>", "conv 3 × 3", "pool 2 × 2", "BiLSTM", "<b>1,248</b>", "9 × 8"):
        assert text in found
    assert "5 × 14 × 18" not in found  # told by hovering
    assert "5 × 14 × 18" in architecture_figure(steps()).data[1].hovertemplate


def test_pictures_are_the_tensors_with_time_across():
    stages = steps()
    picture, conv, frames, lstm, attention, _, clip = architecture_figure(stages, clip=1).data
    np.testing.assert_array_equal(picture.z, stages[1].tensor[1, 0])
    most = stages[3].tensor[1].std(axis=(1, 2)).argmax()
    np.testing.assert_array_equal(conv.z, stages[3].tensor[1, most])
    for drawn, stage in ((frames, stages[4]), (lstm, stages[5]), (attention, stages[6])):
        np.testing.assert_array_equal(drawn.z[::-1], stage.tensor[1].T)  # the first feature on top
    np.testing.assert_array_equal(clip.z[::-1, 0], stages[8].tensor[1])


def test_there_is_a_sheet_for_every_map():
    shapes = architecture_figure(steps()).layout.shapes
    assert len(shapes) == 7 + 4  # seven blocks, and four maps behind the front one of five
    assert sum(shape.layer == "below" for shape in shapes) == 4


def test_blocks_go_from_left_to_right_and_do_not_overlap():
    boxes = [shape for shape in architecture_figure(steps()).layout.shapes if shape.layer == "above"]
    for before, after in pairwise(boxes):
        same_column = before.x0 == after.x0
        assert after.x0 > before.x1 or (same_column and after.y1 < before.y0)  # score under attention


@pytest.mark.parametrize(("attends", "column"), [("frames", 2), ("lstm", 3)])
def test_arrows_follow_what_is_read(attends, column):
    figure = architecture_figure(steps(attends))
    boxes = [shape for shape in figure.layout.shapes if shape.layer == "above"]
    arrows = [each for each in figure.layout.annotations if each.showarrow]
    assert len(arrows) == 7
    (into_attention,) = (each for each in arrows if 0 <= boxes[4].x0 - each.x < 5 and each.y > boxes[5].y1)
    assert 0 <= into_attention.ax - boxes[column].x1 < 5
    if attends == "frames":  # over the head of what lies between
        assert min(into_attention.y, into_attention.ay) > boxes[3].y1


def test_the_likeliest_instruments_stand_under_the_prediction():
    stages = steps()
    stages[-1].tensor[0] = [0.1, 0.9, 0.5]
    found = texts(architecture_figure(stages, instruments=["flute", "mallet_percussion", "violin"]))
    assert "mallet percussion 0.90<br>violin 0.50<br>flute 0.10" in found


def test_what_comes_ahead_is_drawn_first_and_leads_to_the_models_input():
    stages = [Step("input", "input", "", (9, 35)), *steps("input")[6:]]
    ahead = [Step("log-mel", "input", "64 bands", (1, 64, 100))]
    stages[2] = Step("score", "score", "", (9, 3), 0, ("input",))
    figure = architecture_figure(stages, ahead=ahead, names={"input": "musicnn"})
    np.testing.assert_array_equal(figure.data[0].z, ahead[0].tensor[0, 0])
    boxes = [shape for shape in figure.layout.shapes if shape.layer == "above"]
    first = next(each for each in figure.layout.annotations if each.showarrow)
    assert 0 < first.ax - boxes[0].x1 < 5
    assert 0 < boxes[1].x0 - first.x < 5
    assert texts(figure).index("log-mel") < texts(figure).index("musicnn")


def test_all_maps_hang_in_order_from_the_top_left():
    stage = steps()[3]
    figure = maps_figure(stage, columns=3)
    wall = figure.data[0].z
    np.testing.assert_array_equal(wall[-7:, :9], stage.tensor[0, 0])
    np.testing.assert_array_equal(wall[-7:, -9:], stage.tensor[0, 2])
    np.testing.assert_array_equal(wall[:7, 10:19], stage.tensor[0, 4])
    covered = np.zeros(wall.shape, dtype=bool)
    for each in figure.layout.shapes:
        covered[int(each.y0 + 0.5) : int(each.y1 + 0.5), int(each.x0 + 0.5) : int(each.x1 + 0.5)] = True
    assert (~covered).sum() == 5 * 7 * 9
    assert not covered[-7:, :9].any()
    assert covered[:7, 20:].all()  # where a sixth would hang


def test_maps_in_their_own_colours_go_from_0_to_1_each():
    stage = steps()[3]
    stage.tensor[0, 2] = 7.0
    wall = maps_figure(stage, columns=5, alike=False).data[0].z
    for place in range(5):
        shown = wall[:, place * 10 : place * 10 + 9]
        assert (shown.min(), shown.max()) == ((0, 0) if place == 2 else (0, 1))


def test_only_colours_that_mean_the_same_in_all_maps_are_explained():
    assert [maps_figure(steps()[3], alike=alike).data[0].showscale for alike in (True, False)] == [True, False]


def test_frames_are_shown_with_time_across():
    stage = steps()[5]
    np.testing.assert_array_equal(maps_figure(stage, clip=1).data[0].z[::-1], stage.tensor[1].T)
