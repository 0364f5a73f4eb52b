"""SoundFont 2 files: which recordings a key plays, and how to render it. Needed only to rebuild the note bank.

The layout of presets, instruments, zones and samples follows the SoundFont Technical Specification 2.04,
chapters 6 to 9. The sound itself is made by the fluidsynth command.
"""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

PERCUSSION_BANK = 128
RATE = 44100

_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT, _COARSE, _FINE, _SAMPLE, _ROOT = 43, 44, 41, 51, 52, 53, 58
_TICKS = 1000  # a quarter note lasts one second, so a tick is a millisecond


@dataclass(frozen=True)
class Sample:
    """One recording of a SoundFont: first and last frame, rate in Hz, root key (MIDI, fractional).

    paired tells that it is one side of a stereo recording.
    """

    name: str
    start: int
    end: int
    rate: int
    root: float
    paired: bool


class SoundFont:
    """A SoundFont 2 file, read as far as needed to tell which recordings a key plays."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        data = np.memmap(self.path, dtype=np.uint8, mode="r")
        chunks = dict(_chunks(data, 12, len(data)))
        self._pcm: NDArray[np.int16] = np.frombuffer(chunks["smpl"], dtype="<i2")
        tables = {name: chunks[name].tobytes() for name in ("phdr", "pbag", "pgen", "inst", "ibag", "igen", "shdr")}
        names = [row[0].split(b"\0")[0].decode("latin-1") for row in struct.iter_unpack("<20s18x", tables["phdr"])]
        heads = list(struct.iter_unpack("<20xHHH12x", tables["phdr"]))
        self.presets = {
            (bank, program): (names[i], heads[i][2], heads[i + 1][2]) for i, (program, bank, _) in enumerate(heads[:-1])
        }
        self._instruments = [row[0] for row in struct.iter_unpack("<20xH", tables["inst"])]
        self._bags = {kind: [row[0] for row in struct.iter_unpack("<HH", tables[kind])] for kind in ("pbag", "ibag")}
        self._generators = {kind: list(struct.iter_unpack("<HH", tables[kind])) for kind in ("pgen", "igen")}
        self._headers = tables["shdr"]

    @cached_property
    def samples(self) -> list[Sample]:
        """All recordings, in the order of the file."""
        rows = struct.iter_unpack("<20sIIIIIBbHH", self._headers)
        return [
            Sample(
                row[0].split(b"\0")[0].decode("latin-1"),
                row[1],
                row[2],
                row[5],
                row[6] - row[7] / 100,
                row[9] & 0x7FFF in (2, 4),
            )
            for row in rows
        ][:-1]

    def waveform(self, sample: int) -> NDArray[np.float32]:
        """The recording's frames (n,) float32 in [-1, 1], at `samples[sample].rate`."""
        part = self.samples[sample]
        return self._pcm[part.start : part.end].astype(np.float32) / np.float32(32768)

    def played(self, bank: int, program: int, key: int, velocity: int) -> dict[int, float]:
        """The recordings that sound when a preset gets a key (MIDI) at a velocity.

        Returns the recordings' numbers, ascending, each with the key (fractional) that plays it at its own rate.
        """
        _, first, last = self.presets[bank, program]
        found = {}
        for zone in self._zones("p", first, last):
            if _INSTRUMENT in zone and _sounds(zone, key, velocity):
                number = zone[_INSTRUMENT]
                bags = self._instruments[number : number + 2]
                for part in self._zones("i", bags[0], bags[1]):
                    if _SAMPLE in part and _sounds(part, key, velocity):
                        root = part.get(_ROOT, self.samples[part[_SAMPLE]].root)
                        found[part[_SAMPLE]] = root - _signed(part, _COARSE) - _signed(part, _FINE) / 100
        return dict(sorted(found.items()))

    def _zones(self, level: str, first: int, last: int) -> list[dict[int, int]]:
        bags, generators = self._bags[level + "bag"], self._generators[level + "gen"]
        zones = [dict(generators[bags[i] : bags[i + 1]]) for i in range(first, last)]
        final = _INSTRUMENT if level == "p" else _SAMPLE
        if zones and final not in zones[0]:  # the first zone may hold defaults for all others
            zones = [zones[0] | zone for zone in zones[1:]]
        return zones


def _chunks(data: NDArray[np.uint8], start: int, stop: int) -> list[tuple[str, NDArray[np.uint8]]]:
    found = []
    while start + 8 <= stop:
        name = data[start : start + 4].tobytes().decode("latin-1")
        size = int.from_bytes(data[start + 4 : start + 8].tobytes(), "little")
        if name == "LIST":
            found += _chunks(data, start + 12, start + 8 + size)
        else:
            found.append((name, data[start + 8 : start + 8 + size]))
        start += 8 + size + size % 2
    return found


def _sounds(zone: dict[int, int], key: int, velocity: int) -> bool:
    keys, velocities = zone.get(_KEY_RANGE, 0x7F00), zone.get(_VELOCITY_RANGE, 0x7F00)
    return keys & 255 <= key <= keys >> 8 and velocities & 255 <= velocity <= velocities >> 8


def _signed(zone: dict[int, int], generator: int) -> int:
    value = zone.get(generator, 0)
    return value - 65536 if value > 32767 else value


def midi_file(notes: Sequence[tuple[int, int]], *, bank: int, program: int, hold: float, slot: float) -> bytes:
    """A standard MIDI file (format 0) that plays (key, velocity) pairs one after another.

    Each note begins at a multiple of `slot` seconds and is held for `hold` seconds. A percussion preset
    plays on channel 10, all others on channel 1 with the bank as the bank select controller.
    """
    channel = 9 if bank == PERCUSSION_BANK else 0
    events: list[tuple[int, bytes]] = [(0, b"\xff\x51\x03" + (1_000_000).to_bytes(3, "big"))]
    if channel == 0:
        events.append((0, bytes([0xB0, 0, bank])))
    events.append((0, bytes([0xC0 | channel, program])))
    for i, (key, velocity) in enumerate(notes):
        start = round(i * slot * _TICKS)
        events.append((start, bytes([0x90 | channel, key, velocity])))
        events.append((start + round(hold * _TICKS), bytes([0x80 | channel, key, 0])))
    events.append((round(len(notes) * slot * _TICKS), b"\xff\x2f\x00"))
    track, now = b"", 0
    for time, message in events:
        track += _variable_length(time - now) + message
        now = time
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, _TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable_length(value: int) -> bytes:
    out = [value & 127]
    while value := value >> 7:
        out.insert(0, value & 127 | 128)
    return bytes(out)


def render(
    font: str | Path, notes: Sequence[tuple[int, int]], *, bank: int, program: int, hold: float, slot: float
) -> NDArray[np.float32]:
    """Play (key, velocity) pairs of a preset with fluidsynth, dry (no chorus, no reverb).

    Returns samples (len(notes), slot * 44100, 2) float32, left and right, one row a note, not normalised.
    Raises ExploreError when fluidsynth is missing or fails.
    """
    import soundfile

    if shutil.which("fluidsynth") is None:
        raise ExploreError("Rendering notes needs the fluidsynth command: apt install fluidsynth.")
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "notes.mid"), Path(folder, "notes.wav")
        midi.write_bytes(midi_file(notes, bank=bank, program=program, hold=hold, slot=slot))
        options = ["-o", "synth.chorus.active=0", "-o", "synth.reverb.active=0", "-o", "synth.gain=0.5"]
        command = ["fluidsynth", "-n", "-i", "-q", *options, "-r", str(RATE), "-O", "float", "-T", "wav"]
        done = subprocess.run([*command, "-F", str(wave), str(font), str(midi)], capture_output=True, text=True)
        if done.returncode or not wave.is_file():
            raise ExploreError(f"fluidsynth could not render preset {bank}:{program} of {font}: {done.stderr.strip()}")
        stereo, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    length = round(slot * RATE)
    whole = np.zeros((len(notes) * length, 2), np.float32)
    whole[: len(stereo)] = stereo[: len(whole)]
    return whole.reshape(len(notes), length, 2)
