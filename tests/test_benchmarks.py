"""The benchmarks' arithmetic, on timings that are known; how fast anything is, no test says."""

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore.benchmarks.harness import Timing, interleaved, ratio, row, table


def test_ratios_are_taken_round_by_round():
    slow, fast = Timing("slow", (2.0, 9.0, 4.0)), Timing("fast", (1.0, 3.0, 4.0))
    assert ratio(slow, fast) == (2.0, 1.0, 3.0)
    assert slow.median == 4.0
    assert row("slow / fast", slow, fast) == ("slow / fast", "2.00", "1.00 to 3.00")


def test_rounds_alternate_and_the_first_does_not_count():
    calls: list[str] = []
    found = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 4
    assert [len(timing.seconds) for timing in found.values()] == [3, 3]


def test_the_table_is_markdown():
    assert table([("x / y", "2.00", "1.00 to 3.00")]).splitlines()[1:] == [
        "| --- | --- | --- |",
        "| x / y | 2.00 | 1.00 to 3.00 |",
    ]


def test_the_store_is_measured_on_enough_clips_only():
    from openmic_explore.benchmarks.store import store

    with pytest.raises(ExploreError, match="audio of 40 clips; this takes 2000"):
        store(OpenMIC.teaching().path)


def test_the_plain_network_that_training_is_held_against_computes_the_same():
    """With batch norm absent, the textbook's order of ReLU and pooling gives the package's own output."""
    import torch

    from openmic_explore.benchmarks.training import PlainBlock
    from openmic_explore.models import build_model

    block = build_model("cnn", "published").blocks[0]
    plain = PlainBlock(block)
    plain.convolve.load_state_dict(block.convolve.state_dict())
    x = torch.randn(2, 1, 20, 20)
    torch.testing.assert_close(plain(x), block(x))
