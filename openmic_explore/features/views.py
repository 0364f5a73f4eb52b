"""The two pictures of a clip, kept or computed on the spot."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import MissingError
from openmic_explore.features.kinds import LogMel, Scalograms, picture
from openmic_explore.features.store import Picture, open_features

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC


class ClipViews(NamedTuple):
    """The two representations of one clip."""

    log_mel: Picture
    scalogram: Picture


def compute_views(samples: NDArray[np.floating], rate: int) -> ClipViews:
    """Log-mel spectrogram and scalogram of samples (n,) at `rate` Hz, in 8 bits."""
    return ClipViews(picture(LogMel(), samples, rate), picture(Scalograms(), samples, rate))


def clip_views(data: "OpenMIC", key: str) -> ClipViews:
    """Both pictures of a clip: the kept copy where there is one, else computed from its audio.

    Raises ExploreError when the clip is unknown, or has neither kept pictures nor audio, or these are damaged.
    """
    try:
        return ClipViews(*(open_features(data.path, name).picture(key) for name in ClipViews._fields))
    except MissingError:
        return compute_views(*data.audio(key))
