"""Rebuild weights/musicnn_mtt.safetensors from the musicnn 0.1.0 wheel; TensorFlow is not needed.

    python -m pip download musicnn==0.1.0 --no-deps
    python -m openmic_explore.transforms.convert_musicnn musicnn-0.1.0-py3-none-any.whl

A TensorFlow checkpoint ("tensor bundle") is two files. The data file holds the arrays one after the other,
little-endian. The index is a table of sorted keys in LevelDB's format, a variable's name against a small
protocol-buffer message that says its type, shape, place and size. Only what this checkpoint uses is read:
float32 or one number, one data file, no compression. Formats: LevelDB's doc/table_format.md; TensorFlow's
tensor_bundle.proto and tensor_shape.proto.
"""

import argparse
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path, sha256_file

CHECKPOINT = "musicnn/MTT_musicnn/"
DATA, INDEX = CHECKPOINT + ".data-00000-of-00001", CHECKPOINT + ".index"
SHA256 = {
    DATA: "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    INDEX: "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
}
PROVENANCE = {
    "package": "musicnn",
    "version": "0.1.0",
    "source": "the Python package musicnn 0.1.0 (musicnn-0.1.0-py3-none-any.whl)",
    "checkpoint": "MTT_musicnn",
    "trained_on": "MagnaTagATune",
    "paper": "Pons and Serra, musicnn: pre-trained convolutional neural networks for music audio tagging, ISMIR 2019 (LBD)",
    "license": "ISC",
    "copyright": "Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019. Code developed by Jordi Pons.",
    "changes": "renamed; convolution kernels as (filters, time, bands or channels); optimiser's state left out",
}
# Our layer against the checkpoint's convolution (or dense layer) and batch normalisation, which TensorFlow
# numbers in the order of their making.
CONVOLUTIONS = {
    "timbral_38": ("conv2d", "batch_normalization_1"),
    "timbral_67": ("conv2d_1", "batch_normalization_2"),
    "temporal_128": ("conv2d_2", "batch_normalization_3"),
    "temporal_64": ("conv2d_3", "batch_normalization_4"),
    "temporal_32": ("conv2d_4", "batch_normalization_5"),
    "middle_1": ("conv2d_5", "batch_normalization_6"),
    "middle_2": ("conv2d_6", "batch_normalization_7"),
    "middle_3": ("conv2d_7", "batch_normalization_8"),
}
DENSE = {"dense": "dense", "tags": "dense_1"}
NORMS = {"input": "batch_normalization", "pooled": "batch_normalization_9", "dense": "batch_normalization_10"}
TAGS = (
    "guitar, classical, slow, techno, strings, drums, electronic, rock, fast, piano, ambient, beat, violin, vocal, synth, "
    "female, indian, opera, male, singing, vocals, no vocals, harpsichord, loud, quiet, flute, woman, male vocal, no vocal, "
    "pop, soft, sitar, solo, man, classic, choir, voice, new age, dance, male voice, female vocal, beats, harp, cello, "
    "no voice, weird, country, metal, female voice, choral"
).split(", ")

FOOTER = 48
MAGIC = 0xDB4775248B80FB57
FLOAT32 = 1


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a base-128 number at byte `at`; return it and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def block_entries(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the (key, value) pairs of the table block that a handle (offset, size) points to."""
    offset, after = varint(handle, 0)
    size, _ = varint(handle, after)
    if table[offset + size] != 0:
        raise ExploreError("The checkpoint's index is compressed; this reader knows the plain form only.")
    block = table[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a protocol-buffer message: numbers as int, nested messages as bytes."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == 0:
            value, at = varint(message, at)
        else:
            length = 4 if wire == 5 else 8
            if wire == 2:
                length, at = varint(message, at)
            value = message[at : at + length]
            at += length
        yield number, value


def read_bundle(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read the float32 variables of a TensorFlow checkpoint from the bytes of its index and its one data file."""
    footer = index[-FOOTER:]
    if int.from_bytes(footer[-8:], "little") != MAGIC:
        raise ExploreError("This is not a checkpoint index: its last eight bytes are not the table format's.")
    _, at = varint(footer, 0)  # the first of the footer's two handles, to the table's own index of filters, is not used
    _, at = varint(footer, at)
    variables = {}
    for _, block in block_entries(index, footer[at:]):
        for key, message in block_entries(index, block):
            if not key:  # the bundle's header
                continue
            kind = offset = size = 0
            shape: list[int] = []
            for number, value in message_fields(message):
                match number, value:
                    case 1, int():
                        kind = value
                    case 2, bytes():
                        dims = [dim for _, dim in message_fields(value) if isinstance(dim, bytes)]
                        shape = [
                            n for dim in dims for field, n in message_fields(dim) if field == 1 and isinstance(n, int)
                        ]
                    case 4, int():
                        offset = value
                    case 5, int():
                        size = value
            if kind != FLOAT32 or size != 4 * int(np.prod(shape)) or offset + size > len(data):
                raise ExploreError(
                    f"Variable {key.decode()} of the checkpoint is not float32 {shape} within the data file."
                )
            variables[key.decode()] = np.frombuffer(data, "<f4", count=size // 4, offset=offset).reshape(shape)
    return variables


def rename(variables: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Give the checkpoint's variables this package's names and order of axes; leave the optimiser's out."""
    ours: dict[str, NDArray[np.float32]] = {}

    def norm(layer: str, name: str) -> None:
        for part, theirs in {
            "gamma": "gamma",
            "beta": "beta",
            "mean": "moving_mean",
            "variance": "moving_variance",
        }.items():
            ours[f"{layer}.norm.{part}"] = variables[f"{name}/{theirs}"]

    for layer, (convolution, normalisation) in CONVOLUTIONS.items():
        kernel = variables[f"{convolution}/kernel"]  # (time, bands or channels, 1, filters)
        ours[f"{layer}.kernel"] = np.ascontiguousarray(kernel[:, :, 0].transpose(2, 0, 1))
        ours[f"{layer}.bias"] = variables[f"{convolution}/bias"]
        norm(layer, normalisation)
    for layer, name in DENSE.items():
        ours[f"{layer}.kernel"] = np.ascontiguousarray(variables[f"{name}/kernel"].T)  # (out, in)
        ours[f"{layer}.bias"] = variables[f"{name}/bias"]
    for layer, name in NORMS.items():
        norm(layer, name)
    return ours


def convert(wheel: str | Path, target: str | Path) -> None:
    """Write the weights of MTT_musicnn, from musicnn's wheel, to a safetensors file with their provenance.

    Raises ExploreError when the file is no such wheel or its checkpoint is not the known one.
    """
    from safetensors.numpy import save_file

    try:
        with zipfile.ZipFile(wheel) as archive:
            parts = {name: archive.read(name) for name in SHA256}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ExploreError(
            f"{wheel} is not musicnn's wheel ({error}). Get it by: python -m pip download musicnn==0.1.0 --no-deps"
        ) from error
    for name, expected in SHA256.items():
        if hashlib.sha256(parts[name]).hexdigest() != expected:
            raise ExploreError(
                f"{name} in {wheel} is not the file known as musicnn 0.1.0's: its SHA-256 is not {expected}."
            )
    weights = rename(read_bundle(parts[INDEX], parts[DATA]))
    provenance = PROVENANCE | {
        "sha256": {Path(name).name: digest for name, digest in SHA256.items()},
        "tags": TAGS,
    }
    with atomic_path(target) as temporary:
        # One metadata entry: safetensors writes several in no fixed order, and the file should be the same
        # each time.
        save_file(weights, temporary, metadata={"provenance": json.dumps(provenance)})
        temporary.chmod(0o644)  # safetensors makes files that only their owner can read


def main() -> None:
    """Command line: the wheel, and the file to write."""
    parser = argparse.ArgumentParser(description="Rebuild musicnn's weights from its wheel.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument(
        "--target",
        type=Path,
        default=Path(__file__).parent / "weights" / "musicnn_mtt.safetensors",
        help="file to write",
    )
    arguments = parser.parse_args()
    try:
        convert(arguments.wheel, arguments.target)
    except ExploreError as error:
        parser.exit(1, f"{error}\n")
    print(f"{arguments.target}  sha256 {sha256_file(arguments.target)}")


if __name__ == "__main__":
    main()
