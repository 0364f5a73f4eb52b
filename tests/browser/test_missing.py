"""What is missing gets a sentence and a command, never a traceback."""

import pytest

from tests.browser.server import Watched, chromium, voila
from tests.dashboard.small_data import write_folder

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("_browser")]


def told(address: str, selector: str) -> tuple[str, Watched]:
    with chromium() as context:
        watched = Watched(context, address)
        watched.page.goto(address)
        watched.page.wait_for_selector(selector, timeout=60_000)
        return watched.page.locator("body").inner_text(), watched


def test_a_wrong_data_folder(tmp_path):
    with voila(OPENMIC_DATA=str(tmp_path / "nowhere")) as address:
        text, watched = told(address, ".om-message code")
    assert "nowhere" in text
    assert "openmic-explore download" in text
    assert "Traceback" not in text
    assert watched.errors == watched.elsewhere == []


def test_neither_audio_nor_runs(tmp_path):
    folder = write_folder(tmp_path / "silent", audio=False)
    (tmp_path / "runs").mkdir()
    with voila(OPENMIC_DATA=str(folder), OPENMIC_RUNS=str(tmp_path / "runs")) as address:
        text, watched = told(address, ".om-plot[data-drawn]")
    assert "openmic-explore teach" in text
    assert "openmic-explore train" in text
    assert "Traceback" not in text
    assert watched.errors == watched.elsewhere == []
