"""A plotly figure for notebooks that sliders and menus move."""

from typing import Any

import plotly.graph_objects as go


class FigureWidget(go.FigureWidget):
    """plotly's FigureWidget, but that it reaches the browser whole.

    plotly's own announces itself empty and sends data and layout right after; anywidget loses what comes before its
    5 MB of JavaScript are loaded (its issue 803), so that on a busy machine figures stay empty. This one announces itself
    when all is there.
    """

    def __init__(self, *figure: Any, **settings: Any) -> None:
        self._whole = False
        super().__init__(*figure, **settings)
        self._whole = True
        self.open()

    def open(self) -> None:
        """Announce the figure to the browser; called by every widget's constructor, here too early."""
        if self._whole:
            super().open()
