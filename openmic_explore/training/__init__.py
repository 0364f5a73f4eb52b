"""Training: configuration, loss, trainer and the folder that a run leaves behind.

`Run`, `Runs` and `TrainConfig` need no torch; `train` imports it.
"""

from typing import TYPE_CHECKING, Any

from openmic_explore.training.config import TrainConfig
from openmic_explore.training.run import Frames, Heads, Run, Runs

if TYPE_CHECKING:
    from openmic_explore.training.baseline import majority_scores
    from openmic_explore.training.trainer import predict, train

__all__ = ["Frames", "Heads", "Run", "Runs", "TrainConfig", "majority_scores", "predict", "train"]


def __getattr__(name: str) -> Any:
    if name in ("predict", "train"):
        from openmic_explore.training import trainer

        return getattr(trainer, name)
    if name == "majority_scores":
        from openmic_explore.training.baseline import majority_scores

        return majority_scores
    raise AttributeError(name)
