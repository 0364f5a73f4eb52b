"""What the fast scalogram prepares once for sounds of one length: bands, responses and weights.

A wavelet that peaks at f Hz passes a band of about 1.3 f and reaches some six cycles to either side. So

1. the spectrum of the endless mirrored clip is one real cosine transform (DCT-II) of the clip;
2. per octave, the spectrum's lower part is transformed back: the analytic signal at no higher rate than its
   bandwidth asks for (a *level*);
3. a level is cut into short blocks that overlap by twice a wavelet's reach; each block's spectrum is multiplied by the
   responses of the octave's wavelets, and each product is transformed back at the length of its band alone
   (overlap-save): |W| does not care where the band lies, so that is |W| at the band's own rate;
4. |W| is averaged over the bins.

Short transforms stay in the processor's caches, which makes this several times faster than one long transform a scale.
Wavelets below the last level, and those of shapes that decay too slowly for short blocks, are transformed back from
the whole spectrum at once (*direct* rows), which is exact for any shape.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openmic_explore.transforms import morse
from openmic_explore.transforms.bin_means import LEAD, TRAIL, BinMeans, bin_means

# A response or a wavelet below this share of its peak is left out.
NEGLIGIBLE = 1e-6
# |W| is sampled at this many times the width of its band.
OVERSAMPLING = 1.2
# Where |W| touches zero it has a kink, which its samples, h apart, get wrong by about (h / tau)^2 of it, tau the wavelet's
# own time scale; over the bin's length B such errors average out as sqrt(tau / B). So h / tau may grow as
# (B / tau)^(1 / 4) for the same error of the mean, from this value on; in bins shorter than tau, h / B is what counts.
KINK = 0.14
# A level's rows peak above this share of its rate: lower ones would reach too far for its blocks.
LOWEST = 0.25
# A block is so many times as long as what its neighbours share.
BLOCK = 8
LONGEST_BLOCK = 8192
# A level is worth its overhead from so many blocks on.
BLOCKS = 3


@dataclass(frozen=True)
class Row:
    """One scale: its place in the picture, and its response from bin `first` of a spectrum on."""

    row: int
    first: int
    response: NDArray[np.float32]


@dataclass(frozen=True)
class Band:
    """Rows of a level that are transformed back at one length, and the weights of their bins."""

    length: int
    rows: tuple[Row, ...]
    means: BinMeans


@dataclass(frozen=True)
class Level:
    """An octave of scales.

    size: of the level's transform, over a period of twice the clip. low: bins of the spectrum left out below the octave.
    start: the level's sample at which the first block begins, negative: in the mirror image before the clip.
    blocks, block, shared: number and length of the blocks, samples that neighbours share.
    """

    size: int
    low: int
    start: int
    blocks: int
    block: int
    shared: int
    bands: tuple[Band, ...]

    @property
    def hop(self) -> int:
        """Samples from one block to the next."""
        return self.block - self.shared

    @property
    def span(self) -> int:
        """Samples of the level that all blocks together cover."""
        return self.blocks * self.hop + self.shared


@dataclass(frozen=True)
class Plan:
    """Everything that depends on the length and the grid, and not on the sound.

    shape: of the picture. direct: rows that are transformed back from the whole spectrum.
    """

    shape: tuple[int, int]
    levels: tuple[Level, ...]
    direct: tuple[Band, ...]


@lru_cache(maxsize=8)
def plan(
    samples: int, rate: float, scales: int, bins: int, fmin: float, fmax: float, gamma: float, beta: float
) -> Plan:
    """Plan the scalogram of a sound of so many samples; see `scalogram` for the other arguments."""
    return _Planner(samples, rate, np.geomspace(fmin, fmax, scales), bins, gamma, beta).plan()


class _Planner:
    def __init__(self, samples: int, rate: float, frequency: NDArray[np.float64], bins: int, gamma: float, beta: float):
        self.samples, self.rate, self.frequency, self.bins = samples, rate, frequency, bins
        self.gamma, self.beta = gamma, beta
        self.peak = morse.peak_frequency(gamma, beta)
        # Edges of a response, as multiples of its peak frequency.
        self.below, self.above = (edge / self.peak for edge in morse.support(NEGLIGIBLE, gamma, beta))
        self.reach = morse.reach(NEGLIGIBLE, gamma, beta)
        self.edges = np.linspace(0, samples, bins + 1)

    def plan(self) -> Plan:
        highest = morse.highest_frequency(self.rate, self.gamma, self.beta)
        kept = [int(row) for row in np.flatnonzero(self.frequency <= highest)]
        sizes = self._level_sizes()
        rows: dict[int, list[int]] = {}
        for row in kept:
            # The level of the lowest rate that holds the row's band and samples it densely enough; those that reach
            # beyond the Nyquist frequency stand in the first one. -1 is the whole spectrum.
            hertz, density = self.frequency[row], self._density(row)
            fits = [
                k
                for k, rate in enumerate(map(self._rate, sizes))
                if (k == 0 or self.above * hertz <= rate) and density <= rate and hertz >= LOWEST * rate
            ]
            rows.setdefault(fits[-1] if fits else -1, []).append(row)
        direct = rows.pop(-1, [])
        levels = []
        for level, members in sorted(rows.items()):
            built = self._level(sizes[level], members)
            if built is None:
                direct += members
            else:
                levels.append(built)
        return Plan((len(self.frequency), self.bins), tuple(levels), self._direct(sorted(direct)))

    def _level_sizes(self) -> list[int]:
        from scipy.fft import next_fast_len

        sizes: list[int] = []
        size = self.samples
        while size >= 64:
            sizes.append(size)
            size = int(next_fast_len(-(-self.samples // 2 ** len(sizes)), real=True))
            if size >= sizes[-1]:
                break
        return sizes

    def _rate(self, size: int) -> float:
        """Complex samples a second of a level of that size."""
        return self.rate * size / (2 * self.samples)

    def _density(self, row: int) -> float:
        """Samples of |W| a second that the means need."""
        tau = morse.duration(self.gamma, self.beta) / (2 * np.pi * self.frequency[row])
        bin_length = self.samples / (self.rate * self.bins)
        return float(1 / (KINK * min(tau, bin_length) * max(bin_length / tau, 1.0) ** 0.25))

    def _level(self, size: int, members: list[int]) -> Level | None:
        rate = self._rate(size)
        lowest = self.frequency[members[0]]
        low = int(self.below * lowest / rate * size)
        wraps = any(self.above * self.frequency[row] > rate for row in members)
        shared = 2 * int(np.ceil(min(self.reach * rate / lowest, LONGEST_BLOCK)))
        if wraps:
            # Responses that reach beyond the Nyquist frequency end in the empty bins of low frequencies; the fewer
            # these are, the longer such an end rings.
            shared = max(shared, int(np.ceil(7 * size / max(low, 1))))
        shared = 2 ** max(4, int(np.ceil(np.log2(shared))))
        block = BLOCK * shared
        span = self.samples * size / (2 * self.samples)
        if block > LONGEST_BLOCK or span < BLOCKS * block or (wraps and size != self.samples):
            return None
        lengths: dict[int, list[Row]] = {}
        for row in members:
            fitted = self._block_row(row, block, rate, low / size)
            need = max(OVERSAMPLING * len(fitted.response), block * self._density(row) / rate)
            # A multiple that keeps what is shared, and the hop, whole numbers.
            length = min(block, 2 * BLOCK * int(np.ceil(need / (2 * BLOCK))))
            lengths.setdefault(length, []).append(fitted)
        ahead = int(np.ceil(LEAD * block / min(lengths))) + 1
        start = -shared // 2 - ahead
        behind = int(np.ceil(TRAIL * block / min(lengths))) + 1
        blocks = int(np.ceil((span + ahead + behind) / (block - shared)))
        bands = []
        for length, fitted_rows in sorted(lengths.items()):
            edges = (self.edges * size / (2 * self.samples) + ahead) * length / block
            bands.append(Band(length, tuple(fitted_rows), bin_means(edges)))
        return Level(size, low, start, blocks, block, shared, tuple(bands))

    def _block_row(self, row: int, block: int, rate: float, empty: float) -> Row:
        """A response on a block's bins. empty: the share of the level's spectrum, from 0 Hz on, that holds nothing."""
        step = rate / block  # Hz
        if self.above * self.frequency[row] <= rate:
            first = int(self.below * self.frequency[row] / step)
            last = min(block, int(np.ceil(self.above * self.frequency[row] / step)) + 1)
            return Row(row, first, self._response(row, np.arange(first, last) * step))
        place = np.arange(2 * block)
        response = self._response(row, place * step) * _fall((place / block - 1.0) / empty)
        response[: int(self.below * self.frequency[row] / step)] = 0.0
        return Row(row, 0, (response[:block] + response[block:]).astype(np.float32))

    def _response(self, row: int, hertz: NDArray[np.floating]) -> NDArray[np.float32]:
        omega = morse.scale_of(self.frequency[row], self.rate, self.gamma, self.beta) * 2 * np.pi * hertz / self.rate
        # Every transform here is without a factor of its own, so the inverse one's is taken in.
        return (morse.response(omega, self.gamma, self.beta) / (2 * self.samples)).astype(np.float32)

    def _direct(self, members: list[int]) -> tuple[Band, ...]:
        """Rows whose band of the whole spectrum is transformed back at once; half a period of it is the clip."""
        step = self.rate / (2 * self.samples)  # Hz
        lengths: dict[int, list[Row]] = {}
        for row in members:
            first = int(self.below * self.frequency[row] / step)
            last = min(self.samples, int(np.ceil(self.above * self.frequency[row] / step)) + 1)
            response = self._response(row, np.arange(first, last) * step)
            length = _round_length(max(OVERSAMPLING * len(response), self._density(row) / step, 2 * TRAIL))
            lengths.setdefault(length, []).append(Row(row, first, response))
        return tuple(
            Band(length, tuple(rows), bin_means(self.edges * length / (2 * self.samples) + LEAD))
            for length, rows in sorted(lengths.items())
        )


def _fall(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 below 0, 0 above 1, and infinitely smooth between, so that its transform decays fast."""
    inside = np.clip(place, 1e-4, 1 - 1e-4)
    return np.where(place <= 0, 1.0, np.where(place >= 1, 0.0, 0.5 + 0.5 * np.tanh(np.tan(np.pi * (0.5 - inside)))))


def _round_length(least: float) -> int:
    """The least of 2^k, 3 x 2^(k - 1), 5 x 2^(k - 2) that is not below: few lengths, each of them fast."""
    power = 2 ** int(np.floor(np.log2(least)))
    return int(next(length for length in (power, power * 5 / 4, power * 3 / 2, power * 2) if length >= least))
