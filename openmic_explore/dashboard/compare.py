"""Runs: scores per instrument of two or more runs, beside the majority class."""

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as ui
import numpy as np

from openmic_explore.dashboard.listen import describe_data
from openmic_explore.dashboard.state import Message, train_command
from openmic_explore.dashboard.widgets import Plot, PlotlyLibrary
from openmic_explore.experiments import EXPERIMENTS
from openmic_explore.figures import METRICS, Series, mean_over_seeds, scores_figure
from openmic_explore.training import majority_scores

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Run, Runs

MAJORITY = "majority class"


def group_name(run: "Run") -> str:
    """What a run is called but for its seed: runs of one name are repetitions of each other."""
    return run.config.label


def grouped(runs: list["Run"]) -> dict[str, list["Run"]]:
    """Runs by what they are called but for their seed, in the order given."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(group_name(run), []).append(run)
    return groups


class RunsView(ui.VBox):
    """Choose runs and a metric; see them per instrument, and in a table."""

    def __init__(self, data: "OpenMIC", runs: "Runs", library: PlotlyLibrary, message: Message) -> None:
        self.data, self.runs = data, runs
        self.own = runs.of(data.fingerprint)
        others = len(runs) - len(self.own)
        note = f" {others} of the runs found were trained on other data and are left out: scores compare on one data set only."
        self.caption = ui.HTML(
            "<p class='om-caption'>Each marker is one model's score for one instrument on the test clips, over the "
            "observed labels; a thin bar spans its seeds. The grey tick is the <b>majority class</b>: what one gets by "
            f"always giving the more frequent answer, without listening.{note if others else ''}</p>"
        )
        super().__init__([self.caption])
        if not self.own:
            message.set(
                f"There is no run of this data set yet. Train one, then open this page again: `{train_command(data)}`"
            )
            return
        names = [run.name for run in self.own]
        start = {config.group for config in EXPERIMENTS["start"].runs}
        first = [run.name for run in self.own if run.config.group in start] or names
        self.chosen = ui.SelectMultiple(
            options=names, value=first[:12], rows=min(8, max(3, len(names))), layout=ui.Layout(width="100%", margin="0")
        )
        self.chosen.tooltip = "runs"
        self.metric = ui.Dropdown(
            options=[(text, name) for name, text in METRICS.items()],
            value="f1_macro",
            description="Metric",
            layout=ui.Layout(width="100%", margin="6px 0"),
        )
        self.baseline = majority_scores(data)
        self.plot = Plot(library, self._figure(), self._spoken())
        self.table = ui.HTML(self._table())
        self.chosen.observe(message.guard(self._draw), "value")
        self.metric.observe(message.guard(self._draw), "value")
        hint = ui.HTML("<p class='om-caption'>Runs (hold Ctrl or ⌘ to choose several)</p>")
        choice = ui.VBox([hint, self.chosen, self.metric])
        side = ui.VBox([choice, self.caption])
        main = ui.VBox([self.plot, self.table])
        side.add_class("om-side")
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        columns.add_class("om-runs")
        self.children = [columns]

    def _groups(self) -> dict[str, list["Run"]]:
        return grouped([self.runs[name] for name in self.chosen.value])

    def _figure(self) -> "go.Figure":
        metric = self.metric.value
        groups = self._groups()
        series = [
            Series(name, np.stack([run.scores[metric].to_numpy() for run in runs])) for name, runs in groups.items()
        ]
        seeds = sorted({run.config.seed for runs in groups.values() for run in runs})
        title = (
            f"<b>{METRICS[metric][0].upper()}{METRICS[metric][1:]}</b><br>{html.escape(describe_data(self.own[0].info))}, "
            f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        )
        return scores_figure(
            self.data.instruments, series, metric, baseline=self.baseline[metric].to_numpy(), title=title
        )

    def _spoken(self) -> str:
        return f"{METRICS[self.metric.value]} per instrument of {', '.join(self._groups()) or 'no run'} and the majority class"

    def _draw(self, _: Any) -> None:
        self.plot.show(self._figure(), self._spoken())
        self.table.value = self._table()

    def _table(self) -> str:
        """Means of every run, then the chosen metric of every instrument, as HTML."""
        groups = self._groups()
        head = "".join(f"<th class='om-figure'>{html.escape(short)}</th>" for short in SHORT.values())
        lines = []
        for name, runs in groups.items():
            for run in runs:
                cells = _cells(run.scores)
                lines.append(
                    f"<tr><td>{html.escape(name)}</td><td class='om-figure'>{run.config.seed}</td>{cells}</tr>"
                )
        lines.append(f"<tr class='om-base'><td>{MAJORITY}</td><td></td>{_cells(self.baseline)}</tr>")
        means = (
            "<h2>Mean over the instruments</h2><table class='om-scores'><thead><tr><th>run</th><th class='om-figure'>seed</th>"
            f"{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        )
        metric = self.metric.value
        columns = {
            name: mean_over_seeds(np.stack([run.scores[metric].to_numpy() for run in runs]))
            for name, runs in groups.items()
        }
        columns[MAJORITY] = self.baseline[metric].to_numpy()
        head = "".join(f"<th class='om-figure'>{html.escape(name)}</th>" for name in columns)
        support = self.baseline[["positives", "negatives"]].to_numpy()
        rows = "".join(
            f"<tr><td>{name.replace('_', ' ')}</td><td class='om-figure'>{support[row, 0]} / {support[row, 1]}</td>"
            + "".join(f"<td class='om-figure'>{_number(values[row])}</td>" for values in columns.values())
            + "</tr>"
            for row, name in enumerate(self.data.instruments)
        )
        detail = (
            f"<details><summary>{html.escape(METRICS[metric])} of every instrument, as a table</summary>"
            "<table class='om-scores'><thead><tr><th>instrument</th><th class='om-figure'>present / absent</th>"
            f"{head}</tr></thead><tbody>{rows}</tbody></table></details>"
        )
        return means + detail


SHORT = {
    "f1_macro": "F1 macro",
    "f1": "F1 present",
    "f1_weighted": "F1 weighted",
    "average_precision": "avg. precision",
}


def _cells(scores: "pd.DataFrame") -> str:
    return "".join(f"<td class='om-figure'>{_number(scores[metric].mean())}</td>" for metric in SHORT)


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "undefined"
