"""Pure functions from arrays and tables to plotly figures: no files, no widgets, no models."""

from openmic_explore.figures.clip import Line, clip_figure
from openmic_explore.figures.scores import METRICS, Series, mean_over_seeds, scores_figure
from openmic_explore.figures.style import Style, style

__all__ = ["METRICS", "Line", "Series", "Style", "clip_figure", "mean_over_seeds", "scores_figure", "style"]
