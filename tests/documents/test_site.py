"""The index leads to every page, the tutorial shows the files it uses, and the site builds without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "index")
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_index_leads_to_every_page_by_reader_and_by_kind(page: str) -> None:
    by_reader, _, by_kind = INDEX.partition("## By kind")
    assert f"({page}.md)" in by_kind
    assert f"({page}.md)" in by_reader or page == "cli"


@pytest.mark.parametrize("name", ["rules.toml", "orders.csv"])
def test_the_tutorial_shows_the_files_that_it_uses(name: str) -> None:
    text = (ROOT / "sample_data" / "first_close" / name).read_text(encoding="utf-8")
    assert text.strip() in (DOCS / "first-close.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-c",
        str(DOCS / "site"),
        str(DOCS),
        str(tmp_path / "site"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "site" / "first-close.html").is_file()
