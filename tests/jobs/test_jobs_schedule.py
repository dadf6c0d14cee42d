"""Schedules derived again: the difference is shown first, what is on entries stays, the sum stays the charge line."""

from datetime import date
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadInput
from revrec.core.rules.model import RuleErrors
from revrec.core.schedule import SchedulePart, uncovered_parts, unposted_parts
from revrec.jobs.reports.explain import explain
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

SIX = '[[rule]]\nname = "magazine"\n[rule.recognize]\nmethod = "monthly"\noffset = "7 days"\nperiods = 6\n'
POST = '[rule.post]\naccrued = "4010"\n'


def sums(books: Books) -> None:
    """Invariants 1 and 2: valid lines of all versions, posted and open, sum to the charge line."""
    query = (
        "SELECT c.id, c.amount - (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l"
        " WHERE l.charge_no = c.no AND l.superseded_by IS NULL) FROM charge_line c"
        " WHERE c.no NOT IN (SELECT charge_no FROM unscheduled)"
    )
    assert {rest for _charge, rest in books.sql(query)} <= {0}


def test_under_the_same_rules_nothing_differs(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    before = offline.content()
    result = schedule(offline.context())
    assert (result.changes, result.charges, result.applied) == ([], 2, False)
    assert offline.content() == before


def test_the_difference_is_shown_and_nothing_is_kept(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.rules(SIX)
    before = offline.content()
    (change,) = (result := schedule(offline.context())).changes
    assert (change.charge, change.rule, change.posted, change.currency) == ("shop/INV-1/1", "magazine", 0, "USD")
    assert len(change.before) == 12 and len(change.after) == 6
    assert sum(result.by_period().values()) == 0
    assert result.by_period()["2024-01", "USD"] == 200 and result.by_period()["2024-12", "USD"] == -200
    assert offline.content() == before


def test_a_rebuild_keeps_it_as_a_new_version_and_the_old_one_stays_in_the_record(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.rules(SIX)
    assert schedule(offline.context(), rebuild=True).applied
    assert [amount for _day, amount in offline.open_parts("shop/INV-1/1")] == [400] * 6
    assert offline.sql(
        "SELECT version, count(*), sum(amount), superseded_by FROM schedule_line"
        " GROUP BY version, superseded_by ORDER BY version"
    ) == [
        (1, 12, 2400, 2),
        (2, 6, 2400, None),
    ]
    assert offline.sql("SELECT name, version FROM rule_version ORDER BY id") == [("magazine", 1), ("magazine", 2)]
    assert schedule(offline.context(), rebuild=True).changes == []
    sums(offline)


def test_a_charge_that_no_rule_took_is_scheduled_once_a_rule_does(offline: Books, row: MakeRow) -> None:
    offline.rules(SIX.replace("[rule.recognize]", '[rule.when]\nitem = "MAG-*"\n[rule.recognize]'))
    offline.take(row("INV-1", item="TOY-1"))
    assert offline.sql("SELECT code FROM unscheduled") == [("no_rule",)]
    offline.rules(SIX)
    (change,) = schedule(offline.context(), rebuild=True).changes
    assert change.before == () and len(change.after) == 6
    assert offline.sql("SELECT * FROM unscheduled") == []


def test_a_charge_that_no_rule_takes_any_more_keeps_its_schedule_and_that_is_said(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.rules(SIX.replace("[rule.recognize]", '[rule.when]\nitem = "TOY-*"\n[rule.recognize]'))
    (change,) = schedule(offline.context(), rebuild=True).changes
    assert change.before == change.after
    assert change.note.startswith("keeps its present schedule: no rule matches")
    assert len(offline.open_parts("shop/INV-1/1")) == 12


def test_broken_rules_stop_it_before_anything(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.rules("[[rule]]\n")
    before = offline.content()
    with pytest.raises(RuleErrors):
        schedule(offline.context(), rebuild=True)
    assert offline.content() == before


def test_what_was_posted_stays_and_the_rest_is_planned_again(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"))
    assert books.run("2024-03-31").complete
    books.rules(SIX)
    (change,) = schedule(books.context(), rebuild=True).changes
    assert (change.posted, [amount for _day, amount in change.after]) == (600, [200, 400, 400, 400, 400])
    assert books.open_parts("shop/INV-1/1")[0] == ("2024-02-12", 200), "the catch-up is due at once"
    sums(books)
    assert books.run("2025-12-31").complete
    assert books.sql("SELECT sum(amount), count(*) FROM schedule_line WHERE entry_id IS NOT NULL") == [(2400, 8)]
    life = books.trace("shop/INV-1/1")
    assert [version["carried"] for version in life["schedule"]] == ["0.00", "6.00"]
    assert [line["status"] for line in life["schedule"][0]["lines"]] == ["posted"] * 3 + ["superseded"] * 9
    assert [line["seq"] for line in life["schedule"][1]["lines"]] == [4, 5, 6, 7, 8]


def test_changed_accounts_make_a_new_version_of_the_open_part_alone(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    books.run("2024-03-31")
    books.rules(SIX.replace("6", "12") + POST)
    result = schedule(books.context(), rebuild=True)
    assert [change.charge for change in result.changes] == ["shop/INV-1/1"], "the other is posted whole"
    assert result.by_period() == {}, "no amount moves"
    books.run("2024-04-30")
    lines = [line for entry in intacct.entries() for line in entry["lines"] if "INV-1" in line["document"]]
    assert [line["account"] for line in lines if line["type"] == -1] == ["4000"] * 3 + ["4010"]
    sums(books)


def test_explain_shows_every_rule_tried_and_the_winner(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    shown = explain(offline.context(), "shop/INV-1/1")
    assert (shown.winner, shown.unscheduled, shown.schedule) == ("delivery", True, ())
    assert {one.rule: one.matched for one in shown.rules} == {
        "magazine": "no", "goods": "no", "delivery": "yes", "date-on-the-line": "yes",
    }  # fmt: skip
    offline.event("shop/INV-1/1", "pod", "2024-03-07")
    assert explain(offline.context(), "shop/INV-1/1").schedule == ((1, "2024-03-07", "24.00"),)
    with pytest.raises(BadInput, match="shop/NO/1: no such charge; a charge's id is SOURCE/DOCUMENT/LINE"):
        explain(offline.context(), "shop/NO/1")


PLANS = st.lists(st.integers(1, 10_000), min_size=1, max_size=12)


def plan(amounts: list[int], sign: int, first: int = 0) -> tuple[SchedulePart, ...]:
    return tuple(
        SchedulePart(date.fromordinal(738_900 + 30 * (first + at)), sign * part) for at, part in enumerate(amounts)
    )


@given(PLANS, st.sampled_from((1, -1)), st.integers(0, 12))
def test_carried_and_remaining_sum_to_the_plan(amounts: list[int], sign: int, posted: int) -> None:
    parts = plan(amounts, sign)
    total_posted = sum(part.amount for part in parts[:posted])
    assert uncovered_parts(parts, total_posted) == parts[posted:], (
        "what was posted as planned leaves the rest as planned"
    )
    assert unposted_parts(parts, parts[:posted]) == parts[posted:]


@given(PLANS, PLANS, st.sampled_from((1, -1)), st.data())
def test_another_plan_is_filled_from_its_first_part_on(
    old: list[int], new: list[int], sign: int, data: st.DataObject
) -> None:
    total = sum(old)
    cuts = sorted([*data.draw(st.lists(st.integers(1, max(1, total)), max_size=len(new), unique=True)), total])
    after = plan([cut - last for cut, last in zip(cuts, [0, *cuts], strict=False) if cut > last], sign)
    before = plan(old, sign)
    which = data.draw(st.lists(st.booleans(), min_size=len(before), max_size=len(before)))
    posted = [part for part, chosen in zip(before, which, strict=True) if chosen]
    total_posted = sum(part.amount for part in posted)
    for left in (uncovered_parts(after, total_posted), unposted_parts(after, posted)):
        assert total_posted + sum(part.amount for part in left) == sign * total
        assert all(part.amount * sign > 0 for part in left), "no part is reversed while the whole is not exceeded"
        assert [part.date for part in left] == sorted(part.date for part in left)
    cumulative = list(accumulate(part.amount for part in after))
    due = [part.date for part, upto in zip(after, cumulative, strict=True) if abs(upto) > abs(total_posted)]
    assert [part.date for part in uncovered_parts(after, total_posted)] == due


def test_a_part_that_was_skipped_stays_due_on_its_own_date() -> None:
    january, february, march = parts = plan([200, 200, 200], 1)
    assert unposted_parts(parts, [february]) == (january, march)
    assert uncovered_parts(parts, 200) == (february, march)


def test_more_than_the_plan_is_reversed_at_its_end() -> None:
    parts = plan([200, 200], 1)
    assert uncovered_parts(parts, 500) == (SchedulePart(parts[-1].date, -100),)
    assert unposted_parts(parts, [*parts, parts[0]]) == (SchedulePart(parts[-1].date, -200),)


@pytest.mark.parametrize("examples", [5, pytest.param(15, marks=pytest.mark.slow)])
def test_whatever_is_rebuilt_and_posted_in_between_the_sums_hold(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(
        st.lists(st.integers(-500_000, 500_000).filter(bool), min_size=1, max_size=3),
        st.lists(st.tuples(st.sampled_from(["rules", "post"]), st.integers(1, 24)), min_size=1, max_size=5),
    )
    def holds(amounts: list[int], steps: list[tuple[str, int]]) -> None:
        books = new_books(tmp_path_factory.mktemp("books"), {})
        books.take(*(row(f"INV-{at}", amount=f"{amount / 100:.2f}") for at, amount in enumerate(amounts)))
        for step, number in steps:
            if step == "rules":
                books.rules(SIX.replace("periods = 6", f"periods = {number}"))
                schedule(books.context(), rebuild=True)
            else:
                commit(books, date(2024 + number // 12, number % 12 + 1, 28))
            sums(books)
        assert schedule(books.context(), rebuild=True).changes == []

    holds()


def commit(books: Books, day: date) -> None:
    """What a run commits before it sends a request."""
    from revrec.jobs.posting.intents import commit_intents
    from revrec.store.posting import entries

    context = books.context("run")
    with context.database.write() as connection:
        run = entries.start_run(connection, day, context.who())
        commit_intents(connection, context, run, day, "acme")
