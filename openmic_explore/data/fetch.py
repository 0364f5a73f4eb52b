"""One large file over a bad line: what has arrived survives a cut or a kill, and two versions are never mixed.

Beside the file PART lies PART.json: where it comes from, and the ETag or Last-Modified of the version that it is a
piece of. Ranges, If-Range and Content-Range are those of RFC 9110, sections 13 and 14.
"""

import http.client
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openmic_explore.errors import ExploreError

if TYPE_CHECKING:
    from requests import Response, Session

CHUNK = 2**16  # bytes: what a cut connection can cost
_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # a server says so while it is busy
_STATE_BYTES = 2**14
# What names a version, and may be sent back in a header.
_VERSION = {"etag": r'"[\x21\x23-\x7e]{1,200}"', "modified": r"[\w,: +-]{1,60}"}


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds.

    tries: attempts in a row that bring less than a thousandth of the file before it is given up. first, longest: the
    wait after the first such attempt, doubled after each, and its bound. asked: the longest Retry-After that is waited.
    connect, read: silence after which a connection counts as cut.
    """

    tries: int = 6
    first: float = 1.0
    longest: float = 60.0
    asked: float = 300.0
    connect: float = 20.0
    read: float = 60.0


class _CutError(Exception):
    """This attempt came to nothing, another may not. wait: seconds the server asks for; ranges: may they be asked for?"""

    def __init__(self, reason: str, *, wait: float | None = None, ranges: bool = True) -> None:
        super().__init__(reason)
        self.wait = wait
        self.ranges = ranges


def fetch(
    url: str,
    part: Path,
    *,
    size: int | None = None,
    most: int = 2**36,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Bring what `url` holds into the file `part`, going on where an earlier call was cut off.

    size: of the whole in bytes, where it is known; never more than `most` bytes are written. Whether the bytes are the
    right ones is not judged here. Raises ExploreError when the server refuses, is of no use, or is silent for too long,
    and when the disk is full; `part` then holds what has arrived.
    """
    import requests
    from tqdm.auto import tqdm

    patience = patience or Patience()
    session = requests.Session()
    session.max_redirects = 10
    bar = tqdm(total=size, initial=_size(part), desc=part.stem, unit="B", unit_scale=True, disable=not progress)
    failures, furthest, ranges = 0, _size(part), True
    with session, bar:
        while True:
            try:
                return _attempt(session, url, part, size, most, ranges, patience, bar)
            except _CutError as cut:
                ranges = ranges and cut.ranges
                # A server that sends a byte and hangs up is no help either.
                if _size(part) >= furthest + max(1, (size or furthest) // 1000):
                    failures, furthest = 0, _size(part)
                failures += 1
                wait = min(patience.first * 2 ** (failures - 1), patience.longest)
                if cut.wait is not None and cut.wait > patience.asked:
                    failures, cut.args = patience.tries, (f"{cut} and asks to wait {cut.wait:,.0f} s",)
                if failures >= patience.tries:
                    raise ExploreError(
                        f"{url} could not be fetched: {cut}. {_kept(part)} Run the same command later to go on."
                    ) from cut
                wait = max(wait, cut.wait or 0.0)
                if tell:
                    bar.clear()
                    tell(f"{cut}; going on in {wait:.0f} s, at {_size(part):,} bytes")
                sleep(wait)


def state_file(part: Path) -> Path:
    """Where it is noted which version `part` is a piece of."""
    return part.with_name(part.name + ".json")


def _attempt(
    session: "Session", url: str, part: Path, size: int | None, most: int, ranges: bool, patience: Patience, bar: Any
) -> None:
    """Ask once, and write what comes. Raises _CutError when another attempt may do better."""
    import requests
    from urllib3.exceptions import HTTPError

    have = _size(part)
    if size is not None and have >= size:
        os.truncate(part, size)  # what hangs over was never a piece of it
        return
    kept = _read_state(part, url)
    headers = {"Accept-Encoding": "identity"}  # the bytes as they are, and their number
    if have and ranges:
        headers["Range"] = f"bytes={have}-"
        version = kept.get("etag") or kept.get("modified")
        if version:
            headers["If-Range"] = version
    try:
        response = session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
    except (
        requests.TooManyRedirects,
        requests.exceptions.SSLError,
        ValueError,
    ) as error:  # ValueError: no such address
        raise ExploreError(f"{url} could not be fetched: {_first_line(error)}.") from error
    except (requests.RequestException, HTTPError, http.client.HTTPException, OSError) as error:
        raise _CutError(f"no answer ({_first_line(error)})") from error
    with response:
        start, total = _understand(response, url, have if "Range" in headers else 0, size)
        if start == total:
            return
        found = _version(response)
        if start and any(found[name] != kept[name] for name in found.keys() & kept.keys()):
            raise _CutError("the file has changed at the server since the last attempt", ranges=False)
        limit = most if total is None else min(most, total)
        with _writing(part, partial(_opened, part, start)) as file:
            if not start:
                # In this order: a piece of the old version never stands beside the name of the new one.
                _writing(part, lambda: state_file(part).write_text(json.dumps({"url": url, **found})))
            have = bar.n = start
            bar.total = total
            bar.refresh()
            try:
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    _writing(part, partial(write_all, file, chunk[: limit - have]))
                    have += min(len(chunk), limit - have)
                    bar.update(have - bar.n)
                    if have >= limit:
                        break
            except (HTTPError, http.client.HTTPException, OSError) as error:
                raise _CutError(f"the connection was cut ({_first_line(error)})") from error
    if total is not None and have < total:
        raise _CutError("the connection was cut")


def _understand(response: "Response", url: str, asked: int, size: int | None) -> tuple[int, int | None]:
    """At which byte the body begins, and how long the whole is; the same number twice when nothing is left to come.

    asked: the first byte that was asked for. Raises _CutError, or ExploreError when it is no use to ask again.
    """
    status, headers = response.status_code, response.headers
    if status in _AGAIN:
        raise _CutError(
            f"the server answers {status} ({response.reason})", wait=_retry_after(headers.get("Retry-After"))
        )
    if status == 416 and asked:
        if headers.get("Content-Range", "").replace(" ", "") == f"bytes*/{asked}" and size in (None, asked):
            return asked, asked
        raise _CutError("the server has no such range", ranges=False)
    if status not in (200, 206):
        raise ExploreError(
            f"{url} could not be fetched: the server answers {status} ({response.reason}). Has it moved? Give another "
            "address, or a file that was fetched by other means: --from URL-or-file"
        )
    if headers.get("Content-Type", "").startswith("text/html"):
        raise ExploreError(
            f"{url} answers with a web page, not with the archive. Does this network want you to sign in first?"
        )
    start, total = 0, None
    if status == 206:
        found = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)", headers.get("Content-Range", "").strip())
        if not found or int(found[1]) != asked or (size and found[2] not in (str(size), "*")):
            raise _CutError("the server sends another range than was asked for", ranges=False)
        start, total = asked, size if found[2] == "*" else int(found[2])
    elif re.fullmatch(r"\d{1,15}", headers.get("Content-Length", "")) and "Transfer-Encoding" not in headers:
        total = int(headers["Content-Length"])
    if size is not None and total not in (None, size):
        raise ExploreError(f"What {url} has is not the archive: it has {total:,} bytes, not {size:,}.")
    return start, size if total is None else total


def _version(response: "Response") -> dict[str, str]:
    """ETag and Last-Modified, where they can be used in If-Range: a weak ETag cannot."""
    return _usable({"etag": response.headers.get("ETag"), "modified": response.headers.get("Last-Modified")})


def _read_state(part: Path, url: str) -> dict[str, str]:
    """ETag and Last-Modified of the version that `part` is a piece of; empty where they are not known."""
    try:
        with open(state_file(part), "rb") as file:
            state = json.loads(file.read(_STATE_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return _usable(state) if isinstance(state, dict) and state.get("url") == url else {}


def _usable(state: dict[str, Any]) -> dict[str, str]:
    return {
        name: state[name]
        for name, pattern in _VERSION.items()
        if isinstance(state.get(name), str) and re.fullmatch(pattern, state[name], re.ASCII)
    }


def _retry_after(text: str | None) -> float | None:
    """Seconds that a Retry-After asks for, given as such or as a date; None without one that can be read."""
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _kept(part: Path) -> str:
    return f"What has arrived is kept, {_size(part):,} bytes." if _size(part) else "Nothing has arrived so far."


def _first_line(error: BaseException) -> str:
    """What went wrong in a few words: the innermost cause that has any, without the names of Python objects."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, http.client.IncompleteRead):
        return "before the end"
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return re.sub(r"<[^>]*>:? ?", "", text).splitlines()[0][:200]


def write_all(file: Any, data: bytes) -> None:
    """Write to an unbuffered file, which may take less at once than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _opened(part: Path, start: int) -> Any:
    """The part, open for writing behind its first `start` bytes; unbuffered, so that a kill loses nothing written."""
    file = open(part, "ab", buffering=0)  # noqa: SIM115 (the caller closes it)
    try:
        file.truncate(start)
    except OSError:
        file.close()
        raise
    return file


def _writing(part: Path, act: Callable[[], Any]) -> Any:
    """Do something to the disk, whose errors are not the server's."""
    try:
        return act()
    except OSError as error:
        raise ExploreError(
            f"{part} could not be written ({error.strerror or error}). {_kept(part)} Make room there and run the same "
            "command again to go on."
        ) from error
