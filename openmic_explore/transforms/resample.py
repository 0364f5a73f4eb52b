"""One resampler for the whole package: soxr at its high-quality setting."""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

RESAMPLER = "soxr HQ"


def mono_at(samples: NDArray[np.floating], rate: int, *, target: int) -> NDArray[np.float32]:
    """Return mono samples (n,) float32 at `target` Hz.

    samples: (n,) real, finite. rate, target: Hz. Resampled by soxr HQ where the rates differ.
    Raises ExploreError for another shape, no samples, values that are not finite, or a rate below 1 Hz.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise ExploreError(
            f"Samples must be mono, of shape (n,); these have shape {samples.shape}. Average the channels."
        )
    if samples.size == 0:
        raise ExploreError("There are no samples: the sound is empty.")
    if rate < 1:
        raise ExploreError(f"The sample rate must be at least 1 Hz, not {rate}.")
    samples = samples.astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        raise ExploreError("The samples hold values that are not finite numbers; the sound is damaged.")
    if rate == target:
        return samples
    import soxr

    return soxr.resample(samples, rate, target, quality="HQ")
