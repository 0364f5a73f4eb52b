"""The process in which the page trains a run: `python -m openmic_explore.dashboard.worker`, spoken to over pipes.

In comes one line of JSON: config, data, runs, name. Out go lines of JSON, each with a `kind`:

    epoch    row: of the history; at: a clock in seconds, None for an epoch of an earlier call
    done     name: of the run
    stopped  it was asked to stop; the same settings go on from there
    error    text: for the reader

A second line, or the end of the pipe, which comes when the page's kernel ends for whatever reason, asks it to stop: after
the epoch, so that none is lost; and where that takes too long, at once.
"""

import _thread
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from openmic_explore.errors import ExploreError

STDIN, STDOUT = 0, 1
PATIENCE = 20.0  # seconds that a stop waits for the end of an epoch, beside two epochs
EPOCHS = "epochs.jsonl"


class Training:
    """One training, and what it has been asked."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.last = time.monotonic()
        self.longest = 0.0
        self.unfinished: Path | None = None

    def tell(self, kind: str, **more: Any) -> None:
        """Say something; a page that is no longer there does not listen."""
        line = json.dumps({"kind": kind, **more}) + "\n"
        try:
            os.write(STDOUT, line.encode())
        except OSError:
            self.stop.set()

    def watch(self) -> None:
        """Wait for the request to stop, and see that it is met."""
        os.read(STDIN, 1)
        self.stop.set()
        time.sleep(PATIENCE + 2 * self.longest)
        _thread.interrupt_main()
        time.sleep(PATIENCE)
        os._exit(1)

    def run(self, asked: dict[str, Any]) -> None:
        """Train, and tell how it goes."""
        from openmic_explore.data import OpenMIC
        from openmic_explore.training import TrainConfig, train

        try:
            config, data = TrainConfig.from_dict(asked["config"]), OpenMIC(asked["data"])
            self.unfinished = unfinished(Path(asked["runs"]), asked["name"])
            if state_of(self.unfinished, data.fingerprint).is_file():
                self._retell()

            def on_epoch(row: dict[str, float]) -> None:
                now = time.monotonic()
                self.longest, self.last = max(self.longest, now - self.last), now
                self.tell("epoch", row=row, at=now)
                self._note(row)
                if self.stop.is_set() and row["epoch"] < (config.epochs or 0):
                    raise KeyboardInterrupt

            run = train(config, data, runs=asked["runs"], name=asked["name"], progress=False, on_epoch=on_epoch)
            self.tell("done", name=run.name)
        except KeyboardInterrupt:
            self.tell("stopped")
        except ExploreError as error:
            self.tell("error", text=str(error))

    def _retell(self) -> None:
        """The epochs of earlier calls, from which this one goes on."""
        assert self.unfinished is not None
        try:
            lines = (self.unfinished / EPOCHS).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return  # begun elsewhere, or cut off in a line: then the curves begin later
        for row in rows:
            self.tell("epoch", row=row, at=None)

    def _note(self, row: dict[str, float]) -> None:
        assert self.unfinished is not None
        self.unfinished.mkdir(parents=True, exist_ok=True)
        with open(self.unfinished / EPOCHS, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def unfinished(runs: Path, name: str) -> Path:
    """Where `train` keeps what is not yet a run."""
    return runs / f".{name}.part"


def state_of(folder: Path, fingerprint: str) -> Path:
    """The file from which `train` goes on."""
    return folder / f"{fingerprint[:16]}.pt"


def main() -> None:
    """Read what is asked, train, tell."""
    asked = b""
    while not asked.endswith(b"\n"):
        piece = os.read(STDIN, 65536)
        if not piece:
            sys.exit(1)  # the page ended before it had asked
        asked += piece
    training = Training()
    threading.Thread(target=training.watch, daemon=True).start()
    training.run(json.loads(asked))


if __name__ == "__main__":
    main()
