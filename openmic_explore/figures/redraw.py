"""A figure on a page takes on what another one shows."""

import plotly.graph_objects as go


def redraw(figure: go.Figure, new: go.Figure) -> None:
    """Make a figure show what a new one of the same panels and traces shows, in place and in one step.

    For a FigureWidget that a slider or a menu moves: traces, titles, notes, shapes, the height, and the titles and
    ranges of axes follow; the rest of the layout is taken to be the same.
    """
    with figure.batch_update():
        for trace, other in zip(figure.data, new.data, strict=True):
            trace.update({name: value for name, value in other.to_plotly_json().items() if name != "type"})
        for note, other in zip(figure.layout.annotations, new.layout.annotations, strict=True):
            note.update(other.to_plotly_json())
        figure.layout.title.text = new.layout.title.text
        figure.layout.height = new.layout.height
        figure.layout.shapes = new.layout.shapes
        for axis in (*new.select_xaxes(), *new.select_yaxes()):
            own = figure.layout[axis.plotly_name]
            if axis.range is not None:
                own.range = axis.range
            if axis.title.text is not None:
                own.title.text = axis.title.text
