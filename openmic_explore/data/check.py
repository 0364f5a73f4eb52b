"""What of a data folder is complete, what is missing, and what is damaged."""

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from openmic_explore.data.openmic import OpenMIC
from openmic_explore.errors import ExploreError, MissingError


class Finding(NamedTuple):
    """One piece of the folder: state is "complete", "partial", "missing" or "damaged", detail says how far."""

    piece: str
    state: str
    detail: str


def check(path: str | Path) -> list[Finding]:
    """Look at every piece of a folder in OpenMIC-2018's layout.

    Tables and features are read whole; of the audio it is only checked that the files are there.
    Returns one Finding a piece. Raises nothing for what is wrong inside the folder, ExploreError when there is no folder.
    """
    if not Path(path).expanduser().is_dir():
        OpenMIC(path)  # raises the sentence that says so
    try:
        data = OpenMIC(path)
    except ExploreError as error:
        return [Finding("labels", "damaged", str(error))]
    return [
        _finding("labels", partial(_labels, data)),
        *(_finding(f"{name} split", partial(_split, data, name)) for name in ("train", "test")),
        _finding("artists", partial(_artists, data)),
        _finding("embedding", partial(_embedding, data)),
        _finding("audio", partial(_audio, data)),
        _finding("activity", partial(_activity, data)),
    ]


def _finding(piece: str, look: Callable[[], tuple[str, str]]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a missing metadata file is not this piece's fault
            return Finding(piece, *look())
    except ExploreError as error:
        return Finding(piece, "missing" if isinstance(error, MissingError) else "damaged", str(error))


def _labels(data: OpenMIC) -> tuple[str, str]:
    present = int((data.label_state == 1).sum())
    return "complete", f"{len(data):,} clips, {int(data.mask.sum()):,} labels, {present:,} of them present"


def _split(data: OpenMIC, name: str) -> tuple[str, str]:
    parts = ("test",) if name == "test" else ("train", "validation")
    found = sum(len(data.split(part)) for part in parts)
    absent = data.missing[name]
    return ("partial" if absent else "complete"), f"{found:,} clips" + (
        f", {absent:,} more are listed" if absent else ""
    )


def _artists(data: OpenMIC) -> tuple[str, str]:
    if data.knows_artists:
        return "complete", "validation is cut by artist"
    return "missing", "no metadata: validation is cut by track only, and an artist may be on both sides"


def _embedding(data: OpenMIC) -> tuple[str, str]:
    clips, frames, dimension = data.embedding.shape
    return "complete", f"{data.embedding_name}: {clips:,} x {frames} frames x {dimension}"


def _audio(data: OpenMIC) -> tuple[str, str]:
    found = len(data.audio_keys)
    state = "complete" if found == len(data) else "partial" if found else "missing"
    return state, f"{found:,} of {len(data):,} clips"


def _activity(data: OpenMIC) -> tuple[str, str]:
    if data.activity is None:
        return "missing", "nobody knows when an instrument sounds; only teaching sets do"
    return "complete", f"frames of {data.activity.frame_length:g} s"
