"""The daily script of docs/operations.md, as printed: only its folder differs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support.commands import PROGRAM, ROOT, SAMPLES, OpenTerminal, environment
from support.patience import PATIENCE

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
MAPPING = '\n[mapping.shop]\ncolumns = { document = "document" }\n'
pytestmark = pytest.mark.slow


@pytest.fixture
def books(tmp_path: Path, terminal: OpenTerminal) -> Path:
    """Return books with the mapping that the script names, and the script beside them."""
    folder = tmp_path / "books"
    assert terminal(tmp_path)("init", "books").code == 0
    with (folder / "revrec.toml").open("a", encoding="utf-8") as config:
        config.write(MAPPING)
    (folder / "inbox").mkdir()
    found = re.search(r"```sh\n(#!/bin/sh\n# daily\.sh.*?)```", PAGE, re.DOTALL)
    assert found and found[1].count("/srv/books") == 1
    (folder / "daily.sh").write_text(found[1].replace("/srv/books", str(folder)), encoding="utf-8")
    return folder


def daily(books: Path) -> int:
    """Run the script with ``revrec`` on the path, as cron does, and return its exit code."""
    on_path = books.parent / "bin"
    on_path.mkdir(exist_ok=True)
    program = on_path / "revrec"
    program.write_text(f'#!/bin/sh\nexec "{PROGRAM[0]}" -c "{PROGRAM[2]}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    settings = environment(PATH=f"{on_path}{os.pathsep}{os.environ['PATH']}")
    return subprocess.run(["sh", books / "daily.sh"], env=settings, timeout=PATIENCE, check=False).returncode


def deliver(books: Path, name: str = "charges.csv") -> None:
    """Put a file of the sample data into the inbox."""
    (books / "inbox" / name).write_bytes((SAMPLES / name).read_bytes())


def test_it_ends_with_0_if_every_step_succeeds_and_moves_what_was_imported(books: Path) -> None:
    (books / "inbox" / "charges.csv").write_text(
        "source,document,line,customer,item,post_date,amount,currency\nshop,A-1,1,C-1,MAG-1,2024-03-01,24.00,USD\n",
        encoding="utf-8",
    )
    assert daily(books) == 0
    assert [path.name[11:] for path in (books / "done").iterdir()] == ["charges.csv"]
    assert len(list((books / "backups").glob("*.db"))) == 1


def test_a_file_that_cannot_be_used_stays_and_its_code_is_the_one_of_the_script(books: Path) -> None:
    deliver(books, "charges-with-mistakes.csv")
    assert daily(books) == 3
    assert [path.name for path in (books / "inbox").iterdir()] == ["charges-with-mistakes.csv"]


def test_the_first_step_that_failed_determines_the_code(books: Path) -> None:
    config = books / "revrec.toml"
    config.write_text(config.read_text(encoding="utf-8").replace('"4000"', '"9999"'), encoding="utf-8")
    deliver(books)
    assert daily(books) == 4
    deliver(books, "charges-with-mistakes.csv")
    assert daily(books) == 3


def test_without_a_backup_nothing_is_imported(books: Path) -> None:
    deliver(books)
    (books / "revrec.db").unlink()
    assert daily(books) == 5
    assert [path.name for path in (books / "inbox").iterdir()] == ["charges.csv"]
