"""What the real data set will cost: python -m tests.large.measure FOLDER, a folder that tests.stand_in has written.

Each step runs in a process of its own; printed are seconds of the processor, which other work on the machine changes
little, and the most memory that it had.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = {
    "import numpy (the least)": "import numpy",
    "open, cold": "from openmic_explore import OpenMIC; OpenMIC(folder)",
    "open, warm": "from openmic_explore import OpenMIC; OpenMIC(folder)",
    "label views": """
from openmic_explore import OpenMIC
data = OpenMIC(folder)
data.label_state, data.label_counts(), data.fingerprint, [data.split(part) for part in ("train", "validation", "test")]
""",
    "embedding, cold": "from openmic_explore import OpenMIC; OpenMIC(folder).embedding",
    "embedding, warm": "from openmic_explore import OpenMIC; OpenMIC(folder).embedding.sum()",
    "check": "from openmic_explore.data.check import check; check(folder)",
    "check --deep": "from openmic_explore.data.check import check; check(folder, deep=True)",
}
# The series of Figures 4 and 6, two epochs each; the rest of the paper's 200 is extrapolated.
SERIES = {
    "mel": "",
    "mel-3": "",
    "mel, noise": "augment=('noise',)",
    "mel, interpolation": "augment=('interpolation',)",
    "mel, flip": "augment=('flip',)",
    "mel, all": "augment=('noise', 'interpolation', 'flip')",
}
TRAIN = """
import time
from openmic_explore import OpenMIC, TrainConfig, train
data = OpenMIC(folder)
moments = [time.process_time()]
train(TrainConfig({model!r}, {preset!r}, epochs=3, {options}), data, runs=folder.parent / "runs", name={name!r},
      progress=False, on_epoch=lambda row: moments.append(time.process_time()))
moments.append(time.process_time())
facts["before the first epoch ends"] = moments[1] - moments[0]
facts["an epoch"] = (moments[3] - moments[1]) / 2
facts["afterwards"] = moments[4] - moments[3]
"""
AROUND = """
import sys, time, resource, json
from pathlib import Path
folder, facts, begun = Path(sys.argv[1]), {}, time.process_time()
"""
AFTER = """
facts = {"seconds": time.process_time() - begun, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, **facts}
print(json.dumps(facts))
"""


def step(code: str, folder: Path, cache: str) -> dict[str, float]:
    """Run a step in a process of its own; its seconds, MB, and what else it notes."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AROUND + code + AFTER, str(folder)],
        env={**os.environ, "OPENMIC_EXPLORE_CACHE": cache, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as cache:
        for name, code in STEPS.items():
            show(name, step(code, folder, cache))
        for preset in ("published", "repaired"):
            for name, options in SERIES.items():
                label = f"{name}, {preset}"
                code = TRAIN.format(
                    model=name.split(",")[0], preset=preset, options=options, name=f"{label} {time.time()}"
                )
                found = step(code, folder, cache)
                show(label, found)
                whole = found["seconds"] + 197 * found["an epoch"]
                print(f"{'':32} 200 epochs, extrapolated: {whole / 60:.1f} min")


def show(name: str, found: dict[str, float]) -> None:
    more = ", ".join(f"{what} {value:.2f} s" for what, value in found.items() if what not in ("seconds", "MB"))
    print(f"{name:32} {found['seconds']:8.2f} s {found['MB']:8.0f} MB  {more}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
