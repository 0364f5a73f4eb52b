"""The reader of TensorFlow checkpoints, on a checkpoint that the test writes itself, and the record of the weights' origin."""

import struct

import numpy as np
import pytest
from safetensors.numpy import load_file

from openmic_explore.errors import ExploreError
from openmic_explore.transforms.convert_musicnn import SHA256, convert, read_bundle
from openmic_explore.transforms.musicnn import WEIGHTS, provenance


def number(value: int) -> bytes:
    """A base-128 number, lowest seven bits first."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def field(tag: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def block(entries: dict[bytes, bytes]) -> bytes:
    """A LevelDB block whose keys share what they can with the one before, with its trailer (no compression, no checksum)."""
    body, last = b"", b""
    for key, value in entries.items():
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), min(len(last), len(key)))
        body += number(shared) + number(len(key) - shared) + number(len(value)) + key[shared:] + value
        last = key
    return body + struct.pack("<II", 0, 1) + bytes(5)


def bundle(variables: dict[str, np.ndarray], kind: int = 1) -> tuple[bytes, bytes]:
    data, entries = b"", {b"": field(1, 1)}
    for name, values in sorted(variables.items()):
        shape = b"".join(field(2, field(1, size)) for size in values.shape)
        checksum = number(6 << 3 | 5) + bytes(4)
        entries[name.encode()] = (
            field(1, kind) + field(2, shape) + field(4, len(data)) + field(5, values.nbytes) + checksum
        )
        data += values.astype("<f4").tobytes()
    leaves = block(entries)
    table = leaves + block({b"z": number(0) + number(len(leaves) - 5)})
    handle = number(len(leaves)) + number(len(table) - len(leaves) - 5)
    footer = (number(0) + number(0) + handle).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    return table + footer, data


def test_reads_names_shapes_and_values():
    random = np.random.default_rng(0)
    variables = {
        "conv2d/kernel": random.normal(size=(7, 38, 1, 20)).astype(np.float32),
        "conv2d/bias": random.normal(size=20).astype(np.float32),
        "conv2d_1/bias": random.normal(size=300).astype(np.float32),
        "beta1_power": np.float32(0.9).reshape(()),
    }
    found = read_bundle(*bundle(variables))
    assert found.keys() == variables.keys()
    for name, values in variables.items():
        assert found[name].shape == values.shape
        assert np.array_equal(found[name], values)


def test_refuses_what_it_does_not_know():
    index, data = bundle({"a": np.ones((2, 3), np.float32)})
    with pytest.raises(ExploreError, match="within the data file"):
        read_bundle(index, data[:-1])
    with pytest.raises(ExploreError, match="not a checkpoint index"):
        read_bundle(index[:-1] + b"\0", data)
    with pytest.raises(ExploreError, match="not float32"):
        read_bundle(*bundle({"a": np.ones(2, np.float32)}, kind=2))


def test_another_file_is_not_the_wheel(tmp_path):
    (tmp_path / "other.whl").write_bytes(b"nothing")
    with pytest.raises(ExploreError, match=r"pip download musicnn==0\.1\.0"):
        convert(tmp_path / "other.whl", tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()


def test_shipped_weights_know_their_origin():
    record = provenance()
    assert (record["package"], record["version"], record["license"]) == ("musicnn", "0.1.0", "ISC")
    assert sorted(record["sha256"].values()) == sorted(SHA256.values())
    weights = load_file(WEIGHTS)
    trained = sum(values.size for name, values in weights.items() if not name.endswith((".mean", ".variance")))
    assert trained == pytest.approx(790_000, rel=0.01)  # the paper's .79 M
    assert weights["timbral_67.kernel"].shape == (204, 7, 67)
