"""Ten seconds of music that a few instruments make together: who plays what, when, and at which pitch.

A clip has one key, tempo and chord progression. Each instrument takes a part that fits its role: bass line, chords,
melody, drum or cymbal pattern. Some parts sound for a second, some throughout: the weak label is the same.
Pure functions of a random generator; no sound is made here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openmic_explore.instruments import INSTRUMENTS

SECONDS = 10.0
BEATS_PER_BAR = 4
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Chords as degrees of the scale, one a bar.
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (1, 4, 0, 0), (0, 3, 0, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 3, 6, 2), (0, 0, 3, 4)),
}
# How many instruments a clip has: the probability of 1, 2, 3, 4 and 5.
SIZES = (0.2, 0.3, 0.27, 0.15, 0.08)
# In this share of the clips one part sounds throughout; of all other parts a smaller share does.
CARRIED = 0.7
THROUGHOUT = 0.15
# Lowest and highest pitch (MIDI) that an instrument is asked for, and the parts that it can take, likeliest first.
RANGES: dict[str, tuple[int, int]] = {
    "accordion": (53, 86),
    "banjo": (50, 79),
    "bass": (28, 52),
    "cello": (36, 69),
    "clarinet": (50, 84),
    "flute": (60, 93),
    "guitar": (40, 79),
    "mallet_percussion": (55, 91),
    "mandolin": (55, 86),
    "organ": (41, 84),
    "piano": (33, 93),
    "saxophone": (46, 81),
    "synthesizer": (41, 88),
    "trombone": (40, 70),
    "trumpet": (55, 84),
    "ukulele": (57, 81),
    "violin": (55, 93),
    "voice": (48, 79),
}
PARTS: dict[str, tuple[str, ...]] = {
    "accordion": ("melody", "chords"),
    "banjo": ("arpeggio", "melody"),
    "bass": ("bass",),
    "cello": ("melody", "bass"),
    "clarinet": ("melody",),
    "cymbals": ("cymbals",),
    "drums": ("drums",),
    "flute": ("melody",),
    "guitar": ("chords", "arpeggio", "melody"),
    "mallet_percussion": ("melody", "arpeggio"),
    "mandolin": ("melody", "chords", "arpeggio"),
    "organ": ("chords", "melody"),
    "piano": ("chords", "arpeggio", "melody"),
    "saxophone": ("melody",),
    "synthesizer": ("chords", "arpeggio", "melody"),
    "trombone": ("melody", "bass"),
    "trumpet": ("melody",),
    "ukulele": ("chords", "arpeggio"),
    "violin": ("melody",),
    "voice": ("melody", "chords"),
}


@dataclass(frozen=True)
class Event:
    """One note: start and duration in seconds, pitch (MIDI) or percussion kind, loudness in (0, 1]."""

    start: float
    duration: float
    pitch: float
    kind: str
    loudness: float


@dataclass(frozen=True)
class Song:
    """What all parts of a clip share: tonic (pitch class), mode, seconds a beat, offset of beat 0, chord a bar."""

    tonic: int
    mode: str
    beat: float
    offset: float
    progression: tuple[int, ...]

    def chord(self, time: float) -> tuple[int, ...]:
        """Pitch classes of the triad that sounds at `time` seconds, root first."""
        bar = int((time + self.offset) / (self.beat * BEATS_PER_BAR))
        degree = self.progression[bar % len(self.progression)]
        scale = SCALES[self.mode]
        return tuple((self.tonic + scale[(degree + step) % 7]) % 12 for step in (0, 2, 4))

    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the key."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])


def choose_song(rng: np.random.Generator) -> Song:
    """Draw key, tempo (66 to 152 beats a minute) and progression."""
    mode = str(rng.choice(["major", "minor"]))
    beat = 60.0 / rng.uniform(66, 152)
    progressions = PROGRESSIONS[mode]
    progression = progressions[int(rng.integers(len(progressions)))]
    return Song(int(rng.integers(12)), mode, beat, float(rng.uniform(0, beat)), progression)


def choose_instruments(rng: np.random.Generator, weights: dict[str, float]) -> list[str]:
    """Draw 1 to 5 instruments, by `weights`; drums bring cymbals along more often than chance."""
    size = 1 + int(rng.choice(len(SIZES), p=SIZES))
    odds = np.array([weights[name] for name in INSTRUMENTS], dtype=float)
    chosen = [str(name) for name in rng.choice(INSTRUMENTS, size=size, replace=False, p=odds / odds.sum())]
    kit = [name for name in ("drums", "cymbals") if name in chosen]
    if len(kit) == 1 and rng.random() < 0.4:
        other = "cymbals" if kit == ["drums"] else "drums"
        replaceable = [name for name in chosen if name not in kit]
        if len(replaceable) > 1:
            chosen[chosen.index(replaceable[-1])] = other
    return chosen


def choose_stretch(rng: np.random.Generator, song: Song, throughout: float = THROUGHOUT) -> tuple[float, float]:
    """Draw when a part sounds, start and length in seconds: throughout, or 1 to 8 seconds from a beat on."""
    if rng.random() < throughout:
        return 0.0, SECONDS
    length = float(np.exp(rng.uniform(np.log(1.0), np.log(8.0))))
    start = rng.uniform(0.0, SECONDS - length)
    on_beat = np.ceil((start + song.offset) / song.beat) * song.beat - song.offset
    return (float(on_beat) if on_beat + length <= SECONDS else float(start)), length


def compose(
    rng: np.random.Generator, song: Song, instruments: Sequence[str], kinds: Mapping[str, Sequence[str]]
) -> dict[str, list[Event]]:
    """Give every instrument a part. At most one of them takes the bass line and one the chords where others can.

    kinds: what there is to hit, for drums and for cymbals: names of RHYTHMS.
    """
    taken: set[str] = set()
    carrier = str(rng.choice(instruments))
    parts: dict[str, list[Event]] = {}
    for name in instruments:
        options = PARTS[name]
        free = [part for part in options if part not in taken or part == "melody"]
        part = str(rng.choice(free or list(options)))
        taken.add(part)
        start, length = choose_stretch(rng, song, CARRIED if name == carrier else THROUGHOUT)
        if name in kinds:
            parts[name] = _pattern(rng, song, kinds[name], start, start + length)
        else:
            parts[name] = _play(rng, song, name, part, start, start + length)
    return parts


def _play(rng: np.random.Generator, song: Song, name: str, part: str, start: float, end: float) -> list[Event]:
    low, high = RANGES[name]
    # A part stays within about an octave and a half of the instrument's range.
    span = min(19, high - low)
    low = int(rng.integers(low, high - span + 1))
    high = low + span
    events = {"bass": _bass, "chords": _chords, "arpeggio": _arpeggio, "melody": _melody}[part](
        rng, song, low, high, start, end
    )
    return events or [Event(start, end - start, _nearest(song.chord(start)[0], (low + high) / 2), "", 0.8)]


def _grid(rng: np.random.Generator, song: Song, start: float, end: float, step: float) -> list[float]:
    """Times on the grid of `step` beats within [start, end), with a player's deviation of a few milliseconds."""
    tick = song.beat * step
    first = int(np.ceil((start + song.offset) / tick - 1e-6))
    last = int(np.ceil((end + song.offset) / tick - 1e-6))
    times = np.arange(first, last) * tick - song.offset
    return [float(np.clip(time + rng.normal(0, 0.008), start, end - 0.03)) for time in times]


def _nearest(pitch_class: int, pitch: float) -> float:
    """The pitch of this class that lies nearest to `pitch`."""
    return pitch_class + 12 * float(np.round((pitch - pitch_class) / 12))


def _fold(pitch: float, low: int, high: int) -> float:
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


def _bass(rng: np.random.Generator, song: Song, low: int, high: int, start: float, end: float) -> list[Event]:
    step = float(rng.choice([0.5, 1.0, 2.0]))
    events = []
    for time in _grid(rng, song, start, end, step):
        root, _, fifth = song.chord(time)
        pitch = _fold(_nearest(fifth if rng.random() < 0.25 else root, low + 7), low, high)
        events.append(Event(time, song.beat * step * rng.uniform(0.7, 1.0), pitch, "", rng.uniform(0.7, 1.0)))
    return events


def _chords(rng: np.random.Generator, song: Song, low: int, high: int, start: float, end: float) -> list[Event]:
    step = float(rng.choice([1.0, 2.0, 4.0], p=[0.4, 0.35, 0.25]))
    length = rng.uniform(0.5, 1.0)
    centre = (low + high) / 2
    events = []
    for time in _grid(rng, song, start, end, step):
        for tone in song.chord(time):
            pitch = _fold(_nearest(tone, centre), low, high)
            spread = rng.uniform(0, 0.015)
            events.append(Event(time + spread, song.beat * step * length, pitch, "", rng.uniform(0.5, 0.9)))
    return events


def _arpeggio(rng: np.random.Generator, song: Song, low: int, high: int, start: float, end: float) -> list[Event]:
    step = float(rng.choice([0.5, 0.25], p=[0.7, 0.3]))
    order = rng.permutation(6)
    events = []
    for count, time in enumerate(_grid(rng, song, start, end, step)):
        chord = song.chord(time)
        place = int(order[count % 6])
        pitch = _fold(_nearest(chord[place % 3], low + 6) + 12 * (place // 3), low, high)
        events.append(Event(time, song.beat * step * rng.uniform(0.9, 1.6), pitch, "", rng.uniform(0.5, 0.95)))
    return events


def _melody(rng: np.random.Generator, song: Song, low: int, high: int, start: float, end: float) -> list[Event]:
    """A random walk in the key that meets the chord on the beat, in notes of half a beat to three beats, with rests."""
    scale = [pitch for pitch in range(low, high + 1) if pitch % 12 in song.scale()]
    place = len(scale) // 2
    time = start
    events: list[Event] = []
    while time < end - 0.1:
        length = song.beat * float(rng.choice([0.5, 1.0, 1.5, 2.0, 3.0], p=[0.32, 0.34, 0.12, 0.15, 0.07]))
        length = min(length, end - time)
        if rng.random() > 0.1 or not events:
            place = int(np.clip(place + rng.choice([-3, -2, -1, 0, 1, 2, 3]), 0, len(scale) - 1))
            pitch = float(scale[place])
            if rng.random() < 0.5:
                tone = song.chord(time)[int(rng.integers(3))]
                pitch = _fold(_nearest(tone, pitch), low, high)
            events.append(Event(time, length * rng.uniform(0.75, 1.0), pitch, "", rng.uniform(0.6, 1.0)))
        time += length
    return events


# For each kind of percussion the rhythms that suit it: the eighths of a bar it falls on, and how surely.
RHYTHMS: dict[str, tuple[tuple[tuple[int, ...], float], ...]] = {
    "kick": (((0, 4), 1.0), ((0, 2, 4, 6), 0.95), ((0, 3, 6), 0.9), ((0, 3, 4, 7), 0.85)),
    "snare": (((2, 6), 1.0), ((4,), 1.0), ((0, 2, 3, 4, 6), 0.6)),
    "side_stick": (((2, 6), 0.9), ((0, 3, 6), 0.8)),
    "tom": (((5, 7), 0.6), ((0, 1, 2, 4, 6, 7), 0.6), ((0, 3, 6), 0.8)),
    "hihat_closed": ((tuple(range(8)), 0.95), ((0, 2, 4, 6), 0.95), ((0, 2, 3, 4, 6, 7), 0.9)),
    "hihat_open": (((2, 6), 0.8), ((7,), 0.7), ((0, 4), 0.8)),
    "hihat_pedal": (((2, 6), 0.95), ((0, 2, 4, 6), 0.9)),
    "ride": (((0, 2, 4, 6), 0.95), ((0, 2, 3, 4, 6, 7), 0.9)),
    "ride_bell": (((0, 4), 0.9), ((0, 3, 6), 0.9)),
    "crash": (((0,), 0.9), ((0, 4), 0.8)),
    "splash": (((0,), 0.8), ((6,), 0.6)),
    "china": (((0,), 0.8), ((0, 4), 0.7)),
}


def _pattern(rng: np.random.Generator, song: Song, kinds: Sequence[str], start: float, end: float) -> list[Event]:
    """One to three of the kinds, each with a rhythm of its own; an instrument needs something to play in every bar."""
    chosen = rng.permutation(list(kinds))[: int(rng.integers(1, 4))]
    rhythms = {str(kind): RHYTHMS[kind][int(rng.integers(len(RHYTHMS[kind])))] for kind in chosen}
    eighth = song.beat / 2
    events = []
    for time in _grid(rng, song, start, end, 0.5):
        place = round((time + song.offset) / eighth) % 8
        for kind, (eighths, certainty) in rhythms.items():
            if place in eighths and rng.random() < certainty:
                events.append(Event(time, SECONDS, 0.0, kind, rng.uniform(0.6, 1.0)))
    return events or [Event(start, SECONDS, 0.0, str(chosen[0]), 0.9)]
