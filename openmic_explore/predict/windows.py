"""From a sound to windows to one time line.

Every window is as long as the clips that the run was trained on and goes the way they went. Windows begin on the grid
of the model's frames, so that these make one time line:

- Window k begins k x hop after the start. Unless told otherwise, hop is what the frames of one window span, so that
  they follow each other without gap or overlap. A CNN has frames in the middle of its window only (7.5 of 10 s): its
  windows overlap where its frames do not.
- The last window ends where the sound does, to half a frame. It is moved back for that and overlaps the one before,
  rather than being filled up; at most half a frame at the end is silence, or left out.
- A frame that lies in several windows has the mean of its scores there, and of its attention. Attention sums to 1 over
  a window, not over the sound.
- A sound shorter than a window is one window: of an embedding as many frames as there are (rounded, at least one), of
  a picture all, filled up with silence. Frames that begin after the sound has ended are left out.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.features.kinds import LogMel, Scalograms
from openmic_explore.features.work import attempt
from openmic_explore.predict.choose import about, run_embedding
from openmic_explore.predict.prediction import Prediction
from openmic_explore.predict.sound import LIMIT, Sound, open_sound
from openmic_explore.training.run import Run
from openmic_explore.transforms.embedding import Embedding
from openmic_explore.transforms.resample import mono_at

if TYPE_CHECKING:
    from torch import Tensor

    from openmic_explore.models import Model


def predict_file(
    path: str | Path,
    run: Run,
    *,
    embedding: Embedding | None = None,
    hop: float | None = None,
    threshold: float = 0.5,
    limit: float = LIMIT,
    progress: bool = False,
    on_window: Callable[[float], None] | None = None,
) -> Prediction:
    """Predict the instruments in an audio file, at any rate, with any number of channels, which are averaged.

    embedding: what the run reads; None for `run_embedding(run)`. hop: seconds from window to window, rounded to whole
    frames; from one frame to the default, all of a window's. threshold: from which probability on an instrument counts
    as heard. limit: the longest sound, in seconds. progress: draw a bar. on_window: called after each window with the
    share of the sound that is done, 0 to 1.
    Raises ExploreError when the file is missing, damaged, empty, too long or no sound, when the run is a baseline, or
    when the embedding cannot be had.
    """
    with open_sound(path, limit) as sound:
        return _predict(sound, run, embedding, hop, threshold, progress, on_window)


def predict_samples(
    samples: NDArray[np.floating],
    rate: int,
    run: Run,
    *,
    name: str = "samples",
    embedding: Embedding | None = None,
    hop: float | None = None,
    threshold: float = 0.5,
    limit: float = LIMIT,
    progress: bool = False,
    on_window: Callable[[float], None] | None = None,
) -> Prediction:
    """As `predict_file`, of samples (n,) or (n, channels) in [-1, 1] at `rate` Hz; name: what the sound is called."""
    mono = mono_at(samples, rate, target=rate)
    sound = Sound(name, rate, iter([mono]), len(mono), limit)
    return _predict(sound, run, embedding, hop, threshold, progress, on_window)


class Grid(NamedTuple):
    """How a run sees a clip: its length, its frames, where the first begins and how long each is; in seconds."""

    window: float
    frames: int
    start: float
    length: float

    def last(self, seconds: float) -> int:
        """On which frame the last window of a sound begins."""
        return max(0, _rounded((seconds - self.window) / self.length))

    def within(self, seconds: float) -> int:
        """How many frames begin before so many seconds are over."""
        return max(0, math.ceil((seconds - self.start) / self.length - 1e-6))

    def step(self, hop: float | None) -> int:
        """Frames from window to window. Raises ExploreError for a hop that is none, or leaves gaps."""
        span = self.frames * self.length
        if hop is None:
            return self.frames
        if not self.length / 2 <= hop <= span + self.length / 2:
            raise ExploreError(
                f"hop must be from {self.length:g} s, one frame, to {span:g} s, a window's frames, not {hop}."
            )
        return min(self.frames, max(1, _rounded(hop / self.length)))


def grid_of(run: Run, model: "Model") -> Grid:
    """How a run saw the clips that it was trained on."""
    frames = int(run.gallery["frame"].shape[1])  # it has a shape also where no clip is in it
    length = float(run.info["frame_length"])
    window = frames * length
    if run.config.reads_pictures:
        bins = int(run.info["sizes"]["bins"])
        window = bins * length / model.frame_grid(bins)[1]
    return Grid(window, frames, float(run.info.get("frame_start", 0.0)), length)


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _predict(
    sound: Sound,
    run: Run,
    embedding: Embedding | None,
    hop: float | None,
    threshold: float,
    progress: bool,
    on_window: Callable[[float], None] | None,
) -> Prediction:
    from openmic_explore.training import predict

    if not 0 <= threshold <= 1:
        raise ExploreError(f"The threshold is a probability, from 0 to 1, not {threshold}.")
    embedding = embedding or run_embedding(run)
    model = cast("Model", run.model())
    grid = grid_of(run, model)
    reader = _Pictures(run, sound, grid) if embedding is None else _Frames(embedding, sound, grid)
    places, outputs = [], []
    for place in _shown(_places(sound, grid, grid.step(hop)), sound, grid, progress, on_window):
        places.append(place)
        # One by one: dropout at test time, as the published CNNs have it, depends on a window's place in the batch.
        outputs.append(predict(model, reader(place)))
    within = grid.within(sound.seconds)
    return Prediction(
        source=sound.name,
        seconds=sound.seconds,
        rate=sound.rate,
        run=run.name,
        model=run.config.model,
        preset=run.config.preset,
        data=str(run.info["data"]),
        embedding=str(run.info["embedding"]),
        about=about(run),
        window=grid.window,
        start=np.array(places) * grid.length,
        clip=np.concatenate([output.clip.numpy() for output in outputs]),
        frame_start=grid.start,
        frame_length=grid.length,
        frame=_joined(places, [output.frame[0].numpy() for output in outputs])[:within],
        attention=_joined(places, [output.attention[0].numpy() for output in outputs])[:within],
        threshold=threshold,
        notes=tuple(_notes(sound, grid, reader)),
    )


def _places(sound: Sound, grid: Grid, step: int) -> Iterator[int]:
    """On which frame each window begins: every `step` for as long as there is a whole window, then the last one."""
    place = 0
    while sound.has(place * grid.length, grid.window):
        yield place
        place += step
    if sound.read == 0:
        raise ExploreError(f"{sound.name} is empty: it has no samples.")
    last = grid.last(sound.seconds)
    if place == 0 or last > place - step:
        yield last


def _shown(
    places: Iterator[int],
    sound: Sound,
    grid: Grid,
    progress: bool,
    on_window: Callable[[float], None] | None,
) -> Iterator[int]:
    from tqdm.auto import tqdm

    total = max(sound.expected / sound.rate, 1e-9)
    with tqdm(total=round(total), desc=Path(sound.name).name, unit="s", disable=not progress) as bar:
        for place in places:
            yield place
            done = min(place * grid.length + grid.window, total)
            bar.update(round(done) - bar.n)
            if on_window is not None:
                on_window(done / total)


def _joined(places: list[int], parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Windows' frames (T, K) on one time line (F, K), means where they overlap. Windows leave no gap."""
    total = np.zeros((places[-1] + len(parts[-1]), parts[0].shape[1]))
    count = np.zeros((len(total), 1))
    for place, part in zip(places, parts, strict=True):
        total[place : place + len(part)] += part
        count[place : place + len(part)] += 1
    return (total / count).astype(np.float32)


class _Frames:
    """A window as frames (1, T, D) of an embedding; T may be less where the sound is shorter than a window.

    Some embeddings need a little more sound than the frames that they give last, VGGish 15 ms: where the window alone
    does not give all of them they get what follows, then silence.
    """

    def __init__(self, embedding: Embedding, sound: Sound, grid: Grid) -> None:
        self.embedding, self.sound, self.grid = embedding, sound, grid
        self.rate, self.short = embedding.rate, "the model sees the frames that there are"
        self.more = 0

    def __call__(self, place: int) -> "Tensor":
        import torch

        grid, sound = self.grid, self.sound
        there = len(sound.piece(place * grid.length, grid.window)) / sound.rate
        wanted = grid.frames if place else min(grid.frames, max(1, _rounded(there / grid.length)))
        found = self._embed(place, wanted)
        while len(found) < wanted and self.more < grid.frames:
            self.more += 1
            found = self._embed(place, wanted)
        if len(found) < wanted:
            raise ExploreError(
                f"{self.embedding.name} gives {len(found)} frames where the run was trained on {wanted}: it has changed."
            )
        return torch.from_numpy(np.array(found[None, :wanted]))

    def _embed(self, place: int, wanted: int) -> NDArray[np.uint8]:
        grid, sound = self.grid, self.sound
        samples = sound.piece(place * grid.length, grid.window + self.more * grid.length)
        if self.more:
            missing = round((wanted + self.more) * grid.length * sound.rate) - len(samples)
            samples = np.pad(samples, (0, max(0, missing)))
        return np.asarray(attempt(f"Embedding {sound.name}", self.embedding, samples, sound.rate))


class _Pictures:
    """A window as the picture (1, 1, scales, bins) that the run reads."""

    def __init__(self, run: Run, sound: Sound, grid: Grid) -> None:
        self.sound, self.grid = sound, grid
        self.resized = run.config.features == "log_mel"
        self.kind = LogMel() if self.resized else _scalograms(run)
        self.rate = int(self.kind.parameters["rate"] if self.resized else 2 * self.kind.parameters["fmax"])
        self.short = "the rest is filled up with silence"

    def __call__(self, place: int) -> "Tensor":
        import torch

        from openmic_explore.training.inputs import resize

        grid, sound = self.grid, self.sound
        samples = sound.piece(place * grid.length, grid.window)
        samples = np.pad(samples, (0, round(grid.window * sound.rate) - len(samples)))
        picture = torch.from_numpy(self.kind.compute(samples, sound.rate))[None, None]
        return resize(picture) if self.resized else picture


def _scalograms(run: Run) -> Scalograms:
    """The transform that made the pictures of a run's data; of a run from before it was kept, the usual one."""
    sizes = {name: run.info["sizes"][name] for name in ("scales", "bins")}
    kept = run.info.get("parameters_of_input") or {}
    names = {each.name for each in dataclasses.fields(Scalograms)}
    return Scalograms(**{**{name: value for name, value in kept.items() if name in names}, **sizes})


def _notes(sound: Sound, grid: Grid, reader: "_Frames | _Pictures") -> Iterator[str]:
    """What to know of a sound before its scores are believed."""
    if sound.expected - sound.read > 0.05 * sound.rate:
        yield f"It is cut off: it should have {sound.expected / sound.rate:.1f} s."
    if sound.seconds < grid.window - grid.length / 2:
        yield f"It is shorter than the {grid.window:g} s of the clips that the model was trained on; {reader.short}."
    if sound.rate < reader.rate:
        yield (
            f"Sampled at {sound.rate} Hz it has nothing above {sound.rate / 2:g} Hz; the model was trained on sound up "
            f"to {reader.rate / 2:g} Hz."
        )
    if sound.peak == 0:
        yield "It is silent."
