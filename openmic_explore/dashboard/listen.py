"""Listen: one clip's sound, pictures, labels and what a run makes of it."""

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as ui
import numpy as np

from openmic_explore.dashboard.state import ClipState, Message, RunState, ShownState, train_command
from openmic_explore.dashboard.widgets import InstrumentTable, Player, Plot, PlotlyLibrary
from openmic_explore.errors import ExploreError
from openmic_explore.figures import Line, clip_figure, style

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.data import OpenMIC
    from openmic_explore.features import ClipViews
    from openmic_explore.training import Frames

LISTED = 300
DURATION = 10.0


class ClipPicker(ui.VBox):
    """Search by instrument and label, a list of what was found, and steps through it."""

    _listing = False

    def __init__(self, state: ClipState, message: Message) -> None:
        self.state = state
        names = [("any instrument", ""), *((name.replace("_", " "), name) for name in state.data.instruments)]
        wide = ui.Layout(width="auto")
        self.instrument = ui.Dropdown(options=names, value=state.instrument, description="Instrument", layout=wide)
        labels = [("any label", ""), "present", "absent", "unknown"]
        self.label = ui.Dropdown(
            options=[(one, one) if isinstance(one, str) else one for one in labels],
            value=state.label,
            description="labelled",
            layout=wide,
        )
        self.heard = ui.Checkbox(
            value=state.heard,
            description=f"only clips that have sound here ({state.audible:,})",
            indent=False,
            disabled=not state.audible,
            layout=wide,
        )
        self.count = ui.HTML()
        self.list = ui.Select(rows=5, layout=ui.Layout(width="100%"))
        self.list.tooltip = "clips found"
        half = ui.Layout(width="49%")
        self.back = ui.Button(description="◀ previous", layout=half)
        self.on = ui.Button(description="next ▶", layout=half)
        ui.link((state, "instrument"), (self.instrument, "value"))
        ui.link((state, "label"), (self.label, "value"))
        ui.link((state, "heard"), (self.heard, "value"))
        self.back.on_click(message.guard(lambda _: state.step(-1)))
        self.on.on_click(message.guard(lambda _: state.step(1)))
        self.list.observe(message.guard(self._pick), "value")
        state.observe(message.guard(self._show), ["matches", "clip"])
        self._show()
        buttons = ui.HBox([self.back, self.on], layout=ui.Layout(justify_content="space-between"))
        super().__init__([self.instrument, self.label, self.heard, self.count, self.list, buttons])
        self.add_class("om-card")

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
        place = f"clip {matches.index(clip) + 1:,} of {len(matches):,}" if clip in matches else "no clip found"
        self.count.value = f"<p class='om-caption' role='status'>{place}{some}</p>"
        self.back.disabled = self.on.disabled = not matches


class ListenView(ui.Box):
    """The picker and the instruments beside the player and the pictures."""

    def __init__(
        self, data: "OpenMIC", clips: ClipState, runs: RunState, library: PlotlyLibrary, message: Message
    ) -> None:
        self.data, self.clips, self.runs, self.message = data, clips, runs, message
        self.shown = ShownState()
        self._views: ClipViews | None = None
        self._frames: Frames | None = None
        self._notes: dict[str, str] = {}
        self.picker = ClipPicker(clips, message)
        self.table = InstrumentTable()
        self.player = Player(duration=DURATION)
        self.run = ui.Dropdown(
            options=[(name, name) for name in runs.names] or [("no run yet", "")],
            value=runs.name,
            description="Model run",
            disabled=not runs.names,
            layout=ui.Layout(width="330px", flex="0 0 auto"),
        )
        self.about = ui.HTML()
        message.guard(self._open)()
        self.plot = Plot(library, self._figure(), self._spoken())
        self.player.plot = self.plot.anchor
        clips.observe(message.guard(self._switch_clip), "clip")
        self.run.observe(message.guard(self._pick_run), "value")
        self.table.observe(message.guard(self._pick_instruments), "shown")
        legend = (
            "Each box draws an instrument's lines. <b>Label</b>: what is known of the whole clip. <b>Truth</b>: what sounds, "
            "labelled or not. <b>Model</b>: its probability; orange where it contradicts the label."
        )
        if data.truth is None:
            legend = legend.replace("<b>Truth</b>: what sounds, labelled or not. ", "")
        table = ui.VBox([self.table, ui.HTML(f"<p class='om-caption'>{legend}</p>")])
        table.add_class("om-card")
        side = ui.VBox([self.picker, table])
        side.add_class("om-side")
        bar = ui.HBox([self.run, self.about], layout=ui.Layout(flex_flow="row nowrap", align_items="center"))
        main = ui.VBox([self.player, bar, self.plot])
        main.add_class("om-main")
        super().__init__([side, main])
        self.add_class("om-columns")

    def _switch_clip(self, _: Any) -> None:
        self._open()
        self._draw()

    def _pick_run(self, change: dict[str, Any]) -> None:
        self.runs.name = change["new"]
        self._look()
        self._draw()

    def _pick_instruments(self, change: dict[str, Any]) -> None:
        if set(change["new"]) != set(self.shown.names):
            self.shown.pick(change["new"])
            self._draw()

    def _open(self) -> None:
        """Read the open clip's sound and pictures, let the run look at it, and choose whose lines to draw."""
        from openmic_explore.features import clip_views

        key = self.clips.clip
        self._views, self._notes, audio = None, {}, b""
        if not key:
            self.player.load("", b"")
            return
        try:
            if self.data.has_audio(key):
                audio = self.data.audio_path(key).read_bytes()
            self._views = clip_views(self.data, key)
        except ExploreError as error:
            self.message.set(str(error))
            self._notes |= dict.fromkeys(("log_mel", "scalogram"), "no audio of this clip here: see the message above")
        self.player.load(key, audio)
        self._look()
        truth = self.data.truth
        sounds = truth[self.data.index(key)] if truth is not None else []
        sounding = [name for name, true in zip(self.data.instruments, sounds, strict=False) if true]
        self.shown.choose(self.data.labels(key), self._frames.clip if self._frames else None, sounding)

    def _look(self) -> None:
        """What the run makes of the clip: as kept, or computed now."""
        key, run = self.clips.clip, self.runs.run
        self._frames = None
        self._notes = {panel: note for panel, note in self._notes.items() if panel in ("log_mel", "scalogram")}
        if run is None:
            self._notes |= dict.fromkeys(("attention", "frame"), "no run yet: see above")
            other = f" ({self.runs.left_out} of another embedding cannot be used.)" if self.runs.left_out else ""
            self.about.value = _caption(
                f"There is no run for this data yet.{other} Train one and open this page again: "
                f"<code>{html.escape(train_command(self.data))}</code>"
            )
            return
        try:
            self._frames = self.runs.kept(key)
            if self._frames is None:
                said = self.message.text
                self.message.set(
                    f"Computing what {run.name} makes of this clip; the first time takes some seconds …", True
                )
                self._frames = self.runs.compute(key)
                self.message.set(said)
        except ExploreError as error:
            self.message.set(str(error))
            self._notes |= dict.fromkeys(("attention", "frame"), "this run cannot look at this clip: see above")
        means = run.info["means"]
        self.about.value = _caption(
            f"trained on {html.escape(describe_data(run.info))}; on its test clips: macro F1 {means['f1_macro']:.3f}, "
            f"average precision {means['average_precision']:.3f}"
        )

    def _draw(self) -> None:
        self.plot.show(self._figure(), self._spoken())

    def _figure(self) -> "go.Figure":
        key, names, frames = self.clips.clip, self.shown.names, self._frames
        labels = self.data.labels(key) if key else {}
        row = self.data.index(key) if key else 0
        places = {name: place for place, name in enumerate(names)}
        activity = self.data.activity
        lines = []
        for name, place in places.items():
            column = self.data.instruments.index(name)
            lines.append(
                Line(
                    name,
                    style(place),
                    frames.attention[:, column] if frames else None,
                    frames.frame[:, column] if frames else None,
                    activity.active[row, column] if activity else None,
                )
            )
        truth = self.data.truth
        self.table.rows = [
            {
                "name": name,
                "label": labels[name],
                "truth": bool(truth[row, column]) if truth is not None else None,
                "probability": round(float(np.clip(frames.clip[column], 0, 1)), 4) if frames else None,
                "shown": name in places,
                "colour": style(places[name]).colour if name in places else None,
                "glyph": style(places[name]).glyph if name in places else None,
            }
            for column, name in enumerate(self.data.instruments)
            if key
        ]
        self.table.shown = list(names)
        figure = clip_figure(
            self._views.log_mel if self._views else None,
            self._views.scalogram if self._views else None,
            lines,
            frame_length=frames.frame_length if frames else 1.0,
            frame_start=frames.start if frames else 0.0,
            activity_length=activity.frame_length if activity else 0.1,
            duration=DURATION,
            notes=self._notes,
        )
        figure.layout.uirevision = key  # a zoom stays while the same clip is open
        return figure

    def _spoken(self) -> str:
        names = ", ".join(self.shown.names).replace("_", " ") or "no instrument"
        return f"Clip {self.clips.clip}: log-mel spectrogram, scalogram, attention and frame score of {names}"


def describe_data(info: dict[str, Any]) -> str:
    """A data set as a run or its own folder notes it: name, recipe, embedding or picture."""
    name = {"teaching": "teaching set"}.get(info.get("data") or "", info.get("data") or "")
    recipe = info.get("recipe") or {}
    clips = f", {recipe['clips']:,} clips" if isinstance(recipe.get("clips"), int) else ""
    made = f" v{recipe['version']} (seed {recipe['seed']}{clips})" if {"version", "seed"} <= set(recipe) else ""
    read = info["embedding"]
    return f"{name}{made}, {read if read in ('scalogram', 'log_mel') else f'embedding {read}'}"


def _caption(text: str) -> str:
    return f"<p class='om-caption'>{text}</p>"
