"""A note bank: a folder of single-note recordings and an index.csv that says what each of them is."""

import csv
import difflib
import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.audio import audio_seconds, read_audio
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS

RATE = 44100
COLUMNS = (
    "file", "instrument", "preset", "family", "role", "kind", "pitch", "velocity", "sustained", "duration",
    "recording", "source", "licence", "sha256",
)  # fmt: skip
REQUIRED = ("file", "instrument", "pitch")
ROLES = ("train", "test", "any")
SUSTAINED = frozenset(
    {"accordion", "cello", "clarinet", "flute", "organ", "saxophone", "synthesizer", "trombone", "trumpet"}
    | {"violin", "voice"}
)
# General MIDI percussion keys: what `pitch` means for drums and cymbals.
DRUM_KEYS = {
    35: "kick", 36: "kick", 37: "side_stick", 38: "snare", 40: "snare",
    41: "tom", 43: "tom", 45: "tom", 47: "tom", 48: "tom", 50: "tom",
}  # fmt: skip
CYMBAL_KEYS = {
    42: "hihat_closed", 44: "hihat_pedal", 46: "hihat_open", 49: "crash", 57: "crash", 51: "ride", 59: "ride",
    53: "ride_bell", 55: "splash", 52: "china",
}  # fmt: skip
PERCUSSION_KEYS = {"drums": DRUM_KEYS, "cymbals": CYMBAL_KEYS}
_MAX_INDEX_BYTES = 2**26
_CACHED_NOTES = 400  # about 120 MB of samples


@dataclass(frozen=True)
class Note:
    """One single-note recording.

    pitch is a MIDI note number, fractional where the recording is out of tune; for drums and cymbals it is the
    General MIDI percussion key and kind says what it is (empty for pitched notes). velocity is 1 to 127 or None
    where unknown. sustained tells whether the instrument can hold the note. duration is in seconds. role is
    "train", "test" or, usable for both, "any". recording lists what the note was made from: notes that share an
    entry are the same recording at another pitch or loudness.
    """

    file: str
    instrument: str
    preset: str
    family: str
    role: str
    kind: str
    pitch: float
    velocity: int | None
    sustained: bool
    duration: float
    recording: str
    source: str
    licence: str

    @property
    def recordings(self) -> frozenset[str]:
        """The recordings that sound in this note."""
        return frozenset(self.recording.split())


class Bank:
    """A folder with index.csv and the audio files that it names (wav, flac, ogg, mp3 at any rate).

    index.csv needs the columns file (path inside the folder), instrument (one of the twenty names) and pitch.
    The others may be left out: preset is then the file's sub folder or "user", family "user", role "any" (the
    notes serve training and test clips alike, so a test on them does not tell how a model does on unheard
    sounds), kind what General MIDI has on the key, sustained what is usual for the instrument, duration the
    file's own, recording the file itself, velocity, source and licence unknown.

    Raises ExploreError for a missing folder, index or file, a file named twice or outside of the folder, an
    unknown instrument or column, a value out of range and an empty index.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.notes: list[Note] = _read_index(self.path)
        self._samples: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @classmethod
    def shipped(cls) -> "Bank":
        """The bank inside the package: all twenty instruments, see its README."""
        return cls(Path(__file__).parent / "notes")

    def __len__(self) -> int:
        return len(self.notes)

    def __reduce__(self) -> tuple[type["Bank"], tuple[Path]]:
        return Bank, (self.path,)  # another process decodes for itself

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the index and each file's name and size; the shipped index holds the files' own."""
        digest = hashlib.sha256((self.path / "index.csv").read_bytes())
        for note in self.notes:
            digest.update(f"{note.file}:{(self.path / note.file).stat().st_size}\n".encode())
        return digest.hexdigest()

    def select(
        self, *, instrument: str | None = None, preset: str | None = None, role: str | None = None
    ) -> list[Note]:
        """Notes of an instrument, a preset and a role, in the order of the index; notes of role "any" fit each."""
        return [
            note
            for note in self.notes
            if (instrument is None or note.instrument == instrument)
            and (preset is None or note.preset == preset)
            and (role is None or note.role in (role, "any"))
        ]

    def presets(self, instrument: str, *, role: str | None = None) -> list[str]:
        """Names of an instrument's presets, in the order of the index."""
        return list(dict.fromkeys(note.preset for note in self.select(instrument=instrument, role=role)))

    def samples(self, note: Note) -> NDArray[np.float32]:
        """Mono samples (n,) float32 of a note at 44.1 kHz, read-only; the last few hundred are kept in memory."""
        samples = self._samples.get(note.file)
        if samples is None:
            samples, rate = read_audio(self.path / note.file)
            if rate != RATE:
                import soxr

                samples = soxr.resample(samples, rate, RATE).astype(np.float32)
            samples.setflags(write=False)
            self._samples[note.file] = samples
            if len(self._samples) > _CACHED_NOTES:
                self._samples.popitem(last=False)
        self._samples.move_to_end(note.file)
        return samples


def _read_index(folder: Path) -> list[Note]:
    index = folder / "index.csv"
    if not index.is_file():
        raise ExploreError(
            f"{folder} is not a note bank: it has no index.csv. Write one with the columns file, instrument, pitch."
        )
    try:
        if index.stat().st_size > _MAX_INDEX_BYTES:
            raise ValueError("it is far larger than any list of notes")
        with open(index, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            columns = reader.fieldnames or []
            missing = [name for name in REQUIRED if name not in columns]
            if missing:
                raise ExploreError(f"{index} lacks the column {', '.join(missing)}; it needs file, instrument, pitch.")
            for name in columns:
                if name not in COLUMNS:
                    raise ExploreError(f"{index} has an unknown column {name[:40]!r}{_nearest(name, COLUMNS)}.")
            notes = [_note(folder, row, f"{index}, line {reader.line_num}") for row in reader]
    except (csv.Error, ValueError, OSError) as error:  # ValueError: what is no UTF-8 is one, too
        raise ExploreError(f"{index} cannot be read as a table ({error}). Write it anew, as CSV in UTF-8.") from error
    if not notes:
        raise ExploreError(f"{index} names no notes.")
    seen: set[str] = set()
    for note in notes:
        if note.file in seen:
            raise ExploreError(f"{index} names {note.file} twice; each file is one note.")
        seen.add(note.file)
    return notes


def _note(folder: Path, row: dict[str, str | None], where: str) -> Note:
    value = {name: (row.get(name) or "").strip() for name in COLUMNS}
    instrument = value["instrument"]
    if instrument not in INSTRUMENTS:
        raise ExploreError(f"{where}: unknown instrument {instrument[:40]!r}{_nearest(instrument, INSTRUMENTS)}.")
    file = PurePosixPath(value["file"])
    if not value["file"] or file.is_absolute() or ".." in file.parts:
        raise ExploreError(f"{where}: file {value['file'][:200]!r} must be a path inside of {folder}.")
    if not (folder / file).is_file():
        raise ExploreError(f"{where}: there is no file {folder / file}.")
    pitch = _number(value["pitch"], "pitch", 0, 127, where)
    velocity = None if not value["velocity"] else int(_number(value["velocity"], "velocity", 1, 127, where))
    role = value["role"] or "any"
    if role not in ROLES:
        raise ExploreError(f"{where}: role {role[:40]!r} is none of {', '.join(ROLES)}.")
    sustained = value["sustained"].lower() or str(instrument in SUSTAINED).lower()
    if sustained not in ("true", "false"):
        raise ExploreError(f"{where}: sustained is {sustained[:40]!r}, neither true nor false.")
    duration = value["duration"]
    seconds = _number(duration, "duration", 0, 3600, where) if duration else audio_seconds(folder / file)
    parent = file.parent.as_posix()
    return Note(
        file=file.as_posix(),
        instrument=instrument,
        preset=value["preset"] or (parent if parent != "." else "user"),
        family=value["family"] or "user",
        role=role,
        kind=_kind(instrument, pitch, value["kind"], where),
        pitch=pitch,
        velocity=velocity,
        sustained=sustained == "true",
        duration=seconds,
        recording=value["recording"] or file.as_posix().replace(" ", "_"),
        source=value["source"],
        licence=value["licence"],
    )


def _kind(instrument: str, pitch: float, kind: str, where: str) -> str:
    keys = PERCUSSION_KEYS.get(instrument)
    if keys is None:
        if kind:
            raise ExploreError(f"{where}: kind {kind[:40]!r} is for drums and cymbals, not for {instrument}.")
        return ""
    kind = kind or keys.get(int(pitch) if pitch == int(pitch) else -1, "")
    if kind not in keys.values():
        known = ", ".join(f"{key} {name}" for key, name in sorted(keys.items()))
        raise ExploreError(
            f"{where}: pitch of {instrument} is a General MIDI percussion key ({known}), or kind names one of these."
        )
    return kind


def _number(text: str, name: str, low: float, high: float, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise ExploreError(f"{where}: {name} is {text[:40]!r}, not a number from {low:g} to {high:g}.")
    return number


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
