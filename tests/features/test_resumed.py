"""Cut off at any moment, a run leaves the features as they were, and the next one goes on with what was done."""

import contextlib
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from openmic_explore import OpenMIC
from openmic_explore.errors import MissingError
from openmic_explore.features import LogMel, Scalograms, open_features, work, write_features, writer
from openmic_explore.features.store import feature_folder
from openmic_explore.features.writer import beside
from tests.features.short import CLIPS, content, copy, key, write_clip


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


def mend(folder):
    """What the next call does; once the index is written, it computes nothing again."""
    whole = (beside(feature_folder(folder, "log_mel"), "part") / "index.json").exists()
    report = write_features(OpenMIC(folder), [LogMel()], jobs=1, progress=False)
    assert not (whole and report.computed)


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
        mend(folder)
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
        mend(folder)
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
    rows.write_bytes(rows.read_bytes()[:-2])  # [3, CRC-32]\n without its end
    again = stop_after(2)
    with pytest.raises(Cut):
        write(data)
    last = stop_after(99)
    write(data)
    assert [*again, *last] == [key(clip) for clip in range(3, CLIPS)]


def test_rows_that_the_disk_has_lost_are_computed_again(data, stop_after):
    stop_after(4)
    with pytest.raises(Cut):
        write(data)
    values = data.path / "features" / ".log_mel.part" / "values.npy"
    content = bytearray(values.read_bytes())
    size = (len(content) - 128) // CLIPS
    content[128 + size + 7] ^= 1  # in the second clip's row
    values.write_bytes(content)
    again = stop_after(99)
    write(data)
    assert again == [key(1), *(key(clip) for clip in range(4, CLIPS))]
    store = open_features(data.path, "log_mel")
    assert (store.picture(key(1)).values == LogMel().compute(*data.audio(key(1)))).all()


def test_rows_that_were_being_taken_over_are_still_there(data, stop_after, monkeypatch):
    stop_after(5)
    with pytest.raises(Cut):
        write(data)
    for clip in (CLIPS, CLIPS + 1):  # twice the clips change, and each time the run is cut off at once
        write_clip(data.path, clip)
        with monkeypatch.context() as patch, pytest.raises(Cut):
            patch.setattr(writer.Writer, "take_over", cut)
            write(data)
    last = stop_after(99)
    write(data)
    assert last == [key(clip) for clip in range(5, CLIPS + 2)]


def cut(*arguments):
    raise Cut


def test_a_feature_that_was_set_aside_comes_back_if_its_successor_is_gone(data):
    write(data)
    expected = content(data.path)
    folder = feature_folder(data.path, "log_mel")
    folder.rename(beside(folder, "old"))
    assert write(data).computed == 0
    assert content(data.path) == expected
