"""Each behaviour of the gateway that the sandbox shows has its number, and tests that carry it: `test_b37_...`."""

from __future__ import annotations

import re
from pathlib import Path

BEHAVIOURS = range(1, 71)


def numbers_with_tests() -> set[int]:
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_sandbox_*.py"))
    return {int(number) for text in texts for number in re.findall(r"^def test_b(\d+)_", text, re.MULTILINE)}


def test_every_behaviour_has_a_test_of_its_number() -> None:
    assert numbers_with_tests() == set(BEHAVIOURS)
