"""Where no Chromium is to be had the browser's tests are skipped, but not where they are required."""

import importlib.util
import os

import pytest

from tests.browser.server import Watched, chromium, find_browser, voila


@pytest.fixture(scope="session")
def _browser() -> None:
    missing = None
    if importlib.util.find_spec("playwright") is None:
        missing = "Playwright is not installed: pip install -e .[test]"
    elif find_browser() is None:
        missing = "no Chromium or Chrome on the path"
    if missing:
        required = "OPENMIC_EXPLORE_REQUIRE_BROWSER" in os.environ or os.environ.get("CI") in ("true", "1")
        (pytest.fail if required else pytest.skip)(f"{missing} (the tests of the page in a real browser need it)")


@pytest.fixture(scope="session")
def address(_browser, tmp_path_factory):
    """A server as `make dashboard` starts it: the teaching set and the shipped runs."""
    environment = {"OPENMIC_EXPLORE_CACHE": str(tmp_path_factory.mktemp("cache"))}
    with voila(**environment) as address:
        yield address


@pytest.fixture(scope="module")
def context(_browser):
    with chromium() as context:
        yield context


@pytest.fixture(scope="module")
def watched(context, address):
    """The page, opened once for a module; what went wrong in any test shows in the last."""
    watched = Watched(context, address)
    watched.seconds = watched.open()
    return watched


@pytest.fixture
def page(watched):
    """The open page on its first tab, not playing, at the start of the clip."""
    page = watched.page
    page.get_by_role("tab", name="Listen").click()
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.pause(); audio.currentTime = 0; }")
    page.wait_for_function("() => !document.querySelector('audio').seeking")
    return page
