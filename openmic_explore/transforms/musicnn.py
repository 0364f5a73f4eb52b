"""The embedding of this project: musicnn's features of every second, PCA to 128 numbers, 8 bits.

musicnn is a small tagger of music (.79 M parameters) trained on MagnaTagATune: Pons and Serra, "musicnn:
pre-trained convolutional neural networks for music audio tagging", ISMIR 2019 (late-breaking demo); its front
end: Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018. Rebuilt in PyTorch from
that definition; its weights are the authors' (ISC licence, weights/README.md).

The definition, for a patch of log-mel frames (time, 96 bands), every batch normalisation (eps 1e-3) in its
trained, fixed form:
- front end, on the normalised patch: 204 filters of 7 frames x 38 bands and 204 of 7 x 67 ("timbral"), 51
  each of 128, 64 and 32 frames x 1 band ("temporal"), all zero-padded in time; ReLU, normalisation, maximum
  over the bands: 561 numbers a frame;
- middle: three layers of 64 filters of 7 frames over all channels, zero-padded; ReLU, normalisation; the
  second and third add their input. Front end and the three layers side by side are 753 numbers a frame;
- back end: maximum and mean over the frames (1,506), normalisation, dense 200, ReLU, normalisation, dense 50,
  sigmoid: the tags.

Here a patch is one second by itself, so that time stays sharp: but for half a window (16 ms) at its edges,
nothing outside the second reaches its vector.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.transforms.band_filters import BandFilters
from openmic_explore.transforms.pca import PCA
from openmic_explore.transforms.resample import mono_at

if TYPE_CHECKING:
    from torch import Tensor

RATE = 16000
FFT = 512
HOP = 256
BANDS = 96
PATCH = 62  # frames, musicnn's own number for an input of one second
EPSILON = 1e-3
BATCH = 10  # seconds at once; bounds the memory for a long recording

WEIGHTS = Path(__file__).parent / "weights" / "musicnn_mtt.safetensors"
PROJECTION = Path(__file__).parent / "weights" / "musicnn_mtt_pca.safetensors"


def seconds_in(samples: int) -> int:
    """How many one-second frames a sound of so many samples at 16 kHz has: rounded, at least one."""
    return max(1, (samples + RATE // 2) // RATE)


@lru_cache(maxsize=1)
def mel_weights() -> NDArray[np.float64]:
    """Weights (257, 96) from power spectrum to mel bands: triangles of equal area, linear in Hz, from 0 to 8 kHz.

    Their edges are evenly spaced on the mel scale of Slaney's Auditory Toolbox (1998): 200/3 Hz a mel up to 1 kHz,
    and 27 mels for every factor of 6.4 above. librosa has the same weights, but importing it takes 130 MB.
    """
    mel = np.linspace(0, 15 + 27 * np.log(RATE / 2 / 1000) / np.log(6.4), BANDS + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
    bins = np.arange(FFT // 2 + 1)[:, None] * RATE / FFT
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))


def log_mel_patches(signal: NDArray[np.floating], starts: NDArray[np.integer], frames: int) -> NDArray[np.float32]:
    """Cut patches out of musicnn's log-mel spectrogram, log10(1 + 10,000 x power).

    signal: (n,) mono at 16 kHz, n > 256. starts: (patches,) first frame of each; frames: their length. Frame
    k is a periodic Hann window of 512 samples around sample 256 k; the signal is mirrored at its ends, as
    librosa did when musicnn was trained. Returns (patches, frames, 96) float32, lowest band first. musicnn's
    own extractor rounds the power to float16 first, which overflows where a band's power exceeds 6.5; this
    does not.
    """
    padded = np.pad(signal.astype(np.float64), FFT // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    spectrum = np.fft.rfft(windows[starts[:, None] + np.arange(frames)] * hann, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log10(1 + 10000 * (power @ mel_weights())).astype(np.float32)


class Network:
    """musicnn's layers, in PyTorch, from the named arrays of weights/musicnn_mtt.safetensors.

    The front end's filters, nearly all of the work, run in float32, the rest in float64: the middle layers'
    sums of 3,927 products and gains up to 32 would let float32's rounding grow to 3e-4 in the features.
    """

    timbral = ("timbral_38", "timbral_67")
    temporal = ("temporal_128", "temporal_64", "temporal_32")
    middle = ("middle_1", "middle_2", "middle_3")

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        import torch

        front = (*self.timbral, *self.temporal)
        array = {name: torch.from_numpy(values).double() for name, values in weights.items()}
        self.gain: dict[str, Tensor] = {}
        self.shift: dict[str, Tensor] = {}
        for layer in ("input", "pooled", "dense", *front, *self.middle):
            part = {name: array[f"{layer}.norm.{name}"] for name in ("gamma", "beta", "mean", "variance")}
            self.gain[layer] = part["gamma"] / (part["variance"] + EPSILON).sqrt()
            self.shift[layer] = part["beta"] - self.gain[layer] * part["mean"]
        self.kernel = {layer: array[f"{layer}.kernel"] for layer in ("dense", "tags", *front, *self.middle)}
        self.bias = {layer: array[f"{layer}.bias"] for layer in self.kernel}
        # The maximum over the bands is of normalised values. Where a filter's gain is negative it is that of
        # the smallest response, so these filters are turned over: one plain maximum serves all, and the rest
        # follows on what it leaves.
        self.sign = {layer: torch.where(self.gain[layer] < 0, -1.0, 1.0) for layer in front}
        turned = {layer: self.kernel.pop(layer) * self.sign[layer][:, None, None] for layer in front}
        self.along_bands = {layer: BandFilters(turned[layer], BANDS) for layer in self.timbral}
        self.along_time = {layer: turned[layer][:, :, 0].float() for layer in self.temporal}  # (51, length)
        # The middle layers' filters frame by frame, (7 x 64, channels), for one product that needs no copies of its
        # input side by side.
        self.by_frame = {layer: self.kernel.pop(layer).transpose(0, 1).flatten(0, 1) for layer in self.middle}

    def pooled(self, patches: NDArray[np.floating]) -> NDArray[np.float32]:
        """Pooled features of log-mel patches.

        patches: (n, frames, 96). Returns (n, 1506) float32: the maxima over the frames, then the means, of
        753 features.
        """
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(np.asarray(patches, dtype=np.float64))
            front = self._front(x * self.gain["input"] + self.shift["input"])  # (n, 561, frames)
            features = torch.cat([front, *self._middle(front)], dim=1)  # (n, 753, frames)
            return torch.cat([features.amax(dim=2), features.mean(dim=2)], dim=1).float().numpy()

    def _front(self, x: "Tensor") -> "Tensor":
        """Normalised patches (n, frames, 96) -> (n, 561, frames) float64."""
        import torch

        n, frames, _ = x.shape
        x = x.float()
        found = [self._after_maximum(layer, self.along_bands[layer].highest(x)) for layer in self.timbral]
        # One patch at a time, so that the responses still lie in the processor's cache when the maximum is taken.
        in_time = torch.cat([self._in_time(layer, frames) for layer in self.temporal], dim=1)
        highest = torch.stack([(bands @ in_time).amax(dim=0) for bands in x.transpose(1, 2).contiguous()])
        highest = highest.view(n, -1, frames)  # (n, 153, frames)
        parts = highest.split([len(self.along_time[layer]) for layer in self.temporal], dim=1)
        found += [self._after_maximum(layer, part) for layer, part in zip(self.temporal, parts, strict=True)]
        return torch.cat(found, dim=1)

    def _in_time(self, layer: str, frames: int) -> "Tensor":
        """The temporal filters on a patch of so many frames, as one matrix (frames, 51 x frames).

        A patch of one second is shorter than most of these filters; a convolution would multiply padding for
        the most part.
        """
        from torch.nn import functional

        kernel = self.along_time[layer]  # (51, length)
        # Output t meets input s by tap s - t + (length - 1) // 2: rows of the kernel, reaching into zeros,
        # one step on each.
        taps = functional.pad(kernel, (frames, frames)).unfold(1, frames, 1)  # (51, first tap + frames, s)
        last = frames + (kernel.shape[1] - 1) // 2  # t = 0; t = frames - 1 starts that much earlier
        return taps[:, last - frames + 1 : last + 1].flip(1).flatten(0, 1).T.contiguous()

    def _after_maximum(self, layer: str, highest: "Tensor") -> "Tensor":
        """Bias, ReLU and normalisation of (n, filters, frames), the largest responses of the filters as turned over."""
        value = (highest * self.sign[layer][:, None] + self.bias[layer][:, None]).relu()
        return value * self.gain[layer][:, None] + self.shift[layer][:, None]

    def _middle(self, front: "Tensor") -> "list[Tensor]":
        """(n, 561, frames) -> three times (n, 64, frames); the second and third add their input."""
        n, _, frames = front.shape
        found: list[Tensor] = []
        x = front
        for layer in self.middle:
            tap = (self.by_frame[layer] @ x.transpose(0, 1).flatten(1)).view(7, -1, n, frames)
            y = tap[3]
            for ahead in range(1, min(4, frames)):  # beyond the ends is silence
                y[..., :-ahead] += tap[3 + ahead][..., ahead:]
                y[..., ahead:] += tap[3 - ahead][..., :-ahead]
            y = (y.transpose(0, 1) + self.bias[layer][:, None]).relu()
            y = y * self.gain[layer][:, None] + self.shift[layer][:, None]
            x = y + x if found else y
            found.append(x)
        return found

    def penultimate(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """The dense layer ahead of the tags: (n, 1506) pooled features -> (n, 200) float32."""
        return self._dense(pooled).float().numpy()

    def tags(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probability (n, 50) float32 of musicnn's tags from pooled features (n, 1506); `provenance` names them."""
        logit = self._dense(pooled) @ self.kernel["tags"].T + self.bias["tags"]
        return logit.sigmoid().float().numpy()

    def _dense(self, pooled: NDArray[np.floating]) -> "Tensor":
        import torch

        x = torch.from_numpy(np.asarray(pooled, dtype=np.float64))
        x = (
            x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1)
        )  # as trained: maximum and mean of one feature side by side
        x = x * self.gain["pooled"] + self.shift["pooled"]
        x = (x @ self.kernel["dense"].T + self.bias["dense"]).relu()
        return x * self.gain["dense"] + self.shift["dense"]


@lru_cache(maxsize=1)
def network() -> Network:
    """The network with the weights that ship with the package, built once a process."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return Network(load_file(WEIGHTS))
    except (OSError, SafetensorError, KeyError) as error:
        raise ExploreError(
            f"{WEIGHTS} is missing or damaged ({error}). Install the package anew, or rebuild the file as "
            f"{WEIGHTS.parent / 'README.md'} says."
        ) from error


def provenance() -> dict[str, Any]:
    """Where the weights come from: package, version, checkpoint, paper, licence, checksums, names of the 50 tags."""
    from safetensors import safe_open

    with safe_open(WEIGHTS, framework="numpy") as file:
        return json.loads(file.metadata()["provenance"])


# Not kept in the embedding, which would then travel to every worker with every clip.
_shipped_projection = lru_cache(maxsize=1)(PCA.load)


class MusicnnEmbedding:
    """One 8-bit vector of 128 numbers for every second of sound.

    pca: the projection; unless given, the one that ships with the package, read when first needed.
    """

    name = "musicnn-mtt-pca128"
    rate = RATE
    frame_length = 1.0
    dimension = 128

    def __init__(self, pca: PCA | None = None) -> None:
        self._pca = pca

    @property
    def pca(self) -> PCA:
        """The projection. Raises ExploreError when the file is missing or damaged."""
        return self._pca or _shipped_projection(PROJECTION)

    def features(self, samples: NDArray[np.floating], rate: int = RATE) -> NDArray[np.float32]:
        """Pooled musicnn features of every second, before the projection.

        samples: (n,) mono in [-1, 1]; rate: Hz, resampled to 16 kHz by soxr HQ where it differs.
        Returns (frames, 1506) float32: 753 maxima and 753 means over the 62 spectra whose centres lie in
        second [i, i + 1). frames is the length in seconds, rounded, at least 1: a last piece of half a second
        or more is filled up with silence, a shorter one left out. Raises ExploreError when the samples are
        not mono, empty or not finite.
        """
        signal = mono_at(samples, rate, target=RATE)
        seconds = seconds_in(signal.size)
        signal = np.pad(signal, (0, max(0, seconds * RATE - signal.size)))
        starts = -(-np.arange(seconds) * RATE // HOP)  # 62.5 frames a second, rounded up
        model = network()
        return np.concatenate(
            [model.pooled(log_mel_patches(signal, starts[i : i + BATCH], PATCH)) for i in range(0, seconds, BATCH)]
        )

    def project(self, features: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Features (frames, 1506) to 8-bit vectors (frames, 128); see PCA.quantise for what the numbers mean."""
        return self.pca.quantise(features)

    def __call__(self, samples: NDArray[np.floating], rate: int = RATE) -> NDArray[np.uint8]:
        """Embed a sound: as `features`, then `project`. Returns (frames, 128) uint8."""
        pca = self.pca  # ahead of the work, so that a missing file is told at once
        return pca.quantise(self.features(samples, rate))
