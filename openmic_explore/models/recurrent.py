"""A bidirectional LSTM over frames with attention over its time steps, and the paper's Mel architecture."""

from torch import Tensor, nn

from openmic_explore.models.heads import FrameHead, clamped_output, normalised_sigmoid
from openmic_explore.models.layers import Dropout, InputScale, full_precision
from openmic_explore.models.output import Model, Output


class Recurrent(Model):
    """The part that Mel and the CNNs have in common: frames (B, T, D) to an `Output`.

    head: "clamp", as the authors ran it: one LSTM unit per instrument and direction, forward and backward outputs
    averaged, so that a frame's score lies in (-1, 1); attention from the LSTM's input; the sum clamped to [0, 1].
    "logit": `hidden` units a direction, then dropout and attention over log-odds from the LSTM's output.
    """

    def __init__(
        self,
        dimension: int,
        instruments: int,
        *,
        head: str,
        hidden: int | None,
        dropout: Dropout,
        layers: int = 1,
        layer_dropout: float = 0.0,
    ):
        super().__init__()
        self.clamp = head == "clamp"
        units = hidden if hidden is not None else instruments
        self.dropout = dropout
        self.lstm = nn.LSTM(dimension, units, layers, batch_first=True, bidirectional=True, dropout=layer_dropout)
        if self.clamp:
            self.attend = nn.Linear(dimension, instruments)
        else:
            self.head = FrameHead(2 * units, instruments)

    def answer(self, x: Tensor) -> Output:
        """Frames (B, T, D) to an Output, in float32 throughout: few and short steps, which bfloat16 does not speed up."""
        with full_precision(x):
            x = x.float()
            both, _ = self.lstm(x)  # (B, T, D) -> (B, T, 2H)
            if self.clamp:
                forward, backward = both.chunk(2, dim=-1)
                return clamped_output((forward + backward) / 2, normalised_sigmoid(self.attend(x)))
            return self.head(self.dropout(both))


class Mel(Recurrent):
    """The paper's Mel architecture: BiLSTM and attention over an embedding's frames.

    Input (B, T, dimension) features in 0..255. Options: see `registry.MEL`. As published 26,580 parameters with one
    layer and 46,420 with three, for dimension 128 and 20 instruments.
    """

    def __init__(
        self,
        *,
        dimension: int,
        instruments: int,
        layers: int,
        scaling: str,
        head: str,
        dropout: float,
        layer_dropout: float = 0.0,
        hidden: int | None = None,
    ):
        super().__init__(
            dimension,
            instruments,
            head=head,
            hidden=hidden,
            dropout=Dropout(dropout),
            layers=layers,
            layer_dropout=layer_dropout,
        )
        self.scale = InputScale((dimension,), scaling)

    def forward(self, x: Tensor) -> Output:
        return self.answer(self.dropout(self.scale(x)))
