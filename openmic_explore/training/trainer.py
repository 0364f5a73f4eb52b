"""From a configuration and a data set to a run folder."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from openmic_explore.errors import ExploreError, as_command
from openmic_explore.files import atomic_path, locked
from openmic_explore.models import MODELS, build_model
from openmic_explore.training.baseline import write_baseline
from openmic_explore.training.config import BASELINES, TrainConfig
from openmic_explore.training.fit import fit, predict
from openmic_explore.training.inputs import column_seconds, load
from openmic_explore.training.precision import resolve_precision
from openmic_explore.training.run import Run
from openmic_explore.training.write import Trained, write_run

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC


def train(
    config: TrainConfig,
    data: "OpenMIC",
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    threads: int = 1,
    progress: bool = True,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Run:
    """Train a model on a data set's features and weak labels, keep the best epoch, score it once on the test clips.

    The validation clips are cut from the official training split by group; the test split is touched only after the
    last epoch. The run is written to runs/name (default: the configuration's name) when it is finished; until then its
    state is kept in runs/.name.part, from which the same call goes on after an interruption or a kill, with the same
    result. threads: of torch, while it trains; these networks are so small that a second one costs more than it
    brings: train two seeds at once instead. on_epoch is called after each epoch with its row of the history.

    Returns the Run. On the CPU of one machine, with the same threads and versions, the same configuration gives the
    same weights.
    Raises ExploreError when the run exists already or another process is training it, or when the data set lacks
    features or a split.
    """
    folder = Path(runs) / (name or config.name)
    if folder.exists():
        raise ExploreError(f"The run {folder} exists already. Delete it, or give another name: --name NAME")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with locked(folder, "training this run"):
            return _train(config, data, folder, progress, on_epoch)
    finally:
        torch.set_num_threads(before)


def _train(
    config: TrainConfig,
    data: "OpenMIC",
    folder: Path,
    progress: bool,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> Run:
    parts = {part: data.split(part) for part in ("train", "validation", "test")}
    for name, rows in parts.items():
        if len(rows) < 2:
            why = "All training clips may belong to one artist. " if name == "validation" else ""
            raise ExploreError(
                f"{data.path} has {len(rows)} clips for {name}; at least 2 are needed. {why}"
                f"See what is there: {as_command('check', data.path)}"
            )
    if config.model in BASELINES:
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            write_baseline(temporary, config, data, parts)
        return Run(folder)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = resolve_precision(config, device)
    fitting, validation = (load(data, config, parts[name]) for name in ("train", "validation"))
    torch.manual_seed(config.seed)
    shape = fitting.features.shape
    sizes = {"scales": shape[2], "bins": shape[3]} if config.reads_pictures else {"dimension": shape[-1]}
    sizes["instruments"] = fitting.mask.shape[-1]
    assert set(sizes) == set(MODELS[config.model].sizes)
    model = build_model(config.model, config.preset, **sizes, **config.options)
    model.fit_input(fitting.features)
    model.to(device)
    part = folder.with_name(f".{folder.name}.part")
    state = part / f"{data.fingerprint[:16]}.pt"
    done = fit(
        model,
        config,
        fitting,
        validation,
        device,
        precision=precision,
        progress=progress,
        on_epoch=on_epoch,
        state=state,
    )
    start = time.perf_counter()
    model.load_state_dict(done.best)
    test = load(data, config, parts["test"])
    first, step = model.frame_grid(shape[-1] if config.reads_pictures else shape[1])
    column = column_seconds(data, config)
    trained = Trained(
        model=model,
        output=predict(model, test.features, device, precision=precision),
        fit=done,
        sizes=sizes,
        frame_start=(first - step / 2) * column,
        frame_length=step * column,
        device=device.type,
        precision=precision,
    )
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        done.seconds += time.perf_counter() - start
        write_run(temporary, config, data, parts, trained)
    shutil.rmtree(part, ignore_errors=True)
    return Run(folder)


__all__ = ["predict", "train"]
