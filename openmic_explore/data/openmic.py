"""OpenMIC-2018, and anything else in a folder of its layout."""

import hashlib
import json
import math
import os
import shlex
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.audio import read_audio
from openmic_explore.data.embedding import load_embedding
from openmic_explore.data.index import METADATA, PARTITIONS, TEST, TRAIN, load_index, read_class_map
from openmic_explore.data.keys import check_hint, read_json, read_member, read_sample_key
from openmic_explore.data.validation import validation_groups
from openmic_explore.errors import ExploreError, MissingError, as_command
from openmic_explore.files import nearby
from openmic_explore.instruments import INSTRUMENTS

if TYPE_CHECKING:
    import pandas

SPLITS = ("train", "validation", "test")
VALIDATION_FRACTION = 0.15
VGGISH_FRAME = 0.96  # seconds
TEACHING = Path(__file__).parent / "teaching"


class Activity(NamedTuple):
    """Which instrument sounds when, where that is known: active (N, 20, T) bool, frames of frame_length seconds."""

    active: NDArray[np.bool_]
    frame_length: float


class OpenMIC:
    """A data set in OpenMIC-2018's layout (Humphrey, Durand and McFee, ISMIR 2018).

    keys (N,) str: the clips, in the npz's order.
    instruments: the 20 names. Columns always have this order, whichever the folder's class-map.json gives.
    relevance (N, 20) float64 in [0, 1], nan where unobserved; mask (N, 20) bool, True where observed.
    info: the content of dataset.json, {} without one; it gives sets other than the official one their name,
    embedding_name ("vggish" unless it says otherwise) and frame_length, the seconds that one vector stands for.
    missing: for "train" and "test", how many keys of the partition file the folder does not hold. A part of the
    archive is a valid folder and serves what it has; a clip that is in no partition belongs to no split.

    All arrays are read-only. The tables are read and checked once, then kept in the user's cache folder until
    a file of the folder changes. Raises ExploreError when a table is missing, damaged or at odds with another;
    what the folder lacks besides (audio, features, partitions) raises only when it is asked for.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            raise ExploreError(
                f"There is no folder {self.path}. Run `openmic-explore download` for the official archive, "
                f"or `openmic-explore teach {shlex.quote(str(self.path))}` to make a teaching set there."
            )
        if (self.path / ".teach").is_dir():
            raise ExploreError(
                f"{self.path} is an unfinished teaching set. Go on with the command that began it: "
                f"`openmic-explore teach {shlex.quote(str(self.path))}` and the same options."
            )
        self.info: dict[str, Any] = self._read_info()
        self.name: str = self.info.get("name", "openmic-2018")
        self.embedding_name: str = self.info.get("embedding", "vggish")
        self.frame_length: float = float(self.info.get("frame_length", VGGISH_FRAME))
        self.instruments: tuple[str, ...] = INSTRUMENTS
        self._index = load_index(self.path)
        self.keys, self.relevance, self.mask = self._index.keys, self._index.relevance, self._index.mask
        self.missing = {name: max(0, int(count)) for name, count in zip(PARTITIONS, self._index.missing, strict=True)}
        self._validation: dict[int, NDArray[np.bool_]] = {}

    @classmethod
    def teaching(cls) -> "OpenMIC":
        """The teaching set inside the package: all labels, activity and embeddings, audio of some test clips.

        Raises ExploreError when the package was installed without it.
        """
        if not TEACHING.is_dir():
            raise ExploreError(
                f"The teaching set is missing from the package: there is no {TEACHING}. Install the package again, "
                "or make one with `openmic-explore teach DIR` and open it with OpenMIC('DIR')."
            )
        return cls(TEACHING)

    @classmethod
    def chosen(cls) -> "OpenMIC":
        """The data set that the environment variable OPENMIC_DATA names, else the teaching set: what notebooks open.

        A relative folder is looked for here, then one level up. Raises ExploreError where it cannot be opened.
        """
        folder = os.environ.get("OPENMIC_DATA")
        if not folder:
            return cls.teaching()
        try:
            return cls(nearby(folder))
        except ExploreError as error:
            raise ExploreError(f"{error} (The environment variable OPENMIC_DATA asks for {folder}.)") from error

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"OpenMIC({str(self.path)!r}): {self.name}, {len(self):,} clips, embedding {self.embedding_name}"

    def _read_info(self) -> dict[str, Any]:
        path = self.path / "dataset.json"
        if not path.is_file():
            return {}
        info = read_json(path)
        fits = (
            isinstance(info, dict)
            and all(isinstance(info.get(name, ""), str) for name in ("name", "embedding"))
            and isinstance(info.get("recipe") or {}, dict)
        )
        frame = info.get("frame_length", VGGISH_FRAME) if fits else None
        if not isinstance(frame, int | float) or not 0 < frame < math.inf:
            raise ExploreError(
                f"{path} must be a JSON object; in it, name and embedding are text, recipe is an object "
                f"and frame_length is in seconds. "
                f"{check_hint(self.path)}"
            )
        return info

    def _mend(self) -> str:
        """The sentence that says how to get what this folder lacks."""
        if not self.info:
            # What `download` mends is a folder of the archive's own name.
            place = self.path.resolve().parent
            parts = (
                "" if self.path.resolve().name == "openmic-2018" else ", or rename the folder to openmic-2018 for that"
            )
            return f"Get what is missing: {as_command('download', '--to', place)}{parts}."
        if self.path.resolve() == TEACHING.resolve():
            return (
                "The teaching set inside the package has audio of some test clips only; "
                "run `openmic-explore teach DIR` to make all of it in a folder DIR."
            )
        recipe = self.info.get("recipe") or {}
        options = [f"--{name} {recipe[name]}" for name in ("clips", "seed") if isinstance(recipe.get(name), int)]
        options += [] if "embedding" in self.info else ["--no-embedding"]
        return (
            f"Run `{' '.join([f'openmic-explore teach {shlex.quote(str(self.path))}', *options])}` to make what is "
            "missing, with the same --bank if it was not the shipped one."
        )

    # Labels

    @cached_property
    def _row(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.keys.tolist())}

    def index(self, key: str) -> int:
        """The row of a clip. Raises ExploreError for a key that the data set does not have."""
        try:
            return self._row[key]
        except (KeyError, TypeError):
            raise ExploreError(
                f"{self.path} has no clip {key!r}. Keys look like {self.keys[0]!s}; `keys` lists all {len(self):,}."
            ) from None

    @cached_property
    def label_state(self) -> NDArray[np.int8]:
        """What the labels say, (N, 20) int8: 1 present (relevance >= .5), 0 absent, -1 unknown."""
        state = np.where(self.mask, self.relevance >= 0.5, -1).astype(np.int8)
        state.flags.writeable = False
        return state

    def labels(self, key: str) -> dict[str, str]:
        """What is known of a clip: "present", "absent" or "unknown" for each instrument."""
        words = {1: "present", 0: "absent", -1: "unknown"}
        return {
            name: words[int(state)]
            for name, state in zip(self.instruments, self.label_state[self.index(key)], strict=True)
        }

    def label_counts(self) -> "pandas.DataFrame":
        """Labels of the official split per instrument, 20 rows indexed by instrument.

        Columns train_positive, train_negative, test_positive, test_negative; train includes validation.
        Raises ExploreError when the folder lacks a partition file.
        """
        import pandas

        counts = {}
        for name in PARTITIONS:
            state = self.label_state[self._part(name)]
            counts[f"{name}_positive"] = (state == 1).sum(axis=0)
            counts[f"{name}_negative"] = (state == 0).sum(axis=0)
        return pandas.DataFrame(counts, index=pandas.Index(self.instruments, name="instrument"))

    # Splits

    def split(self, name: str, seed: int = 0) -> NDArray[np.intp]:
        """Rows of a split, ascending: "train", "validation" or "test".

        train and validation are cut from the official training part, so that no artist is in both: validation
        gets the whole groups whose number of clips comes nearest to .15 of it. A group is an artist_id of the
        metadata, or for clips without one the track (the six digits that the key starts with); the same seed
        always gives the same cut, whatever the order of clips. test is the official test part.
        Warns when there is no metadata, since an artist's tracks may then be on both sides.
        Raises ExploreError for another name, or when the partition file is missing.
        """
        if name not in SPLITS:
            raise ExploreError(f"There is no split {name!r}; the splits are {', '.join(SPLITS)}.")
        if name == "test":
            return _rows(self._part("test"))
        official = self._part("train")
        if not self.knows_artists:
            warnings.warn(
                f"{self.path / METADATA} is missing, so artists are unknown: train and validation are kept apart by "
                f"track only, and an artist may be in both. {self._mend()}",
                stacklevel=2,
            )
        if seed not in self._validation:
            chosen = validation_groups(self._index.group[official].tolist(), VALIDATION_FRACTION, seed)
            self._validation[seed] = official & np.isin(self._index.group, sorted(chosen))
        validation = self._validation[seed]
        return _rows(validation if name == "validation" else official & ~validation)

    @property
    def groups(self) -> NDArray[np.str_]:
        """(N,): what clips must share to stay together: the metadata's artist, or for clips without one the track."""
        return np.asarray(self._index.group)

    @property
    def knows_artists(self) -> bool:
        """Is there metadata, so that training and validation can be kept apart by artist?"""
        return bool(self._index.has_artists)

    def _part(self, name: str) -> NDArray[np.bool_]:
        place = list(PARTITIONS).index(name)
        if self._index.missing[place] < 0:
            raise MissingError(
                f"There is no {self.path / PARTITIONS[name][0]}, so it is unknown which clips are for {name}. "
                f"{self._mend()}"
            )
        return self._index.part == (TRAIN, TEST)[place]

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the clips, their labels, mask and official split, and dataset.json.

        It does not depend on the order of clips, nor on audio or features.
        """
        order = np.argsort(self.keys)
        digest = hashlib.sha256(json.dumps(self.info, sort_keys=True).encode())
        digest.update("\n".join(self.keys[order].tolist()).encode())
        # Millionths: the same label read from the npz and from the CSV may differ in its last bit.
        millionths = np.round(np.where(self.mask, self.relevance, 0) * 1e6)[order].astype("<i4")
        for array in (millionths, self.mask[order], self._index.part[order]):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    # Sound

    def audio_path(self, key: str) -> Path:
        """Where a clip's audio belongs, whether or not it is there. Raises ExploreError for an unknown key."""
        self.index(key)
        return self.path / "audio" / key[:3] / f"{key}.ogg"

    def has_audio(self, key: str) -> bool:
        """Is there an audio file of this clip? Raises ExploreError for an unknown key."""
        return self.audio_path(key).is_file()

    @property
    def audio_keys(self) -> list[str]:
        """The clips that have an audio file, in the order of keys."""
        found = {file.stem for file in self.path.glob("audio/*/*.ogg") if file.parent.name == file.stem[:3]}
        return [key for key in self.keys.tolist() if key in found]

    def audio(self, key: str) -> tuple[NDArray[np.float32], int]:
        """Samples (n,) float32 of a clip, mono in [-1, 1], and their rate in Hz.

        Raises ExploreError when the clip is unknown or its audio is missing or damaged.
        """
        path = self.audio_path(key)
        if not path.is_file():
            raise MissingError(f"The audio of clip {key} is missing: there is no {path}. {self._mend()}")
        try:
            return read_audio(path)
        except ExploreError as error:
            raise ExploreError(f"{error} {check_hint(self.path)}") from error

    # Features and truth

    @cached_property
    def embedding(self) -> NDArray[np.uint8]:
        """The embedding (N, T, D) uint8, memory-mapped; the first time it is copied into the cache folder.

        Raises ExploreError when the folder has neither an npz with X nor the feature files of all clips.
        """
        return load_embedding(self.path, self._index, self._mend())

    @cached_property
    def activity(self) -> Activity | None:
        """Which instrument sounds when; None where nobody knows. Raises ExploreError for a damaged activity.npz."""
        path = self.path / "activity.npz"
        if not path.is_file():
            return None
        keys = read_sample_key(path)
        frames = int(read_member(path, "frames", "iu", ()))
        frame_length = float(read_member(path, "frame_length", "fiu", ()))
        row = {key: place for place, key in enumerate([] if keys is None else keys.tolist())}
        absent = next((key for key in self.keys.tolist() if key not in row), None)
        if absent is not None or frames < 1 or not 0 < frame_length < np.inf:
            reason = f"no clip {absent}" if absent is not None else f"{frames} frames of {frame_length} s"
            raise ExploreError(f"{path} does not fit the labels: it has {reason}. {check_hint(self.path)}")
        packed = read_member(path, "active", "u", (len(row), len(INSTRUMENTS), (frames + 7) // 8))
        order = [row[key] for key in self.keys.tolist()]
        active = np.unpackbits(packed[order][:, read_class_map(self.path)], axis=2, count=frames).view(np.bool_)
        active.flags.writeable = False
        return Activity(active, frame_length)

    @cached_property
    def truth(self) -> NDArray[np.bool_] | None:
        """Which instruments really sound in a clip, (N, 20) bool, labelled or not; None where nobody knows."""
        if self.activity is None:
            return None
        truth: NDArray[np.bool_] = np.any(self.activity.active, axis=2)
        truth.flags.writeable = False
        return truth


def _rows(chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    rows = np.flatnonzero(chosen)
    rows.flags.writeable = False
    return rows
