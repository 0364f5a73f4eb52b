"""A data folder's transforms, computed once and kept: the only place that knows both data and transforms.

store: one 8-bit array a feature, memory-mapped. kinds: what can be kept. compute: of every clip. work: in parallel.
writer: safe from being cut off. views: a clip's two pictures. teaching: what the package ships of the teaching set.
"""

from openmic_explore.features.compute import Report, write_features
from openmic_explore.features.kinds import Embedded, LogMel, Scalograms, quantise
from openmic_explore.features.store import Features, Picture, feature_folder, open_features
from openmic_explore.features.teaching import embed_teaching, fit_embedding, gallery_keys
from openmic_explore.features.views import ClipViews, clip_views, compute_views

__all__ = [
    "ClipViews",
    "Embedded",
    "Features",
    "LogMel",
    "Picture",
    "Report",
    "Scalograms",
    "clip_views",
    "compute_views",
    "embed_teaching",
    "feature_folder",
    "fit_embedding",
    "gallery_keys",
    "open_features",
    "quantise",
    "write_features",
]
