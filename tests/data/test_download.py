"""The archive from a good server: fetched, unpacked and reported; and a folder that is there already is mended."""

import json
import shutil
import tarfile

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.cli import main
from openmic_explore.data import download as module
from openmic_explore.data.check import arrived
from openmic_explore.data.download import ARCHIVE, download
from openmic_explore.files import locked
from tests.bad_line import bad_line, get, md5, names, ranges, tree


def test_fetches_checks_and_unpacks_and_then_asks_no_more(line, whole, tmp_path):
    said: list[str] = []
    target = tmp_path / "a" / "here"
    folder, waits = get(target, line, tell=said.append)
    assert folder == target / "openmic-2018"
    assert tree(folder) == whole
    assert names(target) == ["openmic-2018"]
    assert (line.asked, waits) == ([(None, None)], [])
    assert get(target, line, tell=said.append)[0] == folder
    assert len(line.asked) == 1
    assert "complete" in said[-1]


def test_what_arrived_is_held_against_the_official_numbers(line, tmp_path):
    folder, _ = get(tmp_path, line)
    data = OpenMIC(folder)
    rows = {row.what: (row.found, row.official) for row in arrived(folder)}
    assert {what: official for what, (_, official) in rows.items()} == {
        "clips": 20000, "train clips": 14915, "test clips": 5085, "clips with audio": 20000, "labels": 41268,
        "train labels": 30746, "train present": 13097, "train absent": 17649,
        "test labels": 10522, "test present": 4517, "test absent": 6005,
    }  # fmt: skip
    counts = data.label_counts().sum()
    assert rows["train present"][0] == counts["train_positive"]
    assert rows["test absent"][0] == counts["test_negative"]
    assert rows["labels"][0] == counts.sum() == data.mask.sum()
    assert rows["test clips"][0] == len(data.split("test"))
    assert rows["clips"][0] == rows["clips with audio"][0] == 48


def test_as_a_command(line, tmp_path, capsys):
    arguments = ["download", "--to", str(tmp_path), "--from", line.url, "--md5", md5(line.body)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "41,268" in shown.out
    assert "not the official data" in shown.out
    assert f"fetching the archive from {line.url}" in shown.err
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clips"] == {"found": 48, "official": 20000}
    assert main([*arguments[:3], "--from", "ftp://x/y", "--md5", "0" * 32]) == 0  # nothing is missing, nothing fetched
    shutil.rmtree(tmp_path / "openmic-2018")
    assert main([*arguments[:3], "--from", "ftp://x/y", "--md5", "0" * 32]) == 1
    assert "http or https address or a file" in capsys.readouterr().err
    assert main(["download", "--to", str(tmp_path), "--md5", "0x"]) == 1
    assert "is no MD5" in capsys.readouterr().err


def test_a_file_at_hand_is_checked_and_stays(line, packed, whole, tmp_path):
    assert tree(download(tmp_path / "a", source=packed, md5=md5(line.body))) == whole
    assert packed.is_file()
    for name, data, wrong in (
        ("short", line.body[:-1], "bytes, not"),
        ("wrong", line.body[:-1] + b"x", "its MD5 is"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ExploreError, match=f"{name} is not the archive: .*{wrong}"):
            get(tmp_path / "b", line, source=path)
        assert path.read_bytes() == data
    with pytest.raises(ExploreError, match="There is no file"):
        get(tmp_path / "b", line, source=tmp_path / "nowhere")
    inside = tmp_path / "c" / ARCHIVE  # where a fetched one would lie
    inside.parent.mkdir()
    shutil.copyfile(packed, inside)
    assert tree(get(tmp_path / "c", line, source=inside)[0]) == whole
    assert inside.is_file()
    assert line.asked == []


def test_an_archive_that_is_there_is_used_or_gone_on_with(line, whole, tmp_path):
    archive = tmp_path / ARCHIVE
    archive.write_bytes(line.body)
    assert tree(get(tmp_path, line)[0]) == whole
    assert (line.asked, archive.is_file()) == ([], True)
    shutil.rmtree(tmp_path / "openmic-2018")
    archive.write_bytes(line.body[:300_000])
    assert tree(get(tmp_path, line)[0]) == whole
    assert (ranges(line), archive.exists()) == ([300_000], False)
    shutil.rmtree(tmp_path / "openmic-2018")
    archive.write_bytes(bytes(len(line.body)))
    with pytest.raises(ExploreError, match=r"is not the archive: its MD5 .*Move it away"):
        get(tmp_path, line)
    assert archive.stat().st_size == len(line.body)


def test_an_archive_can_be_kept(line, tmp_path):
    get(tmp_path, line, keep=True)
    assert names(tmp_path) == ["openmic-2018", ARCHIVE]


def test_just_what_is_missing_or_damaged_is_put_back(line, whole, tmp_path):
    folder, _ = get(tmp_path, line, keep=True)
    audio, features = (sorted(folder.glob(f"{kind}/*/*"))[3] for kind in ("audio", "vggish"))
    own = folder / "features" / "mine.npy"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    before = {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
    audio.unlink()
    features.write_bytes(features.read_bytes()[:-1] + b"?")
    said: list[str] = []
    get(tmp_path, line, keep=True, tell=said.append)
    assert tree(folder) == whole | {"features/mine.npy": b"mine"}
    assert any(note.startswith(f"2 of {len(whole) - 1} files are missing or damaged, such as ") for note in said)
    renewed = {path for path in before if path.stat().st_ino != before[path]}
    assert features in renewed
    assert renewed <= {audio, features, folder / "checksums"}
    assert len(line.asked) == 1  # the archive was still there
    (tmp_path / ARCHIVE).unlink()
    shutil.rmtree(folder / "partitions")
    get(tmp_path, line)
    assert tree(folder) == whole | {"features/mine.npy": b"mine"}
    assert len(line.asked) == 2


@pytest.mark.parametrize("text", [None, b"\xff\xfe", b"0" * 32 + b"  ../outside\n", b"x" * 2**26])
def test_a_list_that_cannot_be_used_is_taken_from_the_archive_again(line, packed, whole, tmp_path, text):
    folder, _ = get(tmp_path, line, source=packed)
    (folder / "checksums").unlink()
    if text is not None:
        (folder / "checksums").write_bytes(text)
    next(folder.glob("audio/*/*")).unlink()
    get(tmp_path, line, source=packed)
    assert tree(folder) == whole


def test_a_list_that_is_wrong_in_the_archive_itself_keeps_the_archive(packed, tmp_path):
    """Otherwise each call would fetch it anew, and none would mend anything."""
    source = tmp_path / "openmic-2018"
    shutil.unpack_archive(packed, tmp_path, "gztar")  # tarfile's own filters came with 3.11.4
    path = source / "checksums"
    path.write_text(path.read_text() + f"{'0' * 32}  never-published.csv\n")
    with tarfile.open(tmp_path / "other.tgz", "w:gz") as tar:
        tar.add(source, arcname="openmic-2018")
    with bad_line((tmp_path / "other.tgz").read_bytes()) as line:
        said: list[str] = []
        for _ in range(2):
            get(tmp_path / "here", line, tell=said.append)
        assert len(line.asked) == 1
    assert "1 files of the list of checksums are not in the archive, such as never-published.csv" in said[-1]


def test_nothing_is_put_through_a_link_out_of_the_folder(line, packed, tmp_path):
    folder, _ = get(tmp_path, line, source=packed)
    elsewhere = tmp_path / "elsewhere"
    (folder / "audio").rename(elsewhere)
    (folder / "audio").symlink_to(elsewhere)
    lost = next(elsewhere.glob("*/*"))
    lost.unlink()
    with pytest.raises(ExploreError, match="is a link out of"):
        get(tmp_path, line, source=packed)
    assert not lost.exists()


def test_room_is_asked_for_first_and_what_is_there_counts(line, whole, tmp_path, monkeypatch):
    size = len(line.body)
    usage = shutil.disk_usage(tmp_path)
    free = int(2.25 * size)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=free - 1))
    with pytest.raises(ExploreError, match=r"GB free.*--to DIR"):
        get(tmp_path, line)
    assert line.asked == []
    (tmp_path / f"{ARCHIVE}.part").write_bytes(line.body[:1000])
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=free - 999))
    assert tree(get(tmp_path, line)[0]) == whole
    assert ranges(line) == [1000]


def test_two_at_once(line, tmp_path):
    with (
        locked(tmp_path / "openmic-2018", "testing"),
        pytest.raises(ExploreError, match=r"Another process is downloading"),
    ):
        get(tmp_path, line)
    assert line.asked == []
