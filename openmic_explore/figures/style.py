"""One look for every figure: colours that survive colour blindness, a shape beside every colour."""

from typing import Any, NamedTuple

# Okabe and Ito 2008; yellow comes last, since it is faint on white.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star")
GLYPHS = ("●", "■", "◆", "▲", "✚", "✖", "▼", "★")
DASHES = ("solid", "dash", "dot", "dashdot")

INK, MUTED, GRID, PAPER = "#1c2430", "#566070", "#e3e7ec", "#ffffff"
# The same in the dark, where the page recolours its figures: as far apart, and as clear of the ground.
DARK = {
    **dict(
        zip(
            OKABE_ITO,
            ("#3f96e0", "#f0772b", "#1fbf92", "#dd8fbb", "#f0ae1f", "#a3d8fb", "#ffffff", "#f0e442"),
            strict=True,
        )
    ),
    **dict(zip((INK, MUTED, GRID, PAPER), ("#e6eaf0", "#a9b3c0", "#2d3540", "#14181f"), strict=True)),
}
MAP = "Viridis"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


class Style(NamedTuple):
    """How one instrument or run is drawn; glyph is the marker symbol as text, for labels outside the figure."""

    colour: str
    symbol: str
    glyph: str
    dash: str


def style(place: int) -> Style:
    """The style of the place-th instrument or run, from 0: a colour and a shape each, another dash after every eight."""
    slot = place % len(OKABE_ITO)
    return Style(OKABE_ITO[slot], SYMBOLS[slot], GLYPHS[slot], DASHES[place // len(OKABE_ITO) % len(DASHES)])


def base_layout(height: int) -> dict[str, Any]:
    """What all figures share: font, white paper, quiet hover labels. height: pixels."""
    return {
        "height": height,
        "autosize": True,
        "template": "none",
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "hovermode": "closest",
    }


def title_line(text: str, down: int = 12) -> dict[str, Any]:
    """A figure's title at the top left, so many pixels below its edge."""
    return {
        "text": text, "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
        "pad": {"t": down, "l": 12}, "font": {"size": 14},
    }  # fmt: skip


def legend_line(height: int, down: int = 38) -> dict[str, Any]:
    """A legend from left to right under the title, so many pixels below the edge of a figure of this height."""
    return {
        "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "y": 1 - down / height,
        "yref": "container", "yanchor": "top",
    }  # fmt: skip
