"""What the view of weak labels shows, without a widget: rounds of guessing, cells known and hidden, and a loss twice."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Enum, Float, HasTraits, Int, List, Unicode, observe

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation.localisation import frames_at
from openmic_explore.evaluation.overlap import overlap
from openmic_explore.evaluation.signals import Signal, attention_signal, frame_signal, product

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Frames, Run

SECONDS = 10.0  # every clip's length
STEPS = 40  # in which a reader marks a clip
FRAMES = 100  # in which answers are compared where no truth gives its own
PARTLY = (0.15, 0.7)  # shares of a clip in which there is something to guess
STAGES = ("guess", "listen", "truth")
# Who answers "when does it sound?", in this order; the run is the last.
LABEL, BEFORE, AFTER, RUN = "label", "before", "after", "run"
PARTS = 10  # rows of cells an instrument has where all clips are shown
SOME = 40  # clips that are shown one by one
ROUNDED = 5.01e-4  # to which an address and the slider give a share


class GuessState(HasTraits):
    """A round of guessing when an instrument sounds that a clip is labelled with, and the tally of all rounds.

    only: an instrument, "" for any. rounds: how many there are of it. clip, instrument: the open round; "" where no
    clip with such a label can be heard. stage: guess from the label, then "listen", then "truth". marked: the reader's
    answer, a step each. before: the answer before listening.
    tally: overlap with the truth by who answers, a run by its name, a round each; empty where nobody knows the truth.
    """

    only = Unicode()
    rounds = Int()
    clip = Unicode()
    instrument = Unicode()
    stage = Enum(STAGES, STAGES[0])
    marked = List(Bool(), [False] * STEPS)

    def __init__(self, data: "OpenMIC") -> None:
        self.data = data
        self.before = [False] * STEPS
        self.tally: dict[str, list[float]] = {}
        self._all = deal_rounds(data)
        super().__init__()
        self._pick()

    @property
    def names(self) -> list[str]:
        """Instruments that there is a round of."""
        dealt = {name for _, name in self._all}
        return [name for name in self.data.instruments if name in dealt]

    @observe("only")
    def _pick(self, _: Any = None) -> None:
        dealt = self._dealt()
        self.rounds = len(dealt)
        self.open(*(dealt[0] if dealt else ("", "")))

    def _dealt(self) -> list[tuple[str, str]]:
        return [one for one in self._all if self.only in ("", one[1])]

    def next(self) -> None:
        """The round after the open one; after the last comes the first."""
        dealt = self._dealt()
        if dealt:
            here = dealt.index((self.clip, self.instrument)) if (self.clip, self.instrument) in dealt else -1
            self.open(*dealt[(here + 1) % len(dealt)])

    def open(self, clip: str, instrument: str) -> None:
        """Begin a round. Raises ExploreError for a clip that cannot be heard or is not labelled with the instrument."""
        if (clip, instrument) != ("", "") and (clip, instrument) not in self._all:
            raise ExploreError(f"Clip {clip} has no sound here, or is not labelled with {instrument or 'anything'}.")
        self.before = [False] * STEPS
        with self.hold_trait_notifications():
            self.clip, self.instrument, self.stage, self.marked = clip, instrument, STAGES[0], [False] * STEPS

    def listen(self) -> None:
        """The guess is made; what is heard may change the marks."""
        self.before = list(self.marked)
        self.stage = "listen"

    def show_truth(self, frames: "Frames | None", run: str = RUN) -> None:
        """The answer is made; frames: what a run makes of the clip. The round is counted where the truth is known."""
        if self.truth is not None:
            for name, score in self.scores(frames).items():
                self.tally.setdefault(run if name == RUN else name, []).append(score)
        self.stage = "truth"

    @property
    def truth(self) -> NDArray[np.bool_] | None:
        """When the instrument sounds, (T,) bool; None where nobody knows."""
        if self.data.activity is None or not self.clip:
            return None
        column = self.data.instruments.index(self.instrument)
        return np.asarray(self.data.activity.active[self.data.index(self.clip), column], dtype=bool)

    def answers(self, frames: "Frames | None") -> dict[str, NDArray[np.bool_]]:
        """Who marks which frames (T,) of the clip: the label alone all, the reader before and after, the run."""
        truth = self.truth
        count = FRAMES if truth is None else len(truth)
        step = np.minimum(((np.arange(count) + 0.5) / count * STEPS).astype(int), STEPS - 1)
        found = {
            LABEL: np.ones(count, dtype=bool),
            BEFORE: np.array(self.before, dtype=bool)[step],
            AFTER: np.array(self.marked, dtype=bool)[step],
        }
        if frames is not None:
            signal = self.signal(frames)
            values = signal.values[0, frames_at(signal, count, SECONDS / count), 0]
            found[RUN] = values >= signal.threshold
        return found

    def signal(self, frames: "Frames") -> Signal:
        """What a run says of the round's instrument in time: attention times frame score, (1, T, 1)."""
        column = [self.data.instruments.index(self.instrument)]
        grid = frames.frame_length, frames.start
        return product(
            frame_signal(frames.frame[None][:, :, column], *grid),
            attention_signal(frames.attention[None][:, :, column], *grid),
        )

    def scores(self, frames: "Frames | None") -> dict[str, float]:
        """Overlap of each answer with the truth; where nobody knows it, with what the reader heard."""
        answers = self.answers(frames)
        truth = self.truth if self.truth is not None else answers[AFTER]
        return {name: overlap(answer, truth) for name, answer in answers.items()}


def deal_rounds(data: "OpenMIC", seed: int = 0) -> list[tuple[str, str]]:
    """Clips that can be heard, with an instrument that each is labelled with; in an order that the seed draws, those
    first where the instrument is known to sound in a part of the clip only."""
    rows = np.array([data.index(key) for key in data.audio_keys], dtype=int)
    places = np.argwhere(data.label_state[rows] == 1) if len(rows) else np.zeros((0, 2), dtype=int)
    drawn = np.random.default_rng(seed).random(len(places))
    if data.activity is not None and len(places):
        share = data.activity.active[rows[places[:, 0]], places[:, 1]].mean(axis=1)
        drawn += (share < PARTLY[0]) | (share > PARTLY[1])
    return [(str(data.keys[rows[row]]), data.instruments[column]) for row, column in places[np.argsort(drawn)]]


class CellState(HasTraits):
    """Which cells of clips by instruments are known when a share of them is hidden.

    hidden: from `least` to 1; `own` is the data's own share. every: all clips, or some, one by one.
    """

    hidden = Float()
    every = Bool(False)

    def __init__(self, data: "OpenMIC", seed: int = 0) -> None:
        self.data = data
        self.own = 1 - float(data.mask.mean())
        self.least = self.own if data.truth is None else 0.0
        drawn = np.random.default_rng(seed).random(data.mask.size)
        # Observed cells come first, so that what is known at a smaller share is so at a larger one.
        self._order = np.argsort(np.where(data.mask.ravel(), drawn, 1 + drawn))
        # Clips with labels, from all over the data set.
        labelled = np.flatnonzero(data.mask.any(axis=1))
        self.some = labelled[np.linspace(0, len(labelled) - 1, min(SOME, len(labelled))).round().astype(int)]
        super().__init__(hidden=self.own)

    def hide(self, share: float) -> None:
        """Hide this share, at least `least`; one that rounds to the data's own is the data's own."""
        self.hidden = self.own if abs(share - self.own) < ROUNDED else float(np.clip(share, self.least, 1.0))

    @property
    def known(self) -> int:
        """How many cells are known."""
        most = self.data.mask.sum() if self.data.truth is None else self.data.mask.size
        return int(min(round((1 - self.hidden) * self.data.mask.size), most))

    @property
    def states(self) -> NDArray[np.int8]:
        """(N, K) of 1 present, 0 absent, -1 unknown."""
        truth, labels = self.data.truth, self.data.label_state
        told = labels if truth is None else np.where(self.data.mask, labels, truth)
        states = np.full(labels.size, -1, dtype=np.int8)
        cells = self._order[: self.known]
        states[cells] = told.ravel()[cells]
        return states.reshape(labels.shape)


class LossState(HasTraits):
    """What the loss makes of one clip's cells when unknown ones are left out, and when they are taken for absent.

    names: the data's runs. name: the chosen one. clips: the test clips. clip: the open one, at first one that can be heard
    and has labels and, where the truth is known, unlabelled instruments that sound.
    """

    names = List(Unicode())
    name = Unicode()
    clip = Unicode()

    def __init__(self, data: "OpenMIC", runs: list["Run"], name: str = "") -> None:
        self.data = data
        self.runs = {run.name: run for run in runs}
        rows = data.split("test")
        self.clips = data.keys[rows].tolist()
        names = list(self.runs)
        missed = np.zeros(len(rows)) if data.truth is None else (data.truth[rows] & ~data.mask[rows]).sum(axis=1)
        labels = data.mask[rows].sum(axis=1)
        heard = np.isin(data.keys[rows], data.audio_keys)
        telling = np.minimum(missed, 2) + np.minimum(labels, 3) + (data.label_state[rows] == 1).any(axis=1) + 3 * heard
        super().__init__(
            names=names,
            name=name if name in names else next(iter(names), ""),
            clip=self.clips[int(telling.argmax())] if self.clips else "",
        )

    def add(self, run: "Run") -> None:
        """Take in a run of this data set."""
        self.runs[run.name] = run
        self.names = sorted(self.runs)

    @property
    def probability(self) -> NDArray[np.float64] | None:
        """What the run says of the clip, (K,); None without a run."""
        if not self.name or not self.clip:
            return None
        keys, probability = self.runs[self.name].predictions
        row = np.flatnonzero(keys == self.clip)
        return probability[row[0]].astype(np.float64) if row.size else None

    def step(self, by: int) -> None:
        """The test clip so many places on."""
        self.clip = self.clips[(self.clips.index(self.clip) + by) % len(self.clips)]

    @property
    def state(self) -> NDArray[np.int8]:
        """The clip's labels, (K,) of 1, 0, -1."""
        return np.asarray(self.data.label_state[self.data.index(self.clip)])

    @property
    def truth(self) -> NDArray[np.bool_] | None:
        """What really sounds in the clip, (K,)."""
        return None if self.data.truth is None else np.asarray(self.data.truth[self.data.index(self.clip)])


def cell_losses(
    probability: NDArray[np.floating], state: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Binary cross-entropy of cells (K,) in nats: over known cells, nan elsewhere; and with unknown taken for absent.

    Probabilities are held 1e-7 away from 0 and 1.
    """
    probability = np.clip(np.asarray(probability, dtype=float), 1e-7, 1 - 1e-7)
    absent = np.where(np.asarray(state) == 1, -np.log(probability), -np.log1p(-probability))
    return np.where(np.asarray(state) >= 0, absent, np.nan), absent


def false_absents(data: "OpenMIC", rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Of clips in `rows`, per instrument (K,): labels "present", and cells that nobody labelled and that sound; None
    where nobody knows."""
    if data.truth is None:
        return None
    present = (data.label_state[rows] == 1).sum(axis=0)
    return present, (data.truth[rows] & ~data.mask[rows]).sum(axis=0)


def taught_absent(runs: list["Run"]) -> dict[str, tuple[list["Run"], list["Run"]]]:
    """Runs that differ by nothing but what unknown cells were taken for, masked and absent, each seed with its like: by
    the label of the first."""
    by_config = {run.config.name: run for run in runs}
    pairs: dict[str, tuple[list[Run], list[Run]]] = {}
    for run in runs:
        if run.config.unknown == "absent":
            masked = by_config.get(replace(run.config, unknown="masked").name)
            if masked is not None:
                left, right = pairs.setdefault(masked.config.label, ([], []))
                left.append(masked)
                right.append(run)
    return pairs
