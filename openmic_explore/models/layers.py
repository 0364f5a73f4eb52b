"""What all models share: scaling of the input, dropout, and a place where autocast ends."""

import torch
from torch import Tensor, nn

# Largest value of a feature as it is stored, in 8 bits.
STORED = 255.0
# Upper end of the scaled input, where the lower is 0.
UPPER = {"unit": 1.0, "bytes": STORED, "tiny": 1.0 / STORED}
DROPOUT_SEED = 2018


class InputScale(nn.Module):
    """(x - offset) / scale, kept as buffers so that a stored model scales its own input.

    shape: of offset and scale, broadcast against the input: (dimension,) for embeddings, (scales, 1) for pictures.
    scaling: "standard", mean 0 and standard deviation 1 over the fitted features; "unit", 0..1; "bytes", 0..255;
    "tiny", 0..1 divided by 255 once more. ranged: the last three stretch what was fitted from its least to its
    greatest value; otherwise the 0..255 of the store.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...], scaling: str, *, ranged: bool = False):
        super().__init__()
        self.scaling, self.ranged = scaling, ranged
        self.register_buffer("offset", torch.zeros(shape))
        self.register_buffer("scale", torch.full(shape, STORED / UPPER.get(scaling, 1.0)))

    def fit(self, features: Tensor) -> None:
        """Fit to features (N, ..., *shape), each 1 of the shape standing for any size. In pieces: they may be large."""
        if self.scaling == "standard":
            mean, deviation = self._moments(features)
            self.offset.copy_(mean)
            # What changes by less than one of the store's 256 steps is rounding: not to be blown up.
            self.scale.copy_(deviation.clamp_min(1.0))
        elif self.ranged:
            low, high = (value.float() for value in features.aminmax())
            self.offset.copy_(low.expand_as(self.offset))
            self.scale.copy_(((high - low).clamp_min(1.0) / UPPER[self.scaling]).expand_as(self.scale))

    def _moments(self, features: Tensor) -> tuple[Tensor, Tensor]:
        ahead = features.ndim - self.offset.ndim
        over = [axis for axis in range(features.ndim) if axis < ahead or self.offset.shape[axis - ahead] == 1]
        count = features.numel() // self.offset.numel()
        total, square = torch.zeros(2, *self.offset.shape, dtype=torch.float64)
        for piece in features.split(256):
            piece = piece.double()
            for moment, values in ((total, piece), (square, piece.square())):
                moment += values.sum(dim=over).reshape(self.offset.shape)
        mean = total / count
        return mean, ((square - count * mean.square()) / max(count - 1, 1)).clamp_min(0.0).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.offset) / self.scale


class Dropout(nn.Dropout):
    """Dropout that may stay on in evaluation mode, as the authors' did, with a mask that repeats.

    at_test: in evaluation mode too, drawn afresh from the same seed at every call: the same batch gives the same
    output, in float32 or bfloat16, in any memory format. A clip's mask depends on its place in the batch.
    """

    def __init__(self, rate: float, *, at_test: bool = False):
        super().__init__(rate)
        self.at_test = at_test

    def forward(self, x: Tensor) -> Tensor:
        if self.training or not self.at_test:
            return super().forward(x)
        generator = torch.Generator(x.device).manual_seed(DROPOUT_SEED)
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= self.p
        return x * kept / (1 - self.p)


def full_precision(x: Tensor) -> torch.autocast:
    """A context in which autocast is off on x's device: for small layers that bfloat16 would blur and not speed up."""
    return torch.autocast(x.device.type, enabled=False)
