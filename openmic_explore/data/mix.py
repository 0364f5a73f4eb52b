"""From a composition to sound: notes of a bank, levels, a microphone, a room, some noise, and the truth in time."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.data.bank import Bank, Note
from openmic_explore.data.compose import SECONDS, Event, choose_instruments, choose_song, compose
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS

RATE = 44100
# Frames of the truth in time.
FRAME = 0.1
FRAMES = round(SECONDS / FRAME)
# A stem sounds in a frame whose level is at most this far below its own loudest frames, or below full scale.
AUDIBLE = -35.0
FLOOR = -65.0
PERCUSSION = ("cymbals", "drums")

# For every instrument the presets that an artist owns, each a list of notes.
Voices = dict[str, list[list[Note]]]


class Mix(NamedTuple):
    """samples (441000,) float32 at 44.1 kHz; active (20, 100) bool in frames of .1 s."""

    samples: NDArray[np.float32]
    active: NDArray[np.bool_]


def deal(bank: Bank, role: str, artists: int) -> list[Voices]:
    """Deal a role's notes among artists, so that none is in two artists' hands where there are enough.

    Whole presets where an instrument has as many as there are artists; otherwise the artists that share a preset get
    every k-th of its recordings in order of pitch (notes of a SoundFont that are one recording at several pitches stay
    together). Some recordings are in several hands all the same: where a preset has fewer of them than artists, where
    two presets of a SoundFont play the same one (violin and fiddle, accordion and bandoneon, synthesizers), and those
    of drums and cymbals, whose few recordings, put into one kit, are what every pattern needs.
    Raises ExploreError when the bank has no note of an instrument.
    """
    hands: list[Voices] = [{} for _ in range(artists)]
    for turn, name in enumerate(INSTRUMENTS):
        presets = [bank.select(instrument=name, preset=preset, role=role) for preset in bank.presets(name, role=role)]
        if not presets:
            raise ExploreError(
                f"The bank {bank.path} has no note of {name} for {role} clips. Add some to its index.csv."
            )
        if name in PERCUSSION:
            shares = [[[note for preset in presets for note in preset]]] * artists
        else:
            shares = _shares(presets, artists)
        for place, share in enumerate(shares):
            # Turned, so that the same artist does not get the first preset of every instrument.
            hands[(place + turn) % artists][name] = share
    return hands


def _shares(presets: list[list[Note]], artists: int) -> list[list[list[Note]]]:
    shares: list[list[list[Note]]] = [[] for _ in range(artists)]
    if len(presets) >= artists:
        for place, preset in enumerate(presets):
            shares[place % artists].append(preset)
        return shares
    pieces = [_by_recording(preset) for preset in presets]
    owners: list[list[int]] = [[] for _ in presets]
    for artist in range(artists):
        # The next artist joins the preset that has most recordings for each of its owners.
        wealth = [len(groups) / (len(who) + 1) for groups, who in zip(pieces, owners, strict=True)]
        owners[int(np.argmax(wealth))].append(artist)
    for groups, who in zip(pieces, owners, strict=True):
        for place, artist in enumerate(who):
            own = groups[place :: len(who)] or [groups[place % len(groups)]]
            shares[artist].append([note for group in own for note in group])
    return shares


def _by_recording(notes: list[Note]) -> list[list[Note]]:
    """Notes in groups that share no recording with each other, in order of kind and pitch."""
    groups: list[tuple[set[str], list[Note]]] = []
    for note in notes:
        recordings, members = set(note.recordings), [note]
        apart = []
        for group in groups:
            if group[0] & recordings:
                recordings |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (recordings, members)]
    return sorted(
        (members for _, members in groups), key=lambda group: (group[0].kind, min(note.pitch for note in group))
    )


def mix(bank: Bank, voices: Voices, weights: dict[str, float], seed: Sequence[int]) -> Mix:
    """Compose and mix one clip; the same seed gives the same samples."""
    rng = np.random.default_rng(seed)
    song = choose_song(rng)
    kinds = {name: sorted({note.kind for note in voices[name][0]}) for name in PERCUSSION}
    parts = compose(rng, song, choose_instruments(rng, weights), kinds)
    total = np.zeros(round(SECONDS * RATE))
    active = np.zeros((len(INSTRUMENTS), FRAMES), dtype=bool)
    for name, events in parts.items():
        presets = voices[name]
        notes = presets[int(rng.integers(len(presets)))]
        stem = _microphone(rng, _stem(rng, bank, notes, events))
        level = _frame_level(stem)
        loud = np.percentile(level[level > FLOOR], 80) if (level > FLOOR).any() else 0.0
        gain = rng.uniform(-28.0, -18.0) - loud
        total += stem * 10 ** (gain / 20)
        active[INSTRUMENTS.index(name)] = level > max(loud + AUDIBLE, FLOOR)
    samples = _room(rng, total)
    peak = np.abs(samples).max()
    samples *= 10 ** (rng.uniform(-6.0, -1.0) / 20) / max(peak, 1e-9)
    return Mix(samples.astype(np.float32), active)


def _stem(rng: np.random.Generator, bank: Bank, notes: list[Note], events: list[Event]) -> NDArray[np.float64]:
    stem = np.zeros(round(SECONDS * RATE))
    for event in events:
        note = _choose(rng, notes, event)
        sound = _sound(bank, note, _transposition(note, event))
        start = round(event.start * RATE)
        held = round(event.duration * RATE)
        release = round((0.06 if note.sustained else 0.25) * RATE)
        sound = sound[: min(len(sound), held + release, len(stem) - start)].astype(np.float64)
        fade = min(release, len(sound))
        if fade and len(sound) == held + release:
            sound[-fade:] *= np.linspace(1.0, 0.0, fade) ** 2
        stem[start : start + len(sound)] += sound * event.loudness
    return stem


def _choose(rng: np.random.Generator, notes: list[Note], event: Event) -> Note:
    if event.kind:
        same = [note for note in notes if note.kind == event.kind]
        return same[int(rng.integers(len(same)))]
    distance = np.array([abs(_transposition(note, event)) for note in notes])
    near = np.flatnonzero(distance <= distance.min() + 0.5)
    return notes[int(rng.choice(near))]


def _transposition(note: Note, event: Event) -> float:
    """Semitones from the recording to the event, by whole octaves nearer where the recording is far away."""
    if event.kind:
        return 0.0
    shift = event.pitch - note.pitch
    return shift - 12.0 * round(shift / 12.0) if abs(shift) > 6 else shift


@lru_cache(maxsize=64)
def _sound(bank: Bank, note: Note, semitones: float) -> NDArray[np.float32]:
    samples = bank.samples(note)
    if abs(semitones) < 1e-3:
        return samples
    import soxr

    return soxr.resample(samples, RATE * 2 ** (semitones / 12), RATE, quality="HQ")


def _microphone(rng: np.random.Generator, stem: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour a stem by a smooth random gain over frequency, up to about 5 dB either way."""
    from scipy import fft

    anchors = np.log([30.0, 120.0, 500.0, 2000.0, 8000.0, 20000.0])
    gains = rng.normal(0.0, 2.5, len(anchors))
    spectrum = fft.rfft(stem)
    frequency = np.maximum(fft.rfftfreq(len(stem), 1 / RATE), 20.0)
    spectrum *= 10 ** (np.interp(np.log(frequency), anchors, gains) / 20)
    return fft.irfft(spectrum, len(stem))


def _room(rng: np.random.Generator, dry: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add a room (exponentially decaying noise, 0.15 to 0.8 s to -60 dB) and pink noise well below the music."""
    from scipy import fft

    decay = rng.uniform(0.15, 0.8)
    time = np.arange(round(decay * RATE)) / RATE
    impulse = rng.standard_normal(len(time)) * 10 ** (-3 * time / decay)
    impulse *= 10 ** (rng.uniform(-24.0, -12.0) / 20) / np.sqrt((impulse**2).sum())
    impulse[0] += 1.0
    size = fft.next_fast_len(len(dry) + len(impulse), real=True)
    wet = fft.irfft(fft.rfft(dry, size) * fft.rfft(impulse, size), size)[: len(dry)]

    noise = fft.rfft(rng.standard_normal(len(dry)))
    noise /= np.sqrt(np.maximum(np.arange(len(noise)), 20.0))
    hiss = fft.irfft(noise, len(dry))
    level = np.sqrt((wet**2).mean()) * 10 ** (rng.uniform(-60.0, -30.0) / 20)
    return wet + hiss * level / max(np.sqrt((hiss**2).mean()), 1e-12)


def _frame_level(stem: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level (100,) in dB re full scale of a stem's frames."""
    frames = stem.reshape(FRAMES, -1)
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
