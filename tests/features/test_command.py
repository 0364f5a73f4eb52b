"""`openmic-explore features` as a person types it, with the package's embeddings and with one's own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from openmic_explore import OpenMIC
from openmic_explore.cli import main
from openmic_explore.features import Embedded, open_features, write_features
from openmic_explore.transforms.embedding import embedding
from openmic_explore.transforms.musicnn import MusicnnEmbedding
from tests.features.short import CLIPS, content, key

OWN = """
import numpy as np

class Loudness:
    name, rate, frame_length, dimension = "loudness", 44100, 0.1, 1

    def __call__(self, samples, rate=44100):
        length = round(rate * self.frame_length)
        frames = samples[: len(samples) // length * length].reshape(-1, length)
        level = np.sqrt((frames**2).mean(axis=1, keepdims=True))
        return np.clip(np.rint(level * 255), 0, 255).astype(np.uint8)

class Louder(Loudness):
    name = "louder"
    def __call__(self, samples, rate=44100):
        return super().__call__(2 * samples, rate)

class Real(Loudness):
    name = "real"
    def __call__(self, samples, rate=44100):
        return super().__call__(samples, rate) / 255

class Broken(Loudness):
    name = "broken"
    def __call__(self, samples, rate=44100):
        if samples.any():
            raise KeyError("weights")
        return super().__call__(samples, rate)

class Uneven(Loudness):
    name = "uneven"
    def __call__(self, samples, rate=44100):
        found = super().__call__(samples, rate)
        return found if np.abs(np.fft.rfft(samples)).argmax() != 200 else found[1:]  # 400 Hz: clip 2

class Taken(Loudness):
    name = "log_mel"

class Path(Loudness):
    name = "../../elsewhere"
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path / "mine.py"


def features(folder, *options):
    return main(["features", str(folder), "--jobs", "1", *options])


def test_all_three_kinds_one_line_each_with_its_size(folder, capsys):
    assert features(folder) == 0
    told = capsys.readouterr()
    lines = [line.split() for line in told.out.splitlines()]
    assert [line[0] for line in lines] == ["log_mel", "scalogram", "musicnn-mtt-pca128"]
    for _, size, unit, place in lines:
        assert unit == "MB"
        assert float(size) == pytest.approx(sum(file.stat().st_size for file in Path(place).iterdir()) / 1e6, abs=0.06)
    assert told.err == f"clips: {CLIPS} computed, 0 there already, 0 left out\n"
    data = OpenMIC(folder)
    store = open_features(folder, "musicnn-mtt-pca128")
    np.testing.assert_array_equal(store.values[store.row[key(2)]], MusicnnEmbedding()(*data.audio(key(2))))
    assert store.info["frame_length"] == 1.0
    assert features(folder) == 0
    assert capsys.readouterr().err == f"clips: 0 computed, {CLIPS} there already, 0 left out\n"


def test_only_what_was_asked_for(folder, capsys):
    assert features(folder, "--only", "scalogram", "--only", "log_mel") == 0
    assert {name.partition("/")[0] for name in content(folder)} == {"log_mel", "scalogram"}
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_another_grid_is_told_and_kept(folder, capsys):
    assert features(folder, "--only", "scalogram") == 0
    assert features(folder, "--only", "scalogram", "--scales", "40", "--bins", "20") == 0
    told = capsys.readouterr()
    assert "bins 128 before, 20 now, scales 128 before, 40 now" in told.err
    assert open_features(folder, "scalogram").values.shape == (CLIPS, 40, 20)


def test_left_out_clips_are_listed(folder, capsys):
    (folder / "audio" / "000" / f"{key(1)}.ogg").write_bytes(b"no sound")
    assert features(folder, "--only", "log_mel") == 0
    told = capsys.readouterr()
    assert f"left out: {key(1)}: " in told.err
    assert f"{CLIPS - 1} computed, 0 there already, 1 left out" in told.err
    assert len(told.out.splitlines()) == 1


def test_one_s_own_embedding_lies_beside_and_is_computed_by_processes(folder, own, capsys):
    assert features(folder, "--only", "embedding", "--embedding", f"{own}:Loudness") == 0
    before = content(folder)
    arguments = ["--only", "embedding", "--embedding", f"{own}:Louder", "--jobs", "2"]
    assert features(folder, *arguments) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["loudness", "louder"]
    assert {name: file for name, file in content(folder).items() if name in before} == before
    samples, _ = OpenMIC(folder).audio(key(4))
    for name, gain in (("loudness", 1), ("louder", 2)):
        store = open_features(folder, name)
        assert store.values.shape == (CLIPS, 5, 1)
        exact = 255 * gain * np.sqrt((samples.reshape(5, -1) ** 2).mean(axis=1))
        assert np.abs(store.values[store.row[key(4)], :, 0] - exact).max() <= 0.51


def test_one_s_own_embedding_goes_through_a_cluster(folder, own):
    distributed = pytest.importorskip("distributed")
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    write_features(OpenMIC(folder), [Embedded(embedding(f"{own}:Loudness"))], jobs=1, progress=False)
    expected = content(folder)
    for file in (folder / "features" / "loudness").iterdir():
        file.unlink()
    with distributed.LocalCluster(n_workers=1, **options) as cluster:
        arguments = ["--only", "embedding", "--embedding", f"{own}:Loudness", "--cluster", cluster.scheduler_address]
        assert features(folder, *arguments) == 0
    assert content(folder) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "embedding", "--embedding", "none"], "There is no embedding 'none'"),
        (["--only", "embedding", "--embedding", "nowhere.py:Mine"], "There is no file"),
        (["--only", "embedding", "--embedding", "{own}:Nobody"], "has no Nobody"),
        (["--only", "embedding", "--embedding", "{own}:Real"], "gave float64 values"),
        (["--only", "embedding", "--embedding", "{own}:Broken"], "Computing the broken of 000000_0 failed (KeyError"),
        (["--only", "embedding", "--embedding", "{own}:Path"], "cannot be the name of a folder"),
        (["--embedding", "{own}:Taken"], "Two kinds of feature have the name log_mel"),
        (["--only", "embedding", "--embedding", "{own}:Taken"], "Two kinds of feature have the name log_mel"),
        (["--only", "embedding", "--weights", "somewhere"], "brings its own weights"),
        (["--only", "scalogram", "--scales", "0"], "No scalogram has 0 scales"),
        (["--only", "scalogram", "--bins", "-3"], "at least one time bin"),
        (["--jobs", "0"], "0 processes"),
        (["--only", "log_mel", "--cluster", "nonsense"], "There is no Dask scheduler at nonsense"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_feature(folder, own, capsys, options, words):
    assert features(folder, *(option.replace("{own}", str(own)) for option in options)) == 1
    told = capsys.readouterr()
    assert words in told.err
    assert told.err.startswith("openmic-explore: ")
    assert told.out == ""
    assert not any(name.endswith("index.json") for name in content(folder))
    assert not (folder.parent / "elsewhere").exists()


def test_an_embedding_that_does_not_fit_one_clip_leaves_it_out(folder, own, capsys):
    assert features(folder, "--only", "embedding", "--embedding", f"{own}:Uneven") == 0
    assert (
        f"left out: {key(2)}: Its uneven is uint8 (4, 1), that of other clips uint8 (5, 1)." in capsys.readouterr().err
    )


def test_no_folder_and_no_such_kind(tmp_path, capsys):
    assert features(tmp_path / "nowhere") == 1
    assert "There is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        features(tmp_path, "--only", "spectrogram")
    assert stop.value.code == 2


def test_help_has_an_example_and_every_option():
    arguments = [sys.executable, "-m", "openmic_explore.cli", "features", "--help"]
    told = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert "Example: openmic-explore features" in " ".join(told.split())
    for option in ("--only", "--embedding", "--weights", "--scales", "--bins", "--jobs", "--cluster"):
        assert option in told
