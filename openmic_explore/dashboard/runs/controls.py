"""What is shown of the chosen groups, and how: the controls over the figure."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as ui

from openmic_explore.dashboard.runs.published import PUBLISHED
from openmic_explore.dashboard.runs.scoring import ALL, KNOWN
from openmic_explore.dashboard.runs.state import BY_METRIC, BY_THRESHOLD, ORDERS, PARTS, RunsState
from openmic_explore.dashboard.runs.widgets import Slider
from openmic_explore.dashboard.state import Message
from openmic_explore.figures.scores import SHOWN

NARROW = {"description_width": "initial"}


class Controls(ui.HBox):
    """Those that say something to the part that is shown. part: the switch between the parts, to be placed elsewhere."""

    _filling = False

    def __init__(self, state: RunsState, message: Message) -> None:
        self.state = state
        self.part = ui.RadioButtons(options=[(title, name) for name, title in PARTS.items()], orientation="horizontal")
        self.part.tooltip = "what is shown"
        self.metric = _dropdown("Metric", [(text, name) for name, text in SHOWN.items()], 360)
        cells = [("known cells", KNOWN), *([("all cells (truth)", ALL)] if state.knows_truth else [])]
        self.cells = _dropdown("Over", cells, 210)
        self.order = _dropdown("Rows", [(text, name) for name, text in ORDERS.items()], 190)
        self.threshold = Slider(description="Threshold")
        self.majority = _checkbox("majority class")
        published = [("nothing", ""), *((title, name) for name, title in PUBLISHED.items())]
        self.published = _dropdown("Published", published, 350)
        instruments = [(name.replace("_", " "), name) for name in state.instruments]
        self.instrument = _dropdown("Clips behind", instruments, 250)
        self.heard = _checkbox("only clips that have sound here")
        for name in ("part", "metric", "cells", "order", "threshold", "majority", "published", "instrument", "heard"):
            ui.link((state, name), (getattr(self, name), "value"))
        # What these can be depends on the chosen groups.
        self.reference, self.run = _dropdown("Reference", [], 420), _dropdown("of", [], 420)
        self.reference.observe(message.guard(lambda change: self._pick("reference", change)), "value")
        self.run.observe(message.guard(lambda change: self._pick("run", change)), "value")
        super().__init__()
        self.add_class("om-controls")

    def _pick(self, name: str, change: dict[str, Any]) -> None:
        if not self._filling and change["new"] is not None:
            setattr(self.state, name, change["new"])

    def show(self) -> None:
        """The controls of the part that is shown, with what can be chosen now."""
        state, part = self.state, self.state.part
        runs = [(f"{group.label}, seed {run.config.seed}", run.name) for group in state.picked for run in group.runs]
        self._fill(self.reference, [(group.label, group.name) for group in state.picked], state.reference)
        self._fill(self.run, runs, state.answering.name if state.answering else "")
        self.threshold.disabled = not state.shown_by_threshold
        shown = {
            self.instrument: part == "clips",
            self.run: part == "clips",
            self.reference: part == "differences",
            self.metric: part in BY_METRIC,
            self.cells: part in BY_THRESHOLD and state.knows_truth,
            self.threshold: part in BY_THRESHOLD,
            self.order: part in BY_METRIC,
            self.published: part == "scores",
            self.majority: part == "scores",
            self.heard: part == "clips",
        }
        self.children = [widget for widget, here in shown.items() if here]

    def _fill(self, widget: ui.Dropdown, options: Sequence[tuple[str, str]], value: str) -> None:
        self._filling = True
        if list(widget.options) != list(options):
            widget.options = options
        widget.value = value or None
        self._filling = False


def _dropdown(description: str, options: Sequence[tuple[str, str]], width: int) -> ui.Dropdown:
    layout = ui.Layout(width="auto", max_width=f"{width}px")
    return ui.Dropdown(options=options, description=description, layout=layout, style=NARROW)


def _checkbox(description: str) -> ui.Checkbox:
    return ui.Checkbox(description=description, indent=False, layout=ui.Layout(width="auto"))
