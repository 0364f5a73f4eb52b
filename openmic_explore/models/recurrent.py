"""The paper's Mel architecture: a bidirectional LSTM over embeddings, attention over its frames."""

from torch import Tensor, nn

from openmic_explore.models.heads import AttentionHead, clamped_output, normalised_sigmoid
from openmic_explore.models.output import InputScale, Output


class PublishedMel(nn.Module):
    """The network that the authors ran: one LSTM unit per instrument and direction, attention from the input.

    Input (B, T, D) features in 0..255, divided by 255. Forward and backward outputs are averaged, so a frame's
    score lies in (-1, 1); the clip's is clamped to [0, 1]. 26,580 parameters for D = 128 and 20 instruments.
    """

    def __init__(self, dimension: int = 128, instruments: int = 20):
        super().__init__()
        self.scale = InputScale(dimension)
        self.lstm = nn.LSTM(dimension, instruments, batch_first=True, bidirectional=True)
        self.attend = nn.Linear(dimension, instruments)

    def fit_input(self, features: Tensor) -> None:
        """Nothing to fit: the authors divided by 255."""

    def forward(self, x: Tensor) -> Output:
        x = self.scale(x)
        both, _ = self.lstm(x)  # (B, T, D) -> (B, T, 2K)
        forward, backward = both.chunk(2, dim=-1)
        return clamped_output((forward + backward) / 2, normalised_sigmoid(self.attend(x)))


class Mel(nn.Module):
    """The same idea with a head that always has a gradient: BiLSTM, then attention over log-odds.

    Input (B, T, D) features, standardised by the training set. Dropout before the LSTM and before the head.
    """

    def __init__(self, dimension: int = 128, instruments: int = 20, hidden: int = 64, dropout: float = 0.6):
        super().__init__()
        self.scale = InputScale(dimension)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(dimension, hidden, batch_first=True, bidirectional=True)
        self.head = AttentionHead(2 * hidden, instruments)

    def fit_input(self, features: Tensor) -> None:
        """Standardise by features (N, T, D) of the training clips."""
        self.scale.fit(features)

    def forward(self, x: Tensor) -> Output:
        x = self.dropout(self.scale(x))
        hidden, _ = self.lstm(x)  # (B, T, D) -> (B, T, 2H)
        return self.head(self.dropout(hidden))
