"""Nothing is lost: a file is whole or it is what it was."""

import pytest

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path, cache_dir, locked, sha256_file


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_finished_write_replaces_and_keeps_the_suffix(tmp_path):
    target = tmp_path / "new" / "array.npy"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".npy"
        assert temporary.parent == target.parent
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_folders_are_replaced_whole(tmp_path):
    target = tmp_path / "run"
    for content in ("one", "two"):
        with atomic_path(target) as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [path.name for path in target.iterdir()] == ["two"]


def test_cache_folder_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path))
    assert cache_dir("a", "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_sha256(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256_file(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_lock_inside_of_a_folder_is_gone_afterwards(tmp_path):
    folder = tmp_path / "new" / "set"
    with locked(folder, "making it", inside=True):
        assert [path.name for path in folder.iterdir()] == [".lock"]
        with (
            pytest.raises(ExploreError, match=r"Another process is making it, .*set\. Wait"),
            locked(folder, "making it", inside=True),
        ):
            pass
    assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
