"""What the benchmarks say and write, and that the peers draw the same picture; how fast anything is, no test says."""

import builtins
import json

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.benchmarks import peers as peers_module
from openmic_explore.benchmarks.harness import Result, Timing, interleaved, markdown, numbers, one_thread
from openmic_explore.benchmarks.peers import DEFINITION, agreement, full_resolution, peers
from openmic_explore.cli import main

RATE = 44100


@pytest.fixture(scope="module")
def sound():
    return np.random.default_rng(0).standard_normal(RATE).astype(np.float32) / 4


def test_numbers_of_known_timings():
    slow, fast = Timing("slow", (2.0, 9.0, 4.0), (2.0, 18.0, 10.0)), Timing("fast", (1.0, 3.0, 2.5))
    found = numbers(slow, fast)
    assert (found["median_of_ratios"], found["ratio_of_medians"]) == (2.0, 4.0 / 2.5)
    assert (found["least"], found["greatest"]) == (1.6, 3.0)
    assert slow.threads == 2.0
    assert np.isnan(fast.threads)


def test_waiting_is_not_working():
    import time

    timing = interleaved({"sleep": lambda: time.sleep(0.02)}, 2)["sleep"]
    assert min(timing.seconds) >= 0.02
    assert timing.threads < 0.9


def test_one_thread_holds_inside_and_is_undone():
    import torch
    from threadpoolctl import threadpool_info

    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert torch.get_num_threads() == before


def test_a_table_of_any_width():
    lines = markdown([("a", "b"), ("1", "2")]).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]


def test_the_json_holds_numbers_machine_and_table(tmp_path):
    path = tmp_path / "new" / "numbers.json"
    Result("| x |", {"ratios": {"x / y": 2.0}}).write(path)
    found = json.loads(path.read_text())
    assert found["ratios"] == {"x / y": 2.0}
    assert found["markdown"] == "| x |"
    assert found["machine"]["packages"]["numpy"] == np.__version__
    assert found["machine"]["cores"] >= 1
    assert [file.name for file in path.parent.iterdir()] == ["numbers.json"]


def test_peers_that_are_missing_are_named(sound, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name in ("fcwt", "ssqueezepy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    found, missing = peers(sound, RATE)
    assert list(found) == [DEFINITION, "full resolution, float32"]
    assert [text.split()[0] for text in missing] == ["ssqueezepy", "fcwt"]
    assert all("pip install openmic_explore[bench]" in text for text in missing)
    assert not peers_module.plan_fcwt(sound.size)


def test_full_resolution_in_float32_is_the_definition(sound):
    definition = peers(sound, RATE)[0][DEFINITION]()
    ours = full_resolution(sound, RATE)()
    assert ours.shape == definition.shape == (128, 128)
    assert agreement(ours, definition) < 5e-3  # its bins end at whole samples, of 345 a bin
    assert agreement(2 * definition, definition) == pytest.approx(1.0)


def test_ssqueezepy_draws_the_same_picture(sound):
    pytest.importorskip("ssqueezepy", reason="pip install -e '.[bench]' compares with ssqueezepy")
    found, _ = peers(sound, RATE)
    assert agreement(found["ssqueezepy"](), found[DEFINITION]()) < 5e-3


def test_fcwt_draws_the_picture_of_another_wavelet(sound):
    """Its rows must be the same frequencies in the same order: with noise the levels follow the square root of f."""
    pytest.importorskip("fcwt", reason="pip install -e '.[bench]' compares with fcwt")
    found, _ = peers(sound, RATE)
    theirs, ours = (found[name]().mean(axis=1)[20:] for name in ("fcwt (Morlet), as it comes", DEFINITION))
    assert np.corrcoef(np.log(theirs), np.log(ours))[0, 1] > 0.95


def test_the_store_is_measured_without_writing_to_the_data(tmp_path):
    from openmic_explore.benchmarks.store import store

    data = OpenMIC.teaching()
    before = {path: path.stat().st_mtime_ns for path in data.path.rglob("*")}
    told = []
    result = store(data.path, clips=(1, 2), jobs=(1,), tell=told.append)
    assert {path: path.stat().st_mtime_ns for path in data.path.rglob("*")} == before
    assert [(one["clips"], one["left_out"]) for one in result.numbers["measured"]] == [(1, 0), (2, 0)] * 2
    assert len(told) == 4
    # A clip's log-mel is 64 x 998 bytes, its scalogram 128 x 128, its embedding 10 x 128; the rest is the index.
    pictures, embedded = result.numbers["bytes_a_clip"].values()
    assert 64 * 998 + 128 * 128 < pictures < 64 * 998 + 128 * 128 + 20_000
    assert 1280 < embedded - pictures < 2500
    assert "mono" in result.text


def test_the_command_writes_what_it_prints(tmp_path, monkeypatch, capsys):
    from openmic_explore.benchmarks import store

    monkeypatch.setattr(store, "store", lambda data, tell: Result(f"| {data.name} |", {"benchmark": "store"}))
    to = tmp_path / "store.json"
    assert main(["benchmark", "store", "--data", "here", "--to", str(to)]) == 0
    assert capsys.readouterr().out == "| here |\n"
    assert json.loads(to.read_text())["markdown"] == "| here |"
    assert main(["benchmark", "store"]) == 1
    assert "--data data/teaching" in capsys.readouterr().err


def test_a_clip_that_is_not_audio_is_told(tmp_path):
    from openmic_explore.benchmarks.transforms import transforms

    (tmp_path / "no.ogg").write_text("no")
    with pytest.raises(ExploreError, match="damaged or not audio"):
        transforms(tmp_path / "no.ogg")
