"""Guesses in place of missing labels, altered versions, averaged weights and a falling rate."""

import copy
import itertools

import numpy as np
import pytest
import torch

from openmic_explore import ExploreError, OpenMIC, TrainConfig, train
from openmic_explore.training import fit as fit_module
from openmic_explore.training.averaged import RISE, Averaged, set_rate
from openmic_explore.training.fit import _batches
from openmic_explore.training.inputs import Batch, load, load_versions
from openmic_explore.training.self_training import deal, with_guesses
from tests.learnable import write_learnable

BEST = {"features": "embedding", "versions": 0, "epochs": 4, "options": {"members": 2, "width": 32}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return OpenMIC(write_learnable(tmp_path_factory.mktemp("self") / "data", labels=0.2))


def batch(clips=6, instruments=3):
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(clips, instruments, generator=generator) < 0.5
    relevance = (torch.rand(clips, instruments, generator=generator) < 0.5).float() * mask
    return Batch(torch.arange(clips, dtype=torch.uint8)[:, None, None].expand(clips, 2, 4), relevance, mask)


def test_groups_are_dealt_whole_and_evenly():
    groups = np.repeat(["a", "b", "c", "d", "e"], [10, 6, 5, 3, 2])
    parts = deal(groups)
    assert all(len(set(parts[groups == name])) == 1 for name in "abcde")
    assert np.bincount(parts).tolist() == [10, 8, 8]
    assert np.bincount(deal(np.array(["x", "y", "y"]))).tolist() == [2, 1]
    with pytest.raises(ExploreError, match="at least two artists"):
        deal(np.array(["x", "x"]))


def test_labels_stay_and_guesses_count_their_weight():
    clips, groups = batch(), np.array(list("aabbcc"))
    asked = []

    def told(part, rows, tell):
        asked.append((rows.tolist(), tell.tolist()))
        return torch.full((len(tell), 3), 0.1 * (part + 1))

    found = with_guesses(clips, groups, 0.25, told)
    assert sorted(row for _, tell in asked for row in tell) == [0, 1, 2, 3, 4, 5]
    for rows, tell in asked:
        assert not set(groups[rows]) & set(groups[tell])
        assert sorted(rows + tell) == [0, 1, 2, 3, 4, 5]
    known = clips.mask
    torch.testing.assert_close(found.relevance[known], clips.relevance[known])
    torch.testing.assert_close(found.mask, torch.where(known, 1.0, 0.25).float())
    guesses = torch.tensor([0.1 * (part + 1) for part in deal(groups)]).float()[:, None].expand(6, 3)
    torch.testing.assert_close(found.relevance[~known], guesses[~known])


def test_half_of_the_clips_come_as_they_are_and_the_others_in_one_of_their_versions():
    clips = batch(clips=60)
    versions = [clips.features + 100, clips.features + 190]
    order = torch.Generator().manual_seed(3)
    seen = torch.zeros(3)
    for _ in range(60):
        for part in _batches(clips, 32, order, versions):
            value = part.features[:, 0, 0].long()
            version = (value >= 100).long() + (value >= 190).long()
            rows = value - torch.tensor([0, 100, 190])[version]
            torch.testing.assert_close(part.relevance, clips.relevance[rows])
            seen += torch.bincount(version, minlength=3)
    share = (seen / seen.sum()).numpy()
    assert share == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


def test_the_average_forgets_its_beginning_and_follows_slowly():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    averaged, expected = Averaged(model, 0.9), copy.deepcopy(model.state_dict())
    for step in range(1, 60):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
        model(torch.randn(8, 2))  # moves batch norm's statistics
        averaged.update(model, step)
        share = min(0.9, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected[name] = share * expected[name] + (1 - share) * value
            else:
                expected[name] = value
    for name, value in averaged.model.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert not averaged.model.training


def test_the_rate_rises_and_falls():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rates = []
    for step in range(401):
        set_rate(optimiser, 0.2, step / 20, 20)
        rates.append(optimiser.param_groups[0]["lr"])
    top = int(np.argmax(rates))
    assert top / 400 == pytest.approx(RISE, abs=0.005)
    assert max(rates) == pytest.approx(0.2, rel=0.01)
    assert all(a < b for a, b in itertools.pairwise(rates[:top]))
    assert all(a > b for a, b in itertools.pairwise(rates[top:]))
    assert rates[200] == pytest.approx(0.1, rel=1e-6)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_the_best_model_learns_and_keeps_its_average(data, tmp_path):
    run = train(TrainConfig("best", **BEST | {"epochs": 20}), data, runs=tmp_path, progress=False)
    assert run.info["epoch"] == 20
    assert run.info["means_truth"]["average_precision"] > data.truth[data.split("test")].mean() + 0.15
    output = fit_module.predict(run.model(), load(data, run.config, data.split("test")).features)
    np.testing.assert_allclose(output.clip, run.predictions[1], atol=1e-4)


@pytest.mark.parametrize("stage", [2, 5])
def test_cut_off_anywhere_it_ends_the_same(data, tmp_path, monkeypatch, stage):
    """Among the first network's epochs, or after it: the state has weights, their average and the guesses' networks."""
    config = TrainConfig("best", **BEST)
    whole = train(config, data, runs=tmp_path / "whole", progress=False)
    monkeypatch.setattr(fit_module, "KEEP_EVERY", 0.0)
    count, original = 0, fit_module._measures

    def cut(*arguments):
        nonlocal count
        count += 1
        if count == stage:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(fit_module, "_measures", cut)
    with pytest.raises(KeyboardInterrupt):
        train(config, data, runs=tmp_path / "cut", progress=False)
    resumed = train(config, data, runs=tmp_path / "cut", progress=False)
    for name in ("weights.safetensors", "predictions.npz"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes()
    assert [path.name for path in (tmp_path / "cut").iterdir()] == [whole.name]


def test_versions_are_read_and_their_absence_is_told(data, tmp_path):
    data = OpenMIC(write_learnable(tmp_path / "data"))
    config, rows = TrainConfig("mean", versions=1), data.split("train")
    with pytest.raises(ExploreError, match=r"features .* --only embedding --embedding made-up --versions 1"):
        load_versions(data, config, rows)
    write_version(data, rows)
    (found,) = load_versions(data, config, rows)
    np.testing.assert_array_equal(found.numpy(), 255 - np.asarray(data.embedding[rows]))
    run = train(TrainConfig("mean", versions=1, epochs=2), data, runs=tmp_path / "runs", progress=False)
    other = train(TrainConfig("mean", epochs=2), data, runs=tmp_path / "runs", progress=False)
    assert (run.predictions[1] != other.predictions[1]).any()


def write_version(data, rows):
    """A first altered version: the negative of each clip's embedding."""
    import json

    folder = data.path / "features" / "made-up.1"
    folder.mkdir(parents=True)
    keys = [str(key) for key in data.keys[rows]]
    np.save(folder / "values.npy", 255 - np.asarray(data.embedding[rows]))
    (folder / "index.json").write_text(
        json.dumps({"format": 1, "keys": keys, "shape": [10, 128], "parameters": {}, "left_out": {}})
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"averaging": 1.0}, "averaging must be at least 0 and below 1"),
        ({"self_training": -0.1}, "self_training must be"),
        ({"versions": -1}, "versions must be a whole number of at least 0"),
        ({"schedule": "linear"}, "schedule must be one of constant, cosine"),
        ({"model": "best", "preset": "published"}, "no model 'best' in preset 'published'"),
    ],
)
def test_bad_values_are_refused(values, words):
    with pytest.raises(ExploreError, match=words):
        TrainConfig(**values)
