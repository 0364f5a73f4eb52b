"""Morse wavelets against two independent implementations, where these are installed: pip install -e '.[bench]'."""

import numpy as np
import pytest

from openmic_explore.transforms import morse

SHAPES = pytest.mark.parametrize(("gamma", "beta"), [(3.0, 20.0), (3.0, 5.0), (2.0, 4.0), (6.0, 10.0)])
SIZE = 1024


@SHAPES
def test_the_response_is_ssqueezepy_s(gamma, beta):
    ssqueezepy = pytest.importorskip("ssqueezepy", reason="pip install -e '.[bench]' compares with ssqueezepy")
    scale = 10.0
    theirs = ssqueezepy._gmw.compute_gmw(SIZE, scale, gamma, beta, time=False, norm="bandpass", dtype="float64")
    omega = 2 * np.pi * np.arange(SIZE // 2) / SIZE
    np.testing.assert_allclose(
        np.ravel(theirs)[: SIZE // 2], morse.response(scale * omega, gamma, beta), rtol=0, atol=1e-10
    )


@SHAPES
def test_the_response_is_clouddrift_s(gamma, beta):
    wavelet = pytest.importorskip("clouddrift.wavelet", reason="pip install -e '.[bench]' compares with clouddrift")
    centre = 0.2  # radians a sample
    _, theirs = wavelet.morse_wavelet(SIZE, gamma, beta, np.array([centre]))
    omega = 2 * np.pi * np.arange(SIZE // 2) / SIZE
    ours = morse.response(morse.peak_frequency(gamma, beta) / centre * omega, gamma, beta)
    np.testing.assert_allclose(np.abs(np.ravel(theirs))[: SIZE // 2], ours, rtol=0, atol=1e-10)
