"""Words of the old house dialect: how often each file may still use them. The counts may only fall.

``python tests/documents/test_wording.py`` writes the present counts to ``wording.json``; it refuses to raise one.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_name("wording.json")
BETTER = {
    r"tells?|told|telling": "say, report, print, return, send an alert",
    r"mend(?:s|ed|ing)?": "fix, repair, correct",
    r"stands?|stood": "is, appears, is stored",
    r"anew": "again, new",
    r"nobody|somebody": "no one, a person, or the passive",
    r"(?-i:(?<!there )(?:is|are) none)": "is not a ..., there is no ...",
    r"of (?:its|their|his|her|our) own": "its own ..., a separate ...",
    r"(?:that|those) of": "repeat the noun",
    r"makes? of|made of|becomes? of|became of": "how ... affects ..., what happens to ...",
    r"lessen(?:s|ed|ing)?": "reduce",
    r"recognis\w+|unrecognis\w+|normalis\w+|cancelled|cancelling|labelled|colour|behaviour|licence|fulfil(?:s|ment)?": (
        "American spelling"
    ),
}
WORDS = re.compile(rf"\b(?:{'|'.join(BETTER)})\b(?!\()", re.IGNORECASE)
NOT_PROSE = re.compile(r"^```console\n.*?^```$|``[^`\n]+``|`[^`\n]+`", re.MULTILINE | re.DOTALL)
"""Names in backticks are not prose (an event kind, a column, a state), and transcripts show what the code prints."""


def files() -> list[Path]:
    """The texts that people read: code with its docstrings and messages, rules, and every page."""
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "rules").rglob("*.toml")]
    return sorted([*found, *(ROOT / "revrec").rglob("*.py")])


def counts() -> dict[str, int]:
    """How often each file uses the listed words; files without any are left out."""
    found = {str(path.relative_to(ROOT)): _count(path) for path in files()}
    return {name: count for name, count in found.items() if count}


def _count(path: Path) -> int:
    return len(WORDS.findall(NOT_PROSE.sub("", path.read_text(encoding="utf-8"))))


def allowed() -> dict[str, int]:
    """The highest count that each file may have; a file that is not listed may have none."""
    return Counter(json.loads(ALLOWED.read_text(encoding="utf-8")))


def test_no_file_uses_more_words_of_the_old_dialect_than_before() -> None:
    limits = allowed()
    worse = {name: f"{count}, allowed {limits[name]}" for name, count in counts().items() if count > limits[name]}
    assert not worse, f"write {BETTER}"


def test_the_allowed_counts_fall_with_the_files() -> None:
    present = Counter(counts())
    high = {name: f"allowed {limit}, now {present[name]}" for name, limit in allowed().items() if limit > present[name]}
    assert not high, "lower them: python tests/documents/test_wording.py"


if __name__ == "__main__":
    before, now = allowed() if ALLOWED.exists() else None, counts()
    raised = [name for name, count in now.items() if before is not None and count > before[name]]
    if raised:
        sys.exit(f"more than before: {', '.join(raised)}")
    ALLOWED.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    words = sum(len(path.read_text(encoding="utf-8").split()) for path in files())
    print(f"{sum(now.values())} in {len(now)} files; {sum(now.values()) / words * 1000:.2f} per 1,000 words")
