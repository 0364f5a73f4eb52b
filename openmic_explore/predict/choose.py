"""Which run predicts, and the embedding that it reads."""

import math
from collections.abc import Iterable
from pathlib import Path

from openmic_explore.errors import ExploreError
from openmic_explore.training.config import BASELINES
from openmic_explore.training.run import SHIPPED, Run, Runs
from openmic_explore.transforms.embedding import EMBEDDINGS, Embedding, embedding, prepare


def best_run(runs: Iterable[Run] | None = None) -> Run:
    """The network with the highest mean average precision on its validation clips, at the epoch that was kept.

    Test scores do not count, nor do runs that were given other labels than the data's own, since their validation clips
    have those too. runs: of one data set; None for the shipped ones that read the package's own embeddings.
    Raises ExploreError when there is none, or when they are of several data sets, whose scores cannot be compared.
    """
    if runs is None:
        own = EMBEDDINGS["musicnn"], EMBEDDINGS["musicnn+mel"]
        runs = [run for run in Runs(SHIPPED) if run.info["embedding"] in own]
    networks = [run for run in runs if run.keeps_model and run.config.own_labels]
    if not networks:
        raise ExploreError("There is no run with a network to predict with. Train one: openmic-explore train")
    if len({run.info["fingerprint"] for run in networks}) > 1:
        names = ", ".join(run.name for run in networks)
        raise ExploreError(f"These runs are of several data sets. Choose one by --run: {names}.")
    return max(networks, key=_validation_precision)


def _validation_precision(run: Run) -> float:
    kept = run.history["epoch"] == run.info["epoch"]
    values = run.history.loc[kept, "validation_average_precision"].dropna()
    return float(values.max()) if len(values) else -1.0


def run_embedding(run: Run, name: str | None = None, *, weights: str | Path | None = None) -> Embedding | None:
    """The embedding that a run reads, ready to be called; None for a run that reads pictures.

    name: as for `transforms.embedding`; needed for one's own. weights: of vggish, a folder with its two files; unless
    given they are fetched (289 MB). Raises ExploreError for a baseline, which reads nothing any more, and when the
    embedding is another than the run was trained on, or cannot be had.
    """
    wanted = str(run.info["embedding"])
    if run.config.model in BASELINES:
        raise ExploreError(f"{run.name} is a baseline and keeps no model to predict with. Choose a network by --run.")
    if run.config.reads_pictures:
        if name or weights:
            raise ExploreError(f"{run.name} reads pictures ({wanted}). Leave out --embedding and --weights.")
        return None
    if name is None and wanted not in EMBEDDINGS.values():
        raise ExploreError(
            f"{run.name} reads the embedding {wanted}, which is not one of the package's. "
            "Say where it is: --embedding FILE.py:NAME"
        )
    made = embedding(name or wanted, weights=weights)
    if made.name != wanted:
        raise ExploreError(
            f"{run.name} was trained on the embedding {wanted}, not on {made.name}. Give that one by --embedding, or "
            "choose another run by --run."
        )
    dimension, frame_length = int(run.info["sizes"]["dimension"]), float(run.info["frame_length"])
    if made.dimension != dimension or not math.isclose(made.frame_length, frame_length):
        raise ExploreError(
            f"{made.name} gives {made.dimension} numbers for every {made.frame_length} s, and {run.name} was trained on "
            f"{dimension} for every {frame_length} s: it has changed since. Take it as it was, or train again."
        )
    prepare(made)
    return made


def about(run: Run) -> str:
    """Which run it is, what it reads and what it learned from, in one line."""
    text = (
        f"Run {run.name} ({run.config.model}, {run.config.preset}), input {run.info['embedding']}, "
        f"trained on {run.info['data']}"
    )
    if run.info.get("recipe"):  # only a teaching set has one
        return f"{text}, a teaching set of mixed single notes: on real music its scores are a demonstration."
    return f"{text}."
