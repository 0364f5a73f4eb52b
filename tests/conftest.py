"""What all tests share: a miniature data set, and a cache folder that is not the user's."""

import shutil
from pathlib import Path

import pytest

from tests.miniature import write_miniature


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def _miniature_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_miniature(tmp_path_factory.mktemp("miniature") / "openmic-2018")


@pytest.fixture
def miniature(_miniature_once: Path, tmp_path: Path) -> Path:
    """A folder of 48 clips in OpenMIC-2018's official layout, a copy that the test may damage."""
    return Path(shutil.copytree(_miniature_once, tmp_path / "openmic-2018"))


@pytest.fixture
def shared() -> Path:
    """The real OpenMIC-2018 files that lie beside the repository on some machines."""
    folder = Path(__file__).parents[2] / "shared" / "openmic"
    if not folder.is_dir():
        pytest.skip(f"the real OpenMIC-2018 files are not here: {folder}")
    return folder
