"""One resampler for the whole package: soxr at its high-quality setting."""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

RESAMPLER = "soxr HQ"


# More columns than any usual recording has channels: samples with the axes the wrong way round.
CHANNELS = 32


def mono_at(samples: NDArray[np.floating], rate: float, *, target: float) -> NDArray[np.float32]:
    """Return mono samples (n,) float32 at `target` Hz.

    samples: (n,) or (n, channels), real, finite; channels are averaged. rate, target: Hz. Resampled by soxr HQ where
    the rates differ. Raises ExploreError for another shape, no samples, values that are not finite, or a rate below 1 Hz.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 0 < samples.shape[1] <= CHANNELS):
        raise ExploreError(
            f"Samples must be mono, of shape (n,), or have their channels side by side, (n, channels); "
            f"these have shape {samples.shape}. Transpose them, or average the channels."
        )
    if samples.size == 0:
        raise ExploreError("There are no samples: the sound is empty.")
    if rate < 1:
        raise ExploreError(f"The sample rate must be at least 1 Hz, not {rate}.")
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    samples = samples.astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        raise ExploreError("The samples hold values that are not finite numbers; the sound is damaged.")
    if rate == target:
        return samples
    import soxr

    return soxr.resample(samples, rate, target, quality="HQ")
