"""The miniature as an archive, behind a line that is as bad as the test wants."""

import tarfile

import pytest

from tests.bad_line import bad_line, tree


@pytest.fixture(scope="session")
def packed(_miniature_once, tmp_path_factory):
    """A .tgz of the miniature."""
    path = tmp_path_factory.mktemp("packed") / "miniature.tgz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(_miniature_once, arcname="openmic-2018")
    return path


@pytest.fixture(scope="session")
def whole(_miniature_once):
    """What a folder must hold in the end: bytes by path."""
    return tree(_miniature_once)


@pytest.fixture
def line(packed, monkeypatch):
    """A server of that archive."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with bad_line(packed.read_bytes()) as line:
        yield line
