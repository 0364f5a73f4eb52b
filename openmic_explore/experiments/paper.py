"""Figures 4 to 7 as tables of scores: what the authors plotted or logged, and what our runs of the same names score.

Theirs are of OpenMIC-2018, one run each; ours are of whatever data set the runs were trained on, several seeds each.
They stand in panels of their own, and are never subtracted from each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.experiments.named import AUGMENTED, shortened
from openmic_explore.figures.published import Panel
from openmic_explore.figures.scores import METRICS, Series
from openmic_explore.instruments import INSTRUMENTS
from openmic_explore.models import PRESETS
from openmic_explore.reference import published
from openmic_explore.training import Run, Runs, TrainConfig
from openmic_explore.training.run import SHIPPED

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

REFERENCE = "reference (Anhari 2020)"
# Checkpoints that the authors' logs know, by our names.
LOGGED = {"loss": "best_val_loss", "f1_macro": "best_val_macro_f1"}
CHOSEN_BY = {"loss": "least validation loss", "f1_macro": "best validation macro F1"}


@dataclass(frozen=True)
class Shown:
    """A series of a figure. model, augment: our runs of it; None where we have none. plotted: figure and series in
    published_figures; logged: run in published_macro_f1."""

    name: str
    model: str | None
    augment: tuple[str, ...]
    plotted: tuple[int, str]
    logged: str | None

    def config(self, preset: str, data: "OpenMIC | None") -> TrainConfig | None:
        """Our configuration of it on this data, or None."""
        return None if self.model is None else shortened(TrainConfig(self.model, preset, augment=self.augment), data)


_REFERENCE = Shown(REFERENCE, None, (), (4, REFERENCE), None)
_MEL = Shown("Mel, 1 layer", "mel", (), (4, "mel-1layer"), "mel-1layer")


def _augmented(figure: int, model: str, plain: str) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            kind, model, kinds, (figure, f"{model}+{kind}" if kinds else model), f"{model}+{kind}" if kinds else plain
        )
        for kind, kinds in AUGMENTED.items()
    )


SHOWN: dict[str, tuple[Shown, ...]] = {
    "4": (_MEL, Shown("Mel, 3 layers", "mel-3", (), (4, "mel-3layer"), "mel-3layer"), _REFERENCE),
    "5": (
        Shown("CNN", "cnn", (), (5, "cnn"), "cnn"),
        Shown("CNN-reduced", "cnn-reduced", (), (5, "cnn-reduced"), "cnn-reduced"),
        _MEL,
        _REFERENCE,
    ),
    "6": _augmented(6, "mel", "mel-1layer"),
    "7": _augmented(7, "cnn", "cnn"),
}


def paper_panels(name: str, runs: Runs, data: "OpenMIC", metric: str, checkpoint: str) -> list[Panel]:
    """A figure's three panels: as published, ours as the authors ran it, ours repaired; with majority class and forest.

    name: "4" to "7". metric: a key of METRICS. checkpoint: "loss" or "f1_macro", at which every run is looked at.
    Raises ExploreError when runs are missing, or were not kept at the checkpoint.
    """
    if name not in SHOWN or metric not in METRICS or checkpoint not in LOGGED:
        raise ExploreError(
            f"There is no figure {name!r} in {metric!r} at {checkpoint!r}. Figures: {', '.join(SHOWN)}; "
            f"scores: {', '.join(METRICS)}; checkpoints: {', '.join(LOGGED)}."
        )
    return [published_panel(name, metric, checkpoint)] + [
        our_panel(name, runs, data, preset, metric, checkpoint) for preset in PRESETS
    ]


def published_panel(name: str, metric: str = "f1_weighted", checkpoint: str = "loss") -> Panel:
    """What the authors plotted (weighted F1 at the least validation loss) or logged (macro F1, at either checkpoint)."""
    scores = {one.name: published_scores(one, metric, checkpoint) for one in SHOWN[name]}
    # A series without numbers is a series all the same: every panel of a figure has the same ones.
    nothing = np.full(len(INSTRUMENTS), np.nan)
    series = [Series(name, (nothing if values is None else values)[None]) for name, values in scores.items()]
    floor, forest = published_floors(metric)
    note = "" if any(values is not None for values in scores.values()) else "neither plotted<br>nor logged"
    title = "<b>as published</b><br>OpenMIC-2018, test split, 1 run each"
    return Panel(title, METRICS[metric], series, floor, None if forest is None else forest[None], note)


def our_panel(name: str, runs: Runs, data: "OpenMIC", preset: str, metric: str, checkpoint: str) -> Panel:
    """Our runs of a figure in one preset. Raises ExploreError as `paper_panels` does."""
    from openmic_explore.training import majority_scores

    series, seeds = [], set()
    for one in SHOWN[name]:
        config = one.config(preset, data)
        if config is not None:
            found = seeds_of(config, runs, data, name, checkpoint)
            seeds.add(len(found))
            series.append(Series(one.name, np.stack([run.scores[metric].to_numpy(float) for run in found])))
    forest = seeds_of(TrainConfig("forest"), runs, data, name, checkpoint)
    said = {"published": "ours, as the authors ran it", "repaired": "ours, repaired"}[preset]
    count = "/".join(map(str, sorted(seeds)))
    title = f"<b>{said}</b><br>{data.name} set, test clips, {count} seed{'' if seeds == {1} else 's'}"
    scores = np.stack([run.scores[metric].to_numpy(float) for run in forest])
    return Panel(title, METRICS[metric], series, majority_scores(data)[metric].to_numpy(float), scores)


def seeds_of(config: TrainConfig, runs: Runs, data: "OpenMIC", name: str, checkpoint: str | None = None) -> list[Run]:
    """The runs of a configuration but for the seed, at a checkpoint, or as they were kept.

    name: of the experiment that has them. Raises ExploreError when there is none, with the command that trains them.
    """
    config = shortened(config, data)
    found = [run for run in runs.of(data.fingerprint) if run.config.group == config.group]
    if not found:
        raise ExploreError(
            f"There is no run of {config.group} on {data.path}. Train it: openmic-explore reproduce {name} --data DIR"
        )
    return [run if checkpoint is None else run.at(checkpoint) for run in found]


def nearest_runs(configs: Iterable[TrainConfig], runs: Runs, data: "OpenMIC") -> tuple[Runs, "OpenMIC"]:
    """Runs and data set on which all these configurations can be looked at, but for their seeds.

    Those given; where a run is missing, the shipped ones of the teaching set, so that a reader who trained only what a
    figure draws still sees what came out elsewhere.
    """
    from openmic_explore.data import OpenMIC

    own = {run.config.group for run in runs.of(data.fingerprint)}
    if all(shortened(config, data).group in own for config in configs):
        return runs, data
    return Runs(SHIPPED), OpenMIC.teaching()


def published_scores(one: Shown, metric: str, checkpoint: str = "loss") -> NDArray[np.float64] | None:
    """Published scores (20,) of a series on OpenMIC-2018, in class-map order; None where there are none."""
    if metric == "f1_weighted" and checkpoint == "loss":
        table = published("published_figures")
        rows = table[(table.figure == one.plotted[0]) & (table.series == one.plotted[1])]
    elif metric == "f1_macro":
        table = published("published_macro_f1")
        rows = table[(table.run == one.logged) & (table.checkpoint == LOGGED[checkpoint])]
    else:
        return None
    return None if rows.empty else _in_order(rows, metric)


def published_floors(metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Majority class and official random forest on OpenMIC-2018's test split, (20,) each; the forest's average
    precision was not published (None)."""
    table, forest = published("majority_baseline_test"), published("official_random_forest_test")
    share = table.pos / (table.pos + table.neg)
    table = table.assign(f1=np.where(table.pos > table.neg, 2 * share / (1 + share), 0.0), average_precision=share)
    column = {"f1_macro": "macro_f1_majority", "f1_weighted": "weighted_f1_majority"}.get(metric, metric)
    theirs = {"f1": "f1_true", "f1_macro": "f1_macro_of_two", "f1_weighted": "f1_weighted"}.get(metric)
    return _in_order(table, column), None if theirs is None else _in_order(forest, theirs)


def like_majority(one: Shown, digits: int = 3) -> int:
    """On how many of the 20 instruments the plotted F1 is that of the majority class, to so many digits."""
    plotted, floor = published_scores(one, "f1_weighted"), published_floors("f1_weighted")[0]
    if plotted is None:
        return 0
    return int((np.round(plotted, digits) == np.round(floor, digits)).sum())


def _in_order(table: "pd.DataFrame", column: str) -> NDArray[np.float64]:
    return table.set_index("instrument")[column].loc[list(INSTRUMENTS)].to_numpy(float)
