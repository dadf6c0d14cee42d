"""Every threat in the table of docs/security.md names tests, and these exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (?P<threat>.+?) \| .+? \| (?P<tests>.+?) \|$", re.MULTILINE)
NAME = re.compile(r"`([\w./]+)`")
TEST = re.compile(r"^ *def (\w+)", re.MULTILINE)


def named() -> dict[str, list[str]]:
    """The threats and what is named as holding against each."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = {row["threat"]: NAME.findall(row["tests"]) for row in ROW.finditer(text)}
    del rows["threat"]
    return rows


def all_tests() -> set[str]:
    """Return the names of all tests of this project."""
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for path in files for name in TEST.findall(path.read_text(encoding="utf-8"))}


def test_every_threat_names_tests_that_exist() -> None:
    rows = named()
    assert len(rows) > 20 and all(rows.values())
    there = all_tests()
    missing = {one for names in rows.values() for one in names if one not in there and not (ROOT / one).is_file()}
    assert not missing
