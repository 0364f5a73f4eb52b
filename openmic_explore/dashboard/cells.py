"""Weak labels, the second part: clips by instruments, with more or less of them hidden."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets as ui
import numpy as np
import traitlets

from openmic_explore.dashboard.shared import Shared
from openmic_explore.dashboard.weak_state import PARTS, CellState
from openmic_explore.dashboard.widgets import Plot, static
from openmic_explore.figures.weak import matrix_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 3600  # clips that one picture has room for


class ShareSlider(anywidget.AnyWidget):
    """A share in percent, from `least` to 100. label: what it is of."""

    _esm = static("share.js")
    value = traitlets.Float().tag(sync=True)
    least = traitlets.Float().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)


class CellPart(ui.VBox):
    """Clips by instruments: how much is known, from next to nothing to everything."""

    def __init__(self, shared: Shared) -> None:
        self.data = data = shared.data
        self.state = state = CellState(data)
        guard = shared.message.guard
        self.hidden = ShareSlider(value=100 * state.own, least=np.floor(1000 * state.least) / 10, label="hidden")
        self.known = ui.Button(description="as labelled", layout=ui.Layout(width="110px"))
        self.truth = ui.Button(description="the truth", layout=ui.Layout(width="110px"), disabled=data.truth is None)
        many = min(len(data.keys), MOST)
        some = f"{len(state.some)} clips, one by one"
        self.every = ui.ToggleButtons(options=[(some, False), (f"{many:,} clips at once", True)], value=False)
        self.every.style.button_width = "180px"
        self.every.tooltips = ["with a glyph a cell", "folded into a picture"]
        self.text = ui.HTML()
        self.plot = Plot(shared.library, self._figure(), self._spoken())
        self.hidden.observe(guard(self._slide), "value")
        self.every.observe(guard(self._fold), "value")
        self.known.on_click(guard(lambda _: state.hide(state.own)))
        self.truth.on_click(guard(lambda _: state.hide(0.0)))
        state.observe(guard(self._show), ["hidden", "every"])
        controls = ui.HBox([self.known, self.truth, self.hidden, self.every])
        controls.add_class("om-controls")
        super().__init__([self.text, controls, self.plot])
        self.add_class("om-part")
        self._show()

    @property
    def link(self) -> dict[str, str]:
        return {"hidden": f"{self.state.hidden:.3f}", "clips": "all" if self.state.every else "some"}

    def restore(self, asked: Mapping[str, str]) -> None:
        self.state.every = asked.get("clips") == "all"
        try:
            hidden = float(asked.get("hidden", ""))
        except ValueError:
            return
        if 0 <= hidden <= 1:
            self.state.hide(hidden)

    def _slide(self, change: dict[str, Any]) -> None:
        share = change["new"] / 100
        if abs(share - self.state.hidden) > 5e-4:  # not the slider following the state
            self.state.hide(share)

    def _fold(self, change: dict[str, Any]) -> None:
        self.state.every = change["new"]

    def _show(self, _: Any = None) -> None:
        state = self.state
        self.hidden.value, self.every.value = 100 * state.hidden, state.every
        cells = self.data.mask.size
        own = abs(state.hidden - state.own) < 5e-4
        told = f"<b>{state.known:,} of {cells:,} cells are known</b> ({state.known / cells:.1%})"
        if own:
            told += f", as the data set comes: {state.own:.1%} of what one would like to know, nobody ever wrote down."
        elif state.known == cells:
            told += ": the truth, which the teaching set knows because its clips were mixed from notes."
        elif state.hidden < state.own:
            told += ": more than anybody wrote down; what is not a label comes from the truth."
        else:
            told += ": fewer than there are; those with a share of labels in the Train view are drawn in this way."
        if self.data.truth is None:
            told += " What the other cells hold, nobody knows: this data set has labels only."
        self.text.value = f"<p class='om-question'>{told}</p>"
        self.plot.show(self._figure(), self._spoken())

    def _rows(self) -> Any:
        if not self.state.every:
            return self.state.some
        count = len(self.data.keys)
        return np.linspace(0, count - 1, min(count, MOST)).round().astype(int)

    def _figure(self) -> "go.Figure":
        rows = self._rows()
        title = f"<b>{len(rows):,} clips by {len(self.data.instruments)} instruments</b>, {html.escape(self.data.name)}"
        return matrix_figure(
            self.state.states[rows],
            self.data.keys[rows].tolist(),
            self.data.instruments,
            parts=PARTS if self.state.every else 1,
            title=title,
        )

    def _spoken(self) -> str:
        return f"Cells of clips by instruments, {self.state.known:,} of {self.data.mask.size:,} known"
