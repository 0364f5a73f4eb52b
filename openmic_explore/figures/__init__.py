"""Pure functions from arrays and tables to plotly figures: no files, no widgets, no models."""

from openmic_explore.figures.clip import Line, clip_figure
from openmic_explore.figures.differences import differences_figure
from openmic_explore.figures.grid import grid_figure
from openmic_explore.figures.published import Panel, paper_figure
from openmic_explore.figures.scores import METRICS, Series, mean_over_seeds, scores_figure
from openmic_explore.figures.style import Style, style

__all__ = [
    "METRICS",
    "Line",
    "Panel",
    "Series",
    "Style",
    "clip_figure",
    "differences_figure",
    "grid_figure",
    "mean_over_seeds",
    "paper_figure",
    "scores_figure",
    "style",
]
