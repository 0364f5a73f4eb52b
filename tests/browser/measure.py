"""What opening the page and switching clips cost: python -m tests.browser.measure"""

import time

from tests.browser.server import Watched, chromium, voila


def main(times: int = 4) -> None:
    """Print seconds to the first words and the first plots, bytes through the websocket, and a clip switch in ms."""
    with voila() as address:
        for opening in range(times):
            with chromium() as context:
                watched = Watched(context, address)
                start = time.perf_counter()
                watched.page.goto(address, wait_until="commit")
                watched.page.wait_for_selector("#loading b", state="visible")
                words = time.perf_counter() - start
                watched.page.wait_for_selector(".om-plot[data-drawn]", timeout=60_000)
                plots = time.perf_counter() - start
                print(
                    f"opening {opening + 1}: first words {words:.2f} s, first plots {plots:.2f} s, "
                    f"{watched.received / 1e6:.2f} MB through the websocket"
                )
                if opening == times - 1:
                    _switches(watched)


def _switches(watched: Watched) -> None:
    page = watched.page
    took, before = [], watched.received
    for _ in range(6):
        took.append(
            page.evaluate(
                """() => new Promise(done => {
                    const begin = performance.now();
                    document.addEventListener("om-drawn", () => done(performance.now() - begin), {once: true});
                    [...document.querySelectorAll("button")].find(button => button.innerText.startsWith("next")).click();
                })"""
            )
        )
    page.wait_for_timeout(300)
    print(
        f"clip switch: {sorted(took)[len(took) // 2]:.0f} ms (median of {len(took)}), "
        f"{(watched.received - before) / len(took) / 1e3:.0f} kB"
    )


if __name__ == "__main__":
    main()
