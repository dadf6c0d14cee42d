"""Edges where money could go astray: other companies, huge amounts, long locks, plans that cancel out."""

import threading
import time
from datetime import date, timedelta

import pytest

from revrec.core.errors import BadConfiguration
from revrec.core.money import LARGEST
from revrec.jobs.reports.status import status
from revrec.jobs.reports.trace import trace
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store.database import sqlite
from support.books import Books, MakeRow
from support.intacct import Intacct

DAY = "2024-02-10"
HUGE = f"{LARGEST // 100}.{LARGEST % 100:02d}"
PLUG = """
[[rule]]
name = "plug"
[rule.recognize]
method = "monthly"
periods = 12
rounding = "last"
"""
AT_ONCE = '[[rule]]\nname = "plug"\n[rule.recognize]\nmethod = "fixed_offset"\noffset = "20 years"\n'


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def test_one_database_posts_to_one_company(books: Books, intacct: Intacct, row: MakeRow) -> None:
    """What was posted to one company is not due in another, and a doubt in one is no doubt in the other."""
    books.take(row("INV-1"))
    intacct.fault("drop@after:1x:create")
    books.run(DAY)
    before = states(books)
    with pytest.raises(BadConfiguration, match=r"revrec-sandbox.*OTHER"):
        books.run(DAY, later=timedelta(minutes=1), INTACCT_COMPANY_ID="OTHER")
    assert states(books) == before and len(intacct.entries()) == 1
    assert books.run(DAY, later=timedelta(minutes=1), INTACCT_COMPANY_ID="REVREC-sandbox").counts["in_doubt"] == 0


def test_amounts_whose_sum_no_column_holds_go_on_several_entries(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(*(row(f"INV-{n}", item="GOODS-1", amount=HUGE) for n in range(3)), row("INV-9", item="GOODS-1"))
    (open_,) = status(books.context()).open
    assert open_.amount == f"{(3 * LARGEST + 2400) // 100}.{(3 * LARGEST + 2400) % 100:02d}"
    result = books.run("2024-03-01", dry_run=True)
    assert [entry["amount"] for entry in result.entries] == [HUGE] * 3 + ["24.00"]


@pytest.mark.slow
def test_an_answer_is_written_even_if_a_long_import_holds_the_database(
    books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.admin("/switch", function_delay_ms=400)
    importing = threading.Event()

    def long_import() -> None:
        other = books.context("import").database
        while not books.sql("SELECT 1 FROM journal_entry WHERE state = 'SENDING'"):
            time.sleep(0.01)
        with other.write():
            importing.set()
            time.sleep(1.5)

    thread = threading.Thread(target=long_import)
    thread.start()
    result = books.run("2024-01-31")
    thread.join()
    assert importing.is_set()
    assert states(books)[0] == "POSTED" and result.counts["in_doubt"] == 0
    intacct.admin("/switch", function_delay_ms=0)
    assert books.run("2024-01-31").complete and len(intacct.entries()) == 2


def test_a_dry_run_shows_what_earlier_runs_left_ready(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    intacct.fault("429@before:9x:create")
    books.run("2024-01-31")
    assert states(books) == ["READY"]
    before = books.content()
    planned = {entry["reference"] for entry in books.run(DAY, dry_run=True).entries}
    assert books.content() == before
    assert planned == {entry["reference"] for entry in books.run(DAY).entries}


def test_a_plan_whose_open_rest_cancels_out_is_given_up_for_one_that_is_done(offline: Books, row: MakeRow) -> None:
    """Six cents in twelve parts with the plug last: six parts of a cent carry it all, the rest is 5 - 5."""
    from revrec.jobs.posting.intents import commit_intents
    from revrec.store.posting import entries

    offline.rules(PLUG)
    offline.take(row("INV-1", amount="0.06"))
    context = offline.context("run")
    with context.database.write() as connection:
        run = entries.start_run(connection, date(2024, 6, 30), context.who())
        commit_intents(connection, context, run, date(2024, 6, 30), "acme")
    assert sum(amount for _day, amount in offline.open_parts("shop/INV-1/1")) == 0
    offline.rules(AT_ONCE)
    schedule(offline.context(), rebuild=True)
    assert offline.open_parts("shop/INV-1/1") == []
    assert schedule(offline.context(), rebuild=True).changes == []


def test_a_record_number_that_is_also_a_document_leads_to_both(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1", item="GOODS-1"))
    (posted,) = books.run(DAY).entries
    number = str(posted["record_no"])
    books.take(row(number, item="GOODS-1"), name="more.csv")
    found = [life.charge.id for life in trace(books.context(), number)]
    assert found == ["shop/INV-1/1", f"shop/{number}/1"]


@pytest.mark.parametrize("name", ["QUARANTINE", "LEASE"])
def test_a_time_that_no_clock_can_hold_stops_the_run_before_anything(books: Books, row: MakeRow, name: str) -> None:
    books.take(row("INV-1"))
    with pytest.raises(BadConfiguration, match=name.lower()):
        books.run(DAY, also={f"REVREC_POSTING_{name}": "9999999 days"})
    assert states(books) == []


def test_intacct_itself_is_not_read_back_before_its_own_cut_off(books: Books, row: MakeRow) -> None:
    """A request may go on for 15 minutes behind a connection that was lost; absent before that proves nothing."""
    books.take(row("INV-1"))
    with pytest.raises(BadConfiguration, match=r"quarantine.*15 min"):
        books.run(DAY, INTACCT_ENDPOINT_URL="https://api.intacct.com/ia/xml/xmlgw.phtml")
    assert states(books) == []
