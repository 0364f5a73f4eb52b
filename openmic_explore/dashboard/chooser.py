"""Which data set the page shows: the teaching set, or any folder in OpenMIC-2018's layout."""

import os
from collections.abc import Callable
from pathlib import Path

import ipywidgets as ui

from openmic_explore.dashboard.state import Message
from openmic_explore.data.index import LABELS
from openmic_explore.data.openmic import TEACHING
from openmic_explore.errors import ExploreError
from openmic_explore.files import nearby

OTHER = "another folder …"


def offered() -> list[Path]:
    """The teaching set, the folder in OPENMIC_DATA, and the data sets in ./data."""
    asked = os.environ.get("OPENMIC_DATA")
    beside = nearby("data")
    found = sorted(file.parent for file in beside.glob(f"*/{LABELS}")) if beside.is_dir() else []
    places = [TEACHING, *([nearby(asked)] if asked else []), *found]
    return list({place.resolve(): place for place in places}.values())


class DataChooser(ui.HBox):
    """A list of data sets, and a field for any other folder. open: called with the folder that was chosen; what it
    raises becomes the message, and the data set that is shown stays."""

    _quiet = False

    def __init__(self, shown: Path, open: Callable[[Path], None], message: Message) -> None:
        self._open, self._shown = open, shown.resolve()
        places = [place.resolve() for place in offered()]
        if self._shown not in places:
            places.append(self._shown)
        self.list = ui.Dropdown(
            options=[*((name_of(place), str(place)) for place in places), (OTHER, "")],
            value=str(self._shown),
            description="Data",
            layout=ui.Layout(width="300px"),
        )
        self.path = ui.Text(placeholder="folder in OpenMIC-2018's layout", layout=ui.Layout(width="340px"))
        self.path.tooltip = "folder of a data set"
        self.button = ui.Button(description="Open", layout=ui.Layout(width="80px"))
        self.other = ui.HBox([self.path, self.button], layout=ui.Layout(display="none"))
        self.list.observe(message.guard(self._pick), "value")
        self.button.on_click(message.guard(self._other))
        super().__init__([self.list, self.other])

    def _pick(self, change: dict[str, str]) -> None:
        if self._quiet:
            return
        self.other.layout.display = "none" if change["new"] else "flex"
        if change["new"]:
            self._take(Path(change["new"]))

    def _other(self, _: ui.Button) -> None:
        if not self.path.value.strip():
            raise ExploreError("Type the folder of a data set, such as data/openmic-2018.")
        self._take(nearby(self.path.value.strip()))

    def _take(self, path: Path) -> None:
        try:
            self._open(path)
        except ExploreError:
            self._quiet = True
            self.list.value = str(self._shown)
            self._quiet = False
            raise


def name_of(place: Path) -> str:
    """What a list calls a data folder."""
    return "teaching set (embedded)" if place == TEACHING.resolve() else str(place)
