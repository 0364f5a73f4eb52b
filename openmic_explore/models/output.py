"""What every model is, and what it returns."""

from typing import NamedTuple

from torch import Tensor, nn

from openmic_explore.errors import ExploreError
from openmic_explore.models.layers import InputScale


class Output(NamedTuple):
    """A batch of B clips, K instruments, T frames; float32, also where the network before it ran in bfloat16.

    clip (B, K): probability that the instrument sounds somewhere in the clip.
    logit (B, K): what `clip` was made from: log-odds, or with the published clamp the sum before it.
    frame (B, T, K): score in time, in [0, 1], or with the published clamp in (-1, 1).
    attention (B, T, K): weight of each frame, sums to 1 over T.
    """

    clip: Tensor
    logit: Tensor
    frame: Tensor
    attention: Tensor


class Model(nn.Module):
    """A network that scales its own input and knows where its frames lie."""

    scale: InputScale

    def fit_input(self, features: Tensor) -> None:
        """Fit the input's scaling to the training clips' features, shaped as the model's input; float or uint8."""
        self.scale.fit(features)

    def frame_grid(self, columns: int) -> tuple[float, float]:
        """Where the frames lie in time: (centre of the first, step to the next), in columns of the input.

        Column j spans j to j + 1, so that its middle is j + .5: an embedding's frames are the model's own.
        columns: how many the input has, T or bins. Raises ExploreError when they are too few for a frame.
        """
        if columns < 1:
            raise ExploreError(f"An input of {columns} columns has no frame; it needs at least 1.")
        return 0.5, 1.0
