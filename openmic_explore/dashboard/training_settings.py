"""A run to be trained, as the Train view asks for it: its settings, whether there can be such a run, and where it goes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from traitlets import Bool, Enum, Float, HasTraits, Int, List, Unicode

from openmic_explore.errors import ExploreError, MissingError, as_command
from openmic_explore.training.config import AUGMENTATIONS, BASELINES, MEANINGS, PICTURES, RECIPES, UNKNOWN, TrainConfig

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run, Runs

PRESETS = ("repaired", "published")


class Settings(HasTraits):
    """A run to be trained, as the reader sets it; `config` says whether there is such a run.

    model, preset: of RECIPES. own: are the labels those of the data, or the share `known` of the cells. The others are
    fields of TrainConfig.
    """

    model = Unicode("attention")
    preset = Enum(PRESETS, PRESETS[0])
    features = Unicode()
    epochs = Int(1)
    seed = Int(0)
    augment = List(Unicode())
    augment_as = Enum(MEANINGS, MEANINGS[0])
    own = Bool(True)
    known = Float(0.1)
    unknown = Enum(UNKNOWN, UNKNOWN[0])

    def __init__(self) -> None:
        super().__init__()
        self.take_recipe()

    @property
    def presets(self) -> list[str]:
        """The presets that the model has."""
        return [preset for preset in PRESETS if (self.model, preset) in RECIPES]

    @property
    def has_epochs(self) -> bool:
        return self.model not in BASELINES

    def take_recipe(self) -> None:
        """What the preset says of the model, where the reader may say otherwise."""
        with self.hold_trait_notifications():
            if self.preset not in self.presets:
                self.preset = self.presets[0]
            usual = TrainConfig(self.model, self.preset)
            self.features = str(usual.features)
            self.augment_as = "run" if self.preset == "published" else "text"
            if usual.epochs:
                self.epochs = usual.epochs

    def take_free_seed(self, runs: "list[Run]") -> None:
        """The first seed that has no run of these settings yet."""
        taken = [run.config for run in runs if run.config.model == self.model]  # they hold a dict: no set
        self.seed = 0
        while self.config() in taken:
            self.seed += 1

    def config(self) -> TrainConfig:
        """The configuration. Raises ExploreError where there is no such run."""
        fields: dict[str, Any] = {
            "features": self.features,
            "seed": self.seed,
            "known": None if self.own else self.known,
            "unknown": self.unknown,
        }
        if self.has_epochs:
            fields |= {"epochs": self.epochs, "augment": tuple(name for name in AUGMENTATIONS if name in self.augment)}
            fields |= {"augment_as": self.augment_as} if self.augment else {}
        return TrainConfig(self.model, self.preset, **fields)


def offered_features(data: "OpenMIC", model: str) -> list[tuple[str, str]]:
    """What a model can read here, with a name each."""
    if TrainConfig(model).reads_pictures:
        return [("scalogram", "scalogram"), ("log-mel, at the scalogram's size", "log_mel")]
    own = [(f"the data's embedding ({data.embedding_name})", "embedding")]
    kept = sorted(file.parent.name for file in (data.path / "features").glob("*/index.json"))
    others = [name for name in kept if name not in PICTURES and "." not in name]
    usual = str(TrainConfig(model).features)
    others += [usual] if usual not in ("embedding", *others) else []
    return own + [(name, name) for name in others]


def check_features(data: "OpenMIC", config: TrainConfig) -> None:
    """Does the data set have what the model reads? Raises ExploreError with the commands that make it. Without torch,
    which the training process has to load anyway."""
    from openmic_explore.data.openmic import TEACHING
    from openmic_explore.features import open_features

    if config.model == "majority":
        return
    if config.features == "embedding":
        _ = data.embedding
        return
    name = str(config.features)
    versions = range(int(config.versions or 0) + 1)
    try:
        for version in versions:
            wanted = ("train",) if version else ("train", "validation", "test")
            keys = data.keys[np.concatenate([data.split(part) for part in wanted])]
            open_features(data.path, name, version=version).rows(keys)
    except MissingError as error:
        only = ["--only", name] if config.reads_pictures else ["--only", "embedding", "--embedding", name]
        only += ["--versions", str(config.versions)] if config.versions else []
        if data.path.resolve() == TEACHING.resolve():
            raise ExploreError(
                f"{config.model} reads {name}, which the teaching set inside the package has of a few clips or none. Make "
                f"all of it: `{as_command('teach', 'data/teaching')}`, then "
                f"`{as_command('features', 'data/teaching', *only)}`; then choose data/teaching above."
            ) from error
        raise ExploreError(
            f"{config.model} reads {name}, and it is not there for all clips. Compute it: "
            f"`{as_command('features', data.path, *only)}`"
        ) from error


def target_folder(runs: "Runs") -> Path:
    """Where the page keeps what it trains: the first of its folders of runs that can be written, but not the package's
    own; otherwise ./runs beside the notebook's folder. Raises ExploreError when that cannot be written either."""
    from openmic_explore.training.run import SHIPPED

    for path in runs.paths:
        if path.resolve() != SHIPPED.resolve() and os.access(path, os.W_OK):
            return path.resolve()
    # The notebook lies in a folder of its own, and its runs beside that.
    here = Path("..") if Path("dashboard.ipynb").is_file() else Path()
    folder = (here / "runs").resolve()
    place = folder if folder.exists() else folder.parent
    if not os.access(place, os.W_OK):
        raise ExploreError(
            f"Runs cannot be kept in {folder}: it cannot be written. Say where they may go by the environment variable "
            "OPENMIC_RUNS, and open the page again."
        )
    return folder


def name_for(config: TrainConfig, data: "OpenMIC", runs: "Runs", folder: Path) -> str:
    """What the run will be called. Raises ExploreError when it is there already."""
    name = config.name
    for have in runs.of(data.fingerprint):
        if have.config == config:
            raise ExploreError(
                f"There is a run of just these settings: {have.name}. Choose another seed, or look at that one."
            )
    if name in runs or (folder / name).exists():  # of another data set
        name = f"{name}-{data.fingerprint[:8]}"
    return name
