"""What a run was asked to do."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from openmic_explore.errors import ExploreError

# Adam's settings per model and preset. `published`: what the authors ran (Mel), and Gururani et al. 2019 (attention).
# `repaired`: chosen on validation clips of the teaching set.
RECIPES: dict[tuple[str, str], dict[str, float]] = {
    ("mel", "published"): {"epochs": 200, "batch": 32, "learning_rate": 5e-4, "weight_decay": 1e-5},
    ("mel", "repaired"): {"epochs": 40, "batch": 32, "learning_rate": 1e-3, "weight_decay": 3e-4},
    ("attention", "published"): {"epochs": 250, "batch": 128, "learning_rate": 5e-4, "weight_decay": 1e-5},
    ("attention", "repaired"): {"epochs": 40, "batch": 32, "learning_rate": 1e-3, "weight_decay": 3e-4},
}
CHECKPOINTS = {"loss": min, "f1_macro": max, "average_precision": max}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run, but for the data.

    model, preset: see `openmic_explore.models`. seed: of weights, batch order and dropout.
    epochs, batch (clips), learning_rate, weight_decay: Adam's; None takes the preset's own.
    checkpoint: the validation measure whose best epoch is kept: "loss", "f1_macro" or "average_precision".
    Raises ExploreError for an unknown model, preset or checkpoint, or a number out of range.
    """

    model: str = "mel"
    preset: str = "repaired"
    seed: int = 0
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    checkpoint: str = "loss"

    def __post_init__(self) -> None:
        recipe = RECIPES.get((self.model, self.preset))
        if recipe is None:
            known = ", ".join(f"{model} ({preset})" for model, preset in RECIPES)
            raise ExploreError(f"There is no model {self.model!r} in preset {self.preset!r}. Known: {known}.")
        for name, value in recipe.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if self.checkpoint not in CHECKPOINTS:
            raise ExploreError(f"checkpoint must be one of {', '.join(CHECKPOINTS)}, not {self.checkpoint!r}.")
        for name, least in (("seed", 0), ("epochs", 1), ("batch", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ExploreError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if not (self.learning_rate or 0) > 0 or not (self.weight_decay or 0) >= 0:
            raise ExploreError(
                f"learning_rate ({self.learning_rate}) must be above 0 and weight_decay ({self.weight_decay}) not below 0."
            )

    @property
    def group(self) -> str:
        """What runs that differ by seed only have in common: model, preset, and whatever differs from the preset's own."""
        parts = [self.model, self.preset]
        defaults = TrainConfig(self.model, self.preset)
        for field in dataclasses.fields(self)[3:]:
            value = getattr(self, field.name)
            if value != getattr(defaults, field.name):
                parts.append(f"{field.name}={value}")
        return "-".join(parts)

    @property
    def name(self) -> str:
        """The run's default name: its group and its seed."""
        return f"{self.group}-seed{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`. Raises ExploreError for an unknown key."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ExploreError(f"Unknown settings: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
        return cls(**values)
