"""In which numbers to train: bfloat16 in channels-last order where this processor is faster so, float32 elsewhere."""

import contextlib
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
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
    user's cache folder, one for a model whatever its settings, so that the same machine gives the same numbers every
    time and its runs can be compared.
    """
    if config.precision != "auto":
        return config.precision
    if not config.reads_pictures:
        return "fp32"
    key = f"{config.model} on {_processor(device)}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    path = cache_dir() / "precision.json"
    with FileLock(path.with_suffix(".lock")):  # runs that start together must not probe, and judge, each for itself
        known: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            known = dict(json.loads(path.read_text(encoding="utf-8")))
        if known.get(key) not in ("fp32", "bf16"):
            known[key] = probe(config.model, device)
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known[key]


def _processor(device: torch.device) -> str:
    """What computes: the probe's answer holds for this kind only."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def probe(model: str, device: torch.device) -> str:
    """Time a few steps of a fresh CNN either way; the median decides. torch's random state is left as it was."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        return _faster(model, device)


def _faster(name: str, device: torch.device) -> str:
    sizes = MODELS[name].sizes
    pictures = torch.rand(32, 1, sizes["scales"], sizes["bins"], device=device) * 255
    seconds: dict[str, list[float]] = {"fp32": [], "bf16": []}
    models = {precision: prepared(build_model(name).to(device), precision) for precision in seconds}
    for step in range(STEPS + 2):
        for precision, model in models.items():
            start = time.perf_counter()
            with autocast(device, precision):
                loss = model(pictures).logit.square().mean()
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if step >= 2:
                seconds[precision].append(time.perf_counter() - start)
    fp32, bf16 = (statistics.median(values) for values in seconds.values())
    return "bf16" if fp32 > WORTH * bf16 else "fp32"


def prepared(model: nn.Module, precision: str) -> nn.Module:
    """The model in the memory format that its precision goes with."""
    return model.to(memory_format=torch.channels_last) if precision == "bf16" else model  # type: ignore[call-overload]


def autocast(device: torch.device, precision: str) -> Any:
    """A context in which the model runs in that precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
