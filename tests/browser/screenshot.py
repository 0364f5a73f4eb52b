"""Pictures of the page for the README: python -m tests.browser.screenshot [docs]"""

import sys
from pathlib import Path

from tests.browser.server import ROOT, Watched, chromium, voila


def main(folder: Path) -> None:
    """Write dashboard.png (Listen, while a clip plays) and runs.png at 1280 x 900."""
    folder.mkdir(parents=True, exist_ok=True)
    with voila() as address, chromium(1280, 900) as context:
        watched = Watched(context, address)
        watched.open()
        page = watched.page
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("() => document.querySelector('audio').currentTime > 4.2")
        page.get_by_role("button", name="Pause").click()
        page.screenshot(path=folder / "dashboard.png")
        page.get_by_role("tab", name="Runs").click()
        page.wait_for_selector(".om-runs .om-plot[data-drawn]")
        page.wait_for_timeout(300)
        page.screenshot(path=folder / "runs.png")
        if watched.errors or watched.elsewhere:
            raise SystemExit(f"The page had errors {watched.errors} and asked other hosts {watched.elsewhere}.")
    print(folder / "dashboard.png", folder / "runs.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
