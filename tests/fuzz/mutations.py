"""Ways to damage a file: blindly, byte by byte, and with a knowledge of its format, as an attacker would."""

import csv
import io
import json
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np

# A file's bytes and a source of chance -> the damaged bytes.
Mutation = Callable[[bytes, random.Random], bytes]

STRANGE: tuple[object, ...] = (
    None, True, -1, 0, 2**31, 2**63, 10**400, 1e308, -1e308, float("nan"), float("inf"), "", "nan", "\x00", "../../etc/passwd",
    "/etc/passwd", "C:\\x", "a" * 5000, [], {}, [[]], [None], {"": 0}, "-1", "1e999", "٣", "\ud7ff",
)  # fmt: skip


def flip(content: bytes, rng: random.Random) -> bytes:
    """Turn over one to eight bits."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def flip_near_an_end(content: bytes, rng: random.Random) -> bytes:
    """Turn over a bit in the first or last 200 bytes, where most formats keep what matters."""
    damaged = bytearray(content)
    place = rng.randrange(min(200, len(damaged)))
    damaged[rng.choice((place, -1 - place))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def behead(content: bytes, rng: random.Random) -> bytes:
    return content[rng.randrange(1, len(content)) :]


def empty(content: bytes, rng: random.Random) -> bytes:
    return b""


def swap(content: bytes, rng: random.Random) -> bytes:
    """Two blocks change places."""
    size = max(1, min(512, len(content) // 4))
    a, b = sorted(rng.randrange(0, len(content) - size + 1) for _ in range(2))
    if b < a + size:
        return content[a:] + content[:a]
    return content[:a] + content[b : b + size] + content[a + size : b] + content[a : a + size] + content[b + size :]


def zeros(content: bytes, rng: random.Random) -> bytes:
    """A block of zeros, as a disk leaves them where it lost power."""
    start = rng.randrange(len(content))
    size = rng.choice((1, 16, 512, 4096))
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def noise(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    size = rng.choice((1, 4, 64, 1024))
    return content[:start] + rng.randbytes(len(content[start : start + size])) + content[start + size :]


def insert(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.randbytes(rng.choice((1, 7, 512))) + content[start:]


def twice(content: bytes, rng: random.Random) -> bytes:
    return content + content


def ones(content: bytes, rng: random.Random) -> bytes:
    """Four or eight bytes of ones or of a large number: a declared size that is huge, where they hit one."""
    start = rng.randrange(min(len(content), 300))
    value = rng.choice((b"\xff" * 4, b"\xff" * 8, struct.pack("<I", 2**31 - 1), struct.pack(">Q", 2**40)))
    return content[:start] + value + content[start + len(value) :]


BYTES: tuple[Mutation, ...] = (
    flip, flip, flip_near_an_end, cut, behead, empty, swap, zeros, noise, insert, twice, ones,
)  # fmt: skip


def in_json(content: bytes, rng: random.Random) -> bytes:
    """Put something strange in the place of one value, drop or add a key, or nest very deeply."""
    if rng.random() < 0.1:
        return b"[" * 100_000 if rng.random() < 0.5 else b'{"a":' * 100_000
    whole = {"": json.loads(content)}
    places: list[tuple[dict | list, object]] = [(whole, "")]

    def walk(node: object) -> None:
        if isinstance(node, dict | list):
            for key in node if isinstance(node, dict) else range(len(node)):
                places.append((node, key))
                walk(node[key])

    walk(whole[""])
    # The values near the root decide most, and there are few of them.
    node, key = places[min(rng.randrange(len(places)), rng.randrange(len(places)))]
    action = rng.random()
    if action < 0.15 and isinstance(node, dict):
        del node[key]
    elif action < 0.25 and isinstance(node, dict):
        node["extra"] = rng.choice(STRANGE)
    else:
        node[key] = rng.choice(STRANGE)  # type: ignore[index]
    return json.dumps(whole.get("")).encode()


def in_csv(content: bytes, rng: random.Random) -> bytes:
    """Change a cell, drop or repeat a line or a column, or open a quote that never ends."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    row = rng.randrange(len(rows))
    action = rng.random()
    if action < 0.55:
        column = rng.randrange(len(rows[row]))
        rows[row][column] = str(rng.choice((*STRANGE, "=1+1", '"', "a,b", rows[rng.randrange(len(rows))][column])))
    elif action < 0.65:
        del rows[row]
    elif action < 0.75:
        rows.insert(rng.randrange(len(rows)), list(rows[row]))
    elif action < 0.85:
        column = rng.randrange(len(rows[0]))
        rows = [each[:column] + each[column + 1 :] for each in rows]
    elif action < 0.9:
        rows[row] = rows[row][:-1]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if action >= 0.9:
        lines = text.getvalue().splitlines(keepends=True)
        lines.insert(row, rng.choice(('"', "\x00\n", '"' + "a" * 300_000 + "\n", "\ufeff", "a" * 300_000 + "\n")))
        return "".join(lines).encode()
    return text.getvalue().encode("utf-8", "surrogatepass")


def in_lines(content: bytes, rng: random.Random) -> bytes:
    """Change, repeat, drop or exchange lines."""
    lines = content.decode().splitlines()
    row = rng.randrange(len(lines))
    action = rng.random()
    if action < 0.6:
        lines[row] = rng.choice(
            ("../../etc/passwd", "/etc/passwd", "000046_3840/../x", "", "\x00", "x" * 10**6, "٠٠٠٠٤٦_٣٨٤٠", "000046_-1",
             "999999_" + "9" * 30, "nan", lines[rng.randrange(len(lines))], lines[row] + "0", lines[row].upper() + " ")
        )  # fmt: skip
    elif action < 0.8:
        lines.insert(row, rng.choice(lines))
    else:
        del lines[row]
    return ("\n".join(lines) + "\n").encode()


def in_npz(content: bytes, rng: random.Random) -> bytes:
    """Change one array of the archive so that its checksum is right again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    members[name] = rng.choice((_shape, _shape, _dtype, _values, _objects, _text, cut, flip_near_an_end))(
        members[name], rng
    )
    if rng.random() < 0.1:
        members = {("../" + each if each == name else each): data for each, data in members.items()}
    if rng.random() < 0.1:
        del members[next(iter(members))]
    packed = io.BytesIO()
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(packed, "w", kind) as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    return packed.getvalue()


def _npy(header: str, data: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def _parts(array: bytes) -> tuple[dict, bytes]:
    stream = io.BytesIO(array)
    np.lib.format.read_magic(stream)
    shape, order, dtype = np.lib.format.read_array_header_1_0(stream)
    return {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": order, "shape": shape}, stream.read()


def _shape(array: bytes, rng: random.Random) -> bytes:
    """Another shape than the data fill: huge, negative, of other dimensions."""
    header, data = _parts(array)
    shape = header["shape"]
    header["shape"] = rng.choice(
        (
            (2**40,),
            (2**62, 2**62),
            (-1,),
            (0,),
            (*shape, 1),
            shape[:-1],
            (*shape[:-1], 10**9),
            (10**9,) * 3,
            shape[::-1],
        )
    )
    return _npy(repr(header) + "\n", data)


def _dtype(array: bytes, rng: random.Random) -> bytes:
    header, data = _parts(array)
    header["descr"] = rng.choice(
        ("<f8", "<i8", "|u1", "<u2", "<f2", "|b1", "<U4", "<U1000000", "|S8", "<c16", "|O", "<M8[s]", "|V1000000000",
         [("a", "<f8"), ("b", "|O")], "x")
    )  # fmt: skip
    return _npy(repr(header) + "\n", data)


def _values(array: bytes, rng: random.Random) -> bytes:
    """Values that do not belong: nan, infinite, negative, large."""
    header, data = _parts(array)
    try:
        dtype = np.dtype(header["descr"])
    except TypeError:
        return array
    values = np.frombuffer(data, dtype).copy() if not dtype.hasobject else np.zeros(0)
    if dtype.kind not in "fiu" or not values.size:
        return array
    strange = (np.nan, np.inf, -1.0, 1e30) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values[rng.randrange(len(values))] = np.array(rng.choice(strange)).astype(dtype)
    return _npy(repr(header) + "\n", values.tobytes())


class _Call:
    def __reduce__(self) -> tuple:
        return exec, ("raise SystemExit('a pickle was run')",)


def _objects(array: bytes, rng: random.Random) -> bytes:
    """A pickle that would run code."""
    stream = io.BytesIO()
    np.save(stream, np.array([_Call()], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _text(array: bytes, rng: random.Random) -> bytes:
    return b"<html>404</html>"


def in_safetensors(content: bytes, rng: random.Random) -> bytes:
    """Change the header, or write a value that is not finite."""
    (size,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    action = rng.random()
    if action < 0.2:
        return struct.pack("<Q", rng.choice((0, 1, 2**40, 2**63, len(content)))) + content[8:]
    name = rng.choice([each for each in header if each != "__metadata__"])
    if action < 0.35:
        header[name]["shape"] = rng.choice(([2**40], [-1], [], [10**9, 10**9], "x"))
    elif action < 0.5:
        header[name]["data_offsets"] = rng.choice(([0, 2**60], [-1, 4], [4, 0], []))
    elif action < 0.65:
        header[name]["dtype"] = rng.choice(("F64", "I8", "BOOL", "X"))
    elif action < 0.75:
        header["../" + name] = header.pop(name)
    else:
        start = header[name]["data_offsets"][0]
        width = {"F32": 4, "F16": 2}.get(header[name]["dtype"], 0)
        data[start : start + width] = {4: b"\x00\x00\xc0\x7f", 2: b"\x00\x7e", 0: b""}[width]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def in_tgz(content: bytes, rng: random.Random) -> bytes:
    """Add a member that would leave the folder, is no file, or claims a size that it does not have."""
    source, made = io.BytesIO(content), io.BytesIO()
    with tarfile.open(fileobj=source) as tar, tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as out:
        members = tar.getmembers()
        place = rng.randrange(len(members) + 1)
        for number, member in enumerate(members):
            if number == place:
                out.addfile(_hostile(rng))
            out.addfile(member, tar.extractfile(member) if member.isfile() else None)
        if place == len(members):
            out.addfile(_hostile(rng))
    return made.getvalue()


def _hostile(rng: random.Random) -> tarfile.TarInfo:
    name = rng.choice(
        ("../x", "/tmp/x", "openmic-2018/../../x", "other/x", "openmic-2018/a/../../../x", "openmic-2018/" + "a/" * 20 + "x",
         "openmic-2018/" + "a" * 1000, "openmic-2018/a\\b", "openmic-2018/\x1b[2J", "openmic-2018", "x")
    )  # fmt: skip
    member = tarfile.TarInfo(name)
    if rng.random() < 0.6:
        member.name = "openmic-2018/new"
        member.type = rng.choice(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE)
        )
        member.linkname = rng.choice(("/etc/passwd", "../../etc/passwd", "new", "openmic-2018/../../x", "nothing"))
    return member


def in_wav(content: bytes, rng: random.Random) -> bytes:
    """Another rate, number of channels, width or length in the header of a wav file."""
    damaged = bytearray(content)
    place, form = rng.choice(
        ((22, "<H"), (24, "<I"), (28, "<I"), (32, "<H"), (34, "<H"), (20, "<H"), (40, "<I"), (4, "<I"))
    )
    value = rng.choice((0, 1, 3, 7, 65535, 2**31, 2**32 - 1)) % (2 ** (8 * struct.calcsize(form)))
    damaged[place : place + struct.calcsize(form)] = struct.pack(form, value)
    return bytes(damaged)


def in_flac(content: bytes, rng: random.Random) -> bytes:
    """Another rate, number of channels or of samples in a flac's STREAMINFO: 20, 3, 5 and 36 bits from byte 18 on."""
    packed = int.from_bytes(content[18:26], "big")
    rate, channels, bits, samples = packed >> 44, packed >> 41 & 7, packed >> 36 & 31, packed & (2**36 - 1)
    rate = rng.choice((rate, 0, 1, 2**20 - 1))
    channels = rng.choice((channels, 7))
    samples = rng.choice((samples, 0, 1, 2**36 - 1, 2**31))
    packed = rate << 44 | channels << 41 | bits << 36 | samples
    return content[:18] + packed.to_bytes(8, "big") + content[26:]


def in_ogg(content: bytes, rng: random.Random) -> bytes:
    """Another rate or number of channels in the Vorbis header, or another length in the last page, with right checksums."""
    damaged = bytearray(content)
    start = damaged.find(b"\x01vorbis")
    action = rng.random()
    if action < 0.35:
        damaged[start + 11] = rng.choice((0, 3, 8, 255))
    elif action < 0.7:
        damaged[start + 12 : start + 16] = struct.pack("<I", rng.choice((0, 1, 10**6, 2**32 - 1)))
    else:
        last = damaged.rfind(b"OggS")
        damaged[last + 6 : last + 14] = struct.pack("<q", rng.choice((-1, 0, 2**40, 2**62)))
    page = damaged.find(b"OggS")
    while page >= 0:
        following = damaged.find(b"OggS", page + 4)
        end = following if following >= 0 else len(damaged)
        damaged[page + 22 : page + 26] = bytes(4)
        damaged[page + 22 : page + 26] = struct.pack("<I", _ogg_crc(damaged[page:end]))
        page = following
    return bytes(damaged)


def _ogg_crc(page: bytes) -> int:
    """RFC 3533: generator 0x04c11db7, no reflection, from 0."""
    crc = 0
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _TABLE[crc >> 24 ^ byte]
    return crc


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _table()
