"""Do a model's signals in time follow what really sounds? All seeds of a run, beside the controls that know less."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.training import Run

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import Activity, OpenMIC
    from openmic_explore.evaluation import Signal

PARTS = ("validation", "test")
ENERGY_STEP = 1.0  # seconds: as long as the frames of the package's own embedding


def localise_runs(runs: Sequence[Run], data: "OpenMIC", *, resamples: int = 1000) -> "pd.DataFrame":
    """Frame AUC of every signal of some seeds, and of the controls, on validation and on test clips.

    runs: with their models, one a seed. Signals: attention, frame score, their product, and both times energy, which asks
    what the model adds to loudness. Controls: energy (loudness a second, the same for all instruments), and
    of each signal `shuffled`, what another clip with the instrument would have said. Only clips with audio count, since
    energy needs it.

    Returns one row a signal: validation and test (mean AUC over instruments, mean over seeds), std (over seeds, test),
    shuffled (the control's test AUC), minus_energy (test), low, high (its 95 % interval over clips, first seed).
    Raises ExploreError when the data set knows no activity or lacks the audio, or when a run has no model or was trained
    on other data.
    """
    import pandas as pd

    if data.activity is None:
        raise ExploreError(f"{data.path} does not know when instruments sound: it has no activity.npz.")
    for run in runs:
        if run.info["fingerprint"] != data.fingerprint:
            raise ExploreError(f"{run.path} was trained on other data than {data.path}. Give its data: --data DIR")
    parts = {part: _heard(data, data.activity, part) for part in PARTS}
    test = parts["test"]
    if test is None:
        raise ExploreError(f"{data.path} has no audio of its test clips, which the energy control needs.")
    base = {part: clips.auc(clips.energy) for part, clips in parts.items() if clips}
    lines: list[dict[str, Any]] = [{"signal": "energy", **base, "minus_energy": 0.0}]
    seeds = [{part: _signals(run, data, clips) for part, clips in parts.items() if clips} for run in runs]
    for name in seeds[0]["test"]:
        auc = {part: [clips.auc(seed[part][name]) for seed in seeds] for part, clips in parts.items() if clips}
        low, high = test.above_energy(seeds[0]["test"][name], resamples)
        lines.append(
            {
                "signal": name,
                **{part: np.mean(values) for part, values in auc.items()},
                "std": np.std(auc["test"], ddof=1) if len(runs) > 1 else np.nan,
                "shuffled": np.mean([test.auc(test.shuffled(seed["test"][name])) for seed in seeds]),
                "minus_energy": np.mean(auc["test"]) - base["test"],
                "low": low,
                "high": high,
            }
        )
    columns = [*PARTS, "std", "shuffled", "minus_energy", "low", "high"]
    return pd.DataFrame(lines).set_index("signal").reindex(columns=columns)


@dataclass(frozen=True)
class _Clips:
    """Clips of one split that can be heard: rows of the data, and what sounds in them (n, K, T) in frames of `step`."""

    data: "OpenMIC"
    rows: NDArray[np.intp]
    active: NDArray[np.bool_]
    step: float

    @cached_property
    def energy(self) -> "Signal":
        """The control."""
        return self.loudness(ENERGY_STEP, 0.0, round(self.active.shape[2] * self.step / ENERGY_STEP))

    def loudness(self, step: float, start: float, frames: int) -> "Signal":
        from openmic_explore.evaluation import energy, frame_energy

        sounds = (self.data.audio(str(self.data.keys[row])) for row in self.rows)
        loudness = np.stack([frame_energy(*sound, step=step, start=start, frames=frames) for sound in sounds])
        return energy(loudness, step, start, instruments=self.active.shape[1])

    def auc(self, signal: "Signal") -> float:
        from openmic_explore.evaluation import MEAN, localise

        return float(localise(signal, self.active, self.step, resamples=1)["auc"][MEAN])

    def above_energy(self, signal: "Signal", resamples: int) -> tuple[float, float]:
        from openmic_explore.evaluation import MEAN, localisation_difference

        apart = localisation_difference(self.energy, signal, self.active, self.step, resamples=resamples)
        return float(apart["low"][MEAN]), float(apart["high"][MEAN])

    def shuffled(self, signal: "Signal") -> "Signal":
        from openmic_explore.evaluation import shuffled

        present: NDArray[np.bool_] = np.any(self.active, axis=2)
        return shuffled(signal, present)


def _heard(data: "OpenMIC", activity: "Activity", part: str) -> _Clips | None:
    rows = np.array([row for row in data.split(part) if data.has_audio(str(data.keys[row]))], dtype=np.intp)
    return _Clips(data, rows, activity.active[rows], activity.frame_length) if len(rows) else None


def _signals(run: Run, data: "OpenMIC", clips: _Clips) -> dict[str, "Signal"]:
    from openmic_explore.evaluation import attention_signal, frame_signal, product
    from openmic_explore.training import predict
    from openmic_explore.training.inputs import load_features

    output = predict(run.model(), load_features(data, run.config, clips.rows))
    step, start = float(run.info["frame_length"]), float(run.info.get("frame_start", 0.0))
    frame, attention = (
        make(values.numpy(), step, start)
        for make, values in ((frame_signal, output.frame), (attention_signal, output.attention))
    )
    loud = clips.loudness(step, start, output.frame.shape[1])
    return {
        "attention": attention,
        "frame score": frame,
        "product": product(frame, attention),
        "frame score x energy": product(frame, loud),
        "product x energy": product(product(frame, attention), loud),
    }
