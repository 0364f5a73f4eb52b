"""Listen: one clip's sound, pictures and labels, and what a run makes of it."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.picker import ClipPicker
from openmic_explore.dashboard.pictures import RESOLUTIONS, Pictures, PictureState
from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet
from openmic_explore.dashboard.state import ShownState, train_command
from openmic_explore.dashboard.table import table_rows
from openmic_explore.dashboard.widgets import InstrumentTable, PictureControls, Player, Plot
from openmic_explore.errors import ExploreError
from openmic_explore.figures import Line, clip_figure, style
from openmic_explore.figures.clip import PICTURE, PICTURES, TITLES, Manner

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.training import Frames

DURATION = 10.0
LINKED = ("panels", "beside", "tall", "pitch", "resolution", "floor", "ceiling", "cnn")
REDRAWN = [trait for trait in LINKED if trait not in ("floor", "ceiling")]  # the browser moves the colours itself
TALL = 2 * PICTURE


def make(shared: Shared) -> "ListenView":
    """The view of a page."""
    return ListenView(shared)


class ListenView(View):
    """The picker and the instruments beside the player and the pictures."""

    _offering = False

    def __init__(self, shared: Shared) -> None:
        data, clips, runs, message = shared.data, shared.clips, shared.run, shared.message
        self.shared, self.data, self.clips, self.runs, self.message = shared, data, clips, runs, message
        guard = message.guard
        self.shown = ShownState()
        self.pictures = Pictures(data)
        self.state = PictureState()
        self._frames: Frames | None = None
        self._notes: dict[str, str] = {}
        self._stale = False
        self.picker = ClipPicker(clips, message)
        self.table = InstrumentTable()
        self.player = Player(duration=DURATION)
        self.controls = self._controls()
        self.run = ui.Dropdown(
            description="Model run", disabled=not runs.names, layout=ui.Layout(width="260px", flex="0 0 auto")
        )
        self.beside = ui.Button(description="Compare attention ▸")
        self._offer_runs()
        self.about = ui.HTML()
        guard(self._open)()
        self.plot = Plot(shared.library, self._figure(), self._spoken())
        self.player.plot = self.controls.plot = self.plot.anchor
        clips.observe(guard(self._switch_clip), "clip")
        runs.observe(guard(self._switch_run), "name")
        runs.observe(guard(lambda _: self._offer_runs()), "names")
        shared.navigation.observe(guard(self._come_back), "view")
        self.run.observe(guard(self._pick_run), "value")
        self.table.observe(guard(self._pick_instruments), "shown")
        self.state.observe(guard(lambda _: self._draw()), REDRAWN)
        self.beside.on_click(guard(lambda _: setattr(shared.navigation, "view", "Attention")))
        super().__init__([self._page()])
        self.layout.width = "100%"
        self._tell()

    def _controls(self) -> PictureControls:
        controls = PictureControls(
            resolutions=[(name, f"{scales}×{bins}") for name, (scales, bins) in RESOLUTIONS.items()]
        )
        for trait in LINKED:
            ui.link((self.state, trait), (controls, trait))
        return controls

    def _offer_pictures(self) -> None:
        """The panels that there can be, and the CNNs whose input can be shown."""
        shown = [name for name in TITLES if name != "truth" or self.data.activity is not None]
        cnns = [name for name in self.runs.names if self.runs.runs[name].config.features == "scalogram"]
        if not cnns:
            shown.remove("network")
        elif self.state.cnn not in cnns:
            repaired = [name for name in cnns if self.runs.runs[name].config.preset == "repaired"]
            self.state.cnn = min(repaired or cnns, key=len)  # the plainest
        self.controls.offered = [(name, TITLES[name][0]) for name in shown]
        self.controls.cnns = [(name, self.runs.title(name)) for name in cnns]

    def _page(self) -> ui.Widget:
        legend = (
            "Each box draws an instrument's lines. <b>Label</b>: what is known of the whole clip. <b>Truth</b>: what sounds, "
            "labelled or not. <b>Model</b>: its probability; orange where it contradicts the label."
        )
        if self.data.truth is None:
            legend = legend.replace("<b>Truth</b>: what sounds, labelled or not. ", "")
        table = ui.VBox([self.table, ui.HTML(_caption(legend))])
        table.add_class("om-card")
        side = ui.VBox([self.picker, table])
        side.add_class("om-side")
        bar = ui.HBox([self.run, self.beside, self.about])
        bar.add_class("om-looker")
        main = ui.VBox([self.player, bar, self.controls, self.plot])
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        text = (
            "Which instruments do you hear, and when? Find them in the pictures, then see what is labelled and what a run "
            "believes."
        )
        parts = [style_sheet("listen"), help_line(text, "00_start"), columns]
        return ui.VBox(parts, layout=ui.Layout(width="100%"))  # also where the window is wider than its contents

    def restore(self, asked: Mapping[str, str]) -> None:
        """Open the clip, the run and the instruments that `link` named."""
        if asked.get("run") in self.runs.names:
            self.runs.name = asked["run"]
        if asked.get("clip") in set(self.data.keys.tolist()):
            self.clips.clip = asked["clip"]
        names = [name for name in asked.get("show", "").split(",") if name in self.data.instruments]
        if names:
            self.shown.pick(names)
            self._draw()

    def _tell(self) -> None:
        self.link = {"clip": self.clips.clip, "run": self.runs.name, "show": ",".join(self.shown.names)}

    def _offer_runs(self) -> None:
        options = [(self.runs.title(name), name) for name in self.runs.names]
        self._offering = True  # a Dropdown with new options takes the first: that is nobody's choice
        self.run.options = options or [("no run yet", "")]
        self.run.value = self.runs.name
        self._offering = False
        self._offer_pictures()
        self.run.disabled = self.beside.disabled = not options

    def _switch_clip(self, _: Any) -> None:
        if self.shared.navigation.view != "Listen":
            self._stale = True
            return
        self._open()
        self._draw()

    def _come_back(self, change: dict[str, Any]) -> None:
        """What happened in another view shows when this one is opened again."""
        if change["new"] == "Listen" and self._stale:
            self._stale = False
            self._open()
            self._draw()

    def _pick_run(self, change: dict[str, Any]) -> None:
        if change["new"] and not self._offering:
            self.runs.name = change["new"]

    def _switch_run(self, change: dict[str, Any]) -> None:
        self.run.value = change["new"]
        if self.shared.navigation.view != "Listen":
            self._stale = True
            return
        self._look()
        self._draw()

    def _pick_instruments(self, change: dict[str, Any]) -> None:
        if set(change["new"]) != set(self.shown.names):
            self.shown.pick(change["new"])
            self._draw()

    def _open(self) -> None:
        """Read the open clip's sound, let the run look at it, and choose whose lines to draw."""
        key = self.clips.clip
        if not key:
            self.player.load("", b"")
            return
        audio = self.data.audio_path(key).read_bytes() if self.data.has_audio(key) else b""
        self.player.load(key, audio)
        self._look()
        truth = self.data.truth
        sounds = truth[self.data.index(key)] if truth is not None else []
        sounding = [name for name, true in zip(self.data.instruments, sounds, strict=False) if true]
        probability = self._frames.clip if self._frames else None
        self.shown.choose(self.data.labels(key), probability, sounding, self.clips.topic(key))

    def _look(self) -> None:
        """What the run makes of the clip: as kept, or computed now."""
        key, run = self.clips.clip, self.runs.run
        self._frames, self._notes = None, {}
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
        means, trained = run.info["means"], html.escape(f"trained on {describe_data(run.info)}", quote=True)
        other = "" if self.runs.is_own(run.name) else f"{trained}; "
        self.about.value = _caption(
            f"<span title='{trained}'>{other}test clips: macro F1 {means['f1_macro']:.2f}, average precision "
            f"{means['average_precision']:.2f}</span>"
        )

    def _draw(self) -> None:
        self.plot.show(self._figure(), self._spoken())
        self._tell()

    def _seen(self) -> dict[str, Any]:
        """The pictures and the waveform that are to be drawn; notes why one is missing."""
        key, state = self.clips.clip, self.state
        make = {
            "waveform": lambda: self.pictures.wave(key),
            "log_mel": lambda: self.pictures.log_mel(key),
            "scalogram": lambda: self.pictures.scalogram(key, state.resolution),
            "network": lambda: self.pictures.network(key, self.runs.runs[state.cnn]),
        }
        said = self.message.text
        if key and "scalogram" in state.panels and not self.pictures.has(key, state.resolution):
            self.message.set("Computing a finer scalogram …", True)
        found: dict[str, Any] = {}
        for panel in make:
            self._notes.pop(panel, None)
            if not key or panel not in state.panels:
                continue
            try:
                found[panel] = make[panel]()
            except ExploreError as error:
                self.message.set(str(error))
                why = "this run's input cannot be drawn" if panel == "network" else "no audio of this clip here"
                self._notes[panel] = f"{why}: see the message above"
        if self.message.busy:
            self.message.set(said)
        return found

    def _figure(self) -> "go.Figure":
        key, frames, state = self.clips.clip, self._frames, self.state
        self._fill_table()
        seen, activity = self._seen(), self.data.activity
        wave = seen.pop("waveform", None)
        manner = Manner(
            beside=state.beside,
            pitch=state.pitch,
            colours=(state.floor, state.ceiling),
            height=TALL if state.tall else PICTURE,
            legend=False,
            hover=False,
        )
        figure = clip_figure(
            seen.get("log_mel"),
            seen.get("scalogram"),
            self._lines(),
            wave=wave,
            network=seen.get("network"),
            frame_length=frames.frame_length if frames else 1.0,
            frame_start=frames.start if frames else 0.0,
            activity_length=activity.frame_length if activity else 0.1,
            duration=DURATION,
            notes=self._notes,
            titles={"network": f"as {self.runs.title(state.cnn)} scales it"} if state.cnn else {},
            panels=state.panels,
            manner=manner,
        )
        figure.layout.uirevision = key  # a zoom stays while the same clip is open
        return figure

    def _lines(self) -> list[Line]:
        if not self.clips.clip:
            return []
        frames, activity, row = self._frames, self.data.activity, self.data.index(self.clips.clip)
        columns = [(name, self.data.instruments.index(name)) for name in self.shown.names]
        return [
            Line(
                name,
                style(place),
                frames.attention[:, column] if frames else None,
                frames.frame[:, column] if frames else None,
                activity.active[row, column] if activity else None,
            )
            for place, (name, column) in enumerate(columns)
        ]

    def _fill_table(self) -> None:
        self.table.rows = table_rows(self.data, self.clips.clip, self.shown.names, self._frames)
        self.table.shown = list(self.shown.names)

    def _spoken(self) -> str:
        names = ", ".join(self.shown.names).replace("_", " ") or "no instrument"
        shown = [TITLES[panel][0].lower() for panel in self.state.panels if panel in (*PICTURES, "waveform")]
        return f"Clip {self.clips.clip}: {', '.join(shown) or 'no picture'}; attention of {names}"


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
