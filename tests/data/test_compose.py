"""Music by rule: in key, in range, in time."""

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS
from openmic_explore.data.bank import CYMBAL_KEYS, DRUM_KEYS
from openmic_explore.data.compose import (
    PARTS,
    RANGES,
    RHYTHMS,
    SECONDS,
    choose_instruments,
    choose_song,
    choose_stretch,
    compose,
)

EVEN = dict.fromkeys(INSTRUMENTS, 1.0)
SEEDS = range(150)
KINDS = {"drums": ("kick", "snare", "side_stick", "tom"), "cymbals": ("hihat_closed", "crash")}


def songs():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        song = choose_song(rng)
        yield rng, song, compose(rng, song, choose_instruments(rng, EVEN), KINDS)


def test_every_instrument_has_a_part_it_can_take():
    assert set(PARTS) == set(INSTRUMENTS)
    assert set(RANGES) == set(INSTRUMENTS) - {"drums", "cymbals"}


def test_every_kind_of_percussion_has_a_rhythm():
    assert set(RHYTHMS) == {*DRUM_KEYS.values(), *CYMBAL_KEYS.values()}


def test_notes_lie_in_key_range_and_time():
    for _, song, parts in songs():
        for name, events in parts.items():
            assert events
            for event in events:
                assert 0 <= event.start < SECONDS
                assert event.duration > 0
                assert 0 < event.loudness <= 1
                if event.kind:
                    assert event.kind in KINDS[name]
                else:
                    low, high = RANGES[name]
                    assert low - 12 <= event.pitch <= high + 12
                    assert event.pitch % 12 in {
                        *song.scale(),
                        *song.chord(event.start),
                        *song.chord(event.start - 0.05),
                    }


def test_one_to_five_instruments_and_all_of_them_in_the_end():
    sizes, seen = [], set()
    for _, _, parts in songs():
        sizes.append(len(parts))
        seen |= set(parts)
    assert set(sizes) == {1, 2, 3, 4, 5}
    assert seen == set(INSTRUMENTS)


def test_weights_decide_how_often_an_instrument_is_drawn():
    weights = EVEN | {"violin": 0.0}
    drawn = [name for seed in SEEDS for name in choose_instruments(np.random.default_rng(seed), weights)]
    assert "violin" not in drawn
    assert drawn.count("flute") > 5


def test_some_parts_last_a_second_and_some_throughout():
    rng = np.random.default_rng(0)
    lengths = []
    for _ in range(400):
        start, length = choose_stretch(rng, choose_song(rng), 0.3)
        assert start >= 0
        assert start + length <= SECONDS + 1e-9
        lengths.append(length)
    lengths = np.array(lengths)
    assert lengths.min() >= 1.0
    assert (lengths < 1.5).mean() > 0.05
    assert 0.2 < (lengths == SECONDS).mean() < 0.4


def test_chords_change_with_the_bar_and_belong_to_the_key():
    song = choose_song(np.random.default_rng(3))
    chords = [song.chord(time) for time in np.arange(0, SECONDS, 0.1)]
    assert len(set(chords)) > 1
    assert all(set(chord) <= set(song.scale()) for chord in chords)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_gives_the_same_music(seed):
    def once():
        rng = np.random.default_rng(seed)
        song = choose_song(rng)
        return compose(rng, song, choose_instruments(rng, EVEN), KINDS)

    assert once() == once()
