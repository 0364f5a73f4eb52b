"""The archive from a bad server on this machine: whole in the end, byte for byte, or refused in a sentence."""

import socket
import time
from email.utils import formatdate

import pytest

from openmic_explore import ExploreError
from openmic_explore.data.download import ARCHIVE, download
from openmic_explore.data.fetch import Patience
from tests.bad_line import Fault, get, md5, names, ranges, tree


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 65535, 65536, 200_001, -1])
def test_a_cut_connection_is_gone_on_with_at_that_byte(line, whole, tmp_path, cut, reset):
    cut = cut % len(line.body)
    line.faults = [Fault(cut=cut, reset=reset)]
    folder, waits = get(tmp_path, line)
    assert tree(folder) == whole
    assert len(line.asked) == 2
    assert waits == [1.0]
    if not reset:  # a reset may throw away what had arrived
        assert ranges(line) == [0, cut]
        assert line.asked[1][1] == ('"one"' if cut else None)
        assert line.sent == len(line.body)  # no byte came twice
    assert names(tmp_path) == ["openmic-2018"]


def test_many_cuts_are_borne_as_long_as_something_comes(line, whole, tmp_path):
    line.faults = [Fault(cut=25_000, lasts=15)]
    folder, waits = get(tmp_path, line)
    assert tree(folder) == whole
    assert ranges(line) == [25_000 * number for number in range(16)]
    assert waits == [1.0] * 15


def test_a_server_that_sends_next_to_nothing_is_given_up_and_the_next_call_goes_on(line, whole, tmp_path):
    line.faults = [Fault(cut=100_000), Fault(cut=10, lasts=5)]
    with pytest.raises(ExploreError, match=r"connection was cut.*kept, 100,050 bytes.*same command") as error:
        get(tmp_path, line)
    assert len(str(error.value).splitlines()) == 1
    assert names(tmp_path) == [f"{ARCHIVE}.part", f"{ARCHIVE}.part.json"]
    assert tree(get(tmp_path, line)[0]) == whole
    assert ranges(line)[-1] == 100_050
    assert names(tmp_path) == ["openmic-2018"]


@pytest.mark.parametrize(
    ("content_range", "again"),
    [
        ("ignored", []),
        ("refused", [0]),
        ("bytes 99999-{last}/{size}", [0]),
        ("bytes 0-{last}/{size}", [0]),
        ("bytes 100000-100009/100010", [0]),
        ("pages 1-2/3", [0]),
        (None, [0]),
        ("bytes 100000-{last}/*", []),
    ],
)
def test_ranges_that_are_not_served_rightly_cost_time_and_no_byte(line, whole, tmp_path, content_range, again):
    size = len(line.body)
    second = {
        "ignored": Fault(ranges=False),
        "refused": Fault(status=416, headers={"Content-Range": "bytes */1"}),
    }.get(content_range) or Fault(
        headers={"Content-Range": content_range and content_range.format(last=size - 1, size=size)}
    )
    line.faults = [Fault(cut=100_000), second]
    folder, _ = get(tmp_path, line)
    assert tree(folder) == whole
    assert ranges(line) == [0, 100_000, *again]


@pytest.mark.parametrize("honours", [True, False])
def test_a_file_that_changes_between_two_attempts_is_never_mixed(line, whole, tmp_path, honours):
    old, line.body = line.body, bytes(len(line.body)) + line.body
    line.faults = [Fault(cut=100_000), Fault(cut=0, lasts=5)]
    with pytest.raises(ExploreError):
        get(tmp_path, line)
    line.body, line.etag, line.honours_if_range = old, '"two"', honours
    folder, _ = get(tmp_path, line)
    assert tree(folder) == whole
    assert line.asked[6] == ("bytes=100000-", '"one"')
    assert ranges(line)[7:] == ([] if honours else [0])


def test_without_a_version_a_mixture_is_found_out_and_not_kept(line, whole, tmp_path):
    line.etag = None
    line.faults = [Fault(cut=100_000, body=bytes(len(line.body)))]
    with pytest.raises(ExploreError, match=r"is not the archive: its MD5 is .*It was deleted"):
        get(tmp_path, line)
    assert names(tmp_path) == []
    assert ranges(line) == [0, 100_000]
    assert tree(get(tmp_path, line)[0]) == whole


def test_a_wrong_byte_is_told_and_not_asked_for_again(line, tmp_path):
    line.always = Fault(flip=len(line.body) // 2)
    with pytest.raises(ExploreError, match=rf"is not the archive: its MD5 is [0-9a-f]{{32}}, not {md5(line.body)}"):
        get(tmp_path, line)
    assert len(line.asked) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [404, 410, 403, 400])
def test_a_refusal_is_final(line, tmp_path, status):
    line.always = Fault(status=status)
    with pytest.raises(ExploreError, match=rf"the server answers {status}.*--from"):
        get(tmp_path, line)
    assert len(line.asked) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_busy_server_is_waited_for_as_long_as_it_asks(line, whole, tmp_path, status):
    then = formatdate(time.time() + 90, usegmt=True)
    line.faults = [
        Fault(status=status, headers={"Retry-After": "7"}),
        Fault(status=status),
        Fault(status=status, headers={"Retry-After": then}),
        Fault(status=status, headers={"Retry-After": "soon"}),
    ]
    folder, waits = get(tmp_path, line)
    assert tree(folder) == whole
    assert [waits[0], waits[1], waits[3]] == [7.0, 2.0, 8.0]
    assert 80 < waits[2] <= 90


def test_a_busy_server_is_not_waited_for_without_end(line, tmp_path):
    line.always = Fault(status=503)
    waits: list[float] = []
    with pytest.raises(ExploreError, match=r"answers 503.*Nothing has arrived"):
        get(tmp_path, line, sleep=waits.append)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    line.always = Fault(status=429, headers={"Retry-After": "86400"})
    with pytest.raises(ExploreError, match="asks to wait 86,400 s"):
        get(tmp_path, line, sleep=waits.append)
    assert len(waits) == 5


def test_bodies_of_another_length(line, whole, tmp_path):
    size = len(line.body)
    line.faults = [Fault(body=line.body + b"x")]
    with pytest.raises(ExploreError, match=rf"it has {size + 1:,} bytes, not {size:,}"):
        get(tmp_path / "long", line)
    line.faults = [Fault(body=line.body[:-1])]
    with pytest.raises(ExploreError, match=rf"it has {size - 1:,} bytes, not {size:,}"):
        get(tmp_path / "short", line)
    # Without a length it shows only at the end: what is too much is not taken, what lacks is asked for.
    line.faults = [Fault(body=line.body + b"x" * 300_000, chunked=True)]
    assert tree(get(tmp_path / "long", line)[0]) == whole
    line.faults = [Fault(body=line.body[:-70_000], chunked=True)]
    assert tree(get(tmp_path / "short", line)[0]) == whole
    assert ranges(line)[-1] == size - 70_000
    line.faults = [Fault(cut=123_456, headers={"Content-Length": None})]
    assert tree(get(tmp_path / "closed", line)[0]) == whole


def test_the_size_need_not_be_known(line, whole, tmp_path):
    line.faults = [Fault(cut=100_000)]
    assert tree(get(tmp_path / "a", line, size=None)[0]) == whole
    # All of it has arrived, but the call was cut off before it knew.
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"{ARCHIVE}.part").write_bytes(line.body)
    assert tree(get(tmp_path / "b", line, size=None)[0]) == whole
    assert ranges(line) == [0, 100_000, len(line.body)]


def test_a_page_to_sign_in_does_not_cost_what_has_arrived(line, whole, tmp_path):
    page = Fault(body=b"<html>hello", ranges=False, headers={"Content-Type": "text/html; charset=utf-8"})
    line.faults = [Fault(cut=100_000), page]
    with pytest.raises(ExploreError, match="sign in"):
        get(tmp_path, line)
    assert tree(get(tmp_path, line)[0]) == whole
    assert ranges(line) == [0, 100_000, 100_000]


def test_redirects_are_followed_but_not_for_ever(line, whole, tmp_path):
    line.faults = [Fault(cut=100_000)]
    elsewhere = line.url.replace("archive.tgz", "again")
    assert tree(get(tmp_path / "a", line, source=elsewhere)[0]) == whole
    assert ranges(line) == [0, 100_000]
    with pytest.raises(ExploreError, match="redirects"):
        get(tmp_path / "b", line, source=f"{elsewhere}-and-again")


def test_no_network_is_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: nobody answers here
        waits: list[float] = []
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/archive.tgz"
        with pytest.raises(ExploreError, match=r"no answer \(.*refused"):
            download(tmp_path, source=url, md5="0" * 32, sleep=waits.append)
    assert len(waits) == 5
    with pytest.raises(ExploreError, match="could not be fetched"):
        download(tmp_path, source="http://", md5="0" * 32, sleep=waits.append)
    assert names(tmp_path) == []


def test_silence_counts_as_a_cut(line, whole, tmp_path):
    line.faults = [Fault(cut=4096, pause=0.6)]
    folder, waits = get(tmp_path, line, patience=Patience(read=0.1))
    assert tree(folder) == whole
    assert waits == [1.0]
