"""A network drawn from left to right, as papers draw it, with a clip's own pictures at every stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from openmic_explore.figures.maps import PAGE, StageLike, flat, numbers
from openmic_explore.figures.style import INK, MAP, MUTED, OKABE_ITO, PAPER, base_layout

# Sizes in units of the drawing, about a pixel on a page of usual width.
UNIT = 9.7  # a side of n is drawn UNIT sqrt(n) long, so that a picture's area grows with its number of pixels
LONGEST, HIGHEST = 130, 170  # of a picture
SHEET = 1.5  # from a map to the one behind it
ROOM = 86  # least width of a block with its text
GAPS = (22, 64)  # from block to block, so that the whole is about PAGE wide
LINE = 14  # of text
LANE = 82  # how far attention lies above the middle, and score below
# What does its work within the block of the stage before it.
WITHIN = ("scale", "pool", "norm", "relu", "dropout")
TITLES = {"lstm": "BiLSTM", "embed": "three layers", "clip": "prediction"}
TOP = 3  # instruments named under the prediction
COLOURS = {
    "input": MUTED,
    "conv": OKABE_ITO[0],
    "frames": MUTED,
    "embed": OKABE_ITO[0],
    "lstm": OKABE_ITO[1],
    "attention": OKABE_ITO[2],
    "score": OKABE_ITO[3],
    "clip": INK,
}


@dataclass
class Block:
    """Stages that are drawn as one: the picture in front, and where its middle lies; `sheets` maps in all."""

    stages: list[StageLike]
    values: NDArray[np.float32]
    sheets: int = 1
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def first(self) -> StageLike:
        return self.stages[0]

    @property
    def parameters(self) -> int:
        return sum(stage.parameters for stage in self.stages)

    @property
    def depth(self) -> float:
        """How far the sheets behind the picture stick out, to the right and upwards."""
        return SHEET * (self.sheets - 1)

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def low(self) -> float:
        return self.y - self.height / 2


def architecture_figure(
    stages: Sequence[StageLike],
    *,
    clip: int = 0,
    ahead: Sequence[StageLike] = (),
    names: Mapping[str, str] | None = None,
    instruments: Sequence[str] = (),
    title: str = "",
) -> go.Figure:
    """The network's blocks from left to right, each with what it made of one clip, its shape and its parameters.

    stages: of `models.trace`, or alike: tensors (B, ...) are maps (C, H, W), frames (T, D) or an answer (K,). Time runs
    from left to right in each picture, and every picture has colours from its own least to its own greatest value. Maps
    lie on top of each other, one sheet a channel; in front is the one that varies most. clip: which of the batch is
    drawn. ahead: stages that come before the model, such as the sound's picture when the model reads an embedding.
    names: titles by stage, in place of their own. instruments: (K,) names; the likeliest stand under the prediction.
    Hovering tells every stage of a block, and the value under the pointer.
    """
    blocks = [*_blocks(ahead, clip), *_blocks(stages, clip)]
    titles = names or {}
    likeliest = _likeliest(blocks[-1], instruments)
    width, top, bottom = _arrange(blocks, bool(likeliest))
    figure = go.Figure()
    shapes: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for block in blocks:
        shapes += _sheets(block)
        figure.add_trace(_picture(block, _hover(block)))
        heading_ = titles.get(block.first.name, TITLES.get(block.first.kind, block.first.name))
        texts += _texts(block, heading_, likeliest if block is blocks[-1] else [])
    height = top - bottom
    heading = {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
    legend = "under each block: what comes out of it, in bold how many numbers in it are learned, then its settings"
    layout = base_layout(int(height) + 58) | {
        "margin": {"l": 8, "r": 8, "t": 54, "b": 4},
        "title": heading
        | {"pad": {"t": 10}, "font": {"size": 14}}
        | {"subtitle": {"text": legend, "font": {"size": 12, "color": MUTED}}},
        "shapes": shapes,
        "annotations": texts + _arrows(blocks),
        "showlegend": False,
        "dragmode": False,
    }
    axis = {"visible": False, "fixedrange": True}
    figure.update_layout(layout, xaxis=axis | {"range": [0, width]}, yaxis=axis | {"range": [bottom, top]})
    return figure


def _blocks(stages: Sequence[StageLike], clip: int) -> list[Block]:
    blocks: list[Block] = []
    for stage in stages:
        if stage.kind in WITHIN and blocks:
            blocks[-1].stages.append(stage)
        else:
            blocks.append(Block([stage], np.empty(0, dtype=np.float32)))
        blocks[-1].values = numbers(stage, clip)
    for block in blocks:
        block.sheets = len(block.values) if block.values.ndim == 3 else 1
        block.values = flat(block.values)
        rows, columns = block.values.shape
        block.width, block.height = min(UNIT * columns**0.5, LONGEST), min(UNIT * rows**0.5, HIGHEST)
    return blocks


def _arrange(blocks: list[Block], named: bool) -> tuple[float, float, float]:
    """Put the blocks in their places, the stacks' middles on one line. Returns the drawing's width, top and bottom."""
    across = [block for block in blocks if block.first.kind != "score"]  # score lies under attention
    rooms = [max(ROOM, block.width + block.depth) for block in across]
    gap = float(np.clip((PAGE - sum(rooms)) / len(rooms), *GAPS))
    x = gap / 2
    for block, room in zip(across, rooms, strict=True):
        block.x = x + (block.width if block.first.kind == "clip" else room - block.depth) / 2
        block.y = LANE if block.first.kind == "attention" else -block.depth / 2
        x += room + gap
    for block, before in zip(blocks[1:], blocks, strict=False):
        if block.first.kind == "score":
            block.x, block.y = before.x, -LANE
    top = max(block.low + block.height + block.depth for block in blocks) + LINE + 6
    lines = [len(_facts(block)) + (TOP if named and block is blocks[-1] else 0) for block in blocks]
    bottom = min(block.low - count * LINE for block, count in zip(blocks, lines, strict=True)) - 8
    return x - gap / 2, top, bottom


def _sheets(block: Block) -> list[dict[str, Any]]:
    """The outlines of the maps behind the front one, the farthest first, and that of the front one itself."""
    colour = COLOURS.get(block.first.kind, MUTED)
    shapes = []
    for place in range(block.sheets - 1, -1, -1):
        left, low = block.left + SHEET * place, block.low + SHEET * place
        corners = {"x0": left, "x1": left + block.width, "y0": low, "y1": low + block.height}
        look = {"fillcolor": PAPER, "layer": "below"} if place else {"layer": "above"}
        shapes.append({"type": "rect", "line": {"color": colour, "width": 1 if place else 2}} | corners | look)
    return shapes


def _picture(block: Block, hover: str) -> go.Heatmap:
    rows, columns = block.values.shape
    across, up = block.width / columns, block.height / rows
    return go.Heatmap(
        z=block.values,
        x0=block.left + across / 2,
        dx=across,
        y0=block.low + up / 2,
        dy=up,
        colorscale=MAP,
        showscale=False,
        hovertemplate=f"{hover}<br>under the pointer: %{{z:.3g}}<extra></extra>",
    )


def _sizes(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape)


def _hover(block: Block) -> str:
    lines = []
    for stage in block.stages:
        parts = [_sizes(stage.shape), stage.detail.replace(" x ", " × ")]
        if stage.parameters:
            parts.append(f"{stage.parameters:,} parameters")
        lines.append(f"<b>{stage.name}</b>  " + "; ".join(part for part in parts if part))
    return "<br>".join(lines)


def _facts(block: Block) -> list[str]:
    """What stands under a block: the shape of what it gives, its parameters, its settings in short."""
    facts = [_sizes(block.stages[-1].shape)]
    if block.parameters:
        facts.append(f"<b>{block.parameters:,}</b>")
    short = {stage.kind: stage.detail.partition(",")[0].replace(" x ", " × ") for stage in block.stages}
    lines = [f"{kind} {short[kind]}" for kind in ("conv", "pool") if kind in short]
    lines += [short["lstm"]] if "lstm" in short else []
    lines += [f"dropout {short['dropout']}"] if short.get("dropout", "0") != "0" else []
    return facts + [f"<span style='color:{MUTED}'>{line}</span>" for line in lines]


def _likeliest(block: Block, instruments: Sequence[str]) -> list[str]:
    """The likeliest instruments with their probabilities, by the last block's answer."""
    if not len(instruments):
        return []
    answer = block.values[::-1, 0]
    order = np.argsort(-answer, kind="stable")[:TOP]
    return [f"{instruments[place].replace('_', ' ')} {answer[place]:.2f}" for place in order]


def _texts(block: Block, title: str, more: list[str]) -> list[dict[str, Any]]:
    """The name above the block and the facts under it."""
    # What points to the prediction comes from above and below: its text goes the other way.
    last = block.first.kind == "clip"
    where = {"x": block.left, "xanchor": "left", "align": "left"} if last else {"x": block.x + block.depth / 2}
    text = {"showarrow": False, "font": {"size": 11, "color": INK}} | where
    name = {"text": f"<b>{title}</b>", "y": block.low + block.height + block.depth, "yanchor": "bottom"}
    facts = {"text": "<br>".join([*_facts(block), *more]), "y": block.low, "yanchor": "top"}
    return [text | name, text | facts]


def _arrows(blocks: list[Block]) -> list[dict[str, Any]]:
    """From the block that is read to the one that reads it; where another lies between, over its head."""
    home = {stage.name: place for place, block in enumerate(blocks) for stage in block.stages}
    arrows = []
    for place, block in enumerate(blocks[1:], start=1):
        # Who reads nothing in particular reads what comes before: the model's input, the last of what is ahead.
        for before in [home[name] for name in block.first.reads] or [place - 1]:
            source = blocks[before]
            over = block.first.kind == "attention" and before < place - 1
            ay = source.low + source.height - 6 if over else source.y + source.depth / 2
            y = block.y + block.depth / 2
            ends = {"x": _edge(block, y, -1) - 3, "y": y, "ax": _edge(source, ay, 1) + 3, "ay": ay}
            look = {"showarrow": True, "arrowhead": 2, "arrowwidth": 1.3, "arrowcolor": MUTED, "text": ""}
            arrows.append(ends | look | {"xref": "x", "yref": "y", "axref": "x", "ayref": "y"})
    return arrows


def _edge(block: Block, y: float, side: int) -> float:
    """Where the stack ends at height y, on its left (side -1) or right (1)."""
    if side < 0:
        return block.left + max(0.0, y - block.low - block.height)
    return block.left + block.width + min(block.depth, max(0.0, y - block.low))
