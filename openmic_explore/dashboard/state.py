"""What the dashboard shows, without a widget: models that views observe."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, HasTraits, List, Unicode

from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Frames, Run, Runs

MOST_SHOWN = 6
POOLINGS = ("mean", "max", "attention")
log = logging.getLogger(__name__)


class Message(HasTraits):
    """One sentence for the reader, in place of a traceback: what is wrong and the command that mends it."""

    text = Unicode()
    busy = Bool(False)
    _depth = 0

    def guard(self, action: Callable[..., Any], *, by_itself: bool = False) -> Callable[..., None]:
        """Wrap a callback: what it raises becomes the message, and is logged.

        A new action takes the last one's message away; the callbacks that it sets off in turn do not, nor does what comes
        by itself, not from the reader.
        """

        def guarded(*arguments: Any) -> None:
            if not (self._depth or by_itself):
                self.set("")
            self._depth += 1
            try:
                action(*arguments)
            except ExploreError as error:
                self.set(str(error))
            except Exception as error:
                log.exception("in a callback of the dashboard")
                self.set(f"Something went wrong ({type(error).__name__}: {error}). The server's log says more.")
            finally:
                self._depth -= 1

        return guarded

    def set(self, text: str, busy: bool = False) -> None:
        with self.hold_trait_notifications():
            self.text, self.busy = text, busy


def train_command(data: "OpenMIC") -> str:
    """What to type for a run of this data set."""
    import shlex

    from openmic_explore.data.openmic import TEACHING

    where = "" if data.path.resolve() == TEACHING.resolve() else f" --data {shlex.quote(str(data.path))}"
    return f"openmic-explore train --model attention{where}"


def _looks_at(run: "Run", data: "OpenMIC") -> bool:
    """Can the run say something in time about the data set's clips? Not without a model; about any set's only from the
    embedding that the set brings along."""
    if not run.keeps_model:
        return False
    if run.config.features != "embedding":
        return bool(run.info["fingerprint"] == data.fingerprint)
    return bool(run.info["embedding"] == data.embedding_name)


class RunState(HasTraits):
    """The run whose attention is shown.

    names: runs that can look at this data set. name: the chosen one, "" where there is none.
    """

    names = List(Unicode())
    name = Unicode()

    def __init__(self, data: "OpenMIC", runs: "Runs") -> None:
        self.data, self.runs = data, runs
        fitting = [run.name for run in runs if _looks_at(run, data)]
        self.left_out = len(runs) - len(fitting)
        self._models: dict[str, Any] = {}
        self._probability: dict[str, NDArray[np.float32]] = {}
        # A run of this very data set, if there is one; not the best on its test clips, which are no grounds for choice.
        own = [run.name for run in runs.of(data.fingerprint) if run.name in fitting] if fitting else []
        sound = [name for name in own if runs[name].config.preset == "repaired"]
        first = (sound or own or fitting or [""])[0]
        super().__init__(names=fitting, name=first)

    def add(self, run: "Run") -> None:
        """Take in a run that has just been trained, where it can look at this data set."""
        self._models.pop(run.name, None)  # of one that it takes the place of
        self._probability.pop(run.name, None)
        if _looks_at(run, self.data) and run.name not in self.names:
            with self.hold_trait_notifications():  # of the first run, the lists get the name together with the choice
                self.names = [*self.names, run.name]
                self.name = self.name or run.name

    @property
    def run(self) -> "Run | None":
        return self.runs[self.name] if self.name else None

    def title(self, name: str) -> str:
        """What a reader calls a run."""
        config = self.runs[name].config
        return f"{config.label}, seed {config.seed}"

    def start(self) -> list[str]:
        """The runs to look at first side by side: one seed each of mean, max and attention pooling, else the chosen one."""
        configs = {name: self.runs[name].config for name in self.names if self.is_own(name)}
        found = []
        for pooling in POOLINGS:
            alike = [name for name, one in configs.items() if (one.model, one.preset) == (pooling, "repaired")]
            found += sorted(alike, key=lambda name: len(configs[name].group))[:1]  # the one with nothing changed
        return found or ([self.name] if self.name else [])

    def is_own(self, name: str) -> bool:
        """Was the run trained on this data set? Another one may have clips of the same names."""
        return bool(self.runs[name].info["fingerprint"] == self.data.fingerprint)

    def kept(self, key: str, name: str | None = None) -> "Frames | None":
        """Frame scores and attention that a run, by default the chosen one, kept for a clip."""
        name = name or self.name
        return self.runs[name].frames(key) if name and self.is_own(name) else None

    def compute(self, key: str, name: str | None = None) -> "Frames":
        """The same from the run's model. Imports torch. Raises ExploreError where the clip lacks what the model reads."""
        from openmic_explore.training import Frames, predict
        from openmic_explore.training.inputs import load_features

        name = name or self.name
        if not name:
            raise ExploreError(f"There is no run to compute with. Train one: {train_command(self.data)}")
        run = self.runs[name]
        if name not in self._models:
            self._models[name] = run.model()
        features = load_features(self.data, run.config, np.array([self.data.index(key)]))
        output = predict(self._models[name], features)
        frame, attention, clip = (part[0].numpy() for part in (output.frame, output.attention, output.clip))
        grid = float(run.info["frame_length"]), float(run.info.get("frame_start", 0.0))
        return Frames(frame, attention, clip, *grid)

    @property
    def probability(self) -> "NDArray[np.float32] | None":
        """What the chosen run stored of all clips, (N, 20), nan where it stored nothing; None where it stored nothing here.

        A run stores its predictions of the test clips of its own data set.
        """
        if not self.name or not self.is_own(self.name):
            return None
        if self.name not in self._probability:
            keys, probability = self.runs[self.name].predictions
            every = np.full((len(self.data), len(self.data.instruments)), np.nan, dtype=np.float32)
            every[[self.data.index(str(key)) for key in keys]] = probability
            self._probability = {self.name: every}
        return self._probability[self.name]


class ShownState(HasTraits):
    """The instruments whose lines are drawn, in the order in which they got their colours."""

    names = List(Unicode())

    def choose(
        self,
        labels: dict[str, str],
        probability: NDArray[np.floating] | None,
        sounding: Sequence[str] = (),
        topic: str = "",
    ) -> None:
        """What is worth seeing first: the one that was searched for (`topic`), the labelled instruments, those known to
        sound, the model's three most probable.
        """
        names = [topic] if topic else []
        names += [name for name, state in labels.items() if state == "present" and name != topic]
        names += [name for name in sounding if name not in names]
        names += [name for name, state in labels.items() if state == "absent" and name != topic][:2]
        if probability is not None:
            ranked = np.argsort(-probability, kind="stable")[:3]
            names += [name for name in np.array(list(labels))[ranked].tolist() if name not in names]
        self.names = names[:MOST_SHOWN]

    def pick(self, names: list[str]) -> None:
        """What the reader ticked: those that stay keep their places, and so their colours."""
        kept = [name for name in self.names if name in names]
        self.names = list(dict.fromkeys([*kept, *names]))
