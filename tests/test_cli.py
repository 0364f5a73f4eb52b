"""The command as a person types it."""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from openmic_explore import OpenMIC, Runs, TrainConfig
from openmic_explore.cli import STATUSES, _parser, main
from tests.learnable import write_learnable
from tests.notes import write_bank


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_learnable(tmp_path_factory.mktemp("cli") / "data")


def test_train_writes_a_run_with_the_given_settings(folder, tmp_path, capsys):
    runs = tmp_path / "runs"
    arguments = ["train", "--data", str(folder), "--runs", str(runs), "--model", "attention", "--epochs", "2"]
    assert main([*arguments, "--learning-rate", "0.01", "--seed", "3", "--name", "mine"]) == 0
    run = Runs(runs)["mine"]
    config = run.config
    assert (config.model, config.epochs, config.learning_rate, config.seed) == ("attention", 2, 0.01, 3)
    assert f"{run.info['means']['f1_macro']:.3f}".rstrip("0") in capsys.readouterr().out
    assert main([*arguments, "--name", "mine"]) == 1
    assert "exists already" in capsys.readouterr().err


def test_every_setting_has_an_option_and_stands_in_config_json(tmp_path, capsys):
    from tests.training.pictures import write_pictures
    from tests.training.test_config import OTHER as ALL

    OTHER = ALL | {"versions": 0}
    write_pictures(tmp_path / "data", kind="log_mel")
    arguments = ["train", "--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    for name, value in OTHER.items():
        if name == "options":
            arguments += [f"--option={key}={json.dumps(setting)}" for key, setting in value.items()]
        elif name == "augment":
            arguments += [f"--augment={kind}" for kind in value]
        else:
            arguments += [f"--{name.replace('_', '-')}", str(value)]
    assert main(arguments) == 0
    (run,) = Runs(tmp_path / "runs")
    stored = json.loads((run.path / "config.json").read_text())
    assert stored == OTHER | {"augment": list(OTHER["augment"])}
    assert run.config == TrainConfig(**OTHER)
    assert "data: learnable, input: log_mel" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=true", True), ("a=3", 3), ("a=.5", 0.5), ("a=1e-3", 0.001), ("a=logit", "logit"), ("a=x=y", "x=y")],
)
def test_an_option_s_value_is_read_as_what_it_looks_like(text, value):
    from openmic_explore.cli_runs import _setting

    name, found = _setting(text)
    assert (name, found, type(found)) == ("a", value, type(value))


def test_runs_as_json_and_as_a_table(folder, tmp_path, capsys):
    runs = tmp_path / "runs"
    arguments = ["train", "--data", str(folder), "--runs", str(runs)]
    assert main([*arguments, "--model", "majority"]) == 0
    assert main([*arguments, "--model", "mean", "--epochs", "1"]) == 0
    (runs / "half").mkdir()
    shutil.copytree(runs / "majority-published-seed0", runs / "bad")
    (runs / "bad" / "run.json").write_text("{")
    capsys.readouterr()
    assert main(["runs", str(runs), "--json"]) == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    assert [line["run"] for line in lines] == ["majority-published-seed0", "mean-repaired-epochs=1-seed0"]
    assert lines[1]["config"]["epochs"] == 1
    assert lines[1]["fingerprint"] == OpenMIC(folder).fingerprint
    assert f"left out, unfinished: {runs / 'half'}" in err
    assert f"left out: {runs / 'bad' / 'run.json'} is missing or damaged" in err
    assert main(["runs", str(runs), "--model", "mean"]) == 0
    table = capsys.readouterr().out
    assert "mean-repaired-epochs=1-seed0" in table
    assert "majority" not in table
    assert main(["runs", str(runs), "--preset", "published"]) == 0
    assert "majority" in capsys.readouterr().out
    assert main(["runs", str(runs), "--model", "cnn"]) == 0
    assert "There are no such runs" in capsys.readouterr().out


def test_train_and_reproduce_as_json(folder, tmp_path, capsys, monkeypatch):
    from openmic_explore.experiments import EXPERIMENTS, Experiment

    runs = tmp_path / "runs"
    where = ["--data", str(folder), "--runs", str(runs), "--json"]
    assert main(["train", "--model", "majority", *where]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out, parse_constant=pytest.fail) == Runs(runs)["majority-published-seed0"].to_dict()
    assert err == ""

    small = Experiment("What for?", (TrainConfig("majority"), TrainConfig("mean", epochs=2)))
    monkeypatch.setitem(EXPERIMENTS, "small", small)
    assert main(["reproduce", "small", "--seeds", "2", "--jobs", "1", *where]) == 0
    out, err = capsys.readouterr()
    told = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    assert [one["run"] for one in told] == [
        "majority-published-seed0",
        *(f"mean-repaired-epochs=2-seed{n}" for n in (0, 1)),
    ]
    assert told == [Runs(runs)[one["run"]].to_dict() for one in told]
    assert err == ""

    assert main(["reproduce", "--list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert listed[-1] == {"experiment": "small", "question": "What for?", "runs": [one.label for one in small.runs]}


def test_compare_shipped_runs_as_a_table_and_as_json(capsys):
    pair = ["compare", "mel-repaired-seed0", "attention-repaired-seed0", "--resamples", "100"]
    assert main(pair) == 0
    table = capsys.readouterr().out
    first, second = (Runs()[name] for name in pair[1:3])
    assert (
        f"a: {first.name}\nb: {second.name}\ndifference: b minus a\nmetric: f1_macro\ncells: observed\ndata: teaching"
        in table
    )
    assert sum(line.startswith(tuple(first.scores.index)) for line in table.splitlines()) == 20
    assert main([*pair, "--json", "--metric", "average_precision"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    a, b = (run.info["means"]["average_precision"] for run in (first, second))
    assert found["mean"]["difference"] == pytest.approx(b - a, abs=1e-5)
    assert found["mean"]["low"] < found["mean"]["difference"] < found["mean"]["high"]
    row = found["instruments"]["violin"]
    assert row["a"] == pytest.approx(first.scores.average_precision["violin"], abs=1e-5)
    assert 0 <= row["p"] <= row["p_holm"] <= 1
    assert found["metric"] == "average_precision"


def test_compare_groups_of_seeds(capsys):
    assert main(["compare", "mel-repaired", "attention-repaired", "--resamples", "50", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["a"] == [f"mel-repaired-seed{seed}" for seed in range(3)]
    scores = [Runs()[name].info["means"]["f1_macro"] for name in found["a"]]
    assert found["mean"]["a"] == pytest.approx(sum(scores) / 3, abs=1e-4)


def test_what_cannot_be_compared_is_told(folder, capsys):
    assert main(["compare", "mel-repaired", "mel-better"]) == 1
    told = capsys.readouterr().err
    assert "no run or group of seeds 'mel-better'. Groups: attention-" in told
    assert main(["compare", "mel-repaired-seed0", "mel-repaired-seed1", "--data", str(folder)]) == 1
    assert f"was trained on other data than {folder}. Give its data: --data DIR" in capsys.readouterr().err
    assert main(["compare", "mel-repaired-seed0", "mel-repaired-seed1", "--metric", "accuracy"]) == 1
    assert "There is no metric 'accuracy'" in capsys.readouterr().err


def test_reproduce_trains_what_is_missing_and_runs_lists_it(folder, tmp_path, capsys, monkeypatch):
    from openmic_explore import experiments
    from openmic_explore.training import TrainConfig

    tiny = experiments.Experiment("what for?", (TrainConfig("attention", epochs=1),))
    monkeypatch.setitem(experiments.EXPERIMENTS, "start", tiny)
    runs = tmp_path / "runs"
    arguments = ["reproduce", "start", "--data", str(folder), "--runs", str(runs), "--seeds", "2"]
    assert main(arguments) == 0
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*.safetensors")}
    assert len(before) == 2
    assert main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*.safetensors")} == before
    assert main(["runs", str(runs)]) == 0
    assert "attention-repaired-epochs=1-seed1" in capsys.readouterr().out
    assert main(["summary", "--data", str(folder), str(runs)]) == 0
    table = capsys.readouterr().out.splitlines()
    scores = [run.info["means"]["f1_macro"] for run in Runs(runs)]
    assert f"{sum(scores) / 2:.3f} ± {abs(scores[0] - scores[1]) / 2**0.5:.3f}" in table[5]
    assert table[4].startswith("| majority class | 1 |")
    assert "embedding made-up" in table[0]
    short = ["train", "--data", str(folder), "--runs", str(runs), "--model", "attention", "--epochs", "2"]
    assert main(short) == 0
    assert main(["summary", "--data", str(folder), str(runs)]) == 0
    again = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| attention repaired, epochs=2 | 1 |") for line in again)
    assert table[5] in again  # a run with other settings is not averaged with these
    other = write_learnable(tmp_path / "other", seed=9)
    assert main([*arguments[:3], str(other), *arguments[4:]]) == 1
    assert "other data" in capsys.readouterr().err


def test_teach_from_one_s_own_notes_then_pictures(tmp_path, capsys):
    bank = write_bank(tmp_path / "notes")
    folder = tmp_path / "set"
    arguments = ["teach", str(folder), "--bank", str(bank), "--clips", "12", "--jobs", "1"]
    assert main(arguments) == 0
    assert "12 clips" in capsys.readouterr().out
    data = OpenMIC(folder)
    assert data.embedding.shape == (12, 10, 128)
    assert data.embedding_name == "musicnn-mtt-pca128"
    assert data.embedding.std() > 5
    assert main(["features", str(folder), "--jobs", "1"]) == 0
    assert (folder / "features" / "scalogram" / "values.npy").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--data", "nowhere"], "There is no folder nowhere"),
        (["runs", "nowhere"], "There is no folder of runs nowhere"),
        (["reproduce", "figure-99"], "Known: start"),
        (["reproduce", "start", "--seeds", "0"], "seeds (0)"),
        (["train", "--model", "forest", "--epochs", "3"], "forest is not trained in epochs: it has no epochs"),
        (["train", "--option", "dropout"], "--option takes NAME=VALUE, not 'dropout'"),
        (["train", "--option", "head=clamped"], "head must be one of clamp, logit, not 'clamped'"),
        (["train", "--threads", "0"], "threads must be at least 1"),
        (["train", "--name", "a/b"], "cannot be one"),
        (["train", "--model", "cnn"], "openmic-explore teach data/teaching, then openmic-explore features"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    out, told = capsys.readouterr()
    assert told.startswith("openmic-explore: ")
    assert words in told
    assert out == ""


def test_a_mistake_in_a_process_of_its_own_shows_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "openmic_explore.cli", "runs", "nowhere"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.startswith("openmic-explore: There is no folder of runs nowhere")
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_refused():
    with pytest.raises(SystemExit) as stop:
        main(["train", "--momentum", "0.9"])
    assert stop.value.code == 2


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command's own parser, by name."""
    (found,) = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


@pytest.mark.parametrize("name", commands())
def test_the_help_of_every_command_has_an_example_that_it_takes_and_the_statuses(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    (example,) = re.findall(r"Example: openmic-explore (.*)", told)
    assert shlex.split(example)[0] == name
    options = _parser().parse_args(shlex.split(example))
    assert callable(options.run)
    assert isinstance(options.resumes, bool)
    assert all(f"{status} {text}" in told for status, text in STATUSES.items())


def test_the_statuses_are_what_comes(tmp_path, monkeypatch, capsys):
    assert main(["runs"]) == 0
    assert main(["runs", str(tmp_path / "nowhere")]) == 1
    with pytest.raises(SystemExit) as stop:
        main(["sing"])
    assert stop.value.code == 2
    with monkeypatch.context() as patch:
        patch.setattr("openmic_explore.training.Runs", interrupt)
        assert main(["runs"]) == 130
    assert capsys.readouterr().err.endswith("openmic-explore: interrupted. Nothing half-written was kept.\n")
    assert set(STATUSES) == {0, 1, 2, 130}


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def command_line(*arguments: object, **options) -> subprocess.CompletedProcess:
    """The command in a process of its own, whose output is no terminal."""
    command = [sys.executable, "-m", "openmic_explore.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def test_what_is_not_a_terminal_gets_no_bars(folder, tmp_path):
    done = command_line("train", "--data", folder, "--runs", tmp_path / "runs", "--epochs", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\r" not in done.stdout
    assert "mean" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_error():
    """As in `openmic-explore runs | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "openmic_explore.cli", "runs"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_missing_metadata_are_told_in_a_sentence_with_the_fallback_and_the_remedy(folder, tmp_path):
    bare = tmp_path / "openmic-2018"
    shutil.copytree(folder, bare, ignore=shutil.ignore_patterns("*metadata.csv", "dataset.json", "activity.npz"))
    done = command_line("train", "--data", bare, "--runs", tmp_path / "runs", "--model", "majority")
    assert done.returncode == 0
    assert done.stderr == (
        f"openmic-explore: note: {bare / 'openmic-2018-metadata.csv'} is missing, so artists are unknown: train and "
        "validation are kept apart by track only, and an artist may be in both. Get what is missing: openmic-explore "
        f"download --to {tmp_path}.\n"
    )
    (run,) = Runs(tmp_path / "runs")
    assert run.info["artists_apart"] is False


def test_teach_and_features_as_json(tmp_path, capsys):
    bank = write_bank(tmp_path / "notes")
    folder = tmp_path / "set"
    assert (
        main(["teach", str(folder), "--bank", str(bank), "--clips", "12", "--no-embedding", "--jobs", "1", "--json"])
        == 0
    )
    made = json.loads(capsys.readouterr().out)
    data = OpenMIC(folder)
    assert made == {
        "folder": str(folder),
        "clips": 12,
        "labels": int(data.mask.sum()),
        "cells": 240,
        "fingerprint": data.fingerprint,
    }
    data.audio_path(data.keys[3]).write_bytes(b"not audio")
    assert main(["features", str(folder), "--only", "log_mel", "--jobs", "1", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["folders"] == {"log_mel": str(folder / "features" / "log_mel")}
    assert (done["computed"], done["reused"], list(done["left_out"])) == (11, 0, [data.keys[3]])
