"""Plays the transcripts of a document: its ```console blocks, where ``$`` begins a command and the rest is output.

    python tests/documents/transcripts.py README.md docs/*.md     # records what the commands print now

All blocks of a document are played in order in one new folder that holds ``sample_data/``. Times, users and addresses
are replaced as they are recorded; references, which differ with each database, are masked before comparing.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from support.commands import Ended  # noqa: E402 - as a script, this file has only its own folder on the path
from support.forking import forked  # noqa: E402

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ACTOR = re.compile(r"\b[\w.-]+@[\w-]+(?: \(uid \d+(?:, as \"[^\"]*\")?\))?(?=[ :),]|$)", re.MULTILINE)
PRESENTED = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"), "2024-05-01T06:00:00.000000+00:00"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "2024-05-01 06:00:00 UTC"),
    (re.compile(r"(?<=after the plan of )\d{4}-\d\d-\d\d"), "2024-05-01"),
    (ACTOR, "anna@office (uid 1000)"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8099"),
    (re.compile(r" +$", re.MULTILINE), ""),
)
"""What a document shows instead of what this machine and moment give."""

COMPARED = (
    (re.compile(r"\bRR[A-Z2-7]{16}\b"), "RR"),
    (re.compile(r"\bIV[A-Z2-7]{16}\b"), "IV"),
    (re.compile(r"\bAJ[A-Z2-7]{16}\b"), "AJ"),
    (re.compile(r"\brr[a-z2-7]{16}\b"), "rr"),
    (re.compile(r"\biv[a-z2-7]{16}\b"), "iv"),
    (re.compile(r"revrec:([a-z-]+):[0-9a-f]{12}"), r"revrec:\1:"),
    (re.compile(r"[\d,]+ characters"), "characters"),
    (re.compile(r"response [\d,]+"), "response"),
    (re.compile(r"[0-9a-f]{64}"), "sha256"),
    (re.compile(r"\bhead [0-9a-f]{16}\b"), "head"),
)
"""What differs each time and is shown as it was."""


def play(document: Path) -> str:
    """The document with the output of its commands as they print it now."""
    text = document.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "sample_data", folder / "sample_data")
        state = {"folder": folder}
        return BLOCK.sub(lambda block: f"```console\n{''.join(_played(block[1], state))}```", text)


def _played(block: str, state: dict[str, Path]) -> Iterator[str]:
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    for line in commands:
        yield f"{line}\n"
        yield replaced(_output(line[2:], state), PRESENTED)


def _output(command: str, state: dict[str, Path]) -> str:
    words = shlex.split(command, comments=True)
    if words[0] == "cd":
        state["folder"] = state["folder"] / words[1]
        return ""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": str(ROOT)}
    if words[0] == "revrec":
        ended = forked(words[1:], state["folder"], environment)
    else:
        bash = ["bash", "-c", command]
        played = subprocess.run(
            bash, cwd=state["folder"], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        ended = Ended(played.returncode, played.stdout, played.stderr)
    return ended.out + ended.err + (f"exit code {ended.code}\n" if ended.code else "")


def replaced(text: str, masks: Sequence[tuple[re.Pattern[str], str]]) -> str:
    """The text with every mask applied."""
    for pattern, put in masks:
        text = pattern.sub(put, text)
    return text


if __name__ == "__main__":
    for given in sys.argv[1:]:
        Path(given).write_text(play(Path(given)), encoding="utf-8")
