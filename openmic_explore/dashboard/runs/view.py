"""The widgets of the view Runs: groups to choose from beside one of its parts."""

import csv
import html
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ipywidgets as ui
import plotly.graph_objects as go

from openmic_explore.dashboard.listen import describe_data
from openmic_explore.dashboard.runs.chooser import GroupChooser
from openmic_explore.dashboard.runs.clips import clips_part, listed
from openmic_explore.dashboard.runs.controls import Controls
from openmic_explore.dashboard.runs.differences import differences_part, waiting
from openmic_explore.dashboard.runs.parts import Asked, Part
from openmic_explore.dashboard.runs.scores import scores_part
from openmic_explore.dashboard.runs.scoring import Scoring
from openmic_explore.dashboard.runs.state import BY_METRIC, PARTS, RunsState
from openmic_explore.dashboard.runs.training import heads_part, learning_part
from openmic_explore.dashboard.runs.widgets import ASKED, ClipList, Exports
from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet
from openmic_explore.dashboard.state import train_command
from openmic_explore.dashboard.threads import Post, in_thread
from openmic_explore.dashboard.widgets import Plot
from openmic_explore.errors import ExploreError

HELP = (
    "<b>Which model is better, and for which instruments?</b> Tick groups of runs on the left. Look for instruments where "
    "a model is no better than the grey tick, the answer that never listens, and for bars over the seeds that overlap."
)
MAKERS = {
    "scores": scores_part,
    "differences": differences_part,
    "learning": learning_part,
    "constant": heads_part,
    "clips": clips_part,
}
# What a part depends on, beside the chosen groups.
DEPENDS: dict[str, tuple[str, ...]] = {
    "scores": ("metric", "cells", "threshold", "order", "majority", "published"),
    "differences": ("metric", "cells", "threshold", "order", "reference"),
    "learning": (),
    "constant": (),
    "clips": ("cells", "threshold", "instrument", "run", "heard"),
}


class RunsView(View):
    """Groups of seeds; their scores, differences, learning curves, dead heads, or the clips behind a score."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.message = shared, shared.message
        self.state = RunsState(shared.data, shared.runs)
        self.scoring = Scoring(shared.data)
        self.state.damaged = self.scoring.damaged
        self.asked = Asked(self.state, self.scoring)
        self._drawn: tuple[Any, ...] | None = None
        self._quiet = self._built = False
        self._failed: dict[str, str] = {}
        self.working = False
        self.caption = ui.HTML()
        self.head = [style_sheet("runs"), help_line(HELP, "06_which_f1")]
        super().__init__([*self.head, self.caption])
        self.add_class("om-runs")
        shared.news.observe(self.message.guard(lambda _: self._take_in()), "changed")
        if self.state.groups:
            self._build()
        else:
            self.caption.value = self._left_out()

    def _build(self) -> None:
        state, guard = self.state, self.message.guard
        self.chooser, self.controls = GroupChooser(state, self.message), Controls(state, self.message)
        self.busy, self.said, self.table = ui.HTML(), ui.HTML(), ui.HTML()
        self.plot = Plot(self.shared.library, go.Figure(), "")
        self.clips, self.exports = ClipList(), Exports(plot=self.plot.anchor)
        self.plot.observe(guard(self._click), "clicked")
        self.clips.observe(guard(lambda change: self._open(change["new"]["key"])), "opened")
        self.exports.on_msg(guard(self._export))
        state.observe(guard(lambda _: self._follow()), list(state.trait_names()))
        self._built = True
        self._follow()
        bar = ui.HBox([self.controls.part, self.exports])
        bar.add_class("om-parts")
        side = ui.VBox([self.chooser, self.caption])
        main = ui.VBox([bar, self.controls, self.busy, self.said, self.plot, self.clips, self.table])
        side.add_class("om-side")
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        self.children = [*self.head, columns]

    def restore(self, asked: Mapping[str, str]) -> None:
        if self.state.groups:
            with self._at_once():
                self.state.restore(asked)

    def _take_in(self) -> None:
        """Runs have been trained meanwhile: show the newest one."""
        self._drawn = None
        with self._at_once():
            self.state.take_in(self.shared.data, self.shared.runs, self.shared.news.newest)
            if self._built:
                self.chooser.offer()
        if not self._built and self.state.groups:
            self._build()

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Several changes of the state, then one drawing."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False
        self._follow()

    def _follow(self) -> None:
        """Show the state as it is now, if that differs from what is drawn."""
        state = self.state
        between = bool(state.chosen) and state.reference not in state.chosen  # two changes of one action
        if self._quiet or between or not self._built:
            return
        self.chooser.show()
        self.link = state.link()
        now = (state.part, tuple(state.placed()), *(getattr(state, name) for name in DEPENDS[state.part]))
        if now != self._drawn:
            self._drawn = now
            self._draw()

    def part(self) -> Part:
        """What is asked for. Raises ExploreError where it cannot be shown."""
        groups = self.asked.groups
        if not groups:
            return Part(None, "no run", "<p>Tick at least one group of runs in the list.</p>")
        return MAKERS[self.state.part](self.asked, groups)

    def _draw(self) -> None:
        state = self.state
        part = self.part()
        self.controls.show()
        if part.figure is not None:
            # A zoom stays while the same things are drawn, at another threshold too.
            part.figure.layout.uirevision = f"{state.part} {state.metric} {state.chosen} {state.instrument}"
            self.plot.show(part.figure, part.spoken)
        self.exports.ready = part.figure is not None
        self.plot.layout.display = "" if self.exports.ready else "none"
        self.said.value = f"<div class='om-caption'>{part.said}</div>" if part.said else ""
        self.table.value = part.table
        self.clips.rows = listed(self.asked) if state.part == "clips" and self.exports.ready else []
        self.clips.layout.display = "" if self.clips.rows else "none"
        metric = [state.metric] if state.part in BY_METRIC else []
        self.exports.name = "-".join(["openmic-explore", PARTS[state.part].lower().replace(" ", "-"), *metric])
        self.caption.value = self._left_out()
        self._work()

    def _work(self) -> None:
        """Resample what differences still need, a group at a time, while the page stays alive."""
        state = self.state
        if state.part != "differences":
            self.busy.value = ""
            return
        missing = [group for group in waiting(self.asked) if group.name not in self._failed]
        text = " ".join(self._failed[name] for name in state.chosen if name in self._failed)
        if missing:
            text = f"Resampling the test clips: group {len(state.chosen) - len(missing) + 1} of {len(state.chosen)} …"
        kind = "om-message om-busy" if missing else "om-message"
        self.busy.value = f"<div class='{kind}' role='status'>{html.escape(text)}</div>" if text else ""
        if not missing or self.working:
            return
        group, cells, threshold = missing[0], state.cells, state.threshold

        def done(failure: Exception | None) -> None:
            self.working = False
            if failure:
                self._failed[group.name] = str(failure)
            if self.state.part == "differences":
                self._draw()
            if failure and not isinstance(failure, ExploreError):
                raise failure

        def work(post: Post) -> None:
            failure = None
            try:
                self.scoring.resample(group, cells, threshold)
            except Exception as error:
                failure = error
            post(self.message.guard(done, by_itself=True), failure)

        self.working = True
        in_thread(work)

    def _click(self, change: dict[str, Any]) -> None:
        named, point = change["new"].get("meta"), change["new"].get("customdata")
        if self.state.part == "clips":
            self._open(str(point))
            return
        name = point[-1] if isinstance(point, list) else point
        group = next((group for group in self.asked.groups if group.label == named), None)
        if group and name in self.state.instruments:
            with self._at_once():
                self.state.instrument, self.state.run, self.state.part = str(name), group.runs[0].name, "clips"

    def _open(self, key: str) -> None:
        """Take the reader to a clip in Listen, whatever was searched for there, with the run or a seed of its group."""
        clips, shown = self.shared.clips, self.shared.run
        if key not in clips.matches:
            clips.instrument, clips.label, clips.split, clips.wrong = "", "", "", False
        if key not in clips.matches:
            clips.heard = False
        clips.clip = key
        asked = self.state.answering
        alike = [run.name for group in self.state.picked for run in group.runs if asked in group.runs]
        named = [name for name in [asked.name if asked else "", *alike] if name in shown.names]
        if named:
            shown.name = named[0]
        self.shared.navigation.view = "Listen"

    def _export(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content == ASKED:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(self.part().rows())
            self.exports.send({"csv": text.getvalue()})

    def _left_out(self) -> str:
        """What was found and is not listed, and what to type where there is nothing."""
        said = []
        if not self.state.groups:
            command = html.escape(train_command(self.shared.data))
            said.append(
                f"There is no run of this data set yet. Train one in the tab Train, or type <code>{command}</code>"
            )
        if self.state.others:
            kinds = Counter(describe_data(run.info) for run in self.state.others)
            which = "; ".join(f"{count} of {html.escape(name)}" for name, count in kinds.items())
            said.append(f"Left out, since scores compare on one data set only, are runs of other data: {which}.")
        damaged = {path.name: text for path, text in self.shared.runs.damaged.items()} | self.scoring.damaged
        if damaged:
            which = "".join(f"<li>{html.escape(text)}</li>" for text in damaged.values())
            said.append(f"{len(damaged)} damaged run{'s are' if len(damaged) > 1 else ' is'} left out:<ul>{which}</ul>")
        return "".join(f"<div class='om-caption'>{one}</div>" for one in said)
