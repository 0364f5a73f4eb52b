"""The command as a person types it."""

import subprocess
import sys

import pytest

from openmic_explore import OpenMIC, Runs
from openmic_explore.cli import main
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


def test_reproduce_trains_what_is_missing_and_runs_lists_it(folder, tmp_path, capsys, monkeypatch):
    from openmic_explore import experiments
    from openmic_explore.training import TrainConfig

    monkeypatch.setitem(experiments.EXPERIMENTS, "start", (TrainConfig("attention", epochs=1),))
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
    assert any(line.startswith("| attention, repaired-epochs=2 | 1 |") for line in again)
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
    ],
)
def test_a_mistake_is_one_sentence_without_a_traceback(arguments, words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "openmic_explore.cli", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_refused():
    with pytest.raises(SystemExit) as stop:
        main(["train", "--momentum", "0.9"])
    assert stop.value.code == 2
