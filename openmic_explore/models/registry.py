"""Which models there are, their presets, and what of them can be set: tables only, so that a configuration can be
checked without importing torch.

The presets are two settings of the same options. `published` is the network as its authors ran it, clamp and scaling
included; `repaired` is what the text means: standardised input, a head that always has a gradient, dropout in training
only. Between the two every option can be set by itself, which tells which of them made the difference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from openmic_explore.errors import ExploreError

PRESETS = ("published", "repaired")
Value = str | bool | int | float


@dataclass(frozen=True)
class Option:
    """One thing that can be set: its default in either preset, and which values are sound.

    choices: of a text. least (included) and below (excluded): of a number. head: the option has a meaning with this
    head only.
    """

    published: Value
    repaired: Value
    meaning: str
    choices: tuple[str, ...] = ()
    least: float = 0
    below: float = math.inf
    head: str | None = None

    def check(self, name: str, value: object) -> Value:
        """The value, if it is sound. Raises ExploreError otherwise."""
        if isinstance(self.repaired, bool):
            wanted, sound = "True or False", isinstance(value, bool)
        elif isinstance(self.repaired, str):
            wanted, sound = f"one of {', '.join(self.choices)}", value in self.choices
        else:
            whole = isinstance(self.repaired, int)
            kinds = int if whole else (int, float)
            wanted = f"a {'whole number' if whole else 'number'} of at least {self.least}"
            wanted += f" and below {self.below}" if self.below < math.inf else ""
            sound = isinstance(value, kinds) and not isinstance(value, bool) and self.least <= value < self.below
        if not sound:
            raise ExploreError(f"{name} must be {wanted}, not {value!r}.")
        return value  # type: ignore[return-value]


@dataclass(frozen=True)
class ModelEntry:
    """A model's class (module below this folder, name), what it reads, and what can be set.

    input: "embedding", frames (B, T, dimension), or "scalogram", pictures (B, 1, scales, bins).
    sizes: of the data, with OpenMIC-2018's own as defaults. options: see `Option`. fixed: what its name stands for.
    """

    module: str
    type: str
    input: str
    sizes: Mapping[str, int]
    options: Mapping[str, Option]
    fixed: Mapping[str, Value] = field(default_factory=dict)


SCALINGS = ("unit", "bytes", "tiny", "standard")
SCALING = Option(
    "unit", "standard", "input in 0..1, in 0..255, in 0..1 divided by 255 once more, or standardised", SCALINGS
)
RECURRENT_HEAD = Option(
    "clamp", "logit", "the authors' clamped sum of LSTM outputs, or attention over log-odds", ("clamp", "logit")
)
FRAME_HEAD = Option("probability", "logit", "pool over probabilities or over log-odds", ("probability", "logit"))
HIDDEN = Option(64, 64, "LSTM units a direction; the clamp has one for each instrument", least=1, head="logit")

MEL = {
    "scaling": SCALING,
    "head": RECURRENT_HEAD,
    "hidden": HIDDEN,
    "dropout": Option(0.0, 0.6, "before the LSTM, and before the logit head", below=1),
}
LAYER_DROPOUT = Option(0.2, 0.2, "dropout between LSTM layers", below=1)
FRAMEWISE = {
    "scaling": SCALING,
    "head": FRAME_HEAD,
    "dropout": Option(0.6, 0.7, "after each of the three layers", below=1),
}
CNN = {
    "scaling": SCALING,
    "batch_norm": Option(False, True, "batch norm in each convolution block"),
    "head": RECURRENT_HEAD,
    "hidden": HIDDEN,
    "width": Option(8, 8, "channels of the first convolution; the next have 2, 4 and 4 times as many", least=1),
    "dropout": Option(0.5, 0.5, "after the last convolution, and before the logit head", below=1),
    "dropout_at_test": Option(True, False, "leave dropout on in evaluation mode, with a seeded mask"),
}
ENSEMBLE = {
    "head": Option("logit", "logit", FRAME_HEAD.meaning, FRAME_HEAD.choices),
    "scaling": Option("standard", "standard", SCALING.meaning, SCALINGS),
    "width": Option(128, 128, "units of each layer", least=1),
    "layers": Option(2, 2, "residual layers"),
    "members": Option(3, 3, "networks that answer together", least=1),
    "dropout": Option(0.5, 0.5, "before each layer and before the heads", below=1),
}
EMBEDDING = {"dimension": 128, "instruments": 20}
PICTURE = {"scales": 128, "bins": 128, "instruments": 20}

MODELS: dict[str, ModelEntry] = {
    "mel": ModelEntry("recurrent", "Mel", "embedding", EMBEDDING, MEL, {"layers": 1}),
    "mel-3": ModelEntry(
        "recurrent", "Mel", "embedding", EMBEDDING, MEL | {"layer_dropout": LAYER_DROPOUT}, {"layers": 3}
    ),
    "cnn": ModelEntry("convolutional", "CNN", "scalogram", PICTURE, CNN, {"depth": 4}),
    "cnn-reduced": ModelEntry("convolutional", "CNN", "scalogram", PICTURE, CNN, {"depth": 2}),
    "attention": ModelEntry("framewise", "Framewise", "embedding", EMBEDDING, FRAMEWISE, {"pooling": "attention"}),
    "mean": ModelEntry("framewise", "Framewise", "embedding", EMBEDDING, FRAMEWISE, {"pooling": "mean"}),
    "max": ModelEntry("framewise", "Framewise", "embedding", EMBEDDING, FRAMEWISE, {"pooling": "max"}),
    "best": ModelEntry("ensemble", "Ensemble", "embedding", EMBEDDING, ENSEMBLE),
}


def model_entry(name: str, preset: str) -> ModelEntry:
    """The table's row. Raises ExploreError for an unknown model or preset, with the known ones."""
    if name not in MODELS or preset not in PRESETS:
        known = ", ".join(f"{model} ({each})" for model in MODELS for each in PRESETS)
        raise ExploreError(f"There is no model {name!r} in preset {preset!r}. Known: {known}.")
    return MODELS[name]


def model_options(name: str) -> dict[str, dict[str, Value]]:
    """The options of a model and their defaults: {"head": {"published": "clamp", "repaired": "logit"}, ...}.

    Raises ExploreError for an unknown model.
    """
    options = model_entry(name, PRESETS[0]).options
    return {key: {preset: getattr(option, preset) for preset in PRESETS} for key, option in options.items()}


def resolve_options(
    name: str, preset: str = "repaired", options: Mapping[str, object] | None = None
) -> dict[str, Value]:
    """Every option of a model that has an effect: the ones given, checked, and the preset's defaults for the others.

    An option that means nothing with the chosen head is left out; what is returned can be given again.
    Raises ExploreError for an unknown model, preset or option, for an option without effect, or for an unsound value.
    """
    entry, given = model_entry(name, preset), dict(options or {})
    refuse_unknown(name, given, entry.options)
    values = {key: option.check(key, given.get(key, getattr(option, preset))) for key, option in entry.options.items()}
    for key, option in entry.options.items():
        if option.head not in (None, values["head"]):
            if key in given:
                raise ExploreError(
                    f"{key} has no effect with head={values['head']!r}. Leave it out, or set head={option.head!r}."
                )
            del values[key]
    return values


def refuse_unknown(name: str, given: Mapping[str, object], known: Mapping[str, object]) -> None:
    """Raises ExploreError when given has keys that known has not."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ExploreError(f"The model {name!r} has no setting {', '.join(unknown)}. It has: {', '.join(known)}.")
