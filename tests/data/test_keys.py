"""Keys from untrusted files: strings come out, or an ExploreError, and no code runs."""

import codecs
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.data.keys import KEY, read_member, read_sample_key, unpickle_strings
from openmic_explore.errors import ExploreError

KEYS = ["000046_3840", "000135_483840", "155294_184320"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_gives_the_strings(protocol):
    assert unpickle_strings(pickle.dumps(np.array(KEYS, dtype=object), protocol=protocol)) == KEYS


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_both_names_of_numpy_core(module):
    pickled = pickle.dumps(np.array(KEYS, dtype=object), protocol=2)
    ours = b"numpy._core.multiarray" if b"numpy._core" in pickled else b"numpy.core.multiarray"
    assert unpickle_strings(pickled.replace(ours, module.encode())) == KEYS


def test_python_2_byte_strings():
    # Python 2 writes str as SHORT_BINSTRING ('U'), numpy's type code among them.
    text = b"".join(b"U" + struct.pack("B", len(key)) + key.encode() for key in KEYS)
    pickled = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](" + text + b"etb."
    )
    assert pickle.loads(pickled, encoding="latin1").tolist() == KEYS
    assert unpickle_strings(pickled) == KEYS


class Runs:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(target: Path) -> dict[str, object]:
    touch = f"touch {target}"
    return {
        "system": Runs(os.system, touch),
        "eval": Runs(eval, f"open({str(target)!r}, 'w').close()"),
        "inside an array": np.array(["000046_3840", Runs(os.system, touch)], dtype=object),
        "getattr": Runs(getattr, "a", "upper"),
        "open": Runs(open, str(target), "w"),
        "path": np.array([Path("a")], dtype=object),
        "a codec": Runs(codecs.encode, b"x" * 100, "zlib"),
        "numbers": np.arange(3),
        "numbers as objects": np.array([1, 2], dtype=object),
        "two dimensions": np.array([KEYS, KEYS], dtype=object),
        "bytes": np.array([b"000046_3840"], dtype=object),
        "a list": KEYS,
        "a dict": {"sample_key": KEYS},
        "an array in an array": np.array([np.array(KEYS, dtype=object), None], dtype=object),
    }


@pytest.mark.parametrize("name", hostile(Path()))
@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_anything_else_is_refused_and_nothing_runs(name, protocol, tmp_path):
    target = tmp_path / "ran"
    pickled = pickle.dumps(hostile(target)[name], protocol=protocol)
    with pytest.raises(ExploreError, match="not a pickled"):
        unpickle_strings(pickled)
    assert not target.exists()


def test_the_hostile_pickle_is_hostile(tmp_path):
    # The oracle of the test above: pickle itself runs it.
    pickle.loads(pickle.dumps(hostile(tmp_path / "ran")["system"]))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_cut_or_changed_pickle_never_gives_wrong_strings(protocol):
    pickled = pickle.dumps(np.array(KEYS, dtype=object), protocol=protocol)
    for end in range(len(pickled)):
        with pytest.raises(ExploreError):
            unpickle_strings(pickled[:end])
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(pickled)
        changed[rng.integers(len(changed))] = rng.integers(256)
        try:
            items = unpickle_strings(bytes(changed))
        except ExploreError:
            continue
        assert all(type(item) is str for item in items)


def test_attributes_set_by_a_pickle_do_not_stay():
    # BUILD with slot state sets attributes on whatever a name gives: here the defaults of our stand-in.
    pickled = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}U\x0c__defaults__)s\x86b."
    with pytest.raises(ExploreError):
        unpickle_strings(pickled)
    assert unpickle_strings(pickle.dumps(np.array(KEYS, dtype=object))) == KEYS


def save(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_pickled_and_unicode_keys_are_read_alike(tmp_path):
    pickled = save(tmp_path / "a.npz", sample_key=np.array(KEYS, dtype=object))
    unicode = save(tmp_path / "b.npz", sample_key=np.array(KEYS))
    for npz in (pickled, unicode):
        keys = read_sample_key(npz)
        assert keys.dtype.kind == "U"
        assert keys.tolist() == KEYS
    assert read_sample_key(save(tmp_path / "c.npz", X=np.zeros(3))) is None


def test_unicode_keys_do_not_touch_pickle(tmp_path, monkeypatch):
    def forbidden(*_):
        raise AssertionError

    monkeypatch.setattr("openmic_explore.data.keys.unpickle_strings", forbidden)
    assert read_sample_key(save(tmp_path / "a.npz", sample_key=np.array(KEYS))).tolist() == KEYS


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "000046",
        "46_3840",
        "000046_3840\n",
        "000046_-1",
        "٠٠٠٠٤٦_3840",
        "000046_3840/..",
        "",
        "000046_" + "1" * 13,
    ],
)
def test_keys_of_another_form_are_refused(key, tmp_path):
    assert not KEY.fullmatch(key)
    for dtype in (object, None):
        npz = save(tmp_path / "a.npz", sample_key=np.array([*KEYS, key], dtype=dtype))
        with pytest.raises(ExploreError, match=r"not a clip key.*openmic-explore check"):
            read_sample_key(npz)


def test_a_repeated_key_is_refused(tmp_path):
    npz = save(tmp_path / "a.npz", sample_key=np.array([*KEYS, KEYS[1]], dtype=object))
    with pytest.raises(ExploreError, match=f"{KEYS[1]} more than once"):
        read_sample_key(npz)


def test_hostile_sample_key_names_the_file_and_the_command(tmp_path):
    target = tmp_path / "ran"
    npz = save(tmp_path / "a.npz", sample_key=np.array([Runs(os.system, f"touch {target}")], dtype=object))
    with pytest.raises(ExploreError, match=r"a\.npz: sample_key was not read.*system.*openmic-explore check"):
        read_sample_key(npz)
    assert not target.exists()


def test_a_header_that_claims_another_length_is_refused(tmp_path):
    plain = io.BytesIO()
    np.save(plain, np.array(KEYS, dtype=object), allow_pickle=True)
    npz = tmp_path / "a.npz"
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("sample_key.npy", plain.getvalue().replace(b"(3,)", b"(4,)"))
    with pytest.raises(ExploreError, match="not as long"):
        read_sample_key(npz)


def test_a_huge_claimed_shape_is_refused_before_it_is_allocated(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**14, 20)})
    npz = tmp_path / "a.npz"
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("Y_true.npy", header.getvalue() + bytes(160))
    with pytest.raises(ExploreError, match=r"160 bytes do not fill"):
        read_member(npz, "Y_true", "f", (None, 20))


def test_members_are_read_as_numpy_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.random((7, 20)),
        "b": rng.random((7, 20)) < 0.5,
        "c": np.int64(5),
        "d": rng.random((3, 2)).astype(">f4"),
    }
    for writer in (np.savez, np.savez_compressed):
        writer(tmp_path / "a.npz", **arrays)
        for name, array in arrays.items():
            array = np.asarray(array)
            found = read_member(tmp_path / "a.npz", name, array.dtype.kind, array.shape)
            np.testing.assert_array_equal(found, array)
            assert found.shape == array.shape


@pytest.mark.parametrize(
    ("kinds", "shape", "message"), [("b", (4, 3), "type float64"), ("f", (4, 2), "shape"), ("f", (4,), "shape")]
)
def test_another_type_or_shape_is_refused(kinds, shape, message, tmp_path):
    npz = save(tmp_path / "a.npz", Y=np.zeros((4, 3)))
    with pytest.raises(ExploreError, match=message):
        read_member(npz, "Y", kinds, shape)


def test_a_missing_member_is_named(tmp_path):
    with pytest.raises(ExploreError, match="no array Y_mask"):
        read_member(save(tmp_path / "a.npz", X=np.zeros(3)), "Y_mask", "b", (None,))


def test_flipped_bytes_are_found(tmp_path):
    npz = tmp_path / "a.npz"
    np.savez(npz, Y=np.zeros((100, 20)))
    content = bytearray(npz.read_bytes())
    content[len(content) // 2] ^= 0xFF
    npz.write_bytes(content)
    with pytest.raises(ExploreError, match=r"damaged: Y: Bad CRC"):
        read_member(npz, "Y", "f", (None, 20))


def test_arrays_stored_by_columns_are_read_alike(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    npz = save(tmp_path / "a.npz", Y=np.asfortranarray(array))
    np.testing.assert_array_equal(read_member(npz, "Y", "f", (2, 3, 4)), array)
