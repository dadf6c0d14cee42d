"""The sandbox in one terminal, the work in another."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.commands import OpenTerminal, Terminal

pytestmark = pytest.mark.slow

HEADER = "source,document,line,customer,item,post_date,amount,currency"


@pytest.fixture(scope="module")
def _first_books(at: Callable[[Path], Terminal], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("first")
    assert at(home)("init", "books").code == 0
    folder = home / "books"
    row = "shop,INV-1,1,C-ADA,GOODS-30-LAMP,2024-01-05,12.00,USD"
    (folder / "charges.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    assert at(folder)("import", "charges.csv").code == 0
    return folder


@pytest.fixture
def books(_first_books: Path, tmp_path: Path) -> Path:
    """Books with one charge line that falls due on 2024-02-04."""
    return Path(shutil.copytree(_first_books, tmp_path / "books"))


def first_line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    address: dict[str, Any] = json.loads(process.stdout.readline())
    return address


def up(address: dict[str, Any]) -> bool:
    try:
        with urllib.request.urlopen(address["admin_url"], timeout=5) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def test_a_run_finds_the_sandbox_of_the_other_terminal_and_leaves_it_up(books: Path, terminal: OpenTerminal) -> None:
    served = terminal(books).start("sandbox", "serve")
    address = first_line(served)
    assert address.keys() >= {
        "url", "admin_url", "sender_id", "sender_password", "company_id", "user_id", "user_password", "journal",
        "accounts",
    }  # fmt: skip
    assert (books / "sandbox.db.address.json").stat().st_mode & 0o077 == 0
    work = terminal(books)
    assert work.json("run", "--date", "2024-02-29")["posted"] == 1
    assert up(address)
    assert terminal(books)("sandbox", "serve").code == 6
    os.killpg(served.pid, signal.SIGTERM)
    _, err = served.communicate(timeout=30)
    assert served.returncode == 0
    # Sign-in, two claims, the scan, the entry, and the read of its state.
    assert err.count(" success ") == 6, "the terminal of the sandbox shows the requests that came"
    assert not up(address) and not (books / "sandbox.db.address.json").exists()
    assert work.json("run", "--date", "2024-02-29")["posted"] == 0


def test_a_sandbox_ends_cleanly_on_ctrl_c(books: Path, terminal: OpenTerminal) -> None:
    served = terminal(books).start("sandbox", "serve", "--quiet", "--port", "0", "--data", "other.db", "--seed", "7")
    assert up(first_line(served))
    os.killpg(served.pid, signal.SIGINT)
    assert served.communicate(timeout=30) == ("", "")
    assert served.returncode == 0


def test_faults_are_played_and_the_next_run_settles_them(books: Path, terminal: OpenTerminal) -> None:
    served = terminal(books).start("sandbox", "serve", "--fault", "drop@after:1x:create")
    first_line(served)
    work = terminal(books)
    lost = work("run", "--date", "2024-02-29", "--format", "json", REVREC_POSTING_QUARANTINE="1 ms")
    assert lost.code == 4
    assert (lost.json["posted"], lost.json["in_doubt"]) == (0, 1)
    assert "in doubt" in work("status").out
    settled = work("run", "--date", "2024-02-29", "--format", "json")
    assert (settled.code, settled.json["posted"], settled.json["in_doubt"]) == (0, 1, 0)
    with urllib.request.urlopen(
        f"{json.loads((books / 'sandbox.db.address.json').read_text())['admin_url']}entries"
    ) as page:
        assert len(json.load(page)["entries"]) == 1, "the entry that was posted with its answer lost was not sent again"


def test_two_runs_at_once_post_each_line_once(books: Path, terminal: OpenTerminal) -> None:
    rows = [f"shop,INV-{number},1,C-ADA,GOODS-30-LAMP,2024-01-{number:02},12.00,USD" for number in range(6, 29)]
    (books / "more.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    assert terminal(books)("import", "more.csv").code == 0
    runs = [terminal(books).start("run", "--date", "2024-03-31", "--format", "json") for _ in range(2)]
    ended = [(run.communicate(timeout=60), run.returncode) for run in runs]
    codes = sorted(code for _, code in ended)
    assert codes in ([0, 0], [0, 6]), ended
    posted = sum(json.loads(out)["posted"] for (out, _), code in ended if code == 0)
    assert posted == len(rows) + 1
