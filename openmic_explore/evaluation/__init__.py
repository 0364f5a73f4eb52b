"""Scores per instrument, how sure they are, two models against each other, and localisation in time.

Pure functions on arrays and tables: nothing here knows data sets, models or runs.
"""

from openmic_explore.evaluation.bootstrap import bootstrap, intervals, percentile_interval
from openmic_explore.evaluation.compare import Comparison, compare
from openmic_explore.evaluation.localisation import (
    frame_auc,
    localisation_difference,
    localise,
    mean_auc,
    segment_counts,
)
from openmic_explore.evaluation.scores import MEAN, majority, means, score
from openmic_explore.evaluation.signals import (
    Signal,
    attention_signal,
    energy,
    frame_energy,
    frame_signal,
    product,
    shuffled,
    swapped,
    uniform,
)
from openmic_explore.evaluation.significance import bootstrap_p, holm, mcnemar
from openmic_explore.evaluation.spread import spread
from openmic_explore.evaluation.thresholds import Sweep, best_threshold, sweep

__all__ = [
    "MEAN",
    "Comparison",
    "Signal",
    "Sweep",
    "attention_signal",
    "best_threshold",
    "bootstrap",
    "bootstrap_p",
    "compare",
    "energy",
    "frame_auc",
    "frame_energy",
    "frame_signal",
    "holm",
    "intervals",
    "localisation_difference",
    "localise",
    "majority",
    "mcnemar",
    "mean_auc",
    "means",
    "percentile_interval",
    "product",
    "score",
    "segment_counts",
    "shuffled",
    "spread",
    "swapped",
    "sweep",
    "uniform",
]
