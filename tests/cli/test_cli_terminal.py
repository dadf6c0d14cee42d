"""What a person sees at a real terminal: bars and colors there, and only there; tables that fit."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from revrec.cli.main import main
from support.patience import PATIENCE

PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def at_terminal(*words: str, width: int = 80, env: Mapping[str, str] | None = None) -> str:
    """Return everything that the program writes to a terminal of this width."""
    child, master = pty.fork()
    if not child:
        _play(words, width, {"TERM": "xterm-256color", **(env or {})})
    seen = b""
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:  # Linux ends a closed terminal with an error, not with an empty read.
            break
        if not block:
            break
        seen += block
    os.close(master)
    os.waitpid(child, 0)
    return seen.decode().replace("\r\n", "\n")


def _play(words: tuple[str, ...], width: int, env: Mapping[str, str]) -> NoReturn:
    """Run the program in a fork of the tests, which has loaded it already, and end the fork."""
    code: Any = 70
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        os.environ.update(env)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["revrec", *words]
        main()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def plain(text: str) -> str:
    return ESCAPE.sub("", text)


def many(charges: Callable[..., Path], count: int) -> Path:
    return charges(*(f"shop,I-{number},1,C-ADA,MAG-01,2024-01-05,24.00,USD" for number in range(count)))


def test_an_import_shows_a_bar_at_a_terminal_and_none_elsewhere(
    books: Path, charges: Callable[..., Path], revrec: Callable[..., object]
) -> None:
    path = many(charges, 300)
    shown = at_terminal("import", str(path), "--dry-run")
    assert "importing charges.csv" in plain(shown)
    assert "━" in shown and "\x1b[?25l" in shown, "the bar moves, the cursor is hidden meanwhile"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor comes back"
    elsewhere = revrec("import", path, "--dry-run")
    assert "importing" not in elsewhere.out + elsewhere.err  # type: ignore[attr-defined]


def test_results_that_go_to_a_file_stay_clean_while_the_bar_is_at_the_terminal(
    books: Path, charges: Callable[..., Path]
) -> None:
    path = many(charges, 300)
    master, slave = pty.openpty()
    words = [*PROGRAM, "import", str(path), "--format", "json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    out, _ = process.communicate(timeout=PATIENCE)
    printed = os.read(master, 65536)
    os.close(master)
    assert out.startswith(b"{") and b"\x1b" not in out
    assert b"importing" in printed


def test_a_mapping_can_be_copied_from_a_narrow_terminal(story: Path, revrec: Callable[..., Any]) -> None:
    words = ("mappings", "show", "stripe-invoices")
    assert plain(at_terminal(*words, width=60)) == revrec(*words).out


def test_states_are_coloured_and_headings_bold(story: Path) -> None:
    shown = at_terminal("run", "--date", "2024-01-31", width=120)
    assert "\x1b[32mposted\x1b[0m" in shown
    assert "\x1b[1m" in shown


@pytest.mark.parametrize(
    "words", [["run", "--date", "2024-01-31", "--dry-run"], ["trace", "shop/INV-1001/1"]], ids=" ".join
)
def test_no_color_is_honoured(words: list[str], story: Path) -> None:
    assert COLOUR.search(at_terminal(*words))
    assert not COLOUR.search(at_terminal(*words, env={"NO_COLOR": "1"}))


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_a_table_fits_its_terminal_and_says_what_it_left_out(width: int, story: Path) -> None:
    shown = plain(at_terminal("preview", "--date", "2024-04-30", width=width))
    lines = shown.splitlines()
    assert max(len(line) for line in lines) <= width
    heading = lines[0].split()
    assert {"date", "charge", "amount", "currency"} <= set(heading), "what matters most stays"
    whole = [
        "date",
        "charge",
        "customer",
        "item",
        "rule",
        "part",
        "amount",
        "currency",
        "deferred",
        "revenue",
        "status",
    ]
    left_out = [name for name in whole if name not in heading]
    assert (f"too narrow for {', '.join(left_out)}" in " ".join(lines)) == bool(left_out)
    assert not left_out if width >= 200 else True


def test_amounts_line_up_and_are_grouped_by_thousands(story: Path) -> None:
    lines = plain(at_terminal("preview", "--date", "2024-04-30", width=200)).splitlines()
    ends = {match.end() for line in lines[2:28] for match in re.finditer(r"(?<= )-?[\d,]+\.\d\d(?= )", line)}
    assert len(ends) == 1
    assert any("1,850.00" in line for line in lines) and any(" -10.00" in line for line in lines)


def test_reports_have_bars_on_a_terminal_and_nowhere_else(
    story: Path, signed_in: None, revrec: Callable[..., Any]
) -> None:
    assert revrec("run", "--date", "2024-03-31").code == 0
    words = ("report", "rollforward", "--from", "2024-01", "--to", "2024-03")
    shown = at_terminal(*words, width=120)
    assert "\x1b[36;49m█" in shown and "█" not in revrec(*words).out
    bars = [line for line in plain(shown).splitlines() if "█" in line]
    # The longest bar is January's closing, 10,592.50; March's 8,426.63 is four fifths of it.
    assert [line.split()[0] for line in bars] == ["2024-01", "2024-02", "2024-03"] and bars[0].endswith("10,592.50")
    longest, _february, march = (line.count("█") for line in bars)
    assert march == longest * 842_663 // 1_059_250
    assert "\x1b[36;49m" not in at_terminal(*words, width=120, env={"NO_COLOR": "1"})
    narrow = [line for line in plain(at_terminal(*words, width=30)).splitlines() if "█" in line]
    assert len(narrow) == 3 and max(map(len, narrow)) <= 30
    window = ("report", "waterfall", "--date", "2024-03-31", "--from", "2024-01", "--months", "3")
    assert "all rows in USD" in at_terminal(*window, width=160)
