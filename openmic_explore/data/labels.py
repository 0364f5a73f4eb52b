"""Which labels are known: OpenMIC-2018's own rates, applied to clips whose truth is known."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmic_explore.instruments import INSTRUMENTS

OFFICIAL_CLIPS = {"train": 14915, "test": 5085}


@cache
def label_counts() -> dict[str, dict[str, int]]:
    """OpenMIC-2018's labels per instrument: train_positive, train_negative, test_positive, test_negative.

    41,268 in all, counted from the supports that the official baseline notebook prints.
    """
    path = Path(__file__).parent / "openmic_label_counts.csv"
    with open(path, newline="", encoding="utf-8") as file:
        return {
            row.pop("instrument"): {name: int(value) for name, value in row.items()} for row in csv.DictReader(file)
        }


def reveal(truth: NDArray[np.bool_], test: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose which cells are known, at OpenMIC-2018's rates per instrument, split and state.

    truth: (N, 20) bool. test: (N,) bool. Per instrument and split as many present and absent cells are known as
    OpenMIC knows, in proportion to the number of clips; fewer where there are not so many. Clips that would have
    no label are preferred, since every clip of OpenMIC has one.
    Returns the mask (N, 20) bool.
    """
    mask = np.zeros(truth.shape, dtype=bool)
    counts = label_counts()
    for split, rows in (("train", ~test), ("test", test)):
        share = rows.sum() / OFFICIAL_CLIPS[split]
        quotas = [
            (column, present, share * counts[name][f"{split}_{'positive' if present else 'negative'}"])
            for column, name in enumerate(INSTRUMENTS)
            for present in (True, False)
        ]
        rng.shuffle(quotas)
        for column, present, quota in quotas:
            # A fractional quota is rounded up or down by chance, so that small sets keep the rate on average.
            wanted = int(quota + rng.random())
            candidates = rng.permutation(np.flatnonzero(rows & (truth[:, column] == present)))
            unlabelled = ~mask[candidates].any(axis=1)
            ordered = np.concatenate([candidates[unlabelled], candidates[~unlabelled]])
            # Half go to clips without a label so far, half to any, so that some clips get several, as in OpenMIC.
            half = min(wanted // 2, int(unlabelled.sum()))
            rest = rng.permutation(ordered[half:])[: wanted - half]
            mask[np.concatenate([ordered[:half], rest]), column] = True
    return mask
