"""A browser is asked for as in tests/browser: skipped where there is none, but not where it is required."""

from tests.browser.conftest import _browser

__all__ = ["_browser"]
