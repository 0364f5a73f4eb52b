"""Embeddings by name, and a researcher's own from one file: what fits works everywhere, what does not is told in what."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed

import openmic_explore.transforms.embedding as module
from openmic_explore.errors import ExploreError, MissingError
from openmic_explore.transforms.embedding import EMBEDDINGS, embedding, misfits, prepare
from openmic_explore.transforms.musicnn import MusicnnEmbedding
from openmic_explore.transforms.musicnn_mel import MusicnnMelEmbedding
from openmic_explore.transforms.vggish import VGGishEmbedding

# The example of the module's docstring, as it stands there.
EXAMPLE = "\n".join(
    line[4:] for line in (module.__doc__ or "").split("say mine.py:")[1].split("and `embedding")[0].split("\n")
)


def own(tmp_path: Path, text: str = EXAMPLE, name: str = "mine.py") -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


@pytest.mark.parametrize("name", ["musicnn", "musicnn-mtt-pca128", "musicnn+mel", "vggish"])
def test_the_packages_own_have_names_and_fit(name):
    found = embedding(name)
    assert misfits(found) == []
    assert found.name == EMBEDDINGS[name.split("-")[0]]
    kinds = {"musicnn": MusicnnEmbedding, "musicnn+mel": MusicnnMelEmbedding, "vggish": VGGishEmbedding}
    assert isinstance(found, kinds[name.split("-")[0]])


def test_weights_go_to_vggish_alone(tmp_path):
    assert embedding("vggish", weights=tmp_path).weights == tmp_path
    with pytest.raises(ExploreError, match="brings its own weights"):
        embedding("musicnn", weights=tmp_path)


@pytest.mark.parametrize("name", ["", "openl3", ":", "mine.py", "mine.py:", ":Mine"])
def test_an_unknown_name_is_told_the_known_ones(name):
    with pytest.raises(ExploreError, match=r"There is no embedding .*musicnn, .*vggish.*FILE\.py:NAME"):
        embedding(name)


def test_the_example_in_the_docstring_works(tmp_path):
    found = embedding(f"{own(tmp_path)}:Loudness")
    assert (found.name, found.rate, found.frame_length, found.dimension) == ("loudness", 16000, 0.5, 1)
    assert misfits(found) == []
    sound = np.repeat(np.float32([0, 0.2, 1]), 8000)
    assert (
        found(sound, 16000).tolist() == found(sound, rate=16000).tolist() == found(sound).tolist() == [[0], [51], [255]]
    )


def test_a_path_may_be_relative(tmp_path, monkeypatch):
    own(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = embedding("mine.py:Loudness")
    monkeypatch.chdir("/")
    assert found(np.ones(8000, np.float32)).tolist() == [[255]]


def test_a_module_by_name(tmp_path, monkeypatch):
    own(tmp_path, name="installed_for_this_test.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert embedding("installed_for_this_test:Loudness").name == "loudness"


def test_one_made_by_a_function_or_made_already(tmp_path):
    makers = """
def quiet(weights=None):
    one = Loudness()
    one.name = f"quiet {weights}"
    return one

READY = Loudness()
"""
    place = own(tmp_path, EXAMPLE + makers)
    assert embedding(f"{place}:quiet").name == "quiet None"
    assert embedding(f"{place}:quiet", weights="/some/where").name == "quiet /some/where"
    assert embedding(f"{place}:READY").name == "loudness"
    with pytest.raises(ExploreError, match="takes no weights"):
        embedding(f"{place}:READY", weights="/some/where")
    with pytest.raises(ExploreError, match="cannot be made with weights"):
        embedding(f"{place}:Loudness", weights="/some/where")


def test_one_that_is_its_own_worst_name(tmp_path):
    """A file called like a module must not stand in for it, nor one for another of the same name."""
    (tmp_path / "other").mkdir()
    first = embedding(f"{own(tmp_path, name='numpy.py')}:Loudness")
    second = embedding(f"{own(tmp_path / 'other', EXAMPLE.replace('loudness', 'softness'), 'numpy.py')}:Loudness")
    assert (first.name, second.name) == ("loudness", "softness")
    assert sys.modules["numpy"] is np


def test_a_changed_file_is_read_again(tmp_path):
    place = f"{own(tmp_path)}:Loudness"
    assert embedding(place).name == "loudness"
    own(tmp_path, EXAMPLE.replace("loudness", "a_longer_name"))
    assert embedding(place).name == "a_longer_name"


def test_own_embeddings_travel_to_workers(tmp_path):
    """To other processes, too, which have never seen the file."""
    found = embedding(f"{own(tmp_path)}:Loudness")
    sounds = [np.full(16000, level, np.float32) for level in (0, 0.2, 1)]
    there = Parallel(n_jobs=2)(delayed(found)(sound, 16000) for sound in sounds)
    assert [vectors.tolist() for vectors in there] == [[[0], [0]], [[51], [51]], [[255], [255]]]
    assert len(pickle.dumps(found)) < 1000


def test_it_is_made_once_a_process(tmp_path):
    place = own(
        tmp_path,
        EXAMPLE
        + "\nmade = []\ndef counted():\n    made.append(1)\n    one = Loudness()\n    one.made = made\n    return one\n",
    )
    found = embedding(f"{place}:counted")
    again = pickle.loads(pickle.dumps(found))
    for _ in range(3):
        found(np.ones(8000, np.float32))
        again(np.ones(8000, np.float32))
    assert found.inner.made == [1]


def test_prepare_calls_what_there_is(tmp_path):
    place = own(
        tmp_path,
        EXAMPLE + "\nclass Fetching(Loudness):\n    ready = False\n    def prepare(self):\n        self.ready = True\n",
    )
    plain, fetching = embedding(f"{place}:Loudness"), embedding(f"{place}:Fetching")
    prepare(plain)
    assert not fetching.inner.ready
    prepare(fetching)
    assert fetching.inner.ready
    prepare(embedding("musicnn"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name = ", "title = "), "name is missing"),
        (('"loudness" ', '" " '), "name must be a word, not ' '"),
        (("rate = 16000 ", "rate = 16000.5 "), r"rate must be a whole number of Hz, not 16000\.5"),
        (("frame_length = 0.5", "frame_length = 0"), "frame_length must be a positive number of seconds, not 0"),
        (("frame_length = 0.5", "frame_length = float('nan')"), "frame_length must be .*, not nan"),
        (("dimension = 1", "dimension = True"), "dimension must be a whole number of at least 1, not True"),
        (("__call__", "embed"), "define __call__"),
        (("samples, rate=16000", "samples"), r"must be callable as \(samples, rate=\.\.\.\)"),
        (("samples, rate=16000", "samples, hertz=16000"), r"must be callable as \(samples, rate=\.\.\.\): .*'rate'"),
        (
            ("def __call__", "def __init__(self, size): pass\n    def __call__"),
            "cannot be made with no arguments: .*'size'",
        ),
        (("def __call__", "def __init__(self): self.x = [][0]\n    def __call__"), "could not be made .IndexError"),
        (
            ("import numpy", "import no_such_module_anywhere\nimport numpy"),
            "could not be imported .ModuleNotFoundError",
        ),
        (("class Loudness:", "class Loudness"), "could not be imported .SyntaxError"),
        (("class Loudness", "class Other"), r"mine\.py has no Loudness\. It has Other\."),
    ],
)
def test_what_does_not_fit_is_told_in_what(tmp_path, change, message):
    text = EXAMPLE.replace(*change)
    assert text != EXAMPLE
    with pytest.raises(ExploreError, match=message):
        embedding(f"{own(tmp_path, text)}:Loudness")


def test_every_misfit_is_named_at_once():
    class Nothing:
        dimension = 0

    told = " ".join(misfits(Nothing()))
    for word in ("name", "rate", "frame_length", "dimension must be", "__call__"):
        assert word in told


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("level", r"gave float32 values; they must be uint8"),
        ("level.astype(np.uint8).ravel()", r"gave an array of shape \(2,\); it must be \(frames, 1\)"),
        ("level.astype(np.uint8).repeat(3, axis=1)", r"shape \(2, 3\)"),
        ("level.astype(np.uint8)[:0]", "at least one frame"),
        ("[[1], [2]]", "gave a list"),
    ],
)
def test_what_comes_back_is_checked(tmp_path, result, message):
    text = EXAMPLE.replace("np.clip(np.rint(level * 255), 0, 255).astype(np.uint8)", result)
    found = embedding(f"{own(tmp_path, text)}:Loudness")
    with pytest.raises(ExploreError, match=message):
        found(np.ones(16000, np.float32))


def test_a_file_or_module_that_is_not_there(tmp_path):
    with pytest.raises(MissingError, match=r"There is no file .*gone\.py"):
        embedding(f"{tmp_path / 'gone.py'}:Loudness")
    with pytest.raises(ExploreError, match="no_such_module_anywhere could not be imported"):
        embedding("no_such_module_anywhere:Loudness")


def test_import_is_cheap():
    code = (
        "import sys; from openmic_explore.transforms.embedding import embedding; embedding('musicnn'); embedding('vggish');"
        "print(sorted({'torch', 'librosa', 'scipy', 'soxr', 'pooch'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
