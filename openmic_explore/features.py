"""A data folder's transforms, computed once and kept: the only place that knows both data and transforms.

Pictures of clips are kept as 8-bit arrays below `features/` in the data folder:

    log_mel.npy    (clips, 64, frames) uint8
    scalogram.npy  (clips, 128, 128) uint8
    pictures.json  the clips' keys in row order, parameters, axes and the range that 0 and 255 stand for
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError, as_command
from openmic_explore.files import atomic_path

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

FOLDER = "features"
# Natural log of a band's magnitude: ln(.01) is silence; a full-scale sine gives ln(100) = 4.6 in its band.
LOG_MEL_RANGE = (-4.61, 4.61)
# dB relative to a sine of amplitude 1.
SCALOGRAM_RANGE = (-80.0, 0.0)


class Picture(NamedTuple):
    """A picture in 8 bits: value = low + values / 255 x (high - low), in `unit`.

    values: (rows, columns) uint8. frequency: (rows,) Hz, ascending. time: (columns,) s, centres of the columns.
    """

    values: NDArray[np.uint8]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    low: float
    high: float
    unit: str


class ClipViews(NamedTuple):
    """The two representations of one clip."""

    log_mel: Picture
    scalogram: Picture


def quantise(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] to 0..255, rounding to the nearest and clipping what lies outside."""
    return np.round(np.clip((values - low) / (high - low), 0.0, 1.0) * 255).astype(np.uint8)


def compute_views(samples: NDArray[np.floating], rate: int) -> ClipViews:
    """Log-mel spectrogram and scalogram of samples (n,) at `rate` Hz, in 8 bits."""
    from openmic_explore.transforms import log_mel as mel
    from openmic_explore.transforms import scalogram
    from openmic_explore.transforms.log_mel import band_frequencies, frame_times

    spectrogram = mel(samples, rate).T
    wavelet = scalogram(samples, rate)
    decibel = 20 * np.log10(np.maximum(wavelet.magnitude, 1e-10))
    return ClipViews(
        Picture(
            quantise(spectrogram, *LOG_MEL_RANGE),
            band_frequencies(),
            frame_times(spectrogram.shape[1]),
            *LOG_MEL_RANGE,
            "ln",
        ),
        Picture(quantise(decibel, *SCALOGRAM_RANGE), wavelet.frequency, wavelet.time, *SCALOGRAM_RANGE, "dB"),
    )


def clip_views(data: "OpenMIC", key: str) -> ClipViews:
    """Both pictures of a clip: the kept copy where there is one, else computed from its audio.

    Raises ExploreError when the clip is unknown, or has neither kept pictures nor audio.
    """
    kept = _kept(data.path)
    if kept is not None and key in kept["rows"]:
        row = kept["rows"][key]
        return ClipViews(*(_picture(kept, name, row) for name in ClipViews._fields))
    return compute_views(*data.audio(key))


def _picture(kept: dict[str, Any], name: str, row: int) -> Picture:
    axes = kept[name]
    return Picture(
        np.asarray(kept["arrays"][name][row]),
        np.asarray(axes["frequency"]),
        np.asarray(axes["time"]),
        axes["low"],
        axes["high"],
        axes["unit"],
    )


@lru_cache(maxsize=8)
def _kept(path: Path) -> dict[str, Any] | None:
    folder = path / FOLDER
    if not (folder / "pictures.json").is_file():
        return None
    try:
        kept = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
        kept["rows"] = {key: row for row, key in enumerate(kept["keys"])}
        kept["arrays"] = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ClipViews._fields
        }
        short = [name for name, array in kept["arrays"].items() if len(array) != len(kept["keys"])]
    except (OSError, ValueError, KeyError) as error:
        raise ExploreError(
            f"The kept pictures in {folder} are damaged ({error}). Compute them again: {as_command('features', path)}"
        ) from error
    if short:
        raise ExploreError(
            f"{', '.join(short)} in {folder} and pictures.json do not belong together. "
            f"Compute them again: {as_command('features', path)}"
        )
    return kept


def write_views(data: "OpenMIC", keys: Iterable[str] | None = None, *, jobs: int = -1, progress: bool = True) -> Path:
    """Compute the pictures of the clips (default: all with audio) and keep them in the data folder.

    jobs: processes, -1 for one a core. Clips must be equally long, as OpenMIC's are: ten seconds.
    Returns the folder. Raises ExploreError when there is no audio, or when a clip's length differs.
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    keys = list(data.audio_keys if keys is None else keys)
    if not keys:
        raise ExploreError(f"{data.path} has no audio to compute pictures from.")
    work = (delayed(_views_of)(data.audio_path(key)) for key in keys)
    folder = data.path / FOLDER
    _kept.cache_clear()  # a folder that is still mapped cannot be replaced on Windows
    with (
        atomic_path(folder) as temporary,
        tqdm(total=len(keys), desc="pictures", unit="clip", disable=not progress) as bar,
    ):
        temporary.mkdir()
        arrays: dict[str, NDArray[np.uint8]] = {}
        index: dict[str, Any] = {"keys": keys}
        for row, views in enumerate(Parallel(n_jobs=jobs, return_as="generator")(work)):
            for name, picture in views._asdict().items():
                if row == 0:
                    arrays[name] = np.lib.format.open_memmap(
                        temporary / f"{name}.npy", "w+", np.uint8, (len(keys), *picture.values.shape)
                    )
                    index[name] = {
                        "low": picture.low,
                        "high": picture.high,
                        "unit": picture.unit,
                        "frequency": [round(float(value), 4) for value in picture.frequency],
                        "time": [round(float(value), 6) for value in picture.time],
                    }
                if picture.values.shape != arrays[name].shape[1:]:
                    raise ExploreError(
                        f"The clips are not equally long: the {name} of {keys[row]} is {picture.values.shape}, "
                        f"of {keys[0]} {arrays[name].shape[1:]}."
                    )
                arrays[name][row] = picture.values
            bar.update()
        arrays.clear()  # unmapped, and so written
        (temporary / "pictures.json").write_text(json.dumps(index) + "\n", encoding="utf-8")
    _kept.cache_clear()
    return folder


def _views_of(path: Path) -> ClipViews:
    from openmic_explore.data.audio import read_audio

    return compute_views(*read_audio(path))


def fit_embedding(data: "OpenMIC", target: Path | None = None, *, jobs: int = -1, progress: bool = True) -> Path:
    """Fit the PCA of the musicnn embedding to the clips of the official training split, and write it.

    target: a .safetensors file (default: the package's own). Test clips are not looked at. Returns the file.
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    from openmic_explore.transforms.musicnn import PROJECTION
    from openmic_explore.transforms.pca import fit_pca

    rows = np.concatenate([data.split("train"), data.split("validation")])
    keys = [str(key) for key in data.keys[np.sort(rows)] if data.has_audio(key)]
    if not keys:
        raise ExploreError(f"{data.path} has no audio of training clips to fit an embedding to.")
    work = (delayed(_embedding_features)(data.audio_path(key)) for key in keys)
    vectors = []
    with tqdm(total=len(keys), desc="embedding", unit="clip", disable=not progress) as bar:
        for features in Parallel(n_jobs=jobs, return_as="generator")(work):
            vectors.append(features)
            bar.update()
    path = target or PROJECTION
    source = {"data": data.name, "recipe": data.info.get("recipe"), "clips": len(keys)}
    fit_pca(np.concatenate(vectors), source=source).save(path)
    return path


def _embedding_features(path: Path) -> NDArray[np.float32]:
    from openmic_explore.data.audio import read_audio
    from openmic_explore.transforms.musicnn import MusicnnEmbedding

    return MusicnnEmbedding().features(*read_audio(path))


def embed_teaching(source: str | Path, target: str | Path, *, gallery: int = 40, jobs: int = -1) -> Path:
    """Make a small copy of a teaching set: everything of all clips but the audio, which stays for a gallery only.

    gallery: how many test clips keep their audio and pictures; chosen so that every instrument is heard equally
    often, as far as the labels allow. Returns the target. Raises ExploreError when it exists.
    """
    import shutil

    from openmic_explore.data import OpenMIC

    source, target = Path(source), Path(target)
    if target.exists():
        raise ExploreError(f"{target} exists. Delete it first.")
    data = OpenMIC(source)
    with atomic_path(target) as temporary:
        shutil.copytree(source, temporary, ignore=shutil.ignore_patterns("audio", FOLDER, ".*"))
        for key in gallery_keys(data, gallery):
            path = data.audio_path(key).relative_to(data.path)
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, temporary / path)
        write_views(OpenMIC(temporary), jobs=jobs, progress=False)
    return target


def gallery_keys(data: "OpenMIC", size: int) -> list[str]:
    """Choose test clips to show: sounding for most of their length, with a known label, rarest instrument first."""
    if data.truth is None or data.activity is None:
        raise ExploreError(f"{data.path} does not know the truth (no activity.npz), so no gallery can be chosen.")
    rows = data.split("test")
    sounding = data.activity.active[rows].any(axis=1).mean(axis=1)
    rows = rows[data.mask[rows].any(axis=1) & (sounding >= 0.7)]
    truth = data.truth[rows]
    chosen: list[int] = []
    heard = np.zeros(truth.shape[1])
    while len(chosen) < min(size, len(rows)):
        # A clip is worth more, the rarer its instruments are among those chosen; the mean keeps small groups in.
        worth = (truth / (1.0 + heard) ** 2).sum(axis=1) / truth.sum(axis=1)
        worth[chosen] = -1.0
        best = int(np.argmax(worth))
        chosen.append(best)
        heard += truth[best]
    return sorted(str(key) for key in data.keys[rows[chosen]])
