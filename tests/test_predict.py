"""Predicting any sound: held against stored runs, against windows predicted one by one, and against times by hand."""

import json
import struct

import numpy as np
import pytest
import soundfile

from openmic_explore import ExploreError, OpenMIC, Runs, TrainConfig, train
from openmic_explore.cli import main
from openmic_explore.data.audio import read_audio
from openmic_explore.features import LogMel, Scalograms, write_features
from openmic_explore.predict import Prediction, best_run, describe, predict_file, predict_samples, run_embedding
from openmic_explore.predict.sound import Sound
from openmic_explore.training.pack import pack
from openmic_explore.training.run import SHIPPED
from openmic_explore.transforms.resample import mono_at
from tests.learnable import write_learnable
from tests.miniature import write_miniature

RATE = 8000


class Levels:
    """An embedding quick to compute and known by heart: the mean level of each 128th of a frame."""

    name, rate, frame_length, dimension = "made-up", RATE, 1.0, 128

    def __call__(self, samples, rate=RATE):
        samples, rate = mono_at(samples, rate, target=RATE), RATE
        length = int(self.frame_length * rate)
        frames = max(1, int(len(samples) / length + 0.5))
        padded = np.pad(samples, (0, max(0, frames * length - len(samples))))[: frames * length]
        parts = padded.reshape(frames, length)[:, : length // 128 * 128].reshape(frames, 128, -1)
        return np.rint(255 * np.clip(np.abs(parts).mean(axis=2), 0, 1)).astype(np.uint8)


class Greedy(Levels):
    """As VGGish: frames of .96 s, of which the last needs 15 ms more than it stands for."""

    name, frame_length = "vggish", 0.96

    def __call__(self, samples, rate=RATE):
        return super().__call__(samples[: max(1, int((len(samples) / rate - 0.015) / 0.96)) * int(0.96 * rate)], rate)


def noise(seconds, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, round(seconds * RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def learnable(tmp_path_factory):
    """A framewise and a recurrent run, and a baseline, on the embedding "made-up"."""
    folder = tmp_path_factory.mktemp("learnable")
    data = OpenMIC(write_learnable(folder / "data"))
    for model in ("attention", "mel"):
        train(TrainConfig(model, epochs=1), data, runs=folder / "runs", name=model, progress=False)
    train(TrainConfig("majority"), data, runs=folder / "runs", name="majority", progress=False)
    return Runs(folder / "runs")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A data set of 48 clips with sound, and CNNs on small scalograms and on log-mels."""
    folder = tmp_path_factory.mktemp("pictures")
    data = OpenMIC(write_miniature(folder / "data"))
    write_features(data, [Scalograms(scales=64, bins=64), LogMel()], jobs=1, progress=False)
    train(TrainConfig("mean", epochs=1), data, runs=folder / "runs", name="mean", progress=False)
    for model, features in (("cnn", "scalogram"), ("cnn-reduced", "log_mel")):
        config = TrainConfig(model, features=features, epochs=1, precision="fp32")
        train(config, data, runs=folder / "runs", name=features, progress=False)
    return data, Runs(folder / "runs")


@pytest.fixture(scope="module")
def teaching():
    return OpenMIC.teaching()


# Against stored runs


@pytest.mark.parametrize("name", ["attention-repaired-seed0", "mel-published-seed0"])
def test_a_clip_s_file_gives_what_the_run_has_stored_of_it(teaching, name):
    run = Runs(SHIPPED)[name]
    keys, probability = run.predictions
    for key in teaching.audio_keys[:3]:
        found, stored = predict_file(teaching.audio_path(key), run), run.frames(key)
        assert found.start.tolist() == [0.0]
        np.testing.assert_array_equal(found.time, np.arange(10))
        np.testing.assert_allclose(found.frame, stored.frame, atol=2e-3)
        np.testing.assert_allclose(found.attention, stored.attention, atol=2e-3)
        np.testing.assert_allclose(found.clip[0], probability[keys.tolist().index(key)], atol=2e-3)
    assert (found.run, found.model, found.preset) == (run.name, run.config.model, run.config.preset)
    assert (found.data, found.embedding, found.notes) == ("teaching", "musicnn-mtt-pca128", ())
    assert "teaching set" in found.about


@pytest.mark.parametrize("name", ["scalogram", "log_mel"])
def test_a_cnn_sees_a_file_as_it_saw_the_clip_in_training(pictures, name):
    data, runs = pictures
    run = runs[name]
    keys, probability = run.predictions
    key = keys[-1]
    found, stored = predict_file(data.audio_path(key), run), run.frames(key)
    assert found.window == pytest.approx(10.0)
    assert found.frame_start == stored.start > 0
    np.testing.assert_allclose(found.frame, stored.frame, atol=1e-3)
    np.testing.assert_allclose(found.attention, stored.attention, atol=1e-3)
    np.testing.assert_allclose(found.clip[0], probability[-1], atol=1e-3)
    # Another picture would be another answer: the agreement is not that of constants.
    other = predict_samples(noise(10), RATE, run)
    assert np.abs(other.frame - found.frame).max() > 2e-3


# The time axis


@pytest.mark.parametrize(
    ("seconds", "starts", "frames"),
    [
        (0.005, [0], 1),
        (0.4, [0], 1),
        (1.49, [0], 1),
        (1.5, [0], 2),
        (9.4, [0], 9),
        (9.6, [0], 10),
        (10, [0], 10),
        (10.4, [0], 10),
        (10.6, [0, 1], 11),
        (20, [0, 10], 20),
        (20.4, [0, 10], 20),
        (34.6, [0, 10, 20, 25], 35),
        (35, [0, 10, 20, 25], 35),
    ],
)
def test_windows_and_frames_of_sounds_of_any_length(learnable, seconds, starts, frames):
    found = predict_samples(noise(seconds), RATE, learnable["attention"], embedding=Levels())
    assert found.seconds == pytest.approx(seconds)
    assert found.start.tolist() == starts
    np.testing.assert_allclose(found.end, [min(start + 10, seconds) for start in starts])
    assert found.clip.shape == (len(starts), 20)
    assert found.frame.shape == found.attention.shape == (frames, 20)
    assert found.time.tolist() == list(range(frames))
    assert ("It is shorter" in " ".join(found.notes)) == (seconds < 9.5)


def test_one_loud_second_is_one_frame_that_differs(learnable):
    silence = predict_samples(np.zeros(35 * RATE), RATE, learnable["attention"], embedding=Levels())
    assert "It is silent." in silence.notes
    for second in (0, 9, 10, 24, 27, 34):
        samples = np.zeros(35 * RATE)
        samples[second * RATE : (second + 1) * RATE] = 0.9
        found = predict_samples(samples, RATE, learnable["attention"], embedding=Levels())
        differs = np.abs(found.frame - silence.frame).max(axis=1) > 1e-6
        assert np.flatnonzero(differs).tolist() == [second]
        touched = (found.start <= second) & (second < found.end)
        np.testing.assert_array_equal(np.abs(found.clip - silence.clip).max(axis=1) > 1e-6, touched)


@pytest.mark.parametrize("hop", [None, 2.0, 3.4, 10.0])
def test_windows_are_predicted_by_themselves_and_frames_are_means_of_theirs(learnable, hop):
    run, samples = learnable["mel"], noise(27.3)
    found = predict_samples(samples, RATE, run, embedding=Levels(), hop=hop)
    step = round(hop or 10)
    assert found.start.tolist() == sorted({*range(0, 18, step), 17})
    score, attention = (np.full((len(found.start), 27, 20), np.nan) for _ in range(2))
    for row, start in enumerate(found.start.astype(int)):
        alone = predict_samples(samples[start * RATE : (start + 10) * RATE], RATE, run, embedding=Levels())
        np.testing.assert_allclose(found.clip[row], alone.clip[0], atol=1e-6)
        np.testing.assert_allclose(alone.attention.sum(axis=0), 1, atol=1e-5)
        score[row, start : start + 10], attention[row, start : start + 10] = alone.frame, alone.attention
    np.testing.assert_allclose(found.frame, np.nanmean(score, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.attention, np.nanmean(attention, axis=0), atol=1e-6)


@pytest.mark.parametrize("hop", [0.0, 0.4, 10.6, -1, float("nan")])
def test_a_hop_that_is_none_or_leaves_gaps_is_refused(learnable, hop):
    with pytest.raises(ExploreError, match="hop must be from 1 s, one frame, to 10 s"):
        predict_samples(noise(2), RATE, learnable["attention"], embedding=Levels(), hop=hop)


@pytest.mark.parametrize(("seconds", "starts"), [(10, [0]), (9.6, [0]), (10.2, [0, 1]), (24, [0, 10, 15])])
def test_an_embedding_that_needs_more_sound_than_its_frames_gets_it(pictures, seconds, starts):
    found = predict_samples(noise(seconds), RATE, pictures[1]["mean"], embedding=Greedy())
    np.testing.assert_allclose(found.start, np.array(starts) * 0.96)
    assert len(found.frame) == starts[-1] + 10
    assert found.frame_length == found.time[1] == pytest.approx(0.96)


def test_a_cnn_s_frames_follow_each_other_while_its_windows_overlap(pictures):
    run = pictures[1]["log_mel"]
    stored = run.frames(run.predictions[0][0])
    span = len(stored.frame) * stored.frame_length
    assert span < 10
    found = predict_samples(noise(31), RATE, run)
    np.testing.assert_allclose(found.start[:3], [0, span, 2 * span])
    np.testing.assert_allclose(np.diff(found.time), stored.frame_length)
    assert found.time[0] == pytest.approx(stored.start)
    assert abs(found.start[-1] + 10 - 31) <= stored.frame_length / 2 + 1e-9
    alone = predict_samples(noise(31)[: 10 * RATE], RATE, run)
    first = len(stored.frame)
    np.testing.assert_allclose(found.frame[:first], alone.frame, atol=1e-6)


def test_a_cnn_s_short_sound_is_filled_up_and_has_no_frames_after_its_end(pictures):
    run = pictures[1]["log_mel"]
    for seconds in (0.005, 3.0):
        found = predict_samples(noise(seconds), RATE, run)
        assert (found.time < seconds).all()
        assert found.frame_start + found.frame_length * len(found.frame) >= seconds
        assert "filled up with silence" in " ".join(found.notes)
        padded = predict_samples(np.pad(noise(seconds), (0, 10 * RATE - round(seconds * RATE))), RATE, run)
        np.testing.assert_allclose(found.clip, padded.clip, atol=1e-6)
        assert describe(found)


# Files


@pytest.mark.parametrize("seconds", [0.005, 40.0])
@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [
        ("a.wav", 44100, 1),
        ("a.wav", 96000, 6),
        ("a.flac", 22050, 2),
        ("a.ogg", 48000, 2),
        ("a.mp3", 44100, 2),
        ("a.wav", 4000, 1),
    ],
)
def test_a_file_of_any_format_rate_and_channels_is_its_mono_samples(
    learnable, tmp_path, monkeypatch, name, rate, channels, seconds
):
    monkeypatch.setattr("openmic_explore.predict.sound.BLOCK", 100_000)  # many blocks, which must join without a seam
    time = np.arange(round(seconds * rate)) / rate
    tones = np.stack([0.3 * np.sin(2 * np.pi * (220 + 110 * n) * time) for n in range(channels)], axis=1)
    with soundfile.SoundFile(tmp_path / name, "w", rate, channels) as file:
        for start in range(0, len(tones), 65536):
            file.write(tones[start : start + 65536])
    run = learnable["attention"]
    found = predict_file(tmp_path / name, run, embedding=Levels())
    same = predict_samples(*read_audio(tmp_path / name), run, embedding=Levels())
    np.testing.assert_array_equal(found.clip, same.clip)
    np.testing.assert_array_equal(found.frame, same.frame)
    assert (found.source, found.rate) == (str(tmp_path / name), rate)
    assert found.seconds == pytest.approx(seconds, abs=0.05)
    assert ("nothing above 2000 Hz" in " ".join(found.notes)) == (rate == 4000)
    if name == "a.wav":
        exact = predict_samples(tones.mean(axis=1), rate, run, embedding=Levels())
        np.testing.assert_allclose(found.clip, exact.clip, atol=1e-3)


@pytest.mark.parametrize(("name", "most"), [("attention-repaired-seed0", 0.05), ("best-repaired-seed0", 0.1)])
def test_the_rate_of_the_same_sound_matters_little(name, most):
    """`best` reads the least of every log-mel band too, which hears what resampling leaves below 8 kHz."""
    run, clips = Runs(SHIPPED)[name], []
    for rate in (16000, 44100, 96000):
        time = np.arange(3 * rate) / rate
        chord = sum(0.2 * np.sin(2 * np.pi * f * time) * np.exp(-2 * (time % 1)) for f in (262, 330, 392, 1046))
        clips.append(predict_samples(chord, rate, run).clip[0])
    assert np.ptp(clips, axis=0).max() < most
    assert np.ptp(clips[0]) > 0.5


def test_no_more_of_a_long_sound_is_read_than_a_window_ahead_of_what_is_done(learnable):
    block, given = RATE, []

    def blocks():
        for number in range(600):
            given.append(number)
            yield noise(1, number)

    sound = Sound("long", RATE, blocks(), 600 * block, 3600)
    kept = 0
    for start in range(0, 590, 10):
        assert sound.has(start, 10)
        assert len(given) <= start + 11
        piece = sound.piece(start, 10)
        kept = max(kept, len(sound._kept))
        np.testing.assert_array_equal(piece[:RATE], noise(1, start))
    assert kept <= 11 * RATE
    shares = []
    found = predict_samples(
        noise(600), RATE, learnable["attention"], embedding=Levels(), on_window=lambda share: shares.append(share)
    )
    assert len(shares) == len(found.clip) == 60
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def wav(path, rate, seconds=1.0):
    """A wav file that claims a rate."""
    soundfile.write(path, np.full(round(seconds * 8000), 0.1), 8000)
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", rate)
    path.write_bytes(content)


def bad_files(folder):
    """Files that cannot be predicted, each with words of its error."""
    (folder / "empty.ogg").write_bytes(b"")
    (folder / "text.mp3").write_text("no sound " * 500)
    (folder / "plain.raw").write_bytes(b"0123" * 100)
    (folder / "folder.wav").mkdir()
    soundfile.write(folder / "none.wav", np.zeros(0), 44100)
    soundfile.write(folder / "nan.wav", np.full(8000, np.nan), 8000, subtype="FLOAT")
    soundfile.write(folder / "loud.wav", np.full(8000, 3e4), 8000, subtype="FLOAT")
    soundfile.write(folder / "long.wav", np.zeros(8000 * 61), 8000)
    soundfile.write(folder / "whole.flac", noise(20), 8000)
    (folder / "cut.flac").write_bytes((folder / "whole.flac").read_bytes()[:50000])
    wav(folder / "zero.wav", 0)
    wav(folder / "slow.wav", 3)
    wav(folder / "fast.wav", 2**31 - 1)
    return {
        "nowhere.wav": "There is no audio file",
        "empty.ogg": "could not be decoded",
        "text.mp3": "could not be decoded",
        "plain.raw": "could not be decoded",
        "folder.wav": "is a folder",
        "none.wav": "has no samples",
        "nan.wav": "damaged or in another unit",
        "loud.wav": "samples of 30000",
        "long.wav": "1.0 minutes long, and 0.5 are allowed",
        "cut.flac": "could not be decoded",
        "zero.wav": "could not be decoded",
        "slow.wav": "3 samples a second",
        "fast.wav": "2,147,483,647 samples a second",
    }


def test_bad_files_are_named_in_a_line_each_and_the_others_done(tmp_path, capfd):
    expected = bad_files(tmp_path)
    soundfile.write(tmp_path / "good.wav", noise(2), 8000)
    names = [*list(expected)[:5], "good.wav", *list(expected)[5:], "good.wav"]
    status = main(["predict", *(str(tmp_path / name) for name in names), "--json", "--limit", "0.5"])
    out, err = capfd.readouterr()
    assert status == 1
    assert [json.loads(line)["file"] for line in out.splitlines()] == [str(tmp_path / "good.wav")] * 2
    lines = [line for line in err.splitlines() if line.startswith("openmic-explore: ")]
    assert len(lines) == len(expected)
    for line, (name, words) in zip(lines, expected.items(), strict=True):
        assert name in line
        assert words in line
    assert "Traceback" not in err


def test_a_file_that_was_cut_off_says_so(tmp_path, learnable):
    soundfile.write(tmp_path / "whole.mp3", noise(12), RATE)
    (tmp_path / "cut.mp3").write_bytes((tmp_path / "whole.mp3").read_bytes()[:20000])
    found = predict_file(tmp_path / "cut.mp3", learnable["attention"], embedding=Levels())
    assert 1 < found.seconds < 11
    assert "It is cut off: it should have 12.0 s." in found.notes


# Which run, which embedding


def test_the_default_run_is_chosen_by_its_validation_clips():
    run = best_run()
    values = {}
    for each in Runs(SHIPPED):
        if each.info["embedding"].startswith("musicnn-mtt-pca128") and each.keeps_model and each.config.own_labels:
            history = each.history.set_index("epoch")
            values[each.name] = history.validation_average_precision[each.info["epoch"]]
    assert values[run.name] == max(values.values())
    # Without the one that is first on both, validation and test clips choose differently.
    others = [each for each in Runs(SHIPPED) if each.name in values and each.name != run.name]
    on_test = max(others, key=lambda each: each.info["means"]["average_precision"])
    assert best_run(others).name == max(values.keys() - {run.name}, key=values.get) != on_test.name


def test_runs_of_several_data_sets_and_baselines_are_not_chosen_among(learnable, pictures):
    with pytest.raises(ExploreError, match="several data sets"):
        best_run([learnable["mel"], pictures[1]["mean"]])
    with pytest.raises(ExploreError, match="no run with a network"):
        best_run([learnable["majority"]])
    assert best_run(learnable).name in ("attention", "mel")


def test_runs_given_other_labels_or_kept_without_their_model_are_not_chosen(learnable, tmp_path):
    """Where all cells are known, so are those of the validation clips: their scores do not compare."""
    data = OpenMIC(write_learnable(tmp_path / "data"))
    for config in (TrainConfig("mean", epochs=1, known=1.0), TrainConfig("mean", epochs=1, unknown="absent")):
        train(config, data, runs=tmp_path / "runs", progress=False)
    pack(learnable["attention"], tmp_path / "runs", data, whole=False)
    with pytest.raises(ExploreError, match="no run with a network"):
        best_run(Runs(tmp_path / "runs"))


def test_a_baseline_keeps_no_model(learnable):
    for embedding in (None, Levels()):
        with pytest.raises(ExploreError, match="majority is a baseline"):
            predict_samples(noise(1), RATE, learnable["majority"], embedding=embedding)


OWN = """
from tests.test_predict import Levels

class Other(Levels):
    name = "other"

class Wide(Levels):
    dimension = 64

class Broken(Levels):
    def __call__(self, samples, rate=8000):
        raise ZeroDivisionError("my own mistake")
"""


def test_the_embedding_must_be_the_run_s(learnable, pictures, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    place, run = f"{tmp_path / 'own.py'}:", learnable["attention"]
    assert run_embedding(run, f"{place}Levels").name == "made-up"
    with pytest.raises(ExploreError, match=r"made-up, which is not one of the package's.*--embedding FILE.py:NAME"):
        run_embedding(run)
    with pytest.raises(ExploreError, match="trained on the embedding made-up, not on other"):
        run_embedding(run, f"{place}Other")
    with pytest.raises(ExploreError, match="trained on the embedding made-up, not on musicnn"):
        run_embedding(run, "musicnn")
    with pytest.raises(ExploreError, match=r"64 numbers for every 1\.0 s"):
        run_embedding(run, f"{place}Wide")
    with pytest.raises(ExploreError, match="reads pictures"):
        run_embedding(pictures[1]["scalogram"], "musicnn")
    assert run_embedding(pictures[1]["scalogram"]) is None
    with pytest.raises(ExploreError, match="vggish"):
        run_embedding(pictures[1]["mean"], weights=tmp_path / "nowhere")
    with pytest.raises(ExploreError, match="my own mistake"):
        predict_samples(noise(1), RATE, run, embedding=run_embedding(run, f"{place}Broken"))


# Text and JSON


def test_json_holds_every_number_and_names_run_and_embedding(learnable, tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN)
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(12.5), RATE, subtype="FLOAT")
    arguments = ["predict", str(path), "--json", "--run", "mel", "--runs", str(learnable["mel"].path.parent)]
    assert main([*arguments, "--embedding", f"{tmp_path / 'own.py'}:Levels", "--threshold", "0.3", "--top", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    read = json.loads(out)
    found = predict_file(path, learnable["mel"], embedding=Levels(), threshold=0.3)
    assert (read["run"], read["model"], read["preset"]) == ("mel", "mel", "repaired")
    assert (read["data"], read["embedding"], read["threshold"]) == ("learnable", "made-up", 0.3)
    assert [(window["start"], window["end"]) for window in read["windows"]] == [(0, 10), (3, 12.5)]
    for row, window in enumerate(read["windows"]):
        assert list(window["probability"]) == list(found.instruments)
        np.testing.assert_allclose(list(window["probability"].values()), found.clip[row], atol=6e-6)
        order = np.argsort(-found.clip[row])[: min(2, int((found.clip[row] >= 0.3).sum()))]
        assert window["heard"] == [found.instruments[k] for k in order]
    frames = read["frames"]
    np.testing.assert_allclose(frames["start"], found.time)
    np.testing.assert_allclose(np.array(list(frames["score"].values())).T, found.frame, atol=6e-6)
    np.testing.assert_allclose(np.array(list(frames["attention"].values())).T, found.attention, atol=6e-6)


def made(frame, clip, **changes):
    """A prediction of two instruments."""
    values = {
        "source": "song.wav", "seconds": 3.2, "rate": 8000, "run": "r", "model": "m", "preset": "p", "data": "d",
        "embedding": "e", "about": "about", "window": 3.0, "start": np.zeros(1), "clip": np.array(clip, np.float32),
        "frame_start": 0.0, "frame_length": 1.0, "frame": np.array(frame, np.float32), "attention": np.zeros((3, 2)),
        "instruments": ("organ", "viola"),
    }  # fmt: skip
    return Prediction(**{**values, **changes})


def test_text_has_windows_marks_and_notes():
    found = made([[0.6, 0.1], [0.3, 0.9], [0.1, 0.5]], [[0.7, 0.95]], notes=("It is made up.",))
    lines = describe(found).splitlines()
    assert lines[0] == "song.wav: 3.20 s at 8000 Hz"
    assert lines[1] == "  note: It is made up."
    assert lines[3].split() == ["0:00.0", "0:03.0", "viola", "0.95,", "organ", "0.70"]
    assert [line.strip() for line in lines[-2:]] == ["organ |#+. |", "viola |.## |"]
    only = describe(found, top=1)
    assert "organ" not in only
    assert describe(made([[0.6, 0.1]] * 3, [[0.1, 0.2]])).splitlines()[-1].split() == ["0:00.0", "0:03.0", "-"]


def test_scores_by_the_second_are_weighted_by_overlap():
    # Frames of .5 s from .5 s on: second 0 has the first one only, second 1 the mean of two.
    found = made([[0.2, 1.0], [0.4, 0.0], [0.6, 0.5]], [[0.7, 0.9]], frame_start=0.5, frame_length=0.5)
    np.testing.assert_allclose(found.by_second(), [[0.2, 1.0], [0.5, 0.25], [np.nan] * 2, [np.nan] * 2], atol=1e-6)


def test_a_long_time_line_has_a_row_a_minute():
    lines = describe(made(np.full((125, 2), 0.8), [[0.7, 0.1]], seconds=125.0)).splitlines()
    assert [line.strip() for line in lines if line.strip() in ("0:00", "1:00", "2:00")] == ["0:00", "1:00", "2:00"]
    assert lines[-1].strip() == "organ |#####|"


def test_the_command_says_which_run_and_what_it_learned_from(tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", noise(2), RATE)
    assert main(["predict", str(tmp_path / "a.wav"), "--top", "3"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    first = out.splitlines()[0]
    for words in (best_run().name, "musicnn-mtt-pca128", "teaching set", "validation"):
        assert words in first
    for option in (["--top", "0"], ["--threshold", "1.5"], ["--run", "nothing"]):
        assert main(["predict", str(tmp_path / "a.wav"), *option]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
