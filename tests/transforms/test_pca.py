"""The 8-bit projection: against scikit-learn, by its properties, and on disk."""

import numpy as np
import pytest

from openmic_explore.errors import ExploreError
from openmic_explore.transforms.pca import PCA, fit_pca


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    random = np.random.default_rng(1)
    return (random.normal(size=(400, 30)) @ random.normal(size=(30, 40)) + 5).astype(np.float32)


def test_agrees_with_scikit_learn(features):
    from sklearn.decomposition import PCA as Peer

    ours, peer = fit_pca(features, dimension=8), Peer(8, svd_solver="full").fit(features)
    assert np.abs((ours.components * peer.components_).sum(axis=1)) == pytest.approx(np.ones(8), abs=1e-4)
    assert ours.explained == pytest.approx(peer.explained_variance_ratio_.sum(), abs=1e-5)
    assert np.abs(ours.transform(features)).std(axis=0) == pytest.approx(
        np.abs(peer.transform(features)).std(axis=0), rel=1e-3
    )


def test_signs_do_not_depend_on_the_order_of_the_vectors(features):
    one, other = fit_pca(features, dimension=8), fit_pca(features[::-1], dimension=8)
    assert np.abs(one.components - other.components).max() < 1e-4
    assert (one.components[np.arange(8), np.abs(one.components).argmax(axis=1)] > 0).all()


def test_eight_bits_keep_the_values_to_half_a_step(features):
    pca = fit_pca(features, dimension=8)
    values, quantised = pca.transform(features), pca.quantise(features)
    within = np.abs(values) <= pca.scale
    assert quantised.dtype == np.uint8
    assert within.mean() == pytest.approx(0.9995, abs=4e-4)
    assert np.abs(pca.restore(quantised) - values)[within].max() <= pca.scale / 127 / 2 * 1.001
    assert (pca.quantise(features.mean(axis=0, keepdims=True)) == 128).all()


def test_values_beyond_the_scale_are_clipped(features):
    pca = fit_pca(features, dimension=8)
    far = pca.mean + np.outer([10, -10], pca.components[0]) * pca.scale
    assert pca.quantise(far)[:, 0].tolist() == [255, 0]


def test_survives_the_disk(features, tmp_path):
    pca = fit_pca(features, dimension=8, source={"data": "teaching"})
    pca.save(tmp_path / "pca.safetensors")
    back = PCA.load(tmp_path / "pca.safetensors")
    assert np.array_equal(back.quantise(features), pca.quantise(features))
    assert (back.scale, back.explained, back.frames, back.source) == (
        pca.scale,
        pca.explained,
        400,
        {"data": "teaching"},
    )


def test_damaged_file_names_the_command(tmp_path):
    (tmp_path / "pca.safetensors").write_bytes(b"not a projection")
    with pytest.raises(ExploreError, match=r"damaged.*openmic-explore fit-embedding DATA"):
        PCA.load(tmp_path / "pca.safetensors")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.ones((8, 40)), "more than 8 feature vectors"),
        (np.ones((100, 40)), "the same"),
        (np.full((100, 40), np.nan), "not finite"),
    ],
)
def test_unfit_features_are_refused(bad, message):
    with pytest.raises(ExploreError, match=message):
        fit_pca(bad, dimension=8)


def test_another_width_is_refused(features):
    with pytest.raises(ExploreError, match=r"\(n, 40\)"):
        fit_pca(features, dimension=8).quantise(features[:, :39])
