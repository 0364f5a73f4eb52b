"""Which groups of runs are drawn: filters, a list with a box each."""

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets as ui

from openmic_explore.dashboard.runs.groups import FACETS, MOST, experiment_title
from openmic_explore.dashboard.runs.parts import SHORT
from openmic_explore.dashboard.runs.scoring import ALL
from openmic_explore.dashboard.runs.state import RunsState
from openmic_explore.dashboard.runs.widgets import GroupList
from openmic_explore.dashboard.state import Message
from openmic_explore.experiments.named import EXPERIMENTS
from openmic_explore.figures.style import DARK, style

ALWAYS = ("model", "preset")  # the other facets are folded away


class GroupChooser(ui.VBox):
    """Experiment, filters, and the groups that they leave; a marker beside the chosen ones is the figures' legend."""

    def __init__(self, state: RunsState, message: Message) -> None:
        self.state, wide = state, ui.Layout(width="auto")
        self.experiment = ui.Dropdown(description="Experiment", layout=wide)
        self.question = ui.HTML()
        self.facets = {facet: ui.Dropdown(description=facet.capitalize(), layout=wide) for facet in FACETS}
        self.text = ui.Text(placeholder="words of a run's name", description="Search", layout=wide)
        by = [("nothing", ""), *((facet, facet) for facet in FACETS)]
        self.by = ui.Dropdown(options=by, description="Arrange by", layout=wide)
        self.count, self.list = ui.HTML(), GroupList(most=MOST)
        half = ui.Layout(width="49%")
        self.all = ui.Button(description="Tick those listed", layout=half)
        self.none = ui.Button(description="Untick all", layout=half)
        self._ties: dict[str, ui.link] = {}
        self.offer()
        for name, widget in {**self.facets, "experiment": self.experiment, "text": self.text, "by": self.by}.items():
            self._ties[name] = ui.link((state, name), (widget, "value"))
        self.list.observe(message.guard(lambda change: state.tick(change["new"])), "chosen")
        self.all.on_click(message.guard(lambda _: state.tick(state.listed[:MOST])))
        self.none.on_click(message.guard(lambda _: state.tick([])))
        folded = ui.VBox([*(self.facets[facet] for facet in FACETS if facet not in ALWAYS), self.by])
        buttons = ui.HBox([self.all, self.none], layout=ui.Layout(justify_content="space-between"))
        filters = [self.experiment, self.question, *(self.facets[facet] for facet in ALWAYS), self.text]
        more = ui.Accordion([folded], titles=("More filters",))
        super().__init__([*filters, more, self.count, self.list, buttons])
        self.add_class("om-card")

    def offer(self) -> None:
        """What can be chosen now."""
        state = self.state
        titles = [("all runs", ""), *((experiment_title(name), name) for name in state.experiments)]
        self._offer("experiment", self.experiment, titles)
        for facet, widget in self.facets.items():
            values = [("any", ""), *((value, value) for value in state.values(facet))]
            self._offer(facet, widget, values)

    def _offer(self, name: str, widget: ui.Dropdown, options: Sequence[tuple[str, str]]) -> None:
        if list(widget.options) == list(options):
            return
        tie = self._ties.get(name)
        if tie:
            tie.unlink()  # a Dropdown with new options takes the first: that is nobody's choice
        widget.options = options
        widget.value = getattr(self.state, name)
        if tie:
            tie.link()

    def show(self) -> None:
        """The list as the state has it."""
        state = self.state
        rows = []
        for name in state.listed:
            group, shown = state.groups[name], name in state.chosen
            look = style(state.place(name)) if shown else None
            rows.append(
                {
                    "key": name,
                    "label": group.label,
                    "heading": group.facts[state.by] if state.by else "",
                    "seeds": str(len(group.runs)),
                    "value": _mean([run.info for run in group.runs], state.metric, state.cells),
                    "shown": shown,
                    "glyph": look.glyph if look else "",
                    "colour": look.colour if look else "",
                    "dark": DARK[look.colour] if look else "",
                }
            )
        with self.list.hold_sync():
            self.list.heading = SHORT[state.metric] + ("" if state.metric == "average_precision" else " at .5")
            self.list.chosen = list(state.chosen)
            self.list.rows = rows
        self.count.value = f"<p class='om-caption' role='status'>{state.describe()}</p>"
        question = EXPERIMENTS[state.experiment].question if state.experiment else "Every run of this data set."
        self.question.value = f"<p class='om-caption'>{html.escape(question)}</p>"
        self.all.disabled = not state.listed or list(state.chosen) == state.listed[:MOST]


def _mean(infos: Sequence[dict[str, Any]], metric: str, cells: str) -> str:
    """Of what the runs' folders say, at threshold .5."""
    values = [(info.get("means_truth" if cells == ALL else "means") or {}).get(metric) for info in infos]
    known = [value for value in values if value is not None and value == value]
    return f"{sum(known) / len(known):.3f}" if known else ""
