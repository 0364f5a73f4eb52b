"""A web server on this machine that serves one file as badly as it is told to."""

import contextlib
import hashlib
import http.server
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from openmic_explore.data.download import download


@dataclass(frozen=True)
class Fault:
    """What is wrong with one answer; by default nothing is.

    cut: bytes of the body after which the connection is closed, by a reset if `reset`. ranges: are they honoured?
    headers: in place of the right ones, left out where None. status: without the file. body: something else.
    flip: place in the file of a byte that is wrong. chunked: without a length. lasts: for how many requests.
    pause: seconds after every 4 KiB.
    """

    cut: int | None = None
    reset: bool = False
    ranges: bool = True
    headers: dict[str, str | None] = field(default_factory=dict)
    status: int | None = None
    body: bytes | None = None
    flip: int | None = None
    chunked: bool = False
    pause: float = 0.0
    lasts: int = 1


class BadLine:
    """`faults` are used up one after the other, then it is `always`. asked: (Range, If-Range) of every request.

    sent: bytes of bodies so far. honours_if_range: does the server look at it, as RFC 9110 wants?
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.etag: str | None = '"one"'
        self.honours_if_range = True
        self.faults: list[Fault] = []
        self.always = Fault()
        self.asked: list[tuple[str | None, str | None]] = []
        self.sent = 0
        self.url = ""

    def next_fault(self) -> Fault:
        if not self.faults:
            return self.always
        fault = self.faults.pop(0)
        if fault.lasts > 1:
            self.faults.insert(0, replace(fault, lasts=fault.lasts - 1))
        return fault


class _Handler(http.server.BaseHTTPRequestHandler):
    line: BadLine
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        line = self.line
        if self.path.startswith("/again"):
            self.send_response(302)
            self.send_header("Location", "/archive.tgz" if self.path == "/again" else self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted, version = self.headers.get("Range"), self.headers.get("If-Range")
        line.asked.append((wanted, version))
        fault = line.next_fault()
        body = line.body if fault.body is None else fault.body
        if fault.flip is not None:
            body = body[: fault.flip] + bytes([body[fault.flip] ^ 1]) + body[fault.flip + 1 :]
        start, status = 0, fault.status or 200
        changed = line.honours_if_range and version is not None and version != line.etag
        if wanted and fault.ranges and not changed and not fault.status:
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
        headers: dict[str, str | None] = {"ETag": line.etag, "Content-Type": "application/gzip"}
        if status == 206 and start >= len(body):
            status, headers["Content-Range"] = 416, f"bytes */{len(body)}"
        elif status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        rest = body[start:] if status in (200, 206) else b""
        headers |= {"Transfer-Encoding": "chunked"} if fault.chunked else {"Content-Length": str(len(rest))}
        self.send_response(status)
        for name, value in (headers | fault.headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.send(rest, fault)

    def send(self, rest: bytes, fault: Fault) -> None:
        whole = fault.cut is None or fault.cut >= len(rest)
        chosen = rest if whole else rest[: fault.cut]
        for place in range(0, len(chosen), 4096):
            piece = chosen[place : place + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if fault.chunked else piece)
            self.line.sent += len(piece)
            time.sleep(fault.pause)
        if whole and fault.chunked:
            self.wfile.write(b"0\r\n\r\n")
        if not whole or fault.headers:  # a length that is not right would be waited for
            self.close_connection = True
            self.wfile.flush()
            if fault.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()


@contextlib.contextmanager
def bad_line(body: bytes) -> Iterator[BadLine]:
    """Serve `body` until the block ends."""
    line = BadLine(body)
    handler = type("Handler", (_Handler,), {"line": line})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True).start()
        line.url = f"http://127.0.0.1:{server.server_port}/archive.tgz"
        yield line
        server.shutdown()


def get(target: Path, line: BadLine, **options: object) -> tuple[Path, list[float]]:
    """Download what the line serves without waiting; returns the folder and the waits that were asked for."""
    waits: list[float] = []
    known = {"source": line.url, "md5": md5(line.body), "size": len(line.body), "sleep": waits.append}
    return download(target, **(known | options)), waits  # type: ignore[arg-type]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def ranges(line: BadLine) -> list[int]:
    """The first byte of every request."""
    return [int((wanted or "bytes=0-")[6:-1]) for wanted, _ in line.asked]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
