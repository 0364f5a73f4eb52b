"""The cache of tables and embedding: used while nothing has changed, and only then."""

import json
import os
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.data import OpenMIC, embedding, index
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS
from tests.miniature import LABELS, METADATA, NPZ, members, rewrite, write_activity

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


def cached() -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in Path(os.environ["OPENMIC_EXPLORE_CACHE"]).rglob("*.np*")}


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the tables were read again")

    monkeypatch.setattr(index, "read_index", fail)
    monkeypatch.setattr(embedding, "_extract", fail)
    monkeypatch.setattr(embedding, "_read_features", fail)


@pytest.mark.parametrize("npz", [True, False])
def test_the_second_opening_reads_the_cache_only(miniature, monkeypatch, npz):
    if not npz:
        (miniature / NPZ).unlink()
    first = OpenMIC(miniature)
    copy = np.array(first.embedding)
    forbid(monkeypatch)
    second = OpenMIC(miniature)
    np.testing.assert_array_equal(second.embedding, copy)
    np.testing.assert_array_equal(second.keys, first.keys)
    np.testing.assert_array_equal(second.relevance, first.relevance)
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(second.split(name), first.split(name))
    assert second.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "name", [NPZ, LABELS, METADATA, "class-map.json", "partitions/split01_train.csv", "partitions/split01_test.csv"]
)
def test_a_changed_table_is_read_again(miniature, monkeypatch, name):
    OpenMIC(miniature)
    status = (miniature / name).stat()
    os.utime(miniature / name, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    forbid(monkeypatch)
    with pytest.raises(AssertionError, match="read again"):
        OpenMIC(miniature)


def test_a_changed_label_is_seen(miniature):
    before = OpenMIC(miniature)
    arrays = members(miniature)
    row, column = np.argwhere(arrays["Y_mask"])[0]
    arrays["Y_true"][row, column] = 1 - arrays["Y_true"][row, column] / 2
    rewrite(miniature, Y_true=arrays["Y_true"], X=255 - arrays["X"])
    (miniature / LABELS).unlink()
    with pytest.raises(ExploreError, match=r"openmic-2018\.npz has changed since the folder was opened"):
        _ = before.embedding
    after = OpenMIC(miniature)
    assert after.relevance[row, column] == arrays["Y_true"][row, column]
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.embedding, 255 - arrays["X"])


def test_earlier_states_leave_the_cache(miniature):
    for seed in range(3):
        rewrite(miniature, X=np.random.default_rng(seed).integers(0, 256, (48, 10, 128)))
        _ = OpenMIC(miniature).embedding
    assert len(cached()) == 2


def test_two_folders_do_not_share_a_cache(miniature, tmp_path):
    other = shutil.copytree(miniature, tmp_path / "other")
    rewrite(other, X=members(miniature)["X"][::-1])
    assert not np.array_equal(OpenMIC(other).embedding, OpenMIC(miniature).embedding)
    assert len(cached()) == 4


@pytest.mark.parametrize("part", ["index.npz", "embedding.npy"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_torn_cache_is_made_again(miniature, part, kept):
    first = OpenMIC(miniature)
    copy = np.array(first.embedding)
    (file,) = Path(os.environ["OPENMIC_EXPLORE_CACHE"]).rglob(f"*{part}")
    content = file.read_bytes()
    file.unlink()  # rather than cut a file that is mapped
    file.write_bytes(content[: int(kept * len(content))])
    second = OpenMIC(miniature)
    np.testing.assert_array_equal(second.embedding, copy)
    np.testing.assert_array_equal(second.mask, first.mask)


@pytest.mark.parametrize("part", ["index.npz", "embedding.npy"])
def test_a_cache_that_the_disk_has_spoilt_is_made_again(miniature, part):
    """One bit anywhere: in a number, where nothing else would tell."""
    first = OpenMIC(miniature)
    copy = np.array(first.embedding)
    (file,) = Path(os.environ["OPENMIC_EXPLORE_CACHE"]).rglob(f"*{part}")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.unlink()
    file.write_bytes(content)
    second = OpenMIC(miniature)
    np.testing.assert_array_equal(second.embedding, copy)
    np.testing.assert_array_equal(second.relevance, first.relevance)
    assert second.fingerprint == first.fingerprint
    assert file.read_bytes() != content


def test_nothing_is_written_into_the_data_folder(miniature):
    before = sorted(miniature.rglob("*"))
    for folder in (miniature, *(path for path in before if path.is_dir())):
        folder.chmod(0o555)
    try:
        data = OpenMIC(miniature)
        assert len(data.embedding) == 48
    finally:
        for folder in (miniature, *(path for path in before if path.is_dir())):
            folder.chmod(0o755)
    assert sorted(miniature.rglob("*")) == before


def test_a_cache_that_cannot_be_written_names_the_variable(miniature, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ExploreError, match="OPENMIC_EXPLORE_CACHE"):
        OpenMIC(miniature)


def test_threads_open_one_folder_together(miniature):
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda _: int(OpenMIC(miniature).embedding.sum(dtype=np.int64)), range(16)))
    assert set(sums) == {int(members(miniature)["X"].sum())}
    assert len(cached()) == 2


@pytest.mark.parametrize("writer", [np.savez, np.savez_compressed])
def test_flipped_bits_of_x_are_found(miniature, writer):
    writer(miniature / NPZ, **members(miniature))
    with zipfile.ZipFile(miniature / NPZ) as archive:
        member = archive.getinfo("X.npy")
    content = bytearray((miniature / NPZ).read_bytes())
    content[member.header_offset + member.compress_size - 8] ^= 1
    (miniature / NPZ).write_bytes(content)
    data = OpenMIC(miniature)
    with pytest.raises(ExploreError, match=r"npz is damaged: X.*openmic-explore check"):
        _ = data.embedding
    assert not [name for name in cached() if "embedding" in name]


def test_nobody_can_write_into_what_is_shared(miniature):
    write_activity(miniature)
    data = OpenMIC(miniature)
    arrays = [
        data.keys,
        data.relevance,
        data.mask,
        data.embedding,
        data.label_state,
        data.split("train"),
        data.split("validation"),
        data.split("test"),
        data.activity.active,
        data.truth,
    ]
    for array in arrays:
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_twenty_thousand_clips_are_served_from_the_index(tmp_path, monkeypatch):
    clips, rng = 20000, np.random.default_rng(0)
    folder = tmp_path / "large"
    (folder / "partitions").mkdir(parents=True)
    keys = np.array([f"{number // 3:06d}_{number % 3 * 3840}" for number in range(clips)], dtype=object)
    rng.shuffle(keys)
    mask = rng.random((clips, 20)) < 0.103
    features = rng.integers(0, 256, (clips, 10, 128), dtype=np.uint8)
    np.savez(folder / NPZ, X=features, Y_true=np.where(mask, 0.25, 0.5), Y_mask=mask, sample_key=keys)
    (folder / "class-map.json").write_text(json.dumps({name: column for column, name in enumerate(INSTRUMENTS)}))
    (folder / "partitions/train01.txt").write_text("\n".join(keys[:14915]))
    (folder / "partitions/test01.txt").write_text("\n".join(keys[14915:]))
    first = OpenMIC(folder)
    assert first.embedding.shape == (clips, 10, 128)
    forbid(monkeypatch)
    data = OpenMIC(folder)
    assert data.keys.tolist() == keys.tolist()
    np.testing.assert_array_equal(data.embedding[[0, 777, -1]], features[[0, 777, -1]])
    with pytest.warns(UserWarning, match="by track only"):
        parts = [len(data.split(name)) for name in ("train", "validation", "test")]
    assert parts == [14915 - 2237, 2237, 5085]


def test_reading_needs_no_heavy_library(miniature):
    import subprocess

    code = (
        "import sys; from openmic_explore.data import OpenMIC; d = OpenMIC(sys.argv[1]); d.embedding; d.split('train');"
        "print([name for name in ('torch', 'librosa', 'pandas', 'sklearn', 'scipy', 'soundfile') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, miniature], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
