"""Facts corrected after their amounts were posted: difference entries, history untouched, sums always the charge's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.filters import Filters
from revrec.core.journal import JournalEntry
from revrec.intacct.gateway import ClaimOutcome, FoundEntry, PostingAnswer, PostingOutcome, PreparedPosting
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.activity import journal
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.reports.preview import preview
from revrec.jobs.running.run import run
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.wire import posted_heads

pytestmark = pytest.mark.both_databases

CHARGE = "shop/INV-1/1"
SERVICE = """
[[rule]]
name = "service"
[rule.when]
item = "SUB-*"
[rule.recognize]
method = "monthly"
on = "last"
{on_change}

[[rule]]
name = "delivery"
[rule.when]
item = "POD-*"
[rule.recognize]
method = "pod_date"
"""


def subscription(books: Books, row: MakeRow, on_change: str = "", **fields: str) -> Any:
    books.rules(SERVICE.format(on_change=on_change))
    dates = {"service_start": "2024-01-01", "service_end": "2024-12-31"}
    books.take(row("INV-1", item="SUB-1", amount="1200.00", **dates, **fields))
    return books


def delivered(books: Books, row: MakeRow, day: str, **fields: str) -> Any:
    books.take(row("INV-1", item="POD-1", amount="1000.00", **fields))
    books.event(CHARGE, "pod", day)
    return books


def ends(books: Books, day: str) -> Any:
    return books.import_events(
        {"charge": CHARGE, "kind": "service_dates", "name": "end", "date": day}, name=f"end-{day}.csv"
    )


def posted(books: Books) -> list[tuple[str, int]]:
    """Signed amounts on POSTED entries, by the entry's date."""
    return books.sql(
        "SELECT e.date, s.amount FROM schedule_line s JOIN journal_entry e ON e.id = s.entry_id"
        " WHERE e.state = 'POSTED' ORDER BY e.date, s.version, s.seq"
    )


def balanced(books: Books) -> None:
    """Posted and remaining are the charge line."""
    rest = books.sql(
        "SELECT c.amount - (SELECT sum(l.amount) FROM schedule_line l WHERE l.charge_no = c.no"
        " AND l.superseded_by IS NULL) FROM charge_line c WHERE c.no NOT IN (SELECT charge_no FROM unscheduled)"
    )
    assert {one for (one,) in rest} <= {0}


def other_accounts(books: Books, rebuild: bool = True) -> None:
    """Let all rules post to other accounts from now on; apply that with a rebuild."""
    text = (books.folder / "rules" / "rules.toml").read_text()
    post = '[rule.post]\ndeferred = "2410"\naccrued = "4010"\n'
    first, *others = text.split("[[rule]]")
    books.rules("[[rule]]".join([first, *(f"{rule.rstrip()}\n{post}\n" for rule in others)]))
    if rebuild:
        schedule(books.context(), rebuild=True)


def previewed(books: Books) -> list[tuple[str, str, str, str]]:
    """Day, amount, deferred and revenue account of each line that is not posted."""
    lines = preview(books.context(), Filters(last=date(2024, 12, 31))).lines
    return [(str(line.date), line.amount, line.deferred, line.accrued) for line in lines if line.status == "planned"]


def ledger(books: Books) -> dict[str, int]:
    """The sums of posted journal lines by account, debits positive."""
    signed = "CASE l.side WHEN 'debit' THEN l.amount ELSE -l.amount END"
    query = f"SELECT l.account, sum({signed}) FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id"
    return {one: int(total) for one, total in books.sql(f"{query} WHERE e.state = 'POSTED' GROUP BY l.account")}


def sums(books: Books) -> None:
    balanced(books)
    settled(books)


def settled(books: Books) -> None:
    assert schedule(books.context(), rebuild=True).changes == [], "under the same rules a rebuild finds nothing to do"
    assert verify(books.context()).findings == []


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        ("2024-03-07", "2024-04-11", [("2024-03-07", -100000), ("2024-04-11", 100000)]),
        ("2024-04-11", "2024-03-07", [("2024-03-07", 100000), ("2024-04-11", -100000)]),
        ("2024-03-07", "2024-03-20", []),
    ],
    ids=["later", "earlier", "within the month"],
)
def test_a_delivery_corrected_after_posting_makes_a_difference_entry(
    books: Books, intacct: Intacct, row: MakeRow, first: str, then: str, left: Any
) -> None:
    delivered(books, row, first)
    assert books.run("2024-04-30").complete
    before = books.sql("SELECT * FROM journal_entry")
    books.event(CHARGE, "pod", then)
    assert books.open_parts(CHARGE) == left
    sums(books)
    assert books.run("2024-04-30").complete
    assert books.sql("SELECT * FROM journal_entry")[:1] == before, "what was posted never changes"
    assert sorted(posted(books)) == sorted([(first, 100000), *left])
    taken_back = [
        entry
        for entry in intacct.entries()
        if entry["lines"][0]["account"] == "4000" and entry["lines"][0]["type"] == 1
    ]
    assert len(taken_back) == bool(left)
    shown = books.trace(CHARGE)["schedule"][-1]["explanation"]
    assert f"counted from delivered {then}" in shown and "on_change restate: 1000.00 USD on entries" in shown
    sums(books)


def test_a_correction_into_a_closed_month_goes_to_the_first_open_one(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    delivered(books, row, "2024-03-07")
    books.run("2024-03-31")
    intacct.admin("/periods/close", month="2024-03")
    books.event(CHARGE, "pod", "2024-04-11")
    books.run("2024-04-30")
    assert posted(books) == [("2024-03-07", 100000), ("2024-04-01", -100000), ("2024-04-11", 100000)]
    (entry,) = [one for one in books.trace(CHARGE)["entries"] if one["reason"]]
    assert entry["reason"].startswith("recognized on 2024-03-07; that period is closed (Intacct's books are closed")
    sums(books)


def test_a_late_delivery_of_a_closed_month_is_posted_in_an_open_one(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    intacct.admin("/periods/close", month="2024-03")
    delivered(books, row, "2024-03-07")
    books.run("2024-04-30")
    assert posted(books) == [("2024-04-01", 100000)]
    sums(books)


def test_under_hold_a_correction_waits_with_both_its_sides(books: Books, intacct: Intacct, row: MakeRow) -> None:
    delivered(books, row, "2024-03-07")
    books.run("2024-03-31")
    intacct.admin("/periods/close", month="2024-03")
    books.event(CHARGE, "pod", "2024-04-11")
    result = books.run("2024-04-30")
    assert result.counts["held"] == 2 and posted(books) == [("2024-03-07", 100000)], "nothing is recognized twice"
    assert "the other side of a correction" in str(result.entries[-1]["reason"])
    intacct.admin("/periods/open", month="2024-03")
    assert books.run("2024-04-30").complete
    assert posted(books) == [("2024-03-07", 100000), ("2024-03-07", -100000), ("2024-04-11", 100000)]
    sums(books)


def test_changed_service_dates_are_spread_over_the_rest(books: Books, intacct: Intacct, row: MakeRow) -> None:
    subscription(books, row).run("2024-03-31")
    ends(books, "2025-06-30")
    assert [amount for _day, amount in books.open_parts(CHARGE)] == [6000] * 15
    sums(books)
    assert books.run("2025-06-30").complete
    amounts = [amount for _day, amount in posted(books)]
    assert amounts == [10000] * 3 + [6000] * 15 and sum(amounts) == 120000
    assert "on_change prospective: 300.00 USD on entries stays" in books.trace(CHARGE)["schedule"][-1]["explanation"]


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("catch_up", [("2024-04-30", 30000), ("2024-04-30", 20000), ("2024-05-31", 20000), ("2024-06-30", 20000)]),
        (
            "restate",
            [
                ("2024-01-31", 10000), ("2024-02-29", 10000), ("2024-03-31", 10000), ("2024-04-30", 20000),
                ("2024-05-31", 20000), ("2024-06-30", 20000),
            ],
        ),
        ("prospective", [("2024-04-30", 30000), ("2024-05-31", 30000), ("2024-06-30", 30000)]),
    ],
)  # fmt: skip
def test_a_rule_chooses_how_a_change_is_treated(
    books: Books, intacct: Intacct, row: MakeRow, how: str, left: Any
) -> None:
    subscription(books, row, f'on_change = "{how}"').run("2024-03-31")
    ends(books, "2024-06-30")
    assert books.open_parts(CHARGE) == left
    sums(books)


def test_an_event_that_moves_nothing_changes_nothing(books: Books, intacct: Intacct, row: MakeRow) -> None:
    subscription(books, row).run("2024-03-31")
    before = books.open_parts(CHARGE)
    _fact, changes = books.event(CHARGE, "percent", "2024-02-10")
    assert (changes, books.open_parts(CHARGE)) == ([], before)


def test_a_rule_that_changed_moves_nothing_that_was_posted_even_when_an_event_comes(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    delivered(books, row, "2024-03-07").run("2024-03-31")
    text = (books.folder / "rules" / "rules.toml").read_text()
    books.rules(text.replace('method = "pod_date"', 'method = "pod_date"\noffset = "2 months"'))
    assert schedule(books.context(), rebuild=True).changes == []
    books.event(CHARGE, "percent", "2024-03-10")
    assert books.open_parts(CHARGE) == []
    sums(books)


def test_what_is_reversed_leaves_the_accounts_that_it_was_posted_to(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    delivered(books, row, "2024-03-07").run("2024-03-31")
    other_accounts(books, rebuild=False)
    books.event(CHARGE, "pod", "2024-04-11")
    balanced(books)
    books.run("2024-04-30")
    assert {line["account"] for entry in intacct.entries() for line in entry["lines"]} == {"2400", "4000"}
    (change,) = schedule(books.context(), rebuild=True).changes
    assert change.note.startswith("deferred account: 2400 -> 2410; revenue account: 4000 -> 4010; rule ")
    sums(books)


@pytest.mark.parametrize("order", ["rule first", "event first"])
def test_a_corrected_delivery_reverses_on_the_old_accounts_and_recognizes_on_the_new_ones(
    books: Books, intacct: Intacct, row: MakeRow, order: str
) -> None:
    delivered(books, row, "2024-03-07").run("2024-03-31")
    if order == "rule first":
        other_accounts(books)
    books.event(CHARGE, "pod", "2024-04-11")
    if order == "event first":
        other_accounts(books)
    sums(books)
    planned = [("2024-03-07", "-1000.00", "2400", "4000"), ("2024-04-11", "1000.00", "2410", "4010")]
    assert previewed(books) == planned
    assert books.run("2024-04-30").complete
    assert ledger(books) == {"2400": 0, "4000": 0, "2410": 100000, "4010": -100000}
    with books.context().database.read() as connection:
        balances = deferred_balances(books.context(), connection, date(2024, 4, 30))
    assert balances == {("2400", "USD"): 100000, ("2410", "USD"): -100000}, (
        "billed on the one, recognized from the other"
    )
    sums(books)


def test_what_is_reversed_keeps_the_options_of_the_rule_that_posted_it(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    delivered(books, row, "2024-03-07").run("2024-03-31")
    books.event(CHARGE, "pod", "2024-04-11")
    text = (books.folder / "rules" / "rules.toml").read_text()
    post = '[rule.post]\naccrued = "4010"\nmemo = "now"\nsummarize = "account"'
    books.rules(text.replace('method = "pod_date"', f'method = "pod_date"\n{post}'))
    schedule(books.context(), rebuild=True)
    assert books.run("2024-04-30").complete
    _first, back, again = books.sql("SELECT id FROM journal_entry ORDER BY id")
    assert books.sql("SELECT DISTINCT entry_id FROM summary_line") == [again]
    memos = dict(books.sql("SELECT entry_id, min(memo) FROM journal_line GROUP BY entry_id"))
    assert memos[again[0]] == "now" and memos[back[0]] != "now"
    settled(books)


@pytest.mark.parametrize("order", ["rule first", "credit first"])
def test_a_credit_leaves_the_accounts_that_the_line_was_posted_to(
    books: Books, intacct: Intacct, row: MakeRow, order: str
) -> None:
    books.take(row("INV-1", item="POD-1", amount="91.00"))
    books.event(CHARGE, "pod", "2024-03-05")
    books.run("2024-03-31")
    if order == "rule first":
        other_accounts(books)
    books.event(CHARGE, "credit", "2024-04-10", amount="30.00")
    if order == "credit first":
        other_accounts(books)
    settled(books)
    assert previewed(books) == [("2024-04-10", "-30.00", "2400", "4000")]
    (line,) = books.trace(CHARGE)["schedule"][-1]["lines"]
    assert (line["deferred"], line["accrued"]) == ("2400", "4000"), "the rule of the version names other accounts"
    assert books.run("2024-04-30").complete
    assert ledger(books) == {"2400": 6100, "4000": -6100}
    settled(books)


def test_what_was_posted_last_is_taken_back_first_from_each_account(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    """Three months of 100.00 on the old accounts, one on the new: 250.00 back is 100.00 and 150.00."""
    subscription(books, row, 'on_credit = "earned_first"').run("2024-03-31")
    other_accounts(books)
    books.run("2024-04-30")
    books.event(CHARGE, "credit", "2024-05-10", amount="250.00")
    settled(books)
    taken_back = [("2024-05-10", "-100.00", "2410", "4010"), ("2024-05-10", "-150.00", "2400", "4000")]
    assert previewed(books)[:2] == taken_back
    before = ledger(books)
    assert books.run("2024-05-10").complete
    moved = {account: amount - before[account] for account, amount in ledger(books).items()}
    assert moved == {"2410": -10000, "4010": 10000, "2400": -15000, "4000": 15000}
    day = date(2024, 5, 10)
    shown = {(one["account"], one["rule_version"]) for one in journal(books.context(), Filters(first=day, last=day))}
    assert shown == {("2410", 2), ("4010", 2), ("2400", 1), ("4000", 1)}
    settled(books)
    # What comes later is the same again: the parts of the day are one part of the plan.
    books.event(CHARGE, "credit", "2024-06-10", amount="200.00")
    settled(books)
    assert previewed(books)[0][1] == "100.00" and [one[1:] for one in previewed(books) if one[1][0] == "-"] == [
        ("-150.00", "2400", "4000"), ("-50.00", "2410", "4010"),
    ]  # fmt: skip


def test_what_was_reversed_stays_reversed_when_the_rule_changes_before_it_is_posted(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    delivered(books, row, "2024-03-07").run("2024-03-31")
    books.event(CHARGE, "pod", "2024-04-11")
    text = (books.folder / "rules" / "rules.toml").read_text()
    books.rules(text.replace('method = "pod_date"', 'method = "pod_date"\noffset = "2 days"'))
    schedule(books.context(), rebuild=True)
    assert books.open_parts(CHARGE) == [("2024-03-07", -100000), ("2024-04-13", 100000)]
    settled(books)


class Ledger:
    """A gateway that saves everything, and reports closed books as the test sets them."""

    def __init__(self) -> None:
        self.saved: dict[str, JournalEntry] = {}
        self.through: date | None = None

    def sign_in(self) -> None:
        pass

    def clock_offset(self) -> None:
        return None

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        return [ClaimOutcome.WON for _ in control_ids]

    def closed_through(self, entity: str = "") -> date | None:
        return self.through

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        assert entry.reference not in self.saved, "never sent twice"
        self.saved[entry.reference] = entry
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        assert self.through is None or self.saved[prepared.reference].date > self.through
        return PostingAnswer(PostingOutcome.POSTED, prepared.control_id, str(len(self.saved)), http_status=200)

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        return []

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def entries_since(self, journal: str, since: datetime) -> list[FoundEntry]:
        return []


MONTH = st.integers(1, 16)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pod"), MONTH),
        st.tuples(st.just("end"), MONTH),
        st.tuples(st.just("run"), MONTH),
        st.tuples(st.just("close"), MONTH),
        st.tuples(st.just("rules"), st.sampled_from(("", "restate", "prospective", "catch_up"))),
        st.tuples(st.just("policy"), st.sampled_from(("hold", "next_open"))),
    ),
    min_size=2,
    max_size=9,
)


@pytest.mark.parametrize("examples", [4, pytest.param(10, marks=pytest.mark.slow)])
def test_posted_and_remaining_are_the_charge_line_after_every_event_and_run(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(
        st.integers(-500_000, 500_000).filter(bool),
        st.sampled_from(("USD", "JPY", "KWD")),
        STEPS,
    )
    def holds(amount: int, currency: str, steps: Any) -> None:
        decimals = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
        figure = {"amount": f"{amount / 10**decimals:.{decimals}f}", "currency": currency}
        books, ledger = new_books(tmp_path_factory.mktemp("books"), {}), Ledger()
        books.rules(SERVICE.format(on_change=""))
        dates = {"service_start": "2024-01-15", "service_end": "2024-12-31"}
        books.take(row("INV-1", item="SUB-1", **dates, **figure), row("INV-2", item="POD-1", **figure))
        seen: dict[tuple[Any, ...], Any] = {}
        for step, value in steps:
            act(books, ledger, step, value)
            balanced(books)
            now = {line[:3]: line[3:] for line in books.sql(POSTED_LINES)}
            assert seen.items() <= now.items(), "no posted line ever changes"
            seen = now
        schedule(books.context(), rebuild=True)  # adopts the last on_change
        sums(books)
        act(books, ledger, "policy", "next_open")
        act(books, ledger, "run", 40)
        totals = books.sql("SELECT sum(amount) FROM schedule_line WHERE entry_id IS NOT NULL GROUP BY charge_no")
        assert {total for (total,) in totals} == {amount}
        assert verify(books.context()).findings == []

    holds()


POSTED_LINES = """
    SELECT s.charge_no, s.version, s.seq, s.date, s.amount, e.date, e.reference FROM schedule_line s
    JOIN journal_entry e ON e.id = s.entry_id WHERE e.state = 'POSTED'"""


def day_of(month: int) -> date:
    return date(2024 + (month - 1) // 12, (month - 1) % 12 + 1, 17)


def act(books: Books, ledger: Ledger, step: str, value: Any) -> None:
    if step == "pod":
        books.event("shop/INV-2/1", "pod", day_of(value).isoformat())
    elif step == "end":
        books.import_events(
            {"charge": CHARGE, "kind": "service_dates", "name": "end", "date": str(day_of(value))}, name="end.csv"
        )
    elif step == "close":
        ledger.through = day_of(value)
    elif step == "rules":
        books.rules(SERVICE.format(on_change=f'on_change = "{value}"' if value else ""))
    elif step == "policy":
        books.environment["REVREC_POSTING_CLOSED_PERIOD"] = value
    else:
        run(books.context("run"), day_of(value), connect=lambda _context: connected(ledger))


@contextmanager
def connected(ledger: Ledger) -> Iterator[Any]:
    yield ledger
