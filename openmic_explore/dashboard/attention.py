"""Attention: runs side by side on one clip, over time, as it plays."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.looks import Look, Looks, loudness_auc
from openmic_explore.dashboard.picker import ClipSteps, place
from openmic_explore.dashboard.pictures import Pictures, thinned
from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet
from openmic_explore.dashboard.state import ShownState, train_command
from openmic_explore.dashboard.table import table_rows
from openmic_explore.dashboard.where import localisation_table
from openmic_explore.dashboard.widgets import Choice, Estimates, InstrumentTable, Player, Plot
from openmic_explore.errors import ExploreError
from openmic_explore.experiments.localise import ENERGY_STEP
from openmic_explore.figures.attention import Column, attention_figure
from openmic_explore.figures.panels import Line
from openmic_explore.figures.style import DARK, style
from openmic_explore.models.registry import MODELS

if TYPE_CHECKING:
    import plotly.graph_objects as go

DURATION = 10.0
MOST_RUNS = 4
FIRST = 2  # instruments at first
COLUMNS = 256  # of the picture over each run; more would not show
ESTIMATE = (
    "<b>Running estimate</b>: the probability of a clip that had ended with the frame, made from the frames up to there by "
    "the run's own pooling, weights divided by their sum so far (max: the best frame so far). It is just that for mean, max "
    "and attention, which look at every frame on its own; mel and the CNNs have read the later frames too, and best averages "
    "three such networks."
)
PICTURES = [("log-mel spectrogram", "log_mel"), ("scalogram", "scalogram"), ("no picture", "")]


def make(shared: Shared) -> "AttentionView":
    """The view of a page."""
    return AttentionView(shared)


class AttentionView(View):
    """The clip, its instruments and the runs beside the player, the estimates, the figure and what it is worth."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.data, self.clips, self.runs = shared, shared.data, shared.clips, shared.run
        self.message = shared.message
        guard = self.message.guard
        self.shown = ShownState()
        self.pictures = Pictures(self.data)
        self.looks = Looks(self.data, self.runs, self.message)
        self._found: dict[str, Look] = {}
        self._stale = False
        self.steps = ClipSteps(self.clips, self.message)
        self.which = ui.HTML()
        self.table = InstrumentTable()
        self.choice = Choice(most=MOST_RUNS, value=self.runs.start()[:MOST_RUNS])
        self._offer_runs()
        self.picture = ui.Dropdown(
            options=PICTURES, value="log_mel", description="Picture", layout=ui.Layout(width="auto")
        )
        self.player = Player(duration=DURATION)
        self.estimates = Estimates()
        self.where = ui.HTML()
        self.plot = Plot(shared.library, attention_figure(None, []), "")
        self.player.plot = self.estimates.plot = self.plot.anchor
        self.clips.observe(guard(self._switch_clip), "clip")
        self.clips.observe(guard(lambda _: self._name_clip()), "matches")
        self.runs.observe(guard(lambda _: self._take_in()), "names")
        shared.navigation.observe(guard(self._come_back), "view")
        self.table.observe(guard(self._pick_instruments), "shown")
        self.choice.observe(guard(self._pick_runs), "value")
        self.picture.observe(guard(lambda _: self._draw()), "value")
        super().__init__([self._page()])
        self.layout.width = "100%"
        guard(self._open)()

    def _page(self) -> ui.Widget:
        clip = ui.VBox([self.which, self.steps, self.picture])
        instruments = ui.VBox([self.table])
        runs = ui.VBox([ui.HTML(f"<h2>Runs, up to {MOST_RUNS}</h2>"), self.choice])
        for card in (clip, instruments, runs):
            card.add_class("om-card")
        side = ui.VBox([clip, runs, instruments])
        side.add_class("om-side")
        main = ui.VBox([self.player, self.estimates, self.plot, self.where])
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        columns.add_class("om-attention")
        text = (
            "Play the clip: does a run look where the instrument sounds, and does its answer grow there? Mean weighs all "
            "frames alike, max takes the best one, attention learns its weights."
        )
        return ui.VBox([style_sheet("attention"), help_line(text, "05_pooling"), columns])

    def restore(self, asked: Mapping[str, str]) -> None:
        """Open the clip, the runs and the instruments that `link` named."""
        if asked.get("clip") in set(self.data.keys.tolist()):
            self.clips.clip = asked["clip"]
        runs = [name for name in asked.get("runs", "").split(",") if name in self.runs.names]
        if runs:
            self.choice.value = runs[:MOST_RUNS]
        names = [name for name in asked.get("show", "").split(",") if name in self.data.instruments]
        if names:
            self.shown.pick(names)
            self._draw()

    def _tell(self) -> None:
        self.link = {
            "clip": self.clips.clip,
            "runs": ",".join(self.choice.value),
            "show": ",".join(self.shown.names),
        }

    def _offer_runs(self) -> None:
        """The runs that can look at this data, by preset."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.runs.names:
            groups.setdefault(self.runs.runs[name].config.preset, []).append((name, self._short(name)))
        order = sorted(groups, key=lambda preset: preset != "repaired")
        models = list(MODELS)
        self.choice.groups = [
            (preset, sorted(groups[preset], key=lambda run: models.index(self.runs.runs[run[0]].config.model)))
            for preset in order
        ]

    def _take_in(self) -> None:
        """A run has been trained meanwhile."""
        self._offer_runs()
        self.where.value = self._localisation()

    def _short(self, name: str) -> str:
        """A run within its preset; the seed only where there are several."""
        config = self.runs.runs[name].config
        alike = [other for other in self.runs.names if self.runs.runs[other].config.group == config.group]
        label = config.label.replace(f" {config.preset}", "", 1)
        return f"{label}, seed {config.seed}" if len(alike) > 1 else label

    def _switch_clip(self, _: Any) -> None:
        if self.shared.navigation.view != "Attention":
            self._stale = True
            return
        self._open()

    def _come_back(self, change: dict[str, Any]) -> None:
        """What happened in another view shows when this one is opened again."""
        if change["new"] == "Attention" and self._stale:
            self._stale = False
            self._open()

    def _pick_instruments(self, change: dict[str, Any]) -> None:
        if set(change["new"]) != set(self.shown.names):
            self.shown.pick(change["new"])
            self._draw()

    def _pick_runs(self, _: Any) -> None:
        self._look()
        self._draw()

    def _name_clip(self) -> None:
        clip = self.clips.clip
        said = html.escape(self.clips.describe(clip)) if clip else ""
        self.which.value = f"<p class='om-caption' role='status'>{place(self.clips)}<br><b>{said}</b></p>"

    def _open(self) -> None:
        key = self.clips.clip
        self._name_clip()
        if not key:
            self.player.load("", b"")
            return
        self.player.load(key, self.data.audio_path(key).read_bytes() if self.data.has_audio(key) else b"")
        self._look()
        truth = self.data.truth
        sounds = truth[self.data.index(key)] if truth is not None else []
        sounding = [name for name, true in zip(self.data.instruments, sounds, strict=False) if true]
        self.shown.choose(self.data.labels(key), None, sounding, self.clips.topic(key))
        self.shown.names = self.shown.names[:FIRST]
        self._draw()

    def _look(self) -> None:
        """What the chosen runs make of the clip."""
        self._found = self.looks.at(self.clips.clip, self.choice.value) if self.clips.clip else {}

    def _draw(self) -> None:
        names = ", ".join(self.shown.names).replace("_", " ") or "no instrument"
        titles = ", ".join(self._titles().values()) or "no run"
        label = f"Clip {self.clips.clip}: attention, frame score, product and running estimate of {names}; {titles}"
        self.plot.show(self._figure(), label)
        self.table.rows = table_rows(self.data, self.clips.clip, self.shown.names)
        self.table.shown = list(self.shown.names)
        self.estimates.table = self._estimates()
        self.where.value = self._localisation()
        self._tell()

    def _titles(self) -> dict[str, str]:
        """The chosen runs' names as they head the columns: as short as tells them apart."""
        configs = {name: self.runs.runs[name].config for name in self.choice.value}
        titles = {name: f"{config.model} {config.preset}" for name, config in configs.items()}
        for longer in (lambda name: configs[name].label, self.runs.title):
            found = list(titles.values())
            titles = {name: longer(name) if found.count(title) > 1 else title for name, title in titles.items()}
        return titles

    def _styles(self) -> dict[str, Any]:
        return {name: style(slot) for slot, name in enumerate(self.shown.names)}

    def _figure(self) -> "go.Figure":
        key, activity = self.clips.clip, self.data.activity
        picture = None
        if key and self.picture.value:
            try:
                picture = thinned(getattr(self.pictures, self.picture.value)(key), COLUMNS)
            except ExploreError as error:
                self.message.set(str(error))
        columns = [
            Column(title, self._lines(self._found.get(name)), *self._grid(self._found.get(name)), note=self._note(name))
            for name, title in self._titles().items()
        ]
        figure = attention_figure(
            picture,
            columns,
            mel=self.picture.value == "log_mel",
            activity_length=activity.frame_length if activity else 0.1,
            duration=DURATION,
        )
        figure.layout.uirevision = key
        return figure

    @staticmethod
    def _grid(look: Look | None) -> tuple[float, float]:
        return (look.frames.frame_length, look.frames.start) if look else (1.0, 0.0)

    def _note(self, name: str) -> str:
        return "" if name in self._found else "this run cannot look at this clip: see above"

    def _lines(self, look: Look | None) -> list[Line]:
        key, activity = self.clips.clip, self.data.activity
        if not key:
            return []
        row, state = self.data.index(key), self.data.label_state[self.data.index(key)]
        lines = []
        for name, drawn in self._styles().items():
            column = self.data.instruments.index(name)
            parts = (
                {part: getattr(look, part)[:, column] for part in ("attention", "frame", "product", "estimate")}
                if look
                else {}
            )
            active = activity.active[row, column] if activity else None
            lines.append(
                Line(name, drawn, active=active, present=None if state[column] < 0 else bool(state[column]), **parts)
            )
        return lines

    def _estimates(self) -> dict[str, Any]:
        labels = self.data.labels(self.clips.clip) if self.clips.clip else {}
        titles = self._titles()
        rows = []
        for name, drawn in self._styles().items() if labels else ():
            column = self.data.instruments.index(name)
            cells = [self._found[run].cell(column, labels[name]) if run in self._found else None for run in titles]
            rows.append(
                {
                    "name": name.replace("_", " "),
                    "glyph": drawn.glyph,
                    "colour": drawn.colour,
                    "dark": DARK[drawn.colour],
                    "label": labels[name],
                    "cells": cells,
                }
            )
        return {"runs": list(titles.values()), "rows": rows}

    def _localisation(self) -> str:
        """A frame AUC for each run and instrument beside that of loudness, and what the running estimate is, as HTML."""
        activity, key = self.data.activity, self.clips.clip
        if not self.runs.names:
            return _caption(
                f"There is no run for this data yet. Train one: <code>{html.escape(train_command(self.data))}</code>"
            )
        if activity is None or not key:
            return _caption(f"{ESTIMATE} When the instruments sound is not known in this data set.")
        active, length = activity.active[self.data.index(key)], activity.frame_length
        loud = self.pictures.loudness(key, ENERGY_STEP) if self.data.has_audio(key) else None
        found = {
            title: self._found[run].auc(active, length) for run, title in self._titles().items() if run in self._found
        }
        columns = {name: self.data.instruments.index(name) for name in self.shown.names}
        control = None if loud is None else loudness_auc(loud, active, length)
        return f"<div class='om-where'>{localisation_table(columns, found, control)}{_caption(ESTIMATE)}</div>"


def _caption(text: str) -> str:
    return f"<p class='om-caption'>{text}</p>"
