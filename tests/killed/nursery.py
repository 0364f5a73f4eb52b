"""Runs a piece of work in children of one process, each of which kills itself at another step that it does to the disk.

python nursery.py WORK SOURCE PLACE STEPS: WORK is a name below, SOURCE what it starts from, STEPS a JSON list of numbers
from 0 to 1. It prints {"total": steps of an undisturbed child, "killed": [the steps]}; beside PLACE/all, which nothing
disturbed, lies PLACE/killed-N for each of them, after the same work was called again.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import torch

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.data.bank import Bank
from openmic_explore.data.teach import teach
from openmic_explore.experiments import EXPERIMENTS, Experiment, reproduce
from openmic_explore.features import write_features, writer
from openmic_explore.training import fit

# What is imported late, once for all children.
import filelock, joblib, librosa, pandas, safetensors.torch, sklearn.metrics, soundfile, torch._dynamo, tqdm.auto  # noqa: E401, F401  # isort: skip

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree")
MEL = TrainConfig("mel", epochs=4, augment=("interpolation", "noise", "flip"))


def teaching(source: Path, target: Path) -> None:
    teach(target / "set", bank=Bank(source), clips=12, jobs=1, progress=False)


def features(source: Path, target: Path) -> None:
    if not (target / "data").exists():
        shutil.copytree(source, target / "copied")
        (target / "copied").rename(target / "data")
    write_features(OpenMIC(target / "data"), jobs=1, progress=False)


def training(source: Path, target: Path) -> None:
    try:
        train(MEL, OpenMIC(source), runs=target, progress=False)
    except ExploreError as error:
        if "exists already" not in str(error):
            raise


def reproducing(source: Path, target: Path) -> None:
    EXPERIMENTS["tiny"] = Experiment("what for?", (TrainConfig("mean", epochs=2), TrainConfig("majority")))
    reproduce("tiny", OpenMIC(source), runs=target, seeds=2, jobs=1, progress=False)


WORK = {work.__name__: work for work in (teaching, features, training, reproducing)}


def child(work: str, source: Path, target: Path, kill: int) -> int:
    """Do the work in a child that kills itself at its step number `kill`, if any; its wait status."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in STEPS and str(target) in str(arguments[0]) and "copied" not in str(arguments[0]):
            count += 1
            if count == kill:
                os.kill(os.getpid(), signal.SIGKILL)

    target.mkdir(exist_ok=True)
    sys.addaudithook(hook)
    code = 1
    try:
        WORK[work](source, target)
        (target.parent / f"{target.name}.steps").write_text(str(count))
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(work: str, source: Path, place: Path, steps: list[float]) -> None:
    torch.set_num_threads(1)
    fit.KEEP_EVERY, writer.SYNC_ROWS = 0.0, 3  # as after seconds of a real run
    assert child(work, source, place / "all", 0) == 0
    total = int((place / "all.steps").read_text())
    report: dict = {"total": total, "killed": []}
    for kill in sorted({round(1 + share * (total - 1)) for share in steps}):
        target = place / f"killed-{kill}"
        if child(work, source, target, kill) == signal.SIGKILL:
            report["killed"].append(kill)
        assert child(work, source, target, 0) == 0, kill
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]))
