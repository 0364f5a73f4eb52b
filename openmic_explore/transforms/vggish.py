"""VGGish: the embedding that OpenMIC-2018 ships with, computed anew for any sound.

Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017, in the form that Google
released with AudioSet (Gemmeke et al. 2017). The definition, for a patch of 96 log-mel frames x 64 bands (.96 s):
- 3 x 3 convolutions with zero padding and ReLU: 64 filters; 128; 256 twice; 512 twice; after each group 2 x 2
  maximum pooling, so that 6 x 4 places x 512 filters are left;
- these as one vector, the filters of one place side by side (TensorFlow's order); dense 4,096, ReLU, 4,096, ReLU, 128;
- ReLU once more. The release of 2017, by which OpenMIC-2018 was embedded, has it; since 2020 Google's code leaves it
  out;
- PCA with whitening: vectors @ (x - mean); clipped to [-2, 2]; (y + 2) x 255 / 4, cut down to a whole number.
Google's code and OpenMIC's cut down; the PyTorch port that the weights come from rounds, up to one step more.

What is tested: network, order, quantisation and files, with weights drawn at random. With the real weights, which were
not at hand, tests/transforms/test_vggish.py compares with OpenMIC's own vectors of a clip and with published numbers.
Until it has run somewhere, agreement with OpenMIC's vectors is expected, not known; resampling alone (there by
resampy, here by soxr HQ) will move some of the 8-bit values a little.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.transforms import vggish_weights
from openmic_explore.transforms.log_mel import BANDS, HOP, RATE, WINDOW, log_mel
from openmic_explore.transforms.resample import mono_at
from openmic_explore.transforms.vggish_weights import Projection

if TYPE_CHECKING:
    from torch import Tensor

PATCH = 96  # frames
LIMIT = 2.0
BATCH = 10  # patches at once; bounds the memory for a long recording


def patches(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """A sound's log-mel spectrogram, cut into VGGish's patches.

    samples: (n,) mono in [-1, 1]; rate: Hz, resampled to 16 kHz by soxr HQ where it differs. Returns (patches, 96, 64)
    float32, one after the other without overlap; what is left at the end is dropped, but a sound too short for one
    patch (.975 s) is filled up with silence. Raises ExploreError when the samples are not mono, empty or not finite.
    """
    signal = mono_at(samples, rate, target=RATE)
    least = WINDOW + (PATCH - 1) * HOP
    spectrogram = log_mel(np.pad(signal, (0, max(0, least - signal.size))), RATE)
    count = len(spectrogram) // PATCH
    return spectrogram[: count * PATCH].reshape(count, PATCH, BANDS)


class Network:
    """VGGish's layers in PyTorch, float32 as in the original, from the named tensors of `vggish_weights.SHAPES`."""

    convolutions = ((0,), (3,), (6, 8), (11, 13))  # places in the port's `features`; pooling ends each group
    dense = (0, 2)

    def __init__(self, weights: "Mapping[str, Tensor]") -> None:
        self.weights = weights

    def __len__(self) -> int:
        """How many parameters there are."""
        return sum(tensor.numel() for tensor in self.weights.values())

    def embed(self, patches: NDArray[np.floating]) -> NDArray[np.float32]:
        """The last dense layer, before its ReLU: patches (n, 96, 64) -> (n, 128) float32."""
        import torch
        from torch.nn import functional

        if patches.ndim != 3 or patches.shape[1:] != (PATCH, BANDS):
            raise ExploreError(f"VGGish takes patches of shape (n, {PATCH}, {BANDS}), not {patches.shape}.")
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(patches, dtype=np.float32))[:, None]  # (n, 1, 96, 64)
            for group in self.convolutions:
                for place in group:
                    x = functional.conv2d(x, *self._layer("features", place), padding=1).relu()
                x = functional.max_pool2d(x, 2)
            x = x.permute(0, 2, 3, 1).flatten(1)  # (n, 512, 6, 4) -> (n, 12288)
            for place in self.dense:
                x = functional.linear(x, *self._layer("embeddings", place)).relu()
            return functional.linear(x, *self._layer("embeddings", 4)).numpy()

    def _layer(self, part: str, place: int) -> "tuple[Tensor, Tensor]":
        return self.weights[f"{part}.{place}.weight"], self.weights[f"{part}.{place}.bias"]


def quantise(features: NDArray[np.floating], projection: Projection) -> NDArray[np.uint8]:
    """VGGish's last step: features (n, 128) projected, whitened, clipped to [-2, 2] and cut down to 8 bits, (n, 128) uint8."""
    whitened = (np.asarray(features, dtype=np.float64) - projection.mean) @ projection.vectors.T
    return ((np.clip(whitened, -LIMIT, LIMIT) + LIMIT) * (255 / (2 * LIMIT))).astype(np.uint8)


@lru_cache(maxsize=1)
def network(path: Path) -> Network:
    """The network with the weights of a file, read once a process: 289 MB in memory."""
    return Network(vggish_weights.load_network(path))


@lru_cache(maxsize=1)
def projection(path: Path) -> Projection:
    """The projection of a file, read once a process."""
    return vggish_weights.load_projection(path)


class VGGishEmbedding:
    """One 8-bit vector of 128 numbers for every .96 s of sound, as OpenMIC-2018 has them: 10 for its clips of 10 s.

    weights: a folder with the port's two files, or either of them; unless given, they are fetched into the user's cache
    when first needed (289 MB; see `vggish_weights.find`). relu: as in the release of 2017; False as in Google's code
    since 2020, for other vectors than OpenMIC's.
    """

    rate = RATE
    frame_length = PATCH * HOP / RATE
    dimension = vggish_weights.DIMENSION

    def __init__(self, weights: str | Path | None = None, *, relu: bool = True) -> None:
        self.weights = None if weights is None else Path(weights).absolute()
        self.relu = relu
        self.name = "vggish" if relu else "vggish-linear"

    def prepare(self) -> None:
        """Fetch the weights if they are neither given nor in the cache. Raises ExploreError as `vggish_weights.find` does."""
        vggish_weights.find(self.weights)

    def features(self, samples: NDArray[np.floating], rate: int = RATE) -> NDArray[np.float32]:
        """The network's output for every patch, before the projection.

        samples: (n,) mono in [-1, 1]; rate: Hz. Returns (frames, 128) float32; see `patches` for how many. Raises
        ExploreError for samples that are not mono, empty or not finite, and for weights that cannot be had.
        """
        cut = patches(samples, rate)
        model = network(vggish_weights.find(self.weights)[0])
        found = np.concatenate([model.embed(cut[i : i + BATCH]) for i in range(0, len(cut), BATCH)])
        return np.maximum(found, 0) if self.relu else found

    def __call__(self, samples: NDArray[np.floating], rate: int = RATE) -> NDArray[np.uint8]:
        """Embed a sound: as `features`, then `quantise`. Returns (frames, 128) uint8."""
        project = projection(vggish_weights.find(self.weights)[1])
        return quantise(self.features(samples, rate), project)
