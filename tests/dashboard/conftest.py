from pathlib import Path

import pytest

from tests.dashboard.small_data import write_folder, write_runs


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("OPENMIC_DATA", raising=False)
        patch.delenv("OPENMIC_RUNS", raising=False)
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture(scope="session")
def runs_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_runs(folder, tmp_path_factory.mktemp("runs") / "runs")
