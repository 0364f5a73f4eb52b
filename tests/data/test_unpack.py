"""Archives that mean harm: each is refused in a sentence, and nothing is written outside of the folder."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmic_explore import ExploreError
from openmic_explore.data.unpack import Bounds, safe_path, unpack

BOUNDS = Bounds(bytes=10**6, members=50)


def entry(name: str, data: bytes = b"x", **fields: object) -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data) if "type" not in fields else 0
        for field, value in fields.items():
            setattr(info, field, value)
        tar.addfile(info, io.BytesIO(data) if info.size else None)

    return add


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Callable[[tarfile.TarFile], None]:
    return entry(name, type=kind, linkname=target)


def pack(path: Path, *entries: Callable[[tarfile.TarFile], None]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for add in entries:
            add(tar)
    return path


def tried(tmp_path: Path, archive: Path, bounds: Bounds = BOUNDS) -> Path:
    into = tmp_path / "deep" / "into"
    into.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    unpack(archive, into, top="top", bounds=bounds)
    return into


GOOD = entry("top/good", b"good")
HOSTILE = {
    "up": [entry("top/../../outside")],
    "up from the start": [entry("../outside")],
    "absolute": [entry("/tmp/outside-of-openmic")],
    "backslash": [entry("top\\..\\outside")],
    "drive": [entry("top/C:outside")],
    "newline": [entry("top/a\nb")],
    "elsewhere": [entry("outside")],
    "file in place of the folder": [entry("top")],
    "two in one place": [entry("top/a"), entry("top/a/b")],
    "folder over a file": [entry("top/a"), entry("top/a", type=tarfile.DIRTYPE)],
    "long": [entry("top/" + "a" * 250)],
    "deep": [entry("top/" + "a/" * 20 + "a")],
    "device": [entry("top/null", type=tarfile.CHRTYPE)],
    "block device": [entry("top/disk", type=tarfile.BLKTYPE)],
    "pipe": [entry("top/pipe", type=tarfile.FIFOTYPE)],
    "sparse": [entry("top/sparse", type=tarfile.GNUTYPE_SPARSE)],
    "link up": [link("top/a", "../../secret")],
    "link to the root": [link("top/a", "/etc/passwd")],
    "link to a folder, and through it": [link("top/a", "../.."), entry("top/a/outside")],
    "link to itself": [link("top/a", "a")],
    "hard link up": [link("top/a", "../secret", tarfile.LNKTYPE)],
    "hard link to the root": [link("top/a", "/etc/passwd", tarfile.LNKTYPE)],
    "many": [entry(f"top/{number}", b"") for number in range(60)],
    "large": [entry("top/zeros", bytes(2 * 10**6))],
    "large together": [entry(f"top/{number}", bytes(10**5)) for number in range(12)],
    "large where nobody looks": [entry("top/._zeros", bytes(2 * 10**6)), GOOD],
    "a long name of megabytes": [entry("top/" + "a" * 5 * 10**6)],
    "a header of megabytes": [entry("top/a", pax_headers={"comment": "x" * 5 * 10**6})],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_harm_is_refused(tmp_path, what):
    archive = pack(tmp_path / "a.tgz", GOOD, *HOSTILE[what])
    with pytest.raises(ExploreError, match=r"a\.tgz was not unpacked: .*Delete it") as error:
        tried(tmp_path, archive)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 400 + len(str(tmp_path))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert {path for path in found if not path.startswith("deep/into/")} == {"a.tgz", "secret"}
    written = [path for path in (tmp_path / "deep" / "into").rglob("*") if not path.is_dir()]
    assert all(path.is_file() and not path.is_symlink() for path in written)
    assert b"secret" not in [path.read_bytes() for path in written]
    assert sum(path.stat().st_size for path in written) <= BOUNDS.bytes
    assert not Path("/tmp/outside-of-openmic").exists()


def test_a_header_is_not_read_however_long_it_says_it_is(tmp_path):
    archive = pack(tmp_path / "a.tgz", entry("top/" + "a" * 5 * 10**6))
    with pytest.raises(ExploreError, match="one of its headers is far too large"):
        tried(tmp_path, archive, Bounds(bytes=10**9))


def test_a_bomb_is_not_unpacked_first(tmp_path):
    """64 GB claimed by a header of 512 bytes, behind which there is nothing."""
    info = tarfile.TarInfo("top/bomb")
    info.size = 2**36
    (tmp_path / "a.tgz").write_bytes(gzip.compress(info.tobuf() + bytes(4096)))
    with pytest.raises(ExploreError, match=r"damaged|larger"):
        tried(tmp_path, tmp_path / "a.tgz")


@pytest.mark.parametrize("what", ["cut", "text", "empty", "flipped", "tar"])
def test_damage_is_a_sentence(tmp_path, what):
    archive = pack(tmp_path / "a.tgz", GOOD, entry("top/noise", os.urandom(50_000)))
    data = archive.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 255
    damaged = {
        "cut": data[: len(data) // 2],
        "text": b"<html>",
        "empty": b"",
        "flipped": bytes(flipped),
        "tar": gzip.compress(b"x" * 10_000),
    }
    archive.write_bytes(damaged[what])
    with pytest.raises(ExploreError, match="could not be unpacked: it is damaged"):
        tried(tmp_path, archive)


def test_zeros_behind_the_end_are_bounded_too(tmp_path):
    plain = gzip.decompress(pack(tmp_path / "a.tgz", GOOD).read_bytes())
    (tmp_path / "a.tgz").write_bytes(gzip.compress(plain + bytes(900_000)))
    assert [path.name for path in tried(tmp_path, tmp_path / "a.tgz").iterdir()] == ["good"]
    (tmp_path / "b.tgz").write_bytes(gzip.compress(plain + bytes(1_100_000 + 2**20)))
    with pytest.raises(ExploreError, match="larger than 1,000,000 bytes"):
        unpack(tmp_path / "b.tgz", tmp_path / "deep" / "into", top="top", bounds=BOUNDS)


def test_a_link_inside_becomes_a_copy_and_nothing_else_is_taken_over(tmp_path):
    archive = pack(
        tmp_path / "a.tgz",
        entry("./", type=tarfile.DIRTYPE),
        entry("./top/sub/real", b"real", mode=0o4777, mtime=0),
        link("./top/other/soft", "../sub/real"),
        link("./top/hard", "./top/sub/real", tarfile.LNKTYPE),
        entry("./top/._real", b"finder"),
        entry("._top", b"finder"),
    )
    into = tried(tmp_path, archive)
    files = {str(path.relative_to(into)): path for path in into.rglob("*") if not path.is_dir()}
    assert {name: path.read_bytes() for name, path in files.items()} == dict.fromkeys(
        ("sub/real", "other/soft", "hard"), b"real"
    )
    for path in files.values():
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1
        assert not path.stat().st_mode & 0o7111


@given(st.text(max_size=60) | st.lists(st.sampled_from(["..", ".", "a", "", "/", "b.c"]), max_size=8).map("/".join))
def test_a_safe_path_stays_inside(name):
    path = safe_path(name)
    if path is not None:
        inside = os.path.normpath(os.path.join("/folder", path))
        assert inside.startswith("/folder/")
        assert inside == f"/folder/{path}"
        assert path.isprintable() or not path.isascii()
