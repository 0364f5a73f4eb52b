"""Every kind of file that the program reads, damaged: each ends in one error that names it, or does no harm.

50 damaged files in the suite, more on demand: OPENMIC_EXPLORE_FUZZ=1000. `python -m tests.fuzz.drive 1000` prints what
became of each kind. Never a traceback, a hang, a gigabyte, or, where a checksum could have told, a wrong number.
"""

import os
import random

import pytest

from tests.fuzz import mutations as m
from tests.fuzz.drive import attack, shares
from tests.fuzz.targets import TARGETS

CASES = int(os.environ.get("OPENMIC_EXPLORE_FUZZ", "50"))


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_a_damaged_file_is_refused_or_does_no_harm(target, tmp_path):
    outcome = attack(target, shares(CASES)[target.name], tmp_path)
    assert outcome.wrong == []
    assert outcome.refused + outcome.unharmed + outcome.other == shares(CASES)[target.name]


def test_the_mutations_damage_and_repeat():
    """The same case gives the same damage, or it could not be looked into; and nearly all of them change something."""
    content = bytes(range(256)) * 20
    changed = 0
    for mutation in set(m.BYTES):
        for case in range(20):
            first, again = (mutation(content, random.Random(case)) for _ in range(2))
            assert first == again
            changed += first != content
    assert changed > 0.95 * 20 * len(set(m.BYTES))
