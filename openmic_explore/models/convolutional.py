"""The paper's CNN and CNN-reduced: convolutions over a scalogram, then BiLSTM and attention over what is left of time."""

from torch import Tensor, nn

from openmic_explore.errors import ExploreError
from openmic_explore.models.layers import Dropout, InputScale
from openmic_explore.models.output import Output
from openmic_explore.models.pooling import max_pool
from openmic_explore.models.recurrent import Recurrent

# Channels of the four convolutions, as multiples of the first one's.
GROWTH = (1, 2, 4, 4)


class Block(nn.Module):
    """3x3 convolution without padding, 2x2 max-pooling, batch norm if wanted, ReLU.

    (B, C, H, W) -> (B, channels, (H - 2) // 2, (W - 2) // 2). Pooling before ReLU is the same as after it, on four
    times fewer values; batch norm comes after pooling for the same reason, and because it then normalises what goes on.
    """

    def __init__(self, before: int, channels: int, batch_norm: bool):
        super().__init__()
        self.convolve = nn.Conv2d(before, channels, 3, bias=not batch_norm)
        self.norm = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.rectify = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.rectify(self.norm(max_pool(self.convolve(x))))


class CNN(Recurrent):
    """Convolution blocks over a picture (B, 1, scales, bins) in 0..255, time along its last axis.

    depth: blocks, 4 for the CNN and 2 for CNN-reduced: 128 bins become 6 or 30 frames of 192 or 480 features. As
    published 53,236 and 91,188 parameters for 128x128 and 20 instruments. Options: see `registry.CNN`; where the
    authors put dropout against ReLU and pooling of the last block is not known, here it comes after them.
    For speed train it in channels_last memory format, under autocast to bfloat16 where the processor has it.
    Raises ExploreError for a picture too small to leave a frame.
    """

    def __init__(
        self,
        *,
        scales: int,
        bins: int,
        instruments: int,
        depth: int,
        width: int,
        scaling: str,
        batch_norm: bool,
        head: str,
        dropout: float,
        dropout_at_test: bool,
        hidden: int | None = None,
    ):
        channels = [width * growth for growth in GROWTH[:depth]]
        super().__init__(
            channels[-1] * size_after("scales", scales, depth),
            instruments,
            head=head,
            hidden=hidden,
            dropout=Dropout(dropout, at_test=dropout_at_test),
        )
        size_after("bins", bins, depth)
        self.scales = scales
        # Per scale when standardised: high scales are far quieter than low ones.
        self.scale = InputScale((scales, 1), scaling, ranged=True)
        self.blocks = nn.ModuleList(
            Block(before, after, batch_norm) for before, after in zip([1, *channels], channels, strict=False)
        )

    def features(self, x: Tensor) -> Tensor:
        """What enters the LSTM, before dropout: (B, 1, scales, bins) -> (B, T, D)."""
        if x.shape[1:3] != (1, self.scales):
            raise ExploreError(f"The model takes (clips, 1, {self.scales}, bins), not {tuple(x.shape)}.")
        size_after("bins", x.shape[-1], len(self.blocks))
        x = self.scale(x)
        for block in self.blocks:
            x = block(x)
        return x.permute(0, 3, 1, 2).flatten(2)  # (B, C, S, T) -> (B, T, C S)

    def forward(self, x: Tensor) -> Output:
        return self.answer(self.dropout(self.features(x)))

    def frame_grid(self, columns: int) -> tuple[float, float]:
        """Where the frames lie in time, in columns of the picture; see `Model`. From the receptive field: each frame
        sees the columns around its centre, 10 or 46 of them, and only they reach it without the LSTM.

        Raises ExploreError for fewer columns than that.
        """
        size_after("bins", columns, len(self.blocks))
        centre, step = 0.5, 1.0
        for _ in self.blocks:
            centre += step  # the middle one of the convolution's three columns
            centre += step / 2  # between the pooling's two
            step *= 2
        return centre, step


def size_after(axis: str, size: int, depth: int) -> int:
    """What is left of an axis after `depth` blocks. Raises ExploreError, with the least size, when nothing is."""
    left, least = size, 1
    for _ in range(depth):
        left, least = (left - 2) // 2, 2 * least + 2
    if size < least:
        raise ExploreError(f"{axis} must be at least {least} for {depth} convolution blocks, not {size}.")
    return left
