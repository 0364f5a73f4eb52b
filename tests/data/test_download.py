"""The archive from a server on this machine: fetched, checked, unpacked safely, or refused in a sentence."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.cli import main
from openmic_explore.data.check import check
from openmic_explore.data.download import download


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}/archive.tgz"
        httpd.shutdown()


def pack(server_folder, source) -> str:
    with tarfile.open(server_folder / "archive.tgz", "w:gz") as tar:
        tar.add(source, arcname="openmic-2018")
    return hashlib.md5((server_folder / "archive.tgz").read_bytes()).hexdigest()


def test_fetches_checks_and_unpacks(server, miniature, tmp_path):
    folder, url = server
    md5 = pack(folder, miniature)
    target = tmp_path / "here"
    got = download(target, url=url, md5=md5, progress=False)
    assert got == target / "openmic-2018"
    assert OpenMIC(got).fingerprint == OpenMIC(miniature).fingerprint
    assert [path.name for path in target.iterdir()] == ["openmic-2018"]
    (folder / "archive.tgz").unlink()
    assert download(target, url=url, md5=md5, progress=False) == got


def test_a_wrong_byte_is_refused_and_nothing_is_left(server, miniature, tmp_path):
    folder, url = server
    md5 = pack(folder, miniature)
    damaged = bytearray((folder / "archive.tgz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / "archive.tgz").write_bytes(damaged)
    with pytest.raises(ExploreError, match="is not the archive"):
        download(tmp_path / "here", url=url, md5=md5, progress=False)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_file_that_is_not_there_is_a_sentence(server, tmp_path):
    with pytest.raises(ExploreError, match=r"could not be fetched.*404"):
        download(tmp_path / "here", url=server[1], md5="0" * 32, progress=False)


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt"])
def test_nothing_is_written_outside_of_the_folder(server, tmp_path, name):
    folder, url = server
    with tarfile.open(folder / "archive.tgz", "w:gz") as tar:
        entry = tarfile.TarInfo(name if name.startswith("/") else f"openmic-2018/../../{name}")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    md5 = hashlib.md5((folder / "archive.tgz").read_bytes()).hexdigest()
    before = {path for path in tmp_path.rglob("*") if path.name == "outside.txt"}
    with pytest.raises(ExploreError, match=r"could not be unpacked|holds no folder"):
        download(tmp_path / "deep" / "here", url=url, md5=md5, progress=False)
    assert {path for path in tmp_path.rglob("*") if path.name == "outside.txt"} == before
    assert not (tmp_path / "deep" / "here" / "openmic-2018").exists()


def test_check_tells_complete_from_missing_and_damaged(miniature, capsys):
    states = {finding.piece: finding.state for finding in check(miniature)}
    assert states["labels"] == states["train split"] == states["embedding"] == "complete"
    assert states["activity"] == "missing"
    for path in (miniature / "partitions").iterdir():
        if "test" in path.name:
            path.unlink()
    for path in (miniature / "audio").rglob("*.ogg"):
        path.unlink()
    states = {finding.piece: finding.state for finding in check(miniature)}
    assert states["test split"] == states["audio"] == "missing"
    assert main(["check", str(miniature)]) == 1
    assert "test split" in capsys.readouterr().out
    with np.load(miniature / "openmic-2018.npz", allow_pickle=True) as archive:
        arrays = dict(archive)
    np.savez(miniature / "openmic-2018.npz", **arrays | {"X": np.full_like(arrays["X"], 999)})
    states = {finding.piece: finding.state for finding in check(miniature)}
    assert (states["embedding"], states["artists"], states["labels"]) == ("damaged", "complete", "complete")
    (miniature / "openmic-2018.npz").write_bytes(b"PK\x03\x04")
    assert [finding.state for finding in check(miniature)] == ["damaged"]
    with pytest.raises(ExploreError, match="There is no folder"):
        check(miniature / "nowhere")
