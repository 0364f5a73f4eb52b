"""Search for clips, a list of what was found, and steps through it."""

from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.clips import LABELS, SPLITS, ClipState

if TYPE_CHECKING:
    from openmic_explore.dashboard.state import Message

LISTED = 300
ORDERS = [("as in the data", ""), ("most confident first", "confident"), ("most divided first", "divided")]
# By the trait of ClipState, the label and the options of a field.
FIELDS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "label": ("Label", [("any label", ""), *((name, name) for name in LABELS)]),
    "split": ("Split", [("all clips", ""), *((name, name) for name in SPLITS)]),
    "order": ("Order", ORDERS),
}


class ClipPicker(ui.VBox):
    """Fields for a search, the list, and steps."""

    _listing = False

    def __init__(self, state: ClipState, message: "Message") -> None:
        self.state = state
        names = [("any instrument", ""), *((name.replace("_", " "), name) for name in state.data.instruments)]
        fields = {"instrument": ("Instrument", names)} | FIELDS
        made = {trait: _field(getattr(state, trait), *field) for trait, field in fields.items()}
        self.instrument, self.label, self.split, self.order = made.values()
        wide = ui.Layout(width="auto")
        self.wrong = ui.Checkbox(
            value=state.wrong, description="only where the run was wrong", indent=False, layout=wide
        )
        self.wrong.tooltip = "its stored prediction contradicts a known label, of the instrument where one is chosen"
        self.heard = ui.Checkbox(
            value=state.heard,
            description=f"only clips that have sound here ({state.audible:,})",
            indent=False,
            disabled=not state.audible,
            layout=wide,
        )
        for trait, widget in (made | {"wrong": self.wrong, "heard": self.heard}).items():
            self._tie(trait, widget, message)
        self.count = ui.HTML()
        self.list = ui.Select(rows=5, description="Clips found", layout=ui.Layout(width="100%"))
        self.list.add_class("om-found")
        self.steps = ClipSteps(state, message)
        self.back, self.on = self.steps.children
        self.list.observe(message.guard(self._pick), "value")
        state.observe(message.guard(self._show), ["matches", "clip"])
        self._show()
        grid = ui.Box([*made.values()])
        grid.add_class("om-search")
        super().__init__([grid, self.wrong, self.heard, self.count, self.list, self.steps])
        self.add_class("om-card")

    def _tie(self, trait: str, widget: ui.ValueWidget, message: "Message") -> None:
        """Field and trait follow each other; what a search raises becomes the message."""
        widget.observe(message.guard(lambda change: setattr(self.state, trait, change["new"])), "value")
        self.state.observe(lambda change: setattr(widget, "value", change["new"]), trait)

    def _pick(self, change: dict[str, Any]) -> None:
        if change["new"] and not self._listing:
            self.state.clip = change["new"]

    def _show(self, _: Any = None) -> None:
        matches, clip = self.state.matches, self.state.clip
        first = 0
        if clip in matches:
            first = max(0, min(matches.index(clip) - LISTED // 2, len(matches) - LISTED))
        listed = matches[first : first + LISTED]
        options = [(self.state.describe(key), key) for key in listed]
        if list(self.list.options) != options:
            self._listing = True  # a Select with new options takes the first: that is nobody's choice
            self.list.options = options
            self._listing = False
        self.list.value = clip if clip in listed else None
        some = f", {LISTED} of them listed" if len(matches) > LISTED else ""
        divided = "; divided: probability nearest .5" if self.state.order == "divided" else ""
        self.count.value = f"<p class='om-caption' role='status'>{place(self.state)}{some}{divided}</p>"


class ClipSteps(ui.HBox):
    """To the clip before and the clip after."""

    def __init__(self, state: ClipState, message: "Message") -> None:
        self.state = state
        half = ui.Layout(width="49%")
        back = ui.Button(description="◀ previous", layout=half)
        on = ui.Button(description="next ▶", layout=half)
        back.on_click(message.guard(lambda _: state.step(-1)))
        on.on_click(message.guard(lambda _: state.step(1)))
        super().__init__([back, on], layout=ui.Layout(justify_content="space-between"))
        state.observe(self._able, "matches")
        self._able()

    def _able(self, _: Any = None) -> None:
        for button in self.children:
            button.disabled = not self.state.matches


def place(state: ClipState) -> str:
    """Where the open clip is among those found, in words."""
    matches = state.matches
    if state.clip in matches:
        return f"clip {matches.index(state.clip) + 1:,} of {len(matches):,}"
    if matches:
        return f"{len(matches):,} clips, the open one is not among them"
    return f"no clip found{f': {state.why_none}' if state.why_none else ''}"


def _field(value: str, name: str, options: list[tuple[str, str]]) -> ui.Dropdown:
    made = ui.Dropdown(options=options, value=value, description=name, layout=ui.Layout(width="auto"))
    made.add_class("om-field")
    return made
