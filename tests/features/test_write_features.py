"""Computing every clip: what is taken over, what is computed again, what is left out, and that it says so."""

import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.data.audio import write_ogg
from openmic_explore.features import LogMel, Scalograms, open_features, work, write_features
from tests.features.short import CLIPS, RATE, content, copy, key, quieter, write_clip


@pytest.fixture
def computed(monkeypatch):
    """The clips that were really computed, in order; for calls with jobs=1."""
    clips = []
    original = work.run

    def counted(task):
        clips.append(task.key)
        return original(task)

    monkeypatch.setattr(work, "run", counted)
    return clips


def write(data, *kinds, **options):
    return write_features(data, kinds or (LogMel(),), **{"jobs": 1, "progress": False} | options)


def test_one_process_or_two_make_the_same_files(folder, tmp_path):
    other = copy(folder, tmp_path / "other")
    report = write(OpenMIC(folder), LogMel(), Scalograms())
    write(OpenMIC(other), LogMel(), Scalograms(), jobs=2)
    assert content(folder) == content(other)
    assert set(content(folder)) == {
        f"{kind}/{file}" for kind in ("log_mel", "scalogram") for file in ("index.json", "values.npy")
    }
    assert (report.computed, report.reused, report.left_out, report.notes) == (CLIPS, 0, {}, [])
    assert report.folders["log_mel"] == folder / "features" / "log_mel"


def test_what_is_there_is_not_computed_again(data, computed):
    write(data)
    before = content(data.path)
    report = write(data)
    assert len(computed) == CLIPS
    assert (report.computed, report.reused) == (0, CLIPS)
    assert content(data.path) == before


def test_a_second_kind_computes_only_itself(data, computed):
    write(data)
    before = (data.path / "features" / "log_mel" / "index.json").stat().st_ino
    write(data, LogMel(), Scalograms())
    assert len(computed) == 2 * CLIPS
    assert (data.path / "features" / "log_mel" / "index.json").stat().st_ino == before


def test_new_audio_is_added_without_computing_the_rest(data, computed):
    write(data)
    old = np.array(open_features(data.path, "log_mel").values)
    shutil.rmtree(data.path / "audio")  # what is there stays, though its audio is gone
    for clip in (CLIPS, CLIPS + 1):
        write_clip(data.path, clip)
    computed.clear()
    report = write(data)
    assert computed == [key(CLIPS), key(CLIPS + 1)]
    assert report.computed == 2
    store = open_features(data.path, "log_mel")
    assert list(store.keys) == [key(clip) for clip in range(CLIPS + 2)]
    np.testing.assert_array_equal(store.values[:CLIPS], old)
    np.testing.assert_array_equal(store.values[CLIPS], LogMel().compute(*data.audio(key(CLIPS))))


def test_some_clips_may_be_chosen_and_others_follow(data, computed):
    write(data, keys=[key(5), key(2), key(5)])
    assert list(open_features(data.path, "log_mel").keys) == [key(5), key(2)]
    write(data)
    assert sorted(computed) == [key(clip) for clip in range(CLIPS)]
    store = open_features(data.path, "log_mel")
    for clip in range(CLIPS):
        np.testing.assert_array_equal(store.picture(key(clip)).values, LogMel().compute(*data.audio(key(clip))))


def test_clips_that_the_data_no_longer_has_are_dropped_when_it_is_written_again(data):
    write(data, keys=[key(0), key(1)])
    index = data.path / "features" / "log_mel" / "index.json"
    index.write_text(index.read_text().replace(key(0), "gone"))
    write(data, keys=[key(1)])
    assert list(open_features(data.path, "log_mel").keys) == ["gone", key(1)]
    write(data, keys=[key(1), key(2)])
    store = open_features(data.path, "log_mel")
    assert list(store.keys) == [key(1), key(2)]
    np.testing.assert_array_equal(store.picture(key(1)).values, LogMel().compute(*data.audio(key(1))))


def test_what_cannot_be_used_is_left_out_with_the_reason_until_its_file_changes(data, computed):
    sound = data.audio_path(key(3)).read_bytes()
    data.audio_path(key(3)).write_bytes(b"no sound")
    data.audio_path(key(4)).write_bytes(sound[: len(sound) // 2])
    data.audio_path(key(5)).write_bytes(b"")
    write_clip(data.path, 6, seconds=0.8)
    report = write(data, LogMel(), Scalograms())
    bad = [key(clip) for clip in (3, 4, 5, 6)]
    assert sorted(report.left_out) == bad
    assert report.computed == CLIPS - 4
    assert "could not be decoded" in report.left_out[key(3)]
    assert "0.80 s long, the other clips 0.50 s" in report.left_out[key(6)]
    store = open_features(data.path, "scalogram")
    assert sorted(set(store.keys) - set(store.row)) == bad
    assert (store.values[3] == 0).all()

    computed.clear()
    report = write(data, LogMel(), Scalograms())
    assert computed == []
    assert sorted(report.left_out) == bad
    assert report.reused == CLIPS - 4

    data.audio_path(key(3)).write_bytes(sound)
    report = write(data, LogMel(), Scalograms())
    assert computed == [key(3)]
    assert sorted(report.left_out) == bad[1:]
    store = open_features(data.path, "log_mel")
    np.testing.assert_array_equal(store.picture(key(3)).values, LogMel().compute(*data.audio(key(3))))
    assert [*store.keys] == [key(clip) for clip in range(CLIPS)]


def test_clips_of_nearly_the_same_length_and_of_other_rates_are_evened_out(data):
    write_clip(data.path, 1, seconds=0.47)
    write_clip(data.path, 2, seconds=0.53)
    write_clip(data.path, 3, seconds=0.5, rate=22050)
    write_clip(data.path, 4, seconds=0.5, rate=48000)
    assert write(data, LogMel(), Scalograms()).left_out == {}
    samples, rate = data.audio(key(1))
    padded = np.pad(samples, (0, RATE // 2 - len(samples)))
    np.testing.assert_array_equal(
        open_features(data.path, "log_mel").picture(key(1)).values, LogMel().compute(padded, rate)
    )
    cut = data.audio(key(2))[0][: RATE // 2]
    np.testing.assert_array_equal(
        open_features(data.path, "log_mel").picture(key(2)).values, LogMel().compute(cut, rate)
    )


def test_new_clips_that_are_a_little_longer_change_nothing_for_the_others(data, computed):
    write(data)
    for clip in range(CLIPS, 3 * CLIPS):
        write_clip(data.path, clip, seconds=0.51)
    computed.clear()
    assert write(data).notes == []
    assert computed == [key(clip) for clip in range(CLIPS, 3 * CLIPS)]


def test_changed_parameters_are_told_and_computed_again(data, computed):
    write(data, Scalograms())
    told = []
    report = write(data, Scalograms(scales=32, bins=16), tell=lambda note: told.append((note, len(computed))))
    assert report.computed == CLIPS
    assert len(told) == len(report.notes) == 1
    note, done = told[0]
    assert "bins 128 before, 16 now, scales 128 before, 32 now" in note
    assert done == CLIPS  # told ahead of the work
    assert open_features(data.path, "scalogram").values.shape == (CLIPS, 32, 16)


def test_versions_are_drawn_by_seed_beside_untouched_clips(data):
    write(data)
    plain = content(data.path)
    report = write(data, version=1, augment=quieter, seed=3)
    assert report.folders["log_mel"].name == "log_mel.1"
    write(data, version=2, augment=quieter, seed=3, jobs=2)
    stores = [open_features(data.path, "log_mel", version=k) for k in (0, 1, 2)]
    assert {name: file for name, file in content(data.path).items() if name in plain} == plain
    means = np.array([store.values.mean(axis=(1, 2)) for store in stores])
    assert (means[1:] < means[0]).all()
    assert (means[1] != means[2]).all()
    rng = np.random.default_rng((3, 1, data.index(key(4))))
    samples, rate = data.audio(key(4))
    np.testing.assert_array_equal(stores[1].picture(key(4)).values, LogMel().compute(quieter(samples, rate, rng), rate))

    before = content(data.path)
    shutil.rmtree(data.path / "features" / "log_mel.1")
    write(data, version=1, augment=quieter, seed=3, jobs=2)
    assert content(data.path) == before
    assert "seed 3 before, 4 now" in write(data, version=1, augment=quieter, seed=4).notes[0]


@dataclass(frozen=True)
class Gain:
    factor: float

    def __call__(self, samples, rate, rng):
        return samples * self.factor


def test_another_augmentation_is_told(data):
    write(data, version=1, augment=Gain(0.5), keys=[key(0)])
    assert write(data, version=1, augment=Gain(0.5), keys=[key(0)]).notes == []
    assert "Gain(factor=0.25) now" in write(data, version=1, augment=Gain(0.25), keys=[key(0)]).notes[0]


def test_no_more_results_are_in_memory_than_a_chunk_however_slowly_they_are_taken(tmp_path, monkeypatch):
    """Twice: as many clips as a chunk holds, and thirty times as many."""
    monkeypatch.setattr(work, "CHUNK", 2)
    drawn = 0

    def tasks():
        nonlocal drawn
        for clip in range(120):
            drawn += 1
            yield work.Task(key(clip), tmp_path / "none.ogg", ((LogMel(), (64, 98)),), 1.0)

    waiting = []
    for taken, (_, outcome) in enumerate(work.results(tasks(), jobs=2), 1):
        waiting.append(drawn - taken)
        assert "There is no audio file" in outcome["log_mel"]
    assert len(waiting) == 120
    assert max(waiting) <= 4


def test_a_transform_that_fails_ends_the_run_and_names_the_clip(data):
    @dataclass(frozen=True)
    class Broken(LogMel):
        def compute(self, samples, rate):
            if samples.max() > 0.1 and np.abs(np.fft.rfft(samples)).argmax() == 300:  # 600 Hz: clip 4
                raise ZeroDivisionError("no luck")
            return super().compute(samples, rate)

    with pytest.raises(ExploreError, match=r"Computing the log_mel of 000004_0 failed \(ZeroDivisionError: no luck\)"):
        write(data, Broken())
    assert "log_mel/index.json" not in content(data.path)
    write(data)  # and goes on
    assert len(open_features(data.path, "log_mel").row) == CLIPS


def test_a_process_that_dies_is_one_error_and_the_run_goes_on(data):
    import os

    def die(samples, rate, rng):
        os._exit(3)

    with pytest.raises(ExploreError, match="ended from outside"):
        write(data, version=1, augment=die, jobs=2)
    write(data, version=1, augment=quieter, jobs=2)


def test_mistakes_are_told_before_anything_is_written(data, tmp_path):
    other = copy(data.path, tmp_path / "other")
    shutil.rmtree(other / "audio")
    for wrong, options in {
        "no audio": {"keys": []},
        "has no clip 'nobody'": {"keys": ["nobody"]},
        "Version 0": {"augment": quieter},
        "need a function": {"version": 1},
        "0 processes": {"jobs": 0},
    }.items():
        with pytest.raises(ExploreError, match=wrong):
            write(data, **options)
    with pytest.raises(ExploreError, match="Two kinds of feature have the name log_mel"):
        write(data, LogMel(), LogMel())
    for clip in range(CLIPS):
        data.audio_path(key(clip)).write_bytes(b"noise")
    with pytest.raises(ExploreError, match="None of the 9 audio files"):
        write(data)
    assert not (data.path / "features").exists()


def test_very_short_and_silent_clips_are_clips(data):
    for clip in range(CLIPS):
        write_ogg(data.audio_path(key(clip)), np.zeros(500, dtype=np.float32), RATE)
    assert write(data, LogMel(), Scalograms()).left_out == {}
    assert (open_features(data.path, "scalogram").values == 0).all()
