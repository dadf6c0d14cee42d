"""Each gateway behavior that the sandbox imitates has a number, and tests with that number: ``test_b37_...``."""

import re
from pathlib import Path

BEHAVIORS = range(1, 77)


def numbers_with_tests() -> set[int]:
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_sandbox_*.py"))
    return {int(number) for text in texts for number in re.findall(r"^def test_b(\d+)_", text, re.MULTILINE)}


def test_every_behavior_has_a_test_with_its_number() -> None:
    assert numbers_with_tests() == set(BEHAVIORS)
