"""Answers without a network: the official random forest, and the constant answer that never listens."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.evaluation import majority, score
from openmic_explore.training.config import TrainConfig
from openmic_explore.training.labels import given_labels

if TYPE_CHECKING:
    import pandas as pd

    from openmic_explore.data import OpenMIC

# As in the baseline notebook of OpenMIC-2018 (Humphrey, Durand and McFee 2018).
TREES = 100
DEPTH = 8


def majority_scores(data: "OpenMIC", *, truth: bool = False) -> "pd.DataFrame":
    """Test scores of the majority class of the official training labels, as `evaluation.score` gives them.

    truth: score all cells against what really sounds, instead of the observed cells. Raises ExploreError when the
    data set lacks a split, or, with truth, does not know it.
    """
    test = data.split("test")
    training = _official(data)
    constant = _constant(data.relevance[training], data.mask[training], test)
    if not truth:
        return score(data.relevance[test], data.mask[test], constant)
    if data.truth is None:
        raise ExploreError(f"{data.path} does not know the truth: it has no activity.npz.")
    known = data.truth[test]
    return score(known.astype(float), np.ones_like(known), constant)


def fit_baseline(
    config: TrainConfig, data: "OpenMIC", test: NDArray[np.intp]
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Fit a baseline to the whole official training split: its probabilities (n, K) for the test clips, and the facts
    for run.json. It has no epochs, weights or frames."""
    start = time.perf_counter()
    training = _official(data)
    if config.model == "forest":
        clip = _forest(data, config, training, test)
    else:
        clip = _constant(*given_labels(data, config, training), test)
    facts = {
        "sizes": {},
        "parameters": 0,
        "frame_length": 0.0,
        "epoch": None,
        "wall_time": round(time.perf_counter() - start, 1),
    }
    return clip, facts


def _official(data: "OpenMIC") -> NDArray[np.intp]:
    """The official training split: training and validation clips together."""
    return np.sort(np.concatenate([data.split("train"), data.split("validation")]))


def _constant(relevance: NDArray[np.float64], mask: NDArray[np.bool_], test: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.tile(majority(relevance, mask), (len(test), 1))


def _forest(
    data: "OpenMIC", config: TrainConfig, training: NDArray[np.intp], test: NDArray[np.intp]
) -> NDArray[np.float64]:
    """One forest an instrument on the mean over time of the embedding, trained on the observed cells."""
    from sklearn.ensemble import RandomForestClassifier

    from openmic_explore.training.inputs import load_features

    fitting, asked = (load_features(data, config, rows).float().mean(dim=1).numpy() for rows in (training, test))
    relevance, mask = given_labels(data, config, training)
    clip = np.zeros((len(test), data.mask.shape[1]))
    for column, name in enumerate(data.instruments):
        seen = mask[:, column]
        present = relevance[seen, column] >= 0.5
        if len(np.unique(present)) < 2:
            raise ExploreError(f"The forest needs labels of both kinds for {name} among the training clips.")
        forest = RandomForestClassifier(n_estimators=TREES, max_depth=DEPTH, random_state=config.seed)
        clip[:, column] = forest.fit(fitting[seen], present).predict_proba(asked)[:, 1]
    return clip
