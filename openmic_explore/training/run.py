"""The run folder: everything that a training leaves behind, readable without torch.

config.json          TrainConfig
history.csv          one row an epoch
heads.npz            per epoch and instrument (E, K): blocked, the share of training clips whose head passed no gradient;
                     spread of the validation probabilities, constant: the same decision for every validation clip
weights.safetensors  the kept epoch's parameters and input scaling
predictions.npz      sample_key (n,), probability (n, K) uint16 / 65535, of the test clips
gallery.npz          sample_key (g,), frame, attention (g, T, K) float16, clip (g, K) float16, of test clips with audio
scores.csv           per instrument, test clips, observed cells
scores_truth.csv     the same over all cells, where the data set knows the truth
checkpoints/NAME/    predictions and scores of the test clips, as above, at the epochs that other checkpoints would have kept
run.json             data, embedding, options of the model, kept epoch, versions, wall time; written last

A baseline's run has no history, heads, weights, gallery or checkpoints: it has no epochs and no frames. A packed run
(see `pack`) may lack some of these too.
"""

import dataclasses
import json
import math
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import nearby
from openmic_explore.training.config import BASELINES, CHECKPOINTS, TrainConfig

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

SHIPPED = Path(__file__).parent.parent / "results"
CHECKPOINTS_FOLDER = "checkpoints"
LEVELS = 65535
_MAX_JSON_BYTES = 2**22
_LARGEST = 2**16  # of a model's sizes
# What every run.json has.
REQUIRED = {"data", "fingerprint", "embedding", "means", "sizes", "frame_length", "epoch", "wall_time"}


class Frames(NamedTuple):
    """One clip as a model saw it: frame, attention (T, K); clip (K,) probability.

    frame_length: the step from frame to frame, start: where the first one begins, in seconds. A CNN's frames are centred
    where it looks, so its first one begins later than the clip.
    """

    frame: NDArray[np.float32]
    attention: NDArray[np.float32]
    clip: NDArray[np.float32]
    frame_length: float
    start: float = 0.0


class Heads(NamedTuple):
    """What a run's heads did, per epoch and instrument (E, K); see heads.npz above."""

    blocked: NDArray[np.float32]
    spread: NDArray[np.float32]
    constant: NDArray[np.bool_]


class Run:
    """A finished training run, read from its folder as far as it is asked for.

    Raises ExploreError when the folder is missing or half-written.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not (self.path / "run.json").is_file():
            raise ExploreError(
                f"{self.path} is not a finished run (it has no run.json). "
                "Delete it and train again: openmic-explore train --help"
            )
        self.info: dict[str, Any] = self._json("run.json")
        lacking = REQUIRED - set(self.info)
        if lacking or (wrong := misfit(self.info)):
            why = KeyError(*sorted(lacking)) if lacking else ValueError(wrong)
            raise _damaged(self.path / "run.json", why)
        try:
            self.config = TrainConfig.from_dict(self._json("config.json"))
        except (ExploreError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise _damaged(self.path / "config.json", error) from error
        self.info |= {part: _numbers(self.info.get(part)) for part in ("means", "means_truth")}
        self.name: str = self.path.name
        self._answers = self.path  # where predictions and scores lie

    def __repr__(self) -> str:
        return f"Run({self.name!r})"

    @property
    def checkpoints(self) -> list[str]:
        """The checkpoints that it can be looked at, its own first; see `at`. A baseline has none."""
        if not self.has_epochs:
            return []
        others = self.info.get("checkpoints", {})
        return [self.config.checkpoint, *(name for name in CHECKPOINTS if name in others)]

    def at(self, checkpoint: str) -> "Run":
        """The same training at the epoch that another checkpoint would have kept: its predictions and scores.

        What has no epochs, a baseline, is the same at all of them. Raises ExploreError for one that was not kept.
        """
        if not self.has_epochs or checkpoint == self.config.checkpoint:
            return self
        if checkpoint not in self.checkpoints:
            kept = ", ".join(self.checkpoints)
            raise ExploreError(f"{self.path} was not kept at the checkpoint {checkpoint!r}. It has: {kept}.")
        other = Run(self.path)
        other.config = dataclasses.replace(self.config, checkpoint=checkpoint)
        facts = self.info["checkpoints"][checkpoint]
        means = {part: _numbers(facts.get(part)) for part in ("means", "means_truth")}
        other.info = {**self.info, "epoch": facts["epoch"], **means}
        other._answers = self.path / CHECKPOINTS_FOLDER / checkpoint
        return other

    @property
    def keeps_model(self) -> bool:
        """Are its weights and frames there? Not for a baseline, nor at another checkpoint, nor where `pack` left them out."""
        return self.has_epochs and self._answers == self.path and not self.info.get("left_out")

    @property
    def has_epochs(self) -> bool:
        """Was a network trained, so that there are history, weights and frames? Not for a baseline."""
        return self.config.model not in BASELINES

    @cached_property
    def history(self) -> "pd.DataFrame":
        """One row an epoch: epoch, train_loss, validation_loss, validation_f1_macro, validation_average_precision.

        Raises ExploreError for a baseline, which has no epochs.
        """
        if not self.has_epochs:
            raise ExploreError(f"{self.name} is a baseline and has no epochs; its predictions are all there is.")
        return self._table(self.path / "history.csv")

    @cached_property
    def heads(self) -> Heads | None:
        """What the heads did, or None for a run that kept no record of it."""
        if not (self.path / "heads.npz").is_file():
            return None
        kinds = {"blocked": ("f", 2), "spread": ("f", 2), "constant": ("b", 2)}
        arrays = self._arrays(self.path / "heads.npz", **kinds)
        return Heads(arrays["blocked"].astype(np.float32), arrays["spread"].astype(np.float32), arrays["constant"])

    @cached_property
    def scores(self) -> "pd.DataFrame":
        """`evaluation.score` of the test clips over the observed cells, at threshold .5."""
        return self._table(self._answers / "scores.csv", index="instrument")

    @cached_property
    def scores_truth(self) -> "pd.DataFrame | None":
        """The same over all cells of the test clips, or None where the data set does not know the truth."""
        if not (self._answers / "scores_truth.csv").is_file():
            return None
        return self._table(self._answers / "scores_truth.csv", index="instrument")

    @cached_property
    def predictions(self) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Keys (n,) and probabilities (n, K) float32 of the test clips."""
        arrays = self._arrays(self._answers / "predictions.npz", sample_key=("U", 1), probability=("u", 2))
        return arrays["sample_key"], (arrays["probability"] / np.float32(LEVELS)).astype(np.float32)

    @cached_property
    def gallery(self) -> dict[str, NDArray[Any]]:
        """The clips whose frames are kept: sample_key (g,), frame, attention (g, T, K), clip (g, K); none where
        `keeps_model` is False."""
        if not self.keeps_model:
            none = np.zeros((0, 0, len(self.scores)), dtype=np.float16)
            return {"sample_key": np.zeros(0, dtype=np.str_), "frame": none, "attention": none, "clip": none[:, :, 0]}
        kinds = {"sample_key": ("U", 1), "frame": ("f", 3), "attention": ("f", 3), "clip": ("f", 2)}
        return self._arrays(self.path / "gallery.npz", **kinds)

    def frames(self, key: str) -> Frames | None:
        """Frame scores and attention of a clip, or None where they are not kept for it."""
        row = np.flatnonzero(self.gallery["sample_key"] == key)
        if row.size == 0:
            return None
        frame, attention, clip = (
            self.gallery[name][row[0]].astype(np.float32) for name in ("frame", "attention", "clip")
        )
        length, start = float(self.info["frame_length"]), float(self.info.get("frame_start", 0.0))
        return Frames(frame, attention, clip, length, start)

    def model(self) -> "nn.Module":
        """The trained model, in evaluation mode. Imports torch. Raises ExploreError where `keeps_model` is False."""
        if not self.has_epochs:
            raise ExploreError(f"{self.name} is a baseline and keeps no model; its predictions are all there is.")
        if not self.keeps_model:
            raise ExploreError(
                f"{self.name} keeps no model{'' if self._answers == self.path else ' at this checkpoint'}, its predictions "
                "only. Choose another seed, or train it again: openmic-explore train --help"
            )
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from openmic_explore.models import build_model

        # All options as they were, whatever the presets say by now; the first runs kept only those that differed.
        options = self.info.get("options", self.config.options)
        try:
            model = build_model(self.config.model, self.config.preset, **self.info["sizes"], **options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise _damaged(self.path / "run.json", error) from error
        try:
            # In float32 whatever they are stored in: shipped weights are halves.
            state = {name: tensor.float() for name, tensor in load_file(self.path / "weights.safetensors").items()}
            if not all(bool(tensor.isfinite().all()) for tensor in state.values()):
                raise ValueError("some weights are not finite")
            model.load_state_dict(state)
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise _damaged(self.path / "weights.safetensors", error) from error
        return model.eval()

    def to_dict(self) -> dict[str, Any]:
        """What run.json and config.json say, and the run's name, for JSON."""
        averages = {part: plain(self.info.get(part)) for part in ("means", "means_truth")}
        return {"run": self.name, **self.info, **averages, "config": self.config.to_dict()}

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            if path.stat().st_size > _MAX_JSON_BYTES:
                raise ValueError("it is far too large")
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise _damaged(path, error) from error

    @staticmethod
    def _table(path: Path, index: str | None = None) -> "pd.DataFrame":
        import pandas as pd

        try:
            table = pd.read_csv(path)
            table = table.set_index(index) if index else table
            words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
            if words:
                raise ValueError(f"{words[0]} has something else than numbers")
            if not table.index.is_unique:
                raise ValueError("a line is there twice")
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(path, error) from error
        return table

    @staticmethod
    def _arrays(path: Path, **kinds: tuple[str, int]) -> dict[str, NDArray[Any]]:
        """Arrays of an npz archive, each of a numpy kind and a number of dimensions, all of one length."""
        from openmic_explore.data.keys import read_member

        try:
            arrays = {name: read_member(path, name, kind, (None,) * rank) for name, (kind, rank) in kinds.items()}
        except ExploreError as error:
            raise _damaged(path, error) from error
        if len({len(array) for array in arrays.values()}) > 1:
            raise _damaged(path, ValueError("its arrays are not of one length"))
        wrong = [name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
        if wrong:
            raise _damaged(path, ValueError(f"{wrong[0]} has values that are not finite"))
        return arrays


def misfit(info: dict[str, Any]) -> str:
    """In what the content of run.json cannot be right, in plain words; "" when it can."""
    number = int | float
    for name in ("means", "means_truth"):
        means = info.get(name)
        if not (means is None and name != "means") and not (
            isinstance(means, dict) and all(value is None or isinstance(value, number) for value in means.values())
        ):
            return f"{name} are not numbers"
    if not all(isinstance(info[name], str) for name in ("data", "fingerprint", "embedding")):
        return "data, fingerprint and embedding are not texts"
    sizes, options, others = info["sizes"], info.get("options", {}), info.get("checkpoints", {})
    if sizes is not None and not (
        isinstance(sizes, dict) and all(type(size) is int and 1 <= size <= _LARGEST for size in sizes.values())
    ):
        return f"sizes are not whole numbers up to {_LARGEST:,}"
    if not all(isinstance(part, dict) for part in (options, others)):
        return "options or checkpoints are not an object"
    facts = [info["frame_length"], info.get("frame_start", 0.0), info["epoch"], info["wall_time"]]
    if not all(fact is None or (isinstance(fact, number) and abs(fact) < 1e9) for fact in facts):
        return "frame_length, frame_start, epoch or wall_time is no number"
    return ""


def _damaged(path: Path, error: Exception) -> ExploreError:
    return ExploreError(
        f"{path} is missing or damaged ({error}). Delete the run and train it again: openmic-explore train --help"
    )


def _numbers(means: dict[str, float | None] | None) -> dict[str, float] | None:
    """Means as JSON holds them, where None stands for undefined, as numbers."""
    return None if means is None else {name: math.nan if value is None else value for name, value in means.items()}


def plain(means: dict[str, float] | None) -> dict[str, float | None] | None:
    """Means as JSON can hold them: None where undefined."""
    return None if means is None else {name: None if math.isnan(value) else value for name, value in means.items()}


class Runs:
    """The runs below some folders, sorted by name.

    Without a folder those that the environment variable OPENMIC_RUNS names, separated as in PATH; without it the
    package's own and those in ./runs or, for a notebook, ../runs.

    Half-written folders and trainings that were cut off are left out and named in `unfinished`; damaged ones, and those
    of a later version, in `damaged` with what is wrong. Of runs of one name the one in the later folder counts. paths:
    the folders.
    """

    def __init__(self, *paths: str | Path):
        if not paths and os.environ.get("OPENMIC_RUNS"):
            paths = tuple(map(nearby, os.environ["OPENMIC_RUNS"].split(os.pathsep)))
        elif not paths:
            paths = (SHIPPED, *([nearby("runs")] if nearby("runs").is_dir() else []))
        self.paths = tuple(map(Path, paths))
        self._runs: dict[str, Run] = {}
        self.unfinished: list[Path] = []
        self.damaged: dict[Path, str] = {}
        for path in self.paths:
            if not path.is_dir():
                raise ExploreError(f"There is no folder of runs {path}. Train one: openmic-explore train --help")
            for folder in sorted(path.iterdir()):
                if (folder / "run.json").is_file():
                    try:
                        self._runs[folder.name] = Run(folder)
                    except ExploreError as error:
                        self.damaged[folder] = str(error)
                elif folder.suffix == ".part" or (folder.is_dir() and not folder.name.startswith((".", "_"))):
                    self.unfinished.append(folder)

    def __iter__(self) -> Iterator[Run]:
        return iter(sorted(self._runs.values(), key=lambda run: run.name))

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, name: str) -> bool:
        return name in self._runs

    def add(self, run: Run) -> None:
        """Take in a run that was trained since the folders were read."""
        self._runs[run.name] = run

    def __getitem__(self, name: str) -> Run:
        if name not in self._runs:
            raise ExploreError(f"There is no run {name!r}. There are: {', '.join(sorted(self._runs)) or 'none'}.")
        return self._runs[name]

    def of(self, fingerprint: str) -> list[Run]:
        """The runs that were trained on the data set with this fingerprint."""
        return [run for run in self if run.info["fingerprint"] == fingerprint]

    def matching(self, name: str) -> list[Run]:
        """The run of that name, or the seeds of the group of that name. Raises ExploreError when there is neither."""
        if name in self:
            return [self[name]]
        seeds = [run for run in self if run.config.group == name]
        if not seeds:
            groups = dict.fromkeys(run.config.group for run in self)
            raise ExploreError(f"There is no run or group of seeds {name!r}. Groups: {', '.join(groups) or 'none'}.")
        return seeds

    def select(self, **wanted: Any) -> list[Run]:
        """The runs whose configuration or run.json has these values: select(model="cnn", preset="repaired", seed=0).

        A tuple or list stands for any of its values, but for augment, whose kinds are meant together. Raises
        ExploreError for a name that no run has.
        """
        facts = {run: {**run.info, **run.config.to_dict(), "group": run.config.group} for run in self}
        known = set().union(*facts.values())
        unknown = sorted(set(wanted) - known)
        if facts and unknown:
            raise ExploreError(f"Runs have no {', '.join(unknown)}. They have: {', '.join(sorted(known))}.")
        return [run for run in self if all(_is(facts[run].get(name), value) for name, value in wanted.items())]

    def table(self) -> "pd.DataFrame":
        """One row a run: its configuration, data, embedding, kept epoch and mean test scores over instruments."""
        import pandas as pd

        rows = [
            {
                "run": run.name,
                **{field: getattr(run.config, field) for field in ("model", "preset", "seed")},
                **{field: run.info[field] for field in ("data", "embedding", "epoch", "wall_time")},
                **run.info["means"],
                **{f"{name}_truth": value for name, value in (run.info.get("means_truth") or {}).items()},
            }
            for run in self
        ]
        # A baseline has no epoch; the others' are whole numbers all the same.
        return pd.DataFrame(rows).set_index("run").astype({"epoch": "Int64"}) if rows else pd.DataFrame()


def _is(fact: Any, wanted: Any) -> bool:
    if isinstance(fact, list):
        return sorted(fact) == sorted([wanted] if isinstance(wanted, str) else wanted)
    return fact in wanted if isinstance(wanted, tuple | list) else fact == wanted
