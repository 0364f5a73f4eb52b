"""What the dashboard shows, without a widget: models that views observe."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Enum, HasTraits, List, Unicode, observe

from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Frames, Run, Runs

LABELS = {"present": 1, "absent": 0, "unknown": -1}
MOST_SHOWN = 6
log = logging.getLogger(__name__)


class Message(HasTraits):
    """One sentence for the reader, in place of a traceback: what is wrong and the command that mends it."""

    text = Unicode()
    busy = Bool(False)
    _depth = 0

    def guard(self, action: Callable[..., Any]) -> Callable[..., None]:
        """Wrap a callback: what it raises becomes the message, and is logged.

        A new action takes the last one's message away; the callbacks that it sets off in turn do not.
        """

        def guarded(*arguments: Any) -> None:
            if not self._depth:
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


class ClipState(HasTraits):
    """The clips that a search finds, and the one that is open.

    instrument: a name, "" for any. label: "present", "absent", "unknown" or "" for any. heard: only clips with audio.
    matches: their keys. clip: the open one's key; it stays open while it is among the matches.
    kept: frames that a run kept for a clip, None where it kept none; they help to choose the first clip.
    """

    instrument = Unicode()
    label = Enum(("", *LABELS), "")
    heard = Bool(True)
    matches = List(Unicode())
    clip = Unicode()

    def __init__(self, data: "OpenMIC", kept: "Callable[[str], Frames | None] | None" = None) -> None:
        self.data = data
        self._audible = np.isin(data.keys, data.audio_keys)
        super().__init__(heard=bool(self._audible.any()))
        self._search()
        if self.matches:
            self.clip = opening_clip(data, self.matches, kept)

    @observe("instrument", "label", "heard")
    def _search(self, _: Any = None) -> None:
        found = self._audible.copy() if self.heard else np.ones(len(self.data.keys), dtype=bool)
        if self.label:
            cells = self.data.label_state == LABELS[self.label]
            column = self.data.instruments.index(self.instrument) if self.instrument else None
            found &= cells.any(axis=1) if column is None else cells[:, column]
        elif self.instrument:
            found &= self.data.label_state[:, self.data.instruments.index(self.instrument)] >= 0
        matches = self.data.keys[found].tolist()
        with self.hold_trait_notifications():
            self.matches = matches
            if matches and self.clip not in matches:
                self.clip = matches[0]

    @property
    def audible(self) -> int:
        """How many clips can be heard."""
        return int(self._audible.sum())

    def step(self, by: int) -> None:
        """Open the match `by` places further, round the ends."""
        if not self.matches:
            return
        place = self.matches.index(self.clip) if self.clip in self.matches else -by
        self.clip = self.matches[(place + by) % len(self.matches)]

    def describe(self, key: str) -> str:
        """A clip in a line: its key and the instruments that are labelled present."""
        names = [name for name, state in self.data.labels(key).items() if state == "present"]
        return f"{key} · {', '.join(names).replace('_', ' ') or 'nothing labelled present'}"


def opening_clip(data: "OpenMIC", keys: list[str], kept: "Callable[[str], Frames | None] | None" = None) -> str:
    """A clip worth opening with: two to four instruments, a labelled one that enters or leaves midway, and,
    where a run kept its frames (`kept`), scores that follow it.
    """
    rows = [data.index(key) for key in keys]
    present = data.label_state[rows] == 1
    worth = np.minimum(present.sum(axis=1), 3).astype(float)
    if data.activity is None:
        return keys[int(worth.argmax())]
    for place, (key, row) in enumerate(zip(keys, rows, strict=True)):
        active = data.activity.active[row]
        share, first = active.mean(axis=1), active.argmax(axis=1) / active.shape[1]
        partly = present[place] & (share > 0.15) & (share < 0.8)
        worth[place] += 2.0 * (partly & (first > 0.2) & (first < 0.7)).any() + (2 <= (share > 0).sum() <= 4)
        frames = kept(key) if kept else None
        if frames is not None and partly.any():
            middle = frames.start + (np.arange(len(frames.frame)) + 0.5) * frames.frame_length
            middle = np.maximum(middle / data.activity.frame_length, 0.0)
            sounds = active[:, np.minimum(middle.astype(int), active.shape[1] - 1)]
            follows = [
                frames.frame[sounds[column], column].mean() - frames.frame[~sounds[column], column].mean()
                for column in np.flatnonzero(partly & sounds.any(axis=1) & ~sounds.all(axis=1))
            ]
            worth[place] += 4.0 * min(follows, default=0.0)
    return keys[int(worth.argmax())]


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
        # A run of this very data set, if there is one; not the best on its test clips, which are no grounds for choice.
        own = [run.name for run in runs.of(data.fingerprint) if run.name in fitting] if fitting else []
        sound = [name for name in own if runs[name].config.preset == "repaired"]
        first = (sound or own or fitting or [""])[0]
        super().__init__(names=fitting, name=first)

    @property
    def run(self) -> "Run | None":
        return self.runs[self.name] if self.name else None

    def kept(self, key: str) -> "Frames | None":
        """Frame scores and attention that the run kept for a clip."""
        run = self.run
        # Another data set may have clips of the same names.
        if run is None or run.info["fingerprint"] != self.data.fingerprint:
            return None
        return run.frames(key)

    def compute(self, key: str) -> "Frames":
        """The same from the run's model. Imports torch. Raises ExploreError where the clip lacks what the model reads."""
        from openmic_explore.training import Frames, predict
        from openmic_explore.training.inputs import load_features

        run = self.run
        if run is None:
            raise ExploreError(f"There is no run to compute with. Train one: {train_command(self.data)}")
        if run.name not in self._models:
            self._models[run.name] = run.model()
        features = load_features(self.data, run.config, np.array([self.data.index(key)]))
        output = predict(self._models[run.name], features)
        frame, attention, clip = (part[0].numpy() for part in (output.frame, output.attention, output.clip))
        grid = float(run.info["frame_length"]), float(run.info.get("frame_start", 0.0))
        return Frames(frame, attention, clip, *grid)


class ShownState(HasTraits):
    """The instruments whose lines are drawn, in the order in which they got their colours."""

    names = List(Unicode())

    def choose(
        self, labels: dict[str, str], probability: NDArray[np.floating] | None, sounding: Sequence[str] = ()
    ) -> None:
        """What is worth seeing first: the labelled instruments, those known to sound, the model's three most probable."""
        names = [name for name, state in labels.items() if state == "present"]
        names += [name for name in sounding if name not in names]
        names += [name for name, state in labels.items() if state == "absent"][:2]
        if probability is not None:
            ranked = np.argsort(-probability, kind="stable")[:3]
            names += [name for name in np.array(list(labels))[ranked].tolist() if name not in names]
        self.names = names[:MOST_SHOWN]

    def pick(self, names: list[str]) -> None:
        """What the reader ticked: those that stay keep their places, and so their colours."""
        kept = [name for name in self.names if name in names]
        self.names = kept + [name for name in names if name not in kept]
