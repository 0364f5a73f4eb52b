"""What runs make of one clip, frame by frame: as they kept it, or computed now; and how well it follows the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.experiments.localise import ENERGY_STEP

if TYPE_CHECKING:
    from openmic_explore.dashboard.state import Message, RunState
    from openmic_explore.data import OpenMIC
    from openmic_explore.evaluation import Signal
    from openmic_explore.training import Frames, Run


@dataclass(frozen=True)
class Look:
    """One run on one clip: what it said of the frames, and the running estimate (T, 20)."""

    frames: "Frames"
    estimate: NDArray[np.float64]

    @property
    def attention(self) -> NDArray[np.float32]:
        return self.frames.attention

    @property
    def frame(self) -> NDArray[np.float32]:
        return self.frames.frame

    @property
    def product(self) -> NDArray[np.float64]:
        """Attention times frame score, (T, 20)."""
        values: NDArray[np.float64] = np.asarray(self._signals()["product"].values)[0]
        return values

    def _signals(self) -> dict[str, "Signal"]:
        from openmic_explore.evaluation import attention_signal, frame_signal, product

        grid = self.frames.frame_length, self.frames.start
        attention = attention_signal(self.attention[None].astype(float), *grid)
        frame = frame_signal(self.frame[None].astype(float), *grid)
        return {"attention": attention, "frame": frame, "product": product(frame, attention)}

    def auc(self, active: NDArray[np.bool_], frame_length: float) -> dict[str, NDArray[np.float64]]:
        """Frame AUC (20,) of attention, frame score and product in this clip; active: (20, T), see `frame_auc`."""
        from openmic_explore.evaluation import frame_auc

        return {part: frame_auc(signal, active[None], frame_length)[0] for part, signal in self._signals().items()}

    def cell(self, column: int, label: str) -> dict[str, Any]:
        """What `Estimates` shows of an instrument."""
        clip = float(np.clip(self.frames.clip[column], 0, 1))
        return {
            "start": self.frames.start,
            "step": self.frames.frame_length,
            "values": [None if np.isnan(value) else round(float(value), 4) for value in self.estimate[:, column]],
            "clip": round(clip, 4),
            "right": None if label == "unknown" else (clip >= 0.5) == (label == "present"),
        }


class Looks:
    """Looks of a data set's runs; those at the last clip are kept."""

    def __init__(self, data: "OpenMIC", runs: "RunState", message: "Message") -> None:
        self.data, self.runs, self.message = data, runs, message
        self._key = ""
        self._kept: dict[str, Look] = {}

    def at(self, key: str, names: Sequence[str]) -> dict[str, Look]:
        """The looks of some runs at a clip, by name; a run that cannot look is left out, and the message says why."""
        if key != self._key:
            self._key, self._kept = key, {}
        for name in names:
            if name not in self._kept:
                self._take(key, name)
        return {name: self._kept[name] for name in names if name in self._kept}

    def _take(self, key: str, name: str) -> None:
        try:
            frames = self.runs.kept(key, name)
            if frames is None:
                said = self.message.text
                self.message.set(f"Computing what {name} makes of this clip; the first time takes some seconds …", True)
                frames = self.runs.compute(key, name)
                self.message.set(said)
        except ExploreError as error:
            self.message.set(str(error))
            return
        self._kept[name] = Look(frames, estimate_of(self.runs.runs[name], frames))


def loudness_auc(loudness: NDArray[np.float64], active: NDArray[np.bool_], frame_length: float) -> NDArray[np.float64]:
    """Frame AUC (20,) of a clip's loudness (frames,), a second each as in the experiment: the control without a model.

    active: (20, T), what sounds, in frames of frame_length seconds.
    """
    from openmic_explore.evaluation import energy, frame_auc

    signal = energy(loudness[None], ENERGY_STEP, instruments=len(active))
    return frame_auc(signal, active[None], frame_length)[0]


def estimate_of(run: "Run", frames: "Frames") -> NDArray[np.float64]:
    """A run's running estimate (T, 20), by its own pooling; see `running_estimate`."""
    from openmic_explore.evaluation.running import running_estimate
    from openmic_explore.models.registry import model_entry, resolve_options

    config = run.config
    options = resolve_options(config.model, config.preset, run.info.get("options", config.options))
    maximum = model_entry(config.model, config.preset).fixed.get("pooling") == "max"
    return running_estimate(frames.frame, frames.attention, head=str(options["head"]), maximum=maximum)
