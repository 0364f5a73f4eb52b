"""What the view Runs shows of the chosen groups, and the address that opens it again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from traitlets import Bool, Enum, Float, TraitError, Unicode

from openmic_explore.dashboard.runs.groups import FACETS, GroupState
from openmic_explore.dashboard.runs.published import PUBLISHED
from openmic_explore.dashboard.runs.scoring import ALL, KNOWN, THRESHOLD
from openmic_explore.figures.scores import SHOWN

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run, Runs

# Parts of the view by the name that an address has for them.
PARTS = {
    "scores": "Scores",
    "differences": "Differences",
    "learning": "Learning",
    "constant": "Dead heads",
    "clips": "Clips",
}
# Those that a threshold, the metric, and the cells say something to.
BY_THRESHOLD, BY_METRIC = ("scores", "differences", "clips"), ("scores", "differences")
ORDERS = {"value": "best on top", "name": "by name"}
BETWEEN = "~"  # groups in an address; no group's name has it, and one left out keeps its style free
NONE = "none"
CHOICES = ("part", "metric", "cells", "order", "published", "instrument", "run")


class RunsState(GroupState):
    """The groups, and how they are looked at.

    part: a key of PARTS. metric: a key of SHOWN. cells: KNOWN, or ALL where the data set knows the truth. threshold:
    present from this probability on. order: of the instruments. majority: is the majority class marked? published: a
    key of PUBLISHED, "" for none. instrument, run: whose clips are listed; a run "" is the first one's of the chosen.
    heard: list only clips that have sound here. damaged: runs that cannot be read, by name, as far as is known.
    """

    part = Enum(tuple(PARTS), "scores")
    metric = Enum(tuple(SHOWN), "f1_macro")
    cells = Enum((KNOWN, ALL), KNOWN)
    threshold = Float(THRESHOLD, min=0.0, max=1.0)
    order = Enum(tuple(ORDERS), "value")
    majority = Bool(True)
    published = Enum(("", *PUBLISHED), "")
    instrument = Unicode()
    run = Unicode()
    heard = Bool(True)

    def __init__(self, data: "OpenMIC", runs: "Runs") -> None:
        self.knows_truth = data.truth is not None
        self.instruments = data.instruments
        self.damaged: Mapping[str, str] = {}
        super().__init__(data, runs)
        self.instrument = data.instruments[0]

    @property
    def answering(self) -> "Run | None":
        """The run whose clips are listed, None without one."""
        here = [run for group in self.picked for run in group.runs if run.name not in self.damaged]
        return next((run for run in here if run.name == self.run), here[0] if here else None)

    @property
    def shown_by_threshold(self) -> bool:
        """Does the threshold change what is shown? Not average precision, which looks at all of them."""
        return self.part == "clips" or (self.part in BY_METRIC and self.metric != "average_precision")

    def link(self) -> dict[str, str]:
        """What an address needs to reopen it as it is now: all that is not as usual."""
        told = {name: getattr(self, name) for name in ("experiment", "text", "by", *FACETS, *CHOICES)}
        told["threshold"] = f"{self.threshold:.2f}"
        told |= {"majority": "" if self.majority else "no", "heard": "" if self.heard else "no"}
        if self.placed() != self.usual():
            told["groups"] = BETWEEN.join(self.placed()) or NONE
        if self.reference != self.usual_reference():
            told["reference"] = self.reference
        bare = {name: str(trait.default_value) for name, trait in self.traits().items()}
        bare |= {"threshold": f"{THRESHOLD:.2f}", "majority": "", "heard": "", "instrument": self.instruments[0]}
        bare["experiment"] = "start" if "start" in self.experiments else "all"
        told["experiment"] = self.experiment or "all"
        return {name: value for name, value in told.items() if value != bare.get(name, "")}

    def restore(self, asked: Mapping[str, str]) -> None:
        """Show what `link` said; whatever no longer exists is passed over, whatever is not said is as usual."""
        named = asked.get("experiment", "start")
        self.experiment = named if named in self.experiments else ""
        for facet in FACETS:
            setattr(self, facet, asked.get(facet, "") if asked.get(facet) in self.values(facet) else "")
        self.text = asked.get("text", "")
        self.by = asked.get("by", "") if asked.get("by") in FACETS else ""
        groups = asked.get("groups", "").split(BETWEEN)
        self.put(groups if set(groups) & {NONE, *self.groups} else self.usual())
        self.reference = asked["reference"] if asked.get("reference") in self.chosen else self.usual_reference()
        for name in ("part", "metric", "cells", "order", "published"):
            try:
                setattr(self, name, asked.get(name, self.traits()[name].default_value))
            except TraitError:
                setattr(self, name, self.traits()[name].default_value)
        if not self.knows_truth:
            self.cells = KNOWN
        self.threshold = _share(asked.get("threshold", ""))
        self.majority, self.heard = asked.get("majority") != "no", asked.get("heard") != "no"
        named = asked.get("instrument", "")
        self.instrument = named if named in self.instruments else self.instruments[0]
        self.run = asked.get("run", "")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return THRESHOLD
    return value if 0 <= value <= 1 else THRESHOLD
