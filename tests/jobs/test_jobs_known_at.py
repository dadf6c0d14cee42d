"""Reports with ``--known``: each comes out as it would have then, whatever was written since."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.cli.reports.balance import BalanceRows, balance_report
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.known_time import KnownTime, read_known_time
from revrec.core.typed_dates import DateSpan
from revrec.jobs.context import Context
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports.activity import activity, journal
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.late import BY_MONTH, late
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.moves import schedule_moves
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import sign, tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.store import as_known
from revrec.store.tables import metadata
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.stories import DAYS, OPENING, RULES, STEPS, Story

MAY = date(2024, 5, 31)
OPEN, CLOSE = 0, 1
"""Numbers with which the step "close" opens or closes a month."""
SPAN = DateSpan(date(2024, 1, 1), MAY)
OF_THE_RUN = ("run_at", "run_by", "known")
"""What the header of a report says about who made it, and when; all else is the same."""


def reports(context: Context) -> Iterator[Any]:
    """Yield every report, without what depends on who makes it and when."""
    for report in (
        rollforward(context, RollforwardOptions(SPAN, by=["charge"])),
        waterfall(context, MAY, "charge", date(2024, 1, 1), 3),
        *(balance_report(context, BalanceOptions(MAY), rows) for rows in BalanceRows),
        balance_report(context, BalanceOptions(MAY, planned=True), BalanceRows.lines),
        remaining_obligations(context, MAY, "charge", [1, 12]),
        revenue(context, SPAN, "month", "rule"),
        activity(context, SPAN, "month"),
        *(late(context, Filters(first=SPAN.first, last=MAY), by) for by in ("change", BY_MONTH)),
        costs(context, CostOptions(SPAN)),
        exceptions(context, MAY),
        tie_out(context, MAY),
    ):  # fmt: skip
        header = {key: value for key, value in report.header.items() if key not in OF_THE_RUN}
        yield report._replace(header=header)
    yield list(journal(context, NO_FILTERS))
    yield list(schedule_moves(context))


def known(books: Books, wanted: KnownTime) -> Context:
    """Return the context of a report as of an earlier moment."""
    context = books.context("report")
    context.database.read_as_known(wanted)
    return context


class Record:
    """The reports of the books after each step, by the number of the last audit event."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.saved: dict[int, list[Any]] = {}

    def save(self) -> None:
        """Save all reports as they are now."""
        self.saved[self.books.audit_seq()] = list(reports(self.books.context("report")))

    def check(self) -> None:
        """Check that every saved report comes out again."""
        for seq, expected in self.saved.items():
            found = list(reports(known(self.books, KnownTime(str(seq), seq))))
            assert found == expected, f"as of audit event {seq}"


class LongStory(Story):
    """A story with what makes earlier reports hard to repeat: closed months, rejected entries, and rows set aside."""

    def do(self, at: int, what: str, day: str, number: int) -> None:
        """Take one step, as :class:`Story` does."""
        books = self.books
        if what == "run":
            books.run(day)
        elif what == "close":
            first = date.fromisoformat(day).replace(day=1)
            kind = "open" if number % 3 == OPEN else "closed"
            decide(books.context("periods close"), [first], kind, "reported")
        elif what == "void":
            posted = {charge for (charge,) in books.sql("SELECT charge FROM journal_line")}
            free = [charge for charge in self.billed if charge not in posted]
            if free:
                void_charge(books.context("charge void"), free[number % len(free)], "a test order")
                self.billed.pop(free[number % len(free)])
        elif what == "withdraw":
            there = books.sql(
                "SELECT id FROM fulfillment_event WHERE id NOT IN (SELECT event_id FROM event_withdrawal)"
            )
            if there:
                withdraw_event(books.context("event withdraw"), there[number % len(there)][0], "wrong")
        elif what == "bad rows":
            good = self.row(f"D{at}", item="POD-1", amount=f"{number}.00", post_date=day)
            bad = self.row(f"B{at}", item="POD-1", amount="twelve", post_date=day)
            books.import_file(books.file(f"{at}.csv", [good, bad]), keep_good=True)
        elif what == "dismiss":
            waiting = books.sql(
                "SELECT id FROM quarantine WHERE id NOT IN (SELECT quarantine_id FROM quarantine_outcome)"
            )
            if waiting:
                quarantine.dismiss(books.context("quarantine dismiss"), [waiting[0][0]], "not ours")
        elif self.billed or what in ("line", "account"):
            super().do(at, what, day, number)


def test_a_report_comes_out_as_it_was_before_a_later_delivery(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("D1", item="POD-1"))
    seq = offline.audit_seq()
    before = remaining_obligations(offline.context("report"), MAY, "charge", [1, 12]).rows
    offline.event("shop/D1/1", "pod", "2024-06-03")
    assert remaining_obligations(offline.context("report"), MAY, "charge", [1, 12]).rows != before
    assert remaining_obligations(known(offline, KnownTime(str(seq), seq)), MAY, "charge", [1, 12]).rows == before


@pytest.mark.slow
def test_every_report_comes_out_as_it_was_before_later_steps(books: Books, intacct: Intacct, row: MakeRow) -> None:
    story, record = LongStory(books, intacct, row), Record(books)
    before = (
        ("line", "2024-01-02", 9),
        ("line", "2024-01-03", 7),
        ("close", "2024-01-01", CLOSE),
        ("run", "2024-02-29", 0),
    )
    for at, step in enumerate(before):
        story.do(at, *step)
    record.save()
    after = (
        ("close", "2024-01-01", OPEN),
        ("pod", "2024-02-01", 1),
        ("undo", "2024-03-02", 0),
        ("run", "2024-03-31", 0),
    )
    for at, step in enumerate(after, len(before)):
        story.do(at, *step)
    record.check()


@pytest.mark.slow
@pytest.mark.both_databases
def test_every_report_comes_out_as_it_was_after_earlier_steps(books: Books, intacct: Intacct, row: MakeRow) -> None:
    intacct.admin("/accounts", id="2410")
    story, record = LongStory(books, intacct, row), Record(books)
    for at, step in enumerate((
        ("line", "2024-01-02", 9),
        ("line", "2024-01-03", 7),
        ("line", "2024-01-04", 4),
        ("run", "2024-02-29", 0),
        ("pod", "2024-03-01", 1),
        ("undo", "2024-03-02", 0),
        ("account", "2499", 0),
        ("run", "2024-03-31", 0),
        ("account", "2410", 0),
        ("close", "2024-02-01", CLOSE),
        ("bad rows", "2024-02-03", 5),
        ("run", "2024-04-30", 0),
        ("withdraw", "2024-03-01", 0),
        ("void", "2024-03-01", 2),
        ("dismiss", "2024-03-01", 0),
    )):  # fmt: skip
        story.do(at, *step)
        if at % 3 == 0:
            record.save()
    assert {state for (state,) in books.sql("SELECT state FROM journal_entry")} > {"POSTED"}
    record.check()


MORE = st.tuples(st.sampled_from(["close", "void", "withdraw", "bad rows", "dismiss"]), DAYS, st.integers(0, 9))


@pytest.mark.slow
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.tuples(STEPS, st.lists(MORE, max_size=5)).flatmap(lambda both: st.permutations([*both[0], *both[1]])))
def test_every_report_of_random_books_comes_out_as_it_was(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, steps: list[tuple[str, str, int]]
) -> None:
    story = LongStory.begin(fresh_books, intacct, row)
    record = Record(story.books)
    for at, step in enumerate([OPENING[0], *steps]):
        story.do(at, *step)
        if at % 4 == 0:
            record.save()
    record.check()


def test_each_table_is_hidden_or_known_to_need_no_hiding() -> None:
    by_event = {name for name, table in metadata.tables.items() if "audit_seq" in table.c}
    others = {*as_known.NUMBERED, *as_known.OF_NUMBERED, *as_known.OF_VERSION, *as_known.OF_SCHEDULE, *as_known.WHOLE}
    rebuilt = {"meta", "audit_event", "entered_line", "document_resolution", "allocation_line"}
    assert by_event | others | rebuilt == set(metadata.tables)


def test_a_time_is_the_last_event_that_was_written_by_then(offline: Books, row: MakeRow) -> None:
    offline.take(row("D1"))
    ((first,),) = offline.sql("SELECT min(at) FROM audit_event")
    ((seq, last),) = offline.sql("SELECT max(seq), max(at) FROM audit_event")
    assert known(offline, KnownTime("", at=last)).database.moment == (seq, last)
    for at in ("2024-01-01T00:00:00.000000+00:00", "2024-01-01T23:59:59.999999+00:00"):
        with pytest.raises(BadInput, match=f"these books began later, at {first[:19]} UTC"):
            known(offline, KnownTime(at, at=at))
    with pytest.raises(BadInput, match=f"no such audit event yet; the last one is {seq}"):
        known(offline, KnownTime("99999", 99999))


def test_nothing_can_be_recorded_in_the_past(offline: Books) -> None:
    with pytest.raises(BadInput, match="nothing can be recorded; leave --known out"):
        sign(known(offline, KnownTime("1", 1)), MAY, "agreed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17", KnownTime("17", 17)),
        ("2024-04-01", KnownTime("2024-04-01", at="2024-04-01T23:59:59.999999+00:00")),
        ("2024-04-01T09:00Z", KnownTime("2024-04-01T09:00Z", at="2024-04-01T09:00:00.000000+00:00")),
        ("2024-04-01 09:00", KnownTime("2024-04-01 09:00", at="2024-04-01T09:00:00.000000+00:00")),
        ("2024-04-01T09:00+02:00", KnownTime("2024-04-01T09:00+02:00", at="2024-04-01T07:00:00.000000+00:00")),
        ("2024-04", None),
        ("0001-01-01T00:00+02:00", None),
        ("last month", None),
    ],
)
def test_a_moment_is_a_day_a_time_or_an_audit_event(text: str, expected: KnownTime | None) -> None:
    assert read_known_time(text) == expected
