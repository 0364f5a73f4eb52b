"""Pictures of every view for the README: python -m tests.browser.screenshot [docs/views]"""

import base64
import sys
from pathlib import Path
from typing import Any

from docs.take_pictures import SHRINK
from tests.browser.server import ROOT, Watched, chromium, voila

WIDTH, HEIGHT = 1280, 900
VISIBLE = ".om-plot[data-drawn] >> visible=true"


def _play(page: Any, until: float) -> None:
    page.locator("button.om-play >> visible=true").click()
    page.wait_for_function(
        "until => [...document.querySelectorAll('audio')].some(audio => audio.currentTime > until)", arg=until
    )
    page.locator("button.om-play >> visible=true").click()


def listen(page: Any) -> None:
    _play(page, 4.2)


def attention(page: Any) -> None:
    page.wait_for_selector(VISIBLE)
    _play(page, 6.2)


def runs(page: Any) -> None:
    page.wait_for_selector(".om-runs .om-plot[data-drawn]")


def weak_labels(page: Any) -> None:
    page.get_by_role("button", name="Hide and reveal labels").click()
    page.wait_for_selector(VISIBLE)


def your_audio(page: Any) -> None:
    page.wait_for_selector(VISIBLE, timeout=120_000)


def train(page: Any) -> None:
    page.wait_for_selector(VISIBLE)


VIEWS = {
    "Listen": listen,
    "Attention": attention,
    "Runs": runs,
    "Weak labels": weak_labels,
    "Your audio": your_audio,
    "Train": train,
}


def main(folder: Path) -> None:
    """Write one picture a view, as WebP."""
    folder.mkdir(parents=True, exist_ok=True)
    with voila() as address, chromium(WIDTH, HEIGHT) as context:
        watched = Watched(context, address)
        watched.open()
        page = watched.page
        for view, prepare in VIEWS.items():
            page.get_by_role("tab", name=view, exact=True).click()
            prepare(page)
            page.wait_for_timeout(1500)
            source = "data:image/png;base64," + base64.b64encode(page.screenshot()).decode()
            path = folder / f"{view.lower().replace(' ', '_')}.webp"
            path.write_bytes(base64.b64decode(page.evaluate(SHRINK, [source, WIDTH, HEIGHT, 0.75])))
            print(path, f"{path.stat().st_size / 1e3:.0f} kB")
        if watched.errors or watched.elsewhere:
            raise SystemExit(f"The page had errors {watched.errors} and asked other hosts {watched.elsewhere}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "views")
