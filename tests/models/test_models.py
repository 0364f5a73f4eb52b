"""Every model in every preset: shapes, probabilities, gradients, parameter counts, independence of clips, storage."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from openmic_explore import build_model
from openmic_explore.models import MODELS, PRESETS, blocked, resolve_options
from openmic_explore.models.layers import Dropout

EVERY = pytest.mark.parametrize(("name", "preset"), [(name, preset) for name in MODELS for preset in PRESETS])
EMBEDDINGS = [name for name, entry in MODELS.items() if entry.input == "embedding"]
FRAMES = {"cnn": 6, "cnn-reduced": 30}


def batch(name: str, clips: int = 4, frames: int = 10, seed: int = 0) -> torch.Tensor:
    shape = (clips, frames, 128) if name in EMBEDDINGS else (clips, 1, 128, 128)
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)).float()


def fitted(name: str, preset: str = "repaired", **options) -> torch.nn.Module:
    torch.manual_seed(0)
    model = build_model(name, preset, **options).eval()
    model.fit_input(batch(name, clips=8, seed=1))
    return model


@EVERY
def test_shapes_ranges_and_attention(name, preset):
    model = fitted(name, preset)
    for frames in (1, 10, 7) if name in EMBEDDINGS else (FRAMES[name],):
        output = model(batch(name, frames=frames))
        assert output.clip.shape == output.logit.shape == (4, 20)
        assert output.frame.shape == output.attention.shape == (4, frames, 20)
        assert ((output.clip >= 0) & (output.clip <= 1)).all()
        assert (output.attention >= 0).all()
        torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(4, 20))


@pytest.mark.parametrize(
    ("name", "preset", "parameters"),
    [
        ("mel", "published", 26_580),
        ("mel-3", "published", 46_420),
        ("cnn", "published", 53_236),
        ("cnn-reduced", "published", 91_188),
        ("attention", "published", 55_336),
        ("attention", "repaired", 55_336),
    ],
)
def test_parameters_are_the_published_number(name, preset, parameters):
    assert sum(parameter.numel() for parameter in build_model(name, preset).parameters()) == parameters


@pytest.mark.parametrize("name", list(MODELS))
def test_repaired_models_always_have_a_gradient(name):
    model = fitted(name)
    # Far off scale, where a clamp would pass nothing on.
    output = model(batch(name) * 100)
    for instrument in range(20):
        head = model.heads[0] if name == "best" else model.head
        gradient = torch.autograd.grad(output.logit[..., instrument].sum(), head.classify.weight, retain_graph=True)
        assert gradient[0][instrument].abs().sum() > 0
    output.clip.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert not blocked(output, "logit").any()


@pytest.mark.parametrize("name", ["mel", "mel-3", "cnn", "cnn-reduced"])
def test_blocked_tells_where_the_published_clamp_passes_no_gradient(name):
    model = fitted(name, "published", dropout=0.0)
    output = model(batch(name))
    stopped = blocked(output, "clamp")
    assert stopped.any()
    assert not stopped.all()
    for clip, instrument in [(0, each) for each in range(20)]:
        gradient = torch.autograd.grad(output.clip[clip, instrument], model.attend.weight, retain_graph=True)[0]
        assert (gradient.abs().sum() == 0) == stopped[clip, instrument]


@EVERY
def test_clips_do_not_influence_each_other_and_evaluation_repeats(name, preset):
    options = {"dropout_at_test": False} if name in FRAMES else {}
    model = fitted(name, preset, **options)
    together, alone = model(batch(name)), model(batch(name)[1:2])
    for part in ("clip", "frame", "attention"):
        torch.testing.assert_close(getattr(together, part)[1:2], getattr(alone, part))
    torch.testing.assert_close(model(batch(name)).clip, together.clip, rtol=0, atol=0)


@EVERY
def test_dropout_acts_in_training_and_at_test_only_where_it_was_published(name, preset):
    model = fitted(name, preset)
    rate = max(value for key, value in resolve_options(name, preset).items() if key in ("dropout", "layer_dropout"))
    model.train()
    assert torch.equal(model(batch(name)).logit, model(batch(name)).logit) == (rate == 0)
    model, without = fitted(name, preset), fitted(name, preset)
    for module in without.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    same = torch.equal(model(batch(name)).logit, without(batch(name)).logit)
    assert same == (preset == "repaired" or name not in FRAMES)


@EVERY
def test_a_stored_model_gives_the_same_output(name, preset, tmp_path):
    model = fitted(name, preset)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, tmp_path / "weights.safetensors")
    torch.manual_seed(1)
    other = build_model(name, preset).eval()
    assert not torch.equal(other(batch(name)).logit, model(batch(name)).logit)
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(other(batch(name)).logit, model(batch(name)).logit)


@EVERY
def test_stored_bytes_are_taken_as_they_are(name, preset):
    model = fitted(name, preset)
    assert torch.equal(model(batch(name).byte()).logit, model(batch(name)).logit)


@EVERY
def test_bfloat16_agrees_and_comes_out_in_float32(name, preset):
    # bfloat16 keeps 8 bits, .004 of a value; averaged over many of them, a probability is good to .002.
    model = fitted(name, preset)
    exact = model(batch(name))
    model.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(batch(name))
    for part in exact._fields:
        assert getattr(rough, part).dtype == torch.float32
    torch.testing.assert_close(rough.clip, exact.clip, atol=0.002, rtol=0)
    if name != "max":  # two frames that score nearly the same may change places
        torch.testing.assert_close(rough.attention, exact.attention, atol=0.002, rtol=0)


@pytest.mark.parametrize("name", ["mel", "cnn"])
@pytest.mark.parametrize("preset", PRESETS)
def test_one_training_step_in_channels_last_is_the_plain_one(name, preset):
    gradients = []
    for form in (torch.contiguous_format, torch.channels_last):
        model = fitted(name, preset, dropout=0.0).train().to(memory_format=form)
        model(batch(name)).clip.square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    # Rounding, against the largest gradient: that of a bias before a softmax is 0 but for rounding.
    largest = max(gradient.abs().max().item() for gradient in gradients[0])
    for plain, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-5 * largest)


def test_sizes_are_arguments():
    output = build_model("mel", dimension=12, instruments=3).eval()(torch.zeros(2, 5, 12))
    assert output.clip.shape == (2, 3)


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("preset", PRESETS)
def test_mean_and_max_pool_the_very_scores_of_attention(pooling, preset):
    attention, other = fitted("attention", preset), build_model(pooling, preset).eval()
    state = {key: value for key, value in attention.state_dict().items() if "attend" not in key}
    other.load_state_dict(state)
    expected, output = attention(batch("attention")), other(batch("attention"))
    assert torch.equal(output.frame, expected.frame)
    odds = torch.logit(expected.frame.double())
    pooled = odds if preset == "repaired" else expected.frame.double()
    pooled = pooled.mean(dim=1) if pooling == "mean" else pooled.amax(dim=1)
    clip = pooled.sigmoid() if preset == "repaired" else pooled
    torch.testing.assert_close(output.clip.double(), clip, atol=1e-5, rtol=0)


def test_every_option_alone_leads_from_one_preset_towards_the_other():
    """For ablations: a changed option changes the network's answer, and all of them together make the other preset."""
    for name in ("mel", "cnn"):
        published, repaired = (resolve_options(name, preset) for preset in PRESETS)
        turned = fitted(name, "published", **repaired)
        torch.testing.assert_close(turned(batch(name)).logit, fitted(name)(batch(name)).logit, rtol=0, atol=0)
        assert set(published) | {"hidden"} == set(repaired)
        before = fitted(name, "published")(batch(name)).logit
        for option in ("scaling", "head", "batch_norm", "dropout_at_test"):
            if option in repaired:
                after = fitted(name, "published", **{option: repaired[option]})(batch(name)).logit
                assert not torch.allclose(before, after)


def test_at_test_the_authors_dropout_repeats_itself_in_any_format_but_training_does_not():
    dropout = Dropout(0.5, at_test=True).eval()
    x = torch.ones(8, 6, 10, 10)
    once = dropout(x)
    torch.manual_seed(99)
    assert torch.equal(dropout(x), once)
    assert torch.equal(dropout(x.to(memory_format=torch.channels_last)), once)
    assert torch.equal(dropout(x.bfloat16()).float(), once)
    assert set(once.unique().tolist()) == {0.0, 2.0}
    assert once.mean().item() == pytest.approx(1.0, abs=0.06)  # 4,800 draws: three standard deviations are .043
    assert not torch.equal(once[0], once[1])
    dropout.train()
    assert not torch.equal(dropout(x), dropout(x))
