"""Filters slid along the bands of a spectrogram, of whose responses only the largest counts.

That is the front end of musicnn (Pons et al. 2018): tall filters that find a timbre at whatever pitch it sounds.
Directly, a filter of 7 frames x 38 bands takes 266 products at each of its 59 places on 96 bands. By the
correlation theorem along the bands it takes two short Fourier transforms and 7 products a frequency, about a
quarter of the work in all. The transforms are written as matrix products too: so short, BLAS does them faster
than an FFT library, and in the layout that the next step wants.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# What is worked on at once, so that the products still lie in the processor's cache when the maximum is taken.
COLUMNS = 124  # frames: two patches of musicnn's
FILTERS = 51


class BandFilters:
    """Filters of a few frames and many bands, ready to be slid along a spectrogram's bands.

    kernel: (filters, taps, height) float64, taps odd, height <= bands. bands: of the spectrogram.
    """

    def __init__(self, kernel: "Tensor", bands: int) -> None:
        import torch

        self.filters, self.taps, height = kernel.shape
        self.bands = bands
        # A circular transform as long as the spectrogram is high: where a filter lies on the bands whole, nothing
        # wraps around.
        frequency = torch.arange(bands // 2 + 1, dtype=torch.float64) * (2 * np.pi / bands)
        band = torch.arange(bands, dtype=torch.float64)
        angle = frequency[:, None] * band
        self.forward = torch.cat([angle.cos(), -angle.sin()]).float()  # (real and imaginary x frequencies, bands)
        weight = (
            torch.where(torch.arange(len(frequency)) * 2 % bands == 0, 1.0, 2.0).double() / bands
        )  # a real signal's
        # Places are counted from the middle one, so that the responses at +place and -place are the sum and the
        # difference of an even part (cosines) and an odd one (sines): the larger of the two is even + |odd|, and half the
        # transform is saved.
        middle = (bands - height) / 2
        place = torch.arange(bands - height + 1, dtype=torch.float64) - middle
        angle = place[place >= 0][:, None] * frequency
        self.even, self.odd = angle.cos().float(), -angle.sin().float()  # (places, frequencies)
        angle = frequency[:, None] * (band[:height] + middle)
        real = torch.einsum("fth,kh->kft", kernel, angle.cos() * weight[:, None])
        imaginary = torch.einsum("fth,kh->kft", kernel, angle.sin() * weight[:, None])
        # Complex products as real ones: (frequencies, real and imaginary out, filters, real and imaginary in x taps).
        self.spectrum = torch.stack(
            [torch.cat([real, -imaginary], dim=2), torch.cat([imaginary, real], dim=2)], dim=1
        ).float()

    def highest(self, x: "Tensor") -> "Tensor":
        """The largest response of every filter over its places on the bands.

        x: (n, frames, bands) float32, taken as zero before its first and after its last frame. Returns (n, filters,
        frames) float32: the maximum over p of sum over t, h of kernel[filter, t, h] x[n, frame + t - taps // 2, p + h].
        """
        import torch
        from torch.nn import functional

        n, frames, _ = x.shape
        frequencies = len(self.spectrum)
        transformed = (self.forward @ x.reshape(-1, self.bands).T).view(2, frequencies, n, frames)
        beside = functional.pad(transformed, (self.taps // 2, self.taps // 2)).unfold(3, frames, 1)
        # (frequencies, real and imaginary x taps, n x frames)
        columns = beside.permute(1, 0, 3, 2, 4).reshape(frequencies, 2 * self.taps, n * frames)
        found = torch.empty(self.filters, n * frames)
        for column in range(0, n * frames, COLUMNS):
            part = columns[:, :, column : column + COLUMNS].contiguous()
            width = part.shape[2]
            for first in range(0, self.filters, FILTERS):
                spectrum = self.spectrum[:, :, first : first + FILTERS]
                filters = spectrum.shape[2]
                product = torch.bmm(spectrum.flatten(1, 2), part).view(frequencies, 2, filters * width)
                response = (self.even @ product[:, 0]).add_((self.odd @ product[:, 1]).abs_())
                found[first : first + filters, column : column + width] = response.amax(dim=0).view(filters, width)
        return found.view(-1, n, frames).transpose(0, 1)
