"""Instruments over time in any sound: a finished run's model on an audio file, window by window.

windows: how a sound is cut, and the model's answers joined to one time line. sound: samples in small pieces, so that a
long file needs no more memory than a short one. choose: which run, and the embedding that it reads. prediction: what
comes of it, as arrays, as plain values for JSON and as text.
"""

from openmic_explore.predict.choose import about, best_run, run_embedding
from openmic_explore.predict.prediction import Prediction, describe
from openmic_explore.predict.windows import predict_file, predict_samples

__all__ = ["Prediction", "about", "best_run", "describe", "predict_file", "predict_samples", "run_embedding"]
