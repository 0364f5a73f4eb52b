"""Generalised Morse wavelets: their formulas, for any gamma and beta.

Olhede and Walden, "Generalized Morse wavelets", IEEE Trans. Signal Process. 50, 2002;
Lilly and Olhede, "Higher-order properties of analytic wavelets", IEEE Trans. Signal Process. 57, 2009;
Lilly and Olhede, "Generalized Morse wavelets as a superfamily of analytic wavelets", ibid. 60, 2012.

The wavelet of scale 1 has the Fourier transform psi(omega) = a omega^beta exp(-omega^gamma) for omega > 0, and 0
below; a is chosen so that its peak is 2, and so the transform of a sine has the sine's amplitude on its ridge.
Frequencies omega are in radians a sample; gamma and beta are the two shape parameters, both positive. MATLAB's
default is gamma 3 and a time-bandwidth product beta gamma of 60, so beta 20.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError

GAMMA = 3.0
BETA = 20.0


def check_shape(gamma: float, beta: float) -> None:
    """Raise ExploreError unless gamma and beta are positive and finite."""
    if not (0 < gamma < math.inf and 0 < beta < math.inf):
        raise ExploreError(f"A Morse wavelet's gamma ({gamma}) and beta ({beta}) must be positive numbers.")


def peak_frequency(gamma: float = GAMMA, beta: float = BETA) -> float:
    """The frequency (beta / gamma) ** (1 / gamma), radians a sample, where the wavelet of scale 1 peaks."""
    return float((beta / gamma) ** (1.0 / gamma))


def amplitude(gamma: float = GAMMA, beta: float = BETA) -> float:
    """The factor a = 2 (e gamma / beta) ** (beta / gamma) that makes the peak of the response 2."""
    return float(2.0 * np.exp((beta / gamma) * (1.0 + np.log(gamma) - np.log(beta))))


def response(omega: NDArray[np.floating], gamma: float = GAMMA, beta: float = BETA) -> NDArray[np.float64]:
    """Fourier transform of the wavelet of scale 1.

    omega: any shape, radians a sample. Returns the same shape, float64: 2 at the peak, 0 at and below 0 Hz.
    """
    omega = np.asarray(omega, dtype=np.float64)
    positive = omega > 0
    # In logarithms, since omega ** beta and exp(-omega ** gamma) overflow and underflow long before their product does.
    safe = np.where(positive, omega, 1.0)
    peak = np.log(2.0) + (beta / gamma) * (1.0 + np.log(gamma) - np.log(beta))
    with np.errstate(over="ignore"):
        exponent = peak + beta * np.log(safe) - safe**gamma
    return np.where(positive, np.exp(exponent), 0.0)


def scale_of(
    frequency: NDArray[np.floating] | float, rate: float, gamma: float = GAMMA, beta: float = BETA
) -> NDArray[np.float64]:
    """The scale, in samples, at which the wavelet peaks at `frequency` Hz for a sample rate of `rate` Hz."""
    return peak_frequency(gamma, beta) * rate / (2 * np.pi * np.asarray(frequency, dtype=np.float64))


def frequency_of(
    scale: NDArray[np.floating] | float, rate: float, gamma: float = GAMMA, beta: float = BETA
) -> NDArray[np.float64]:
    """The inverse of `scale_of`: the frequency in Hz at which the wavelet of a scale in samples peaks."""
    return peak_frequency(gamma, beta) * rate / (2 * np.pi * np.asarray(scale, dtype=np.float64))


def duration(gamma: float = GAMMA, beta: float = BETA) -> float:
    """Lilly and Olhede's duration P = sqrt(beta gamma): P / pi oscillations fit into the wavelet's central window."""
    return math.sqrt(gamma * beta)


def time_spread(gamma: float = GAMMA, beta: float = BETA) -> float:
    """Standard deviation in time of the wavelet's energy, in radians of its own peak frequency.

    In seconds it is this over 2 pi f for the wavelet that peaks at f Hz. From the moments of the response, with
    M(p) the integral of omega^p exp(-2 omega^gamma):
    sigma^2 = omega_0^2 [beta^2 M(2 beta - 2) - 2 beta gamma M(2 beta + gamma - 2) + gamma^2 M(2 beta + 2 gamma - 2)] / M(2 beta).
    Raises ExploreError for a beta of at most 1/2, whose wavelet decays so slowly that its spread is infinite.
    """
    check_shape(gamma, beta)
    if beta <= 0.5:
        raise ExploreError(f"The time spread of a Morse wavelet is finite for beta above 1/2 only, not for {beta}.")

    def ratio(power: float) -> float:
        """M(power) / M(2 beta)."""
        difference = (power - 2 * beta) / gamma
        return 2.0**-difference * math.exp(math.lgamma((power + 1) / gamma) - math.lgamma((2 * beta + 1) / gamma))

    variance = (
        beta**2 * ratio(2 * beta - 2)
        - 2 * beta * gamma * ratio(2 * beta + gamma - 2)
        + gamma**2 * ratio(2 * beta + 2 * gamma - 2)
    )
    return peak_frequency(gamma, beta) * math.sqrt(variance)


def highest_frequency(rate: float = 1.0, gamma: float = GAMMA, beta: float = BETA) -> float:
    """MATLAB's highest frequency, Hz: that of the wavelet whose response has half its peak left at Nyquist.

    .434 x rate for the default wavelet.
    """
    _, cut = support(0.5, gamma, beta)
    return rate * peak_frequency(gamma, beta) / (2 * cut)


def lowest_frequency(samples: int, rate: float = 1.0, gamma: float = GAMMA, beta: float = BETA) -> float:
    """MATLAB's lowest frequency, Hz, for a sound of so many samples.

    That of the scale samples / (2 sigma) with sigma = `time_spread`: the wavelet's spread is then a half over omega_0
    of the sound's length.
    """
    return float(frequency_of(samples / (2 * time_spread(gamma, beta)), rate, gamma, beta))


def default_frequencies(
    samples: int, rate: float, *, voices: int = 10, gamma: float = GAMMA, beta: float = BETA
) -> NDArray[np.float64]:
    """MATLAB's default frequencies (scales,) in Hz, descending: highest_frequency / 2^(j / voices), down to the lowest."""
    highest, lowest = highest_frequency(rate, gamma, beta), lowest_frequency(samples, rate, gamma, beta)
    steps = math.floor(voices * math.log2(highest / lowest))
    return highest * 2.0 ** (-np.arange(steps + 1) / voices)


def cone_of_influence(
    time: NDArray[np.floating], length: float, *, spreads: float = 1.0, gamma: float = GAMMA, beta: float = BETA
) -> NDArray[np.float64]:
    """Below which frequency the clip's ends reach into the transform.

    time: any shape, seconds from the clip's start; length: of the clip, seconds. Returns the frequency (same shape, Hz)
    whose wavelet has a standard deviation in time (`time_spread` over 2 pi f), times `spreads`, equal to the
    distance to the nearer end; inf at the ends and outside.
    """
    time = np.asarray(time, dtype=np.float64)
    distance = np.maximum(np.minimum(time, length - time), 0.0)
    with np.errstate(divide="ignore"):
        return spreads * time_spread(gamma, beta) / (2 * np.pi * distance)


@lru_cache
def support(share: float, gamma: float = GAMMA, beta: float = BETA) -> tuple[float, float]:
    """The frequencies, radians a sample, between which the response of scale 1 is at least `share` of its peak."""
    from scipy.optimize import brentq

    check_shape(gamma, beta)
    peak = peak_frequency(gamma, beta)

    def above(log_omega: float) -> float:
        omega = np.exp(log_omega)
        return float(beta * (log_omega - np.log(peak)) - omega**gamma + peak**gamma - np.log(share))

    centre = float(np.log(peak))
    low, high = centre - 1.0, centre + 1.0
    while above(low) > 0:
        low -= 1.0
    while above(high) > 0:
        high += 1.0
    return float(np.exp(brentq(above, low, centre))), float(np.exp(brentq(above, centre, high)))


@lru_cache
def reach(share: float, gamma: float = GAMMA, beta: float = BETA) -> float:
    """How far the wavelet reaches to either side, in cycles of its peak frequency: beyond it |psi(t)| stays below
    `share` of |psi(0)|. inf where that is more than a thousand cycles."""
    peak = peak_frequency(gamma, beta)
    # Sampled at 1 / 8 cycle (well above twice the highest frequency that matters) over 16,384 samples, 1,024 cycles a side.
    size, step = 16384, 2 * np.pi / (8 * peak)
    highest = support(1e-12, gamma, beta)[1]
    while 2 * np.pi / step < 2 * highest:
        size, step = size * 2, step / 2
    omega = 2 * np.pi * np.arange(size) / (size * step)
    envelope = np.abs(np.fft.ifft(response(omega, gamma, beta)))[: size // 2]
    above = np.flatnonzero(envelope >= share * envelope[0])[-1] + 1
    return float(above * step * peak / (2 * np.pi)) if above < size // 2 - 1 else math.inf
