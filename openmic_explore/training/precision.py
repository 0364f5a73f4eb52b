"""In which numbers to train: bfloat16 in channels-last order where this processor is faster so, float32 elsewhere."""

import contextlib
import json
import platform
import statistics
import time
from typing import Any

import torch
from torch import nn

from openmic_explore.files import atomic_path, cache_dir
from openmic_explore.models import MODELS, build_model
from openmic_explore.training.config import TrainConfig

# How much faster bfloat16 must be to be worth its rounding.
WORTH = 1.2
STEPS = 5


def resolve_precision(config: TrainConfig, device: torch.device) -> str:
    """ "fp32" or "bf16" for a configuration: what it names, or for "auto" what the probe says.

    The recurrent and pooling models stay in fp32: their steps are too small to gain. The probe's answer is kept in the
    user's cache folder, so that the same machine gives the same numbers every time.
    """
    if config.precision != "auto":
        return config.precision
    if not config.reads_pictures:
        return "fp32"
    about = [config.model, device.type, platform.processor() or platform.machine(), torch.__version__, _threads()]
    path = cache_dir() / "precision.json"
    known: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        known = dict(json.loads(path.read_text(encoding="utf-8")))
    key = " ".join(map(str, about))
    if known.get(key) not in ("fp32", "bf16"):
        known[key] = probe(config, device)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known[key]


def _threads() -> str:
    return f"{torch.get_num_threads()} threads"


def probe(config: TrainConfig, device: torch.device) -> str:
    """Time a few steps of a fresh model either way; the median decides. torch's random state is left as it was."""
    state = torch.get_rng_state()
    sizes = MODELS[config.model].sizes
    pictures = torch.rand(32, 1, sizes["scales"], sizes["bins"], device=device) * 255
    seconds: dict[str, list[float]] = {"fp32": [], "bf16": []}
    models = {name: prepared(_fresh(config).to(device), name) for name in seconds}
    for step in range(STEPS + 2):
        for name, model in models.items():
            start = time.perf_counter()
            with autocast(device, name):
                loss = model(pictures).logit.square().mean()
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if step >= 2:
                seconds[name].append(time.perf_counter() - start)
    torch.set_rng_state(state)
    fp32, bf16 = (statistics.median(values) for values in seconds.values())
    return "bf16" if fp32 > WORTH * bf16 else "fp32"


def _fresh(config: TrainConfig) -> nn.Module:
    return build_model(config.model, config.preset, **config.options)


def prepared(model: nn.Module, precision: str) -> nn.Module:
    """The model in the memory format that its precision goes with."""
    return model.to(memory_format=torch.channels_last) if precision == "bf16" else model  # type: ignore[call-overload]


def autocast(device: torch.device, precision: str) -> Any:
    """A context in which the model runs in that precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
