"""Published numbers on the official OpenMIC-2018 test split, carried as tables, each with its source.

They are numbers of others on other data than the teaching set: never compare the two as if they were one.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    import pandas as pd

SOURCES = {
    "published_figures": "weighted F1 behind Figures 4 to 7 of Berger and Er-Rammach: their run logs at the epoch of best "
    "validation loss; the reference series is Anhari 2020 (arXiv 2001.08864) as plotted there",
    "published_macro_f1": "macro F1 of the same runs, from the same logs, at both checkpoints",
    "official_random_forest_test": "the baseline notebook of the OpenMIC-2018 repository (Humphrey, Durand and McFee 2018)",
    "majority_baseline_test": "computed from the supports that the official baseline notebook prints",
    "gururani_attention_f1_macro": "Gururani and Lerch 2021, mean teacher, and the attention network of Gururani et al. "
    "2019 as its baseline",
}


def published(name: str) -> "pd.DataFrame":
    """A table of published numbers by its name in SOURCES. Raises ExploreError for another name."""
    import pandas as pd

    if name not in SOURCES:
        raise ExploreError(f"There is no published table {name!r}. Known: {', '.join(SOURCES)}.")
    return pd.read_csv(Path(__file__).parent / f"{name}.csv")
