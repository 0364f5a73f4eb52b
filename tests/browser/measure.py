"""What the page costs, as a table: python -m tests.browser.measure [--openings 4] [--browsers 5 10]

On a quiet machine; other work on it shows in every number. The limits are those that the project sets itself for two
cores.
"""

import argparse
import statistics
import subprocess
import sys
import time
from typing import Any, NamedTuple

from axe_playwright_python.sync_playwright import Axe

from tests.browser.server import Watched, chromium, voila

VIEWS = ("Listen", "Attention", "Runs", "Weak labels", "Your audio", "Train")

PLAYHEAD = """() => new Promise(done => {
    const audio = [...document.querySelectorAll("audio")].find(each => each.closest(".om-player")?.offsetParent);
    const line = document.querySelector(".om-playhead"), begin = performance.now(), seen = new Set(), behind = [];
    const look = () => {
        if (seen.size === 0 || !seen.has(line.dataset.time)) behind.push(Math.abs(audio.currentTime - Number(line.dataset.time)));
        seen.add(line.dataset.time);
        if (performance.now() - begin < 3000) requestAnimationFrame(look);
        else done({moves: seen.size / 3, behind: behind.sort((a, b) => a - b)[Math.floor(behind.length * .95)] * 1000});
    };
    requestAnimationFrame(look);
})"""
SWITCH = """() => new Promise(done => {
    const begin = performance.now();
    document.addEventListener("om-drawn", () => done(performance.now() - begin), {once: true});
    [...document.querySelectorAll("button")].find(button => button.innerText.startsWith("next") && button.offsetParent).click();
})"""


class Row(NamedTuple):
    """One line of the table; most and aim as the project has them."""

    what: str
    found: str
    most: str
    aim: str


def openings(times: int, preheated: bool) -> tuple[float, float, float]:
    """Medians of seconds to the first words and to the first plots, and megabytes through the websocket."""
    found = []
    with voila(options=["--preheat_kernel=True", "--pool_size=1"] if preheated else []) as address:
        if preheated:
            time.sleep(20)  # the pool fills
        for _ in range(times):
            with chromium() as context:
                watched = Watched(context, address)
                start = time.perf_counter()
                watched.page.goto(address, wait_until="commit")
                watched.page.wait_for_selector("#loading b, .om-page", state="visible")
                words = time.perf_counter() - start
                watched.page.wait_for_selector(".om-plot[data-drawn]", timeout=120_000)
                found.append((words, time.perf_counter() - start, watched.received / 1e6))
            if preheated:
                time.sleep(15)
    return tuple(map(statistics.median, zip(*found, strict=True)))  # type: ignore[return-value]


def kernel_memory(server: int) -> float:
    """Megabytes that the largest kernel below a server holds."""
    told = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in told.splitlines()[1:]]
    return max(int(rss) for _, parent, rss, args in rows if int(parent) == server and "ipykernel" in args) / 1024


def walk(watched: Watched) -> dict[str, list[str]]:
    """Every view opened, in light and in dark; violations that axe-core finds, by view and theme."""
    found = {}
    for theme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=theme)
        for view in VIEWS:
            watched.page.get_by_role("tab", name=view).click()
            watched.page.wait_for_timeout(2500)
            # Voila's own frame has one page and no landmarks; the rest is ours.
            violations = Axe().run(watched.page).response["violations"]
            found[f"{view}, {theme}"] = [f"{each['id']} ({len(each['nodes'])})" for each in violations]
    return found


def together(count: int) -> float:
    """Seconds until all of `count` browsers, opened at once, have drawn, and each has switched its clip."""
    with voila() as address, chromium() as first:
        pages = [first.new_page() for _ in range(count)]
        begin = time.perf_counter()
        for page in pages:
            page.goto(address, wait_until="commit")
        for page in pages:
            page.wait_for_selector(".om-plot[data-drawn]", timeout=300_000)
        for page in pages:
            page.bring_to_front()
            page.evaluate(SWITCH)
        return time.perf_counter() - begin


def one_page(rows: list[Row]) -> None:
    """What an open page does."""
    with voila(pid := []) as address, chromium() as context:
        watched = Watched(context, address)
        watched.open()
        page = watched.page
        page.wait_for_timeout(1000)
        rows.append(Row("kernel memory before a model is used", f"{kernel_memory(pid[0]):.0f} MB", "300 MB", ""))
        took, before = [], watched.received
        for _ in range(9):
            took.append(page.evaluate(SWITCH))
            page.wait_for_timeout(150)
        size = (watched.received - before) / 9e3
        rows.append(
            Row(
                "clip switch, click to both pictures",
                f"{statistics.median(took):.0f} ms, {size:.0f} kB",
                "400 ms",
                "200 ms",
            )
        )
        page.get_by_role("button", name="Play").first.click()
        page.wait_for_timeout(300)
        head: dict[str, Any] = page.evaluate(PLAYHEAD)
        page.get_by_role("button", name="Pause").first.click()
        rows.append(
            Row(
                "playhead",
                f"{head['moves']:.0f} moves a second, {head['behind']:.0f} ms behind the sound",
                "30, 30 ms",
                "60",
            )
        )
        violations = {where: each for where, each in walk(watched).items() if each}
        page.wait_for_timeout(1000)
        rows.append(Row("kernel memory with models, all views opened", f"{kernel_memory(pid[0]):.0f} MB", "800 MB", ""))
        bad = sum(map(len, violations.values()))
        rows.append(
            Row(
                "other hosts, console errors, axe-core violations",
                f"{len(watched.elsewhere)}, {len(watched.errors)}, {bad}",
                "0, 0, 0",
                "",
            )
        )
        for where, each in violations.items():
            print(f"axe-core, {where}: {', '.join(each)}", file=sys.stderr)
        for error in [*watched.errors, *watched.elsewhere]:
            print(error, file=sys.stderr)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openings", type=int, default=4)
    parser.add_argument("--browsers", type=int, nargs="*", default=[5, 10])
    chosen = parser.parse_args()
    rows: list[Row] = []
    words, plots, size = openings(chosen.openings, preheated=False)
    rows.append(
        Row("page request to first plots, cold kernel", f"{plots:.1f} s, first words {words:.1f} s", "8 s, 1 s", "5 s")
    )
    rows.append(Row("bytes through the websocket on load", f"{size:.1f} MB", "8 MB", "5 MB"))
    _, plots, _ = openings(chosen.openings, preheated=True)
    rows.append(Row("the same, preheated kernel", f"{plots:.1f} s", "5 s", "3 s"))
    one_page(rows)
    for count in chosen.browsers:
        rows.append(
            Row(f"{count} browsers at once, all drawn and switched", f"{together(count):.0f} s", "works", "works")
        )
    print("| measured | found | at most | aim |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
