"""Weak labels, the third part: what a loss teaches that takes unknown for absent."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as ui
import numpy as np

from openmic_explore.dashboard.listen import describe_data
from openmic_explore.dashboard.shared import Shared
from openmic_explore.dashboard.state import train_command
from openmic_explore.dashboard.weak_state import LossState, cell_losses, false_absents, taught_absent
from openmic_explore.dashboard.widgets import Plot
from openmic_explore.evaluation import means
from openmic_explore.figures.weak import false_absents_figure, losses_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.training import Run

SUMMARY = {"f1": "F1 of present", "f1_macro": "F1 macro", "average_precision": "average precision"}


class LossPart(ui.VBox):
    """One clip's loss with and without a mask, and what the second costs over the whole data set."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.data = shared, shared.data
        guard = shared.message.guard
        own = shared.runs.of(self.data.fingerprint)
        self.state = state = LossState(self.data, own, shared.run.name)
        self.run = ui.Dropdown(
            options=[(name, name) for name in state.names] or [("no run yet", "")],
            value=state.name,
            description="Model run",
            disabled=not state.names,
            layout=ui.Layout(width="420px"),
        )
        wide = ui.Layout(width="110px")
        self.back = ui.Button(description="◀ previous", layout=wide)
        self.on = ui.Button(description="next ▶", layout=wide)
        self.hear = ui.Button(description="Hear it in Listen", layout=ui.Layout(width="140px"))
        self.text, self.cost = ui.HTML(), ui.HTML(self._costs(own))
        self.plot = Plot(shared.library, self._figure(), self._spoken())
        self.back.on_click(guard(lambda _: state.step(-1)))
        self.on.on_click(guard(lambda _: state.step(1)))
        self.hear.on_click(guard(lambda _: self._hear()))
        self.run.observe(guard(self._pick), "value")
        state.observe(guard(self._show), ["clip", "name"])
        shared.news.observe(guard(self._add, by_itself=True), "changed")
        controls = ui.HBox([self.back, self.on, self.hear, self.run])
        controls.add_class("om-controls")
        left = ui.VBox([self.text, controls, self.plot])
        right = ui.VBox([self.cost])
        left.add_class("om-part")
        right.add_class("om-part")
        counts = false_absents(self.data, self.data.split("train"))
        if counts is not None:
            title = f"<b>What “unknown means absent” would teach</b><br>training clips of {html.escape(self.data.name)}"
            figure = false_absents_figure(self.data.instruments, *counts, title=title)
            right.children = [
                Plot(shared.library, figure, "Labels present and false absents per instrument"),
                self.cost,
            ]
        beside = ui.Box([left, right])
        beside.add_class("om-beside")
        super().__init__([beside])
        self.add_class("om-part")
        self._show()

    @property
    def link(self) -> dict[str, str]:
        return {"clip": self.state.clip, "run": self.state.name}

    def restore(self, asked: Mapping[str, str]) -> None:
        if asked.get("run") in self.state.names:
            self.state.name = asked["run"]
        if asked.get("clip") in self.state.clips:
            self.state.clip = asked["clip"]

    def _pick(self, change: dict[str, Any]) -> None:
        self.state.name = change["new"]

    def _hear(self) -> None:
        self.shared.clips.clip = self.state.clip
        self.shared.navigation.view = "Listen"

    def _add(self, _: Any) -> None:
        run = self.shared.runs[self.shared.news.newest]
        if run.info["fingerprint"] != self.data.fingerprint:
            return
        self.state.add(run)
        chosen = self.state.name or run.name
        self.run.options, self.run.disabled = [(name, name) for name in self.state.names], False
        self.run.value = self.state.name = chosen
        self.cost.value = self._costs(list(self.state.runs.values()))

    def _show(self, _: Any = None) -> None:
        self.run.value = self.state.name
        self.hear.disabled = not self.data.has_audio(self.state.clip)
        self.text.value = f"<p class='om-question'>{self._told()}</p>"
        self.plot.show(self._figure(), self._spoken())

    def _told(self) -> str:
        state = self.state
        known = int((state.state >= 0).sum())
        told = (
            f"Clip {html.escape(state.clip)} has {known} {'label' if known == 1 else 'labels'} of {len(state.state)}. "
        )
        probability = state.probability
        if probability is None:
            return f"{told}There is no run of this data yet. Train one: <code>{html.escape(train_command(self.data))}</code>"
        masked, absent = cell_losses(probability, state.state)
        mean = (
            f"{np.nanmean(masked):.2f} over what is labelled"
            if known
            else "none at all: a clip without labels teaches nothing"
        )
        told += f"Masked, the loss is {mean}; with unknown taken for absent it is {absent.mean():.2f} over all {len(absent)}. "
        if state.truth is None:
            return told + "How many of the unknown instruments sound, nobody knows here."
        wrong = int((state.truth & (state.state < 0)).sum())
        many = {0: "None of the unknown instruments sounds", 1: "<b>One unknown instrument sounds</b>"}
        return told + many.get(wrong, f"<b>{wrong} unknown instruments sound</b>") + (
            ": without a mask the model is punished for hearing it." if wrong == 1 else
            ": without a mask the model is punished for hearing them." if wrong else "."
        )  # fmt: skip

    def _costs(self, runs: list["Run"]) -> str:
        counts = false_absents(self.data, self.data.split("train"))
        if counts is None:
            told = (
                "How many false “absent” that makes over the data set, only a truth could tell, and this data set has "
                "labels only. The teaching set knows: choose it above."
            )
        else:
            present, wrong = (int(part.sum()) for part in counts)
            rows = self.data.split("train")
            unknown = int((~self.data.mask[rows]).sum())
            to_one = f", {wrong / present:.1f} to one" if present else ""
            told = (
                f"Of {unknown:,} unknown cells {wrong:,} ({wrong / unknown:.0%}) sound. Taken for absent they are "
                f"{wrong:,} false “absent” against {present:,} labels “present”{to_one}."
                if unknown
                else "The training clips have no unknown cell, so there is none to take for absent."
            )
        pairs = {label: pair for label, pair in taught_absent(runs).items() if pair[0][0].config.known is None}
        return f"<p class='om-question'>{told}</p>{_pairs(pairs)}"

    def _figure(self) -> "go.Figure":
        state = self.state
        probability = state.probability
        if probability is None:
            probability = np.full(len(state.state), 0.5)
        return losses_figure(
            self.data.instruments,
            state.state,
            probability,
            *cell_losses(probability, state.state),
            state.truth,
            title=f"<b>Loss of clip {state.clip}'s cells</b><br>{self._by()}",
        )

    def _by(self) -> str:
        if not self.state.name:
            return "of a model that knows nothing and says .5 to everything"
        run = self.state.runs[self.state.name]
        return html.escape(f"{run.config.label}, seed {run.config.seed}; {describe_data(run.info)}")

    def _spoken(self) -> str:
        return f"Loss of the cells of clip {self.state.clip}, masked and with unknown taken for absent"


def _pairs(pairs: Mapping[str, tuple[list["Run"], list["Run"]]]) -> str:
    """Runs that were trained both ways, as a table of mean test scores over seeds."""
    if not pairs:
        return ""
    head = "".join(f"<th class='om-figure'>{text}</th>" for text in SUMMARY.values())
    lines = "".join(
        f"<tr><td>{html.escape(label)}, {how}</td>"
        + "".join(
            f"<td class='om-figure'>{np.nanmean([means(run.scores)[metric] for run in runs]):.3f}</td>"
            for metric in SUMMARY
        )
        + "</tr>"
        for label, (masked, absent) in pairs.items()
        for how, runs in (("masked", masked), ("as absent", absent))
    )
    return (
        "<table class='om-scores'><caption>Trained both ways: test scores, mean over seeds</caption><thead><tr>"
        f"<th>run, unknown</th>{head}</tr></thead><tbody>{lines}</tbody></table>"
    )
