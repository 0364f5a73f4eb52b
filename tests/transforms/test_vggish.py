"""VGGish against the definition in plain NumPy, with weights drawn at random; its files; and, where they are, its real weights."""

import functools
import hashlib
import http.server
import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from platformdirs import user_cache_path

from openmic_explore.data.audio import read_audio
from openmic_explore.errors import ExploreError, MissingError
from openmic_explore.files import cache_dir
from openmic_explore.transforms import vggish, vggish_weights
from openmic_explore.transforms.log_mel import log_mel
from openmic_explore.transforms.vggish import VGGishEmbedding, patches, quantise
from openmic_explore.transforms.vggish_weights import (
    NETWORK,
    PROJECTION,
    SHAPES,
    Piece,
    Projection,
    fetch,
    find,
    load_network,
    load_projection,
)

RATE = 16000
# The user's own cache, before the tests' fixture hides it.
CACHE = Path(os.environ.get("OPENMIC_EXPLORE_CACHE") or user_cache_path("openmic_explore", appauthor=False)) / "weights"


def drawn() -> dict[str, torch.Tensor]:
    """Weights drawn at random, of a size that keeps the layers' values about 1; 289 MB."""
    numbers = np.random.default_rng(0).standard_normal(1_000_003, dtype=np.float32)
    weights = {}
    for place, (name, shape) in enumerate(SHAPES.items()):
        size = 0.1 if name.endswith("bias") else np.sqrt(2 / np.prod(shape[1:]))
        weights[name] = torch.from_numpy(np.resize(np.roll(numbers, 1000 * place), shape) * np.float32(size))
    return weights


def projection_of(seed: int) -> Projection:
    rng = np.random.default_rng(seed)
    return Projection(rng.normal(0, 0.1, (128, 128)), rng.normal(0, 0.1, 128))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with both files in the port's format: torch.save of 2019, the PCA as NumPy arrays."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(drawn(), folder / NETWORK.name, _use_new_zipfile_serialization=False)
    vectors, mean = projection_of(1)
    pca = {"pca_eigen_vectors": vectors, "pca_means": mean[:, None]}
    torch.save(pca, folder / PROJECTION.name, _use_new_zipfile_serialization=False)
    yield folder
    vggish.network.cache_clear()
    vggish.projection.cache_clear()
    (folder / NETWORK.name).unlink()


def noise(seconds: float, rate: int = RATE) -> np.ndarray:
    """A sound whose loudness and colour change, (n,) float32."""
    rng = np.random.default_rng(3)
    n = round(seconds * rate)
    sound = rng.normal(0, 0.05, n) * (1 + np.sin(np.arange(n) * 9 / rate))
    return (sound + 0.3 * np.sin(2 * np.pi * 300 * np.arange(n) ** 2 / rate**2)).astype(np.float32)


def definition(patch: np.ndarray, weight: dict[str, np.ndarray]) -> np.ndarray:
    """The last dense layer (128,) ahead of its ReLU, of a patch (96, 64): channels last, as TensorFlow has it."""

    def convolved(x: np.ndarray, place: int) -> np.ndarray:
        places = sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))  # (h, w, channels, 3, 3)
        found = np.tensordot(places, weight[f"features.{place}.weight"], axes=((2, 3, 4), (1, 2, 3)))
        return np.maximum(found + weight[f"features.{place}.bias"], 0)

    def halved(x: np.ndarray) -> np.ndarray:
        return np.maximum(np.maximum(x[::2, ::2], x[1::2, ::2]), np.maximum(x[::2, 1::2], x[1::2, 1::2]))

    def dense(x: np.ndarray, place: int) -> np.ndarray:
        return np.einsum("i,oi->o", x, weight[f"embeddings.{place}.weight"]) + weight[f"embeddings.{place}.bias"]

    x = halved(convolved(patch[:, :, None], 0))
    x = halved(convolved(x, 3))
    x = halved(convolved(convolved(x, 6), 8))
    x = halved(convolved(convolved(x, 11), 13))
    assert x.shape == (6, 4, 512)
    return dense(np.maximum(dense(np.maximum(dense(x.ravel(), 0), 0), 2), 0), 4)


def test_network_follows_the_definition(weights):
    network = vggish.network(weights / NETWORK.name)
    two = patches(noise(2), RATE)
    plain = {name: tensor.numpy() for name, tensor in network.weights.items()}
    expected = np.stack([definition(patch, plain) for patch in two])
    found = network.embed(two)
    assert found.dtype == np.float32
    assert found.shape == (2, 128)
    assert expected.std() > 0.1
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_it_has_as_many_parameters_as_published(weights):
    assert len(vggish.network(weights / NETWORK.name)) == 72_141_184


def test_embedding_is_the_quantised_output_of_ten_patches(weights):
    embedding = VGGishEmbedding(weights)
    assert (embedding.name, embedding.rate, embedding.frame_length, embedding.dimension) == ("vggish", 16000, 0.96, 128)
    sound = noise(10)
    features = embedding.features(sound)
    assert features.shape == (10, 128)
    assert features.min() == 0  # the last ReLU
    found = embedding(sound)
    assert found.dtype == np.uint8
    assert found.shape == (10, 128)
    np.testing.assert_array_equal(found, quantise(features, projection_of(1)))
    assert len(np.unique(found)) > 30

    linear = VGGishEmbedding(weights, relu=False)
    assert linear.name != embedding.name
    before = linear.features(sound)
    assert before.min() < 0
    np.testing.assert_array_equal(np.maximum(before, 0), features)


def test_a_long_sound_is_worked_on_in_parts(weights):
    long = noise(12)
    found = VGGishEmbedding(weights).features(long)
    assert found.shape == (12, 128)
    last = VGGishEmbedding(weights).features(long[11 * 96 * 160 :])  # the twelfth patch by itself
    assert np.abs(found[11] - last[0]).max() < 1e-4 * np.abs(found).max()


def test_either_file_stands_for_its_folder(weights):
    assert find(weights) == find(weights / NETWORK.name) == find(str(weights / PROJECTION.name))
    assert find(weights) == (weights / NETWORK.name, weights / PROJECTION.name)


def test_embedding_travels_to_workers_without_its_weights(weights):
    embedding = VGGishEmbedding(weights, relu=False)
    found = embedding(noise(1))
    packed = pickle.dumps(embedding)
    assert len(packed) < 1000
    np.testing.assert_array_equal(pickle.loads(packed)(noise(1)), found)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(1, 1), (15_599, 1), (15_600, 1), (30_959, 1), (30_960, 2), (153_839, 9), (153_840, 10), (160_000, 10)],
)
def test_one_patch_for_every_96_frames(samples, frames):
    assert patches(np.full(samples, 0.1, np.float32), RATE).shape == (frames, 96, 64)


def test_patches_are_the_log_mel_frames_in_order():
    sound = noise(3, 44100)
    cut = patches(sound, 44100)
    np.testing.assert_array_equal(cut.reshape(-1, 64), log_mel(sound, 44100)[: 3 * 96])


def test_bad_sound_and_bad_patches_are_refused_in_plain_words(weights):
    with pytest.raises(ExploreError, match="empty"):
        VGGishEmbedding(weights)(np.zeros(0))
    with pytest.raises(ExploreError, match="mono"):
        VGGishEmbedding(weights)(np.zeros((2, RATE)))
    with pytest.raises(ExploreError, match=r"\(n, 96, 64\)"):
        vggish.network(weights / NETWORK.name).embed(np.zeros((1, 64, 96)))


def test_quantisation_clips_and_cuts_down():
    values = [-9, -2, -1.9845, -1.984, 0, 1.9999, 2, 9]  # a step is 4 / 255 = .015686
    steps = [0, 0, 0, 1, 127, 254, 255, 255]
    features = np.zeros((1, 128))
    features[0, :8] = values
    found = quantise(features, Projection(np.eye(128), np.zeros(128)))
    assert found.dtype == np.uint8
    assert found[0, :8].tolist() == steps


def test_projection_takes_the_mean_off_and_rows_as_vectors():
    vectors, mean = np.zeros((128, 128)), np.zeros(128)
    vectors[5, 7], mean[7] = 0.5, 1.0  # component 5 is half of what feature 7 is above 1
    found = quantise(np.full((1, 128), 3.0), Projection(vectors, mean))
    assert found[0, 5] == int(3 * 255 / 4)
    assert set(np.delete(found[0], 5)) == {127}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", ["tensors", "numpy 1", "numpy 2"])
def test_projection_is_read_from_tensors_and_arrays(tmp_path, zipped, kind):
    expected = projection_of(2)
    pca: dict = {"pca_eigen_vectors": expected.vectors, "pca_means": expected.mean[:, None]}
    if kind == "tensors":
        pca = {name: torch.from_numpy(value.ravel() if name == "pca_means" else value) for name, value in pca.items()}
    path = tmp_path / PROJECTION.name
    torch.save(pca, path, _use_new_zipfile_serialization=zipped)
    if kind == "numpy 1" and not zipped:  # the names that NumPy 1 would have written
        content = path.read_bytes()
        assert b"numpy._core.multiarray" in content
        path.write_bytes(content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    found = load_projection(path)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    np.testing.assert_array_equal(found.mean, expected.mean)


def hollow(**changed: tuple[int, ...] | None) -> dict[str, torch.Tensor]:
    """A state dict of the right names and shapes in no space at all, but for what is changed or (None) left out."""
    shapes = SHAPES | {name.replace("__", "."): shape for name, shape in changed.items()}
    return {name: torch.zeros(1).expand(shape) for name, shape in shapes.items() if shape is not None}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (hollow(features__8__bias=None), r"features\.8\.bias is missing"),
        (
            hollow(embeddings__4__weight=(128, 4095)),
            r"embeddings\.4\.weight has shape \(128, 4095\), not \(128, 4096\)",
        ),
        (hollow(head__weight=(3,)), r"head\.weight is none of VGGish's"),
        ({"features.0.weight": torch.zeros(1)}, r"features\.0\.weight has shape \(1,\).* \(and 15 more\)"),
        (hollow() | {"features.0.bias": 3.0}, r"features\.0\.bias has shape \(\)"),
        ([torch.zeros(1)], "no named tensors"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, state, message):
    torch.save(state, tmp_path / NETWORK.name)
    with pytest.raises(ExploreError, match=message) as caught:
        load_network(tmp_path / NETWORK.name)
    assert str(tmp_path) in str(caught.value)


def test_a_projection_that_does_not_fit_is_refused(tmp_path):
    torch.save({"pca_eigen_vectors": torch.zeros(128, 64)}, tmp_path / PROJECTION.name)
    with pytest.raises(ExploreError, match=r"pca_eigen_vectors has shape \(128, 64\).*pca_means is missing"):
        load_projection(tmp_path / PROJECTION.name)


class Trap:
    """Leaves a mark when a pickle of it is read as pickles are."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("saved", ["torch", "torch 2019", "pickle"])
def test_code_in_a_file_is_not_run(tmp_path, saved):
    mark, path = tmp_path / "mark", tmp_path / NETWORK.name
    state = {"features.0.weight": Trap(mark)}
    if saved == "pickle":
        path.write_bytes(pickle.dumps(state, protocol=2))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=saved == "torch")
    with pytest.raises(ExploreError, match="could run code"):
        load_network(path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if saved != "pickle" else pickle.loads(path.read_bytes())
    assert mark.exists()  # the trap is one


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04" + bytes(100)])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / NETWORK.name).write_bytes(content)
    with pytest.raises(ExploreError, match="damaged"):
        load_network(tmp_path / NETWORK.name)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(MissingError, match=rf"no {NETWORK.name} and no {PROJECTION.name}"):
        find(tmp_path)
    (tmp_path / NETWORK.name).touch()
    with pytest.raises(MissingError, match=rf"has no {PROJECTION.name}"):
        VGGishEmbedding(tmp_path / NETWORK.name)(noise(1))
    with pytest.raises(MissingError, match="--weights DIR"):
        find(tmp_path / "elsewhere.pth")


@pytest.fixture
def release(tmp_path):
    """A release of one small file on this machine: its folder, its address, and the file as it should be."""
    folder = tmp_path / "release"
    folder.mkdir()
    content = b"weights" * 1000
    digest = hashlib.sha256(content).hexdigest()
    piece = Piece(f"small-{digest[:8]}.pth", len(content), digest[:8])
    (folder / piece.name).write_bytes(content)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder / piece.name, f"http://127.0.0.1:{server.server_port}", piece
        server.shutdown()


def test_a_file_is_fetched_once_and_said_so(release, capsys):
    file, address, piece = release
    path = fetch(piece, release=address)
    assert path == cache_dir("weights") / piece.name
    assert path.read_bytes() == file.read_bytes()
    said = capsys.readouterr()
    assert f"{address}/{piece.name}" in said.err
    assert "(0.0 MB)" in said.err
    assert said.out == ""
    file.unlink()
    assert fetch(piece, release=address) == path
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", ["a byte", "the length"])
def test_another_file_is_refused_and_not_kept(release, damage):
    file, address, piece = release
    content = file.read_bytes()
    file.write_bytes(content[:-1] if damage == "the length" else content[:-1] + b"!")
    with pytest.raises(ExploreError, match=r"is not VGGish's .* SHA-256 .*--weights DIR"):
        fetch(piece, release=address)
    assert list(cache_dir("weights").iterdir()) == []


def test_the_right_start_of_a_checksum_is_not_enough(release):
    _, address, piece = release
    with pytest.raises(ExploreError, match=r"has 7,000 bytes .* not 7,001"):
        fetch(piece._replace(size=7001), release=address)


def test_a_file_that_cannot_be_fetched_says_what_to_do(release):
    file, address, piece = release
    file.unlink()
    with pytest.raises(ExploreError, match=r"could not be fetched .*404.*--weights DIR"):
        fetch(piece, release=address)


def test_what_is_fetched_is_the_release(monkeypatch):
    asked = []
    monkeypatch.setattr(vggish_weights, "fetch", lambda piece: asked.append(piece) or Path(piece.name))
    embedding = VGGishEmbedding()
    assert asked == []  # not before it is needed
    embedding.prepare()
    assert asked == [NETWORK, PROJECTION]
    for piece in asked:
        assert piece.name.removesuffix(".pth").endswith(f"-{piece.sha256}")
    # 18 float32 tensors and what names them
    assert 0 < NETWORK.size - 4 * 72_141_184 < 10_000


def test_import_is_cheap():
    code = "import sys, openmic_explore.transforms.vggish; print(sorted({'torch', 'librosa', 'scipy', 'pooch'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.fixture
def published():
    """The folder with VGGish's real weights, where there is one; they are never fetched for a test."""
    given = os.environ.get("OPENMIC_VGGISH_WEIGHTS")
    folder = Path(given) if given else CACHE
    if not given and not all((folder / piece.name).is_file() for piece in (NETWORK, PROJECTION)):
        pytest.skip(
            "UNTESTED: agreement with the real VGGish. Its weights are not here; fetch them by using the embedding "
            "once, or set OPENMIC_VGGISH_WEIGHTS to their folder."
        )
    yield folder
    vggish.network.cache_clear()
    vggish.projection.cache_clear()


def test_the_real_weights_have_the_checksums_in_their_names(published):
    for path, piece in zip(find(published), (NETWORK, PROJECTION), strict=True):
        vggish_weights.check(path, piece, str(path))


def test_the_real_clip_has_its_real_vectors(published, shared):
    """Bounds chosen without having seen the result: other decoder and resampler, but the same network."""
    samples, rate = read_audio(shared / "audio/000/000046_3840.ogg")
    real = np.array(json.loads((shared / "vggish/000/000046_3840.json").read_text())["features"])
    found = VGGishEmbedding(published)(samples, rate).astype(int)
    assert found.shape == real.shape == (10, 128)
    assert np.corrcoef(found.ravel(), real.ravel())[0, 1] > 0.98
    assert (np.abs(found - real) <= 12).mean() > 0.9
    linear = VGGishEmbedding(published, relu=False)(samples, rate).astype(int)
    assert np.abs(found - real).mean() < np.abs(linear - real).mean()


def test_a_tone_has_the_published_statistics(published):
    """The smoke tests of Google's release: 3 s of 1 kHz, mean and spread of all values, by its code of 2017 and of 2023."""
    vectors, mean = load_projection(find(published)[1])
    tone = np.sin(2 * np.pi * 1000 * np.linspace(0, 3, 3 * 44100)).astype(np.float32)
    features = VGGishEmbedding(published).features(tone, 44100)
    whole = quantise(features, Projection(vectors, mean))
    assert features.shape == (3, 128)
    assert [features.mean(), features.std()] == pytest.approx([0.131, 0.238], rel=0.1)
    assert [whole.mean(), whole.std()] == pytest.approx([123.0, 75.0], rel=0.1)

    tone = np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / RATE)).astype(np.float32)
    features = VGGishEmbedding(published, relu=False).features(tone)
    whole = quantise(features, Projection(vectors, mean))
    assert features.std() == pytest.approx(0.343, rel=0.01)
    assert [whole.mean(), whole.std()] == pytest.approx([126.0, 89.3], rel=0.01)
