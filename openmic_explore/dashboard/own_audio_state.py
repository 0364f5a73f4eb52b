"""A sound of the reader's own, without a widget: its pictures, and what runs hear in it, computed beside the loop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Float, HasTraits, Int, List, Unicode

from openmic_explore.dashboard.state import log
from openmic_explore.dashboard.threads import Post, in_thread
from openmic_explore.errors import ExploreError
from openmic_explore.transforms.embedding import EMBEDDINGS

if TYPE_CHECKING:
    from openmic_explore.features import ClipViews, Picture
    from openmic_explore.predict import Prediction
    from openmic_explore.predict.sound import Sound
    from openmic_explore.training import Run, Runs

LONGEST = 600.0  # seconds
MOST_BYTES = 128 * 2**20
WINDOW = 10.0  # seconds of sound that are looked at at once
SHORTEST = 0.1  # seconds that a picture needs; what is left over at the end may be less
COLUMNS = 1500  # of a picture at most
PICTURES_SHARE = 0.3  # of all the work, roughly


class SoundState(HasTraits):
    """A sound, and what runs hear in it.

    names: runs that can listen to any sound; name: the chosen one, "" where there is none. title: what the sound is
    called, seconds: its length; "" and 0 before there is one. busy: is something being computed, done: how much of it,
    0 to 1. error: why there is nothing to see. changed: counts results as they come.
    views: its pictures, predictions: by run, both of the open sound.
    """

    names = List(Unicode())
    name = Unicode()
    title = Unicode()
    seconds = Float()
    busy = Bool(False)
    done = Float()
    error = Unicode()
    changed = Int()

    def __init__(self, runs: "Runs", name: str = "") -> None:
        self.runs = runs
        self.path: Path | None = None
        self.views: ClipViews | None = None
        self.predictions: dict[str, Prediction] = {}
        self._job = 0
        self._thread: Thread | None = None
        names = [run.name for run in runs if listens(run)]
        super().__init__(names=names, name=name if name in names else next(iter(names), ""))

    def add(self, run: "Run") -> None:
        """Take in a run that was trained since."""
        if listens(run):
            self.predictions.pop(run.name, None)
            self.names = sorted({*self.names, run.name})

    @property
    def prediction(self) -> "Prediction | None":
        """What the chosen run hears; None before it has listened."""
        return self.predictions.get(self.name)

    def open(self, path: Path, title: str) -> None:
        """Take another sound, and begin to look at it. What is wrong with it becomes `error`."""
        self.path, self.views, self.predictions = path, None, {}
        with self.hold_trait_notifications():
            self.title, self.seconds, self.error = title, 0.0, ""
            self.changed += 1
        self._begin()

    def choose(self, name: str) -> None:
        """Let another run listen, unless it has."""
        self.name = name
        if self.views is not None:
            self.error = ""  # of another run; the sound itself can be read
        if self.path is not None and not self.error and self.prediction is None:
            self._begin()
        else:
            self.leave()
            self.changed += 1

    def leave(self) -> None:
        """Whoever listens is no longer asked."""
        self._job += 1
        self.busy = False

    def _begin(self) -> None:
        self._job += 1
        job, path, title = self._job, self.path, self.title
        run = self.runs[self.name] if self.name else None
        with self.hold_trait_notifications():
            self.busy, self.done = True, 0.0
        pictures = self.views is None

        def work(post: Post) -> None:
            assert path is not None

            def told(share: float) -> None:
                if job != self._job:
                    raise _Stopped
                post(self._progress, job, share)

            try:
                found = _look(path, told) if pictures else None
                post(self._take_views, job, found)
                share = PICTURES_SHARE if pictures else 0.0
                heard = _listen(path, run, lambda done: told(share + (1 - share) * done)) if run else None
                post(self._take_prediction, job, heard)
            except _Stopped:
                return
            except ExploreError as error:
                # The person knows the sound by its own name, not by that of the copy.
                post(self._fail, job, str(error).replace(str(path), title))
            except Exception as error:
                log.exception("while listening to a sound")
                post(self._fail, job, f"{title} could not be looked at ({type(error).__name__}: {error}).")

        self._thread = in_thread(work)

    def _progress(self, job: int, share: float) -> None:
        if job == self._job:
            self.done = share

    def _take_views(self, job: int, found: "tuple[float, ClipViews] | None") -> None:
        if job == self._job and found is not None:
            self.seconds, self.views = found
            self.changed += 1

    def _take_prediction(self, job: int, prediction: "Prediction | None") -> None:
        if job != self._job:
            return
        if prediction is not None:
            self.predictions[prediction.run] = prediction
        with self.hold_trait_notifications():
            self.busy, self.done = False, 1.0
            self.changed += 1

    def _fail(self, job: int, text: str) -> None:
        if job == self._job:
            with self.hold_trait_notifications():
                self.busy, self.error = False, text
                self.changed += 1


class _Stopped(Exception):
    """Another sound or run was chosen meanwhile."""


def listens(run: "Run") -> bool:
    """Can the run listen to any sound? It needs its model, and an embedding that the package can compute."""
    return run.keeps_model and (run.config.reads_pictures or run.info["embedding"] in EMBEDDINGS.values())


def _listen(path: Path, run: "Run", told: Callable[[float], None]) -> "Prediction":
    from openmic_explore.predict import predict_file

    return predict_file(path, run, limit=LONGEST, on_window=told)


def _look(path: Path, told: Callable[[float], None]) -> "tuple[float, ClipViews]":
    """Seconds and pictures of an audio file."""
    from openmic_explore.predict.sound import open_sound

    if path.stat().st_size == 0:
        raise ExploreError(f"{path} is empty: there is nothing in the file.")
    with open_sound(path, limit=1e9) as sound:
        seconds = sound.expected / sound.rate
        if seconds > LONGEST:
            raise ExploreError(
                f"{path} is {seconds / 60:.1f} minutes long, and this page listens to {LONGEST / 60:g}. Cut it, or take "
                "the command line: openmic-explore predict FILE"
            )
        pieces = list(_pieces(sound, told))
        if not pieces:
            raise ExploreError(f"{path} is empty: it has no samples.")
        length = sound.seconds
    from openmic_explore.features import ClipViews

    return length, ClipViews(*(joined([piece[place] for piece in pieces], length) for place in range(2)))


def _pieces(sound: "Sound", told: Callable[[float], None]) -> Iterator[list["Picture"]]:
    """Both pictures of every ten seconds, with the times of the whole sound."""
    from openmic_explore.features.kinds import LogMel, Scalograms, picture

    bins = Scalograms().bins
    place = 0
    while len(samples := sound.piece(place * WINDOW, WINDOW)):
        seconds = len(samples) / sound.rate
        if place and seconds < SHORTEST:
            return
        samples = np.pad(samples, (0, max(0, round(SHORTEST * sound.rate) - len(samples))))
        kinds = LogMel(), Scalograms(bins=max(1, round(bins * seconds / WINDOW)))
        found = [picture(kind, samples, sound.rate) for kind in kinds]
        yield [one._replace(time=one.time + place * WINDOW) for one in found]
        place += 1
        told(PICTURES_SHARE * min(1.0, place * WINDOW / max(sound.expected / sound.rate, 1e-9)))


def joined(pieces: "list[Picture]", seconds: float, columns: int = COLUMNS) -> "Picture":
    """Pictures one after the other as one, of at most so many columns of equal length; a column is the mean of those that
    fall into it, or the nearest where none does."""
    values = np.concatenate([piece.values for piece in pieces], axis=1)
    time = np.concatenate([piece.time for piece in pieces])
    steps = np.diff(pieces[0].time)
    step = float(steps[0]) if len(steps) else seconds
    count = int(np.clip(round(seconds / step), 1, columns))
    place = np.minimum((time / seconds * count).astype(int), count - 1)
    return pieces[0]._replace(values=_means(values, place, count), time=(np.arange(count) + 0.5) * seconds / count)


def _means(values: NDArray[np.uint8], place: NDArray[np.intp], count: int) -> NDArray[np.uint8]:
    """Means (rows, count) of columns (rows, n) by their place (n,), ascending."""
    there, first = np.unique(place, return_index=True)
    total = np.add.reduceat(values.astype(np.uint32), first, axis=1)
    mean = np.round(total / np.diff(np.append(first, len(place)))).astype(np.uint8)
    nearest = np.abs(np.arange(count)[:, None] - there).argmin(axis=1) if len(there) < count else np.arange(count)
    return mean[:, nearest]
