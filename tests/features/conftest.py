"""The short clips, written once."""

import pytest

from openmic_explore import OpenMIC
from tests.features.short import copy, write_short


@pytest.fixture(scope="session")
def short_once(tmp_path_factory):
    return write_short(tmp_path_factory.mktemp("short") / "once")


@pytest.fixture
def folder(short_once, tmp_path):
    """A copy that the test may damage: 9 clips of half a second."""
    return copy(short_once, tmp_path / "data")


@pytest.fixture
def data(folder):
    return OpenMIC(folder)
