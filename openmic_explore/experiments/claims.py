"""The paper's nine claims, each put as a difference that has a sign, with an interval, and a verdict by a fixed rule.

What is said here of the paper is said of its numbers: one run a curve, on OpenMIC-2018, in weighted F1 at the least
validation loss. What is said of our runs is in macro F1 over the observed cells, means over seeds. The rule and the
margin were set down before the runs were looked at.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from openmic_explore.errors import ExploreError
from openmic_explore.experiments.contrast import RESAMPLES, Contrast, contrast, sample_groups
from openmic_explore.experiments.named import AUGMENTED, shortened
from openmic_explore.experiments.paper import REFERENCE, SHOWN, Shown, like_majority, published_scores
from openmic_explore.instruments import INSTRUMENTS
from openmic_explore.models import PRESETS
from openmic_explore.training import Run, Runs, TrainConfig

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

# Differences in F1 up to this size are called none.
MARGIN = 0.02
# From so many of 20 instruments on, a curve that equals the majority class says nothing about its model.
NOTHING = 10

Part = tuple[float, TrainConfig]  # of a sum; the preset is filled in


@dataclass(frozen=True)
class Claim:
    """A claim as a sum of scores with a sign.

    says: what the paper says of the sum, "greater" or "smaller" than 0, or the "same". compared: the sum in words.
    ours: alternative sums over our runs, of which the greatest counts. plotted: the same over published series, by
    names of SHOWN. statistic: of the scores over instruments, see `contrast`; "trend": of validation macro F1, the last
    quarter of the epochs minus the quarter before. instrument: of one alone. direct: is it the claim itself that is
    tested, or something that only bears on it? experiment: which has the runs.
    """

    number: int
    text: str
    figure: str
    says: str
    compared: str
    experiment: str
    ours: tuple[tuple[Part, ...], ...]
    plotted: tuple[tuple[tuple[float, str, str], ...], ...] = ()
    statistic: str = "mean"
    instrument: str | None = None
    direct: bool = True


def _minus(b: TrainConfig, a: TrainConfig) -> tuple[Part, ...]:
    return ((1.0, b), (-1.0, a))


KINDS = [kind for kind, kinds in AUGMENTED.items() if kinds]
SINGLE = [kind for kind in KINDS if len(AUGMENTED[kind]) == 1]
MEL, MEL3, CNN, REDUCED = (TrainConfig(model) for model in ("mel", "mel-3", "cnn", "cnn-reduced"))
FOREST, LOG_MEL = TrainConfig("forest"), TrainConfig("cnn", features="log_mel")


def _kinds(model: TrainConfig, kinds: Sequence[str], sign: float = 1.0) -> tuple[Part, ...]:
    """The mean over kinds of augmentation."""
    return tuple((sign / len(kinds), replace(model, augment=AUGMENTED[kind])) for kind in kinds)


def _plotted(figure: str, kinds: Sequence[str], sign: float = 1.0) -> tuple[tuple[float, str, str], ...]:
    return tuple((sign / len(kinds), figure, kind) for kind in kinds)


def _even(model: TrainConfig, figure: str, name: str) -> Claim:
    return Claim(
        7,
        f"All augmentations together make {name}'s results more consistent",
        figure,
        "smaller",
        "spread over instruments: all, minus the mean of one kind alone",
        figure,
        ((*_kinds(model, ["all"]), *_kinds(model, SINGLE, -1)),),
        ((*_plotted(figure, ["all"]), *_plotted(figure, SINGLE, -1)),),
        statistic="spread",
    )


CLAIMS = (
    Claim(
        1, "Mel with one layer does as well as the reference", "4", "same", "published: Mel minus reference; "
        "ours: Mel minus random forest, for want of the reference", "4", (_minus(MEL, FOREST),),
        (((1, "4", "Mel, 1 layer"), (-1, "4", REFERENCE)),), direct=False,
    ),
    Claim(
        2, "Three layers do worse than one", "4", "smaller", "Mel of 3 layers minus Mel of 1", "4",
        (_minus(MEL3, MEL),), (((1, "4", "Mel, 3 layers"), (-1, "4", "Mel, 1 layer")),),
    ),
    Claim(
        3, "The depth of the CNN hardly matters", "5", "same", "CNN-reduced minus CNN", "5",
        (_minus(REDUCED, CNN),), (((1, "5", "CNN-reduced"), (-1, "5", "CNN")),),
    ),
    Claim(
        4, "The clarinet is the exception: there the CNN does better", "5", "greater",
        "clarinet alone; published: CNN minus reference; ours: CNN minus Mel", "5", (_minus(CNN, MEL),),
        (((1, "5", "CNN"), (-1, "5", REFERENCE)),), instrument="clarinet",
    ),
    Claim(
        5, "For Mel no augmentation is best", "6", "smaller", "best kind of augmentation minus none", "6",
        tuple((*_kinds(MEL, [kind]), (-1.0, MEL)) for kind in KINDS),
        tuple((*_plotted("6", [kind]), (-1.0, "6", "none")) for kind in KINDS),
    ),
    Claim(
        6, "The CNN responds better to augmentation than Mel", "7", "greater",
        "gain by augmentation, mean of four kinds: CNN's minus Mel's", "7",
        ((*_kinds(CNN, KINDS), (-1.0, CNN), *_kinds(MEL, KINDS, -1), (1.0, MEL)),),
        ((*_plotted("7", KINDS), (-1.0, "7", "none"), *_plotted("6", KINDS, -1), (1.0, "6", "none")),),
    ),
    _even(MEL, "6", "Mel"),
    _even(CNN, "7", "the CNN"),
    Claim(
        8, "Longer training would help the CNN", "5", "greater",
        "validation macro F1: last quarter of the epochs minus the quarter before", "5", (((1.0, CNN),),),
        statistic="trend",
    ),
    Claim(
        9, "Pretraining would help the CNN", "5", "greater", "Mel, on a pretrained embedding, minus the CNN on log-mel",
        "representations", (_minus(MEL, LOG_MEL),), direct=False,
    ),
)  # fmt: skip


def claims(runs: Runs, data: "OpenMIC", *, checkpoint: str | None = None, resamples: int = RESAMPLES) -> "pd.DataFrame":
    """The claims as published, and tested with our runs in both presets: three rows each.

    checkpoint: at which all runs are looked at; None: as each was kept. Columns: number, claim, figure, whose
    ("as published", or a preset), compared, difference, low, high, verdict, runs. Intervals (95 %) of our runs count
    clips and seeds, see `contrast`; where the best of several alternatives is taken, each has its share of the 5 %.
    Published ones count instruments only (Student's t over the twenty), for there is one run a curve. Where runs are
    missing the verdict is "no runs", and `runs` is the command that trains them.
    """
    import pandas as pd

    groups = _groups(runs, data, checkpoint)
    sampled = sample_groups(groups, data, resamples=resamples)
    rows = []
    for claim in CLAIMS:
        rows.append(_row(claim, "as published", *_published(claim)))
        for preset in PRESETS:
            names = [[(weight, _group(config, preset, data)) for weight, config in parts] for parts in claim.ours]
            missing = sorted({name for parts in names for _, name in parts if name not in groups})
            if missing:
                nothing = Contrast(np.nan, np.nan, np.nan, np.nan, np.nan)
                rows.append(_row(claim, preset, nothing, "no runs", f"openmic-explore reproduce {claim.experiment}"))
                continue
            if claim.statistic == "trend":
                found, used = _trend(groups[names[0][0][1]]), names[0]
            else:
                share = 1 - 0.05 / len(names)
                place = None if claim.instrument is None else INSTRUMENTS.index(claim.instrument)
                found, used = max(
                    (
                        (
                            contrast(
                                [(w, sampled[name]) for w, name in parts], claim.statistic, place, confidence=share
                            ),
                            parts,
                        )
                        for parts in names
                    ),
                    key=lambda pair: pair[0].difference,
                )
            said = verdict(claim.says, found.low, found.high)
            rows.append(_row(claim, preset, found, said if claim.direct else f"indirectly: {said}", _named(used)))
    return pd.DataFrame(rows)


def verdict(says: str, low: float, high: float, margin: float = MARGIN) -> str:
    """What an interval says of a claim that the true difference is "greater" or "smaller" than 0, or the "same".

    "holds": the whole interval is on the claim's side of 0; for "same", within the margin of 0. "the reverse": it is on
    the other side; for "same", "they differ": it leaves out 0. "no difference": it holds 0 and is within the margin.
    "open": none of these, so that more clips or seeds would have to tell.
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return "no interval"
    small = -margin <= low and high <= margin
    if says == "same":
        return "holds" if small else "they differ" if low > 0 or high < 0 else "open"
    if says == "smaller":
        low, high = -high, -low
    return "holds" if low > 0 else "the reverse" if high < 0 else "no difference" if small else "open"


def overview(table: "pd.DataFrame") -> "pd.DataFrame":
    """`claims` for a reader: one row a claim, a column as published and one for each preset, "+.012 [-.003, +.027] open"."""
    cells = table.assign(
        cell=[_cell(*row) for row in table[["difference", "low", "high", "verdict"]].itertuples(index=False)]
    )
    wide = cells.pivot(index=["number", "claim"], columns="whose", values="cell")[["as published", *PRESETS]]
    names = {"published": "ours, as the authors ran it", "repaired": "ours, repaired"}
    order = list(dict.fromkeys(zip(table.number, table.claim, strict=True)))
    return wide.loc[order].rename(columns=names).rename_axis(columns=None)


def _cell(difference: float, low: float, high: float, said: str) -> str:
    interval = "" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]"
    return said if np.isnan(difference) else f"{difference:+.3f}{interval} {said}"


def _row(claim: Claim, whose: str, found: Contrast, said: str, runs: str) -> dict[str, object]:
    return {
        "number": claim.number,
        "claim": claim.text,
        "figure": claim.figure,
        "whose": whose,
        "compared": claim.compared,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "verdict": said,
        "runs": runs,
    }


def _group(config: TrainConfig, preset: str, data: "OpenMIC") -> str:
    if config.model == "forest":
        return config.group
    mine = TrainConfig(config.model, preset, features=config.features, augment=config.augment)
    return shortened(mine, data).group


def _groups(runs: Runs, data: "OpenMIC", checkpoint: str | None) -> dict[str, list[Run]]:
    """By group, the runs that any claim needs, of those that are there and were kept at the checkpoint."""
    found = {}
    for claim, preset in itertools.product(CLAIMS, PRESETS):
        for _, config in itertools.chain(*claim.ours):
            name = _group(config, preset, data)
            mine = [run for run in runs.of(data.fingerprint) if run.config.group == name]
            try:
                found[name] = [run if checkpoint is None else run.at(checkpoint) for run in mine]
            except ExploreError:
                continue  # not kept there: as good as missing
    return {name: mine for name, mine in found.items() if mine}


def _trend(runs: Sequence[Run]) -> Contrast:
    """How much validation macro F1 still rose at the end: the last quarter of the epochs minus the quarter before."""
    from scipy.stats import t

    rises = []
    for run in runs:
        values = run.history["validation_f1_macro"].to_numpy(float)
        quarter = max(1, len(values) // 4)
        rises.append(values[-quarter:].mean() - values[-2 * quarter : -quarter].mean())
    mean = float(np.mean(rises))
    if len(rises) < 2:
        return Contrast(mean, np.nan, np.nan, 0.0, np.nan)
    half = float(t.ppf(0.975, len(rises) - 1) * np.std(rises, ddof=1) / len(rises) ** 0.5)
    return Contrast(mean, mean - half, mean + half, 0.0, half)


def _published(claim: Claim) -> tuple[Contrast, str, str]:
    """The published difference, its interval over instruments, the verdict, and which series it is of."""
    from scipy.stats import t

    nothing = Contrast(np.nan, np.nan, np.nan, np.nan, np.nan)
    if not claim.plotted:
        return nothing, "not shown", ""
    found: list[tuple[Contrast, tuple[tuple[float, str, str], ...]]] = []
    for parts in claim.plotted:
        scores = [(weight, _scores(figure, name)) for weight, figure, name in parts]
        if claim.instrument is not None:
            place = INSTRUMENTS.index(claim.instrument)
            value = sum(weight * float(values[place]) for weight, values in scores)
            found.append((nothing._replace(difference=value), parts))
        elif claim.statistic == "spread":
            value = sum(weight * float(values.std(ddof=1)) for weight, values in scores)
            found.append((nothing._replace(difference=value), parts))
        else:
            each = np.sum([weight * values for weight, values in scores], axis=0)
            tail = 0.025 / len(claim.plotted)
            half = float(t.ppf(1 - tail, len(each) - 1) * each.std(ddof=1) / len(each) ** 0.5)
            found.append((Contrast(each.mean(), each.mean() - half, each.mean() + half, half, np.nan), parts))
    best, parts = max(found, key=lambda pair: pair[0].difference)
    silent = max(like_majority(_shown(figure, name)) for _, figure, name in parts)
    said = verdict(claim.says, best.low, best.high)
    if silent >= NOTHING:
        said = f"says nothing: majority class on {silent} of {len(INSTRUMENTS)}"
    elif np.isnan(best.low):
        said = f"{'as claimed' if (best.difference < 0) == (claim.says == 'smaller') else 'not as claimed'}, 1 run"
    return best, said, " ".join(f"{weight:+.3g} x {name} (figure {figure})" for weight, figure, name in parts)


def _shown(figure: str, name: str) -> Shown:
    return next(one for one in SHOWN[figure] if one.name == name)


def _scores(figure: str, name: str) -> np.ndarray:
    scores = published_scores(_shown(figure, name), "f1_weighted")
    if scores is None:
        raise ExploreError(f"There is no published series {name!r} in figure {figure}.")
    return scores


def _named(parts: Sequence[tuple[float, str]]) -> str:
    return " ".join(f"{weight:+.3g} x {name}" for weight, name in parts)
