"""A download that is killed, interrupted, or has no room: the next call goes on, and no litter is left."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openmic_explore.data.download import ARCHIVE
from tests.bad_line import BadLine, Fault, get, md5, names, ranges, tree

ROOT = Path(__file__).parents[2]


def python(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


LIMITED = """
import resource, sys
from openmic_explore import ExploreError
from openmic_explore.data.download import download
target, source, md5, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    download(target, source=source, md5=md5)
except ExploreError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_keeps_what_has_arrived(line, packed, whole, tmp_path):
    """A limit on file sizes fails in the same call as a full disk does, after a write that was cut short."""
    done = python(LIMITED, tmp_path, line.url, md5(line.body), 150_001).communicate()
    assert "could not be written (File too large). What has arrived is kept, 150,001 bytes. Make room" in done[0]
    assert names(tmp_path) == [f"{ARCHIVE}.part", f"{ARCHIVE}.part.json"]
    assert tree(get(tmp_path, line)[0]) == whole
    assert ranges(line) == [0, 150_001]
    done = python(LIMITED, tmp_path / "b", packed, md5(line.body), 5000).communicate()
    assert "could not be written while unpacking (File too large). The archive is kept" in done[0]
    assert names(tmp_path / "b") == []
    assert packed.read_bytes() == line.body


RUN = """
import sys
from openmic_explore.cli import main
sys.exit(main(["download", "--to", sys.argv[1], "--from", sys.argv[2], "--md5", sys.argv[3]]))
"""


def wait_until(line: BadLine, sent: int) -> None:
    end = time.monotonic() + 30
    while line.sent < sent and time.monotonic() < end:
        time.sleep(0.002)
    assert line.sent >= sent


def test_killed_while_fetching_and_interrupted(line, whole, tmp_path):
    line.always = Fault(pause=0.004)
    for share in (0.2, 0.6):
        process = python(RUN, tmp_path, line.url, md5(line.body))
        wait_until(line, int(share * len(line.body)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert (tmp_path / f"{ARCHIVE}.part").stat().st_size > 0
    process = python(RUN, tmp_path, line.url, md5(line.body))
    wait_until(line, int(0.9 * len(line.body)))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "interrupted. The same command goes on where it stopped." in said
    line.always = Fault()
    assert tree(get(tmp_path, line, size=None)[0]) == whole
    assert names(tmp_path) == ["openmic-2018"]
    assert sorted(ranges(line)) == ranges(line)
    assert len(set(ranges(line))) == 4


def test_on_a_terminal_there_is_a_bar_with_the_time_left(line, tmp_path):
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    line.always = Fault(pause=0.008)
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-c", RUN, tmp_path, line.url, md5(line.body)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=inside, stderr=inside)
    os.close(inside)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is left
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert process.wait() == 0
    assert re.search(rb"\d%\|.*\d+k/\d+k \[\d\d:\d\d<\d\d:\d\d, .*B/s\]", shown), shown


# A process that kills itself at the n-th step that it does to the disk, and then starts again; all that in children of
# one process, so that the modules are read once.
NURSERY = """
import json, os, signal, sys
from pathlib import Path
from openmic_explore.data.download import download
import pooch, requests, tqdm.auto, filelock
place, source, md5, damage, steps = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], json.loads(sys.argv[5])

def child(target, kill):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    count = 0
    def hook(event, arguments):
        nonlocal count
        ours = event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree")
        if ours and str(target) in str(arguments[0]):
            count += 1
            if count == kill:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    download(target, source=source, md5=md5)
    (target.parent / (target.name + ".steps")).write_text(str(count))
    os._exit(0)

def spoil(target):
    if damage == "yes":
        assert child(target, 0) == 0
        for path in sorted((target / "openmic-2018").glob("vggish/*/*"))[:5]:
            path.write_bytes(b"?")
        next((target / "openmic-2018").glob("audio/*/*")).unlink()

target = place / "all"
spoil(target)
assert child(target, 0) == 0
total = int((place / "all.steps").read_text())
report = {"total": total, "killed": []}
for kill in sorted({round(1 + share * (total - 1)) for share in steps}):
    target = place / f"killed-{kill}"
    spoil(target)
    if child(target, kill) == signal.SIGKILL:
        report["killed"].append(kill)
    assert child(target, 0) == 0, kill
print(json.dumps(report))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes fork")
@pytest.mark.parametrize("damage", ["no", "yes"])
def test_killed_at_any_step_and_started_again(line, whole, tmp_path, damage):
    """On demand at more of them: OPENMIC_EXPLORE_KILLS=50."""
    count = int(os.environ.get("OPENMIC_EXPLORE_KILLS", "12"))
    shares = [number / (count - 1) for number in range(count)]
    out, errors = python(NURSERY, tmp_path, line.url, md5(line.body), damage, json.dumps(shares)).communicate()
    assert out, errors
    report = json.loads(out)
    assert report["total"] > 100
    assert report["killed"] == sorted({round(1 + share * (report["total"] - 1)) for share in shares})
    for kill in report["killed"]:
        target = tmp_path / f"killed-{kill}"
        assert tree(target / "openmic-2018") == whole, kill
        assert names(target) == ["openmic-2018"], kill
