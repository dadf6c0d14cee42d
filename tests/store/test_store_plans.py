"""The database computes the same schedule lines as the core: for any weights, rules, amounts and events."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from core.test_every_method import BOOKS, CONSTRAINED, PLAIN, reports
from core.test_recorded_plans import YEARS, changes, with_sign_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.golden import play
from revrec.core.journal import build_entries
from revrec.core.money import LARGEST, ROUNDINGS, divisible_amounts, split
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, SchedulePart, cancel_out
from revrec.jobs.admin.selftest import GoldenCases
from revrec.jobs.scheduling.scheduler import Scheduler
from revrec.store import charges, digests, events, rule_versions, schedules
from revrec.store.audit import AuditStamp, record
from revrec.store.database.sums import joined_sum
from revrec.store.plans import AMOUNTS, CHANGED, SHARES, PlanKeeper, SharedPlan, SplitAmount, plan_of_parts
from revrec.store.posting import due, entries, postings
from revrec.store.reports.figures import OPEN_LINES, SqlAlchemyView
from revrec.store.reports.in_ledger import amount_with_sign
from revrec.store.schedules_in_force import SchedulesInForce
from revrec.store.tables import (
    OPEN,
    audit_event,
    charge_line,
    journal_line,
    open_line,
    plan,
    plan_part,
    price_change,
    same_line,
    same_version,
    schedule,
    schedule_line,
    schedule_plan,
    schedule_wait,
    schedule_words,
)
from revrec.store.verifying.invariants import INVARIANTS, find_violations
from support.store import RULE, FilledDatabase

pytestmark = pytest.mark.both_databases

MONTHLY = '[[rule]]\nname = "r"\n[rule.recognize]\nmethod = "monthly"\nperiods = 12'
PERCENTAGES = '[[rule]]\nname = "r"\n[rule.recognize]\nmethod = "percentages"\npercentages = [40, 30, 20, 10]'
WHO = AuditStamp("ada@books", "test", "2024-03-28T09:00:00.000000+00:00")
FIRST, DAY = date(2024, 1, 1), timedelta(days=1)
GOLDEN = GoldenCases()
Line = tuple[int, int, int, date, int]
"""Charge number, version, seq, date, amount."""

days = st.integers(0, 1500).map(lambda number: FIRST + timedelta(days=number))
amounts = st.one_of(
    st.integers(-200, 200),
    st.integers(-1_000_000, 1_000_000),
    st.integers(-LARGEST, LARGEST),
    st.sampled_from((LARGEST, -LARGEST, 2**62, -(2**62), 2**62 // 12)),
).filter(bool)
often = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def undone(books: FilledDatabase) -> Iterator[Connection]:
    """Open a transaction that leaves nothing behind."""
    with books.database.write() as connection:
        savepoint = connection.begin_nested()
        yield connection
        savepoint.rollback()


def put(connection: Connection, line: ChargeLine) -> tuple[int, int]:
    """Store a charge line; return its number and the number of an audit event."""
    no, import_id = charges.next_charge_number(connection), charges.next_import_id(connection)
    seq = record(connection, WHO, "import of charges begun", f"import {import_id}", {})
    file = charges.SourceFile("charges.csv", "0" * 64, 1)
    charges.add_import(connection, import_id, "charges", file, "native", WHO.at, WHO.actor, seq)
    charges.add_charges(connection, [charges.charge_row(no, line, import_id, 2)])
    return no, seq


def billed(amount: int, item: str = "A", document: str = "1", **fields: Any) -> ChargeLine:
    return ChargeLine("shop", document, "1", "C", item, FIRST, amount, "USD", **fields)


def stored(connection: Connection) -> list[Line]:
    """Return every line of every version, as the view computes it."""
    names = ("charge_no", "version", "seq", "date", "amount")
    query = select(*(schedule_line.c[name] for name in names)).order_by(*(schedule_line.c[name] for name in names[:3]))
    return [(*key, date.fromisoformat(day), amount) for *key, day, amount in connection.execute(query)]


def written(versions: Sequence[schedules.ScheduleVersion]) -> list[Line]:
    """Return the lines of versions as the core has them."""
    found = []
    for one in versions:
        parts = one.parts
        if one.divided and not parts:
            planned = one.amount - (one.waiting.amount if one.waiting else 0)
            parts = list(zip(one.divided.dates, split(planned, one.divided.weights), strict=True))
        found += [(*one.key, seq, day, amount) for seq, (day, amount) in enumerate(parts, one.first_seq)]
    return sorted(found)


def through(connection: Connection, line: ChargeLine, derived: Schedule) -> tuple[SchedulePart, ...]:
    """Store the dated parts of a schedule, and return them as the view computes them."""
    amount = sum(part.amount for part in derived.parts)
    document = str(charges.next_charge_number(connection))
    no, seq = put(connection, line._replace(document=document, amount=amount))
    rule = rule_versions.keep_rule_version(connection, RULE, WHO)
    shares = SharedPlan(SHARES, derived.plan.dates, derived.plan.weights) if derived.plan else None
    schedules.add(
        connection,
        [schedules.ScheduleVersion(no, 1, rule, amount, 0, 1, derived.parts, "why", seq, shares=shares)],
    )
    return tuple(SchedulePart(day, part) for of, _version, _seq, day, part in stored(connection) if of == no)


@often
@given(st.lists(st.tuples(days, st.integers(1, 10**6)), min_size=1, max_size=40), amounts, st.sampled_from(ROUNDINGS))
def test_the_view_divides_an_amount_as_the_core_does(
    books: FilledDatabase, shares: list[tuple[date, int]], amount: int, rounding: str
) -> None:
    dates, weights = zip(*sorted(shares), strict=True)
    parts = [(day, part) for day, part in zip(dates, split(amount, weights, rounding), strict=True) if part]
    with undone(books) as connection:
        no, seq = put(connection, billed(amount))
        rule = rule_versions.keep_rule_version(connection, RULE, WHO)
        shared = SharedPlan(SHARES, dates, weights)
        new = schedules.ScheduleVersion(no, 1, rule, amount, 0, 1, parts, "why", seq, shares=shared)
        schedules.add(connection, [new])
        assert [(day, part) for _no, _version, _seq, day, part in stored(connection)] == parts
        kinds = connection.execute(select(plan.c.kind)).scalars().all()
        if rounding == "cumulative" and abs(amount) in divisible_amounts(weights):
            assert kinds == [SHARES]


class Recorded:
    """Keeps the schedule versions that a scheduler writes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.versions: list[schedules.ScheduleVersion] = []
        add = schedules.add

        def recorded(connection: Connection, versions: Any, keeper: PlanKeeper | None = None) -> Any:
            self.versions += versions
            return add(connection, versions, keeper)

        patch.setattr(schedules, "add", recorded)


def post(connection: Connection, until: date, is_refused: bool) -> None:
    """Put what is due on entries; if they are refused, give their lines back."""
    lines = [line._replace(memo="") for line, _description in due.due_lines(connection, until)]
    run = entries.start_run(connection, until, WHO)
    for number in entries.add_entries(connection, run, list(build_entries(lines, "d", "acme", 3)), WHO):
        if is_refused:
            entries.ENTRY_TABLES.change_state(connection, number, "READY", "REJECTED", WHO)
            postings.release_schedule_lines(connection, number, WHO)


def check_open(connection: Connection) -> None:
    """Check that the open lines, and the date of the first one, are those of the view of all lines."""
    line, is_open = schedule_line.c, open_line.c
    wanted = select(line.charge_no, line.version, line.seq, line.date, line.amount, line.revision).where(OPEN)
    found = select(*(is_open[name] for name in ("charge_no", "version", "seq", "date", "amount", "revision")))
    assert sorted(connection.execute(found)) == sorted(connection.execute(wanted))
    for day, start in connection.execute(select(is_open.date, is_open.open_from)):
        assert start <= day
    for until in ("9999-12-31", "2024-06-30"):
        check_sums(connection, until)
    names = {"first open line", "parts of a plan", "plan of a schedule version", "superseded by the next version"}
    for one in INVARIANTS:
        if one.name in names or "schedule" in one.name:
            assert not list(find_violations(connection, one)), one.name


def check_sums(connection: Connection, until: str) -> None:
    """Check that the status sums the open lines as the view has them."""
    line, currency = open_line.c, charge_line.c.currency
    lines = connection.execute(
        select(currency, line.amount, line.date)
        .join(charge_line, charge_line.c.no == line.charge_no)
        .where(line.date <= until)
    ).all()
    wanted = {}
    for code in {one.currency for one in lines}:
        own = [one for one in lines if one.currency == code]
        days = [one.date for one in own]
        wanted[code] = (len(own), sum(one.amount for one in own), min(days), max(days))
    found = {}
    for code, count, billions, rest, first, last in SqlAlchemyView(connection).execute(OPEN_LINES, {"until": until}):
        found[code] = (count, joined_sum(billions, rest), first, last)
    assert found == wanted


def check_in_force(connection: Connection, no: int) -> None:
    """Check that the reader of schedules in force finds the lines of the view."""
    line = schedule_line.c
    query = select(line.date, line.amount, line.entry_id).where(line.charge_no == no, line.superseded_by.is_(None))
    lines = [(date.fromisoformat(day), *rest) for day, *rest in connection.execute(query.order_by(line.date, line.seq))]
    found = SchedulesInForce(connection).of([no]).get(no)
    assert (found.open if found else ()) == tuple((day, amount) for day, amount, entry in lines if entry is None)
    assert (found.posted if found else ()) == tuple((day, amount) for day, amount, entry in lines if entry is not None)


def valid_lines(connection: Connection, no: int) -> list[tuple[date, int]]:
    """Return the lines of a charge that no later version superseded, as the view computes them."""
    line = schedule_line.c
    valid = select(line.date, line.amount).where(line.charge_no == no, line.superseded_by.is_(None))
    found = connection.execute(valid.order_by(line.date, line.seq))
    return [(date.fromisoformat(day), amount) for day, amount in found]


def waiting_amount(connection: Connection, no: int) -> int:
    """Return what waits of a charge, in minor units."""
    valid = select(schedule_wait.c.amount).join(schedule, same_version(schedule, schedule_wait))
    found = valid.where(schedule.c.charge_no == no, schedule.c.superseded_by.is_(None))
    return sum(connection.execute(found).scalars())


step = st.tuples(st.booleans(), st.booleans(), st.dates(date(2000, 1, 1), date(2062, 1, 1)))
"""What happens before an event: whether something is posted, whether that is refused, and until which day."""


@pytest.mark.slow
@often
@given(reports(), st.sampled_from([*BOOKS, *CONSTRAINED, *PLAIN]), st.lists(step, min_size=12, max_size=12))
def test_whatever_happens_the_view_has_the_lines_that_the_core_has(
    books: FilledDatabase, case: Any, book: RuleBook, happens: list[tuple[bool, bool, date]]
) -> None:
    line, facts = case
    with undone(books) as connection, pytest.MonkeyPatch.context() as patch:
        recorded = Recorded(patch)
        no, seq = put(connection, line)
        scheduler = Scheduler(connection, book, WHO, seq)
        scheduler.schedule_new(no, line)
        scheduler.flush()
        derived = book.derive(line, ())
        parts = derived.parts if isinstance(derived, Schedule) else ()
        assert [(day, amount) for _no, _version, _seq, day, amount in stored(connection)] == list(parts)
        for event, (posts, is_refused, until) in zip(facts, happens, strict=False):
            if posts:
                post(connection, until, is_refused)
            check_open(connection)
            check_in_force(connection, no)
            events.add_events(connection, [events.event_row(no, event, WHO.at, WHO.actor)])
            scheduler.reschedule([no], {no: 1})
        assert stored(connection) == written(recorded.versions)
        check_open(connection)


@pytest.mark.parametrize(
    "examples", [10, pytest.param(40, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.long)]
)
def test_shared_plans_of_events_leave_the_same_rows_as_derived_schedules(books: FilledDatabase, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(reports(), st.sampled_from([*BOOKS, *PLAIN]), st.lists(step, min_size=12, max_size=12))
    def holds(case: Any, book: RuleBook, happens: list[tuple[bool, bool, date]]) -> None:
        line, facts = case
        with pytest.MonkeyPatch.context() as patch:
            shared = rows_after(books, line, facts, book, happens)
            patch.setattr(RuleBook, "derive_plain", lambda *_: None)
            assert shared == rows_after(books, line, facts, book, happens)

    holds()


@pytest.mark.parametrize(
    ("price", "event", "amount", "months"),
    [
        (23_456, "credit", 500, (7, 8)),
        # By chance, the parts before the hold add up to the amount billed.
        (12_000, "price", 54_000, (7,)),
        *(
            pytest.param(23_456, *change, (3, 6, 7, 8, 10, 12), marks=pytest.mark.slow)
            for change in (("credit", -500), ("price", 77_700), ("price", 150_000), ("cancel", 100))
        ),
    ],
)
def test_a_hold_after_a_change_of_the_price_leaves_the_same_rows_as_the_derived_schedule(
    books: FilledDatabase, price: int, event: str, amount: int, months: tuple[int, ...]
) -> None:
    accounts = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
    monthly, line = RuleBook(parse_rules(MONTHLY, "rules.toml", accounts)), billed(price)
    change = FulfillmentEvent(line.id, event, date(2024, 5, 16), amount=amount)
    untouched = [(False, False, change.date)] * 2
    for month in months:
        facts = [change, FulfillmentEvent(line.id, "hold", date(2024, month, 1))]
        with pytest.MonkeyPatch.context() as patch:
            plain = rows_after(books, line, facts, monthly, untouched)
            patch.setattr(RuleBook, "derive_plain", lambda *_: None)
            assert plain == rows_after(books, line, facts, monthly, untouched)


@pytest.mark.parametrize("count", [2, 12, 13])
def test_the_texts_of_a_version_have_all_its_prices(books: FilledDatabase, count: int) -> None:
    accounts = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
    monthly, line = RuleBook(parse_rules(MONTHLY, "rules.toml", accounts)), billed(12_000)
    days = [date(2024, 5, 1) + timedelta(days=at) for at in range(count)]
    facts = [FulfillmentEvent(line.id, "credit", day, amount=100, name=f"{day.day}% off") for day in days]
    untouched = [(False, False, FIRST)] * count
    with pytest.MonkeyPatch.context() as patch:
        plain = rows_after(books, line, facts, monthly, untouched)
        patch.setattr(RuleBook, "derive_plain", lambda *_: None)
        assert plain == rows_after(books, line, facts, monthly, untouched)
    *_others, (_no, _version, _explanation, reason) = plain["schedule_words"]
    assert reason.startswith("credit 1% off on 2024-05-01: 120.00 becomes 119.00 USD; credit 2% off on 2024-05-02: 119")


@pytest.mark.parametrize(
    "examples", [10, pytest.param(50, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.long)]
)
def test_lines_that_change_again_and_again_have_the_amounts_of_the_core(books: FilledDatabase, examples: int) -> None:
    plays = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    facts = st.lists(changes(), min_size=2, max_size=3)

    @plays
    @given(st.integers(-50_000, 50_000).filter(bool), facts, st.sampled_from(YEARS))
    def holds(amount: int, facts: list[FulfillmentEvent], book: RuleBook) -> None:
        line = billed(amount)
        with undone(books) as connection:
            no, seq = put(connection, line)
            scheduler = Scheduler(connection, book, WHO, seq)
            scheduler.schedule_new(no, line)
            scheduler.flush()
            recorded = [with_sign_of(amount, one) for one in facts]
            for count, event in enumerate(recorded, 1):
                events.add_events(connection, [events.event_row(no, event, WHO.at, WHO.actor)])
                scheduler.reschedule([no], {no: 1})
                check_open(connection)
                check_in_force(connection, no)
                derived = book.derive(line, recorded[:count])
                assert isinstance(derived, Schedule)
                assert valid_lines(connection, no) == list(cancel_out(derived.parts))
                assert waiting_amount(connection, no) == sum(part.amount for part in derived.waiting)

    holds()


def test_percentages_share_a_plan_though_they_split_in_their_own_way(books: FilledDatabase) -> None:
    quarters = RuleBook(
        parse_rules(PERCENTAGES, "rules.toml", {"deferred": "2400", "accrued": "4000", "journal": "RR"})
    )
    with undone(books) as connection:
        for amount, document in ((10_000, "1"), (20_000, "2")):
            no, seq = put(connection, billed(amount, document=document))
            scheduler = Scheduler(connection, quarters, WHO, seq)
            scheduler.schedule_new(no, billed(amount, document=document))
            scheduler.flush()
        assert connection.execute(select(plan.c.kind)).scalars().all() == [SHARES]


@pytest.mark.parametrize(
    ("last", "amount", "kinds"),
    [
        ("credit", 500, [CHANGED, SHARES]),
        ("price", 77_700, [CHANGED, SHARES]),
        ("cancel", 100, [CHANGED, SHARES]),
        ("cancel", None, [SHARES, SHARES]),
        ("hold", None, [CHANGED, SHARES]),
        ("release", None, [CHANGED, SHARES, SHARES]),
    ],
)
@pytest.mark.parametrize("on_release", ["catch_up", "extend"])
def test_charge_lines_that_change_on_one_day_share_their_plans(
    books: FilledDatabase, last: str, amount: int | None, kinds: list[str], on_release: str
) -> None:
    accounts = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
    monthly = RuleBook(parse_rules(f'{MONTHLY}\non_release = "{on_release}"', "rules.toml", accounts))
    facts: list[tuple[str, int | None, date]] = [("hold", None, date(2024, 2, 16))] if last == "release" else []
    facts.append((last, amount, date(2024, 5, 16)))
    wanted: dict[int, list[SchedulePart]] = {}
    with undone(books) as connection:
        for document, price in enumerate((10_001, 23_456, 98_765)):
            line = billed(price, document=str(document))
            no, seq = put(connection, line)
            scheduler = Scheduler(connection, monthly, WHO, seq)
            scheduler.schedule_new(no, line)
            scheduler.flush()
            found = [FulfillmentEvent(line.id, kind, day, amount=amount) for kind, amount, day in facts]
            for event in found:
                events.add_events(connection, [events.event_row(no, event, WHO.at, WHO.actor)])
                scheduler.reschedule([no], {no: 1})
            derived = monthly.derive(line, found)
            assert isinstance(derived, Schedule)
            wanted[no] = list(derived.parts)
        newest: dict[int, list[tuple[date, int]]] = {no: [] for no in wanted}
        for no, version, _seq, day, part in stored(connection):
            if version == len(facts) + 1:
                newest[no].append((day, part))
        assert newest == wanted
        assert sorted(connection.execute(select(plan.c.kind)).scalars()) == kinds
        check_open(connection)
        for no in wanted:
            check_in_force(connection, no)


@pytest.mark.parametrize(
    ("credits", "wanted"),
    [([], [-2000, -2000, *[1000] * 10]), ([100], [-2070, -2070, *[990] * 6, *[1000] * 4])],
)
def test_the_ledger_knows_which_lines_of_a_changed_plan_are_taken_back(
    books: FilledDatabase, credits: list[int], wanted: list[int]
) -> None:
    accounts = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
    monthly = RuleBook(parse_rules(MONTHLY, "rules.toml", accounts))
    line = billed(12_000)
    with undone(books) as connection:
        no, seq = put(connection, line)
        scheduler = Scheduler(connection, monthly, WHO, seq)
        scheduler.schedule_new(no, line)
        scheduler.flush()
        facts = [FulfillmentEvent(line.id, "credit", date(2024, 2, 16), amount=amount) for amount in credits]
        for event in [*facts, FulfillmentEvent(line.id, "cancel", date(2024, 5, 16), amount=9_000)]:
            events.add_events(connection, [events.event_row(no, event, WHO.at, WHO.actor)])
            scheduler.reschedule([no], {no: 1})
        post(connection, date(2025, 12, 31), is_refused=False)
        lines = (
            select(schedule_line.c.amount, amount_with_sign())
            .select_from(journal_line)
            .join(schedule, same_version(schedule, journal_line))
            .join(plan, plan.c.id == schedule.c.plan_id)
            .join(schedule_line, same_line(schedule_line, journal_line))
        )
        found = connection.execute(lines).all()
        assert sorted(amount for amount, _sign in found) == wanted
        assert all((amount > 0) == (sign > 0) for amount, sign in found)


def test_an_amount_too_small_or_too_large_for_a_changed_plan_gets_one_of_amounts() -> None:
    shares = SharedPlan(SHARES, (FIRST, FIRST + DAY, FIRST + 2 * DAY), (1, 1, 1))
    rest = [(FIRST + DAY, 8), (FIRST + 2 * DAY, 7)]
    for amount, kind in ((2, AMOUNTS), (30, CHANGED), (2**62, AMOUNTS)):
        (first, *_others) = split(amount, shares.weights)
        found = plan_of_parts([(FIRST, first or 1), *rest], shares, SplitAmount(amount))
        assert found.kind == kind


def rows_after(
    books: FilledDatabase,
    line: ChargeLine,
    facts: Sequence[FulfillmentEvent],
    book: RuleBook,
    happens: Sequence[tuple[bool, bool, date]],
) -> dict[str, list[Any]]:
    """Return the rows of the tables of schedules, and the changes that were reported, after these events.

    Texts are compared complete: only shared plans store them without the prices.
    """
    with undone(books) as connection:
        no, seq = put(connection, line)
        scheduler = Scheduler(connection, book, WHO, seq)
        scheduler.schedule_new(no, line)
        scheduler.flush()
        changes: list[Any] = []
        for event, (posts, is_refused, until) in zip(facts, happens, strict=False):
            if posts:
                post(connection, until, is_refused)
            events.add_events(connection, [events.event_row(no, event, WHO.at, WHO.actor)])
            changes += scheduler.reschedule([no], {no: 1})
        with_texts = ("schedule", "price_change", "explanation")
        tables = (schedule, plan, plan_part, schedule_wait, schedule_plan, price_change, schedule_words)
        found: dict[str, list[Any]] = {"changes": changes, "digests": []}
        for one in tables:
            columns = [column for column in one.c if column.name not in ("explanation_id", "reason_id", "prices")]
            found[one.name] = sorted(map(tuple, connection.execute(select(*columns))), key=repr)
        for logged in connection.execute(select(audit_event).order_by(audit_event.c.seq)):
            written = json.loads(logged.detail).get("digests", ())
            others = [digest for digest in written if digest["table"] not in with_texts]
            found["digests"].append((logged.action, logged.subject, others))
        return found


def test_published_figures_come_out_of_the_database(books: FilledDatabase) -> None:
    for case_id in GOLDEN.covered:
        check_published_figures(books, case_id)


def check_published_figures(books: FilledDatabase, case_id: str) -> None:
    """Check that the lines of a published case add up to its figures when they are read from the database."""
    derive = RuleBook.derive
    with undone(books) as connection, pytest.MonkeyPatch.context() as patch:

        def stored_parts(book: RuleBook, line: ChargeLine, *rest: Any) -> Any:
            found = derive(book, line, *rest)
            if not isinstance(found, Schedule) or not found.parts:
                return found
            return found._replace(parts=through(connection, line, found))

        patch.setattr(RuleBook, "derive", stored_parts)
        played = play(GOLDEN.published[case_id], GOLDEN.covered[case_id])
    assert played.found == played.expected and played.whole, case_id


@given(st.lists(st.tuples(days, amounts), min_size=1, max_size=8))
def test_equal_schedules_share_a_plan_and_others_never(parts: list[tuple[date, int]]) -> None:
    found = plan_of_parts(parts, None)
    if found.kind == AMOUNTS:
        assert list(zip(found.dates, found.weights, strict=True)) == sorted(parts, key=lambda part: part[0])
    total = sum(amount for _day, amount in parts)
    one = SharedPlan(SHARES, (FIRST,), (1,))
    its_own = SharedPlan(AMOUNTS, (FIRST,), (total,))
    assert plan_of_parts([(FIRST, total)], None) == (one if abs(total) in divisible_amounts((1,)) else its_own)


def test_plans_and_explanations_are_written_once(books: FilledDatabase) -> None:
    with books.database.write() as connection:
        for _transaction in range(2):
            keeper = PlanKeeper(connection)
            plans = [SharedPlan(SHARES, (FIRST,), (weight,)) for weight in (1, 7)]
            kept, _digests = keeper.keep([*plans, None, *plans])
            assert kept[2] is None and {one.id for one in kept if one} == {1}
            (one, other), _digests = keeper.explanation_ids(["why", "why"])
            assert one == other
    assert books.one("SELECT count(*) FROM plan") == 1


def test_the_text_of_a_row_is_json_whatever_is_in_it() -> None:
    for row in (('\u00e9 \x1f "\\', None, -7, 2**63, 1.5, True), (b"\xff",), ()):
        shown = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=digests._replace_foreign_value)
        assert digests.row_text(row) == shown


def test_the_text_of_a_row_of_numbers_is_the_canonical_one() -> None:
    for row in ((7, 2, -12, None, 2**63 - 1), (0,)):
        assert digests.text_of_numbers(row) == digests.row_text(row)
