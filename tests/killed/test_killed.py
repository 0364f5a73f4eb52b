"""Killed at any step and started again, each long piece of work ends as if nothing had happened, and leaves no litter.

Five moments each in the suite, more on demand: OPENMIC_EXPLORE_KILLS=50. For `download` see tests/data.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.features.short import write_short
from tests.killed.nursery import WORK
from tests.learnable import write_learnable
from tests.notes import write_bank

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("OPENMIC_EXPLORE_KILLS", "5"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    place = tmp_path_factory.mktemp("sources")
    learnable = write_learnable(place / "learnable")
    return {
        "teaching": write_bank(place / "bank"),
        "features": write_short(place / "short", 7),
        "training": learnable,
        "reproducing": learnable,
    }


def content(folder: Path) -> dict[str, object]:
    """Every file by path, bytes; of run.json what it says, but for the time that the training took."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name == "run.json":
            found[name] = {key: value for key, value in json.loads(path.read_text()).items() if key != "wall_time"}
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes fork")
@pytest.mark.parametrize("work", WORK)
def test_killed_at_any_step_and_started_again(sources, tmp_path, work):
    shares = [(number + 0.5) / COUNT for number in range(COUNT)]
    command = [sys.executable, "-m", "tests.killed.nursery", work, sources[work], tmp_path, json.dumps(shares)]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["total"] > COUNT
    assert report["killed"] == sorted({round(1 + share * (report["total"] - 1)) for share in shares})
    whole = content(tmp_path / "all")
    assert len(whole) > 3
    for kill in report["killed"]:
        again = content(tmp_path / f"killed-{kill}")
        assert again.keys() == whole.keys(), kill
        assert [name for name in whole if again[name] != whole[name]] == [], kill
