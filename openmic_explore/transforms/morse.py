"""Generalised Morse wavelets.

Olhede and Walden, "Generalized Morse wavelets", IEEE Trans. Signal Process. 50, 2002;
Lilly and Olhede, "Higher-order properties of analytic wavelets", IEEE Trans. Signal Process. 57, 2009.
Frequencies omega are in radians a sample; gamma and beta are the two shape parameters, both positive.
MATLAB's default is gamma 3 and a time-bandwidth product of 60, so beta 20.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def peak_frequency(gamma: float = 3.0, beta: float = 20.0) -> float:
    """The frequency (beta / gamma) ** (1 / gamma), radians a sample, where the wavelet of scale 1 peaks."""
    return float((beta / gamma) ** (1.0 / gamma))


def response(omega: NDArray[np.floating], gamma: float = 3.0, beta: float = 20.0) -> NDArray[np.float64]:
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


@lru_cache
def support(share: float, gamma: float = 3.0, beta: float = 20.0) -> tuple[float, float]:
    """The frequencies, radians a sample, between which the response of scale 1 is at least `share` of its peak."""
    from scipy.optimize import brentq

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


def scale_of(frequency: NDArray[np.floating] | float, rate: float, gamma: float = 3.0, beta: float = 20.0) -> NDArray:
    """The scale, in samples, at which the wavelet peaks at `frequency` Hz for a sample rate of `rate` Hz."""
    return peak_frequency(gamma, beta) * rate / (2 * np.pi * np.asarray(frequency, dtype=np.float64))
