"""The CNNs: their layers' sizes, where their frames lie, and pictures of other sizes."""

import pytest
import torch

from openmic_explore import ExploreError, build_model
from openmic_explore.models import PRESETS

GRIDS = {"cnn": (23.0, 16.0, 46, 6), "cnn-reduced": (5.0, 4.0, 10, 30)}  # centre, step, columns seen, frames of 128


def pictures(clips: int, scales: int = 128, bins: int = 128) -> torch.Tensor:
    return torch.randint(0, 256, (clips, 1, scales, bins), generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.parametrize("preset", PRESETS)
def test_sizes_are_those_of_the_paper(preset):
    sizes = []
    model = build_model("cnn", preset)
    for block in model.blocks:
        block.register_forward_hook(lambda module, given, result: sizes.append(tuple(result.shape[1:])))
    features = model.features(pictures(2))
    assert sizes == [(8, 63, 63), (16, 30, 30), (32, 14, 14), (32, 6, 6)]
    assert features.shape == (2, 6, 192)
    assert build_model("cnn-reduced", preset).features(pictures(2)).shape == (2, 30, 480)


def test_a_block_is_convolution_relu_and_pooling():
    model = build_model("cnn", "published")
    x = model.scale(pictures(2))
    for block in model.blocks:
        expected = torch.nn.functional.max_pool2d(torch.relu(block.convolve(x)), 2)
        x = block(x)
        assert torch.equal(x, expected)


def test_a_frame_is_one_column_of_what_the_convolutions_leave():
    model = build_model("cnn", "published", dropout=0.0).eval()
    x = model.scale(pictures(1))
    for block in model.blocks:
        x = block(x)
    assert torch.equal(model.features(pictures(1))[0, 3], x[0, :, :, 3].flatten())


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", list(GRIDS))
def test_a_frame_sees_the_columns_around_its_centre_and_no_others(name, preset):
    torch.manual_seed(0)
    model = build_model(name, preset).eval()
    first, step, seen, frames = GRIDS[name]
    assert model.frame_grid(128) == (first, step)
    x = pictures(8).requires_grad_()
    features = model.features(x)
    for frame in range(frames):
        gradient = torch.autograd.grad(features[:, frame].sum(), x, retain_graph=True)[0]
        columns = gradient.abs().sum(dim=(0, 1, 2)).nonzero().flatten().tolist()
        # Column j spans j to j + 1.
        assert columns[0] == first + step * frame - seen / 2
        assert columns[-1] + 1 == first + step * frame + seen / 2
        assert len(columns) == seen


@pytest.mark.parametrize(
    ("name", "preset"),
    [(name, preset) for name in ("mel", "mel-3", "attention", "mean", "max", *GRIDS) for preset in PRESETS],
)
def test_a_disturbance_moves_the_frame_at_its_place_most(name, preset):
    columns = 128 if name in GRIDS else 10
    total = torch.zeros(0)
    for seed in range(4):
        torch.manual_seed(seed)
        options = {"dropout_at_test": False} if name in GRIDS else {}
        model = build_model(name, preset, **options).eval()
        x = pictures(6) if name in GRIDS else pictures(6, 10, 128)[:, 0]
        first, step = model.frame_grid(columns)
        centres = torch.arange(first, columns, step)[: model(x).frame.shape[1]]
        before, moved = model(x).frame, []
        for centre in centres:
            near = (torch.arange(columns) + 0.5 - centre).abs() < max(step / 4, 0.75)
            other = x.clone()
            if name in GRIDS:
                other[..., near] = 255 - other[..., near]
            else:
                other[:, near] = 255 - other[:, near]
            with torch.no_grad():
                moved.append((model(other).frame - before).abs().mean(dim=(0, 2)).detach())
        total = torch.stack(moved) + (total if seed else 0)
    assert total.argmax(dim=1).tolist() == list(range(len(total)))


@pytest.mark.parametrize(("name", "least"), [("cnn", 46), ("cnn-reduced", 10)])
def test_the_least_picture_works_and_a_smaller_one_is_refused_with_its_size(name, least):
    model = build_model(name, scales=least, bins=least).eval()
    assert model(pictures(2, least, least)).frame.shape == (2, 1, 20)
    assert model(pictures(2, least, 200)).frame.shape[1] > 1  # longer clips than those of training
    for axis in ("scales", "bins"):
        with pytest.raises(ExploreError, match=f"{axis} must be at least {least}"):
            build_model(name, **{axis: least - 1})
    with pytest.raises(ExploreError, match=f"bins must be at least {least}"):
        model(pictures(2, least, least - 1))
    with pytest.raises(ExploreError, match=f"bins must be at least {least}"):
        model.frame_grid(least - 1)
    with pytest.raises(ExploreError, match=rf"takes \(clips, 1, {least}, bins\)"):
        model(pictures(2, least + 1, least))


def test_widths_are_options():
    model = build_model("cnn", width=4, hidden=10, scales=64, bins=80, instruments=3)
    assert [block.convolve.out_channels for block in model.blocks] == [4, 8, 16, 16]
    assert model.lstm.hidden_size == 10
    assert model.lstm.input_size == 16 * 2  # 64 scales -> 31 -> 14 -> 6 -> 2
    assert model(pictures(2, 64, 80)).clip.shape == (2, 3)


def test_the_published_dropout_at_test_thins_the_features_and_repeats():
    torch.manual_seed(0)
    model = build_model("cnn", "published").eval()
    once = model(pictures(3))
    torch.manual_seed(1)
    assert torch.equal(model(pictures(3)).clip, once.clip)
    clean = build_model("cnn", "published", dropout_at_test=False).eval()
    clean.load_state_dict(model.state_dict())
    assert not torch.allclose(clean(pictures(3)).attention, once.attention)
    # Another place in the batch, another mask.
    same = model(pictures(1).expand(2, -1, -1, -1))
    assert not torch.allclose(same.attention[0], same.attention[1])
