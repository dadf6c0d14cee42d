"""Closing a month keeps its control totals, and reports can be compared with them later."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports.frozen import BALANCE, against_frozen, close_months, frozen_checks
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.store.audit import canonical
from support.books import Books, MakeRow

MARCH = DateSpan(date(2024, 3, 1), date(2024, 3, 31))


@pytest.fixture
def march(books: Books, row: MakeRow) -> Books:
    """Books of March: 100.00 billed and not delivered, 24.00 of which 2.00 are recognized; closed."""
    books.take(
        row("INV-1", item="POD-1", amount="100.00", post_date="2024-03-05"), row("INV-2", post_date="2024-03-01")
    )
    assert books.run("2024-03-31").complete
    close(books)
    return books


def close(books: Books) -> None:
    close_months(books.context("periods close"), [MARCH.first], "reported")


def kept(books: Books) -> dict[str, Any]:
    """Return what the audit event of the close keeps."""
    ((detail,),) = books.sql("SELECT detail FROM audit_event WHERE action = 'period closed' ORDER BY seq DESC LIMIT 1")
    found: dict[str, Any] = json.loads(detail)
    return found


def compared(books: Books) -> tuple[Report, Report]:
    """Return the rollforward and the remaining obligations of March, compared with the close."""
    context = books.context("report")
    return (
        against_frozen(context, rollforward(context, RollforwardOptions(MARCH)), MARCH),
        against_frozen(context, remaining_obligations(context, MARCH.last, "entity", [12]), MARCH),
    )


@pytest.mark.both_databases
def test_the_event_of_a_close_keeps_the_control_totals_with_their_digest(march: Books) -> None:
    event = kept(march)
    figures = event["figures"]
    assert figures["rollforward"]["USD 2400"]["closing"] == figures["balance"]["USD 2400"]["balance"] == "122.00"
    assert (figures["rollforward"]["USD 2400"]["billed"], figures["rollforward"]["USD 2400"]["recognized"]) == (
        "124.00", "2.00",
    )  # fmt: skip
    remaining = figures["rpo"]["USD"]
    assert (remaining["total"], remaining["billed"], remaining["waiting"]) == ("122.00", "122.00", "100.00")
    assert event["figures_sha256"] == hashlib.sha256(canonical(figures).encode()).hexdigest()
    for report in compared(march):
        assert report.ties_out and event["figures_sha256"] in report.header["frozen"][0]
    assert verify(march.context("verify")).sound


def test_what_is_different_from_the_close_is_a_check_that_fails(march: Books, row: MakeRow) -> None:
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-03-20"), name="late.csv")
    of_ledger, remaining = compared(march)
    assert of_ledger.ties_out, "a closed month keeps its figures"
    assert [(one["check"], one["left"], one["right"]) for one in remaining.differences] == [
        ("2024-03: total = frozen", "172.00", "122.00"),
        ("2024-03: billed = frozen", "172.00", "122.00"),
        ("2024-03: waiting = frozen", "150.00", "100.00"),
    ]
    decide(march.context("periods open"), [MARCH.first], "open", "a late invoice")
    (closing, *_rest) = [one for one in compared(march)[0].differences if "closing" in one["check"]]
    assert closing["check"] == "2024-03: closing of account 2400 = frozen" and closing["difference"] == "50.00"
    balances = frozen_checks(march.context(), BALANCE, MARCH)[1]
    assert [(one.name, one.difference) for one in balances] == [("2024-03: balance of account 2400 = frozen", 5_000)]
    close(march)
    assert all(report.ties_out for report in compared(march)), "the second close counts"


def test_a_month_without_frozen_figures_is_refused(march: Books) -> None:
    february = DateSpan(date(2024, 2, 1), date(2024, 2, 29))
    context = march.context()
    with pytest.raises(BadInput, match="no month of 2024-02-01 to 2024-02-29 was closed by revrec periods close"):
        against_frozen(context, rollforward(context, RollforwardOptions(february)), february)


def test_rules_with_errors_keep_no_month_open(offline: Books, row: MakeRow) -> None:
    offline.take(row(item="NOTHING-1"))
    offline.rules("[[rule]]\nname = 7\n")
    close(offline)
    assert "rules.toml" in kept(offline)["figures_left_out"] and "figures" not in kept(offline)
    assert offline.sql("SELECT count(*) FROM period_fact") == [(1,)]
