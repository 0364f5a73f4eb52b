"""musicnn's port against TensorFlow's numbers, against the definition in plain NumPy, and by its properties."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.signal import correlate

from openmic_explore.errors import ExploreError
from openmic_explore.transforms import musicnn
from openmic_explore.transforms.musicnn import MusicnnEmbedding, log_mel_patches, network, provenance
from openmic_explore.transforms.pca import fit_pca

RATE = 16000

# From TensorFlow 2.21 (tf_keras for the version-1 layers), the wheel's own models.py and its checkpoint, in
# inference mode, fed with librosa's log-mel (pad_mode="reflect", float32) of arpeggio(): three patches of 187
# frames, from frames 0, 187, 374.
TENSORFLOW_TAGS = (
    {
        "slow": 0.415153,
        "piano": 0.332658,
        "guitar": 0.198691,
        "solo": 0.145106,
        "classical": 0.121377,
        "quiet": 0.075904,
    },
    {
        "piano": 0.355452,
        "slow": 0.273884,
        "classical": 0.248659,
        "solo": 0.242065,
        "strings": 0.2387,
        "violin": 0.108587,
    },
    {
        "slow": 0.438869,
        "piano": 0.378499,
        "classical": 0.364606,
        "strings": 0.294089,
        "guitar": 0.182076,
        "solo": 0.139371,
    },
)
TENSORFLOW_TAG_SUMS = (1.7203965, 1.8155628, 2.4616723)
TENSORFLOW_PENULTIMATE_SUMS = (42.213997, 60.821182, 48.068424)
# The same for the 62 frames from frame 250 on, the fifth second: some of the 753 pooled features.
COLUMNS = [203, 204, 520, 624, 688, 700, 752]
TENSORFLOW_MAX = [2.8645496, 6.728801, 11.923787, 0.09596986, -0.2577019, 4.186082, 5.331125]
TENSORFLOW_MEAN = [1.512408, 4.620577, 2.7613242, -0.4466276, -0.8002994, 1.3504214, 0.8048702]


def arpeggio() -> np.ndarray:
    """Ten seconds at 16 kHz, (160000,) float32: six struck notes of eight harmonics, that ring on."""
    time = np.arange(10 * RATE) / RATE
    signal = np.zeros(time.size)
    for frequency, onset in [
        (220.0, 0.3),
        (277.18, 1.7),
        (329.63, 3.1),
        (440.0, 4.6),
        (110.0, 6.2),
        (523.25, 7.9),
    ]:
        since = np.clip(time - onset, 0, None)
        envelope = np.where(time >= onset, (1 - np.exp(-60 * since)) * np.exp(-1.2 * since), 0)
        for harmonic in range(1, 9):
            signal += 0.12 * envelope * np.sin(2 * np.pi * frequency * harmonic * time) / harmonic
    return signal.astype(np.float32)


def definition(patch: np.ndarray) -> np.ndarray:
    """Pooled features (1506,) of a log-mel patch (frames, 96), filter by filter in float64, from the published definition."""
    weights = {name: values.astype(np.float64) for name, values in load_file(musicnn.WEIGHTS).items()}

    def normalise(values: np.ndarray, layer: str, i: int) -> np.ndarray:
        gamma, beta, mean, variance = (
            weights[f"{layer}.norm.{part}"][i] for part in ("gamma", "beta", "mean", "variance")
        )
        return gamma * (values - mean) / np.sqrt(variance + 0.001) + beta

    def layer_outputs(padded: np.ndarray, layer: str) -> list[np.ndarray]:
        outputs = []
        for i, kernel in enumerate(weights[f"{layer}.kernel"]):
            response = correlate(padded, kernel, mode="valid")  # (frames, places on the bands)
            active = np.maximum(response + weights[f"{layer}.bias"][i], 0)
            outputs.append(normalise(active, layer, i).max(axis=1))
        return outputs

    patch = normalise(patch.astype(np.float64), "input", 0)
    front = []
    for layer, frames in {
        "timbral_38": 7,
        "timbral_67": 7,
        "temporal_128": 128,
        "temporal_64": 64,
        "temporal_32": 32,
    }.items():
        before = (frames - 1) // 2  # "same" padding puts the odd zero behind
        front += layer_outputs(np.pad(patch, ((before, frames - 1 - before), (0, 0))), layer)
    maps = [np.stack(front, axis=1)]  # (frames, 561)
    for layer in ("middle_1", "middle_2", "middle_3"):
        output = np.stack(layer_outputs(np.pad(maps[-1], ((3, 3), (0, 0))), layer), axis=1)
        maps.append(output if layer == "middle_1" else output + maps[-1])
    features = np.concatenate(maps, axis=1)
    return np.concatenate([features.max(axis=0), features.mean(axis=0)])


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return MusicnnEmbedding().features(arpeggio())


@pytest.mark.parametrize("frames", [62, 29])
def test_pooled_features_follow_the_definition_on_noise(frames):
    patch = np.random.default_rng(frames).uniform(0, 4, (frames, 96)).astype(np.float32)
    assert np.abs(network().pooled(patch[None])[0] - definition(patch)).max() < 1e-4


def test_pooled_features_follow_the_definition_on_music(features):
    patch = log_mel_patches(arpeggio(), np.array([313]), 62)[0]  # the sixth second: 5 x 62.5, rounded up
    assert np.abs(features[5] - definition(patch)).max() < 1e-4


def test_tags_agree_with_tensorflow():
    patches = log_mel_patches(arpeggio(), np.array([0, 187, 374]), 187)
    pooled = network().pooled(patches)
    tags = network().tags(pooled)
    names = provenance()["tags"]
    assert tags.shape == (3, 50)
    assert len(names) == 50
    for found, expected in zip(tags, TENSORFLOW_TAGS, strict=True):
        assert [names[i] for i in np.argsort(-found)[:6]] == list(expected)
        assert np.sort(found)[::-1][:6] == pytest.approx(list(expected.values()), abs=5e-6)
    assert tags.sum(axis=1) == pytest.approx(TENSORFLOW_TAG_SUMS, abs=2e-5)
    assert network().penultimate(pooled).sum(axis=1) == pytest.approx(TENSORFLOW_PENULTIMATE_SUMS, abs=5e-4)


def test_features_of_a_second_agree_with_tensorflow(features):
    assert features[4, COLUMNS] == pytest.approx(TENSORFLOW_MAX, abs=1e-4)
    assert features[4, np.add(COLUMNS, 753)] == pytest.approx(TENSORFLOW_MEAN, abs=1e-4)


def test_log_mel_agrees_with_librosa():
    import librosa

    noise = np.random.default_rng(0).normal(0, 0.2, 5000).astype(np.float32)
    power = librosa.feature.melspectrogram(y=noise, sr=RATE, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect")
    expected = np.log10(10000 * power.astype(np.float64) + 1).T
    found = log_mel_patches(noise, np.array([0]), 20)[0]
    assert found.shape == expected.shape == (20, 96)
    assert np.abs(found - expected).max() < 1e-5


def test_mel_weights_are_those_of_librosa():
    import librosa

    expected = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=96, dtype=np.float64).T
    assert np.abs(musicnn.mel_weights() - expected).max() < 1e-14
    assert musicnn.mel_weights().max() > 0.01


def test_a_loud_sound_does_not_overflow():
    loud = np.sign(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))
    assert (
        10.0 ** log_mel_patches(loud, np.array([0]), 62).max() > 65504
    )  # beyond float16, where musicnn's own extractor stops
    assert np.isfinite(MusicnnEmbedding().features(loud)).all()


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(1, 1), (7999, 1), (23999, 1), (24000, 2), (159_840, 10), (160_000, 10), (167_999, 10), (168_000, 11)],
)
def test_one_frame_for_every_second(samples, frames):
    assert musicnn.seconds_in(samples) == frames
    if samples <= 24000:
        assert MusicnnEmbedding().features(np.full(samples, 0.1, np.float32)).shape == (frames, 1506)


def test_a_second_depends_on_itself_alone(features):
    changed = arpeggio()
    changed[3 * RATE + 300 : 4 * RATE - 400] = 0  # stay clear of the half window that neighbours share
    difference = np.abs(MusicnnEmbedding().features(changed) - features).max(axis=1)
    assert difference[3] > 1
    assert np.delete(difference, 3).max() < 1e-4


def test_a_second_does_not_depend_on_its_batch(features):
    longer = MusicnnEmbedding().features(np.concatenate([arpeggio(), arpeggio()[: 3 * RATE]]))
    assert longer.shape == (13, 1506)
    assert np.abs(longer[:9] - features[:9]).max() < 1e-4  # the tenth second's last window reaches over the end
    patches = log_mel_patches(arpeggio(), np.array([0, 63, 125]), 62)
    alone = np.concatenate([network().pooled(patch[None]) for patch in patches])
    assert np.abs(network().pooled(patches) - alone).max() < 1e-4


def test_the_same_sound_has_the_same_features(features):
    assert np.array_equal(MusicnnEmbedding().features(arpeggio()), features)


def test_silence_is_finite_and_the_same_every_second():
    silence = MusicnnEmbedding().features(np.zeros(3 * RATE, np.float32))
    assert np.isfinite(silence).all()
    assert np.ptp(silence, axis=0).max() < 1e-5


def test_another_rate_is_resampled():
    time = np.arange(2 * 44100) / 44100
    high = MusicnnEmbedding().features(np.sin(2 * np.pi * 440 * time).astype(np.float32), 44100)
    low = MusicnnEmbedding().features(np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32))
    assert high.shape == (2, 1506)
    assert np.corrcoef(high[1], low[1])[0, 1] > 0.999
    assert np.corrcoef(high[1], features_at_wrong_rate(time)[1])[0, 1] < 0.999


def features_at_wrong_rate(time: np.ndarray) -> np.ndarray:
    """Those of the same tone when its rate is ignored, to show that the comparison above can fail."""
    return MusicnnEmbedding().features(np.sin(2 * np.pi * 440 * time).astype(np.float32), RATE)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(0, np.float32), RATE, "empty"),
        (np.array([0.0, np.nan]), RATE, "not finite"),
        (np.zeros((2, RATE), np.float32), RATE, "mono"),
        (np.zeros(RATE, np.float32), 0, "rate must be at least 1 Hz, not 0"),
    ],
)
def test_bad_sound_is_refused_in_plain_words(samples, rate, message):
    with pytest.raises(ExploreError, match=message):
        MusicnnEmbedding().features(samples, rate)


def test_embedding_is_the_projection_of_the_features(features):
    pca = fit_pca(
        np.concatenate(
            [features, *(features + shift for shift in np.random.default_rng(0).normal(0, 1, (20, 1, 1506)))]
        )
    )
    embedding = MusicnnEmbedding(pca)
    found = embedding(arpeggio())
    assert found.dtype == np.uint8
    assert found.shape == (10, embedding.dimension) == (10, 128)
    assert np.array_equal(found, embedding.project(features))
    assert len(np.unique(found[:, 0])) > 1


def test_embedding_travels_to_workers_light():
    embedding = MusicnnEmbedding()
    second = arpeggio()[:RATE]
    found = embedding(second)
    packed = pickle.dumps(embedding)
    assert len(packed) < 1000
    assert np.array_equal(pickle.loads(packed)(second), found)


def test_a_missing_projection_names_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(musicnn, "PROJECTION", tmp_path / "none.safetensors")
    with pytest.raises(ExploreError, match="openmic-explore fit-embedding DATA"):
        MusicnnEmbedding()(np.zeros(RATE, np.float32))


def test_damaged_weights_are_told(monkeypatch, tmp_path):
    damaged = tmp_path / "musicnn_mtt.safetensors"
    damaged.write_bytes(musicnn.WEIGHTS.read_bytes()[:1000])
    monkeypatch.setattr(musicnn, "WEIGHTS", damaged)
    musicnn.network.cache_clear()
    try:
        with pytest.raises(ExploreError, match="missing or damaged"):
            network()
    finally:
        musicnn.network.cache_clear()


def test_import_is_cheap():
    code = "import sys, openmic_explore.transforms.musicnn; print(sorted({'torch', 'librosa', 'scipy', 'soxr'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
