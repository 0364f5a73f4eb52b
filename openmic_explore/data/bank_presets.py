"""The presets, pitches and velocities of the shipped note bank: needed only to rebuild it."""

from typing import NamedTuple


class Preset(NamedTuple):
    """One preset of a SoundFont and what is rendered of it.

    Every `step` semitones from `low` to `high` (MIDI), `layers` of the velocities at each pitch, in turn.
    """

    instrument: str
    bank: int
    program: int
    slug: str
    low: int
    high: int
    step: int
    velocities: tuple[int, ...]
    layers: int
    sustained: bool

    def notes(self) -> list[tuple[int, int]]:
        """(pitch, velocity) pairs in order."""
        count = len(self.velocities)
        turns = [
            (pitch, self.velocities[(i * self.layers + layer) % count])
            for i, pitch in enumerate(range(self.low, self.high + 1, self.step))
            for layer in range(self.layers)
        ]
        return sorted(turns)


_SOFT_LOUD = (68, 108)
_THREE = (56, 84, 112)

# The compass of each instrument as orchestration books give it (sounding pitch), not the MIDI extremes.
# No piano: Fluid's and GeneralUser's grand pianos come from the same recordings (`--check-overlap` found nine shared
# pairs of the recordings of the two), so the training pianos are those of bank_sources.RECORDINGS.
FLUID_PRESETS = (
    Preset("accordion", 0, 21, "accordion", 53, 89, 3, _SOFT_LOUD, 1, True),
    Preset("accordion", 0, 23, "bandoneon", 48, 84, 3, _SOFT_LOUD, 1, True),
    Preset("banjo", 0, 105, "banjo", 48, 82, 2, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 32, "acoustic-bass", 28, 55, 3, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 33, "fingered-bass", 28, 56, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 34, "picked-bass", 28, 56, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 35, "fretless-bass", 29, 57, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 36, "slap-bass", 29, 53, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 37, "pop-bass", 34, 58, 6, (100,), 1, False),
    Preset("cello", 0, 42, "cello", 36, 76, 2, _SOFT_LOUD, 1, True),
    Preset("clarinet", 0, 71, "clarinet", 50, 90, 2, _SOFT_LOUD, 1, True),
    Preset("flute", 0, 73, "flute", 60, 96, 3, _SOFT_LOUD, 1, True),
    Preset("flute", 0, 72, "piccolo", 74, 102, 4, _SOFT_LOUD, 1, True),
    Preset("guitar", 0, 24, "nylon-guitar", 40, 76, 4, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 25, "steel-guitar", 40, 76, 4, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 26, "jazz-guitar", 41, 77, 6, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 27, "clean-guitar", 42, 78, 6, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 28, "muted-guitar", 40, 76, 6, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 29, "overdrive-guitar", 41, 77, 6, (100,), 1, True),
    Preset("guitar", 0, 30, "distortion-guitar", 40, 76, 6, (100,), 1, True),
    Preset("mallet_percussion", 0, 9, "glockenspiel", 79, 107, 4, _SOFT_LOUD, 1, False),
    Preset("mallet_percussion", 0, 11, "vibraphone", 53, 89, 4, _SOFT_LOUD, 1, False),
    Preset("mallet_percussion", 0, 12, "marimba", 45, 93, 4, _SOFT_LOUD, 1, False),
    Preset("mallet_percussion", 0, 13, "xylophone", 65, 105, 4, _SOFT_LOUD, 1, False),
    Preset("mandolin", 16, 25, "mandolin", 55, 89, 2, _SOFT_LOUD, 1, False),
    Preset("organ", 0, 16, "drawbar-organ", 36, 84, 6, (100,), 1, True),
    Preset("organ", 0, 17, "percussive-organ", 38, 86, 6, (100,), 1, True),
    Preset("organ", 0, 18, "rock-organ", 40, 88, 6, (100,), 1, True),
    Preset("organ", 0, 19, "church-organ", 36, 90, 6, (100,), 1, True),
    Preset("saxophone", 0, 64, "soprano-sax", 56, 87, 4, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 65, "alto-sax", 49, 80, 3, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 66, "tenor-sax", 44, 75, 3, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 67, "baritone-sax", 36, 68, 4, _SOFT_LOUD, 1, True),
    Preset("synthesizer", 0, 38, "synth-bass-1", 29, 53, 8, (100,), 1, True),
    Preset("synthesizer", 0, 39, "synth-bass-2", 31, 55, 8, (100,), 1, True),
    Preset("synthesizer", 0, 50, "synth-strings", 44, 80, 12, (96,), 1, True),
    Preset("synthesizer", 0, 62, "synth-brass", 43, 79, 12, (100,), 1, True),
    Preset("synthesizer", 0, 80, "square-lead", 48, 84, 12, (96,), 1, True),
    Preset("synthesizer", 0, 81, "saw-lead", 45, 81, 12, (96,), 1, True),
    Preset("synthesizer", 0, 82, "calliope-lead", 54, 78, 12, (96,), 1, True),
    Preset("synthesizer", 0, 84, "charang", 42, 66, 12, (96,), 1, True),
    Preset("synthesizer", 0, 87, "bass-and-lead", 38, 62, 12, (96,), 1, True),
    Preset("synthesizer", 0, 88, "fantasia", 49, 73, 12, (96,), 1, True),
    Preset("synthesizer", 0, 89, "warm-pad", 46, 70, 12, (96,), 1, True),
    Preset("synthesizer", 0, 90, "polysynth", 47, 71, 12, (96,), 1, True),
    Preset("synthesizer", 0, 94, "halo-pad", 51, 75, 12, (96,), 1, True),
    Preset("synthesizer", 0, 95, "sweep-pad", 52, 76, 12, (96,), 1, True),
    Preset("trombone", 0, 57, "trombone", 40, 72, 2, _SOFT_LOUD, 1, True),
    Preset("trumpet", 0, 56, "trumpet", 52, 84, 2, _SOFT_LOUD, 1, True),
    Preset("trumpet", 0, 59, "muted-trumpet", 53, 83, 3, _SOFT_LOUD, 1, True),
    Preset("ukulele", 8, 24, "ukulele", 55, 83, 2, _SOFT_LOUD, 1, False),
    Preset("violin", 0, 40, "violin", 55, 91, 3, _SOFT_LOUD, 1, True),
    Preset("violin", 0, 110, "fiddle", 56, 91, 7, (100,), 1, True),
    Preset("voice", 0, 52, "choir-aahs", 40, 81, 3, _SOFT_LOUD, 1, True),
    Preset("voice", 0, 53, "voice-oohs", 41, 80, 3, _SOFT_LOUD, 1, True),
    Preset("voice", 0, 54, "synth-voice", 48, 76, 4, (96,), 1, True),
)

GENERALUSER_PRESETS = (
    Preset("accordion", 0, 21, "accordion", 53, 89, 3, _SOFT_LOUD, 1, True),
    Preset("accordion", 0, 23, "bandoneon", 48, 84, 4, (96,), 1, True),
    Preset("banjo", 0, 105, "banjo", 48, 82, 2, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 32, "acoustic-bass", 28, 55, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 33, "fingered-bass", 29, 57, 4, _SOFT_LOUD, 1, False),
    Preset("bass", 0, 34, "picked-bass", 30, 54, 6, (100,), 1, False),
    Preset("bass", 0, 35, "fretless-bass", 28, 52, 6, (100,), 1, False),
    Preset("bass", 0, 36, "slap-bass-1", 31, 55, 6, (100,), 1, False),
    Preset("bass", 0, 37, "slap-bass-2", 33, 57, 6, (100,), 1, False),
    Preset("cello", 0, 42, "cello", 36, 76, 2, _SOFT_LOUD, 1, True),
    Preset("clarinet", 0, 71, "clarinet", 50, 90, 2, _SOFT_LOUD, 1, True),
    Preset("flute", 0, 73, "flute", 60, 96, 2, _SOFT_LOUD, 1, True),
    Preset("flute", 0, 72, "piccolo", 74, 102, 7, (96,), 1, True),
    Preset("guitar", 0, 24, "nylon-guitar", 40, 76, 6, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 25, "steel-guitar", 42, 78, 6, _SOFT_LOUD, 1, False),
    Preset("guitar", 0, 26, "jazz-guitar", 40, 76, 9, (100,), 1, False),
    Preset("guitar", 0, 27, "clean-guitar", 43, 79, 9, (100,), 1, False),
    Preset("guitar", 0, 28, "muted-guitar", 41, 77, 9, (100,), 1, False),
    Preset("guitar", 0, 29, "overdrive-guitar", 42, 78, 9, (100,), 1, True),
    Preset("guitar", 0, 30, "distortion-guitar", 40, 76, 9, (100,), 1, True),
    Preset("mallet_percussion", 0, 9, "glockenspiel", 79, 107, 7, (96,), 1, False),
    Preset("mallet_percussion", 0, 11, "vibraphone", 53, 89, 6, _SOFT_LOUD, 1, False),
    Preset("mallet_percussion", 0, 12, "marimba", 45, 93, 6, _SOFT_LOUD, 1, False),
    Preset("mallet_percussion", 0, 13, "xylophone", 65, 105, 6, _SOFT_LOUD, 1, False),
    Preset("mandolin", 16, 25, "mandolin", 55, 89, 2, _SOFT_LOUD, 1, False),
    Preset("organ", 0, 16, "drawbar-organ", 36, 84, 8, (100,), 1, True),
    Preset("organ", 0, 17, "percussive-organ", 38, 86, 8, (100,), 1, True),
    Preset("organ", 0, 18, "rock-organ", 40, 88, 8, (100,), 1, True),
    Preset("organ", 0, 19, "church-organ", 36, 92, 8, (100,), 1, True),
    Preset("piano", 0, 0, "grand-piano", 24, 102, 4, _THREE, 1, False),
    Preset("piano", 0, 1, "bright-piano", 30, 100, 14, (100,), 1, False),
    Preset("piano", 0, 3, "honky-tonk-piano", 41, 83, 14, (92,), 1, False),
    Preset("saxophone", 0, 64, "soprano-sax", 56, 87, 5, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 65, "alto-sax", 49, 80, 4, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 66, "tenor-sax", 44, 75, 4, _SOFT_LOUD, 1, True),
    Preset("saxophone", 0, 67, "baritone-sax", 36, 68, 5, _SOFT_LOUD, 1, True),
    Preset("synthesizer", 0, 38, "synth-bass-1", 29, 53, 12, (100,), 1, True),
    Preset("synthesizer", 0, 39, "synth-bass-2", 31, 55, 12, (100,), 1, True),
    Preset("synthesizer", 0, 50, "synth-strings", 44, 80, 18, (96,), 1, True),
    Preset("synthesizer", 0, 62, "synth-brass", 43, 79, 18, (100,), 1, True),
    Preset("synthesizer", 12, 80, "square-lead", 48, 84, 18, (96,), 1, True),
    Preset("synthesizer", 0, 81, "saw-lead", 45, 81, 18, (96,), 1, True),
    Preset("synthesizer", 0, 82, "calliope-lead", 54, 78, 12, (96,), 1, True),
    Preset("synthesizer", 0, 84, "charang", 42, 66, 12, (96,), 1, True),
    Preset("synthesizer", 0, 87, "bass-and-lead", 38, 62, 12, (96,), 1, True),
    Preset("synthesizer", 0, 88, "fantasia", 49, 73, 12, (96,), 1, True),
    Preset("synthesizer", 0, 89, "warm-pad", 46, 70, 12, (96,), 1, True),
    Preset("synthesizer", 0, 90, "polysynth", 47, 71, 12, (96,), 1, True),
    Preset("synthesizer", 0, 94, "halo-pad", 51, 75, 12, (96,), 1, True),
    Preset("synthesizer", 0, 95, "sweep-pad", 52, 76, 12, (96,), 1, True),
    Preset("trombone", 0, 57, "trombone", 40, 72, 2, _SOFT_LOUD, 1, True),
    Preset("trumpet", 0, 56, "trumpet", 52, 84, 2, _SOFT_LOUD, 1, True),
    Preset("trumpet", 0, 59, "muted-trumpet", 53, 83, 5, _SOFT_LOUD, 1, True),
    Preset("ukulele", 8, 24, "ukulele", 55, 83, 2, _SOFT_LOUD, 1, False),
    Preset("violin", 0, 40, "violin", 55, 97, 2, _SOFT_LOUD, 1, True),
    Preset("violin", 0, 110, "fiddle", 56, 84, 7, (100,), 1, True),
    Preset("voice", 0, 52, "choir-aahs", 40, 81, 3, _SOFT_LOUD, 1, True),
    Preset("voice", 0, 53, "voice-oohs", 41, 80, 3, _SOFT_LOUD, 1, True),
    Preset("voice", 0, 54, "synth-voice", 48, 76, 7, (96,), 1, True),
)


class Kit(NamedTuple):
    """A percussion preset (bank 128) and the keys left out of it.

    What sounds on these keys is something else than General MIDI says, or, for the kicks of Fluid's TR-808, of the
    same drum machine as GeneralUser's: too short and pure to tell whether the recording is the same.
    """

    program: int
    slug: str
    other: tuple[int, ...] = ()


_ORCHESTRAL = (35, 37, 40, *range(41, 55), 55)  # timpani on the keys of toms and hi-hats
FLUID_KITS = (
    Kit(0, "standard"), Kit(1, "standard-1"), Kit(2, "standard-2"), Kit(3, "standard-3"), Kit(4, "standard-4"),
    Kit(5, "standard-5"), Kit(6, "standard-6"), Kit(7, "standard-7"), Kit(8, "room"), Kit(10, "room-2"),
    Kit(11, "room-3"), Kit(16, "power"), Kit(17, "power-1"), Kit(18, "power-2"), Kit(19, "power-3"),
    Kit(24, "electronic"), Kit(25, "tr-808", (35, 36, 44, 51)), Kit(32, "jazz"), Kit(40, "brush", (40,)),
    Kit(48, "orchestra", _ORCHESTRAL),
)  # fmt: skip
GENERALUSER_KITS = (
    Kit(0, "standard"), Kit(1, "standard-2"), Kit(8, "room"), Kit(16, "power"), Kit(24, "electronic", (52,)),
    Kit(25, "808-909"), Kit(26, "dance", (52,)), Kit(32, "jazz"), Kit(40, "brush", (40,)),
    Kit(48, "orchestral", (36, *_ORCHESTRAL)),
)  # fmt: skip
# What a preset is not, though its General MIDI name says so: goes with its notes' source.
REMARKS = {
    "mandolin": "made of guitar recordings",
    "ukulele": "made of guitar recordings",
    "voice": "choir or synthetic: General MIDI has no solo voice",
}
DRUM_RENDERED = (35, 36, 37, 38, 40, 41, 45, 48, 50)  # every other tom
DRUM_VELOCITIES = (112, 80)
CYMBAL_VELOCITIES = (112, 88, 64)
PRESETS = {"fluid": FLUID_PRESETS, "generaluser": GENERALUSER_PRESETS}
KITS = {"fluid": FLUID_KITS, "generaluser": GENERALUSER_KITS}
