"""The experiments by name, their reproduction, and what came out of them.

`reproduce` imports torch when it is used; the other names need none.
"""

from typing import TYPE_CHECKING, Any

from openmic_explore.experiments.localise import localise_runs
from openmic_explore.experiments.named import AUGMENTED, BUDGETS, EXPERIMENTS, FIGURES, Experiment, configs
from openmic_explore.experiments.tables import compare_runs, constant_outputs, differences, report, runs_of, summary

if TYPE_CHECKING:
    from openmic_explore.experiments.reproduction import reproduce

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


def __getattr__(name: str) -> Any:
    if name == "reproduce":
        from openmic_explore.experiments.reproduction import reproduce

        return reproduce
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
