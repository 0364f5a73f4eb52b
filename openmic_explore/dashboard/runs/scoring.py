"""Scores of runs from their stored predictions: at any threshold, of known or of all cells, and clip by clip."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run

THRESHOLD = 0.5
RESAMPLES = 2000
KEPT = 40  # resampled groups, of 1 MB each
KNOWN, ALL = "known", "all"  # cells: those whose label is known, or all where the data set knows the truth
LABELS = {1: "present", 0: "absent", -1: "unknown"}


Sampling = tuple[tuple[str, ...], str, float]  # runs, cells, threshold


class Answer(NamedTuple):
    """What a run says of a test clip. present: what it is held against. heard: has the clip sound here?"""

    key: str
    label: str
    present: bool
    probability: float
    wrong: bool
    heard: bool


class Mean(NamedTuple):
    """A difference of means over the instruments, with its 95 % interval and p."""

    difference: float
    low: float
    high: float
    p: float


class Difference(NamedTuple):
    """b minus a. table: one row an instrument: a, b, difference, low, high, p, p_holm. instruments: with a difference."""

    table: "pd.DataFrame"
    mean: Mean
    instruments: int


def _sampling(group: Group, cells: str, threshold: float) -> Sampling:
    return tuple(run.name for run in group.runs), cells, round(threshold, 6)


class Scoring:
    """Scores of a data set's test clips; each is computed once.

    damaged: what is wrong with runs whose predictions cannot be read, by name.
    """

    def __init__(self, data: "OpenMIC") -> None:
        self.data = data
        self.damaged: dict[str, str] = {}
        self._scores: dict[tuple[str, str, float], NDArray[np.float64]] = {}
        self._samples: dict[Sampling, NDArray[np.float32]] = {}
        self._heard: set[str] | None = None

    def sound(self, groups: Iterable[Group], part: str = "predictions") -> list[Group]:
        """The groups as far as a part of their runs can be read: "predictions", "history" or "heads". Those without a
        run left are left out."""
        return [
            replace(group, runs=runs)
            for group in groups
            if (runs := tuple(run for run in group.runs if self._readable(run, part)))
        ]

    def _readable(self, run: "Run", part: str) -> bool:
        if run.name in self.damaged:
            return False
        try:
            found = getattr(run, part)  # which keeps what it has read
            if part == "predictions":
                self._rows(found[0])
                if found[1].shape[1] != len(self.data.instruments):
                    raise ExploreError(f"{run.path} does not predict the {len(self.data.instruments)} instruments.")
        except ExploreError as error:
            self.damaged[run.name] = str(error)
            return False
        return True

    def table(self, run: "Run", cells: str = KNOWN, threshold: float = THRESHOLD) -> NDArray[np.float64]:
        """Every column of `evaluation.score` (K, columns) of a run."""
        from openmic_explore.evaluation.weighted import weighted_scores

        asked = run.name, cells, round(threshold, 6)
        if asked not in self._scores:
            keys, probability = run.predictions
            present, mask = self._cells(keys, cells)
            once = np.ones((1, len(keys)))
            self._scores[asked] = weighted_scores(present, mask, probability.astype(float), once, threshold)[0]
        return self._scores[asked]

    def scores(
        self, group: Group, metric: str, cells: str = KNOWN, threshold: float = THRESHOLD
    ) -> NDArray[np.float64]:
        """One column (seeds, K) of a group's runs."""
        from openmic_explore.evaluation.scores import COLUMNS

        column = COLUMNS.index(metric)
        return np.stack([self.table(run, cells, threshold)[:, column] for run in group.runs])

    def majority(self, metric: str, cells: str = KNOWN) -> NDArray[np.float64]:
        """One column (K,) of the majority class."""
        from openmic_explore.evaluation.scores import COLUMNS

        return self.majority_table(cells)[:, COLUMNS.index(metric)]

    def majority_table(self, cells: str = KNOWN) -> NDArray[np.float64]:
        """Every column of `evaluation.score` (K, columns) of the training labels' majority class, at any threshold."""
        from openmic_explore.evaluation.scores import majority
        from openmic_explore.evaluation.weighted import weighted_scores

        if ("", cells, 0.0) not in self._scores:
            data = self.data
            training = np.concatenate([data.split("train"), data.split("validation")])
            constant = majority(data.relevance[training], data.mask[training])
            keys = data.keys[data.split("test")]
            present, mask = self._cells(keys, cells)
            answer = np.tile(constant, (len(keys), 1))
            self._scores["", cells, 0.0] = weighted_scores(present, mask, answer, np.ones((1, len(keys))))[0]
        return self._scores["", cells, 0.0]

    def resampled(self, group: Group, cells: str, threshold: float) -> bool:
        """Is everything there for the group's differences to others?"""
        return _sampling(group, cells, threshold) in self._samples

    def resample(self, group: Group, cells: str, threshold: float) -> None:
        """Score a group on resampled test clips, the same for all groups; takes a few tenths of a second.

        Raises ExploreError when a run predicted other clips than the data set's test clips.
        """
        from openmic_explore.evaluation.bootstrap import resampled_scores

        if self.resampled(group, cells, threshold):
            return
        keys = self.data.keys[self.data.split("test")]
        for run in group.runs:
            if run.predictions[0].tolist() != keys.tolist():
                raise ExploreError(f"{run.path} predicts other clips than the test clips of {self.data.path}.")
        present, mask = self._cells(keys, cells)
        runs = [run.predictions[1].astype(float) for run in group.runs]
        self._samples[_sampling(group, cells, threshold)] = resampled_scores(
            present.astype(float), mask, runs, threshold, resamples=RESAMPLES
        ).astype(np.float32)
        while len(self._samples) > KEPT:
            del self._samples[next(iter(self._samples))]

    def difference(self, a: Group, b: Group, metric: str, cells: str, threshold: float) -> Difference:
        """b minus a, both resampled before; the numbers of `experiments.compare_runs`."""
        from openmic_explore.evaluation.bootstrap import average, percentile_interval
        from openmic_explore.evaluation.scores import COLUMNS
        from openmic_explore.evaluation.significance import bootstrap_p
        from openmic_explore.experiments.contrast import Sampled, paired

        column = COLUMNS.index(metric)
        one, other = (
            Sampled(
                self.scores(group, metric, cells, threshold),
                self._samples[_sampling(group, cells, threshold)][:, :, column].astype(float),
            )
            for group in (a, b)
        )
        table = paired(one, other, self.data.instruments)
        value = table["difference"].to_numpy(float)
        samples = average(np.where(np.isnan(value), np.nan, other.samples - one.samples), axis=1)
        interval = percentile_interval(samples)
        mean = Mean(float(average(value)), float(interval.low), float(interval.high), float(bootstrap_p(samples)))
        return Difference(table, mean, int(np.isfinite(value).sum()))

    def answers(self, run: "Run", instrument: str, cells: str = KNOWN, threshold: float = THRESHOLD) -> list[Answer]:
        """What a run says of an instrument in every test clip that counts: the most wrong first, the surest right last."""
        if self._heard is None:
            self._heard = set(self.data.audio_keys)
        column = self.data.instruments.index(instrument)
        keys, probability = run.predictions[0], run.predictions[1].astype(float)
        rows = self._rows(keys)
        present, mask = self._cells(keys, cells)
        state = self.data.label_state[rows, column]
        margin = np.where(present[:, column], 1.0, -1.0) * (probability[:, column] - threshold)
        return [
            Answer(
                str(keys[row]),
                LABELS[int(state[row])],
                bool(present[row, column]),
                float(probability[row, column]),
                bool((probability[row, column] >= threshold) != present[row, column]),
                str(keys[row]) in self._heard,
            )
            for row in np.argsort(margin, kind="stable")
            if mask[row, column]
        ]

    def _rows(self, keys: NDArray[np.str_]) -> NDArray[np.intp]:
        return np.array([self.data.index(str(key)) for key in keys], dtype=np.intp)

    def _cells(self, keys: NDArray[np.str_], cells: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """present, mask (n, K) of these clips."""
        rows = self._rows(keys)
        if cells == ALL:
            if self.data.truth is None:
                raise ExploreError(f"{self.data.path} does not know the truth: it has no activity.npz.")
            present = self.data.truth[rows]
            return present, np.ones_like(present)
        mask = self.data.mask[rows]
        return np.where(mask, self.data.relevance[rows], 0.0) >= 0.5, mask
