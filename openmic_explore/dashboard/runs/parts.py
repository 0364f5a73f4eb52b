"""What the parts of the view Runs are made of, and what each gives to the view."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openmic_explore.dashboard.runs.groups import Group
from openmic_explore.dashboard.runs.scoring import ALL, KNOWN, Scoring
from openmic_explore.dashboard.runs.state import RunsState
from openmic_explore.figures.style import style

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHORT = {
    "f1_macro": "F1 macro",
    "f1": "F1 present",
    "f1_weighted": "F1 weighted",
    "average_precision": "avg. precision",
    "precision": "precision",
    "recall": "recall",
}
OVER = {KNOWN: "known cells", ALL: "all cells"}
Rows = list[list[Any]]


@dataclass(frozen=True)
class Part:
    """What a part shows. figure: None where there is nothing to draw; spoken: what a screen reader says of it. said,
    table: HTML. rows: of a CSV file, the names of its columns first."""

    figure: "go.Figure | None"
    spoken: str
    said: str
    table: str = ""
    rows: Callable[[], Rows] = list


@dataclass(frozen=True)
class Asked:
    """What is asked of the parts: the state, and the scores of its runs."""

    state: RunsState
    scoring: Scoring

    @property
    def groups(self) -> list[Group]:
        """The chosen groups as far as they can be read."""
        return self.scoring.sound(self.state.picked)

    def place(self, group: Group) -> int:
        """The style that a group is drawn in."""
        return self.state.place(group.name)

    def label(self, group: Group) -> str:
        """A group with the marker that it has in figures, as HTML."""
        return f"{style(self.place(group)).glyph} {html.escape(group.label)}"

    def title(self, what: str, groups: Sequence[Group], clips: str = "") -> str:
        """A figure's title: what it shows, of which data and seeds. clips: others than the test clips."""
        state, data = self.state, self.scoring.data
        seeds = sorted({run.config.seed for group in groups for run in group.runs})
        version = (data.info.get("recipe") or {}).get("version")
        name = "teaching set" if data.name == "teaching" else data.name
        facts = [html.escape(name) + (f" v{version}" if version else "")]
        facts.append(clips or f"{len(data.split('test')):,} test clips, {OVER[state.cells]}")
        facts += [f"threshold {state.threshold:.2f}"] if state.shown_by_threshold else []
        facts.append(f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}")
        return f"<b>{html.escape(what[0].upper() + what[1:])}</b><br>{', '.join(facts)}"
