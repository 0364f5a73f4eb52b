"""Scores per instrument, and the constant answer they must beat."""

from openmic_explore.evaluation.scores import majority, means, score

__all__ = ["majority", "means", "score"]
