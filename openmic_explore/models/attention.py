"""The attention network of Gururani, Sharma and Lerch, "An attention mechanism for musical instrument
recognition", ISMIR 2019: every frame on its own, then attention over the frames."""

import torch
from torch import Tensor, nn

from openmic_explore.models.heads import AttentionHead, averaged_probability, normalised_sigmoid
from openmic_explore.models.output import InputScale, Output


class Embed(nn.Module):
    """Three 1x1 convolutions in time, each with batch norm, ReLU and dropout, and a residual from the raw input.

    (B, T, D) -> (B, T, D).
    """

    def __init__(self, dimension: int, dropout: float):
        super().__init__()
        self.norm = nn.BatchNorm1d(dimension)
        self.layers = nn.ModuleList(nn.Conv1d(dimension, dimension, 1, bias=False) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dimension) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        raw = x.transpose(1, 2)  # (B, T, D) -> (B, D, T)
        hidden = self.norm(raw)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            hidden = self.dropout(torch.relu(norm(layer(hidden))))
        return (hidden + raw).transpose(1, 2)  # (B, D, T) -> (B, T, D)


class PublishedAttention(nn.Module):
    """Gururani's network: 55,336 parameters for D = 128 and 20 instruments.

    Input (B, T, D) features in 0..255, divided by 255. The clip's probability is the attention-weighted mean of
    the frames' probabilities.
    """

    def __init__(self, dimension: int = 128, instruments: int = 20, dropout: float = 0.6):
        super().__init__()
        self.scale = InputScale(dimension)
        self.embed = Embed(dimension, dropout)
        self.attend = nn.Linear(dimension, instruments)
        self.classify = nn.Linear(dimension, instruments)

    def fit_input(self, features: Tensor) -> None:
        """Nothing to fit: the input is divided by 255, the first batch norm does the rest."""

    def forward(self, x: Tensor) -> Output:
        hidden = self.embed(self.scale(x))
        return averaged_probability(self.classify(hidden), normalised_sigmoid(self.attend(hidden)))


class Attention(nn.Module):
    """The same body on standardised input, with attention over log-odds in place of over probabilities."""

    def __init__(self, dimension: int = 128, instruments: int = 20, dropout: float = 0.7):
        super().__init__()
        self.scale = InputScale(dimension)
        self.embed = Embed(dimension, dropout)
        self.head = AttentionHead(dimension, instruments)

    def fit_input(self, features: Tensor) -> None:
        """Standardise by features (N, T, D) of the training clips."""
        self.scale.fit(features)

    def forward(self, x: Tensor) -> Output:
        return self.head(self.embed(self.scale(x)))
