"""Killed, interrupted, or started twice at once, real processes end with the files of an undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.errors import MissingError
from openmic_explore.features import LogMel, open_features, write_features
from openmic_explore.features.store import feature_folder
from openmic_explore.features.writer import claimed
from tests.features.short import CLIPS, content, copy, key, quieter, write_short

ROOT = Path(__file__).parents[2]
MANY = 36
# Tells when the work begins, and notes what is done after every third row, as it is after some seconds of a real run.
SCRIPT = """
import sys
from openmic_explore import OpenMIC
from openmic_explore.features import write_features, work, writer
writer.SYNC_ROWS = 3
data, original = OpenMIC(sys.argv[1]), work.run
def run(task):
    print(task.key, flush=True)
    return original(task)
work.run = run
print("begun", flush=True)
write_features(data, jobs=1, progress=False)
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """36 clips, and the features that an undisturbed run makes of them."""
    folder = write_short(tmp_path_factory.mktemp("many") / "data", MANY)
    done = copy(folder, folder.with_name("done"))
    write_features(OpenMIC(done), jobs=1, progress=False)
    return folder, content(done)


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_killed_again_and_again_it_still_ends_with_the_same_files(many, tmp_path):
    source, expected = many
    folder = copy(source, tmp_path / "data")
    rng = random.Random(0)
    computed, killed = [], 0
    for _ in range(5):
        process = start("-c", SCRIPT, folder)
        assert process.stdout.readline() == "begun\n"
        for _ in range(rng.randint(1, 6)):
            computed += process.stdout.readline().split()
        time.sleep(rng.uniform(0, 0.01))  # in the middle of whatever it does
        process.kill()
        computed += process.stdout.read().split()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        for kind in ("log_mel", "scalogram"):  # never half a feature
            try:
                assert len(open_features(folder, kind).row) == MANY
            except MissingError:
                continue
    assert killed >= 2
    process = start("-c", SCRIPT, folder)
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert content(folder) == expected
    computed += told.split()[1:]
    # At most three rows and the one at work are lost by a kill.
    assert MANY <= len(computed) <= MANY + 4 * killed
    assert len(set(computed)) == MANY


SLOW = """
import time
from pathlib import Path
import numpy as np
class Slow:
    name, rate, frame_length, dimension = "slow", 44100, 0.1, 2
    def __call__(self, samples, rate=44100):
        time.sleep(0.1)
        found = np.abs(np.fft.rfft(samples)).argmax() % 251
        (Path(__file__).parent / "seen" / f"{found}").touch()
        return np.full((5, 2), found, np.uint8)
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups to send Ctrl-C to")
def test_ctrl_c_is_one_sentence_and_the_same_command_goes_on(short_once, tmp_path, jobs):
    folder, seen = copy(short_once, tmp_path / "data"), tmp_path / "seen"
    (tmp_path / "slow.py").write_text(SLOW)
    seen.mkdir()
    arguments = ["-m", "openmic_explore.cli", "features", str(folder), "--jobs", jobs, "--only", "embedding"]
    arguments += ["--embedding", f"{tmp_path / 'slow.py'}:Slow"]
    process = start(*arguments, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(seen.iterdir())) < 5 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "openmic-explore: interrupted. The same command goes on where it stopped.\n"
    assert told == ""
    assert "slow/index.json" not in content(folder)
    for file in seen.iterdir():
        file.unlink()
    again = start(*arguments)
    assert "slow" in again.communicate(timeout=60)[0]
    assert again.returncode == 0
    assert 0 < len(list(seen.iterdir())) < CLIPS  # the rest was kept
    assert set(content(folder)) == {"slow/index.json", "slow/values.npy"}
    store = open_features(folder, "slow")
    pitches = [(200 + 100 * clip) // 2 % 251 for clip in range(CLIPS)]  # bins of 2 Hz
    assert [int(store.values[store.row[key(clip)]].max()) for clip in range(CLIPS)] == pitches


def test_two_at_once_never_mix(many, tmp_path):
    folder = copy(many[0], tmp_path / "data")
    with (
        claimed(feature_folder(folder, "scalogram")),
        pytest.raises(ExploreError, match=r"Another process is computing .*scalogram\. Wait"),
    ):
        write_features(OpenMIC(folder), jobs=1, progress=False)
    first, second = start("-c", SCRIPT, folder), start("-c", SCRIPT, folder)
    errors = [process.communicate(timeout=60)[1] for process in (first, second)]
    codes = sorted((first.returncode, second.returncode))
    assert codes in ([0, 0], [0, 1])
    if codes == [0, 1]:
        assert any("Another process is computing" in error for error in errors)
    assert content(folder) == many[1]


def test_another_version_of_the_same_clips_may_be_computed_meanwhile(data):
    with claimed(feature_folder(data.path, "log_mel")):
        write_features(data, [LogMel()], version=1, augment=quieter, jobs=1, progress=False)
    assert set(content(data.path)) == {"log_mel.1/values.npy", "log_mel.1/index.json"}
