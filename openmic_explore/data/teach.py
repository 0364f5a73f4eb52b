"""The teaching set: clips mixed from known notes, in OpenMIC-2018's layout, with the truth in time beside the labels."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.audio import read_audio, write_ogg
from openmic_explore.data.bank import Bank
from openmic_explore.data.keys import read_json
from openmic_explore.data.labels import label_counts, reveal
from openmic_explore.data.mix import FRAME, FRAMES, RATE, Mix, Voices, deal, mix
from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path, locked, remove
from openmic_explore.instruments import INSTRUMENTS

# Raised whenever the same seed would give other clips, labels or splits.
RECIPE_VERSION = "1"
QUALITY = 0.3
WORK = ".teach"
# The file that is written last: where it is, the set is finished.
LAST = "class-map.json"

Embed = Callable[[NDArray[np.float32], int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Recipe:
    """What a teaching set is made from.

    clips: in all; a sixth of them are test clips. seed: of everything drawn. artists: groups of recordings among
    the training clips; the test clips have one more artist, who owns all test recordings. bank: fingerprint of the
    bank of notes.
    """

    clips: int = 3600
    seed: int = 0
    artists: int = 7
    bank: str = ""
    version: str = RECIPE_VERSION

    def __post_init__(self) -> None:
        if self.clips < 12 or self.seed < 0 or self.artists < 2:
            raise ExploreError(
                f"A teaching set needs at least 12 clips ({self.clips}), a seed of at least 0 ({self.seed}) "
                f"and 2 artists ({self.artists})."
            )

    @property
    def test_clips(self) -> int:
        return self.clips // 6

    def key(self, clip: int) -> str:
        """Clip numbers become keys of the official form; training clips come first."""
        return f"{clip:06d}_0"

    def is_test(self, clip: int) -> bool:
        return clip >= self.clips - self.test_clips

    def artist(self, clip: int) -> int:
        """The artist whose recordings a clip uses; that of the test clips comes last."""
        return self.artists if self.is_test(clip) else clip % self.artists


def teach(
    folder: str | Path,
    *,
    bank: Bank | None = None,
    clips: int = 3600,
    seed: int = 0,
    embed: Embed | None = None,
    embedding: dict[str, Any] | None = None,
    jobs: int = -1,
    progress: bool = True,
) -> Path:
    """Mix a teaching set into `folder`, in OpenMIC-2018's layout.

    bank: notes to mix from (default: the shipped one). clips: 12 or more. seed: the same seed, bank and recipe version
    give the same samples, labels and splits. embed: from samples and rate to features (frames, dimension) uint8, kept
    as X of the npz; embedding: {"embedding": its name, "frame_length": seconds}, noted in dataset.json.
    jobs: processes, -1 for one a core.

    Resumable: clips that are there are not mixed again, and audio that is missing from a finished set is
    made anew. Returns the folder.
    Raises ExploreError when the folder holds another recipe, the bank lacks an instrument, or another process is at it.
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    folder = Path(folder)
    bank = bank or Bank.shipped()
    recipe = Recipe(clips=clips, seed=seed, bank=bank.fingerprint)
    _deal(bank, recipe)  # so that a bank that lacks something is refused before anything is written
    with locked(folder, "making this teaching set", inside=True):
        _claim(folder, recipe, embedding or {})
        finished = all((folder / name).is_file() for name in (LAST, "openmic-2018.npz", "activity.npz"))
        work = (delayed(_clip)(folder, bank.path, recipe, clip, embed, finished) for clip in range(clips))
        with tqdm(total=clips, desc="mixing", unit="clip", disable=not progress) as bar:
            for _ in Parallel(n_jobs=jobs, return_as="generator_unordered")(work):
                bar.update()
        if not finished:
            _assemble(folder, recipe)
        _tidy(folder)
    return folder


def _tidy(folder: Path) -> None:
    """Delete what calls that were killed have left: clips in the making, and what only an unfinished set needs."""
    for pattern in (".*.part", ".*.part.*"):
        for place in (folder, folder / "partitions", *(folder / "audio").glob("*")):
            for left in place.glob(pattern):
                remove(left)
    shutil.rmtree(folder / WORK, ignore_errors=True)


def _claim(folder: Path, recipe: Recipe, embedding: dict[str, Any]) -> None:
    """Note the recipe before the first clip, so that two recipes never mix in one folder."""
    info = {
        "name": "teaching",
        "recipe": asdict(recipe),
        **embedding,
        "license": "clips: see NOTICE of openmic_explore for the recordings that they are mixed from",
    }
    note = folder / "dataset.json"
    if note.is_file():
        if read_json(note) != info:
            raise ExploreError(
                f"{folder} holds another teaching set: its dataset.json tells which. Give its --clips, --seed and --bank "
                "to go on with it, or another folder to make a new one."
            )
    elif any(path for path in folder.iterdir() if not path.name.startswith(".")):  # the lock, or what a kill left
        raise ExploreError(f"{folder} is not empty and holds no teaching set. Give a new folder.")
    else:
        with atomic_path(note) as temporary:
            temporary.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=1)
def _hands(bank_path: Path, recipe: Recipe) -> tuple[Bank, list[Voices]]:
    bank = Bank(bank_path)
    return bank, _deal(bank, recipe)


def _deal(bank: Bank, recipe: Recipe) -> list[Voices]:
    return deal(bank, "train", recipe.artists) + deal(bank, "test", 1)


def _clip(folder: Path, bank_path: Path, recipe: Recipe, clip: int, embed: Embed | None, finished: bool) -> None:
    """Mix a clip unless it is there; of a finished set only the audio can be missing."""
    key = recipe.key(clip)
    audio = audio_file(folder, key)
    made = folder / WORK / f"{key}.npz"
    if audio.is_file() and (finished or made.is_file()):
        return
    bank, hands = _hands(bank_path, recipe)
    result: Mix = mix(bank, hands[recipe.artist(clip)], _weights(), (recipe.seed, clip))
    write_ogg(audio, result.samples, RATE, QUALITY)
    if finished:
        return
    arrays: dict[str, NDArray[Any]] = {"active": result.active}
    if embed is not None:
        # From the file as it is heard, not from the samples before coding.
        arrays["embedding"] = embed(*read_audio(audio))
    with atomic_path(made) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def audio_file(folder: Path, key: str) -> Path:
    """Where OpenMIC-2018's layout keeps a clip's audio."""
    return folder / "audio" / key[:3] / f"{key}.ogg"


def _weights() -> dict[str, float]:
    """Instruments are drawn in proportion to their known positives in OpenMIC-2018."""
    return {name: float(counts["train_positive"] + counts["test_positive"]) for name, counts in label_counts().items()}


def _assemble(folder: Path, recipe: Recipe) -> None:
    keys = np.array([recipe.key(clip) for clip in range(recipe.clips)])
    test = np.array([recipe.is_test(clip) for clip in range(recipe.clips)])
    parts = []
    for key in keys:
        with np.load(folder / WORK / f"{key}.npz", allow_pickle=False) as archive:
            parts.append(dict(archive))
    active = np.stack([part["active"] for part in parts])
    truth: NDArray[np.bool_] = np.any(active, axis=2)
    mask = reveal(truth, test, np.random.default_rng((recipe.seed, recipe.clips)))
    labels = {"Y_true": np.where(mask, truth, 0.5), "Y_mask": mask, "sample_key": keys}
    if "embedding" in parts[0]:
        labels["X"] = np.stack([part["embedding"] for part in parts])

    with atomic_path(folder / "openmic-2018.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **labels)
    with atomic_path(folder / "activity.npz") as temporary:
        np.savez_compressed(
            temporary,
            active=np.packbits(active, axis=2),
            frames=np.int64(FRAMES),
            frame_length=np.float64(FRAME),
            sample_key=keys,
        )
    _csv(
        folder / "openmic-2018-aggregated-labels.csv",
        ("sample_key", "instrument", "relevance", "num_responses"),
        [(keys[row], INSTRUMENTS[column], float(truth[row, column]), 1) for row, column in np.argwhere(mask)],
    )
    _csv(
        folder / "openmic-2018-metadata.csv",
        ("track_id", "artist_id", "artist_name", "track_title", "sample_key", "start_time"),
        [
            (clip, recipe.artist(clip), f"teaching artist {recipe.artist(clip)}", f"clip {clip}", keys[clip], 0.0)
            for clip in range(recipe.clips)
        ],
    )
    for split, rows in (("train", ~test), ("test", test)):
        _csv(folder / "partitions" / f"split01_{split}.csv", None, [(key,) for key in keys[rows]])
    with atomic_path(folder / LAST) as temporary:
        temporary.write_text(json.dumps({name: i for i, name in enumerate(INSTRUMENTS)}, indent=4), encoding="utf-8")


def _csv(path: Path, header: tuple[str, ...] | None, rows: list[tuple[Any, ...]]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(rows)
