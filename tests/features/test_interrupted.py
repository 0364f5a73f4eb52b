"""Cut off at any moment, a run leaves the features as they were, and the next one ends with the same files."""

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.errors import MissingError
from openmic_explore.features import LogMel, Scalograms, open_features, work, write_features, writer
from openmic_explore.features.store import feature_folder
from openmic_explore.features.writer import beside, claimed
from tests.features.short import CLIPS, content, copy, key, quieter, write_clip, write_short

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
    start = time.monotonic()
    write_features(OpenMIC(done), jobs=1, progress=False)
    return folder, content(done), time.monotonic() - start


def start(code_or_arguments, folder, **options):
    arguments = ["-c", SCRIPT, str(folder)] if code_or_arguments == SCRIPT else code_or_arguments
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_killed_again_and_again_it_still_ends_with_the_same_files(many, tmp_path):
    source, expected, seconds = many
    folder = copy(source, tmp_path / "data")
    rng = random.Random(0)
    computed, killed = [], 0
    for _ in range(5):
        process = start(SCRIPT, folder)
        assert process.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0.02, 0.4 * seconds))
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
    process = start(SCRIPT, folder)
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
    process = start(arguments, folder, start_new_session=True)
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
    again = start(arguments, folder)
    assert "slow" in again.communicate(timeout=60)[0]
    assert again.returncode == 0
    assert 0 < len(list(seen.iterdir())) < CLIPS  # the rest was kept
    assert set(content(folder)) == {"slow/index.json", "slow/values.npy"}
    store = open_features(folder, "slow")
    pitches = [(200 + 100 * clip) // 2 % 251 for clip in range(CLIPS)]  # bins of 2 Hz
    assert [int(store.values[store.row[key(clip)]].max()) for clip in range(CLIPS)] == pitches


def cut_at(step: int, folder: Path) -> None:
    """Compute, but end the process, as a kill would, just before its step-th change of the disk."""
    count = 0

    def counted(function):
        def call(*arguments, **options):
            nonlocal count
            count += 1
            if count == step:
                os._exit(9)
            return function(*arguments, **options)

        return call

    writer.SYNC_ROWS = 2
    os.replace, os.fsync, shutil.rmtree = counted(os.replace), counted(os.fsync), counted(shutil.rmtree)
    Path.unlink, Path.mkdir, Path.touch = counted(Path.unlink), counted(Path.mkdir), counted(Path.touch)
    Path.write_text = counted(Path.write_text)
    write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)
    os._exit(0)


def cut_everywhere(begin, check):
    """Call `check` after cuts at every step, until a run comes to its end; returns how many steps that takes."""
    fork = multiprocessing.get_context("fork")
    for step in range(1, 100):
        folder = begin(step)
        process = fork.Process(target=cut_at, args=(step, folder))
        process.start()
        process.join()
        assert process.exitcode in (0, 9)
        with contextlib.suppress(MissingError):  # there or not, but never half
            open_features(folder, "log_mel")
        check(folder)
        if process.exitcode == 0:
            return step
    raise AssertionError("it never ended")


needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs processes that go on from here"
)


@needs_fork
def test_cut_at_every_step_of_a_first_run_the_next_one_mends_it(short_once, tmp_path):
    expected = {}

    def begin(step):
        folder = copy(short_once, tmp_path / str(step))
        for clip in range(4, CLIPS):
            (folder / "audio" / "000" / f"{key(clip)}.ogg").unlink()
        return folder

    def check(folder):
        write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)
        found = content(folder)
        assert found == expected.setdefault("files", found)
        assert set(found) == {"log_mel/values.npy", "log_mel/index.json"}
        shutil.rmtree(folder)

    assert cut_everywhere(begin, check) > 10


@needs_fork
def test_cut_at_every_step_of_a_later_run_nothing_is_lost_that_cannot_be_made_again(short_once, tmp_path):
    """The first clips' audio is gone, so that the old feature has the only copy of their rows."""
    base = copy(short_once, tmp_path / "base")
    for clip in range(4, CLIPS):
        (base / "audio" / "000" / f"{key(clip)}.ogg").unlink()
    write_features(OpenMIC(base), [LogMel()], jobs=1, progress=False)
    old = open_features(base, "log_mel").values.copy()
    shutil.rmtree(base / "audio")
    write_clip(base, 4)
    write_clip(base, 5)
    expected = {}

    def begin(step):
        return copy(base, tmp_path / str(step))

    def check(folder):
        write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)
        store = open_features(folder, "log_mel")
        assert list(store.row) == [key(clip) for clip in range(6)]
        assert (store.values[:4] == old).all()
        found = content(folder)
        assert found == expected.setdefault("files", found)
        assert set(found) == {"log_mel/values.npy", "log_mel/index.json"}
        shutil.rmtree(folder)

    assert cut_everywhere(begin, check) > 10


class Cut(BaseException):
    """Ends a run, as Ctrl-C does."""


@pytest.fixture
def stop_after(monkeypatch):
    """Let a run with jobs=1 compute so many clips and no more; returns what was computed."""

    def arm(count):
        computed = []
        original = run

        def counted(task):
            if len(computed) == count:
                raise Cut
            computed.append(task.key)
            return original(task)

        monkeypatch.setattr(work, "run", counted)
        return computed

    run = work.run
    return arm


def write(data, *kinds, **options):
    return write_features(data, kinds or (LogMel(),), **{"jobs": 1, "progress": False} | options)


def test_a_run_for_other_clips_goes_on_with_what_was_done_too(data, stop_after):
    first = stop_after(5)
    with pytest.raises(Cut):
        write(data)
    assert len(first) == 5
    write_clip(data.path, CLIPS)  # new audio, and some is gone
    data.audio_path(key(8)).unlink()
    second = stop_after(1)
    with pytest.raises(Cut):
        write(data)
    third = stop_after(99)
    write(data)
    assert sorted([*first, *second, *third]) == [key(clip) for clip in range(10) if clip != 8]
    store = open_features(data.path, "log_mel")
    for clip in store.keys:
        assert (store.picture(clip).values == LogMel().compute(*data.audio(clip))).all()
    assert set(content(data.path)) == {"log_mel/values.npy", "log_mel/index.json"}


def test_a_run_with_other_parameters_begins_anew_and_leaves_nothing_of_the_first(data, stop_after):
    stop_after(5)
    with pytest.raises(Cut):
        write(data, Scalograms())
    second = stop_after(99)
    write(data, Scalograms(scales=16))
    assert len(second) == CLIPS
    stop_after(5)
    with pytest.raises(Cut):
        write(data, Scalograms())
    assert beside(feature_folder(data.path, "scalogram"), "part").exists()
    assert open_features(data.path, "scalogram").values.shape[1] == 16  # the old one stays until the new one is whole
    write(data, Scalograms(scales=16))  # and if that is wanted after all, what was begun goes
    assert set(content(data.path)) == {"scalogram/values.npy", "scalogram/index.json"}


def test_a_clip_that_is_mended_while_a_run_is_cut_off_is_computed(data, stop_after):
    sound = data.audio_path(key(0)).read_bytes()
    data.audio_path(key(0)).write_bytes(b"no sound")
    stop_after(3)
    with pytest.raises(Cut):
        write(data)
    data.audio_path(key(0)).write_bytes(sound)
    stop_after(99)
    assert write(data).left_out == {}
    assert key(0) in open_features(data.path, "log_mel")


@pytest.mark.parametrize("file", ["values.npy", "draft.json", "rows.jsonl"])
@pytest.mark.parametrize("damage", [b"", b"[99]\n", b'{"keys": 1}', b"[[0]]\n", b"[0, 1, 2]\n", b'["0"]\n', b"\xff\n"])
def test_what_a_cut_left_is_not_trusted(data, stop_after, file, damage):
    stop_after(4)
    with pytest.raises(Cut):
        write(data)
    (data.path / "features" / ".log_mel.part" / file).write_bytes(damage)
    again = stop_after(99)
    write(data)
    assert len(again) == CLIPS
    store = open_features(data.path, "log_mel")
    assert (store.picture(key(0)).values == LogMel().compute(*data.audio(key(0)))).all()


def test_a_line_that_was_cut_off_costs_one_clip(data, stop_after):
    stop_after(4)
    with pytest.raises(Cut):
        write(data)
    rows = data.path / "features" / ".log_mel.part" / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-2])  # [3]\n without its end
    again = stop_after(99)
    write(data)
    assert again == [key(clip) for clip in range(3, CLIPS)]


def test_two_at_once_never_mix(many, tmp_path):
    folder = copy(many[0], tmp_path / "data")
    with (
        claimed(feature_folder(folder, "scalogram")),
        pytest.raises(ExploreError, match=r"Another process is computing .*scalogram\. Wait"),
    ):
        write_features(OpenMIC(folder), jobs=1, progress=False)
    first, second = start(SCRIPT, folder), start(SCRIPT, folder)
    errors = [process.communicate(timeout=60)[1] for process in (first, second)]
    codes = sorted((first.returncode, second.returncode))
    assert codes in ([0, 0], [0, 1])
    if codes == [0, 1]:
        assert any("Another process is computing" in error for error in errors)
    assert content(folder) == many[1]


def test_another_version_of_the_same_clips_may_be_computed_meanwhile(data):
    with claimed(feature_folder(data.path, "log_mel")):
        write(data, version=1, augment=quieter)
    assert set(content(data.path)) == {"log_mel.1/values.npy", "log_mel.1/index.json"}
