"""A full disk and a folder that cannot be written: one clear error, and what was there stays whole."""

import errno
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.features import LogMel, Scalograms, open_features, write_features, writer
from tests.features.short import CLIPS, content, copy, write_clip


@pytest.fixture
def older(data):
    """Features of nine clips, and a tenth clip that they lack."""
    write_features(data, jobs=1, progress=False)
    write_clip(data.path, CLIPS)
    return content(data.path)


def write(data, *kinds, **options):
    return write_features(data, kinds or (LogMel(), Scalograms()), **{"jobs": 1, "progress": False} | options)


def test_too_little_room_is_told_before_any_work(data, older, monkeypatch):
    usage = shutil.disk_usage(data.path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5000))
    with pytest.raises(ExploreError, match=r"log_mel needs 0.0 MB and 0.0 MB are free. Make room"):
        write(data)
    assert content(data.path) == older
    monkeypatch.undo()
    assert write(data).computed == 1


def test_a_disk_that_cannot_set_the_room_aside_is_told_before_any_work(data, older, monkeypatch):
    def full(file, offset, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(ExploreError, match=r"cannot be written .*No space left.* Make room"):
        write(data)
    assert content(data.path) == older


def test_a_disk_that_does_not_know_such_requests_is_no_hindrance(data, older, monkeypatch):
    def unknown(file, offset, size):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", unknown, raising=False)
    assert write(data).computed == 1


class Full(io.FileIO):
    """A file on a disk that takes so many bytes and no more."""

    room = 0

    def write(self, data):
        if len(data) > Full.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Full.room -= len(data)
        return super().write(data)


@pytest.mark.parametrize("file", ["values.npy", "rows.jsonl", "index.json.new"])
@pytest.mark.parametrize("room", [0, 10_000, 150_000])
def test_a_disk_that_is_full_while_it_works_ends_in_one_error_and_the_run_goes_on(
    data, older, monkeypatch, file, room, tmp_path
):
    whole = copy(data.path, tmp_path / "whole")
    write(OpenMIC(whole))
    Full.room = room if file == "values.npy" else 20 if room else 0

    def opened(path, mode, **options):
        if Path(path).name != file:
            return open(path, mode, **options)
        if "b" in mode:
            return (io.BufferedRandom if "+" in mode else io.BufferedWriter)(Full(path, mode))
        return io.TextIOWrapper(io.BufferedWriter(Full(path, mode)), **options)

    monkeypatch.setattr(writer, "open", opened, raising=False)
    monkeypatch.setattr(writer, "SYNC_ROWS", 3)
    with pytest.raises(ExploreError, match=r"cannot be written .*No space left.*the same command goes on"):
        write(data)
    found = content(data.path)
    assert {name: found[name] for name in older} == older
    assert len(open_features(data.path, "log_mel").row) == CLIPS
    monkeypatch.undo()
    write(data)
    assert content(data.path) == content(whole)


@pytest.fixture
def read_only():
    """Makes a data folder one that this process cannot write, also where it runs as root."""
    base = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    base.chmod(0o755)

    def lock(source):
        folder = copy(source, base / "data")
        data = OpenMIC(folder)
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        return data

    yield lock
    if os.getuid() == 0:
        os.seteuid(0)
    for path in [base, *base.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(base)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be made read-only there")
def test_a_folder_that_cannot_be_written_is_one_error(short_once, read_only):
    data = read_only(short_once)
    with pytest.raises(ExploreError, match=r"features cannot be written .*Permission denied.*allow writing there"):
        write(data)
    assert content(data.path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be made read-only there")
def test_complete_features_need_not_be_written(data, read_only):
    write(data)
    expected = content(data.path)
    locked = read_only(data.path)
    assert write(locked).reused == CLIPS
    assert content(locked.path) == expected
    with pytest.raises(ExploreError, match=r"cannot be written .*Permission denied"):
        write(locked, Scalograms(scales=16))
    assert content(locked.path) == expected


def test_a_file_where_the_folder_should_be_is_one_error(data):
    (data.path / "features").write_text("mine")
    with pytest.raises(ExploreError, match="features cannot be written"):
        write(data)
    assert (data.path / "features").read_text() == "mine"
