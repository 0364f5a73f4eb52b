"""Groups of seeds: runs that differ by seed only, which of them are listed, and which are held against each other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, List, Unicode, observe

from openmic_explore.experiments.named import EXPERIMENTS, FIGURES, shortened

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run, Runs, TrainConfig

MOST = 8  # as many as there are colours with a shape of their own


@dataclass(frozen=True)
class Group:
    """Runs of one configuration on one data set, by seed. name: what an address calls it; label: what a reader does."""

    name: str
    label: str
    runs: tuple["Run", ...]

    @property
    def config(self) -> "TrainConfig":
        return self.runs[0].config

    @cached_property
    def facts(self) -> dict[str, str]:
        """What it can be filtered by."""
        return {facet: tell(self.config) for facet, tell in FACETS.items()}


def _labels(config: "TrainConfig") -> str:
    parts = ["the data's own" if config.known is None else f"{config.known:.0%} of cells known"]
    parts += [f"unknown taken for {config.unknown}"] if config.unknown != "masked" else []
    parts += [f"slipped by {config.label_shift} clip"] if config.label_shift else []
    return ", ".join(parts)


FACETS: dict[str, Callable[["TrainConfig"], str]] = {
    "model": lambda config: config.model,
    "preset": lambda config: config.preset,
    "augmentation": lambda config: "+".join(config.augment) or "none",
    "features": lambda config: str(config.features),
    "labels": _labels,
}


def grouped(runs: Iterable["Run"]) -> dict[str, Group]:
    """Runs of one data set as groups of seeds, by name, in the order given."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.config.group, []).append(run)
    return {
        name: Group(name, seeds[0].config.label, tuple(sorted(seeds, key=lambda run: run.config.seed)))
        for name, seeds in found.items()
    }


def experiment_title(name: str) -> str:
    """What a reader calls an experiment."""
    return f"Figure {name}" if name in FIGURES else name


class GroupState(HasTraits):
    """Which groups of a data set's runs are listed, and which are chosen to be drawn.

    experiment: one of `experiments`, "" for all runs; choosing one chooses its groups. model, preset, augmentation,
    features, labels: a value of `values`, "" for any; text: words that a group's label must have. by: the facet under
    whose values the list is arranged, "" for none. These only narrow the list: what is chosen stays so.
    listed, chosen: names of groups, at most MOST chosen. reference: the chosen one that others are held against.
    """

    experiment = Unicode()
    model = Unicode()
    preset = Unicode()
    augmentation = Unicode()
    features = Unicode()
    labels = Unicode()
    text = Unicode()
    by = Unicode()
    listed = List(Unicode())
    chosen = List(Unicode())
    reference = Unicode()

    def __init__(self, data: "OpenMIC", runs: "Runs") -> None:
        self._slots: dict[str, int] = {}
        self._find(data, runs)
        super().__init__(experiment="start" if "start" in self.experiments else "")
        if not self.chosen:
            self.choose_experiment()

    def _find(self, data: "OpenMIC", runs: "Runs") -> None:
        own = runs.of(data.fingerprint) if len(runs) else []
        names = {run.name for run in own}
        self.groups = grouped(own)
        self.others = [run for run in runs if run.name not in names]
        here = {name: self._there(asked.runs, data) for name, asked in EXPERIMENTS.items()}
        self.experiments = {name: members for name, members in here.items() if members}
        # Against which groups an experiment itself holds others.
        self._references = {
            name: self._there((a for a, _ in EXPERIMENTS[name].pairs), data) for name in self.experiments
        }

    def take_in(self, data: "OpenMIC", runs: "Runs", newest: str) -> None:
        """Runs have been trained meanwhile: list them, and choose the newest one's group if there is room."""
        self._find(data, runs)
        self._narrow()
        self.tick(
            [*self.chosen, *(name for name, group in self.groups.items() if newest in {run.name for run in group.runs})]
        )

    def _there(self, configs: Iterable["TrainConfig"], data: "OpenMIC") -> list[str]:
        """The groups of these configurations that there are; a CNN may have been trained for all its epochs."""
        wanted = dict.fromkeys(one.group for config in configs for one in (shortened(config, data), config))
        return [group for group in wanted if group in self.groups]

    def values(self, facet: str) -> list[str]:
        """The values of a facet that any group has, in the order of their first group."""
        return list(dict.fromkeys(group.facts[facet] for group in self.groups.values()))

    @observe("experiment", "text", "by", *FACETS)
    def _narrow(self, _: Any = None) -> None:
        words = self.text.lower().split()
        found = [
            name
            for name in self.experiments.get(self.experiment, self.groups)
            if all(getattr(self, facet) in ("", value) for facet, value in self.groups[name].facts.items())
            and all(word in self.groups[name].label.lower() for word in words)
        ]
        if self.by:
            found.sort(key=lambda name: self.values(self.by).index(self.groups[name].facts[self.by]))
        # What is drawn but not found stays in sight, so that it can be unticked.
        self.listed = found + [name for name in self.placed() if name and name not in found]

    @observe("experiment")
    def choose_experiment(self, _: Any = None) -> None:
        """Choose the groups of the experiment; without one what was chosen stays."""
        if self.experiment or not self.chosen:
            self.put(self.usual())
            self.reference = self.usual_reference()

    def usual(self) -> list[str]:
        """The groups that an experiment chooses; of one with too many those in the preset of its first network."""
        found = self.experiments.get(self.experiment, list(self.groups))
        # The majority class is drawn as a mark of its own.
        members = [name for name in found if self.groups[name].config.model != "majority"] or found
        networks = [name for name in members if self.groups[name].runs[0].has_epochs]
        if len(members) > MOST and self.experiment and networks:
            preset = self.groups[networks[0]].config.preset
            members = [name for name in members if name not in networks or self.groups[name].config.preset == preset]
        return members[:MOST]

    def usual_reference(self) -> str:
        """The chosen group against which the experiment itself holds others, else the first one."""
        asked = [name for name in self._references.get(self.experiment, []) if name in self.chosen]
        return [*asked, *self.chosen, ""][0]

    @observe("chosen")
    def _place(self, _: Any = None) -> None:
        """Each chosen group gets the first free style and keeps it while it is chosen."""
        self._slots = {name: slot for name, slot in self._slots.items() if name in self.chosen}
        for name in self.chosen:
            if name not in self._slots:
                self._slots[name] = min(set(range(len(self._slots) + 1)) - set(self._slots.values()))
        self._narrow()
        if self.reference not in self.chosen:
            self.reference = self.usual_reference()

    def place(self, name: str) -> int:
        """The style of a chosen group, from 0."""
        return self._slots[name]

    def tick(self, names: Iterable[str]) -> None:
        """Choose these groups, those that are there, at most MOST; the chosen ones among them keep their order."""
        wanted = [name for name in names if name in self.groups]
        kept = [name for name in self.chosen if name in wanted]
        self.chosen = (kept + [name for name in wanted if name not in kept])[:MOST]

    def put(self, names: list[str]) -> None:
        """Choose these groups, each in the style of its place; a name that is no group leaves its place empty."""
        self._slots = {name: place for place, name in enumerate(names[:MOST]) if name in self.groups}
        self.chosen = list(self._slots)

    def placed(self) -> list[str]:
        """The chosen groups by their styles, "" where one is free in between."""
        by = {place: name for name, place in self._slots.items()}
        return [by.get(place, "") for place in range(max(by, default=-1) + 1)]

    @property
    def picked(self) -> list[Group]:
        """The chosen groups, by their styles."""
        return [self.groups[name] for name in self.placed() if name]

    def describe(self) -> str:
        """In a sentence what is drawn of what is listed."""
        found, drawn = len(self.listed), len(self.chosen)
        whole = f"{found} group{'s' * (found != 1)} of seeds listed, {drawn} drawn"
        if drawn >= MOST and found > drawn:
            return f"{whole}: more than {MOST} could not be told apart. Untick one to tick another."
        if self.experiment and drawn < len(self.experiments[self.experiment]):
            return f"{whole}; tick others to draw them, up to {MOST}."
        return f"{whole}."
