"""The training step against a plain PyTorch loop of the same network, one thread, in clips a second."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from openmic_explore.benchmarks.harness import interleaved, machine, row, table
from openmic_explore.models import build_model
from openmic_explore.training.loss import masked_loss
from openmic_explore.training.precision import autocast, prepared

CLIPS, BATCH = 320, 32


class PlainBlock(nn.Module):
    """The textbook's order: convolution, batch norm, ReLU, pooling; (B, C, H, W) as the package's own block."""

    def __init__(self, block: Any):
        super().__init__()
        before, after = block.convolve.in_channels, block.convolve.out_channels
        self.convolve = nn.Conv2d(before, after, 3)
        self.norm = nn.Identity() if isinstance(block.norm, nn.Identity) else nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(torch.relu(self.norm(self.convolve(x))), 2)


def training(*, rounds: int = 8) -> str:
    """Measure and return the table: plain float32 loop against the trainer's step, for the CNNs, and Mel's own speed."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows, notes = [], []
        for name in ("cnn", "cnn-reduced"):
            for preset in ("published", "repaired"):
                found = interleaved({"plain": _plain(name, preset), "fast": _fast(name, preset)}, rounds)
                rows.append(row(f"{name}, {preset}: plain float32 loop / ours", found["plain"], found["fast"]))
                notes.append(f"{name} {preset} {CLIPS / found['fast'].median:,.0f}")
        found = interleaved({preset: _mel(preset) for preset in ("published", "repaired")}, rounds)
        notes += [f"mel {preset} {CLIPS / timing.median:,.0f}" for preset, timing in found.items()]
    finally:
        torch.set_num_threads(before)
    return "\n".join([table(rows), "", f"Clips a second here: {', '.join(notes)}. {machine()}"])


def _steps(model: Any, optimiser: Any, features: Tensor, precision: str, log_odds: bool) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)
    relevance = torch.rand(CLIPS, 20, generator=generator).round()
    mask = torch.rand(CLIPS, 20, generator=generator) < 0.1

    def run() -> None:
        for rows in torch.randperm(CLIPS).split(BATCH):
            with autocast(torch.device("cpu"), precision):
                output = model(features[rows])
            loss = masked_loss(output, relevance[rows], mask[rows], log_odds=log_odds)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return run


def _pictures() -> Tensor:
    return torch.randint(0, 256, (CLIPS, 1, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def _plain(name: str, preset: str) -> Callable[[], None]:
    model: Any = build_model(name, preset)
    model.blocks = nn.ModuleList(PlainBlock(block) for block in model.blocks)
    return _steps(model, torch.optim.Adam(model.parameters()), _pictures().float(), "fp32", preset == "repaired")


def _fast(name: str, preset: str) -> Callable[[], None]:
    model = prepared(build_model(name, preset), "bf16")
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    return _steps(model, optimiser, _pictures(), "bf16", preset == "repaired")


def _mel(preset: str) -> Callable[[], None]:
    model = build_model("mel", preset)
    features = torch.randint(0, 256, (CLIPS, 10, 128), dtype=torch.uint8)
    return _steps(model, torch.optim.Adam(model.parameters(), fused=True), features, "fp32", preset == "repaired")
