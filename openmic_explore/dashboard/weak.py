"""Weak labels: guess when an instrument sounds, hide and reveal labels, and see what a loss teaches without a mask."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as ui

from openmic_explore.dashboard.cells import CellPart
from openmic_explore.dashboard.guess import GuessPart
from openmic_explore.dashboard.losses import LossPart
from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet

TITLES = {
    "guess": "Guess where it sounds",
    "cells": "Hide and reveal labels",
    "loss": "Unknown is not absent",
}


def make(shared: Shared) -> "WeakView":
    """The view of a page."""
    return WeakView(shared)


class WeakView(View):
    """Three parts, each made when it is first opened."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.parts: dict[str, Any] = {}
        self._makers: dict[str, Callable[[Shared], Any]] = {"guess": GuessPart, "cells": CellPart, "loss": LossPart}
        self.part = ui.ToggleButtons(options=[(text, name) for name, text in TITLES.items()], value="guess")
        self.part.style.button_width = "200px"
        self.part.add_class("om-parts")
        self.body = ui.Box()
        self.part.observe(shared.message.guard(self._open), "value")
        help_text = (
            "A <b>weak</b> label says that an instrument sounds somewhere in ten seconds, not when; and nine of ten "
            "labels are <b>missing</b>, which is not the same as absent. Try what that leaves a model to learn from."
        )
        column = ui.VBox([style_sheet("weak"), help_line(help_text, "03_weak_labels"), self.part, self.body])
        column.add_class("om-weak")
        super().__init__([column])
        self.layout.width = "100%"
        self._open()

    def restore(self, asked: Mapping[str, str]) -> None:
        """Open the part, and in it what its own link said."""
        if asked.get("part") in TITLES:
            self.part.value = asked["part"]
        self.parts[self.part.value].restore(asked)
        self._tell()

    def _open(self, _: Any = None) -> None:
        name = self.part.value
        if name not in self.parts:
            part = self.parts[name] = self._makers[name](self.shared)
            part.state.observe(self.shared.message.guard(self._tell))
        self.body.children = [self.parts[name]]
        self._tell()

    def _tell(self, _: Any = None) -> None:
        self.link = {"part": self.part.value, **self.parts[self.part.value].link}
