"""From a full teaching set to what the package ships: the embedding's projection, and a small copy with a gallery."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.features.compute import write_features
from openmic_explore.features.store import FOLDER
from openmic_explore.files import atomic_path

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC


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
        write_features(OpenMIC(temporary), jobs=jobs, progress=False)
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
