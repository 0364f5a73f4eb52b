"""The experiments by name, their reproduction, and what came out of them."""

from openmic_explore.experiments.localise import localise_runs
from openmic_explore.experiments.named import AUGMENTED, BUDGETS, EXPERIMENTS, FIGURES, Experiment, configs
from openmic_explore.experiments.reproduction import reproduce
from openmic_explore.experiments.tables import compare_runs, constant_outputs, differences, report, runs_of, summary

__all__ = [
    "AUGMENTED",
    "BUDGETS",
    "EXPERIMENTS",
    "FIGURES",
    "Experiment",
    "compare_runs",
    "configs",
    "constant_outputs",
    "differences",
    "localise_runs",
    "report",
    "reproduce",
    "runs_of",
    "summary",
]
