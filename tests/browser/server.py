"""A real Voila server and a real Chromium, for the tests and for the screenshots."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def find_browser() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def voila(pid: list[int] | None = None, options: Sequence[str] = (), **environment: str) -> Iterator[str]:
    """`voila apps/dashboard.ipynb` from the repository's root, on a free port; gives its address.

    pid: a list that takes the server's process number. options: further ones of voila.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "voila",
        "apps/dashboard.ipynb",
        f"--port={port}",
        "--no-browser",
        "--Voila.ip=127.0.0.1",
        *options,
    ]
    # Not what the person at this machine has chosen or trained.
    shipped = {"OPENMIC_DATA": "", "OPENMIC_RUNS": str(ROOT / "openmic_explore" / "results")}
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **shipped, **environment}, stdout=said, stderr=said
        )
        if pid is not None:
            pid.append(server.pid)
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(port, server)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))


def _wait(port: int, server: subprocess.Popen, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"voila stopped with status {server.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/voila/static/voila.js", timeout=5).read(1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"voila did not answer within {seconds} s")


class Watched:
    """A page with everything that must not happen written down: errors, requests to other hosts; and what it costs."""

    def __init__(self, context: Any, address: str) -> None:
        self.address = address
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.received = 0
        self.page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on(
            "response", lambda answer: answer.status >= 400 and self.errors.append(f"{answer.status} {answer.url}")
        )
        context.on("request", self._request)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._frame))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text}")

    def _failed(self, request: Any) -> None:
        if not request.url.startswith("blob:"):
            self.errors.append(f"failed: {request.url}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "blob:", "data:", self.address.replace("http", "ws"))):
            self.elsewhere.append(request.url)

    def _frame(self, payload: bytes | str) -> None:
        self.received += len(payload)

    def open(self) -> float:
        """Load the page; returns the seconds from the request until the first figure is drawn."""
        start = time.perf_counter()
        self.page.goto(self.address, wait_until="commit")
        self.page.wait_for_selector(".om-plot[data-drawn]", timeout=60_000)
        return time.perf_counter() - start


@contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator[Any]:
    """A fresh browser context of the installed Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        context = browser.new_context(viewport={"width": width, "height": height})
        yield context
        browser.close()
