"""bfloat16 with channels last beside float32, and the probe that chooses."""

import json

import numpy as np
import pytest
import torch

from openmic_explore import TrainConfig, train
from openmic_explore.evaluation import majority, means, score
from openmic_explore.training import precision
from tests.training.pictures import write_pictures

CPU = torch.device("cpu")
SEEDS = 4


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures") / "data")


def test_bfloat16_changes_the_scores_by_less_than_another_seed_does(pictures, tmp_path):
    measures = ["average_precision", "f1_macro"]
    scores = {}
    for kind in ("fp32", "bf16"):
        for seed in range(SEEDS):
            config = TrainConfig("cnn", seed=seed, epochs=12, learning_rate=5e-3, precision=kind)
            run = train(config, pictures, runs=tmp_path, progress=False)
            assert run.info["precision"] == kind
            scores.setdefault(kind, []).append([run.info["means"][measure] for measure in measures])
    fitting, test = pictures.split("train"), pictures.split("test")
    constant = np.tile(majority(pictures.relevance[fitting], pictures.mask[fitting]), (len(test), 1))
    floor = means(score(pictures.relevance[test], pictures.mask[test], constant))
    for column, measure in enumerate(measures):
        fp32, bf16 = (np.array(scores[kind])[:, column] for kind in ("fp32", "bf16"))
        assert min(fp32.min(), bf16.min()) > floor[measure] + 0.1, "nothing was learned that could be compared"
        change, spread = abs(fp32.mean() - bf16.mean()), max(np.ptp(fp32), np.ptp(bf16))
        assert change < spread, f"{measure}: fp32 {fp32.round(3)}, bf16 {bf16.round(3)}: {change:.4f} and {spread:.4f}"


def test_the_probe_answers_and_leaves_the_random_state_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    assert precision.probe("cnn-reduced", CPU) in ("fp32", "bf16")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("ratio", "answer"), [(1.0, "fp32"), (1.1, "fp32"), (3.0, "bf16")])
def test_the_probe_takes_bfloat16_only_where_it_is_worth_it(ratio, answer, monkeypatch):
    """By a clock that runs `ratio` times faster in float32."""
    now, step = [0.0], iter([ratio, 1.0] * 100)

    def clock():
        started = len(now) % 2
        now.append(now[-1] + (next(step) if not started else 0.0))
        return now[-1]

    monkeypatch.setattr(precision.time, "perf_counter", clock)
    assert precision.probe("cnn-reduced", CPU) == answer


def test_auto_is_settled_once_for_each_model(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path))
    answers, asked = iter(["bf16", "fp32"]), []
    monkeypatch.setattr(precision, "probe", lambda model, device: asked.append(model) or next(answers))
    for _ in range(2):
        assert precision.resolve_precision(TrainConfig("cnn"), CPU) == "bf16"
        assert precision.resolve_precision(TrainConfig("cnn", "published", epochs=3), CPU) == "bf16"
        assert precision.resolve_precision(TrainConfig("cnn-reduced"), CPU) == "fp32"
    assert asked == ["cnn", "cnn-reduced"]
    assert sorted(json.loads((tmp_path / "precision.json").read_text()).values()) == ["bf16", "fp32"]


@pytest.mark.parametrize("content", ["", "[1]", "3", '{"cnn": "fp64"}', "\0"])
def test_a_damaged_memory_of_the_probe_is_written_anew(content, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENMIC_EXPLORE_CACHE", str(tmp_path))
    (tmp_path / "precision.json").write_text(content)
    monkeypatch.setattr(precision, "probe", lambda *_: "bf16")
    assert precision.resolve_precision(TrainConfig("cnn"), CPU) == "bf16"
    assert "bf16" in json.loads((tmp_path / "precision.json").read_text()).values()


def test_embedding_models_and_what_is_named_need_no_probe(monkeypatch):
    monkeypatch.setattr(precision, "probe", lambda *_: pytest.fail("probed"))
    for model in ("mel", "mel-3", "attention", "mean", "max"):
        assert precision.resolve_precision(TrainConfig(model), CPU) == "fp32"
    for kind in ("fp32", "bf16"):
        assert precision.resolve_precision(TrainConfig("cnn", precision=kind), CPU) == kind
