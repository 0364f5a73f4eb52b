"""Means over time bins of a function that is known at uniform samples, with edges that fall anywhere between them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Samples that are first summed in groups: one matrix product in place of a slow running sum.
GROUP = 8
# Samples around an edge, over which the function is taken to be a polynomial.
TAPS = 6
# Samples needed ahead of the first edge, and behind the last one.
LEAD = TAPS // 2 + 1
TRAIL = GROUP + TAPS


class BinMeans(NamedTuple):
    """The weights of one grid of samples and edges; `of` applies them.

    group (bins + 1,) int: the sum starts at this group of samples. columns, weights (bins + 1, GROUP + TAPS): what is
    added on the way from there to the edge. width (bins,) float32: of the bins, in samples.
    """

    group: NDArray[np.intp]
    columns: NDArray[np.intp]
    weights: NDArray[np.float32]
    width: NDArray[np.float32]

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Means of values (rows, samples) float32: (rows, bins) float32."""
        rows, samples = values.shape
        sums = values[:, : samples // GROUP * GROUP].reshape(-1, GROUP) @ np.ones(GROUP, dtype=np.float32)
        core = np.add.reduceat(sums.reshape(rows, -1), self.group, axis=1)[:, :-1]
        core[:, self.group[1:] == self.group[:-1]] = 0.0  # where reduceat takes the next group instead of none
        edge = np.einsum("rec,ec->re", values[:, self.columns], self.weights)
        return ((core + np.diff(edge, axis=1)) / self.width).astype(np.float32)


def bin_means(edges: NDArray[np.floating]) -> BinMeans:
    """Weights for bins between neighbouring edges (bins + 1,), ascending, in units of samples; sample j lies at j.

    The integral up to an edge is the midpoint rule's sum of whole samples, its end correction (Euler and Maclaurin)
    and the integral of the polynomial through the nearest TAPS samples. edges[0] must be at least LEAD - 1/2, and
    TRAIL samples must follow the last one.
    """
    edges = np.asarray(edges, dtype=np.float64)
    whole = np.floor(edges + 0.5).astype(np.intp)  # samples below this one count as a whole
    part = edges + 0.5 - whole
    nodes = np.arange(TAPS) - TAPS // 2
    coefficients = np.linalg.inv(np.vander(nodes.astype(np.float64), increasing=True))  # samples to polynomial
    powers = np.arange(TAPS)
    start = -0.5  # where the whole samples end, counted from sample `whole`
    inside = ((start + part)[:, None] ** (powers + 1) - start ** (powers + 1)) / (powers + 1)
    first = powers * start ** np.maximum(powers - 1, 0)
    third = powers * (powers - 1) * (powers - 2) * start ** np.maximum(powers - 3, 0)
    local = (inside + first / 24 - 7 * third / 5760) @ coefficients  # (edges, TAPS)

    group = (whole - TAPS // 2) // GROUP
    offset = whole - TAPS // 2 - group * GROUP
    weights = np.zeros((edges.size, GROUP + TAPS))
    columns = np.arange(GROUP + TAPS)
    weights[columns < (offset + TAPS // 2)[:, None]] = 1.0
    rows = np.arange(edges.size)[:, None]
    weights[rows, offset[:, None] + np.arange(TAPS)] += local
    return BinMeans(
        group, group[:, None] * GROUP + columns, weights.astype(np.float32), np.diff(edges).astype(np.float32)
    )
