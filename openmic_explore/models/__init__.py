"""Models by name and preset.

`published` is the network as its authors ran it, clamp and scaling included; `repaired` is what the text means:
standardised input, a head that always has a gradient, dropout in training only.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from openmic_explore.errors import ExploreError
from openmic_explore.models.attention import Attention, PublishedAttention
from openmic_explore.models.output import InputScale, Output
from openmic_explore.models.recurrent import Mel, PublishedMel

REGISTRY: dict[tuple[str, str], Callable[..., nn.Module]] = {
    ("mel", "published"): PublishedMel,
    ("mel", "repaired"): Mel,
    ("attention", "published"): PublishedAttention,
    ("attention", "repaired"): Attention,
}


def build_model(name: str, preset: str = "repaired", **sizes: Any) -> nn.Module:
    """Build a model by name ("mel", "attention") and preset ("published", "repaired").

    sizes: keyword arguments of the model's class, among them dimension (features a frame) and instruments.
    The model maps a batch (B, T, dimension) of features in 0..255 to an `Output`.
    Raises ExploreError for an unknown name or preset.
    """
    if (name, preset) not in REGISTRY:
        known = ", ".join(f"{n} ({p})" for n, p in REGISTRY)
        raise ExploreError(f"There is no model {name!r} in preset {preset!r}. Known: {known}.")
    return REGISTRY[name, preset](**sizes)


__all__ = ["REGISTRY", "InputScale", "Output", "build_model"]
