"""Which clips a search finds, in which order, and which one is open."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Enum, HasTraits, List, Unicode, observe

if TYPE_CHECKING:
    from openmic_explore.dashboard.state import RunState
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Frames

LABELS = {"present": 1, "absent": 0, "unknown": -1}
ORDERS = ("", "confident", "divided")
SPLITS = ("train", "validation", "test")


class ClipState(HasTraits):
    """The clips that a search finds, and the one that is open.

    instrument: a name, "" for any. label: "present", "absent", "unknown" or "" for any. split: one of SPLITS, "" for all.
    heard: only clips with audio. wrong: only clips where the chosen run's stored prediction contradicts a known label, of
    the instrument where one is chosen. order: "" for the data set's, "confident" for clips first where the run's
    probability is farthest from .5, "divided" for those where it is nearest; of the cells that the search asks for, the
    one that is farthest or nearest counts.
    matches: their keys. clip: the open one's key; it stays open while it is among the matches.
    """

    instrument = Unicode()
    label = Enum(("", *LABELS), "")
    split = Enum(("", *SPLITS), "")
    heard = Bool(True)
    wrong = Bool(False)
    order = Enum(ORDERS, "")
    matches = List(Unicode())
    clip = Unicode()

    def __init__(self, data: "OpenMIC", run: "RunState | None" = None) -> None:
        self.data, self.run = data, run
        self._audible = np.isin(data.keys, data.audio_keys)
        self._deciding: dict[str, int] = {}
        super().__init__(heard=bool(self._audible.any()))
        self._search()
        if self.matches:
            self.clip = opening_clip(data, self.matches, run.kept if run else None)
        if run:
            run.observe(self._follow, "name")

    @observe("instrument", "label", "split", "heard", "wrong", "order")
    def _search(self, change: Any = None) -> None:
        found = self._audible.copy() if self.heard else np.ones(len(self.data), dtype=bool)
        if self.split:
            found &= np.isin(np.arange(len(self.data)), self.data.split(self.split))
        cells = self._cells()
        found &= cells.any(axis=1)
        rows = np.flatnonzero(found)
        self._deciding = {}
        if self._asks_run:
            rows = self._arranged(rows, cells)
        matches = self.data.keys[rows].tolist()
        first = change is not None and change["name"] == "order"
        with self.hold_trait_notifications():
            self.matches = matches
            if matches and (first or self.clip not in matches):
                self.clip = matches[0]

    def _follow(self, _: Any) -> None:
        if self._asks_run:
            self._search()

    @property
    def _asks_run(self) -> bool:
        return self.wrong or bool(self.order)

    def _cells(self) -> NDArray[np.bool_]:
        """The labels that the search asks for, (N, 20)."""
        state = self.data.label_state
        cells = np.ones(state.shape, dtype=bool)
        if self.label:
            cells = state == LABELS[self.label]
        elif self.instrument:
            cells = state >= 0
        if self.instrument:
            cells &= np.array(self.data.instruments) == self.instrument
        if self._asks_run:
            probability = self.run.probability if self.run else None
            if probability is None:
                return np.zeros(state.shape, dtype=bool)
            cells = cells & ~np.isnan(probability)
            if self.wrong:
                cells &= (state >= 0) & ((probability >= 0.5) != (state == 1))
        return cells

    def _arranged(self, rows: NDArray[np.intp], cells: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows in the order asked for; notes the cell that decides of each."""
        assert self.run is not None
        if self.run.probability is None or not rows.size:
            return rows
        sure = np.abs(2 * self.run.probability[rows] - 1)
        sure = np.where(cells[rows], sure if self.order == "divided" else -sure, np.inf)
        columns = sure.argmin(axis=1)
        self._deciding = dict(zip(self.data.keys[rows].tolist(), columns.tolist(), strict=True))
        if not self.order:
            return rows
        return rows[np.argsort(sure[np.arange(len(rows)), columns], kind="stable")]

    @property
    def audible(self) -> int:
        """How many clips can be heard."""
        return int(self._audible.sum())

    @property
    def why_none(self) -> str:
        """What to change when nothing is found."""
        if self._asks_run and (self.run is None or self.run.probability is None):
            return "the run has no predictions of these clips: choose one that was trained on this data set"
        if self._asks_run and self.split not in ("", "test"):
            return "runs keep their predictions of test clips only"
        if self.heard and self.audible < len(self.data):
            return "untick the box for sound to search all clips"
        return ""

    def topic(self, key: str) -> str:
        """The instrument that the search is about, in this clip; "" for none."""
        return self.data.instruments[self._deciding[key]] if key in self._deciding else self.instrument

    def step(self, by: int) -> None:
        """Open the match `by` places further, round the ends."""
        if not self.matches:
            return
        place = self.matches.index(self.clip) if self.clip in self.matches else -by
        self.clip = self.matches[(place + by) % len(self.matches)]

    def describe(self, key: str) -> str:
        """A clip in a line: its key and the instruments that are labelled present; where the run decided the order or the
        choice, what it says and the label.
        """
        labels = self.data.labels(key)
        if key in self._deciding and self.run is not None and self.run.probability is not None:
            column = self._deciding[key]
            name = self.data.instruments[column]
            percent = 100 * self.run.probability[self.data.index(key), column]
            known = "label unknown" if labels[name] == "unknown" else f"labelled {labels[name]}"
            return f"{key} · {name.replace('_', ' ')} {percent:.0f} %, {known}"
        names = [name for name, state in labels.items() if state == "present"]
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
