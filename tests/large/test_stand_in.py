"""The whole chain on a stand-in of the real archive: from an empty folder to trained runs and the dashboard.

200 clips in the suite; at the official size, in three to four minutes, on demand:

    OPENMIC_EXPLORE_CLIPS=20000 pytest tests/large

`python -m tests.large.measure` tells what each step costs.
"""

import csv
import json
import os
import shutil
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.cli import main
from openmic_explore.data.check import arrived, check
from openmic_explore.features import Scalograms, open_features, write_features
from openmic_explore.instruments import INSTRUMENTS
from tests.bad_line import Fault, bad_line, md5, names, tree
from tests.miniature import LABELS, METADATA, NPZ
from tests.stand_in import CLIPS, pack, write_stand_in

COUNT = int(os.environ.get("OPENMIC_EXPLORE_CLIPS", "200"))
HEARD = min(300, COUNT // 16)
WHOLE = COUNT == CLIPS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stand_in(tmp_path_factory.mktemp("stand-in") / "openmic-2018", clips=COUNT, audio=HEARD)


@pytest.fixture(scope="module")
def data(folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        data = OpenMIC(folder)
        assert len(data.embedding) == COUNT
    return data


def lines(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_it_has_the_official_form_and_numbers(folder, data):
    with np.load(folder / NPZ, allow_pickle=True) as archive:  # trusted: the test wrote it
        assert {name: (array.dtype, array.shape) for name, array in archive.items()} == {
            "X": (np.dtype(np.int64), (COUNT, 10, 128)),
            "Y_true": (np.dtype(np.float64), (COUNT, 20)),
            "Y_mask": (np.dtype(bool), (COUNT, 20)),
            "sample_key": (np.dtype(object), (COUNT,)),
        }
        assert (archive["Y_true"][~archive["Y_mask"]] == 0.5).all()
    assert len(lines(folder / METADATA)[0]) == 41
    found = {row.what: (row.found, row.official) for row in arrived(folder)}
    assert found.pop("clips with audio") == (HEARD, CLIPS)
    assert sum(found[f"{split} labels"][0] for split in ("train", "test")) == found["labels"][0]
    if WHOLE:
        assert all(here == official for here, official in found.values()), found
        assert [found[what][0] for what in ("clips", "labels", "train labels", "test labels")] == [
            20000,
            41268,
            30746,
            10522,
        ]
        assert [found[f"{split} {state}"][0] for split in ("train", "test") for state in ("present", "absent")] == [
            13097,
            17649,
            4517,
            6005,
        ]
    assert data.mask.any(axis=1).all()


def test_label_views_say_what_the_table_says(folder, data):
    table = {(row["sample_key"], row["instrument"]): float(row["relevance"]) for row in lines(folder / LABELS)}
    assert data.mask.sum() == len(table)
    row = {key: place for place, key in enumerate(data.keys.tolist())}
    rows, columns = zip(*((row[key], INSTRUMENTS.index(name)) for key, name in table), strict=True)
    np.testing.assert_allclose(data.relevance[rows, columns], list(table.values()), rtol=0, atol=1e-12)
    present = Counter(name for (_, name), value in table.items() if value >= 0.5)
    counted = data.label_counts()
    assert {name: int(counted.loc[name, ["train_positive", "test_positive"]].sum()) for name in INSTRUMENTS} == present
    key = data.keys[0]
    said = {name: state for name, state in data.labels(str(key)).items() if state != "unknown"}
    assert said == {
        name: "present" if value >= 0.5 else "absent" for (clip, name), value in table.items() if clip == key
    }


def test_splits_are_the_official_ones_and_no_artist_is_on_two_sides(folder, data):
    artist = {row["sample_key"]: row["artist_id"] for row in lines(folder / METADATA)}
    sides = {name: set(data.keys[data.split(name)].tolist()) for name in ("train", "validation", "test")}
    assert sides["test"] == set((folder / "partitions/split01_test.csv").read_text().split())
    assert sides["train"] | sides["validation"] == set((folder / "partitions/split01_train.csv").read_text().split())
    artists = [{artist[key] for key in keys} for keys in sides.values()]
    assert sum(map(len, artists)) == len(set.union(*artists))
    share = len(sides["validation"]) / (len(sides["train"]) + len(sides["validation"]))
    assert share == pytest.approx(0.15, abs=1 / COUNT)


def test_vectors_from_the_npz_and_from_the_json_files_agree(folder, data, tmp_path):
    bare = tmp_path / "openmic-2018"
    shutil.copytree(folder, bare, ignore=shutil.ignore_patterns(NPZ, "audio", "vggish"))
    (bare / "vggish").symlink_to(folder / "vggish")
    other = OpenMIC(bare)
    order = [other.index(key) for key in data.keys.tolist()]
    assert data.embedding.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(other.embedding)[order], data.embedding)
    key = str(data.keys[-1])
    file = json.loads((folder / "vggish" / key[:3] / f"{key}.json").read_text())
    np.testing.assert_array_equal(data.embedding[-1], file["features"])
    assert other.fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("model", "augment"),
    [("mel", ()), ("mel-3", ()), ("mel", ("noise",)), ("mel", ("interpolation", "noise", "flip"))],
)
def test_figures_4_and_6_train_on_it_as_it_comes(data, tmp_path, model, augment):
    """Two epochs; on random features there is nothing to learn, so that nothing may be learnt."""
    config = TrainConfig(model, "published", epochs=2, augment=augment)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = train(config, data, runs=tmp_path, progress=False)
    assert run.info["fingerprint"] == data.fingerprint
    assert run.info["embedding"] == "vggish"
    assert sum(run.info["clips"].values()) == COUNT
    keys, probability = run.predictions
    assert set(keys.tolist()) == set(data.keys[data.split("test")].tolist())
    assert np.isfinite(probability).all()
    counted = data.label_counts()
    assert run.scores["positives"].tolist() == counted["test_positive"].tolist()
    assert run.scores["negatives"].tolist() == counted["test_negative"].tolist()
    if WHOLE:
        assert run.info["means"]["average_precision"] < 0.5  # .447 by chance


def test_pictures_of_the_clips_that_can_be_heard(data, folder, tmp_path):
    keys = data.audio_keys
    assert len(keys) == HEARD
    report = write_features(data, [Scalograms()], jobs=1, progress=False)
    assert (report.computed, report.left_out) == (HEARD, {})
    store = open_features(folder, "scalogram")
    assert store.values.shape == (HEARD, 128, 128)
    with pytest.raises(ExploreError, match=r"lacks .* Compute what is missing: openmic-explore features"):
        train(TrainConfig("cnn", epochs=1), data, runs=tmp_path, progress=False)


def test_from_an_empty_folder_to_a_checked_one_over_a_bad_line(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    source = tmp_path / "openmic-2018"
    shutil.copytree(folder, source, ignore=shutil.ignore_patterns("features"))
    archive = pack(source, tmp_path / "archive.tgz").read_bytes()
    home = tmp_path / "home"
    with bad_line(archive) as line:
        line.faults = [Fault(cut=len(archive) // 3), Fault(status=503, headers={"Retry-After": "0"})]
        order = ["download", "--to", str(home), "--from", line.url, "--md5", md5(archive), "--json"]
        assert main(order) == 0
        out, told = capsys.readouterr()
        assert "connection was cut" in told
        assert "answers 503" in told
        assert json.loads(out)["labels"]["found"] == int(OpenMIC(folder).mask.sum())
        assert line.sent == len(archive)  # not a byte twice
        assert main(order) == 0
        assert line.sent == len(archive)
    assert names(home) == ["openmic-2018"]
    assert tree(home / "openmic-2018") == tree(source)
    capsys.readouterr()
    assert main(["check", str(home / "openmic-2018"), "--deep"]) == 0
    assert "vggish" in capsys.readouterr().out
    assert not [finding for finding in check(home / "openmic-2018", deep=True) if finding.wrong]
    lost = next((home / "openmic-2018").glob("vggish/*/*.json"))
    lost.write_text("{}")
    assert main(["check", str(home / "openmic-2018"), "--deep"]) == 1
    assert f"vggish/{lost.parent.name}/{lost.name} (damaged)" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.usefixtures("_browser")
def test_the_dashboard_opens_on_it(data, folder, tmp_path):
    from tests.browser.server import Watched, chromium, voila

    train(TrainConfig("attention", epochs=1), data, runs=tmp_path, progress=False)
    environment = {"OPENMIC_DATA": str(folder), "OPENMIC_RUNS": str(tmp_path)}
    with voila(**environment) as address, chromium() as context:
        watched = Watched(context, address)
        watched.open()
        text = watched.page.locator("body").inner_text()
    assert f"{HEARD:,}" in text
    assert "Traceback" not in text
    assert watched.errors == watched.elsewhere == []
