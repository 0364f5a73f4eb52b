"""Labels, audio, activity and fingerprint of a miniature in the official layout."""

import json
import shutil

import numpy as np
import pytest

from openmic_explore.data import OpenMIC
from openmic_explore.data import openmic as reader
from openmic_explore.errors import ExploreError
from openmic_explore.instruments import INSTRUMENTS
from tests.miniature import LABELS, METADATA, NPZ, members, rewrite, rows_of, write_activity, write_rows

CHECK = r"openmic-explore check"
DOWNLOAD = r"openmic-explore download"


def test_the_miniature_is_official_in_every_column_and_dtype(miniature):
    arrays = members(miniature)
    assert {name: array.dtype.str for name, array in arrays.items()} == {
        "X": "<i8",
        "Y_true": "<f8",
        "Y_mask": "|b1",
        "sample_key": "|O",
    }
    assert arrays["X"].shape == (48, 10, 128)
    assert (arrays["Y_true"][~arrays["Y_mask"]] == 0.5).all()
    header, *rows = rows_of(miniature / METADATA)
    assert len(header) == 41
    assert all(len(row) == 41 for row in rows)
    listed = list(dict.fromkeys(row[0] for row in rows_of(miniature / LABELS)[1:]))
    assert listed != arrays["sample_key"].tolist()
    assert sorted(listed) == sorted(arrays["sample_key"])


def test_labels_follow_the_npz_and_stay_nan_where_unobserved(miniature):
    data, arrays = OpenMIC(miniature), members(miniature)
    assert data.keys.tolist() == arrays["sample_key"].tolist()
    assert data.instruments == INSTRUMENTS
    assert data.relevance.dtype == np.float64
    np.testing.assert_array_equal(data.mask, arrays["Y_mask"])
    np.testing.assert_array_equal(data.relevance[data.mask], arrays["Y_true"][arrays["Y_mask"]])
    assert np.isnan(data.relevance[~data.mask]).all()
    assert data.path == miniature
    assert (data.name, data.embedding_name, data.frame_length, data.info) == ("openmic-2018", "vggish", 0.96, {})
    assert len(data) == 48


def test_label_state_and_words_agree_with_the_csv(miniature):
    data = OpenMIC(miniature)
    said = {
        (row[0], row[1]): "present" if float(row[2]) >= 0.5 else "absent" for row in rows_of(miniature / LABELS)[1:]
    }
    assert {"present", "absent"} == set(said.values())
    for row, key in enumerate(data.keys.tolist()):
        words = data.labels(key)
        assert words == {name: said.get((key, name), "unknown") for name in INSTRUMENTS}
        numbers = {"present": 1, "absent": 0, "unknown": -1}
        assert data.label_state[row].tolist() == [numbers[words[name]] for name in INSTRUMENTS]
    assert data.label_state.dtype == np.int8


def test_half_is_present(miniature):
    arrays = members(miniature)
    row, column = np.argwhere(arrays["Y_mask"])[0]
    arrays["Y_true"][row, column] = 0.5
    rewrite(miniature, Y_true=arrays["Y_true"])
    (miniature / LABELS).unlink()
    assert OpenMIC(miniature).label_state[row, column] == 1


def test_label_counts_count_the_csv_by_partition(miniature):
    counts = OpenMIC(miniature).label_counts()
    assert counts.index.tolist() == list(INSTRUMENTS)
    assert counts.index.name == "instrument"
    expected = {name: dict.fromkeys(counts.columns, 0) for name in INSTRUMENTS}
    test = set((miniature / "partitions/split01_test.csv").read_text().split())
    for key, instrument, relevance, _ in rows_of(miniature / LABELS)[1:]:
        split = "test" if key in test else "train"
        expected[instrument][f"{split}_{'positive' if float(relevance) >= 0.5 else 'negative'}"] += 1
    assert counts.to_dict("index") == expected


def test_without_the_npz_labels_come_from_the_csv_in_its_order(miniature):
    whole = OpenMIC(miniature)
    vectors = np.array(whole.embedding)
    (miniature / NPZ).unlink()
    data = OpenMIC(miniature)
    assert data.keys.tolist() == list(dict.fromkeys(row[0] for row in rows_of(miniature / LABELS)[1:]))
    order = [whole.index(key) for key in data.keys.tolist()]
    np.testing.assert_array_equal(data.mask, whole.mask[order])
    np.testing.assert_array_equal(data.relevance, whole.relevance[order])
    assert data.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(data.embedding, vectors[order])
    assert len(data.audio_keys) == 48


def test_the_csv_orders_an_npz_without_keys_only_when_its_cells_agree(miniature):
    with pytest.raises(ExploreError, match=rf"disagree on .*{CHECK}"):
        rewrite(miniature, sample_key=None)
        OpenMIC(miniature)
    (miniature / LABELS).rename(miniature / "aside")
    with pytest.raises(ExploreError, match="no sample_key"):
        OpenMIC(miniature)

    header, *rows = rows_of(miniature / "aside")
    order = list(dict.fromkeys(row[0] for row in rows))
    arrays = members(miniature)
    relevance, mask = np.full((48, 20), 0.5), np.zeros((48, 20), dtype=bool)
    for key, instrument, value, _ in rows:
        cell = order.index(key), INSTRUMENTS.index(instrument)
        relevance[cell], mask[cell] = float(value), True
    rewrite(miniature, Y_true=relevance, Y_mask=mask, X=arrays["X"])
    write_rows(miniature / LABELS, [header, *rows])
    assert OpenMIC(miniature).keys.tolist() == order


def test_unicode_keys_are_as_good(miniature):
    official = OpenMIC(miniature)
    rewrite(miniature, sample_key=members(miniature)["sample_key"].astype(str))
    data = OpenMIC(miniature)
    assert data.keys.tolist() == official.keys.tolist()
    assert data.fingerprint == official.fingerprint


def test_another_column_order_of_the_class_map_moves_the_columns(miniature):
    data = OpenMIC(miniature)
    order = np.random.default_rng(1).permutation(20)
    arrays = members(miniature)
    # Column c of the new npz holds instrument order[c].
    rewrite(miniature, Y_true=arrays["Y_true"][:, order], Y_mask=arrays["Y_mask"][:, order])
    (miniature / "class-map.json").write_text(json.dumps({INSTRUMENTS[order[c]]: c for c in range(20)}))
    moved = OpenMIC(miniature)
    assert moved.instruments == INSTRUMENTS
    np.testing.assert_array_equal(moved.relevance, data.relevance)


def test_audio_is_ten_seconds_of_its_tone(miniature):
    data = OpenMIC(miniature)
    samples, rate = data.audio(data.keys[0])
    assert (samples.dtype, samples.shape, rate) == (np.float32, (441000,), 44100)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.02)
    assert data.audio_keys == data.keys.tolist()


def test_without_audio_all_else_works(miniature):
    shutil.rmtree(miniature / "audio")
    data = OpenMIC(miniature)
    key = str(data.keys[5])
    assert data.audio_keys == []
    assert not data.has_audio(key)
    with pytest.raises(ExploreError, match=rf"{key} is missing: there is no .*{key}\.ogg.*{DOWNLOAD}"):
        data.audio(key)
    assert data.embedding.shape == (48, 10, 128)
    assert len(data.split("train"))


def test_some_audio(miniature):
    data = OpenMIC(miniature)
    gone = data.keys.tolist()[::2]
    (miniature / "audio/999").mkdir()
    for key in gone:
        data.audio_path(key).rename(miniature / "audio/999" / f"{key}.ogg")  # a folder where nobody looks
    (miniature / "audio/999/999999_1.ogg").touch()  # of no clip
    assert data.audio_keys == data.keys.tolist()[1::2]
    assert [data.has_audio(key) for key in data.keys[:2]] == [False, True]


def test_damaged_audio_says_so(miniature):
    data = OpenMIC(miniature)
    path = data.audio_path(data.keys[0])
    path.write_bytes(b"OggS" + bytes(100))
    with pytest.raises(ExploreError, match=rf"{path.name} could not be decoded.*{CHECK}"):
        data.audio(data.keys[0])


def test_the_fingerprint_knows_labels_splits_and_dataset_but_not_order(miniature):
    prints = {OpenMIC(miniature).fingerprint}
    rewrite(miniature, **{name: array[::-1] for name, array in members(miniature).items()})
    shutil.rmtree(miniature / "audio")
    (miniature / METADATA).unlink()
    prints.add(OpenMIC(miniature).fingerprint)
    assert len(prints) == 1
    assert int(prints.copy().pop(), 16)
    (miniature / "dataset.json").write_text('{"name": "other"}')
    prints.add(OpenMIC(miniature).fingerprint)
    (miniature / "dataset.json").unlink()
    file = miniature / "partitions/split01_test.csv"
    file.write_text("\n".join(file.read_text().split()[1:]))
    prints.add(OpenMIC(miniature).fingerprint)
    (miniature / LABELS).unlink()
    mask = members(miniature)["Y_mask"]
    mask[tuple(np.argwhere(mask)[0])] = False
    rewrite(miniature, Y_mask=mask)
    prints.add(OpenMIC(miniature).fingerprint)
    assert len(prints) == 4


def test_the_official_set_has_no_activity(miniature):
    data = OpenMIC(miniature)
    assert data.activity is None
    assert data.truth is None


def test_activity_is_brought_into_the_order_of_keys(miniature):
    active = write_activity(miniature)
    data = OpenMIC(miniature)
    assert data.activity.active.dtype == np.bool_
    np.testing.assert_array_equal(data.activity.active, active)
    assert data.activity.frame_length == 0.25
    np.testing.assert_array_equal(data.truth, active.any(axis=2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"active": np.zeros((48, 20, 5), np.uint8)}, "active has type uint8 and shape"),
        ({"active": np.zeros((48, 20, 6))}, "active has type float64"),
        ({"frames": np.int64(0)}, "0 frames"),
        ({"frames": np.array([43])}, "frames has type"),
        ({"frame_length": np.float64("nan")}, "of nan s"),
        ({"sample_key": np.array([f"{number:06d}_0" for number in range(48)])}, "it has no clip"),
    ],
)
def test_damaged_activity_is_named(miniature, changes, message):
    write_activity(miniature, **changes)
    data = OpenMIC(miniature)
    with pytest.raises(ExploreError, match=rf"activity\.npz.*{message}.*{CHECK}"):
        _ = data.activity


def test_dataset_json_names_the_set_and_how_to_mend_it(miniature):
    info = {"name": "teaching", "embedding": "musicnn-mtt-pca128", "frame_length": 1.0, "recipe": {"seed": 0}}
    (miniature / "dataset.json").write_text(json.dumps(info))
    shutil.rmtree(miniature / "audio")
    data = OpenMIC(miniature)
    assert (data.name, data.embedding_name, data.frame_length) == ("teaching", "musicnn-mtt-pca128", 1.0)
    assert data.info == info
    with pytest.raises(ExploreError, match=rf"openmic-explore teach {miniature}"):
        data.audio(data.keys[0])


def test_the_embedded_set_is_the_folder_in_the_package(miniature, monkeypatch):
    monkeypatch.setattr(reader, "TEACHING", miniature)
    (miniature / "dataset.json").write_text('{"name": "teaching"}')
    data = OpenMIC.teaching()
    assert data.name == "teaching"
    data.audio_path(data.keys[0]).unlink()
    with pytest.raises(ExploreError, match=r"openmic-explore teach DIR"):
        data.audio(data.keys[0])
    monkeypatch.setattr(reader, "TEACHING", miniature / "absent")
    with pytest.raises(ExploreError, match=r"teaching set is missing from the package.*openmic-explore teach DIR"):
        OpenMIC.teaching()


def test_the_environment_chooses_what_notebooks_open(miniature, monkeypatch):
    monkeypatch.delenv("OPENMIC_DATA", raising=False)
    assert OpenMIC.chosen().name == "teaching"
    monkeypatch.setenv("OPENMIC_DATA", str(miniature))
    assert OpenMIC.chosen().path == miniature
    (miniature.parent / "notebooks").mkdir()
    monkeypatch.chdir(miniature.parent / "notebooks")
    monkeypatch.setenv("OPENMIC_DATA", miniature.name)  # as it is seen from the folder above
    assert len(OpenMIC.chosen()) == 48
    monkeypatch.setenv("OPENMIC_DATA", "nowhere")
    with pytest.raises(ExploreError, match=r"no folder nowhere.*OPENMIC_DATA asks for nowhere"):
        OpenMIC.chosen()
