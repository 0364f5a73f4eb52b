"""A sound from the reader's browser: a file, or the microphone, in pieces, into a temporary file."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import anywidget
import traitlets

from openmic_explore.dashboard.own_audio_state import LONGEST, MOST_BYTES
from openmic_explore.dashboard.widgets import static
from openmic_explore.errors import ExploreError


class SoundInput(anywidget.AnyWidget):
    """A field for a file, by choice or drop, and a button that records; nothing leaves the browser but to this kernel.

    taken: called with the file that a sound was written to, what it is called, and the name under which the browser
    keeps it for the player. The file stays until the next sound comes. most_bytes, longest (s): the bounds.
    """

    _esm = static("sound.js")
    most_bytes = traitlets.Int(MOST_BYTES).tag(sync=True)
    longest = traitlets.Float(LONGEST).tag(sync=True)

    def __init__(self, taken: Callable[[Path, str, str], None], **bounds: Any) -> None:
        self._taken = taken
        self._folder = tempfile.TemporaryDirectory(prefix="openmic-explore-")
        self._open: IO[bytes] | None = None
        self._id, self._name, self._size, self._count = "", "", 0, 0
        super().__init__(**bounds)
        self.on_msg(self._receive)

    def _receive(self, _: Any, message: dict[str, Any], buffers: list[memoryview]) -> None:
        try:
            self._act(message, buffers)
        except ExploreError as error:
            self._close()
            self.send({"kind": "refused", "id": message.get("id", ""), "text": str(error)})

    def _act(self, message: dict[str, Any], buffers: list[memoryview]) -> None:
        kind, given = message.get("kind"), str(message.get("id", ""))
        if kind == "start":
            self._start(given, str(message.get("name", "sound")), message.get("size"))
        elif given != self._id or self._open is None:
            return  # of a sound that another one has followed
        elif kind == "piece":
            self._piece(message.get("at"), buffers)
        elif kind == "end":
            if self._open.tell() != self._size:
                raise ExploreError(f"Only a part of {self._name} arrived. Choose it again.")
            path = Path(self._open.name)
            self._close()
            self._taken(path, self._name, given)

    def _start(self, given: str, name: str, size: Any) -> None:
        self._close()
        if not isinstance(size, int) or size <= 0:
            raise ExploreError(f"{name} is empty: there is nothing in the file.")
        if size > self.most_bytes:
            raise ExploreError(
                f"{name} has {size / 2**20:.0f} MB, and {self.most_bytes / 2**20:.0f} MB are allowed. Cut it, or save it "
                "as mp3 or ogg."
            )
        for old in Path(self._folder.name).iterdir():
            with contextlib.suppress(OSError):  # Windows keeps what is being read
                old.unlink()
        self._count += 1
        self._id, self._name, self._size = given, name, size
        self._open = open(Path(self._folder.name) / f"sound{self._count}", "wb")  # noqa: SIM115 (closed in _close)

    def _piece(self, at: Any, buffers: list[memoryview]) -> None:
        assert self._open is not None
        if len(buffers) != 1 or at != self._open.tell() or at + buffers[0].nbytes > self._size:
            raise ExploreError(f"{self._name} arrived in disorder. Choose it again.")
        self._open.write(buffers[0])
        self.send({"kind": "got", "id": self._id, "bytes": self._open.tell()})

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open, self._id = None, ""
