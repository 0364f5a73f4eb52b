"""The experiments by name: which question each asks, and which runs answer it."""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openmic_explore.errors import ExploreError
from openmic_explore.models import PRESETS
from openmic_explore.training import TrainConfig
from openmic_explore.training.config import AUGMENTATIONS, BASELINES

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# Epochs of a CNN on the teaching set: a minute or two on one core. On the real data set the paper's 200 are the default.
SHORT = 30


Pair = tuple[TrainConfig, TrainConfig]


@dataclass(frozen=True)
class Experiment:
    """A question, the runs that answer it, but for their seeds, and the pairs (a, b) whose difference is the answer."""

    question: str
    runs: tuple[TrainConfig, ...]
    pairs: tuple[Pair, ...] = ()


def _both(*models: str, **settings: Any) -> tuple[TrainConfig, ...]:
    return tuple(TrainConfig(model, preset, **settings) for model in models for preset in PRESETS)


def _changed(model: str, preset: str, changes: Iterable[dict[str, Any]]) -> tuple[TrainConfig, ...]:
    """A model's preset, and the same with one thing changed at a time."""
    return tuple(TrainConfig(model, preset, **change) for change in ({}, *changes))


def _each_against_the_first(*groups: tuple[TrainConfig, ...]) -> tuple[Pair, ...]:
    return tuple((group[0], other) for group in groups for other in group[1:])


def _augmented(model: str) -> tuple[tuple[TrainConfig, ...], ...]:
    """By preset, a model with every kind of augmentation, none first."""
    return tuple(tuple(TrainConfig(model, preset, augment=kinds) for kinds in AUGMENTED.values()) for preset in PRESETS)


FLOORS = (TrainConfig("majority"), TrainConfig("forest"))
# The series of Figures 6 and 7, by the paper's names.
AUGMENTED: dict[str, tuple[str, ...]] = {
    "none": (),
    "noise": ("noise",),
    "interpolation": ("interpolation",),
    "flip": ("flip",),
    "all": AUGMENTATIONS,
}
# Shares of the cells that are known; None is what the data has, a tenth.
BUDGETS = (0.02, 0.05, None, 0.3, 1.0)


def _option(**options: Any) -> dict[str, Any]:
    return {"options": options}


# From `published` towards `repaired`, and beyond, one thing at a time: which of them makes a CNN learn nothing?
FROM_PUBLISHED = (
    _option(scaling="bytes"),
    _option(scaling="tiny"),
    {"label_shift": 1},
    _option(scaling="standard"),
    _option(batch_norm=True),
    _option(head="logit"),
    _option(dropout_at_test=False),
    {"augment": AUGMENTATIONS},
    {"augment": AUGMENTATIONS, "augment_as": "text"},
    {"learning_rate": 1e-3},
    {"epochs": 10},
    {"known": 1.0},
)
# And from `repaired` back, as far as the presets differ.
FROM_REPAIRED = (
    _option(scaling="unit"),
    _option(batch_norm=False),
    _option(head="clamp"),
    _option(dropout_at_test=True),
    {"learning_rate": 5e-4, "weight_decay": 1e-5},
    {"known": 1.0},
)
# The two of FROM_PUBLISHED that take all from the CNN, tried on CNN-reduced as well.
SUSPECTS = (_option(scaling="tiny"), {"label_shift": 1})
# The same for Mel, whose input and head are the doubtful parts.
MEL_FROM_PUBLISHED = (
    _option(scaling="standard"),
    _option(head="logit"),
    _option(scaling="standard", head="logit"),
    {"learning_rate": 1e-3},
    {"known": 1.0},
)
# By model and preset: the preset itself first, then its single changes.
ABLATION = {
    (model, preset): _changed(model, preset, changes)
    for model, preset, changes in (
        ("cnn", "published", FROM_PUBLISHED),
        ("cnn-reduced", "published", SUSPECTS),
        ("mel", "published", MEL_FROM_PUBLISHED),
        ("cnn", "repaired", FROM_REPAIRED),
    )
}
# What each part of `best` is worth. The data's own embedding has no altered versions, so that row changes two things.
FROM_BEST = (
    {"versions": 0},
    {"self_training": 0.0},
    {"averaging": 0.0},
    {"schedule": "constant"},
    _option(members=1),
    {"features": "embedding", "versions": 0},
)
BEST = _changed("best", "repaired", FROM_BEST)
LABELLED = ("forest", "mel", "attention")


def _labelled(model: str, unknown: str) -> tuple[TrainConfig, ...]:
    """A model with every share of labels; where all is known nothing is unknown."""
    return tuple(
        TrainConfig(model, known=known, unknown=unknown) for known in BUDGETS if known != 1 or unknown == "masked"
    )


EXPERIMENTS: dict[str, Experiment] = {
    "start": Experiment(
        "What the dashboard opens on: the paper's Mel architecture in both presets, and a per-frame network.",
        (TrainConfig("mel"), TrainConfig("mel", "published"), TrainConfig("attention")),
    ),
    "main": Experiment(
        "How far is it from the constant answer to the best network?",
        (*FLOORS, TrainConfig("cnn"), TrainConfig("mel"), TrainConfig("attention"), TrainConfig("best")),
        (
            (FLOORS[0], TrainConfig("cnn")),
            (TrainConfig("cnn"), TrainConfig("mel")),
            (FLOORS[1], TrainConfig("mel")),
            (FLOORS[1], TrainConfig("best")),
        ),
    ),
    "4": Experiment(
        "Figure 4: does Mel get better with three BiLSTM layers in place of one?",
        (*FLOORS, *_both("mel", "mel-3")),
        ((FLOORS[1], TrainConfig("mel")), *zip(_both("mel"), _both("mel-3"), strict=True)),
    ),
    "5": Experiment(
        "Figure 5: how good are CNN and CNN-reduced on scalograms, beside Mel?",
        (*FLOORS, *_both("mel", "cnn", "cnn-reduced")),
        (
            *((FLOORS[0], config) for config in _both("cnn", "cnn-reduced")),
            *zip(_both("cnn"), _both("mel"), strict=True),
            *zip(_both("cnn"), _both("cnn-reduced"), strict=True),
        ),
    ),
    "6": Experiment(
        "Figure 6: what does augmentation do to Mel?",
        (*FLOORS, *itertools.chain(*_augmented("mel"))),
        _each_against_the_first(*_augmented("mel")),
    ),
    "7": Experiment(
        "Figure 7: what does augmentation do to the CNN?",
        (*FLOORS, *itertools.chain(*_augmented("cnn"))),
        _each_against_the_first(*_augmented("cnn")),
    ),
    "representations": Experiment(
        "The paper's main question put to a fair test: is the scalogram better than the spectrogram for the same CNN?",
        (*_both("cnn", "cnn-reduced"), *_both("cnn", "cnn-reduced", features="log_mel")),
        tuple(zip(_both("cnn", "cnn-reduced", features="log_mel"), _both("cnn", "cnn-reduced"), strict=True)),
    ),
    "pooling": Experiment(
        "Mean, max or attention over the same per-frame network?",
        (*FLOORS, *_both("attention", "mean", "max")),
        (
            *zip(_both("mean"), _both("attention"), strict=True),
            *zip(_both("max"), _both("attention"), strict=True),
        ),
    ),
    "best": Experiment(
        "How good can it get from a tenth of the labels: embedding and log-mel seconds, altered sounds, self-training?",
        (*FLOORS, TrainConfig("attention"), *BEST),
        ((FLOORS[1], BEST[0]), (TrainConfig("attention"), BEST[0]), *((other, BEST[0]) for other in BEST[1:])),
    ),
    "ablation": Experiment(
        "Why did the published CNN not learn? One change at a time between published and repaired.",
        tuple(itertools.chain(*ABLATION.values())),
        _each_against_the_first(*ABLATION.values()),
    ),
    "labels": Experiment(
        "What do labels buy: 2, 5, 10, 30 and 100 % of the cells known, unknown masked or taken for absent?",
        tuple(itertools.chain(*(_labelled(model, unknown) for model in LABELLED for unknown in ("masked", "absent")))),
        tuple(
            pair
            for model in LABELLED
            for pair in zip(_labelled(model, "absent"), _labelled(model, "masked")[:-1], strict=True)
        ),
    ),
}
FIGURES = ("4", "5", "6", "7")


def configs(
    names: str | Sequence[str],
    data: "OpenMIC | None" = None,
    *,
    seeds: int = 3,
    presets: Sequence[str] = PRESETS,
    epochs: int | None = None,
) -> list[TrainConfig]:
    """The configurations of one or several experiments, or of "all", each once, model by model and seed by seed.

    data: on a teaching set a CNN gets at most 30 epochs. epochs: at most so many for every run, on any data.
    Raises ExploreError for an unknown experiment, or for numbers below 1.
    """
    chosen = experiments(names)
    if seeds < 1 or (epochs is not None and epochs < 1):
        raise ExploreError(f"seeds ({seeds}) and epochs ({epochs}) must be at least 1.")
    wanted = itertools.chain(*(EXPERIMENTS[name].runs for name in chosen))
    found = [
        dataclasses.replace(shortened(config, data, epochs), seed=seed)
        for config, seed in itertools.product(wanted, range(seeds))
        if config.model in BASELINES or config.preset in presets
        # The majority class draws nothing.
        if seed == 0 or config.model != "majority"
    ]
    return list({config.name: config for config in found}.values())


def experiments(names: str | Sequence[str]) -> list[str]:
    """The experiments of these names; "all" stands for every one. Raises ExploreError for an unknown name."""
    chosen = [names] if isinstance(names, str) else list(names)
    if "all" in chosen:
        return list(EXPERIMENTS)
    unknown = [name for name in chosen if name not in EXPERIMENTS]
    if unknown:
        raise ExploreError(f"There is no experiment {unknown[0]!r}. Known: {', '.join(EXPERIMENTS)}, all.")
    return chosen


def shortened(config: TrainConfig, data: "OpenMIC | None", epochs: int | None = None) -> TrainConfig:
    """The configuration with no more epochs than this data set, or the caller, allows."""
    if config.epochs is None:
        return config
    limits = [config.epochs, *([epochs] if epochs else [])]
    if data is not None and data.info.get("recipe") and config.reads_pictures:
        limits.append(SHORT)
    return dataclasses.replace(config, epochs=min(limits))
