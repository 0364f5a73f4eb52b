"""Audio files: what is refused before memory is set aside for it, and the same bytes for the same samples."""

import struct

import numpy as np
import pytest
import soundfile

from openmic_explore.data.audio import LONGEST, read_audio, without_serial, write_ogg
from openmic_explore.errors import ExploreError
from tests.fuzz.mutations import _ogg_crc

RATE = 44100


def tone(seconds: float = 0.5, channels: int = 1) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def test_channels_are_averaged(tmp_path):
    samples = tone(channels=2) * [1.0, 0.5]
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    found, rate = read_audio(tmp_path / "a.wav")
    assert rate == RATE
    np.testing.assert_allclose(found, samples.mean(axis=1), atol=1e-7)


def with_streaminfo(path, *, rate=RATE, samples=22050, channels=1):
    """A flac file whose STREAMINFO claims something else: rate in 20 bits, channels - 1 in 3, width - 1 in 5, samples in 36."""
    soundfile.write(path, tone(), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    claim = rate << 44 | (channels - 1) << 41 | 15 << 36 | samples
    content[18:26] = claim.to_bytes(8, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"samples": 2**36 - 1}, r"25,97\d\.\d minutes of sound, and 10 are allowed"),
        ({"samples": round(LONGEST * RATE) + 1}, r"10\.0 minutes of sound, and 10 are allowed"),
        ({"rate": 200}, "200 samples a second, where sound has 1,000 to 768,000"),
        ({"rate": 655_350, "channels": 8, "samples": 2**26}, "536,870,912 samples, and 134,217,728 are allowed"),
    ],
)
def test_what_a_header_claims_is_not_believed_beyond_bounds(tmp_path, claim, words):
    path = with_streaminfo(tmp_path / "a.flac", **claim)
    with pytest.raises(ExploreError, match=rf"a\.flac is said to have {words}: it is damaged or no clip"):
        read_audio(path)


def test_a_hundred_channels_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(0.01, channels=100), RATE)
    with pytest.raises(ExploreError, match="100 channels, and 32 are allowed"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("value", "words"),
    [(float("nan"), "not finite"), (float("inf"), "not finite"), (1e30, r"1e\+30, where full scale is 1")],
)
def test_samples_that_are_no_sound_are_refused(tmp_path, value, words):
    samples = tone()
    samples[77] = value
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(ExploreError, match=words):
        read_audio(tmp_path / "a.wav")


def test_a_name_that_libsndfile_takes_for_raw_samples(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(ExploreError, match=r"a\.raw could not be decoded"):
        read_audio(tmp_path / "a.raw")


def test_the_same_samples_give_the_same_bytes(tmp_path):
    samples = tone(3.0)[:, 0] + 0.01 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    for name in ("a", "b"):
        write_ogg(tmp_path / f"{name}.ogg", samples, RATE)
    first = (tmp_path / "a.ogg").read_bytes()
    assert first == (tmp_path / "b.ogg").read_bytes()
    found, rate = read_audio(tmp_path / "a.ogg")
    assert (len(found), rate) == (len(samples), RATE)
    assert np.corrcoef(found, samples)[0, 1] > 0.99


def test_pages_without_a_serial_number_have_the_checksum_of_the_standard(tmp_path):
    """Against RFC 3533's own bitwise definition; and decoding, which refuses a wrong one, gives the same samples."""
    with soundfile.SoundFile(tmp_path / "a.ogg", "w", RATE, 1, format="OGG", subtype="VORBIS") as file:
        file.write(tone(1.0))
    before = (tmp_path / "a.ogg").read_bytes()
    after = without_serial(before)
    starts = [start for start in range(len(after) - 3) if after[start : start + 4] == b"OggS"]
    assert len(starts) >= 3
    for start, end in zip(starts, [*starts[1:], len(after)], strict=True):
        page = bytearray(after[start:end])
        assert page[14:18] == bytes(4)
        (stored,) = struct.unpack("<I", page[22:26])
        page[22:26] = bytes(4)
        assert stored == _ogg_crc(bytes(page))
    expected = read_audio(tmp_path / "a.ogg")[0]
    (tmp_path / "a.ogg").write_bytes(after)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.ogg")[0], expected)
    with pytest.raises(ExploreError, match="no Ogg stream"):
        without_serial(before[:-5] + b"more")
