"""Learn, see and hear how a machine recognises instruments from weak labels.

The names below are exported lazily (PEP 562), so that importing one of them does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.errors import ExploreError
    from openmic_explore.evaluation import score
    from openmic_explore.instruments import INSTRUMENTS
    from openmic_explore.models import build_model
    from openmic_explore.training import Runs, TrainConfig, train
    from openmic_explore.transforms import log_mel, scalogram

_HOME = {
    "ExploreError": "errors",
    "INSTRUMENTS": "instruments",
    "OpenMIC": "data",
    "Runs": "training",
    "TrainConfig": "training",
    "build_model": "models",
    "log_mel": "transforms",
    "scalogram": "transforms",
    "score": "evaluation",
    "train": "training",
}

__all__ = [
    "INSTRUMENTS",
    "ExploreError",
    "OpenMIC",
    "Runs",
    "TrainConfig",
    "build_model",
    "log_mel",
    "scalogram",
    "score",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
