"""Clips: what a run says of an instrument, clip by clip, the most wrong first."""

import html
from typing import Any

import numpy as np

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.dashboard.runs.parts import OVER, Asked, Part, Rows
from openmic_explore.dashboard.runs.scoring import ALL, Answer
from openmic_explore.figures.answers import answers_figure

LISTED = 200


def answers(asked: Asked) -> list[Answer]:
    """Of the run and the instrument that are asked for, every clip that counts."""
    state, found = asked.state, asked.state.answering
    if found is None:
        return []
    return asked.scoring.answers(found, state.instrument, state.cells, state.threshold)


def clips_part(asked: Asked, _: list[Group]) -> Part:
    """Probabilities of all clips that count, present and absent apart, with the threshold between right and wrong."""
    state, found, run = asked.state, answers(asked), asked.state.answering
    name, title = state.instrument.replace("_", " "), html.escape(run.name if run else "")
    wrong, heard = sum(one.wrong for one in found), sum(one.heard for one in found)
    figure = answers_figure(
        [one.key for one in found],
        np.array([one.present for one in found], dtype=bool),
        np.array([one.probability for one in found]),
        threshold=state.threshold,
        title=f"<b>{name}</b>: what {title} says of {len(found)} test clips, {OVER[state.cells]}",
    )
    against = "what really sounds" if state.cells == ALL else "the label"
    here = heard if state.heard and heard else len(found)
    said = (
        f"<p><b>{wrong} of {len(found)}</b> are wrong (filled): at threshold {state.threshold:.2f} the answer is not {against}. "
        f"The most wrong come first. {heard} of the {len(found)} have sound here. A click opens a clip in Listen."
        f"{f' The first {LISTED} of {here} are listed.' if here > LISTED else ''}</p>"
    )
    return Part(
        figure, f"probability of {name} in {len(found)} test clips, {wrong} wrong", said, "", lambda: _rows(asked)
    )


def listed(asked: Asked) -> list[dict[str, Any]]:
    """The clips as `widgets.ClipList` takes them: those with sound only, if that is asked for and there are any."""
    found, data = answers(asked), asked.scoring.data
    if asked.state.heard and any(one.heard for one in found):
        found = [one for one in found if one.heard]
    rows = []
    for one in found[:LISTED]:
        present = [name.replace("_", " ") for name, label in data.labels(one.key).items() if label == "present"]
        truth = one.present if asked.state.cells == ALL else None
        rows.append({**one._asdict(), "truth": truth, "others": ", ".join(present)})
    return rows


def _rows(asked: Asked) -> Rows:
    run, state = asked.state.answering, asked.state
    start = [run.name if run else "", state.instrument, f"{state.threshold:.2f}"]
    rows: Rows = [["run", "instrument", "threshold", *Answer._fields]]
    for one in answers(asked):
        rows.append([*start, *(f"{value:.6g}" if isinstance(value, float) else value for value in one)])
    return rows
