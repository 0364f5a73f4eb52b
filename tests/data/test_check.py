"""What `check` says of folders that are whole, half, or spoilt, with and without the archive's own list."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.cli import main
from openmic_explore.data.check import check
from openmic_explore.data.checksums import compare, read_checksums
from tests.miniature import METADATA, NPZ, rewrite, write_activity


def states(folder, **options) -> dict[str, str]:
    return {finding.piece: finding.state for finding in check(folder, **options)}


def wrong(folder, **options) -> dict[str, str]:
    return {finding.piece: finding.state for finding in check(folder, **options) if finding.wrong}


def a_file(folder, kind):
    return sorted(folder.glob(f"{kind}/*/*"))[5]


# A whole folder


def test_a_whole_folder(miniature):
    for deep in (False, True):
        findings = {finding.piece: finding for finding in check(miniature, deep=deep)}
        assert not any(finding.wrong for finding in findings.values())
        files = sum(1 for path in miniature.rglob("*") if path.is_file())
        assert sum(finding.listed for finding in findings.values()) == files - 1  # the list does not list itself
        assert (findings["audio"].listed, findings["vggish"].listed) == (48, 48)
        assert findings["activity"].state == "missing"  # and that is not wrong: only teaching sets have it
    assert {finding.piece for finding in check(miniature)} == {
        "labels", "class map", "train split", "test split", "metadata", "npz", "embedding", "vggish", "audio",
        "activity", "other files",
    }  # fmt: skip


def test_without_a_list_presence_is_all_there_is(miniature):
    (miniature / "checksums").unlink()
    found = states(miniature, deep=True)
    assert found.pop("checksums") == found.pop("activity") == "missing"
    assert set(found.values()) == {"complete"}
    a_file(miniature, "audio").unlink()
    assert wrong(miniature) == {"audio": "partial"}
    shutil.rmtree(miniature / "audio")
    shutil.rmtree(miniature / "vggish")
    assert wrong(miniature) == {"audio": "missing"}  # the npz has the features
    assert "vggish" not in states(miniature)


# Spoilt folders


def test_what_is_missing_is_counted_and_named(miniature):
    lost = a_file(miniature, "audio")
    lost.unlink()
    (miniature / "acknowledgement.md").unlink()
    findings = {finding.piece: finding for finding in check(miniature) if finding.wrong}
    assert {piece: finding.state for piece, finding in findings.items()} == {
        "audio": "partial",
        "other files": "partial",
    }
    audio = findings["audio"]
    assert (audio.listed, audio.missing, audio.damaged) == (48, 1, 0)
    assert audio.bad == (f"{lost.relative_to(miniature)} (missing)",)
    for path in miniature.glob("audio/*/*"):
        path.unlink()
    audio = next(finding for finding in check(miniature) if finding.piece == "audio")
    assert (audio.state, audio.missing, len(audio.bad)) == ("missing", 48, 5)


def test_a_changed_byte_is_found_at_once_in_tables_and_deep_in_audio(miniature):
    for path in (a_file(miniature, "audio"), a_file(miniature, "vggish"), miniature / "acknowledgement.md"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    assert wrong(miniature) == {"other files": "damaged"}
    assert wrong(miniature, deep=True) == {"audio": "damaged", "vggish": "damaged", "other files": "damaged"}
    a_file(miniature, "audio").write_bytes(b"")
    assert wrong(miniature) == {"audio": "damaged", "other files": "damaged"}


def test_what_is_no_file_is_damaged_and_not_waited_for(miniature):
    for place, make in (("audio", os.mkfifo), ("vggish", os.mkdir)):
        path = a_file(miniature, place)
        path.unlink()
        make(path)
    assert wrong(miniature) == wrong(miniature, deep=True) == {"audio": "damaged", "vggish": "damaged"}


def test_a_large_file_that_may_not_be_read_is_damaged(miniature, monkeypatch):
    def refuse(*arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("openmic_explore.data.checksums.hashlib.file_digest", refuse)
    listed = read_checksums(miniature)
    assert set(compare(miniature, listed, deep=set(listed), jobs=2).values()) == {"damaged"}


def test_tables_are_read_for_what_they_say(miniature):
    for path in (miniature / "partitions").iterdir():
        if "test" in path.name:
            path.unlink()
    (miniature / METADATA).unlink()
    found = {finding.piece: finding for finding in check(miniature)}
    assert found["test split"].state == found["metadata"].state == "missing"
    assert "artist" in found["metadata"].detail
    assert found["train split"].state == "complete"
    rewrite(miniature, X=np.full((48, 10, 128), 999))
    assert wrong(miniature) == {
        "test split": "missing", "metadata": "missing", "npz": "damaged", "embedding": "damaged",
    }  # fmt: skip
    (miniature / NPZ).write_bytes(b"PK\x03\x04")
    found = {finding.piece: finding for finding in check(miniature)}
    assert (found["labels"].state, found["npz"].state, found["audio"].state) == ("damaged", "damaged", "complete")
    assert "openmic-2018.npz is damaged" in found["labels"].detail
    assert "openmic-explore check" not in found["labels"].detail
    (miniature / "checksums").unlink()
    assert wrong(miniature) == {"labels": "damaged"}
    with pytest.raises(ExploreError, match="There is no folder"):
        check(miniature / "nowhere")


def test_activity_is_not_needed_but_must_be_right(miniature):
    write_activity(miniature)
    assert states(miniature)["activity"] == "complete"
    write_activity(miniature, frames=np.int64(9999))
    assert wrong(miniature) == {"activity": "damaged"}


def test_kept_features(miniature):
    def keep(name, keys, shape, values):
        folder = miniature / "features" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").write_text(json.dumps({"keys": keys, "shape": shape, "left_out": {keys[0]: {}}}))
        np.save(folder / "values.npy", values)
        return folder

    keys = OpenMIC(miniature).keys.tolist()
    folder = keep("log_mel", keys, [4, 5], np.zeros((48, 4, 5), np.uint8))
    (miniature / "features" / ".scalogram.part").mkdir()
    found = {finding.piece: finding for finding in check(miniature)}
    assert (found["features/log_mel"].state, found["features/log_mel"].detail) == (
        "complete",
        "48 clips, 1 of them left out",
    )
    assert found["features/scalogram, new"].state == "partial"
    assert wrong(miniature) == {}
    keep("log_mel", keys, [4, 6], np.zeros((48, 4, 5), np.uint8))
    assert wrong(miniature) == {"features/log_mel": "damaged"}
    keep("log_mel", keys, [4, 5], np.array([{}], dtype=object))
    assert wrong(miniature) == {"features/log_mel": "damaged"}
    (folder / "values.npy").write_bytes((folder / "values.npy").read_bytes()[:50])
    assert wrong(miniature) == {"features/log_mel": "damaged"}
    (folder / "index.json").write_text("[" * 10**5)
    assert wrong(miniature) == {"features/log_mel": "damaged"}
    (folder / "index.json").unlink()
    assert wrong(miniature) == {"features/log_mel": "damaged"}


def test_kept_features_are_held_against_their_checksums_when_all_is_read(miniature):
    from openmic_explore.features import LogMel, write_features

    write_features(OpenMIC(miniature), [LogMel()], keys=OpenMIC(miniature).audio_keys[:3], jobs=1, progress=False)
    values = miniature / "features" / "log_mel" / "values.npy"
    content = bytearray(values.read_bytes())
    content[-10] ^= 1  # in the last clip's row
    values.write_bytes(content)
    assert wrong(miniature) == {}
    found = {finding.piece: finding for finding in check(miniature, deep=True)}["features/log_mel"]
    assert found.state == "damaged"
    assert f"1 clips are not as they were written, such as {OpenMIC(miniature).audio_keys[2]}" in found.detail


def test_the_shipped_teaching_set_lacks_audio_only():
    from openmic_explore.data.openmic import TEACHING

    assert wrong(TEACHING) == {"audio": "partial"}


# The list itself


def test_the_authors_own_tables_are_read(shared, tmp_path):
    """The two checksums of the real clip, as the authors' repository gives them (its tests' checksums/*.csv)."""
    folder = tmp_path / "openmic-2018"
    shutil.copytree(shared, folder)
    for kind, md5 in (("audio", "c72d759c5347ecf30bf3783c7ae039cf"), ("vggish", "b20f72a1c11adb11c31165c34d3abe28")):
        table = folder / "checksums" / f"openmic-2018-{kind}.csv"
        table.parent.mkdir(exist_ok=True)
        table.write_text(f",md5\n000046_3840,{md5}\n")
    listed = read_checksums(folder)
    assert set(listed) == {"audio/000/000046_3840.ogg", "vggish/000/000046_3840.json"}
    assert compare(folder, listed, deep=set(listed)) == {}
    (folder / "audio/000/000046_3840.ogg").write_bytes(b"OggS")
    assert compare(folder, listed, deep=set(listed)) == {"audio/000/000046_3840.ogg": "damaged"}


@pytest.mark.parametrize(
    "form",
    [
        "{md5}  {path}",
        "{md5} *{path}",
        "{md5}  ./{path}",
        "{md5}\t openmic-2018/{path}",
        "MD5 ({path}) = {md5}",
        "{path},{md5}",
    ],
)
def test_the_usual_forms_of_a_list_are_read(miniature, form):
    expected = read_checksums(miniature)
    lines = [form.format(md5=md5.upper(), path=path) for path, md5 in expected.items()]
    (miniature / "checksums").write_text("# a comment\n\n" + "\r\n".join(lines) + "\n")
    assert read_checksums(miniature) == expected
    files = {str(path.relative_to(miniature)): path for path in miniature.rglob("*") if path.is_file()}
    del files["checksums"]
    assert expected == {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in files.items()}


ZERO = "0" * 32
HOSTILE = {
    "up": f"{ZERO}  ../outside",
    "up inside": f"{ZERO}  audio/../../outside",
    "absolute": f"{ZERO}  /etc/passwd",
    "backslash": f"{ZERO}  ..\\outside",
    "long": f"{ZERO}  {'a' * 5000}",
    "not hexadecimal": f"{'z' * 32}  audio",
    "short": f"{'0' * 31}  audio",
    "no path": ZERO,
    "text": "<html>404</html>",
    "two answers": f"{ZERO}  a\n{'1' * 32}  a",
    "bytes": b"\xff\xfe\x00",
    "large": b"\n" * (2**25 + 1),
    "many": "\n".join(f"{ZERO}  {number}" for number in range(200_001)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_list_is_refused_in_one_line(miniature, what, capsys):
    text = HOSTILE[what]
    (miniature / "checksums").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExploreError, match="checksums") as error:
        read_checksums(miniature)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 300 + 2 * len(str(miniature))
    found = wrong(miniature)
    assert found == {"checksums": "damaged"}  # and the rest is checked without it
    assert main(["check", str(miniature)]) == 1
    assert "is not whole: checksums" in capsys.readouterr().err


def test_a_pipe_for_a_list_is_not_waited_for(miniature):
    (miniature / "checksums").unlink()
    os.mkfifo(miniature / "checksums")
    assert wrong(miniature) == {"checksums": "damaged"}


# The command


def test_as_a_command(miniature, capsys):
    assert main(["check", str(miniature)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["piece", "state", "files", "missing", "damaged"]
    audio = next(row for row in table if row.startswith("audio"))
    assert audio.split()[1:5] == ["complete", "48", "0", "0"]
    lost = a_file(miniature, "audio")
    lost.unlink()
    assert main(["check", str(miniature), "--deep", "--jobs", "2"]) == 1
    shown = capsys.readouterr()
    assert f"{lost.relative_to(miniature)} (missing)" in shown.out
    assert f"{miniature} is not whole: audio. Mend it: openmic-explore download --to {miniature.parent}" in shown.err
    assert main(["check", str(miniature), "--json"]) == 1
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [row["piece"] for row in rows if row["wrong"]] == ["audio"]
    assert {row["piece"]: row["missing"] for row in rows}["audio"] == 1
    assert main(["check", str(miniature / "nowhere")]) == 1
