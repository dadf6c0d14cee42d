"""The page "Follow a command" lists files that exist and that the command really imports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "follow-a-command.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `revrec ([^`]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FILES = re.compile(r"`(revrec/[\w/]+\.py)`")
RUN = """
import atexit, sys
from revrec.cli.main import main
atexit.register(lambda: print("MODULES", *[getattr(one, "__file__", "") for one in list(sys.modules.values())]))
main()
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("follow") / "books"
    _revrec("init", str(folder), cwd=folder.parent)
    (folder / "charges.csv").write_bytes((ROOT / "sample_data" / "charges.csv").read_bytes())
    _revrec("import", "charges.csv", cwd=folder)
    return folder


def _revrec(*words: str, cwd: Path) -> str:
    ended = subprocess.run([sys.executable, "-c", RUN, *words], cwd=cwd, capture_output=True, text=True, check=True)
    return ended.stdout


def test_the_page_follows_two_commands() -> None:
    assert [name.split()[0] for name in SECTIONS] == ["import", "run"]
    assert all(len(FILES.findall(text)) > 10 for text in SECTIONS.values())


@pytest.mark.slow
@pytest.mark.parametrize("command", SECTIONS)
def test_each_listed_file_exists_and_is_imported_by_the_command(command: str, books: Path) -> None:
    listed = FILES.findall(SECTIONS[command])
    assert not [name for name in listed if not (ROOT / name).is_file()]
    output = _revrec(*command.split(), cwd=books)
    imported = output.rpartition("MODULES")[2].split()
    assert not [name for name in listed if str(ROOT / name) not in imported]
