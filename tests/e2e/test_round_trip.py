"""The story of one order in one command: by SFTP, invoiced, its proof of delivery by mail, earned, traced."""

import imaplib
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from revrec.sandbox.partners import HOST, PartnerLogin, mail_server
from support.commands import Terminal

pytestmark = pytest.mark.slow
LEDGER = [
    ("SJ", "2024-03-28", "1100", "1375.00"),
    ("SJ", "2024-03-28", "2400", "-1250.00"),
    ("SJ", "2024-03-28", "2400", "-125.00"),
    ("RR", "2024-04-28", "2400", "1250.00"),
    ("RR", "2024-04-28", "4000", "-1250.00"),
    ("RR", "2024-04-28", "2400", "125.00"),
    ("RR", "2024-04-28", "4000", "-125.00"),
]
"""The invoice owes the service, its delivery earns it."""


def ledger(folder: Path) -> list[tuple[str, str, str, str]]:
    """What the sandbox's own ledger has: journal, date, account, and the amount, below zero for a credit."""
    with sqlite3.connect(folder / "sandbox.db") as sandbox:
        rows = sandbox.execute(
            "SELECT b.journal, e.entry_date, e.account, printf('%.2f', e.sign * e.trx_mills / 1000.0)"
            " FROM glbatch b JOIN glentry e ON e.batch = b.recordno ORDER BY e.recordno"
        )
        return rows.fetchall()


def test_an_order_comes_is_invoiced_delivered_and_earned_once_and_the_trace_shows_all_of_it(
    tmp_path: Path, at: Callable[[Path], Terminal]
) -> None:
    here = at(tmp_path)
    printed = here("demo", "--round-trip")
    assert (printed.code, printed.err) == (0, "")
    shown = printed.out.partition("$ revrec trace")[2]
    for words in (
        r"source: sftp://127\.0\.0\.1/\./order\.csv, row 2",
        r"event \d+: pod on 2024-04-28",
        r"imap://127\.0\.0\.1/INBOX/mail \d+-\d+ part 1: delivery\.csv, row 2",
        r"sales order SO-2291 \(IV\w{16}\): posted, Intacct Sales Order-SO-2291",
        r"sales invoice SO-2291 \(IV\w{16}\): posted, Intacct Sales Invoice-SO-2291\n.* dated 2024-03-28",
        r"entry RR\w{16}: posted, Intacct record \d+\n.* dated 2024-04-28, .* 1,375\.00 USD",
        r"revrec\.db: sound",
    ):
        assert re.search(words, shown), words
    assert ledger(tmp_path / "revrec-round-trip") == LEDGER
    again = here("demo", "--round-trip")
    assert again.code == 0 and "unchanged" in again.out and " posted (" not in again.out
    assert ledger(tmp_path / "revrec-round-trip") == LEDGER


def test_books_that_someone_keeps_are_left_alone(tmp_path: Path, at: Callable[[Path], Terminal]) -> None:
    here = at(tmp_path)
    assert here("init", "books").code == 0
    before = (tmp_path / "books" / "revrec.toml").read_bytes()
    printed = here("demo", "books", "--round-trip")
    assert printed.code == 2 and "name another folder" in printed.err
    assert (tmp_path / "books" / "revrec.toml").read_bytes() == before


def test_the_generated_password_of_the_mailbox_may_begin_with_a_dash() -> None:
    login = PartnerLogin("carrier", "-looks-like-an-option")
    with mail_server(login) as port, imaplib.IMAP4(HOST, port) as box:
        assert box.login(*login)[0] == "OK"
