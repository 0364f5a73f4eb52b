"""What a model would say of a clip that ended earlier: its answer from the frames so far."""

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

# The closest to 0 or 1 that a score kept in half precision can tell from them.
HALF = 2.0**-11
HEADS = ("logit", "probability", "clamp")


def running_estimate(
    frame: NDArray[np.floating], attention: NDArray[np.floating], *, head: str = "logit", maximum: bool = False
) -> NDArray[np.float64]:
    """The clip's probability if the clip had ended with each frame: (T, K) in [0, 1].

    frame, attention: (T, K), as the model gave them for the whole clip. head: what is averaged with the weights of the
    frames so far, divided by their sum: "logit", the scores' log-odds, whose mean goes through the sigmoid;
    "probability", the scores; "clamp", the scores, whose mean is cut to [0, 1]. maximum: the best score so far takes all
    the weight (max pooling). nan while the frames so far have no weight.

    Exact for one network that looks at every frame on its own, whose weights are a softmax or another share of a sum: fewer
    frames change nothing but that sum. A recurrent network has read the later frames too, so for it this is what the
    frames so far add to its answer; for an ensemble too it is an estimate, since means of the members' attention and of
    their log-odds are not the mean of their answers. Scores in half precision are taken to be 2^-11 away from 0 and 1.
    Raises ExploreError for another head or for shapes that differ.
    """
    frame, attention = np.asarray(frame, dtype=float), np.asarray(attention, dtype=float)
    if head not in HEADS or frame.ndim != 2 or frame.shape != attention.shape:
        raise ExploreError(
            f"head must be one of {', '.join(HEADS)}, not {head!r}, and frame {frame.shape} and attention "
            f"{attention.shape} alike, (frames, instruments)."
        )
    inside = frame.clip(HALF, 1 - HALF)
    score = np.log(inside / (1 - inside)) if head == "logit" else frame
    if maximum:
        mean = np.maximum.accumulate(score, axis=0)
    else:
        weight = np.cumsum(attention, axis=0)
        mean = np.full(frame.shape, np.nan)
        np.divide(np.cumsum(attention * score, axis=0), weight, out=mean, where=weight > 0)
    return 1 / (1 + np.exp(-mean)) if head == "logit" else mean.clip(0, 1)
