"""Models by name and preset.

`MODELS`, `PRESETS`, `model_options` and `resolve_options` need no torch; the other names import it when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from openmic_explore.models.registry import MODELS, PRESETS, model_options, resolve_options

if TYPE_CHECKING:
    from openmic_explore.models.build import build_model
    from openmic_explore.models.heads import blocked
    from openmic_explore.models.output import Model, Output

_HOME = {"Model": "output", "Output": "output", "blocked": "heads", "build_model": "build"}

__all__ = ["MODELS", "PRESETS", "Model", "Output", "blocked", "build_model", "model_options", "resolve_options"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
