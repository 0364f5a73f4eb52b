"""Opening a kept feature: complete, quick, and safe with whatever lies there."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmic_explore import ExploreError
from openmic_explore.errors import MissingError
from openmic_explore.features import LogMel, feature_folder, open_features, write_features
from openmic_explore.features.store import command
from tests.features.short import CLIPS, key

INFO = {
    "format": 1,
    "kind": "log_mel",
    "parameters": {"rate": 1},
    "shape": [2, 3],
    "low": 0.0,
    "high": 1.0,
    "unit": "ln",
    "frequency": [1.0, 2.0],
    "time": [0.1, 0.2, 0.3],
    "keys": ["a", "b"],
    "left_out": {"b": {"reason": "it is silent", "stamp": [1, 2]}},
}


def write_store(folder, name="log_mel", **changes):
    """A store written without the package: NumPy's file and JSON."""
    store = folder / "features" / name
    store.mkdir(parents=True, exist_ok=True)
    info = {name: value for name, value in (INFO | changes).items() if value is not ...}
    (store / "index.json").write_text(json.dumps(info))
    np.save(store / "values.npy", np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    return store


def test_a_store_is_what_numpy_and_json_read(data):
    write_features(data, jobs=1, progress=False)
    store = open_features(data.path, "log_mel")
    index = json.loads((store.path / "index.json").read_text())
    values = np.load(store.path / "values.npy", allow_pickle=False)
    assert values.shape == (CLIPS, *index["shape"])
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values, store.values)
    assert index["keys"] == [key(clip) for clip in range(CLIPS)] == list(store.keys)
    assert index["parameters"]["seconds"] == 0.5
    assert index["left_out"] == {}
    assert {file.name for file in store.path.iterdir()} == {"values.npy", "index.json"}


def test_and_reads_what_they_write(tmp_path):
    write_store(tmp_path)
    store = open_features(tmp_path, "log_mel")
    picture = store.picture("a")
    assert picture.values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (picture.low, picture.high, picture.unit) == (0.0, 1.0, "ln")
    assert "a" in store
    assert "b" not in store
    assert store.rows(["a", "a"]).tolist() == [0, 0]
    with pytest.raises(MissingError, match=r"lacks 1 of 2 clips, such as b .*it is silent.*openmic-explore features"):
        store.rows(["a", "b"])
    with pytest.raises(ValueError, match="read-only"):
        store.values[0] = 0


def test_opening_reads_no_values(tmp_path):
    folder = write_store(tmp_path, keys=[f"{clip:06d}_0" for clip in range(20_000)], left_out={}, shape=[64, 998],
                         frequency=..., time=...)  # fmt: skip
    whole = np.lib.format.open_memmap(
        folder / "values.npy", "w+", np.uint8, (20_000, 64, 998)
    )  # sparse: 1.3 GB of holes
    del whole
    tracemalloc.start()
    store = open_features(tmp_path, "log_mel")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert store.values.shape == (20_000, 64, 998)
    assert isinstance(store.values, np.memmap)
    assert peak < 20e6
    assert open_features(tmp_path, "log_mel") is store


def test_a_store_that_was_written_again_is_opened_again(tmp_path):
    write_store(tmp_path)
    assert open_features(tmp_path, "log_mel").info["low"] == 0.0
    write_store(tmp_path, low=-1.0)
    assert open_features(tmp_path, "log_mel").info["low"] == -1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": ...},
        {"keys": ...},
        {"keys": {"a": 1, "b": 2}},
        {"keys": ["a", ["b"]]},
        {"keys": ["a", 1]},
        {"keys": ["a", "a"]},
        {"keys": ["a"]},
        {"keys": ["a", "b", "c"]},
        {"keys": []},
        {"keys": None},
        {"shape": [3, 2]},
        {"shape": [6]},
        {"shape": []},
        {"shape": 6},
        {"shape": [2.0, 3.0]},
        {"shape": [True, 6]},
        {"shape": [-2, -3]},
        {"shape": [2, 3, 10**30]},
        {"shape": [2, 3, 0]},
        {"shape": [1] * 100_000},
        {"shape": [2**31, 2**31]},
        {"parameters": None},
        {"left_out": ["b"]},
        {"left_out": {"z": {"reason": "", "stamp": [1, 2]}}},
        {"left_out": {"b": "why"}},
        {"left_out": {"b": {"reason": 1, "stamp": [1, 2]}}},
        {"left_out": {"b": {"reason": "", "stamp": [1]}}},
        {"left_out": {"b": {"reason": "", "stamp": [1, "2"]}}},
        {"left_out": {"b": {"reason": "", "stamp": [1, 2], "more": 1}}},
        {"frequency": [1.0]},
        {"frequency": ["1", "2"]},
        {"frequency": [[1.0], 2.0]},
        {"frequency": [1.0, 10**400]},
        {"frequency": None},
        {"time": ...},
        {"time": [0.1, 0.2, float("nan")]},
        {"low": "0"},
        {"low": ...},
        {"high": float("inf")},
        {"unit": 3},
    ],
    ids=lambda changes: f"{next(iter(changes))}={next(iter(changes.values()))!s:.30}",
)
def test_a_hostile_index_is_one_error_with_the_command_that_mends_it(tmp_path, changes):
    store = write_store(tmp_path, **changes)
    with pytest.raises(ExploreError, match=r"is damaged .*Compute it again: openmic-explore features .*--only") as told:
        open_features(tmp_path, "log_mel")
    assert str(store) in str(told.value)
    assert len(str(told.value)) < 600


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 1' + b"0" * 5000 + b"}",
        b'{"keys": NaN}',
    ],
    ids=range(9),
)
def test_what_is_no_index_is_one_error(tmp_path, text):
    (write_store(tmp_path) / "index.json").write_bytes(text)
    with pytest.raises(ExploreError, match="is damaged"):
        open_features(tmp_path, "log_mel")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from([*INFO]), inner),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from([*INFO]), value=JSON)
def test_whatever_stands_in_an_index_it_opens_or_is_one_error(tmp_path_factory, name, value):
    folder = tmp_path_factory.mktemp("fuzz")
    write_store(folder, **{name: value})
    try:
        store = open_features(folder, "log_mel")
        if "a" in store:
            store.picture("a")
    except ExploreError:
        return
    assert store.values.shape == (2, *store.info["shape"])


@pytest.mark.parametrize("values", ["cut", "long", "empty", "float", "fortran", "pickle", "zip", "other shape", "gone"])
def test_damaged_values_are_one_error(tmp_path, values):
    file = write_store(tmp_path) / "values.npy"
    whole, array = file.read_bytes(), np.load(file)
    if values in ("cut", "long", "empty"):
        file.write_bytes({"cut": whole[:-1], "long": whole + b"\0", "empty": b""}[values])
    elif values == "pickle":
        file.write_bytes(pickle.dumps(array))
    elif values == "zip":
        np.savez(tmp_path / "some.npz", array)
        (tmp_path / "some.npz").rename(file)
    elif values == "gone":
        file.unlink()
    else:
        np.save(file, {
            "float": array.astype(np.float16),
            "fortran": np.asfortranarray(array),
            "other shape": array.reshape(2, 3, 2),
        }[values])  # fmt: skip
    with pytest.raises(ExploreError, match=r"damaged.*openmic-explore features"):
        open_features(tmp_path, "log_mel")


def test_what_is_not_there_is_missing_and_an_embedding_is_no_picture(tmp_path):
    with pytest.raises(MissingError, match=r"Compute it: openmic-explore features .* --only scalogram"):
        open_features(tmp_path, "scalogram")
    write_store(tmp_path, "vggish", frequency=..., time=...)
    with pytest.raises(ExploreError, match="holds no pictures"):
        open_features(tmp_path, "vggish").picture("a")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a\\b", ".hidden", "x.1", "x.", "a b", "x" * 200, "a\n"]
)
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(ExploreError, match="cannot be the name"):
        feature_folder(tmp_path, name)


def test_versions_lie_beside_and_every_command_fits_its_folder(tmp_path):
    assert feature_folder(tmp_path, "log_mel", 2) == tmp_path / "features" / "log_mel.2"
    assert feature_folder(tmp_path, "openl3-v1.2b").name == "openl3-v1.2b"
    told = command(feature_folder(tmp_path / "my data", "scalogram"), {"scales": 64, "bins": 32})
    assert told == f"openmic-explore features '{tmp_path / 'my data'}' --only scalogram --scales 64 --bins 32"
    assert command(feature_folder(tmp_path, "musicnn-mtt-pca128")).endswith("--embedding musicnn-mtt-pca128")
    assert command(feature_folder(tmp_path, "mine")).endswith("--embedding FILE.py:NAME")
    assert "version=2" in command(feature_folder(tmp_path, "log_mel", 2))


def test_a_damaged_store_is_computed_again(data):
    write_features(data, [LogMel()], jobs=1, progress=False)
    file = data.path / "features" / "log_mel" / "values.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    report = write_features(data, [LogMel()], jobs=1, progress=False)
    assert "damaged" in report.notes[0]
    assert report.computed == CLIPS
    assert file.read_bytes() == whole
