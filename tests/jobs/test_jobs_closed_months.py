"""A closed month keeps its figures, and what arrives late is listed with its reason and counted in the open month."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.contract_balance import BalanceSheet, ContractBalance
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.periods import PeriodFact, closed_since, last_closed_before
from revrec.core.typed_dates import DateSpan
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.posting import periods
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances
from revrec.jobs.reports.forecast import forecast
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store import events
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct

MARCH, APRIL, MAY = date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)


def close(books: Books, month: str, kind: str = "closed", entity: str = "") -> None:
    """Close or open a month as a person does."""
    periods.decide(books.context("periods close"), [date.fromisoformat(f"{month}-01")], kind, "reported", entity)


def shown(books: Books, day: date, **how: Any) -> tuple[list[ContractBalance], BalanceNotes]:
    """The whole report, and its notes."""
    notes = BalanceNotes()
    wanted = BalanceOptions(day, **how)
    return list(contract_balances(books.context("report balance"), wanted, BalanceSheet(), notes)), notes


def total(books: Books, day: date, **how: Any) -> int:
    """The deferred balance in all, in minor units."""
    return sum(one.liability - one.asset for one in shown(books, day, **how)[0])


@pytest.fixture
def march(books: Books, row: MakeRow) -> Books:
    """Books of March: 100.00 billed and not delivered, 24.00 of which 2.00 are recognized."""
    books.take(
        row("INV-1", item="POD-1", amount="100.00", post_date="2024-03-05"), row("INV-2", post_date="2024-03-01")
    )
    assert books.run("2024-03-31").complete
    return books


@pytest.mark.both_databases
def test_what_arrives_after_the_close_changes_no_figure_of_the_closed_month(
    march: Books, intacct: Intacct, row: MakeRow
) -> None:
    before = shown(march, MARCH)[0]
    close(march, "2024-03")
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-03-20"), name="late.csv")
    march.event("shop/INV-1/1", "credit", "2024-03-25", amount=10)
    march.event("shop/INV-1/1", "credit", "2024-04-02", amount=1)
    march.import_events(
        {"charge": "shop/INV-2/1", "kind": "price", "date": "2024-03-30", "amount": "30.00", "note": "talked up"}
    )
    march.take(row("INV-4", item="POD-1", amount="7.00", post_date="2024-04-01"), name="april.csv")
    march.rules((march.folder / "rules" / "rules.toml").read_text().replace("periods = 12", "periods = 3"))
    schedule(march.context("schedule"), rebuild=True)
    after, notes = shown(march, MARCH)
    assert after == before and sum(one.liability for one in after) == 12_200
    assert shown(march, MARCH, planned=True)[0] == before
    assert [(one.charge, one.date, one.change, one.amount) for one in notes.late] == [
        ("shop/INV-1/1", "2024-03-25", "credit", -1_000),
        ("shop/INV-2/1", "2024-03-30", "price", 600),
        ("shop/INV-3/1", "2024-03-20", "charge line", 5_000),
    ]
    credit, price, line = (one.reason for one in notes.late)
    assert credit.startswith("recorded by ") and price.endswith("events.csv, row 2: talked up")
    assert line.endswith("late.csv, row 2")
    (closed,) = notes.closed
    assert closed.reported and "closed here by" in closed.fact.words
    april, notes = shown(march, APRIL)
    assert [one.amount for one in notes.late] == [-1_000, 600, 5_000] and not notes.closed[0].reported
    assert sum(one.liability for one in april) == 12_200 + 4_600 + 700 - 100
    unrecognized = {day: reconcile(march.context("reconcile"), day).balances[0].unrecognized for day in (MARCH, APRIL)}
    assert unrecognized == {MARCH: 12_200, APRIL: 12_200 + 4_600 + 700 - 100}


def test_the_events_of_a_late_file_are_read_together(
    march: Books, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(march, "2024-03")
    late = [row(f"INV-{number}", item="POD-1", post_date="2024-03-20") for number in range(100, 130)]
    march.take(*late, name="late.csv")
    read, calls = events.events_of_charges, Counter[str]()

    def counting(*wanted: Any, **how: Any) -> Any:
        calls["queries"] += 1
        return read(*wanted, **how)

    monkeypatch.setattr(events, "events_of_charges", counting)
    assert len(shown(march, MARCH)[1].late) == 30
    assert 0 < calls["queries"] < 10


def test_a_month_that_is_opened_again_has_what_came_in_since(march: Books, row: MakeRow) -> None:
    close(march, "2024-03")
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-03-20"), name="late.csv")
    assert total(march, MARCH) == 12_200
    close(march, "2024-03", "open")
    notes = shown(march, MARCH)[1]
    assert total(march, MARCH) == 17_200 and notes.late == [] and not any(one.reported for one in notes.closed)
    close(march, "2024-03")
    assert total(march, MARCH) == 17_200 and shown(march, MARCH)[1].late == []


def test_the_next_month_counts_what_was_late_for_the_one_before_and_keeps_it(march: Books, row: MakeRow) -> None:
    close(march, "2024-03")
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-03-20"), name="late.csv")
    close(march, "2024-04")
    march.take(row("INV-5", item="POD-1", amount="5.00", post_date="2024-03-21"), name="later.csv")
    assert [total(march, day) for day in (MARCH, APRIL, MAY)] == [12_200, 17_200, 17_700]
    late = {day: [one.charge for one in shown(march, day)[1].late] for day in (MARCH, APRIL, MAY)}
    assert late[MARCH] == ["shop/INV-3/1", "shop/INV-5/1"]
    assert late[APRIL] == late[MAY] == ["shop/INV-5/1"]


@pytest.mark.both_databases
def test_new_prices_and_credits_stay_apart_when_they_count_in_a_later_month(march: Books, row: MakeRow) -> None:
    march.take(row("INV-4", item="POD-1", amount="40.00", post_date="2024-04-10"))
    for charge in ("INV-1", "INV-4"):
        march.event(f"shop/{charge}/1", "price", "2024-03-20", amount=30)
        march.event(f"shop/{charge}/1", "credit", "2024-03-21", amount=1)
    close(march, "2024-03")
    march.event("shop/INV-1/1", "price", "2024-03-22", amount=20)
    march.event("shop/INV-2/1", "price", "2024-03-22", amount=20)
    march.event("shop/INV-2/1", "credit", "2024-03-23", amount=3)
    moved = [
        {name: row[name] for name in ("billed", "credited", "price_changes", "other")}
        for row in rollforward(march.context(), RollforwardOptions(DateSpan(date(2024, 3, 1), APRIL))).rows
    ]
    assert moved == [
        {"billed": "124.00", "credited": "-1.00", "price_changes": "-70.00", "other": "0.00"},
        {"billed": "40.00", "credited": "-4.00", "price_changes": "-23.00", "other": "0.00"},
    ]


def test_a_month_that_was_closed_before_an_earlier_one_is_named(march: Books, row: MakeRow) -> None:
    close(march, "2024-03")
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-02-20"), name="late.csv")
    options = RollforwardOptions(DateSpan(date(2024, 2, 1), MARCH))
    found = rollforward(march.context(), options)
    assert [(one["check"], one["left"]) for one in found.differences] == [("2024-03: other movements = 0", "-50.00")]
    (note,) = [one for one in found.header["notes"] if "closed" in one]
    assert note.startswith("2024-03 was closed before the days before 2024-03-01: what arrived for those days")
    close(march, "2024-02")
    close(march, "2024-03", "open")
    close(march, "2024-03")
    assert rollforward(march.context(), options).ties_out


def test_each_entity_has_its_own_close(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", item="POD-1", amount="1.00", entity="E1"), row("INV-2", item="POD-1", amount="2.00"))
    close(books, "2024-01", entity="E1")
    books.take(row("INV-3", item="POD-1", amount="10.00", entity="E1"), name="e1.csv")
    books.take(row("INV-4", item="POD-1", amount="20.00"), name="top.csv")
    january = date(2024, 1, 31)
    assert total(books, january) == 100 + 2_200
    assert total(books, january, entity="E1") == 100 and total(books, january, entity="") == 2_200
    assert [one.charge for one in shown(books, january)[1].late] == ["shop/INV-3/1"]
    assert (
        shown(books, january, customer="C1007", account="2400")[1].late and not shown(books, january, entity="")[1].late
    )


def test_what_changed_in_intacct_after_the_close_is_late_too(march: Books, intacct: Intacct) -> None:
    close(march, "2024-03")
    intacct.admin("/entries/delete", record_no=intacct.entries()[0]["record_no"])
    (finding,) = reconcile(march.context("reconcile"), APRIL).findings
    reconcile(march.context("reconcile"), APRIL, accept=[finding.key], reason="wrong customer")
    assert total(march, MARCH) == 12_200
    ((account, amount, reason),) = [(one.account, one.amount, one.reason) for one in shown(march, MARCH)[1].late]
    assert (account, amount) == ("2400", 200) and "was changed in Intacct" in reason
    assert total(march, APRIL) == 12_400


def test_an_entry_that_turns_out_to_be_posted_after_the_close_is_late(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-2", post_date="2024-03-01"))
    intacct.fault("drop@after:1x:create")
    books.run("2024-03-31")
    close(books, "2024-03")
    books.run("2024-03-31", later=timedelta(minutes=1))
    assert books.sql("SELECT state FROM journal_entry") == [("POSTED",)]
    assert total(books, MARCH) == 2_400 and total(books, APRIL) == 2_200
    (late,) = shown(books, MARCH)[1].late
    assert late.amount == -200 and late.reason.endswith("was posted after the close")


def test_a_row_that_leaves_the_quarantine_after_the_close_is_late(books: Books, row: MakeRow) -> None:
    path = books.file("c.csv", [row("INV-1", item="POD-1", amount="1.00"), row("INV-2", amount="x", item="POD-1")])
    books.import_file(path, keep_good=True)
    close(books, "2024-01")
    quarantine.fix(books.context("quarantine fix"), 1, {"amount": "9.00"}, "the invoice says so")
    quarantine.release(books.context("quarantine release"), [1])
    assert total(books, date(2024, 1, 31)) == 100
    (late,) = shown(books, date(2024, 1, 31))[1].late
    assert (late.charge, late.amount) == ("shop/INV-2/1", 900)


def test_a_source_that_is_invoiced_from_here_after_the_close_changes_no_closed_month(
    offline: Books, row: MakeRow
) -> None:
    offline.take(row("INV-1", item="POD-1", amount="1.00"))
    close(offline, "2024-01")
    config = offline.folder / "revrec.toml"
    config.write_text(config.read_text() + '[invoicing]\ndefault_term = "Net 30"\n[invoice.shop]\nas = "invoice"\n')
    january, february = date(2024, 1, 31), date(2024, 2, 29)
    assert total(offline, january) == 100
    assert total(offline, february) == 0, "its invoice bills it"
    for day in (january, february):
        (late,) = shown(offline, day)[1].late
        assert (late.charge, late.date, late.change, late.amount) == ("shop/INV-1/1", "2024-01-05", "invoicing", -100)
        assert late.reason.startswith("source shop is invoiced in another way since the close: see [invoice.shop]")


def test_a_source_that_was_configured_before_the_close_counts_by_its_invoice_though_none_existed(
    offline: Books, row: MakeRow
) -> None:
    config = offline.folder / "revrec.toml"
    before = config.read_text()
    config.write_text(before + '[invoicing]\ndefault_term = "Net 30"\n[invoice.shop]\nas = "invoice"\n')
    offline.take(row("INV-1", item="POD-1", amount="1.00"))
    january = date(2024, 1, 31)
    assert total(offline, january) == 0
    close(offline, "2024-01")
    assert total(offline, january) == 0 and shown(offline, january)[1].late == []
    config.write_text(before)
    assert total(offline, january) == 0, "the closed month stays as reported"
    assert total(offline, date(2024, 2, 29)) == sum(one.amount for one in shown(offline, january)[1].late) == 100


FACTS = [
    PeriodFact("", "closed", date(2024, 1, 1), "person", "first"),
    PeriodFact("", "through", date(2024, 1, 31), "intacct", ""),
    PeriodFact("", "open", date(2024, 1, 1), "person", "again"),
    PeriodFact("", "through", date(2024, 2, 29), "intacct", ""),
    PeriodFact("E1", "closed", date(2024, 4, 1), "person", "early"),
]


def test_a_day_is_closed_since_the_fact_that_closed_it_without_a_break() -> None:
    january, february, march, april = (date(2024, month, 15) for month in (1, 2, 3, 4))
    assert closed_since(FACTS[:2], "", january) == 0, "a second reason to be closed does not close it again"
    assert closed_since(FACTS[:3], "", january) is None
    assert [closed_since(FACTS, "", day) for day in (january, february, march, april)] == [3, 3, None, None]
    assert closed_since(FACTS, "E1", april) == 4
    assert last_closed_before(FACTS, "", april) == date(2024, 2, 29)
    assert last_closed_before(FACTS, "E1", date(2024, 5, 2)) == date(2024, 4, 30)
    assert last_closed_before(FACTS, "", date(2024, 2, 10)) == date(2024, 2, 9)
    assert last_closed_before(FACTS[:3], "", april) is None is last_closed_before(FACTS, "", date.min)


DAYS = st.dates(date(2024, 1, 1), date(2024, 4, 30)).map(str)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("line"), DAYS, st.integers(1, 50)),
        st.tuples(st.sampled_from(["credit", "price", "cancel", "pod"]), DAYS, st.integers(1, 30)),
        st.tuples(st.sampled_from(["run", "rebuild", "withdraw", "void"]), DAYS, st.just(0)),
        st.tuples(st.just("close"), st.sampled_from(["2024-01", "2024-02", "2024-03"]), st.just(0)),
    ),
    min_size=3, max_size=9,
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_whatever_happens_after_a_close_its_figures_stay_and_late_changes_explain_the_difference(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, steps: Any
) -> None:
    books = fresh_books({**intacct.environment, "REVREC_POSTING_CLOSED_PERIOD": "hold"})
    books.take(row("D0", amount="24.00", post_date="2024-01-03"))
    closed: dict[date, list[ContractBalance]] = {}
    for at, step in enumerate(steps, 1):
        _take(books, row, at, *step)
        if step[0] == "close":
            end = date.fromisoformat(f"{step[1]}-01") + timedelta(days=31)
            end -= timedelta(days=end.day)
            closed.setdefault(end, shown(books, end)[0])
        for end, reported in closed.items():
            assert shown(books, end)[0] == reported, step
    for end in closed:
        late, as_reported = Counter[str](), total(books, end)
        for one in shown(books, end)[1].late:
            assert one.change != "other", one
            late[one.currency] += one.amount
        month = f"{end:%Y-%m}"
        close(books, month, "open")
        assert total(books, end) == as_reported + late["USD"]
        close(books, month)


def _take(books: Books, row: MakeRow, at: int, what: str, day: str, amount: int) -> None:
    if what == "line":
        books.take(row(f"D{at}", item="POD-1", amount=f"{amount}.00", post_date=day), name=f"{at}.csv")
    elif what == "run":
        books.run(day)
    elif what == "close":
        close(books, day)
    elif what == "withdraw":
        left = "SELECT max(id) FROM fulfillment_event WHERE id NOT IN (SELECT event_id FROM event_withdrawal)"
        ((event,),) = books.sql(left)
        if event is not None:
            withdraw_event(books.context("event withdraw"), event, "a mistake")
    elif what == "void":
        left = "SELECT max(id) FROM charge_line WHERE no > 1 AND no NOT IN (SELECT charge_no FROM charge_void)"
        ((charge,),) = books.sql(left)
        if charge is not None:
            void_charge(books.context("charge void"), charge, "never sold")
    elif what == "rebuild":
        text = (books.folder / "rules" / "rules.toml").read_text()
        books.rules(text.replace("periods = 12", f"periods = {at}"))
        schedule(books.context("schedule"), rebuild=True)
    else:
        books.event("shop/D0/1", what, day, amount=None if what in ("pod", "cancel") else amount)


def test_what_is_taken_back_after_the_close_is_listed_too(march: Books, row: MakeRow) -> None:
    march.event("shop/INV-1/1", "credit", "2024-03-25", amount=10)
    march.take(row("INV-3", item="POD-1", amount="50.00", post_date="2024-03-20"), name="test-order.csv")
    before = total(march, MARCH)
    close(march, "2024-03")
    withdraw_event(march.context("event withdraw"), 1, "another customer")
    void_charge(march.context("charge void"), "shop/INV-3/1", "a test order")
    assert total(march, MARCH) == before
    assert total(march, APRIL) == before + 1_000 - 5_000
    late = [(one.charge, one.change, one.amount, one.reason.partition(": ")[2]) for one in shown(march, APRIL)[1].late]
    assert late == [
        ("shop/INV-1/1", "withdrawn credit", 1_000, "another customer"),
        ("shop/INV-3/1", "void", -5_000, "a test order"),
    ]


def test_the_plan_of_an_entity_is_of_its_own_close(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", entity="E1"), row("INV-2", entity="E2"))
    close(books, "2024-01", entity="E1")
    context, february = books.context("report forecast"), DateSpan(date(2024, 2, 1), date(2024, 2, 29))
    with pytest.raises(BadInput, match="2024-01-31 is not closed for entity E2"):
        forecast(context, february, "entity", filters=NO_FILTERS)
    (of_first,) = forecast(context, february, "entity", filters=Filters(entity="E1")).rows
    assert (of_first["entity"], of_first["baseline"], of_first["not_posted"]) == ("E1", "2.00", "-2.00")
