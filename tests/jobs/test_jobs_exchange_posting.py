"""Exchange differences are posted once: each posting clears what earlier ones left on the deferred accounts."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.known_time import KnownTime
from revrec.core.report import address_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting.periods import decide
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.close_checklist import ChecklistItem, close_checklist
from revrec.jobs.reports.exchange import exchange
from revrec.jobs.reports.exchange_drill import drill_exchange
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.tie_out_drill import drill_tie_out
from revrec.jobs.running.exchange import post_exchange
from revrec.jobs.running.result import RunResult
from support.books import Books, MakeRow
from support.intacct import Intacct

RATES = "currency,date,rate\nEUR,2024-01-01,1.10\nEUR,2024-02-01,1.20\nEUR,2024-03-01,1.05\n"
EURO = {"item": "ODD", "currency": "EUR", "amount": "100.00", "location": "100"}
FEBRUARY, MARCH = date(2024, 2, 29), date(2024, 3, 31)


@pytest.fixture
def earned(books: Books, row: MakeRow) -> Books:
    """Return books of a contract line and of a plain line that are earned in January and billed later."""
    (books.folder / "rates.csv").write_text(RATES)
    books.environment["REVREC_GATEWAY_RATES"] = str(books.folder / "rates.csv")
    books.environment["REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT"] = "7800"
    books.take(
        row("C-1", **EURO, bills="later", rev_rec_date="2024-01-31"),
        row("INV-1", **EURO | {"amount": "40.00"}, post_date="2024-02-10", bills="C-1/1"),
        row("INV-2", **EURO | {"amount": "60.00"}, post_date="2024-03-10", bills="C-1/1"),
        row("INV-3", **EURO, post_date="2024-03-15", rev_rec_date="2024-01-31"),
    )
    assert books.run("2024-01-31").complete
    return books


def post(books: Books, day: date, **options: Any) -> RunResult:
    return post_exchange(books.context("report exchange"), day, **options)


def cleared(intacct: Intacct) -> list[tuple[str, str, str, str]]:
    """Return date, account, amount and item of the lines of the entries in the ledger that have gains and losses.

    Debits are above zero. All amounts are in base currency.
    """
    entries = [one for one in intacct.entries() if any(line["account"] == "7800" for line in one["lines"])]
    assert {line["currency"] for one in entries for line in one["lines"]} <= {"USD"}
    return [
        (one["date"], line["account"], f"{line['type'] * Decimal(line['amount'])}", line["dimensions"]["ITEMID"])
        for one in entries
        for line in one["lines"]
    ]


def shown(books: Books, day: date) -> list[tuple[str, ...]]:
    """Return the differences by charge line; what is behind each figure must add up to it."""
    context, report = books.context("report"), exchange(books.context("report"), day, "charge")
    assert report.ties_out
    for by, filters in product(("account", "charge"), (NO_FILTERS, Filters(charge="shop/C-1/1", account="2400"))):
        found = exchange(context, day, by, filters)
        for row, column in product(found.rows, found.amounts):
            behind = drill_exchange(context, day, by, address_of(found, row, column), filters)
            assert behind.ties_out, (row, column, behind.differences)
    return [(row["charge"], row["difference"], row["posted"], row["not_posted"]) for row in report.rows]


@pytest.mark.both_databases
def test_each_posting_clears_what_is_not_posted_and_twice_posts_nothing(earned: Books, intacct: Intacct) -> None:
    # 40.00 are earned at 1.10 and billed at 1.20: a gain of 4.00.
    assert post(earned, FEBRUARY).complete
    gain = [("2024-02-29", "2400", "4.00", "ODD"), ("2024-02-29", "7800", "-4.00", "ODD")]
    assert cleared(intacct) == gain
    assert shown(earned, MARCH) == [("shop/C-1/1", "1.00", "4.00", "-3.00"), ("shop/INV-3/1", "-5.00", "0.00", "-5.00")]
    behind = drill_exchange(earned.context("report"), MARCH, "account", "column=not_posted")
    assert [(row["charge"], row["rated"], bool(row["entry"]), row["amount"]) for row in behind.rows] == [
        ("shop/INV-3/1", "2024-01-31", False, "-5.00"), ("shop/C-1/1", "", False, "1.00"),
        ("shop/C-1/1", "", True, "-4.00"),
    ]  # fmt: skip
    # 60.00 more are billed at 1.05, a loss of 3.00, and the 100.00 of the plain line, a loss of 5.00.
    assert len(post(earned, MARCH).adjustments) == 2
    assert cleared(intacct) == [
        *gain,
        ("2024-03-31", "7800", "3.00", "ODD"), ("2024-03-31", "2400", "-3.00", "ODD"),
        ("2024-03-31", "7800", "5.00", "ODD"), ("2024-03-31", "2400", "-5.00", "ODD"),
    ]  # fmt: skip
    assert shown(earned, MARCH) == [("shop/C-1/1", "1.00", "1.00", "0.00"), ("shop/INV-3/1", "-5.00", "-5.00", "0.00")]
    assert shown(earned, FEBRUARY) == [("shop/C-1/1", "4.00", "4.00", "0.00")]
    entries = len(intacct.entries())
    again = post(earned, MARCH)
    assert again.complete and not again.adjustments and len(intacct.entries()) == entries
    assert verify(earned.context("verify")).findings == []
    first, second = earned.trace("shop/C-1/1")["exchange"]
    assert [(one["date"], one["account"], one["amount"], one["status"]) for one in (first, second)] == [
        ("2024-02-29", "2400", "4.00", "posted"), ("2024-03-31", "2400", "-3.00", "posted"),
    ]  # fmt: skip
    created = [one for one in earned.trace("shop/C-1/1")["audit"] if one["action"] == "adjustment created"]
    assert [one["subject"] for one in created] == [first["reference"], second["reference"]]


def test_the_tie_out_has_what_is_posted_in_base_currency(earned: Books) -> None:
    before = tie_out(earned.context("tie-out"), MARCH)
    assert post(earned, MARCH).complete
    report = tie_out(earned.context("tie-out"), MARCH)
    assert report.ties_out and report.header["figures_sha256"] != before.header["figures_sha256"]
    for row in report.rows:
        behind = drill_tie_out(earned.context("tie-out"), MARCH, address_of(report, row, "amount"))
        assert behind.ties_out, (row, behind.differences)
    # A gain of 1.00 and a loss of 5.00.
    assert [(row["figure"], row["amount"]) for row in report.rows if row["currency"] == "USD"] == [
        ("exchange differences cleared from deferred accounts", "-4.00"),
        ("exchange gains less losses", "-4.00"),
    ]


@pytest.mark.both_databases
def test_the_ledger_reconciles_with_what_was_posted_in_base_currency(earned: Books, intacct: Intacct) -> None:
    post(earned, MARCH)
    found = reconcile(earned.context("reconcile"), MARCH)
    assert found.ties and not found.findings
    assert [(one.account, one.adjusting, one.intacct) for one in found.balances if one.currency == "USD"] == [
        ("2400", -400, -400), ("7800", 400, 400),
    ]  # fmt: skip
    # A person deletes the loss of 5.00 in Intacct.
    (record,) = [one["record_no"] for one in intacct.entries() if one["lines"][0]["amount"] == "5.00"]
    intacct.admin("/entries/delete", record_no=record)
    gone = reconcile(earned.context("reconcile"), MARCH)
    assert [(one.kind, one.amount) for one in gone.findings] == [("deleted", 500)]


def test_a_report_as_known_earlier_has_nothing_that_was_posted_later(earned: Books) -> None:
    before = KnownTime("before", earned.audit_seq())
    post(earned, MARCH)
    context = earned.context("report")
    context.database.read_as_known(before)
    assert {row["posted"] for row in exchange(context, MARCH).rows} == {"0.00"}
    assert {row["posted"] for row in exchange(earned.context("report"), MARCH).rows} == {"-4.00"}


def test_the_close_checklist_asks_for_what_is_not_posted(earned: Books) -> None:
    march = DateSpan(date(2024, 3, 1), MARCH)

    def item() -> ChecklistItem:
        context = earned.context("report close")
        found = close_checklist(context, march, tie_out(context, MARCH), verify(context))
        return next(one for one in found if one.item == "The exchange differences are posted")

    assert item()[1:] == (
        "open",
        "shop/C-1/1: 1.00 USD not posted; shop/INV-3/1: -5.00 USD not posted",
        "revrec report exchange --date 2024-03-31 --post",
    )
    post(earned, MARCH)
    assert item()[1:] == ("done", "charge lines with a difference: 2, all posted", "")


def test_a_dry_run_shows_the_entries_and_posts_nothing(earned: Books, intacct: Intacct) -> None:
    before = earned.content()
    planned = post(earned, MARCH, dry_run=True).adjustments
    assert [(one["subject"], one["amount"]) for one in planned] == [
        ("shop/C-1/1 2400", "1.00"),
        ("shop/INV-3/1 2400", "5.00"),
    ]
    assert earned.content() == before and cleared(intacct) == []


def test_a_corrected_rate_is_posted_as_the_difference_to_what_was_posted(earned: Books, intacct: Intacct) -> None:
    post(earned, MARCH)
    (earned.folder / "rates.csv").write_text(RATES.replace("1.05", "1.10"))
    before = len(cleared(intacct))
    # The contract line's gain is 4.00 and not 1.00; the plain line's loss of 5.00 is gone.
    assert shown(earned, MARCH) == [("shop/C-1/1", "4.00", "1.00", "3.00"), ("shop/INV-3/1", "0.00", "-5.00", "5.00")]
    assert post(earned, MARCH).complete
    assert [line[1:3] for line in cleared(intacct)[before:]] == [
        ("2400", "3.00"), ("7800", "-3.00"), ("2400", "5.00"), ("7800", "-5.00"),
    ]  # fmt: skip
    assert {line[-1] for line in shown(earned, MARCH)} == {"0.00"}


def test_what_cannot_be_posted_is_refused_with_the_reason(earned: Books, intacct: Intacct) -> None:
    post(earned, FEBRUARY)
    with pytest.raises(BadInput, match="posted as of 2024-02-29 already"):
        post(earned, date(2024, 2, 28))
    decide(earned.context("periods"), [date(2024, 3, 1)], "closed", "March is reported")
    with pytest.raises(BadInput, match="the period is closed"):
        post(earned, MARCH)
    earned.environment["REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT"] = "2400"
    with pytest.raises(BadConfiguration, match="is the deferred account of shop/C-1/1"):
        post(earned, date(2024, 4, 30))
    del earned.environment["REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT"]
    with pytest.raises(BadConfiguration, match=r"set gain_or_loss_account in \[exchange\]"):
        post(earned, date(2024, 4, 30))
    assert len(cleared(intacct)) == 2
