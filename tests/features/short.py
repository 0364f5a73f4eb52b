"""A data folder with a few clips of a second or less, and what the tests of features share."""

import shutil
from pathlib import Path

import numpy as np

from openmic_explore.data.audio import write_ogg
from tests.learnable import write_learnable

RATE = 44100
CLIPS = 9


def write_short(folder: Path, clips: int = CLIPS, seconds: float = 0.5) -> Path:
    """Write 240 clips' labels and the sound of the first few, each another."""
    write_learnable(folder)
    for clip in range(clips):
        write_clip(folder, clip, seconds)
    return folder


def write_clip(folder: Path, clip: int, seconds: float = 0.5, rate: int = RATE) -> Path:
    """Write the sound of one clip: a tone of its own pitch in noise of its own."""
    rng = np.random.default_rng(clip)
    time = np.arange(round(seconds * rate)) / rate
    samples = 0.3 * np.sin(2 * np.pi * (200 + 100 * clip) * time) + 0.01 * rng.standard_normal(time.size)
    path = folder / "audio" / "000" / f"{key(clip)}.ogg"
    write_ogg(path, samples.astype(np.float32), rate)
    return path


def key(clip: int) -> str:
    return f"{clip:06d}_0"


def content(folder: Path) -> dict[str, bytes]:
    """Every file below features/, by name: what lies there and nothing else."""
    root = folder / "features"
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


def copy(folder: Path, target: Path) -> Path:
    """A copy that keeps the times of the files, as moving a folder does."""
    return Path(shutil.copytree(folder, target))


def quieter(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """An augmentation: another loudness every time."""
    return samples * rng.uniform(0.1, 0.5)
