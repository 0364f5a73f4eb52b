"""A small bank of synthetic notes: one tone colour an instrument, enough to mix from in milliseconds."""

import csv
from pathlib import Path

import numpy as np
import soundfile

from openmic_explore import INSTRUMENTS
from openmic_explore.data.bank import CYMBAL_KEYS, DRUM_KEYS

RATE = 44100


def write_bank(folder: Path, pitches: tuple[int, ...] = (36, 48, 55, 60, 67, 72, 79, 84)) -> Path:
    """Write a bank with one preset a role and instrument, each note a recording of its own."""
    time = np.arange(RATE // 2) / RATE
    rows = []
    for role, tuning in (("train", 1.0), ("test", 1.002)):
        for place, instrument in enumerate(INSTRUMENTS):
            kinds = {"drums": DRUM_KEYS, "cymbals": CYMBAL_KEYS}.get(instrument)
            for pitch in kinds or pitches:
                frequency = tuning * 440 * 2 ** ((pitch - 69) / 12)
                harmonics = sum(
                    np.sin(2 * np.pi * frequency * h * time) / h ** (1 + place / 10)
                    for h in range(1, 6)
                    if frequency * h < 20000
                )
                file = folder / role / f"{instrument}-{pitch}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(file, 0.3 * harmonics * np.exp(-3 * time), RATE, subtype="FLOAT")
                rows.append((f"{role}/{file.name}", instrument, f"{role}:{instrument}", role, pitch))
    with open(folder / "index.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "instrument", "preset", "role", "pitch"))
        writer.writerows(rows)
    return folder
