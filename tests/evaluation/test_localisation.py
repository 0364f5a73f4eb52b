"""Localisation: frame AUC against scikit-learn clip by clip, segments by hand and by onsets and offsets, controls."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from openmic_explore import ExploreError
from openmic_explore.evaluation import (
    MEAN,
    Signal,
    attention_signal,
    frame_auc,
    frame_signal,
    localisation_difference,
    localise,
    mean_auc,
    segment_counts,
    shuffled,
    uniform,
)
from openmic_explore.evaluation.localisation import frames_at

NAMES = ("a", "b", "c")


def truth(seed=0, clips=60, frames=100):
    """Spells of sound in three instruments, with clips where one is silent throughout or sounds throughout."""
    rng = np.random.default_rng(seed)
    begin, length = rng.integers(0, frames, (2, clips, 3, 1))
    time = np.arange(frames)
    active = (time >= begin) & (time < begin + length)
    active[:5] = False
    active[5:9] = True
    return active


def on_seconds(active):
    return active.reshape(*active.shape[:2], -1, 10).mean(axis=3).transpose(0, 2, 1)


@pytest.mark.parametrize(("frames", "step"), [(10, 1.0), (100, 0.1), (6, 1.25), (1, 10.0), (25, 0.4)])
@pytest.mark.parametrize("levels", [3, 1000])
def test_frame_auc_is_scikit_learn_s_clip_by_clip(frames, step, levels):
    active = truth()
    values = np.random.default_rng(1).integers(0, levels, (60, frames, 3)) / levels  # many ties, or hardly any
    signal = frame_signal(values, step, start=0.3)
    found = frame_auc(signal, active, 0.1)
    place = np.clip(np.floor(((np.arange(100) + 0.5) * 0.1 - 0.3) / step).astype(int), 0, frames - 1)
    for clip, k in np.ndindex(60, 3):
        if active[clip, k].all() or not active[clip, k].any():
            assert np.isnan(found[clip, k])
        else:
            expected = roc_auc_score(active[clip, k], values[clip, place, k])
            assert found[clip, k] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(found).sum() >= 27


def test_activity_frames_take_the_signal_frame_that_holds_at_their_centre():
    seconds = frame_signal(np.zeros((1, 10, 1)), 1.0)
    assert frames_at(seconds, 100, 0.1).tolist() == np.repeat(np.arange(10), 10).tolist()
    # VGGish: ten frames of .96 s end at 9.6 s, and the last holds on.
    vggish = frames_at(frame_signal(np.zeros((1, 10, 1)), 0.96), 100, 0.1)
    assert vggish[[0, 9, 10, 94, 95, 96, 99]].tolist() == [0, 0, 1, 9, 9, 9, 9]
    # Six frames with centres at 1.25, 2.75, ...: the first holds from .5 s, and before.
    cnn = frames_at(frame_signal(np.zeros((1, 6, 1)), 1.5, start=1.25 - 1.5 / 2), 10, 1.0)
    assert cnn.tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5, 5]
    # A centre on an edge belongs to the later frame, although .1 has no exact binary value.
    edge = frames_at(frame_signal(np.zeros((1, 30, 1)), 0.1, start=0.05), 10, 0.1)
    assert edge.tolist() == list(range(10))


def test_chance_and_perfection():
    active = truth()
    exact = frame_signal(active.transpose(0, 2, 1).astype(float), 0.1)
    found = frame_auc(exact, active, 0.1)
    defined = ~np.isnan(found)
    assert (found[defined] == 1).all()
    opposite = frame_signal(1 - exact.values, 0.1)
    assert (frame_auc(opposite, active, 0.1)[defined] == 0).all()
    assert (frame_auc(uniform(exact), active, 0.1)[defined] == 0.5).all()
    noise = frame_signal(np.random.default_rng(0).random((60, 100, 3)), 0.1)
    assert localise(noise, active, 0.1, instruments=NAMES).auc[MEAN] == pytest.approx(0.5, abs=0.03)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 2.0))
def test_auc_sees_only_the_order_within_a_clip(seed, power):
    rng = np.random.default_rng(seed)
    active = truth(seed, clips=12)
    values = rng.integers(1, 1000, (12, 10, 3)) / 1000  # apart by more than rounding, also when squared
    moved = values**power * rng.uniform(0.1, 10, (12, 1, 3)) + rng.normal(size=(12, 1, 3))
    first, second = (frame_auc(frame_signal(one, 1.0), active, 0.1) for one in (values, moved))
    np.testing.assert_allclose(first, second, atol=1e-12)


def test_segments_by_hand():
    # Activity in half seconds, two to a segment; the signal in seconds.
    active = np.array([[[1, 0, 0, 0, 0, 1, 1, 1]], [[0, 0, 0, 0, 0, 0, 0, 0]]], dtype=bool)
    signal = frame_signal(np.array([[[0.5], [0.7], [0.4], [0.9]], [[0.1], [0.6], [0.2], [0.3]]]), 1.0)
    # clip 1: truth 1 0 1 1, marked 1 1 0 1; clip 2: truth none, marked 0 1 0 0
    assert segment_counts(signal, active, 0.5)[:, 0].tolist() == [[2, 1, 1], [0, 1, 0]]
    row = localise(signal, active, 0.5, instruments=("a",)).loc["a"]
    assert (row.hits, row.false_alarms, row.misses, row.false_alarms_present) == (2, 2, 1, 1)
    assert row.segment_f1 == pytest.approx(4 / 7)
    assert row.segment_f1_present == pytest.approx(4 / 6)
    # Longer segments, and one that is left over at the end: 1.5 + 1.5 + 1 s.
    assert segment_counts(signal, active, 0.5, segment=1.5)[:, 0].tolist() == [[3, 0, 0], [0, 2, 0]]


def test_a_segment_is_active_wherever_an_event_touches_it():
    """Against onsets rounded down and offsets rounded up, for frames that do not fit the segments."""
    rng = np.random.default_rng(2)
    active, marked = (rng.random((40, 1, 33)) < 0.1 for _ in range(2))
    signal = frame_signal(marked.transpose(0, 2, 1).astype(float), 0.3)
    found = segment_counts(signal, active, 0.3)
    for clip in range(40):
        rolls = []
        for state in (active[clip, 0], marked[clip, 0]):
            roll = np.zeros(10, bool)
            for frame in np.flatnonzero(state):  # in tenths of a second, which are exact
                roll[(3 * frame) // 10 : -((-3 * frame - 3) // 10)] = True
            rolls.append(roll)
        real, guess = rolls
        assert found[clip, 0].tolist() == [(real & guess).sum(), (~real & guess).sum(), (real & ~guess).sum()]


def test_segments_are_those_of_sed_eval():
    """F1 per class as sed_eval 0.2.1 gave it for these events, with a time resolution of 1 s."""
    active = truth(7)[9:]
    values = np.random.default_rng(3).random((51, 10, 3))
    found = localise(Signal(values, 1.0, threshold=0.7), active, 0.1, instruments=NAMES)
    assert found.segment_f1[:3].tolist() == pytest.approx([0.374359, 0.293750, 0.329897], abs=1e-6)


def test_attention_is_marked_from_an_even_share_on():
    active = np.zeros((1, 1, 4), bool)
    active[0, 0, :2] = True
    weight = np.array([[[0.4], [0.25], [0.2], [0.15]]])
    assert segment_counts(attention_signal(weight, 1.0), active, 1.0).ravel().tolist() == [2, 0, 0]
    even = uniform(attention_signal(weight, 1.0))
    assert segment_counts(even, active, 1.0).ravel().tolist() == [2, 2, 0]


def test_undefined_is_nan_and_never_zero():
    active = np.zeros((3, 3, 20), bool)
    active[:, 0] = True  # always: no AUC, but segments
    active[0, 1, :5] = True  # in one clip
    values = np.zeros((3, 2, 3))
    values[:, 0, 1] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = localise(frame_signal(values, 1.0), active, 0.1, instruments=NAMES)
    assert found.auc_clips.tolist() == [0, 1, 0, 1]
    assert found.loc[["a", "c"], ["auc", "auc_low", "auc_high"]].isna().all(axis=None)
    assert found.loc[["a", "c"], "auc_undefined"].tolist() == [1.0, 1.0]
    assert found.loc["b", "auc"] == pytest.approx(1 - 0.5 * 5 / 15)  # ties with 5 of 15 silent frames
    assert found.loc["b", "auc_undefined"] == pytest.approx((2 / 3) ** 3, abs=0.05)
    assert found.loc["a", "segment_f1"] == 0.0  # missed throughout is 0, not undefined
    assert np.isnan(found.loc["c", "segment_f1"])  # nothing there, nothing marked
    assert found.loc[MEAN, "auc"] == found.loc["b", "auc"]
    assert found.loc[MEAN, "segment_f1"] == pytest.approx((0.0 + 2 / 4) / 2)  # 1 hit, false alarms in the other two
    assert found.loc["b", "segment_f1_present"] == 1.0


def test_clips_without_a_signal_do_not_count():
    active = truth()
    values = on_seconds(active) + 0.1 * np.random.default_rng(0).random((60, 10, 3))
    holes = values.copy()
    holes[20:, :, 1] = np.nan
    found = localise(frame_signal(holes, 1.0), active, 0.1, instruments=NAMES)
    fewer = localise(frame_signal(values[:20], 1.0), active[:20], 0.1, instruments=NAMES)
    same = ["auc_clips", "auc", "hits", "false_alarms", "misses", "segment_f1"]
    assert found.loc["b", same].tolist() == pytest.approx(fewer.loc["b", same].tolist())
    assert not np.isnan(found.loc["a", "auc"])


def test_interval_of_the_mean_auc_is_that_of_a_mean():
    active = truth(clips=200)
    signal = frame_signal(on_seconds(active) + np.random.default_rng(0).normal(size=(200, 10, 3)), 1.0)
    found = localise(signal, active, 0.1, instruments=NAMES, resamples=2000)
    auc = frame_auc(signal, active, 0.1)
    error = np.nanstd(auc, axis=0) / np.sqrt((~np.isnan(auc)).sum(axis=0))
    width = (found.auc_high - found.auc_low)[:3].to_numpy()
    assert width == pytest.approx(2 * 1.96 * error, rel=0.1)  # the normal interval, for means of 180 clips
    assert found.auc[:3].to_numpy() == pytest.approx(np.nanmean(auc, axis=0))
    assert found.auc[MEAN] == pytest.approx(np.nanmean(auc, axis=0).mean())
    assert (found.auc_high - found.auc_low)[MEAN] < width.min()


def test_a_signal_that_follows_time_is_told_from_one_that_knows_the_clips():
    active = truth(clips=200)
    noise = np.random.default_rng(3).random((200, 10, 3))
    follows = frame_signal(on_seconds(active) * 0.8 + 0.2 * noise, 1.0)
    present = active.any(axis=2)
    knows = frame_signal(present[:, None] * 0.6 + 0.1 * noise, 1.0)  # which clips, not when
    assert localise(knows, active, 0.1, instruments=NAMES).auc[MEAN] == pytest.approx(0.5, abs=0.03)
    gain = localisation_difference(knows, follows, active, 0.1, instruments=NAMES)
    assert (gain.low > 0.3).all()
    assert (gain.p < 0.01).all()
    moved = shuffled(follows, present)
    back = localisation_difference(follows, moved, active, 0.1, instruments=NAMES)
    assert (back.high < 0).all()
    same = localisation_difference(follows, follows, active, 0.1, instruments=NAMES)
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)
    assert (same.p == 1).all()


def test_a_difference_counts_the_clips_that_both_define():
    active = truth()
    values = on_seconds(active)
    holes = values.copy()
    holes[30:] = np.nan
    found = localisation_difference(
        frame_signal(holes, 1.0), frame_signal(1 - values, 1.0), active, 0.1, instruments=NAMES
    )
    some = frame_auc(frame_signal(values, 1.0), active, 0.1)[:30]
    assert found.auc_clips[:3].tolist() == (~np.isnan(some)).sum(axis=0).tolist()
    assert found.a[:3].to_numpy() == pytest.approx(np.nanmean(some, axis=0))
    assert found.b[:3].to_numpy() == pytest.approx(1 - found.a[:3].to_numpy())
    assert found.loc[MEAN, "difference"] == pytest.approx(found.difference[:3].mean())


def test_bad_input_is_refused():
    active = truth()
    signal = frame_signal(np.zeros((60, 10, 3)), 1.0)
    for arguments, words in (
        ((signal, active[:5], 0.1), "must be \\(clips, instruments, frames\\)"),
        ((signal, active[:, :, 0], 0.1), "must be \\(clips, instruments, frames\\)"),
        ((signal, active, 0.0), "longer than 0 s"),
    ):
        with pytest.raises(ExploreError, match=words):
            localise(*arguments, instruments=NAMES)
    with pytest.raises(ExploreError, match="do not name"):
        localise(signal, active, 0.1)
    with pytest.raises(ExploreError, match="segment must be longer"):
        localise(signal, active, 0.1, segment=0, instruments=NAMES)


def test_the_mean_auc_is_the_tables_last_row():
    active = truth()
    rng = np.random.default_rng(2)
    a, b = (frame_signal(on_seconds(active) + rng.random((60, 10, 3)) * noise, 1.0) for noise in (2.0, 1.0))
    row = localise(a, active, 0.1, resamples=200, instruments=NAMES).loc[MEAN]
    assert mean_auc(frame_auc(a, active, 0.1), resamples=200) == pytest.approx((row.auc, row.auc_low, row.auc_high))
    apart = localisation_difference(a, b, active, 0.1, resamples=200, instruments=NAMES).loc[MEAN]
    difference = frame_auc(b, active, 0.1) - frame_auc(a, active, 0.1)
    assert mean_auc(difference, resamples=200) == pytest.approx((apart.difference, apart.low, apart.high))
