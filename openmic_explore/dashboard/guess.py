"""Weak labels, the first part: guess from the label when an instrument sounds, listen, see the truth."""

import html
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets as ui
import numpy as np
import traitlets

from openmic_explore.dashboard.shared import Shared
from openmic_explore.dashboard.weak_state import AFTER, BEFORE, LABEL, RUN, SECONDS, STAGES, STEPS, GuessState
from openmic_explore.dashboard.widgets import Player, Plot, static
from openmic_explore.errors import ExploreError
from openmic_explore.figures.style import INK, MUTED, OKABE_ITO
from openmic_explore.figures.weak import Answer, answers_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.training import Frames

NAMES = {LABEL: "the label (all of it)", BEFORE: "you, from the label", AFTER: "you, by ear"}
COLOURS = {LABEL: MUTED, BEFORE: OKABE_ITO[5], AFTER: OKABE_ITO[2], RUN: OKABE_ITO[0]}
ACTIONS = {"guess": "I have guessed: listen ▶", "listen": "Show the truth", "truth": "Next clip"}
SAID = {"guess": "1 Guess from the label", "listen": "2 Listen, and mend", "truth": "3 The truth"}


class TimeStrip(anywidget.AnyWidget):
    """A strip of `seconds` whose equal steps can be marked: by dragging, or with arrow keys and space.

    marked: a bool a step, written by the browser. locked: only shown. label: what a screen reader says of it.
    """

    _esm = static("strip.js")
    marked: traitlets.List[bool] = traitlets.List(traitlets.Bool()).tag(sync=True)
    seconds = traitlets.Float(SECONDS).tag(sync=True)
    locked = traitlets.Bool(False).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)


class GuessPart(ui.VBox):
    """The question, the strip, and what the stage of the round adds: the sound, then all answers beside the truth."""

    _offering = False

    def __init__(self, shared: Shared) -> None:
        self.shared, self.data, self.runs, self.message = shared, shared.data, shared.run, shared.message
        self.state = GuessState(self.data)
        self._frames: Frames | None = None
        guard = self.message.guard
        names = [("any instrument", ""), *((name.replace("_", " "), name) for name in self.state.names)]
        self.only = ui.Dropdown(options=names, value="", description="Instrument", layout=ui.Layout(width="240px"))
        self.run = ui.Dropdown(
            options=self._offered(),
            value=self.runs.name,
            description="Model run",
            disabled=not self.runs.names,
            layout=ui.Layout(width="320px"),
        )
        self.go = ui.Button(layout=ui.Layout(width="210px"))
        self.go.add_class("om-go")
        self.clear = ui.Button(description="Clear the marks", layout=ui.Layout(width="130px"))
        self.skip = ui.Button(description="Skip", layout=ui.Layout(width="70px"))
        self.forget = ui.Button(description="Forget the tally", layout=ui.Layout(width="130px"))
        self.question, self.tally = ui.HTML(), ui.HTML()
        self.strip = TimeStrip(marked=[False] * STEPS)
        self.player = Player(duration=SECONDS)
        self.plot = Plot(shared.library, answers_figure([Answer("", np.zeros(1, dtype=bool), MUTED)]), "")
        self.player.plot = self.plot.anchor
        ui.link((self.state, "only"), (self.only, "value"))
        ui.link((self.state, "marked"), (self.strip, "marked"))
        self.go.on_click(guard(lambda _: self._go()))
        self.skip.on_click(guard(lambda _: self.state.next()))
        self.clear.on_click(guard(lambda _: self._clear()))
        self.forget.on_click(guard(lambda _: self._forget()))
        self.run.observe(guard(self._pick_run), "value")
        self.runs.observe(guard(self._other_run), ["name", "names"])
        self.state.observe(guard(self._show), ["stage", "clip", "instrument"])
        controls = ui.HBox([self.go, self.clear, self.skip, self.only, self.run])
        controls.add_class("om-controls")
        self.sound = ui.VBox([self.strip, self.player, self.plot])
        self.sound.add_class("om-sound")
        self.count = ui.HBox([self.tally, self.forget])
        self.count.add_class("om-controls")
        super().__init__([self.question, controls, self.count, self.sound])
        self.add_class("om-part")
        self._show()

    @property
    def link(self) -> dict[str, str]:
        return {"clip": self.state.clip, "instrument": self.state.instrument} if self.state.clip else {}

    def restore(self, asked: Any) -> None:
        named = asked.get("clip", ""), asked.get("instrument", "")
        if named not in (("", ""), (self.state.clip, self.state.instrument)):
            self.state.open(*named)

    def _offered(self) -> list[tuple[str, str]]:
        return [(name, name) for name in self.runs.names] or [("no run yet", "")]

    def _go(self) -> None:
        if self.state.stage == "guess":
            self.state.listen()
        elif self.state.stage == "listen":
            self._frames = self._look()
            self.state.show_truth(self._frames, self.runs.name)
        else:
            self.state.next()

    def _clear(self) -> None:
        self.state.marked = [False] * STEPS

    def _forget(self) -> None:
        self.state.tally.clear()
        self._show_tally()

    def _pick_run(self, change: dict[str, Any]) -> None:
        if not self._offering:
            self.runs.name = change["new"]

    def _other_run(self, _: Any) -> None:
        self._offering = True  # a Dropdown with new options takes the first: that is nobody's choice
        if list(self.run.options) != self._offered():
            self.run.options, self.run.disabled = self._offered(), not self.runs.names
        self.run.value = self.runs.name
        self._offering = False
        if self.state.stage == "truth":
            self._frames = self._look()
            self._draw()

    def _look(self) -> "Frames | None":
        """What the run makes of the clip; None where there is no run, or it cannot look at this one."""
        if self.runs.run is None:
            return None
        frames = self.runs.kept(self.state.clip)
        if frames is None:
            self.message.set(
                f"Computing what {self.runs.name} makes of this clip; the first time takes some seconds …", True
            )
            try:
                frames = self.runs.compute(self.state.clip)
                self.message.set("")
            except ExploreError as error:
                self.message.set(str(error))
        return frames

    def _show(self, _: Any = None) -> None:
        state = self.state
        stage = state.stage
        self.question.value = self._asked()
        self.go.description = ACTIONS[stage]
        self.go.disabled = self.skip.disabled = not state.clip
        self.clear.disabled = self.strip.locked = stage == "truth" or not state.clip
        name = state.instrument.replace("_", " ")
        self.strip.label = (
            f"When does the {name} sound? Space marks a quarter of a second, shift and arrow go on marking"
        )
        heard = stage != "guess" and bool(state.clip)
        self.player.layout.display = "flex" if heard else "none"
        self.plot.layout.display = "block" if stage == "truth" else "none"
        self.strip.layout.display = "none" if stage == "truth" else "block"
        audio = self.data.audio_path(state.clip).read_bytes() if heard else b""
        if (self.player.clip, bool(self.player.audio)) != (state.clip, heard):
            self.player.load(state.clip, audio)
        if stage == "truth":
            self._draw()
        self._show_tally()

    def _asked(self) -> str:
        state = self.state
        if not state.clip:
            from openmic_explore.errors import as_command

            return (
                "<p class='om-question'>No clip here has both sound and an instrument labelled present, so there is "
                "nothing to guess. What is there, and what is missing: "
                f"<code>{html.escape(as_command('check', self.data.path))}</code></p>"
            )
        name = html.escape(state.instrument.replace("_", " "))
        stages = "".join(
            f"<li{' aria-current=step' if stage == state.stage else ''}>{SAID[stage]}</li>" for stage in STAGES
        )
        told = {
            "guess": "The label is all that a model is told. <b>Mark where it might sound</b>: drag, or use arrow keys and space.",
            "listen": "Now listen, as often as you like, and mend your marks: what you hear is no part of the label.",
            "truth": self._verdict(),
        }[state.stage]
        return (
            f"<ol class='om-stages'>{stages}</ol><p class='om-question'>Label of clip {html.escape(state.clip)}: "
            f"<b>{name}, present</b>, somewhere in {SECONDS:g} seconds. {told}</p>"
        )

    def _verdict(self) -> str:
        truth = self.state.truth
        if truth is None:
            return (
                "Nobody has written down when it sounds, so there is no truth to see; numbers say how far each "
                "answer agrees with what you heard."
            )
        return (
            f"It sounds for {truth.mean() * SECONDS:.1f} s. Numbers are intersection over union: 1 is just the same "
            "stretches, 0 no moment in common."
        )

    def _draw(self) -> None:
        self.plot.show(self._figure(), self._spoken())

    def _figure(self) -> "go.Figure":
        from openmic_explore.features import clip_views

        state, frames = self.state, self._frames
        scores = state.scores(frames)
        names = self._names()
        truth = state.truth
        lanes = [] if truth is None else [Answer("truth", truth, INK)]
        lanes += [
            Answer(names[who], marked, COLOURS[who], "" if np.isnan(scores[who]) else f"{scores[who]:.2f}")
            for who, marked in state.answers(frames).items()
        ]
        try:
            picture = clip_views(self.data, state.clip).log_mel
        except ExploreError as error:
            self.message.set(str(error))
            picture = None
        curve, threshold = None, 0.5
        if frames is not None:
            signal = state.signal(frames)
            values = signal.values[0, :, 0]
            edges = np.clip(signal.start + signal.step * np.arange(len(values) + 1), 0, SECONDS)
            curve, threshold = (edges, values), signal.threshold
        return answers_figure(
            lanes,
            log_mel=picture,
            curve=curve,
            threshold=threshold,
            curve_title=(f"{self.runs.name}: attention × frame score", "above the dotted line it says “here”"),
            duration=SECONDS,
            title=f"<b>{state.instrument.replace('_', ' ')}</b> in clip {state.clip}, {html.escape(self.data.name)}",
        )

    def _names(self) -> dict[str, str]:
        return NAMES | {RUN: f"{self.runs.run.config.model} {self.runs.run.config.preset}" if self.runs.run else ""}

    def _spoken(self) -> str:
        scores = self.state.scores(self._frames)
        names = self._names()
        return "Answers and their overlap: " + ", ".join(f"{names[who]} {score:.2f}" for who, score in scores.items())

    def _show_tally(self) -> None:
        tally = self.state.tally
        self.count.layout.display = "flex" if tally else "none"
        rounds = max(map(len, tally.values()), default=0)
        means = " · ".join(
            f"{html.escape(NAMES.get(who) or self.runs.title(who))} <b>{np.mean(scores):.2f}</b>"
            + (f" ({len(scores)} of {rounds})" if len(scores) < rounds else "")
            for who, scores in tally.items()
        )
        over = "this clip" if rounds == 1 else f"{rounds} clips"
        self.tally.value = f"<p class='om-caption' role='status'>Mean overlap with the truth over {over}: {means}</p>"
