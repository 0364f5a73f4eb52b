"""The view Runs: groups of seeds side by side, instrument by instrument, and what lies behind their scores.

groups, state: what is chosen, without a widget. scoring: from stored predictions to scores. parts: what scores,
differences, training and clips have in common; each is a function from what is asked for to a Part. view: the widgets.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openmic_explore.dashboard.runs.view import RunsView
    from openmic_explore.dashboard.shared import Shared


def make(shared: "Shared") -> "RunsView":
    """The view of a page."""
    from openmic_explore.dashboard.runs.view import RunsView

    return RunsView(shared)
