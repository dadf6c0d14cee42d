"""Amounts that wait: shown everywhere with the reason, never posted, and scheduled when an event is recorded."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from revrec.core.filters import Filters
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.explain import explain
from revrec.jobs.reports.preview import preview, preview_file
from revrec.jobs.reports.status import status
from revrec.jobs.scheduling.rebuild import schedule
from revrec.sources import NATIVE_CHARGES
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import MAGAZINE, PROJECT

pytestmark = pytest.mark.both_databases

WORK = """
[[rule]]
name = "work"
[rule.when]
item = "WORK-*"
[rule.recognize]
method = "percent_complete"
"""
RULES = PROJECT + WORK + MAGAZINE + 'on = "last"\nperiods = 4\n'
GO_LIVE = (
    'rule "project": waits for milestone "go-live" (60%): '
    "record it with `revrec event add shop/P-1/1 milestone DATE --name go-live`"
)


@pytest.fixture
def projects(offline: Books, row: MakeRow) -> Books:
    """A project of 1,000.00 and some work of 100.00, nothing of which is known yet."""
    offline.rules(RULES)
    offline.take(row("P-1", item="PROJ-1", amount="1000.00"), row("W-1", item="WORK-1", amount="100.00"))
    return offline


def sound(books: Books) -> None:
    assert verify(books.context("verify")).findings == []
    assert schedule(books.context()).changes == [], "deriving again changes nothing"


def waiting(books: Books, charge: str) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    found = preview(books.context(), Filters(charge=charge))
    return books.open_parts(charge), [(one.amount, one.reason) for one in found.waiting]


def test_a_project_waits_whole_then_in_part_then_not_at_all(projects: Books) -> None:
    (one,) = preview(projects.context(), Filters(charge="shop/P-1/1")).unscheduled
    assert 'waits for milestones "design" (40%), "go-live" (60%)' in one.reason
    _fact, (change,) = projects.event("shop/P-1/1", "milestone", "2024-02-01", name="design")
    assert change.note.endswith(f"600.00 USD waits: {GO_LIVE}")
    assert waiting(projects, "shop/P-1/1") == ([("2024-02-01", 40_000)], [("600.00", GO_LIVE)])
    assert preview(projects.context(), Filters(charge="shop/P-1/1")).unscheduled == []
    sound(projects)
    projects.event("shop/P-1/1", "milestone", "2024-05-01", name="go-live")
    assert waiting(projects, "shop/P-1/1") == ([("2024-02-01", 40_000), ("2024-05-01", 60_000)], [])
    sound(projects)


def test_status_trace_and_explain_show_it(projects: Books) -> None:
    projects.event("shop/P-1/1", "milestone", "2024-02-01", name="design")
    found = status(projects.context())
    assert (found.unscheduled, found.waiting) == (1, (("waiting", GO_LIVE, "USD", 1, "600.00", False, "2024-02-01"),))
    (version,) = projects.trace("shop/P-1/1")["schedule"]
    assert (version["waiting"], version["waits_for"], version["carried"]) == ("600.00", GO_LIVE, "0.00")
    shown = explain(projects.context(), "shop/P-1/1")
    assert shown.waiting == ("600.00", "USD", GO_LIVE)
    assert shown.unscheduled is False and len(shown.schedule) == 1


def test_a_file_is_previewed_with_what_would_wait(projects: Books, row: MakeRow) -> None:
    path = projects.file("new.csv", [row("P-2", item="PROJ-1"), row("M-2")])
    found = preview_file(projects.context(), path, NATIVE_CHARGES)
    assert [one.charge for one in found.unscheduled] == ["shop/P-2/1"]
    assert len(found.lines) == 4 and found.waiting == []


def test_progress_is_posted_and_a_correction_downward_is_reversed(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("W-1", item="WORK-1", amount="100.00"))
    books.event("shop/W-1/1", "percent", "2024-01-31", percent=40)
    assert books.run("2024-02-29").complete
    books.event("shop/W-1/1", "percent", "2024-01-31", percent=30)
    assert waiting(books, "shop/W-1/1")[0] == [("2024-01-31", -1000)]
    assert books.run("2024-02-29").complete
    books.event("shop/W-1/1", "percent", "2024-02-29", percent=100)
    assert waiting(books, "shop/W-1/1") == ([("2024-02-29", 7000)], [])
    assert books.run("2024-02-29").complete
    lines = [line for entry in intacct.entries() for line in entry["lines"] if line["type"] == -1]
    assert sorted((line["account"], line["amount"]) for line in lines) == [
        ("2400", "10.00"), ("4000", "40.00"), ("4000", "70.00"),
    ]  # fmt: skip
    sound(books)


def test_what_takes_back_a_posted_and_a_planned_part_is_one_line(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("W-1", item="WORK-1", amount="100.00"))
    books.event("shop/W-1/1", "percent", "2024-01-31", percent=25)
    books.event("shop/W-1/1", "percent", "2024-02-29", percent=75)
    assert books.run("2024-01-31").complete
    books.event("shop/W-1/1", "percent", "2024-03-31", percent=0)
    assert waiting(books, "shop/W-1/1")[0] == [("2024-02-29", 5000), ("2024-03-31", -7500)]
    sound(books)


def test_a_hold_stops_the_run_and_a_release_catches_up(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("M-1", amount="4.00"))
    assert books.run("2024-01-31").complete
    books.event("shop/M-1/1", "hold", "2024-02-15")
    (one,) = waiting(books, "shop/M-1/1")[1]
    # 14 of February's 29 days are served before the hold: 0.48.
    assert one[0] == "2.52" and "on hold since 2024-02-15" in one[1]
    assert waiting(books, "shop/M-1/1")[0] == [("2024-02-14", 48)]
    assert len(books.run("2024-12-31").entries) == 1
    sound(books)
    books.event("shop/M-1/1", "release", "2024-04-10")
    assert waiting(books, "shop/M-1/1") == ([("2024-04-10", 152), ("2024-04-30", 100)], [])
    assert books.run("2024-04-30").complete
    sound(books)


def test_a_hold_recorded_late_leaves_what_was_posted(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("M-1", amount="4.00"))
    assert books.run("2024-03-31").complete
    books.event("shop/M-1/1", "hold", "2024-02-15")
    assert waiting(books, "shop/M-1/1")[1][0][0] == "1.00"
    books.event("shop/M-1/1", "release", "2024-05-10")
    assert waiting(books, "shop/M-1/1") == ([("2024-05-10", 100)], [])
    sound(books)


def test_a_rule_that_holds_makes_the_rest_of_a_schedule_wait(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("M-1", amount="4.00"))
    assert books.run("2024-01-31").complete
    monthly = 'method = "monthly"\non = "last"\nperiods = 4'
    books.rules(RULES.replace(monthly, 'method = "hold"\nreason = "in dispute"'))
    (change,) = schedule(books.context(), rebuild=True).changes
    assert (change.posted, change.after) == (100, ())
    assert change.note.endswith('3.00 USD waits: rule "magazine": held: in dispute')
    sound(books)
    books.rules(RULES)
    schedule(books.context(), rebuild=True)
    assert waiting(books, "shop/M-1/1") == ([("2024-02-29", 100), ("2024-03-31", 100), ("2024-04-30", 100)], [])
    sound(books)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("percent"), st.integers(1, 12), st.integers(0, 100)),
        st.tuples(st.sampled_from(["hold", "release", "post"]), st.integers(1, 12), st.none()),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("examples", [5, pytest.param(15, marks=pytest.mark.slow)])
def test_whatever_happens_in_between_carried_lines_and_waiting_sum_to_the_charge_line(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    # 0.02: a step down takes back both a posted and a planned part.
    @example([("percent", 1, 25), ("percent", 2, 75), ("percent", 3, 0), ("post", 1, None)], "WORK-1", 2)
    @settings(max_examples=examples, deadline=None)
    @given(STEPS, st.sampled_from(["WORK-1", "MAG-1"]), st.integers(-9999, 9999).filter(bool))
    def holds(steps: Any, item: str, amount: int) -> None:
        from revrec.jobs.posting.intents import commit_intents
        from revrec.store.posting import entries

        books = new_books(tmp_path_factory.mktemp("books"), {})
        books.rules(RULES)
        books.take(row("X-1", item=item, amount=f"{amount / 100:.2f}"))
        for kind, month, percent in steps:
            day = date(2024, month, 15)
            if kind == "post":
                context = books.context("run")
                with context.database.write() as connection:
                    run = entries.start_run(connection, day, context.who())
                    commit_intents(connection, context, run, day + timedelta(days=20), "acme")
            else:
                books.event("shop/X-1/1", kind, day.isoformat(), percent=percent)
        sound(books)

    holds()
