"""The stages of every model: their parameters are the model's, their shapes the formulas', their tensors what flowed."""

import pytest
import torch
from torch.nn import functional

from openmic_explore import ExploreError, build_model
from openmic_explore.models import MODELS, PRESETS
from openmic_explore.models.trace import Stage, trace

EVERY = pytest.mark.parametrize(("name", "preset"), [(name, preset) for name in MODELS for preset in PRESETS])


def batch(name: str, clips: int = 2) -> torch.Tensor:
    shape = (clips, 1, 128, 128) if MODELS[name].input == "scalogram" else (clips, 10, 128)
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def traced(name: str, preset: str = "published", **options) -> dict[str, Stage]:
    torch.manual_seed(0)
    model = build_model(name, preset, **options).eval()
    model.fit_input(batch(name, 8))
    stages = trace(model, batch(name))
    assert len({stage.name for stage in stages}) == len(stages)
    return {stage.name: stage for stage in stages}


@EVERY
def test_parameters_add_up_and_every_stage_reads_one_before_it(name, preset):
    model = build_model(name, preset)
    stages = trace(model.eval(), batch(name))
    assert sum(stage.parameters for stage in stages) == sum(each.numel() for each in model.parameters())
    before: set[str] = set()
    for stage in stages:
        assert set(stage.reads) <= before
        assert bool(stage.reads) == (stage.kind != "input")
        assert stage.tensor.shape == (2, *stage.shape)
        before.add(stage.name)


@pytest.mark.parametrize(
    ("name", "parameters"), [("mel", 26_580), ("mel-3", 46_420), ("cnn", 53_236), ("cnn-reduced", 91_188)]
)
def test_parameters_add_up_to_the_published_number(name, parameters):
    assert sum(stage.parameters for stage in traced(name).values()) == parameters


def test_shapes_and_parameters_of_the_cnn_are_the_papers():
    stages = traced("cnn")
    sizes = [128, 63, 30, 14, 6]
    channels = [1, 8, 16, 32, 32]
    for block in (1, 2, 3, 4):
        before, after = channels[block - 1 : block + 1]
        assert stages[f"conv{block}"].shape == (after, sizes[block - 1] - 2, sizes[block - 1] - 2)
        assert stages[f"pool{block}"].shape == stages[f"relu{block}"].shape == (after, sizes[block], sizes[block])
        assert stages[f"conv{block}"].parameters == 9 * before * after + after
    assert stages["frames"].shape == (6, 192)
    assert stages["lstm"].shape == (6, 40)
    assert stages["lstm"].parameters == 2 * 4 * (20 * 192 + 20 * 20 + 2 * 20)
    assert stages["attention"].parameters == 192 * 20 + 20
    assert stages["clip"].shape == (20,)
    assert "norm1" not in stages
    assert traced("cnn", "repaired")["norm1"].parameters == 2 * 8
    assert traced("cnn-reduced")["frames"].shape == (30, 480)


def test_the_authors_attention_reads_what_the_lstm_reads_and_the_repaired_one_what_it_gives():
    published, repaired = traced("cnn"), traced("cnn", "repaired")
    assert published["attention"].reads == published["lstm"].reads == ("dropout",)
    assert published["score"].reads == ("lstm",)
    assert repaired["attention"].reads == repaired["score"].reads == ("dropout2",)
    assert repaired["dropout2"].reads == ("lstm",)


def test_tensors_are_what_flowed():
    torch.manual_seed(0)
    model = build_model("cnn", "published").eval()
    model.fit_input(batch("cnn", 8))
    stages = {stage.name: stage for stage in trace(model, batch("cnn"))}
    for block, given in ((1, "scale"), (2, "relu1")):
        layer = model.blocks[block - 1].convolve
        convolved = functional.conv2d(stages[given].tensor, layer.weight, layer.bias)
        torch.testing.assert_close(stages[f"conv{block}"].tensor, convolved)
        torch.testing.assert_close(stages[f"pool{block}"].tensor, functional.max_pool2d(convolved, 2))
        torch.testing.assert_close(stages[f"relu{block}"].tensor, functional.max_pool2d(convolved, 2).clamp_min(0))
    torch.testing.assert_close(stages["frames"].tensor[1, 5, 3 * 6 + 2], stages["relu4"].tensor[1, 3, 2, 5])
    output = model(batch("cnn"))
    weighted = (stages["attention"].tensor * stages["score"].tensor).sum(dim=1)
    torch.testing.assert_close(stages["clip"].tensor, weighted.clamp(0, 1))
    torch.testing.assert_close(stages["clip"].tensor, output.clip)


def test_dropout_is_seen_where_it_acts():
    kept = traced("cnn")["dropout"].tensor != 0
    laid_out = traced("cnn")["frames"].tensor != 0
    assert (laid_out & ~kept).any()
    repaired = traced("cnn", "repaired")
    assert torch.equal(repaired["dropout"].tensor, repaired["frames"].tensor)
    assert "at test time" in traced("cnn")["dropout"].detail
    assert "training only" in repaired["dropout"].detail


def test_a_model_is_left_as_it_was():
    model = build_model("cnn", "repaired")
    stages = trace(model, batch("cnn"))
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(stage.tensor.requires_grad for stage in stages)
    with pytest.raises(ExploreError):
        trace(model, torch.zeros(2, 1, 128, 40))
    assert not any(module._forward_hooks for module in model.modules())


def test_what_has_no_layer_of_its_own_reads_what_the_last_stage_gave():
    mean = traced("mean", "repaired")
    assert mean["attention"].parameters == 0
    assert mean["attention"].reads == mean["score"].reads == ("embed",)
    torch.testing.assert_close(mean["attention"].tensor, torch.full((2, 10, 20), 0.1))


def test_networks_that_answer_together_all_read_the_input_and_are_read_by_the_heads():
    best = traced("best", "repaired")
    members = [name for name, stage in best.items() if stage.kind == "embed"]
    assert len(members) == 3
    assert all(best[name].reads == ("scale",) and best[name].shape == (10, 128) for name in members)
    assert best["attention"].reads == best["score"].reads == tuple(members)
    assert best["attention"].parameters == 3 * (128 * 20 + 20)
    assert "mean of the members" in best["clip"].detail
