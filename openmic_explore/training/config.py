"""What a run was asked to do."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openmic_explore.errors import ExploreError
from openmic_explore.models.registry import MODELS, Value, resolve_options

# Answers without a network, under the same scores and in the same kind of folder: the official random forest of the
# OpenMIC-2018 baseline notebook, and the majority class.
BASELINES = ("forest", "majority")

_MEL = {"epochs": 200, "batch": 32, "learning_rate": 5e-4, "weight_decay": 1e-5}
_FRAMEWISE = {"epochs": 250, "batch": 128, "learning_rate": 5e-4, "weight_decay": 1e-5}
_SHORT = {"epochs": 40, "batch": 32, "learning_rate": 1e-3, "weight_decay": 3e-4}
# The CNNs' validation loss is least after a few epochs, when they are sure of little; F1 and precision go on rising.
_PICTURES: dict[str, Any] = {
    "epochs": 30,
    "batch": 32,
    "learning_rate": 1e-3,
    "weight_decay": 1e-4,
    "checkpoint": "f1_macro",
}
# Chosen by known cells of training clips whose artist was left out, each artist in turn.
_BEST = {
    "epochs": 20,
    "batch": 64,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "checkpoint": "last",
    "features": "musicnn-mtt-pca128+mel",
    "schedule": "cosine",
    "averaging": 0.99,
    "versions": 1,
    "self_training": 0.1,
}
# Adam's settings per model and preset, and what else is not as usual. `published`: what the authors ran (Mel, CNN), and
# Gururani et al. 2019 (attention, and the same network with other pooling). `repaired`: chosen on validation clips of the
# teaching set.
RECIPES: dict[tuple[str, str], dict[str, Any]] = {
    **{(model, "published"): _MEL for model in ("mel", "mel-3", "cnn", "cnn-reduced")},
    **{(model, "published"): _FRAMEWISE for model in ("attention", "mean", "max")},
    **{(model, "repaired"): _SHORT for model in ("mel", "mel-3", "attention", "mean", "max")},
    **{(model, "repaired"): _PICTURES for model in ("cnn", "cnn-reduced")},
    ("best", "repaired"): _BEST,
    **{(model, "published"): {} for model in BASELINES},
}
CHECKPOINTS = ("loss", "f1_macro", "average_precision", "last")
UNKNOWN = ("masked", "absent")
AUGMENTATIONS = ("interpolation", "noise", "flip")
MEANINGS = ("text", "run")
PRECISIONS = ("auto", "fp32", "bf16")
# What most recipes do without.
NOT_USED = {"schedule": "constant", "averaging": 0.0, "versions": 0, "self_training": 0.0}
SCHEDULES = ("constant", "cosine")
PICTURES = ("scalogram", "log_mel")  # what a CNN may read, its own kind first; all other models read an embedding


# Characters of a group's name: folders may have 255, and seed and temporary names need some.
LONGEST = 200


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run, but for the data.

    model: see `openmic_explore.models`, or a baseline, "forest" or "majority". preset: "published" or "repaired"; left
    empty, "repaired" for networks, and "published" for baselines, which have no other. options: settings of the model
    that differ from the preset's, see `model_options`. features: what the model reads; None takes its own kind
    ("embedding" or "scalogram"); a CNN can read "log_mel" as well, resized to the scalogram's shape; another name is
    that of a kept embedding.
    seed: of weights, batch order, dropout and augmentation.
    epochs, batch (clips), learning_rate, weight_decay: Adam's; None takes the preset's own.
    checkpoint: the validation measure whose best epoch is kept: "loss", "f1_macro" or "average_precision"; or the
    "last" epoch, whatever it measures. Left empty, the preset's own: "f1_macro" for repaired CNNs, otherwise "loss".
    schedule: of the learning rate: "constant", or "cosine" from its full height to 0, after a rise over the first
    twentieth. averaging: from 0 to below 1, how much of their own past the kept weights are after each step, an
    exponential moving average; 0 for the weights themselves.
    versions: altered versions of the training clips' sound, made by `features --versions`, of which one takes a clip's
    place every other time. self_training: weight of a training clip's unknown cells, whose targets are what the same
    network says that was trained on other artists; 0 leaves them out.
    known: share of the official training split's cells whose label is known, validation clips included; None for those
    that the data has. Fewer are drawn among them; more need a data set that knows the truth. The seed draws, and a
    smaller share is part of a larger one. unknown: what becomes of the other cells: "masked" out of the loss, or taken
    to be "absent", which nobody should do. label_shift: every training and validation clip gets the labels of the clip
    so many rows on, to see what such a slip does.
    augment: any of "interpolation", "noise", "flip", each on a tenth of every batch. augment_as: what these words mean,
    as in the paper's "text" or as its authors ran them, "run"; None takes "run" for published, "text" for repaired.
    precision: "fp32", "bf16" (autocast, channels last), or "auto": bf16 for the CNNs where a short timed probe says
    that it is faster on this processor.
    A baseline has none of these but model, seed, features and what concerns labels.
    Raises ExploreError for an unknown model, preset, option or name, or a number out of range.
    """

    model: str = "mel"
    preset: str = ""
    seed: int = 0
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    checkpoint: str = ""
    schedule: str | None = None
    averaging: float | None = None
    versions: int | None = None
    self_training: float | None = None
    known: float | None = None
    unknown: str = "masked"
    label_shift: int = 0
    features: str | None = None
    augment: tuple[str, ...] = ()
    augment_as: str | None = None
    precision: str = "auto"
    options: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.preset:
            object.__setattr__(self, "preset", "published" if self.model in BASELINES else "repaired")
        recipe = RECIPES.get((self.model, self.preset))
        if recipe is None:
            known = ", ".join(f"{model} ({preset})" for model, preset in RECIPES)
            raise ExploreError(f"There is no model {self.model!r} in preset {self.preset!r}. Known: {known}.")
        for name, value in recipe.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name, value in NOT_USED.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if not self.checkpoint:
            object.__setattr__(self, "checkpoint", recipe.get("checkpoint", "loss"))
        if not isinstance(self.seed, int) or self.seed < 0:
            raise ExploreError(f"seed must be a whole number of at least 0, not {self.seed!r}.")
        if self.augment_as is None:
            object.__setattr__(self, "augment_as", "run" if self.preset == "published" else "text")
        self._check_features()
        self._check_labels()
        if self.model in BASELINES:
            self._check_baseline()
        else:
            self._check_network()

    def _check_features(self) -> None:
        pictures = self.reads_pictures
        if self.features is None:
            object.__setattr__(self, "features", "scalogram" if pictures else "embedding")
        if pictures and self.features not in PICTURES:
            raise ExploreError(f"{self.model} reads {' or '.join(PICTURES)}, not {self.features!r}.")
        # A kept embedding's name stands in the run's, and so in that of its folder.
        if not pictures and (self.features in PICTURES or not re.fullmatch(r"\w[\w.+-]*", str(self.features))):
            raise ExploreError(f"{self.model} reads an embedding, not {self.features!r}.")

    def _check_labels(self) -> None:
        if self.known is not None and not 0 < self.known <= 1:
            raise ExploreError(f"known is a share of the cells, above 0 and at most 1, not {self.known!r}.")
        if self.unknown not in UNKNOWN:
            raise ExploreError(f"unknown must be one of {', '.join(UNKNOWN)}, not {self.unknown!r}.")
        if not isinstance(self.label_shift, int):
            raise ExploreError(f"label_shift is a whole number of clips, not {self.label_shift!r}.")

    def _check_baseline(self) -> None:
        own = ("model", "preset", "seed", "features", "known", "unknown", "label_shift")
        filled_in = {"checkpoint": "loss", "augment_as": "run", "augment": (), "options": {}}  # above
        nothing = NOT_USED | filled_in
        given = [
            each.name
            for each in dataclasses.fields(self)
            if each.name not in own and getattr(self, each.name) != nothing.get(each.name, each.default)
        ]
        if given:
            raise ExploreError(f"{self.model} is not trained in epochs: it has no {', '.join(given)}.")

    def _check_network(self) -> None:
        resolve_options(self.model, self.preset, self.options)
        wrong = [self.augment] if isinstance(self.augment, str) else sorted({*self.augment} - {*AUGMENTATIONS})
        if wrong:
            raise ExploreError(f"augment takes any of {', '.join(AUGMENTATIONS)}, several as a tuple, not {wrong!r}.")
        object.__setattr__(self, "augment", tuple(name for name in AUGMENTATIONS if name in self.augment))
        for name, choices in (
            ("schedule", SCHEDULES),
            ("checkpoint", CHECKPOINTS),
            ("augment_as", MEANINGS),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in choices:
                raise ExploreError(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}.")
        for name in ("averaging", "self_training"):
            if not isinstance(getattr(self, name), int | float) or not 0 <= getattr(self, name) < 1:
                raise ExploreError(f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}.")
        for name, least in (("epochs", 1), ("batch", 2), ("versions", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ExploreError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if not (self.learning_rate or 0) > 0 or not (self.weight_decay or 0) >= 0:
            raise ExploreError(
                f"learning_rate ({self.learning_rate}) must be above 0 and weight_decay ({self.weight_decay}) not below 0."
            )

    @property
    def head(self) -> str | None:
        """The model's head: "clamp", "probability" or "logit"; None for a baseline."""
        if self.model in BASELINES:
            return None
        return str(resolve_options(self.model, self.preset, self.options)["head"])

    @property
    def own_labels(self) -> bool:
        """Is the training given the data set's own labels, no more, no fewer, and none out of step?"""
        return self.known is None and self.unknown == "masked" and not self.label_shift

    @property
    def reads_pictures(self) -> bool:
        """Does the model read pictures (clips, 1, scales, bins), as the CNNs do?"""
        return self.model in MODELS and MODELS[self.model].input == "scalogram"

    @property
    def _parts(self) -> list[str]:
        """Model, preset, and whatever differs from the preset's own, but for the seed."""
        parts = [self.model, self.preset]
        defaults = TrainConfig(self.model, self.preset)
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if each.name == "seed" or value == getattr(defaults, each.name):
                continue
            if each.name == "options":
                parts += [f"{name}={value[name]}" for name in sorted(value)]
            elif each.name == "augment":
                parts.append("+".join(value))
            else:
                parts.append(f"{each.name}={value}")
        return parts

    @property
    def group(self) -> str:
        """What runs that differ by seed only have in common, as part of a folder's name; its end is a digest where it
        would be too long for one."""
        group = "-".join(self._parts)
        if len(group) <= LONGEST:
            return group
        return f"{group[: LONGEST - 13]}-{hashlib.sha256(group.encode()).hexdigest()[:12]}"

    @property
    def label(self) -> str:
        """The same for a reader: "cnn-reduced published, epochs=30"."""
        model, preset, *others = self._parts
        return ", ".join([f"{model} {preset}", *others])

    @property
    def name(self) -> str:
        """The run's default name: its group and its seed."""
        return f"{self.group}-seed{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return dataclasses.asdict(self) | {"augment": list(self.augment), "options": dict(self.options)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`. Raises ExploreError for an unknown key."""
        known = {each.name for each in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ExploreError(f"Unknown settings: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
        return cls(**{**values, "augment": tuple(values.get("augment", ()))})
