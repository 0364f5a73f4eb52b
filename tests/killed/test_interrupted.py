"""Ctrl-C, a full disk, and two at once: real processes end in one sentence, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openmic_explore import OpenMIC, TrainConfig, train
from tests.features.short import write_short
from tests.killed.test_killed import content
from tests.learnable import write_learnable
from tests.notes import write_bank

ROOT = Path(__file__).parents[2]
AGAIN = "openmic-explore: interrupted. The same command goes on where it stopped.\n"


def start(*arguments: object, code: str = "from openmic_explore.cli import main") -> subprocess.Popen:
    """The command in a process group of its own, as a terminal starts it; `code` comes first."""
    script = f"import sys\n{code}\nfrom openmic_explore.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def when(there: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait until there is what is waited for."""
    end = time.monotonic() + 120
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def interrupted(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out, told) == (130, "", AGAIN)


def ends_well(process: subprocess.Popen) -> None:
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told


@pytest.fixture(scope="module")
def learnable(tmp_path_factory):
    return write_learnable(tmp_path_factory.mktemp("interrupted") / "data")


def test_ctrl_c_while_teaching(tmp_path):
    bank = write_bank(tmp_path / "bank")
    folder = tmp_path / "set"
    order = ["teach", folder, "--bank", bank, "--clips", "60", "--no-embedding", "--jobs", "1"]
    process = start(*order)
    when(lambda: len(list(folder.glob("audio/*/0*.ogg"))) >= 10, process)
    interrupted(process)
    assert not (folder / "class-map.json").exists()
    made = {path: path.stat().st_mtime_ns for path in folder.glob("audio/*/0*.ogg")}
    ends_well(start(*order))
    assert len(OpenMIC(folder).audio_keys) == 60
    later = [path for path, moment in made.items() if path.stat().st_mtime_ns != moment]
    assert len(later) <= 1  # the one that was being made
    assert not list(folder.rglob(".*"))


KEEP = "from openmic_explore.training import fit\nfit.KEEP_EVERY = 0.0"


def test_ctrl_c_while_training(learnable, tmp_path):
    config = TrainConfig("mel", epochs=60)
    whole = train(config, OpenMIC(learnable), runs=tmp_path / "whole", progress=False)
    runs = tmp_path / "runs"
    order = ["train", "--data", learnable, "--runs", runs, "--epochs", "60"]
    process = start(*order, code=KEEP)
    when(lambda: list(runs.glob(".*.part/*.pt")), process)
    interrupted(process)
    assert not [path for path in runs.iterdir() if not path.name.startswith(".")]
    ends_well(start(*order))
    assert [path.name for path in runs.iterdir()] == [config.name]
    weights = "weights.safetensors"
    assert (runs / config.name / weights).read_bytes() == (whole.path / weights).read_bytes()


TINY = """
from openmic_explore import TrainConfig
from openmic_explore.experiments import EXPERIMENTS, Experiment
EXPERIMENTS["tiny"] = Experiment("what for?", (TrainConfig("mel", epochs=25), TrainConfig("majority")))
"""


def test_a_reproduction_whose_parent_alone_is_killed(learnable, tmp_path):
    """Its workers go on for a while as orphans. Whoever starts again waits for nobody and breaks nothing."""
    order = ["reproduce", "tiny", "--data", learnable, "--seeds", "3", "--jobs", "2", "--runs"]
    ends_well(start(*order, tmp_path / "whole", code=TINY))
    runs = tmp_path / "runs"
    process = start(*order, runs, code=TINY)
    when(lambda: list(runs.glob(".*.part")), process)
    process.kill()
    process.wait()
    ends_well(start(*order, runs, code=TINY))
    end = time.monotonic() + 120
    while list(runs.glob(".*.lock")) and time.monotonic() < end:
        time.sleep(0.1)  # the orphans' runs are theirs to end
    ends_well(start(*order, runs, code=TINY))
    found, expected = content(runs), content(tmp_path / "whole")
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
"""


@pytest.mark.parametrize("limit", [2000, 60_000])
def test_a_disk_that_takes_no_more_while_a_run_is_trained(learnable, tmp_path, limit):
    """A limit on file sizes fails in the same call as a full disk does."""
    assert len(OpenMIC(learnable).embedding)  # it is in the cache from here on
    runs = tmp_path / "runs"
    order = ["train", "--data", learnable, "--runs", runs, "--epochs", "3"]
    process = start(*order, code=KEEP + LIMIT.format(limit))
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert "Traceback" not in told
    assert "File too large" in told
    assert "Make room" in told
    assert not [path for path in runs.iterdir() if not path.name.startswith(".")]
    ends_well(start(*order))
    train(TrainConfig("mel", epochs=3), OpenMIC(learnable), runs=tmp_path / "whole", progress=False)
    found, expected = content(runs), content(tmp_path / "whole")
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def test_two_trainings_of_one_run_at_once(learnable, tmp_path):
    order = ["train", "--data", learnable, "--runs", tmp_path / "runs", "--epochs", "30"]
    both = [start(*order), start(*order)]
    told = [process.communicate(timeout=300)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    (why,) = [text for process, text in zip(both, told, strict=True) if process.returncode]
    assert "Another process is training this run" in why or "exists already" in why
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [TrainConfig("mel", epochs=30).name]


def test_two_teachers_of_one_set_at_once(tmp_path):
    bank = write_bank(tmp_path / "bank")
    order = ["teach", tmp_path / "set", "--bank", bank, "--clips", "30", "--no-embedding", "--jobs", "1"]
    ends_well(start("teach", tmp_path / "alone", *order[2:]))
    both = [start(*order), start(*order)]
    told = [process.communicate(timeout=300)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 1], [0, 0])
    if codes == [0, 1]:
        assert any("Another process is making this teaching set" in text for text in told)
    assert content(tmp_path / "set") == content(tmp_path / "alone")


def test_reading_while_features_are_written(tmp_path):
    """Whoever opens the folder meanwhile sees the old features or the new ones, never half of them."""
    from openmic_explore.errors import MissingError
    from openmic_explore.features import open_features

    folder = write_short(tmp_path / "data", 9)
    process = start("features", folder, "--only", "log_mel", "--jobs", "1")
    seen = set()
    while process.poll() is None:
        try:
            store = open_features(folder, "log_mel")
            store.read(list(store.row))
            seen.add(len(store.row))
        except MissingError:
            seen.add(0)
        time.sleep(0.002)
    ends_well(process)
    assert seen <= {0, 9}
