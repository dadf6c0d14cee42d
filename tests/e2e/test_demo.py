"""``revrec demo`` as a new user meets it: a real process, a fresh folder, nothing prepared."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.commands import OpenTerminal, Terminal, environment
from support.patience import PATIENCE, until


def posted_in_sandbox(folder: Path) -> dict[str, int]:
    """Journal entries by reference in the sandbox's own ledger."""
    with sqlite3.connect(folder / "sandbox.db") as ledger:
        rows = ledger.execute("SELECT referenceno, count(*) FROM glbatch GROUP BY referenceno")
        return dict(rows.fetchall())


class Demo(NamedTuple):
    """A demo that has run: its folder, what it printed, and the sandbox's journal entries by reference."""

    folder: Path
    output: str
    entries: dict[str, int]


def played(home: Path, at: Callable[[Path], Terminal]) -> Demo:
    """Run the demo in a folder."""
    ended = at(home)("demo")
    assert (ended.code, ended.err) == (0, "")
    return Demo(home / "revrec-demo", ended.out, posted_in_sandbox(home / "revrec-demo"))


with_the_demo = pytest.mark.xdist_group("demo")
"""One worker plays these tests, so that the demo runs once."""


@pytest.fixture(scope="module")
def demo(at: Callable[[Path], Terminal], tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo in a fresh folder."""
    return played(tmp_path_factory.mktemp("home"), at)


@pytest.fixture(scope="module")
def again(at: Callable[[Path], Terminal], demo: Demo) -> Demo:
    """Run the demo a second time in the folder of the first."""
    return played(demo.folder.parent, at)


def shows(output: str, *words: str) -> bool:
    """Return True if a line of the output has these words in this order."""
    return re.search(r"(?m)^.*" + r"\b.*".join(map(re.escape, words)), output) is not None


def test_the_magazine_of_24_is_recognized_in_twelve_parts_of_2_the_first_a_week_after_payment(demo: Demo) -> None:
    dates = [f"2024-{month:02}-12" for month in range(1, 13)]
    for number, date in enumerate(dates, 1):
        assert re.search(rf" {number}/12  {date}  2\.00  ", demo.output), date
    assert shows(demo.output, "2024-01-12", "shop/INV-1001/1", "C-ADA", "MAG-01", "1/12", "2.00", "USD")


def test_the_freight_invoiced_on_28_march_is_recognized_on_28_april(demo: Demo) -> None:
    assert shows(demo.output, "2024-04-28", "shop/INV-1002/1", "FRT-OCEAN", "freight-one-month", "1/1", "1,850.00")


def test_goods_are_recognized_30_days_after_the_order(demo: Demo) -> None:
    assert shows(demo.output, "2024-03-13", "shop/INV-1003/1", "GOODS-30-LAMP", "goods-30-days", "89.90")


def test_goods_that_wait_for_their_delivery_are_recognized_on_the_day_it_was_proved(demo: Demo) -> None:
    assert shows(demo.output, "2024-03-07", "shop/INV-1004/1", "GOODS-POD-SOFA", "goods-on-delivery", "1,299.00")
    assert shows(demo.output, "shop/INV-1005/1", "waits for proof of delivery (POD)")


def test_the_contract_paid_up_front_is_recognized_every_30_days(demo: Demo) -> None:
    for number, date in enumerate(("2024-02-14", "2024-03-15", "2024-04-14"), 1):
        assert shows(demo.output, date, "shop/INV-1006/1", "contract-every-30-days", f"{number}/6", "1,000.00")


def test_every_entry_is_posted_once(demo: Demo) -> None:
    assert "run 1 for 2024-04-30: 21 posted" in demo.output
    assert demo.output.count("nothing left to post") == 1
    assert len(demo.entries) == 21 and set(demo.entries.values()) == {1}


@with_the_demo
@pytest.mark.slow
def test_a_second_demo_in_the_same_folder_posts_nothing(demo: Demo, again: Demo) -> None:
    assert again.output.count("nothing left to post") == 2
    assert " posted (" not in again.output
    assert again.entries == demo.entries


@with_the_demo
@pytest.mark.slow
def test_a_second_demo_in_the_same_folder_imports_nothing_new(demo: Demo, again: Demo) -> None:
    assert demo.output.count("nothing new") == 0
    assert again.output.count("nothing new") == 4
    assert "$ revrec init" in demo.output and "$ revrec init" not in again.output


def test_the_commands_that_the_demo_shows_can_be_given_by_hand(demo: Demo, terminal: OpenTerminal) -> None:
    commands = re.findall(r"(?m)^\$ revrec (.*)$", demo.output)
    assert [command.split()[0] for command in commands] == [
        "init", "import", "import", "preview", "run", "run", "trace", "status", "report",
    ]  # fmt: skip
    ended = terminal(demo.folder)(*commands[6].split())
    assert ended.code == 0
    assert ended.out in demo.output


@pytest.mark.slow
def test_the_demo_is_not_led_astray_by_settings_for_real_books(tmp_path: Path, terminal: OpenTerminal) -> None:
    real = tmp_path / "real"
    real.mkdir()
    ended = terminal()(
        "demo",
        "elsewhere",
        REVREC_CONFIG=str(real / "revrec.toml"),
        REVREC_DATABASE_URL=f"sqlite:///{real / 'revrec.db'}",
        INTACCT_ENDPOINT_URL="https://api.intacct.com/ia/xml/xmlgw.phtml",
        INTACCT_COMPANY_ID="REAL",
    )
    assert ended.code == 0, ended.err
    assert "21 posted" in ended.out
    assert list(real.iterdir()) == []


def serving(demo: Any) -> str:
    """Return the address at which a demo with --serve says that its sandbox runs; it is in the last line it prints."""
    for line in demo.stdout:
        if line.endswith("until Ctrl-C.\n"):
            found = re.search(r"The sandbox runs at (\S+) until", line)
            assert found, line
            return found[1]
    raise AssertionError("the sandbox does not run")


@with_the_demo
@pytest.mark.slow
def test_the_demo_can_leave_its_sandbox_up_until_ctrl_c(demo: Demo, terminal: OpenTerminal) -> None:
    process = terminal(demo.folder.parent).start("demo", "--serve")
    with urllib.request.urlopen(serving(process), timeout=10) as page:
        assert page.status == 200
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("stopped\n")
    assert not (demo.folder / "sandbox.db.address.json").exists()


@with_the_demo
@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_killed_leaves_no_sandbox_behind(
    demo: Demo, terminal: OpenTerminal, end: signal.Signals
) -> None:
    process = terminal(demo.folder.parent).start("demo", "--serve")
    address = serving(process)
    process.send_signal(end)
    process.communicate(timeout=PATIENCE)
    until(lambda: not answers(address))
    assert not (demo.folder / "sandbox.db.address.json").exists()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_the_closing_line_of_the_demo_works_as_printed_without_the_program_on_the_path(tmp_path: Path) -> None:
    program = tmp_path / "a folder" / "revrec"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom revrec.cli.main import main\nmain()\n", encoding="utf-8")
    program.chmod(0o755)
    settings = environment(PATH="/usr/bin:/bin")
    ran = subprocess.run(
        ["a folder/revrec", "demo", "my demo"], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    )
    line = ran.stdout.rpartition("Explore it: ")[2].splitlines()[0]
    assert line == f"cd 'my demo' && '{program}' preview"
    shown = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    assert "shop/INV-1001/1" in shown.stdout
