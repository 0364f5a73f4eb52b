"""Principal components on 8 bits: how an embedding's features become small."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path

DIMENSION = 128
CENTRE = 128
STEPS = 127
# One value in 2,000 lies beyond the scale and is clipped. The first component is far wider than the last and
# has most of these; a wider scale would cost the last components, which have few steps, more than the first
# one gains.
QUANTILE = 0.9995


@dataclass(frozen=True)
class PCA:
    """A projection without whitening, with one scale for all components.

    mean: (features,) float32. components: (dimension, features) float32, orthonormal rows, widest first.
    scale: the distance from the mean that 127 steps cover. explained: share of the features' variance that
    the components keep. frames: how many feature vectors it was fitted to. source: what these were, for the
    record.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    scale: float
    explained: float
    frames: int
    source: Mapping[str, Any]

    def transform(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Project features (n, features) on the components: (n, dimension) float32. Raises ExploreError for another width."""
        features = np.asarray(features)
        if features.ndim != 2 or features.shape[1] != self.mean.size:
            raise ExploreError(f"This projection takes features of shape (n, {self.mean.size}), not {features.shape}.")
        return ((features - self.mean) @ self.components.T).astype(np.float32)

    def quantise(self, features: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Project and round to 8 bits: 128 + 127 z / scale, clipped to 0..255; 128 is the mean. (n, dimension) uint8."""
        steps = np.rint(CENTRE + STEPS * self.transform(features) / self.scale)
        return np.clip(steps, 0, 255).astype(np.uint8)

    def restore(self, quantised: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The components' values (n, dimension) float32 that 8-bit vectors stand for, to half a step of scale / 127."""
        return ((quantised.astype(np.float32) - CENTRE) * (self.scale / STEPS)).astype(np.float32)

    def save(self, path: str | Path) -> None:
        """Write to a safetensors file, whole or not at all."""
        from safetensors.numpy import save_file

        record = {
            "scale": self.scale,
            "explained": self.explained,
            "frames": self.frames,
            "source": dict(self.source),
        }
        with atomic_path(path) as temporary:
            save_file(
                {"mean": self.mean, "components": np.ascontiguousarray(self.components)},
                temporary,
                metadata={"pca": json.dumps(record, sort_keys=True)},
            )
            temporary.chmod(0o644)  # safetensors makes files that only their owner can read

    @classmethod
    def load(cls, path: str | Path) -> "PCA":
        """Read what `save` wrote. Raises ExploreError when the file is missing or damaged."""
        from safetensors import SafetensorError, safe_open

        remedy = "Fit it anew by: openmic-explore fit-embedding DATA"
        if not Path(path).is_file():
            raise ExploreError(f"The embedding's projection {path} is missing. {remedy}")
        try:
            with safe_open(path, framework="numpy") as file:
                mean, components = file.get_tensor("mean"), file.get_tensor("components")
                record = json.loads(file.metadata()["pca"])
            return cls(mean, components, **record)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ExploreError(f"The embedding's projection {path} is damaged ({error}). {remedy}") from error


def fit_pca(
    features: NDArray[np.floating], *, dimension: int = DIMENSION, source: Mapping[str, Any] | None = None
) -> PCA:
    """Fit a projection to feature vectors.

    features: (n, features), n > dimension, finite: those of training clips only. source: what they are, kept
    with the result. The covariance is decomposed exactly in float64, so there is nothing random in it; each
    component's sign is chosen so that its largest entry is positive. scale is the .9995 quantile of all
    components' magnitudes together. Raises ExploreError for too few vectors, values that are not finite, or
    vectors that are all the same.
    """
    features = np.asarray(features)
    if features.ndim != 2 or not dimension < len(features) or dimension > features.shape[1]:
        raise ExploreError(
            f"A projection to {dimension} numbers needs more than {dimension} feature vectors, as (n, features >= {dimension}); "
            f"these have shape {features.shape}. Give it more training clips."
        )
    if not np.isfinite(features).all():
        raise ExploreError("The features hold values that are not finite numbers; compute them anew.")
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    covariance = centred.T @ centred / (len(features) - 1)
    total = float(np.trace(covariance))
    if total == 0:
        raise ExploreError("All feature vectors are the same; there is nothing to project on.")
    variance, vectors = np.linalg.eigh(covariance)  # ascending
    components = vectors[:, : -dimension - 1 : -1].T
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(dimension), largest])[:, None]
    return PCA(
        mean=mean.astype(np.float32),
        components=components.astype(np.float32),
        scale=float(np.quantile(np.abs(centred @ components.T), QUANTILE)),
        explained=float(variance[-dimension:].sum() / total),
        frames=len(features),
        source=dict(source or {}),
    )
