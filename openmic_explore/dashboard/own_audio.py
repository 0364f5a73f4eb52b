"""Your audio: what runs hear in a file or a recording of the reader's own."""

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as ui
import numpy as np

from openmic_explore.dashboard.own_audio_state import SoundState
from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet
from openmic_explore.dashboard.sound_input import SoundInput
from openmic_explore.dashboard.state import ShownState, train_command
from openmic_explore.dashboard.widgets import InstrumentTable, Player, Plot
from openmic_explore.errors import ExploreError
from openmic_explore.figures.panels import Line
from openmic_explore.figures.style import DARK, style
from openmic_explore.figures.timeline import timeline_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.data import OpenMIC
    from openmic_explore.predict import Prediction

SHOWN = 3  # instruments whose lines are drawn at first
HEARD = 0.5


def make(shared: Shared) -> "OwnAudioView":
    """The view of a page."""
    return OwnAudioView(shared)


class OwnAudioView(View):
    """The input and the instruments beside the player and the pictures."""

    _offering = False

    def __init__(self, shared: Shared) -> None:
        self.shared, self.message = shared, shared.message
        guard = shared.message.guard
        self.state = SoundState(shared.runs, shared.run.name)
        self.shown = ShownState()
        self._example = -1
        self._truth = ""
        self.input = SoundInput(self._take)
        self.example = ui.Button(description="Try one of the teaching clips", layout=ui.Layout(width="100%"))
        self.run = ui.Dropdown(
            options=self._offered(),
            value=self.state.name,
            description="Model run",
            disabled=not self.state.names,
            layout=ui.Layout(width="360px"),
        )
        self.work, self.heard, self.doubt, self.others = ui.HTML(), ui.HTML(), ui.HTML(), ui.HTML()
        self.table = InstrumentTable()
        self.player = Player()
        self.plot = Plot(shared.library, timeline_figure(None, None), "")
        self.player.plot = self.plot.anchor
        self.example.on_click(guard(lambda _: self._try()))
        self.run.observe(guard(self._pick), "value")
        self.table.observe(guard(self._choose), "shown")
        self.state.observe(guard(self._progress, by_itself=True), ["busy", "done"])
        self.state.observe(guard(self._show, by_itself=True), "changed")
        shared.news.observe(guard(self._add, by_itself=True), "changed")
        help_text = (
            "Ten seconds or ten minutes of your own: what does a model that learned from weak labels hear in it? Compare "
            "runs, and play the places that it is sure of."
        )
        privacy = (
            "<p class='om-privacy'>The sound goes from your browser to the kernel of this page and nowhere else; it is "
            "deleted when the next one comes or the page is closed.</p>"
        )
        top = ui.VBox([self.input, self.example, ui.HTML(privacy)])
        top.add_class("om-card")
        caption = "Each box draws an instrument's lines. <b>Model</b>: the highest probability of any window."
        self.instruments = ui.VBox([self.table, ui.HTML(f"<p class='om-caption'>{caption}</p>")])
        self.instruments.add_class("om-card")
        side = ui.VBox([top, self.instruments])
        side.add_class("om-side")
        bar = ui.HBox([self.run, self.work], layout=ui.Layout(flex_flow="row wrap", align_items="center"))
        main = ui.VBox([bar, self.heard, self.doubt, self.player, self.plot, self.others])
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        page = ui.VBox([style_sheet("own_audio"), help_line(help_text, "07_your_own_audio"), columns])
        page.add_class("om-own")
        page.add_class("om-sound")
        super().__init__([page])
        self.layout.width = "100%"
        self._tell()
        self._show()
        if self.state.names and teaching(shared.data).audio_keys:
            self._try()  # something to see and hear until the reader has a sound

    def close(self) -> None:
        """The thread that listens ends with the view."""
        self.state.leave()
        super().close()

    def restore(self, asked: Any) -> None:
        """Choose the run that `link` named; the sound is not part of an address."""
        if asked.get("run") in self.state.names:
            self.run.value = asked["run"]

    def _offered(self) -> list[tuple[str, str]]:
        return [(name, name) for name in self.state.names] or [("no run yet", "")]

    def _take(self, path: Path, title: str, local: str) -> None:
        """A sound has come from the browser."""
        self._truth = ""
        self.message.set("")
        self.player.load_local(title, local)
        self.state.open(path, title)

    def _try(self) -> None:
        data = teaching(self.shared.data)
        keys = data.audio_keys
        if not keys:
            raise ExploreError("There is no clip with sound here to try. Choose a file of your own.")
        self._example = (self._example + 1) % len(keys)
        key = keys[self._example]
        path = data.audio_path(key)
        self._truth = _known(data, key)
        self.player.load(key, path.read_bytes())
        self.state.open(path, f"clip {key}")

    def _pick(self, change: dict[str, Any]) -> None:
        if change["new"] and not self._offering:
            self.state.choose(change["new"])
            self._tell()

    def _tell(self) -> None:
        self.link = {"run": self.state.name} if self.state.name else {}

    def _choose(self, change: dict[str, Any]) -> None:
        if set(change["new"]) != set(self.shown.names):
            self.shown.pick(change["new"])
            self._draw()

    def _add(self, _: Any) -> None:
        self.state.add(self.shared.runs[self.shared.news.newest])
        chosen = self.state.name or next(iter(self.state.names), "")
        self._offering = True  # a Dropdown with new options takes the first: that is nobody's choice
        self.run.options, self.run.disabled = self._offered(), not self.state.names
        self.run.value = chosen
        self._offering = False
        if chosen != self.state.name:
            self._pick({"new": chosen})

    def _progress(self, _: Any = None) -> None:
        state = self.state
        if not state.busy:
            self.work.value = ""
            return
        doing = f"{html.escape(state.name)} listens" if state.views is not None else "drawing its pictures"
        self.work.value = (
            f"<div class='om-work'><progress max='1' value='{state.done:.3f}' aria-label='how much of the sound is done'>"
            f"</progress><span role='status'>{doing}: {state.done:.0%}</span></div>"
        )

    def _show(self, _: Any = None) -> None:
        state = self.state
        found = state.prediction
        there = state.views is not None
        self.player.layout.display = "flex" if state.title and not state.error else "none"
        self.plot.layout.display = "block" if there else "none"
        self.instruments.layout.display = "flex" if found is not None else "none"
        if there:
            self.player.duration = state.seconds
        if found is not None:
            best = [found.instruments[k] for k in np.argsort(-found.clip.max(axis=0), kind="stable")]
            if not set(self.shown.names) & set(best[:SHOWN]):
                self.shown.names = best[:SHOWN]
        self.heard.value, self.doubt.value = self._told(found), _doubt(found)
        self.others.value = self._compared()
        if there:
            self._draw()

    def _told(self, found: "Prediction | None") -> str:
        state = self.state
        if state.error:
            return f"<p class='om-doubt' role='status'>{html.escape(state.error)}</p>"
        if not state.title:
            text = "No sound yet: take a file, record some seconds, or try one of the teaching clips."
            if not state.names:
                text = (
                    "There is no run here that can listen to a sound of your own. Train one: "
                    f"<code>{html.escape(train_command(self.shared.data))}</code>"
                )
            return f"<p class='om-heard'>{text}</p>"
        name = f"<b>{html.escape(state.title)}</b>"
        if found is None:
            return f"<p class='om-heard'>{name}{f', {state.seconds:.1f} s' if state.seconds else ''}</p>"
        top = found.clip.max(axis=0)
        order = [k for k in np.argsort(-top, kind="stable") if top[k] >= HEARD][:5]
        windows = len(found.clip)
        said = [
            f"{found.instruments[k].replace('_', ' ')} <b>{top[k]:.2f}</b>"
            + (
                f" (in {count} of {windows} windows)"
                if (count := int((found.clip[:, k] >= HEARD).sum())) < windows
                else ""
            )
            for k in order
        ]
        heard = ", ".join(said) or "nothing that it is sure of"
        return f"<p class='om-heard'>{name}, {found.seconds:.1f} s. {html.escape(found.run)} hears {heard}.{self._truth}</p>"

    def _compared(self) -> str:
        """What every run said of the whole sound so far, as a table."""
        heard = self.state.predictions
        if len(heard) < 2:
            more = "Choose another run above: what it says will stand beside this one's."
            return f"<p class='om-caption'>{more}</p>" if heard and len(self.state.names) > 1 else ""
        tops = {name: found.clip.max(axis=0) for name, found in heard.items()}
        order = np.argsort(-np.max(list(tops.values()), axis=0), kind="stable")
        names = next(iter(heard.values())).instruments
        head = "".join(
            f"<th class='om-figure' scope='col'>{html.escape(name)}{' (shown)' if name == self.state.name else ''}</th>"
            for name in tops
        )
        lines = "".join(
            f"<tr><td>{names[k].replace('_', ' ')}</td>"
            + "".join(f"<td class='om-figure'>{_strong(top[k])}</td>" for top in tops.values())
            + "</tr>"
            for k in order
        )
        return (
            "<h2>What each run says of the whole sound (highest probability of any window; bold from .5 on)</h2>"
            f"<div class='om-scroll' tabindex='0'><table class='om-scores'><thead><tr><th scope='col'>instrument</th>{head}"
            f"</tr></thead><tbody>{lines}</tbody></table></div>"
        )

    def _draw(self) -> None:
        self.plot.show(self._figure(), self._spoken())

    def _figure(self) -> "go.Figure":
        state = self.state
        assert state.views is not None
        found = state.prediction
        if found is None:
            self.table.rows = []
            return self._kept(timeline_figure(*state.views, duration=state.seconds))
        names = list(found.instruments)
        places = {name: place for place, name in enumerate(self.shown.names)}
        lines = [
            Line(name, style(place), found.attention[:, names.index(name)], found.frame[:, names.index(name)])
            for name, place in places.items()
        ]
        top = np.clip(found.clip.max(axis=0), 0, 1)
        order = np.argsort(-top, kind="stable")
        self.table.rows = [
            {
                "name": names[k],
                "label": "unknown",
                "truth": None,
                "probability": round(float(top[k]), 4),
                "shown": names[k] in places,
                "colour": style(places[names[k]]).colour if names[k] in places else None,
                "dark": DARK[style(places[names[k]]).colour] if names[k] in places else None,
                "glyph": style(places[names[k]]).glyph if names[k] in places else None,
            }
            for k in order
        ]
        self.table.shown = list(places)
        return self._kept(
            timeline_figure(
                *state.views,
                [names[k] for k in order],
                found.frame.T[order],
                lines,
                frame_start=found.frame_start,
                frame_length=found.frame_length,
                duration=state.seconds,
            )
        )

    def _kept(self, figure: "go.Figure") -> "go.Figure":
        """A zoom stays while the same sound is open."""
        figure.layout.uirevision = self.player.clip + self.player.local
        return figure

    def _spoken(self) -> str:
        found = self.state.prediction
        heard = (
            "" if found is None else ", instruments over time, attention and frame score as " + found.run + " has them"
        )
        return f"{self.state.title}: log-mel spectrogram, scalogram{heard}"


def teaching(data: "OpenMIC") -> "OpenMIC":
    """The data set whose clips are tried: the one that is shown where it has sound, else the embedded teaching set."""
    from openmic_explore.data import OpenMIC

    return data if data.audio_keys else OpenMIC.teaching()


def _known(data: "OpenMIC", key: str) -> str:
    """What is known of a clip, as a sentence."""
    if data.truth is None:
        present = [name for name, state in data.labels(key).items() if state == "present"]
        return f" Labelled present: {', '.join(present).replace('_', ' ') or 'nothing'}."
    sounding = [name for name, true in zip(data.instruments, data.truth[data.index(key)], strict=True) if true]
    return f" What really sounds: {', '.join(sounding).replace('_', ' ')}."


def _doubt(found: "Prediction | None") -> str:
    """What not to believe, in a line."""
    if found is None:
        return ""
    notes = " ".join(map(html.escape, found.notes))
    return (
        "<p class='om-doubt'><b>Do not believe it too soon.</b> A model names one of its twenty instruments whatever it "
        f"hears, also in speech or noise. {html.escape(found.about)} {notes}</p>"
    )


def _strong(value: float) -> str:
    return f"<b>{value:.2f}</b>" if value >= HEARD else f"{value:.2f}"
