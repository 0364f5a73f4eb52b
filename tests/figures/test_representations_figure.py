"""Pictures on one frequency axis, and what they resolve."""

import numpy as np

from openmic_explore.figures.representations import Atom, Image, atoms_figure, pictures_figure, shares_figure


def test_every_picture_is_drawn_with_the_same_colours():
    images = [
        Image(name, np.arange(12.0).reshape(3, 4) - shift, np.array([50.0, 500.0, 5000.0]), np.linspace(0.5, 3.5, 4))
        for shift, name in enumerate(("one", "other"))
    ]
    figure = pictures_figure(images, low=-5.0, high=11.0, title="on made-up data")
    shown = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(shown) == 2
    assert "on made-up data" in figure.layout.title.text
    assert {note.text for note in figure.layout.annotations} >= {"one", "other"}


def test_an_atom_stands_in_time_and_in_frequency():
    time = np.linspace(-20, 20, 201)
    wave = np.cos(time)
    atom = Atom("wavelet", time, wave, np.ones(201), np.geomspace(50, 5000, 100), np.ones(100))
    figure = atoms_figure({"110 Hz": [atom], "1760 Hz": [atom]}, title="atoms")
    assert len({trace.xaxis for trace in figure.data}) == 4


def test_shares_are_sorted_with_the_largest_on_top():
    names = ("flute", "bass", "drums")
    parts = {"energy": np.array([0.1, 0.7, 0.4])}
    figure = shares_figure(names, {"below 125 Hz": parts}, title="shares")
    (trace,) = [trace for trace in figure.data if trace.x is not None and len(trace.x) == 3]
    shown = dict(zip(trace.y, trace.x, strict=True))
    assert len(shown) == 3
    assert max(shown.values()) == 0.7 or max(shown.values()) == 70.0
