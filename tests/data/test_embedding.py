"""The embedding from the npz or from the vggish files."""

import os
from pathlib import Path

import numpy as np
import pytest

from openmic_explore.data import OpenMIC, embedding
from openmic_explore.errors import ExploreError
from tests.miniature import NPZ, members, rewrite

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


@pytest.mark.parametrize("chunk", [1, 40000, 2**23])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_embedding_is_x_in_bytes_and_mapped(miniature, monkeypatch, chunk, order):
    monkeypatch.setattr(embedding, "_CHUNK_BYTES", chunk)
    rewrite(miniature, X=np.array(members(miniature)["X"], order=order))
    data = OpenMIC(miniature)
    np.testing.assert_array_equal(data.embedding, members(miniature)["X"])
    assert isinstance(data.embedding, np.memmap)
    assert data.embedding.dtype == np.uint8


def test_without_x_the_vggish_files_are_taken_in_the_same_order(miniature):
    whole = np.array(OpenMIC(miniature).embedding)
    rewrite(miniature, X=None)
    data = OpenMIC(miniature)
    assert isinstance(data.embedding, np.memmap)
    np.testing.assert_array_equal(data.embedding, whole)


def test_missing_vggish_files_are_counted_and_named(miniature):
    (miniature / NPZ).unlink()
    data = OpenMIC(miniature)
    key = data.keys[7]
    for gone in (key, data.keys[9]):
        (miniature / "vggish" / gone[:3] / f"{gone}.json").unlink()
    with pytest.raises(ExploreError, match=rf"no openmic-2018\.npz, and 2 of 48 .*{key}\.json.*{DOWNLOAD}"):
        _ = data.embedding
    assert len(data.audio_keys) == 48


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"features": []}',
        '{"features": [[1, 2], [3]]}',
        '{"features": [[0.5]]}',
        '{"features": [[256]]}',
        '{"features": [[-1]]}',
        '{"features": [[1, 2, 3]]}',
        '{"features": [["1"]]}',
        '{"time_points": []}',
        '{"features": [[1e400]]}',
        "[" * 10**5,
        " " * 2**21,
    ],
)
def test_a_damaged_vggish_file_is_named(miniature, content):
    (miniature / NPZ).unlink()
    data = OpenMIC(miniature)
    key = data.keys[7]
    (miniature / "vggish" / key[:3] / f"{key}.json").write_text(content)
    with pytest.raises(ExploreError, match=rf"{key}\.json is damaged.*{CHECK}"):
        _ = data.embedding


@pytest.mark.parametrize("value", [-1, 256, 2**40])
def test_features_beyond_a_byte_are_refused(miniature, value):
    features = members(miniature)["X"]
    features[-1, -1, -1] = value
    rewrite(miniature, X=features)
    data = OpenMIC(miniature)
    with pytest.raises(ExploreError, match=rf"X has values outside 0 to 255.*{CHECK}"):
        _ = data.embedding
    assert not list(Path(os.environ["OPENMIC_EXPLORE_CACHE"]).rglob("*embedding*"))
