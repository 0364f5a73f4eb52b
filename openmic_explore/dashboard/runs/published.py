"""Published scores to set beside ours. They are of OpenMIC-2018, whatever data set is open: never one minus the other."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.experiments.named import FIGURES
from openmic_explore.figures.scores import METRICS, Series
from openmic_explore.instruments import INSTRUMENTS

if TYPE_CHECKING:
    import pandas as pd

# What can be shown, by the name that an address has for it.
PUBLISHED = {
    "forest": "random forest (OpenMIC-2018's own baseline)",
    "attention": "attention, mean teacher (Gururani and Lerch 2021)",
    **{figure: f"the paper's Figure {figure}" for figure in FIGURES},
}
_FOREST = {
    "precision": "precision_true",
    "recall": "recall_true",
    "f1": "f1_true",
    "f1_macro": "f1_macro_of_two",
    "f1_weighted": "f1_weighted",
}
_ATTENTION = {
    "attention (Gururani 2019)": "f1_macro_gururani_attention",
    "mean teacher (2021)": "f1_macro_mean_teacher",
}


def published_series(name: str, metric: str) -> list[Series]:
    """What was published of a name in PUBLISHED in this metric, known cells of OpenMIC-2018's test split; it may be nothing."""
    from openmic_explore.experiments.paper import SHOWN, published_scores
    from openmic_explore.reference import published

    if name == "forest":
        table = published("official_random_forest_test")
        return [Series("random forest", _in_order(table, _FOREST[metric])[None])] if metric in _FOREST else []
    if name == "attention":
        table = published("gururani_attention_f1_macro")
        found = _ATTENTION if metric == "f1_macro" else {}
        return [Series(title, _in_order(table, column)[None]) for title, column in found.items()]
    scores = {one.name: published_scores(one, metric) for one in SHOWN[name]}
    return [Series(title, values[None]) for title, values in scores.items() if values is not None]


def published_majority(metric: str) -> NDArray[np.float64] | None:
    """The majority class on the same cells, None where it has no such score."""
    from openmic_explore.experiments.paper import published_floors

    return published_floors(metric)[0] if metric in METRICS else None


def _in_order(table: "pd.DataFrame", column: str) -> NDArray[np.float64]:
    return table.set_index("instrument")[column].loc[list(INSTRUMENTS)].to_numpy(float)
