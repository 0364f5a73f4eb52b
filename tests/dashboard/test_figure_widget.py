"""What a figure tells the browser, and when."""

import comm
import plotly.graph_objects as go
import pytest

from openmic_explore.dashboard.figure_widget import FigureWidget


@pytest.fixture
def said(monkeypatch):
    """The messages that widgets send, as (type, state)."""
    messages = []

    class Recorder(comm.base_comm.BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            messages.append((msg_type, (data or {}).get("state", {})))

    monkeypatch.setattr(comm, "create_comm", Recorder)
    return messages


FIGURE = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), {"title": {"text": "toy"}})


def opened(said):
    return [state for kind, state in said if kind == "comm_open" and state.get("_model_name") == "AnyModel"]


def test_it_is_whole_when_it_is_announced(said):
    FigureWidget(FIGURE)
    (state,) = opened(said)
    assert state["_widget_data"][0]["y"] == [3, 4]
    assert state["_widget_layout"]["title"]["text"] == "toy"


def test_plotly_s_own_is_still_announced_empty(said):
    """When this fails, plotly has mended it, and its own will do."""
    go.FigureWidget(FIGURE)
    (state,) = opened(said)
    assert not state["_widget_data"]


def test_what_changes_later_is_sent_later(said):
    widget = FigureWidget(FIGURE)
    before = len(said)
    widget.data[0].y = [5, 6]
    sent = {name for _, state in said[before:] for name in state}
    assert "_py2js_restyle" in sent
    assert list(widget.data[0].y) == [5, 6]
