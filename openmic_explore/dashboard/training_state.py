"""The process that trains the page's run, as the Train view hears of it, without a widget."""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from traitlets import Enum, Float, HasTraits, Int, Unicode

from openmic_explore.dashboard.state import log
from openmic_explore.dashboard.threads import Post, in_thread
from openmic_explore.dashboard.worker import state_of, unfinished
from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Runs, TrainConfig

STAGES = ("idle", "starting", "training", "stopping", "done", "stopped", "failed")
MEASURED = 5  # the last epochs, whose length tells how long the others take
PAUSE = 0.4  # seconds between two changes that are told


class TrainingState(HasTraits):
    """The training that goes on, or the last one.

    stage: of STAGES. name: the run's; title: the same for a reader; data: the data set's; folder: where it will be.
    epochs: how many there will be, 0 for a baseline. rows: one an epoch so far, as in a run's history.
    left: seconds that the others will take, nan
    while nobody knows. error: why it failed. resumed: from which epoch it went on, 0 from the start. changed: counts what
    is worth drawing.
    """

    stage = Enum(STAGES, STAGES[0])
    name = Unicode()
    title = Unicode()
    data = Unicode()
    folder = Unicode()
    epochs = Int()
    left = Float(math.nan)
    error = Unicode()
    resumed = Int()
    changed = Int()

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, float]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._clock: list[float] = []
        self._told = 0.0
        super().__init__()

    @property
    def busy(self) -> bool:
        return self.stage in ("starting", "training", "stopping")

    def start(self, config: "TrainConfig", data: "OpenMIC", folder: Path, name: str) -> None:
        """Begin to train in a process of its own. Raises ExploreError while another training goes on."""
        if self.busy:
            raise ExploreError(f"{self.name} is being trained. Wait for it to end, or stop it.")
        folder.mkdir(parents=True, exist_ok=True)
        self.rows, self._clock = {}, []
        said = self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the process has ended)
        # A session of its own: an interrupt of the kernel is none of the training.
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "openmic_explore.dashboard.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
        asked = {"config": config.to_dict(), "data": str(data.path.resolve()), "runs": str(folder), "name": name}
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        with self.hold_trait_notifications():
            self.name, self.title, self.folder = name, f"{config.label}, seed {config.seed}", str(folder)
            self.data = data.name
            self.epochs, self.left, self.error, self.resumed = config.epochs or 0, math.nan, "", 0
            self.stage = "starting"
            self.changed += 1

        def listen(post: Post) -> None:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # a library that prints
                post(self._hear, process, message)
            post(self._ended, process, process.wait())

        in_thread(listen)

    def stop(self) -> None:
        """Ask the training to end after its epoch; what it has is kept."""
        if self.busy and self._process is not None and self._process.stdin is not None:
            self.stage = "stopping"
            self._process.stdin.close()

    def _hear(self, process: "subprocess.Popen[bytes]", message: dict[str, Any]) -> None:
        if process is not self._process:
            return
        kind = message["kind"]
        if kind == "epoch":
            self._epoch(message["row"], message["at"])
        elif kind == "error":
            self._end("failed", message["text"])
        elif kind in ("done", "stopped"):
            self._end(kind)

    def _epoch(self, row: dict[str, float], at: float | None) -> None:
        epoch = int(row["epoch"])
        self.rows[epoch] = row
        if at is None:
            self.resumed = max(self.resumed, epoch)
            return
        self._clock.append(at)
        steps = np.diff(self._clock[-MEASURED - 1 :])
        if self.stage == "starting":
            self.stage = "training"
        now = time.monotonic()
        if now - self._told > PAUSE or epoch == self.epochs:
            self._told = now
            with self.hold_trait_notifications():
                if len(steps):
                    self.left = float(np.mean(steps)) * (self.epochs - epoch)
                self.changed += 1

    def _end(self, stage: str, error: str = "") -> None:
        with self.hold_trait_notifications():
            self.error, self.stage = error, stage
            self.changed += 1

    def _ended(self, process: "subprocess.Popen[bytes]", status: int) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if process is not self._process:
            return
        if self.busy:
            asked = self.stage == "stopping"
            error = (
                f"The training ended before it was done (status {status}), perhaps for want of memory. Start it again with "
                "the same settings: it goes on from what it had kept."
            )
            self._log(status)
            self._end("stopped" if asked else "failed", "" if asked else error)
        if self._said is not None:
            self._said.close()
        self._said = self._process = None

    def _log(self, status: int) -> None:
        if self._said is not None:
            self._said.seek(0)
            log.error(
                "the training ended with status %s:\n%s", status, self._said.read()[-5000:].decode(errors="replace")
            )


def can_go_on(folder: Path, name: str, fingerprint: str) -> bool:
    """Was a training of that name stopped here?"""
    return state_of(unfinished(folder, name), fingerprint).is_file()


_GOING: "WeakKeyDictionary[Runs, TrainingState]" = WeakKeyDictionary()


def training_of(runs: "Runs") -> TrainingState:
    """The page's training: it goes on when another data set is opened, which makes the view anew."""
    return _GOING.setdefault(runs, TrainingState())
