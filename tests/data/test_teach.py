"""The teaching set: right by its own truth, the same every time, resumable, in the official layout."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from openmic_explore import INSTRUMENTS, ExploreError, OpenMIC
from openmic_explore.data.bank import Bank
from openmic_explore.data.labels import OFFICIAL_CLIPS, label_counts, reveal
from openmic_explore.data.mix import FRAME, PERCUSSION, RATE, deal, mix
from openmic_explore.data.teach import Recipe, teach
from tests.notes import write_bank

CLIPS = 36
EVEN = dict.fromkeys(INSTRUMENTS, 1.0)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return Bank(write_bank(tmp_path_factory.mktemp("bank") / "notes"))


@pytest.fixture(scope="module")
def folder(bank, tmp_path_factory):
    return teach(tmp_path_factory.mktemp("teach") / "set", bank=bank, clips=CLIPS, embed=level, jobs=1, progress=False)


def level(samples, rate):
    """A stand-in for an embedding: the level of each second, eight times."""
    seconds = samples[: 10 * rate].reshape(10, rate)
    return np.repeat(np.clip(np.abs(seconds).max(axis=1) * 255, 0, 255)[:, None], 8, axis=1).astype(np.uint8)


def test_opens_as_any_other_folder(folder):
    data = OpenMIC(folder)
    assert data.name == "teaching"
    assert len(data) == CLIPS
    assert data.embedding.shape == (CLIPS, 10, 8)
    assert data.missing == {"train": 0, "test": 0}
    assert len(data.split("test")) == CLIPS // 6
    assert len(data.audio_keys) == CLIPS
    samples, rate = data.audio(data.keys[0])
    assert (samples.shape, rate) == ((10 * RATE,), RATE)
    assert np.abs(samples).max() > 0.3
    assert not (folder / ".teach").exists()


def test_labels_are_the_truth_where_known(folder):
    data = OpenMIC(folder)
    assert (data.label_state[data.mask] == data.truth[data.mask]).all()
    assert data.truth.sum(axis=1).min() >= 1
    assert data.truth.sum(axis=1).max() <= 5


def test_activity_is_when_the_sound_is_there(bank):
    """A clip with one instrument is quiet exactly where the truth says so."""
    voices = deal(bank, "train", 1)[0]
    checked = 0
    for clip in range(100):
        result = mix(bank, voices, EVEN, (5, clip))
        active = result.active.any(axis=0)
        # Eight frames' distance to the part keeps the room's echo out of the comparison.
        near = np.convolve(active, np.ones(17), "same") > 0
        if result.active.any(axis=1).sum() != 1 or (~near).sum() < 10:
            continue
        frames = result.samples.reshape(-1, round(FRAME * RATE)).astype(float)
        loudness = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
        assert loudness[active].mean() > loudness[~near].mean() + 10
        checked += 1
    assert checked >= 3


def test_no_artist_has_anothers_recordings_and_test_clips_have_their_own(bank):
    hands = deal(bank, "train", 7) + deal(bank, "test", 1)
    # The few recordings of drums and cymbals are shared by all training artists.
    owned = [
        {note.file for name, presets in hand.items() if name not in PERCUSSION for notes in presets for note in notes}
        for hand in hands
    ]
    for one in range(len(owned)):
        assert set(hands[one]) == set(INSTRUMENTS)
        assert all(hands[one].values())
        for other in range(one):
            assert not owned[one] & owned[other]


def test_where_the_shipped_bank_s_artists_share_recordings():
    """The exceptions that `deal` names, and no others."""
    hands = deal(Bank.shipped(), "train", 7)
    shared = set()
    for name in INSTRUMENTS:
        owned = [{r for notes in hand[name] for note in notes for r in note.recordings} for hand in hands]
        if sum(map(len, owned)) > len(set.union(*owned)):
            shared.add(name)
    assert shared == {*PERCUSSION, "accordion", "banjo", "synthesizer", "ukulele", "violin"}


def test_the_shipped_bank_shares_nothing_between_training_and_test():
    bank = Bank.shipped()
    hands = {role: deal(bank, role, artists) for role, artists in (("train", 7), ("test", 1))}
    heard = {
        role: {
            recording
            for hand in dealt
            for presets in hand.values()
            for notes in presets
            for note in notes
            for recording in note.recordings
        }
        for role, dealt in hands.items()
    }
    assert heard["train"]
    assert heard["test"]
    assert not heard["train"] & heard["test"]


def test_artists_are_whole_in_one_split(folder):
    data = OpenMIC(folder)
    recipe = Recipe(**json.loads((folder / "dataset.json").read_text())["recipe"])
    artists = [{recipe.artist(int(data.keys[row][:6])) for row in data.split(part)} for part in ("train", "validation")]
    assert artists[0]
    assert artists[1]
    assert not artists[0] & artists[1]


def test_the_same_seed_gives_the_same_set_with_any_number_of_processes(folder, bank, tmp_path):
    again = teach(tmp_path / "again", bank=bank, clips=CLIPS, embed=level, jobs=2, progress=False)
    assert digest(again) == digest(folder)
    assert OpenMIC(again).fingerprint == OpenMIC(folder).fingerprint
    for key in OpenMIC(folder).keys[::9]:
        np.testing.assert_array_equal(OpenMIC(again).audio(key)[0], OpenMIC(folder).audio(key)[0])
    other = teach(tmp_path / "other", bank=bank, clips=CLIPS, seed=1, jobs=2, progress=False)
    assert digest(other) != digest(folder)


def test_goes_on_where_it_was_cut_off(folder, bank, tmp_path):
    calls = []

    def interrupted(samples, rate):
        calls.append(1)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return level(samples, rate)

    part = tmp_path / "part"
    with pytest.raises(KeyboardInterrupt):
        teach(part, bank=bank, clips=CLIPS, embed=interrupted, jobs=1, progress=False)
    assert not (part / "openmic-2018.npz").exists()
    before = {path.name: path.stat().st_mtime_ns for path in part.rglob("*.ogg")}
    assert 9 <= len(before) < CLIPS
    teach(part, bank=bank, clips=CLIPS, embed=level, jobs=1, progress=False)
    assert digest(part) == digest(folder)
    kept = [name for name, time in before.items() if (part / "audio" / name[:3] / name).stat().st_mtime_ns == time]
    assert len(kept) == 9
    np.testing.assert_array_equal(OpenMIC(part).embedding, OpenMIC(folder).embedding)


def test_a_finished_set_is_not_made_again_and_a_lost_clip_is(folder, bank, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / ".teach").mkdir()  # as a call leaves it that is killed after its last file
    with pytest.raises(ExploreError, match="unfinished teaching set"):
        OpenMIC(copy)
    lost = next(copy.rglob("*.ogg"))
    kept = next(path for path in copy.rglob("*.ogg") if path != lost)
    before, samples = kept.stat().st_mtime_ns, OpenMIC(folder).audio(lost.stem)[0]
    lost.unlink()
    teach(copy, bank=bank, clips=CLIPS, embed=level, jobs=1, progress=False)
    np.testing.assert_array_equal(OpenMIC(copy).audio(lost.stem)[0], samples)
    assert kept.stat().st_mtime_ns == before


def test_another_recipe_or_folder_is_refused(folder, bank, tmp_path):
    with pytest.raises(ExploreError, match="another teaching set"):
        teach(folder, bank=bank, clips=CLIPS, seed=3, progress=False)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(ExploreError, match="not empty"):
        teach(tmp_path, bank=bank, clips=CLIPS, progress=False)
    with pytest.raises(ExploreError, match="at least 12 clips"):
        teach(tmp_path / "few", bank=bank, clips=3, progress=False)


def test_a_bank_without_an_instrument_is_refused(bank, tmp_path):
    few = tmp_path / "few"
    shutil.copytree(bank.path, few)
    lines = (few / "index.csv").read_text().splitlines()
    (few / "index.csv").write_text("\n".join(line for line in lines if "violin" not in line))
    with pytest.raises(ExploreError, match="no note of violin"):
        teach(tmp_path / "set", bank=Bank(few), clips=CLIPS, progress=False)
    assert not (tmp_path / "set").exists()


def test_labels_are_known_at_openmics_rates():
    rng = np.random.default_rng(0)
    truth = rng.random((18000, 20)) < 0.15
    test = np.arange(18000) >= 15000
    mask = reveal(truth, test, rng)
    official = sum(sum(counts.values()) for counts in label_counts().values())
    assert official == 41_268
    assert mask.mean() == pytest.approx(official / 400_000, rel=0.03)
    for split, rows in (("train", ~test), ("test", test)):
        for column, name in enumerate(INSTRUMENTS):
            for state, word in ((True, "positive"), (False, "negative")):
                expected = label_counts()[name][f"{split}_{word}"] * rows.sum() / OFFICIAL_CLIPS[split]
                found = (mask[rows, column] & (truth[rows, column] == state)).sum()
                assert abs(found - expected) <= 1
    assert (~mask.any(axis=1)).mean() < 0.1


def test_rare_instruments_give_what_they_have():
    truth = np.zeros((2000, 20), dtype=bool)
    truth[:5, 0] = True
    mask = reveal(truth, np.zeros(2000, dtype=bool), np.random.default_rng(0))
    assert mask[:5, 0].all()


def digest(folder: str | Path) -> str:
    """SHA-256 over the labels, mask and truth of a teaching set: equal for equal recipes on any machine."""
    total = hashlib.sha256()
    for file, members in (("openmic-2018.npz", ("sample_key", "Y_true", "Y_mask")), ("activity.npz", ("active",))):
        with np.load(Path(folder) / file, allow_pickle=False) as archive:
            for member in members:
                total.update(np.ascontiguousarray(archive[member]).tobytes())
    return total.hexdigest()
