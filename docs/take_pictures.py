"""A small picture of each notebook, from the pages of `make html`: `make pictures`. It needs Chromium or Chrome."""

import argparse
import base64
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docs.build_html import PICTURES, ROOT

# The cell whose figure stands for a notebook.
SHOWN = {
    "00_start": "cell-18",
    "01_spectrogram_and_scalogram": "cell-09",
    "03_weak_labels": "cell-08",
    "04_partial_labels": "cell-25",
    "05_pooling": "cell-22",
    "06_which_f1": "cell-12",
    "07_your_own_audio": "cell-13",
    "08_real_data": "cell-39",
    "figure_1": "cell-04",
    "figure_2": "cell-04",
    "figure_3": "cell-03",
    "figure_4": "cell-11",
    "figure_5": "cell-19",
    "figure_6": "cell-03",
    "figure_7": "cell-15",
}
PAGE = 1000  # pixels, of the page's width
WIDTH, TALLEST = 480, 320  # of a picture, which is cut off below
LARGEST = 25_000  # bytes
# Chromium writes WebP: the screenshot is drawn smaller, step by step, so that lines stay.
SHRINK = """
async ([source, width, tallest, quality]) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(width, Math.min(tallest, Math.round((image.height * width) / image.width)));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, (image.height * width) / image.width);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality });
  return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
}
"""


def take(pages: Path, to: Path, names: Sequence[str]) -> dict[str, int]:
    """Take the pictures of these notebooks; returns their bytes. Raises SystemExit where a page or figure is missing."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    to.mkdir(parents=True, exist_ok=True)
    sizes = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": PAGE, "height": 900})
        for name in names:
            picture = _shrunk(page, _figure(page, pages / f"{name}.html", SHOWN[name]))
            (to / f"{name}.webp").write_bytes(picture)
            sizes[name] = len(picture)
        chromium.close()
    return sizes


def _figure(page: Any, path: Path, cell: str) -> bytes:
    if not path.is_file():
        raise SystemExit(f"There is no page {path}. Make it: make html")
    page.goto(path.resolve().as_uri())
    figure = page.locator(f"[id='cell-id={cell}'] .figure").first
    if not figure.count():
        raise SystemExit(f"{path} has no figure in {cell}: say in docs/take_pictures.py which cell has.")
    figure.locator(".main-svg").first.wait_for()
    page.wait_for_function("document.readyState === 'complete'")
    figure.scroll_into_view_if_needed()
    return bytes(figure.screenshot(animations="disabled"))


def _shrunk(page: Any, png: bytes) -> bytes:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    for quality in (0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
        picture = base64.b64decode(page.evaluate(SHRINK, [source, WIDTH, TALLEST, quality]))
        if len(picture) <= LARGEST:
            break
    return picture


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.take_pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="notebooks (default: all)", choices=[[], *SHOWN])
    parser.add_argument("--pages", type=Path, default=ROOT / "html", help="folder of the pages (default: html)")
    parser.add_argument("--to", type=Path, default=PICTURES, help="folder (default: docs/notebooks)")
    options = parser.parse_args(arguments)
    sizes = take(options.pages, options.to, options.names or list(SHOWN))
    for name, size in sizes.items():
        print(f"{name}: {size / 1000:.1f} kB")
    print(f"{sum(sizes.values()) / 1000:.0f} kB in {options.to}")
    return 0 if max(sizes.values()) <= LARGEST else 1


if __name__ == "__main__":
    sys.exit(main())
