"""Smaller copies of runs, to be shipped with the package or handed on."""

import io
import json
import shutil
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path
from openmic_explore.training.run import CHECKPOINTS_FOLDER, LEVELS, Run
from openmic_explore.training.write import write_scores

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# Significant bits of a probability, or of what it lacks to 1: steps of less than half a percent of either.
BITS = 8
# What only a run with its model has.
LARGE = ("weights.safetensors", "gallery.npz")


def pack(
    run: Run,
    folder: str | Path,
    data: "OpenMIC",
    *,
    whole: bool = True,
    clips: Collection[str] | None = None,
    checkpoints: Sequence[str] = ("f1_macro",),
) -> Run:
    """Write a smaller copy of a run into folder/<its name>; what stood there is replaced.

    whole: with its weights, in half precision, and its frames of `clips` (None: of all that it has). checkpoints: those
    that are kept beside its own. Probabilities are rounded to 8 significant bits, and scores computed from what is
    stored. data: what the run was trained on, as it will be shipped. Returns the copy.
    Raises ExploreError when the run was trained on other data, or has no model although `whole` asks for it.
    """
    if run.info["fingerprint"] != data.fingerprint:
        raise ExploreError(f"{run.path} was trained on other data than {data.path}. Give its data: --data DIR")
    if whole and run.has_epochs and not run.keeps_model:
        raise ExploreError(f"{run.path} has no weights to pack. Pack the run itself, not a smaller copy of it.")
    target = Path(folder) / run.name
    with atomic_path(target) as temporary:
        temporary.mkdir()
        for name in ("config.json", "history.csv", "heads.npz"):
            if (run.path / name).is_file():
                shutil.copy(run.path / name, temporary / name)
        info = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
        info |= _answers(run, temporary, data)
        kept = {name: facts for name, facts in info.get("checkpoints", {}).items() if name in checkpoints}
        for name, facts in kept.items():
            place = temporary / CHECKPOINTS_FOLDER / name
            place.mkdir(parents=True)
            facts |= _answers(run.at(name), place, data)
        if run.has_epochs:
            info["checkpoints"] = kept
            if whole:
                _halve(run, temporary, clips)
            else:
                info["left_out"] = list(LARGE)
        (temporary / "run.json").write_text(json.dumps(info, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return Run(target)


def _answers(run: Run, folder: Path, data: "OpenMIC") -> dict[str, Any]:
    keys, probability = run.predictions
    stored = rounded(np.round(probability.astype(float) * LEVELS).astype(np.uint16))
    _save(folder / "predictions.npz", sample_key=keys, probability=stored)
    rows = np.array([data.index(str(key)) for key in keys])
    return write_scores(folder, data, rows, stored)


def rounded(levels: NDArray[np.uint16], bits: int = BITS) -> NDArray[np.uint16]:
    """Levels 0 to 65,535 with no more than so many significant bits, counted from the nearer end.

    None crosses the middle, so no decision at .5 changes.
    """
    value = levels.astype(np.int64)
    low = value <= LEVELS // 2
    near = np.where(low, value, LEVELS - value)
    step = 2 ** np.maximum(np.floor(np.log2(np.maximum(near, 1))).astype(np.int64) - bits + 1, 0)
    near = np.minimum((near + step // 2) // step * step, LEVELS // 2)
    return np.where(low, near, LEVELS - near).astype(np.uint16)


def _halve(run: Run, folder: Path, clips: Collection[str] | None) -> None:
    from safetensors.torch import load_file, save_file

    # Vectors stay as they are, scaling and batch norm's statistics among them: they are small, their numbers are not.
    state = {
        name: tensor.half() if tensor.is_floating_point() and tensor.squeeze().ndim > 1 else tensor
        for name, tensor in load_file(run.path / LARGE[0]).items()
    }
    save_file(state, folder / LARGE[0])
    (folder / LARGE[0]).chmod(0o644)  # safetensors makes files that only their owner can read
    gallery = run.gallery
    rows = [row for row, key in enumerate(gallery["sample_key"]) if clips is None or str(key) in clips]
    _save(folder / LARGE[1], **{name: values[rows] for name, values in gallery.items()})


def _save(path: Path, **arrays: NDArray[Any]) -> None:
    """As numpy's savez_compressed, which cannot be told to compress better."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2, compresslevel=9) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            # A fixed time, so that the same run packs to the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_BZIP2
            archive.writestr(entry, content.getvalue())
