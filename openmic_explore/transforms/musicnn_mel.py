"""The musicnn embedding, and what each second's log-mel spectrogram adds to it: level, spread and movement of its bands."""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.transforms.log_mel import BANDS, HOP, RATE, log_mel
from openmic_explore.transforms.musicnn import MusicnnEmbedding
from openmic_explore.transforms.resample import mono_at

PER_SECOND = RATE // HOP  # log-mel frames
# Natural log of a band's magnitude, as in the log-mel pictures: from silence to a full-scale sine.
LOW, HIGH = -4.61, 4.61
STATISTICS = ("mean", "maximum", "minimum", "standard deviation", "mean absolute step")


def log_mel_statistics(mel: NDArray[np.floating], seconds: int) -> NDArray[np.uint8]:
    """Statistics of the 64 log-mel bands in every second: (frames, 64) natural log -> (seconds, 5 x 64) uint8.

    In the order of STATISTICS; second i has the spectra that begin in it, the last one what is left, or, where nothing
    is, the last spectrum. Mean, maximum and minimum map -4.61..4.61 to 0..255; the two others are in the same steps.
    """
    steps = (np.asarray(mel, dtype=np.float32) - LOW) * (255 / (HIGH - LOW))
    found = []
    for second in range(seconds):
        part = steps[second * PER_SECOND : (second + 1) * PER_SECOND]
        part = part if len(part) else steps[-1:]
        moved = np.abs(np.diff(part, axis=0)).mean(axis=0) if len(part) > 1 else np.zeros(part.shape[1])
        found.append(np.concatenate([part.mean(0), part.max(0), part.min(0), part.std(0), moved]))
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


class MusicnnMelEmbedding:
    """One 8-bit vector of 448 numbers for every second of sound: musicnn's 128, then `log_mel_statistics`'s 320."""

    name = "musicnn-mtt-pca128+mel"
    rate = RATE
    frame_length = 1.0
    dimension = MusicnnEmbedding.dimension + len(STATISTICS) * BANDS

    def __init__(self) -> None:
        self.musicnn = MusicnnEmbedding()

    def __call__(self, samples: NDArray[np.floating], rate: int = RATE) -> NDArray[np.uint8]:
        """Embed a sound: samples (n,) mono in [-1, 1], rate in Hz -> (seconds, 448) uint8.

        Raises ExploreError as `MusicnnEmbedding` does.
        """
        signal = mono_at(samples, rate, target=RATE)
        vectors = self.musicnn(signal, RATE)
        # Filled up to a whole number of seconds, as musicnn does.
        signal = np.pad(signal, (0, max(0, len(vectors) * RATE - len(signal))))
        return np.concatenate([vectors, log_mel_statistics(log_mel(signal, RATE), len(vectors))], axis=1)
