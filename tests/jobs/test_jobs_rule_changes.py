"""Rules that change: unscheduled lines follow at the next run, planned ones only a rebuild, whose moves are kept."""

import json
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import BadInput, Busy
from revrec.core.filters import Filters
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.reports.moves import schedule_moves
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.status import status
from revrec.jobs.rules.files import DEFAULTS
from revrec.jobs.scheduling.rebuild import schedule
from support.books import RULES, Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import PROJECT

pytestmark = pytest.mark.both_databases

NO_CATCH_ALL = RULES.partition('[[rule]]\nname = "date-on-the-line"')[0]
TOY = """
[[rule]]
name = "toy"
[rule.when]
item = "TOY-*"
[rule.recognize]
method = "fixed_offset"
offset = "10 days"
"""
SLOWER = NO_CATCH_ALL.replace("30 days", "60 days")


@pytest.fixture
def planned(offline: Books, row: MakeRow) -> Books:
    """Books with a scheduled line of 50.00 due on February 4, and one of 30.00 without a rule."""
    offline.rules(NO_CATCH_ALL)
    offline.take(row("G-1", item="GOODS-1", amount="50.00"), row("T-1", item="TOY-1", amount="30.00"))
    return offline


def changed(books: Books) -> tuple[str, ...]:
    found = status(books.context()).rule_changes
    return found.files if found else ()


def test_nothing_is_newer_than_the_plan_right_after_an_import(planned: Books) -> None:
    assert changed(planned) == ()
    assert preview(planned.context()).rule_changes is None


def test_run_preview_and_status_report_a_rule_file_that_is_newer(planned: Books) -> None:
    planned.rules(SLOWER)
    assert changed(planned) == ("rules.toml",)
    assert preview(planned.context()).rule_changes == status(planned.context()).rule_changes
    assert planned.run("2024-03-31", dry_run=True).rule_changes == status(planned.context()).rule_changes
    planned.rules(NO_CATCH_ALL)
    assert changed(planned) == (), "the file is again as it was"


def test_a_new_file_a_table_and_the_accounts_count_too(offline: Books, row: MakeRow) -> None:
    table = '[[table]]\nname = "days"\nfile = "days.csv"\nkey = "item"\n'
    (offline.folder / "rules" / "days.csv").write_text("item,account\nGOODS-1,4100\n")
    offline.rules(table + NO_CATCH_ALL)
    offline.take(row("G-1", item="GOODS-1"))
    assert changed(offline) == ()
    (offline.folder / "rules" / "days.csv").write_text("item,account\nGOODS-1,4200\n")
    assert changed(offline) == ("days.csv",)
    (offline.folder / "rules" / "days.csv").unlink()
    (offline.folder / "rules" / "more.toml").write_text(TOY)
    assert changed(offline) == ("days.csv", "more.toml")
    found = status(offline.context(REVREC_ACCOUNTS_DEFERRED="2500")).rule_changes
    assert found and DEFAULTS in found.files


def test_an_unscheduled_line_follows_a_new_rule_at_the_next_run_and_a_planned_line_does_not(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.rules(NO_CATCH_ALL)
    books.take(row("G-1", item="GOODS-1", amount="50.00"), row("T-1", item="TOY-1", amount="30.00"))
    books.rules(SLOWER + TOY)
    (one,) = preview(books.context(), Filters(last=date(2024, 1, 31))).lines
    assert (one.charge, one.date, one.amount) == ("shop/T-1/1", "2024-01-15", "30.00")
    assert books.sql("SELECT count(*) FROM unscheduled") == [(1,)], "a preview writes nothing"
    assert len(books.run("2024-01-31", dry_run=True).entries) == 1
    result = books.run("2024-01-31")
    assert [one.charge for one in result.picked_up] == ["shop/T-1/1"] and result.counts["posted"] == 1
    assert not result.missing
    assert books.open_parts("shop/G-1/1") == [("2024-02-04", 5000)]
    assert changed(books) == ("rules.toml",), "the planned line still follows the old rule"
    assert books.run("2024-01-31").picked_up == []
    assert verify(books.context()).sound


def test_an_event_on_a_planned_line_leaves_it_under_the_rule_that_planned_it(planned: Books) -> None:
    planned.rules(SLOWER)
    planned.event("shop/G-1/1", "credit", "2024-01-20", amount="10.00")
    assert planned.open_parts("shop/G-1/1") == [("2024-02-04", 4000)]
    assert changed(planned) == ("rules.toml",)
    schedule(planned.context("schedule"), rebuild=True, reason="later")
    assert planned.open_parts("shop/G-1/1") == [("2024-03-05", 4000)]
    planned.rules(NO_CATCH_ALL)
    planned.event("shop/G-1/1", "credit", "2024-01-21", amount="5.00")
    assert planned.open_parts("shop/G-1/1") == [("2024-03-05", 3500)], "a rebuild planned it under the second version"
    assert verify(planned.context()).sound


def test_an_event_on_a_line_whose_rule_was_removed_or_outranked_keeps_its_rule_too(planned: Books) -> None:
    planned.rules(TOY + TOY.replace("toy", "other").replace("TOY-*", "GOODS-*").replace("10 days", "5 days"))
    planned.event("shop/G-1/1", "credit", "2024-01-20", amount="10.00")
    planned.rules(TOY)
    planned.event("shop/G-1/1", "credit", "2024-01-21", amount="10.00")
    assert planned.open_parts("shop/G-1/1") == [("2024-02-04", 3000)]
    assert planned.sql("SELECT DISTINCT rule_version_id FROM schedule WHERE charge_no = 1") == [(1,)]


def test_the_accounts_of_a_planned_line_stay_when_its_table_changes_before_an_event(
    offline: Books, row: MakeRow
) -> None:
    table = '[[table]]\nname = "accounts"\nfile = "accounts.csv"\nkey = "item"\n'
    (offline.folder / "rules" / "accounts.csv").write_text("item,revenue\nGOODS-1,4100\n")
    post = 'offset = "30 days"\n[rule.post]\naccrued = { table = "accounts", column = "revenue" }'
    offline.rules(table + NO_CATCH_ALL.replace('offset = "30 days"', post))
    offline.take(row("G-1", item="GOODS-1", amount="50.00"))
    (offline.folder / "rules" / "accounts.csv").write_text("item,revenue\nGOODS-1,4200\n")
    offline.event("shop/G-1/1", "credit", "2024-01-20", amount="10.00")
    accounts = "SELECT DISTINCT v.accrued FROM schedule s JOIN rule_version v ON v.id = s.rule_version_id"
    assert offline.sql(accounts) == [("4100",)]


def test_a_milestone_is_checked_against_the_rule_that_planned_the_line(offline: Books, row: MakeRow) -> None:
    offline.rules(PROJECT)
    offline.take(row("P-1", item="PROJ-1", amount="100.00"))
    offline.event("shop/P-1/1", "milestone", "2024-01-31", name="design")
    offline.rules(PROJECT.replace("go-live", "launch"))
    with pytest.raises(BadInput, match="it knows design, go-live"):
        offline.event("shop/P-1/1", "milestone", "2024-02-29", name="launch")
    offline.event("shop/P-1/1", "milestone", "2024-02-29", name="go-live")
    assert offline.open_parts("shop/P-1/1") == [("2024-01-31", 4000), ("2024-02-29", 6000)]


def test_a_preview_of_books_that_cannot_be_written_shows_them_as_they_are(
    planned: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_database: Any) -> Any:
        raise Busy("another process writes")

    planned.rules(NO_CATCH_ALL + TOY)
    assert not preview(planned.context()).unscheduled
    monkeypatch.setattr("revrec.jobs.scheduling.pick_up.discarded", locked)
    found = preview(planned.context())
    assert [one.charge for one in found.unscheduled] == ["shop/T-1/1"] and found.rule_changes


def test_schedule_picks_up_unscheduled_lines_but_only_shows_the_others(planned: Books) -> None:
    planned.rules(SLOWER + TOY)
    found = schedule(planned.context())
    assert [one.charge for one in found.picked_up] == ["shop/T-1/1"]
    assert [one.charge for one in found.changes] == ["shop/G-1/1"] and not found.applied
    assert planned.open_parts("shop/T-1/1") == [("2024-01-15", 3000)]
    assert planned.open_parts("shop/G-1/1") == [("2024-02-04", 5000)]


def test_rules_that_change_nothing_are_the_plans_once_schedule_has_compared_them(planned: Books) -> None:
    planned.rules(NO_CATCH_ALL + "\n# a comment\n")
    assert changed(planned) == ("rules.toml",)
    assert schedule(planned.context()).changes == []
    assert changed(planned) == () and verify(planned.context()).sound


def test_a_line_that_gets_its_rule_gets_the_costs_of_the_rule(planned: Books) -> None:
    cost = '[[rule.cost]]\nname = "cogs"\npercent = 50\ndeferred = "1400"\nexpense = "5000"\n'
    planned.rules(NO_CATCH_ALL + TOY + cost)
    schedule(planned.context())
    assert planned.open_parts("shop/T-1/1:cost:cogs") == [("2024-01-15", -1500)]


def test_lines_tried_under_different_rules_are_all_tried_again(planned: Books, row: MakeRow) -> None:
    planned.rules(NO_CATCH_ALL + TOY.replace("TOY-*", "ODD"))
    planned.take(row("T-2", item="TOY-1", amount="7.00"), name="second.csv")
    planned.rules(NO_CATCH_ALL + TOY)
    assert len(schedule(planned.context()).picked_up) == 2


def test_a_void_line_stays_without_a_schedule_whatever_the_rules_say(planned: Books) -> None:
    void_charge(planned.context("charge void"), "shop/T-1/1", "sent twice")
    planned.rules(NO_CATCH_ALL + TOY)
    assert schedule(planned.context()).picked_up == [] and planned.open_parts("shop/T-1/1") == []
    assert not status(planned.context()).missing


def test_rules_with_errors_do_not_stop_a_run(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.rules(NO_CATCH_ALL)
    books.take(row("G-1", item="GOODS-1", amount="50.00"), row("T-1", item="TOY-1", amount="30.00"))
    books.rules("[[rule]]\nname = 3\n")
    result = books.run("2024-02-29")
    assert result.counts["posted"] == 1 and result.picked_up == [] and result.rule_changes
    assert len(preview(books.context()).unscheduled) == 1


def moves(books: Books, rebuild: int | None = None, **only: Any) -> list[tuple[str, str, str, str, str]]:
    found = schedule_moves(books.context(), rebuild, Filters(**only))
    return [(one.reason, one.charge, one.period, one.before, one.after) for one in found]


def test_a_rebuild_keeps_its_reason_and_what_it_moved_by_charge_and_month(planned: Books, row: MakeRow) -> None:
    planned.take(row("M-1", amount="24.00"), name="magazine.csv")
    planned.rules(SLOWER)
    schedule(planned.context("schedule"), rebuild=True, reason="Returns within 60 days")
    wanted = [
        ("Returns within 60 days", "shop/G-1/1", "2024-02", "50.00", "0.00"),
        ("Returns within 60 days", "shop/G-1/1", "2024-03", "0.00", "50.00"),
    ]
    assert moves(planned) == wanted and changed(planned) == ()
    planned.rules(SLOWER + TOY)
    schedule(planned.context("schedule"), rebuild=True, reason="Toys")
    later = [("Toys", "shop/T-1/1", "2024-01", "0.00", "30.00")]
    assert moves(planned) == wanted + later and moves(planned, charge="shop/T-1/1") == later
    first, last = (
        one.rebuild for one in (next(schedule_moves(planned.context())), list(schedule_moves(planned.context()))[-1])
    )
    assert moves(planned, rebuild=first) == wanted and moves(planned, rebuild=last) == later
    detail = planned.sql("SELECT detail FROM audit_event WHERE seq = ?", last)[0][0]
    assert json.loads(detail)["reason"] == "Toys"


def test_a_rebuild_that_moves_nothing_has_no_moves_and_unknown_filters_are_refused(planned: Books) -> None:
    schedule(planned.context(), rebuild=True, reason="nothing changed")
    assert moves(planned) == []
    with pytest.raises(BadInput, match="--rebuild 999999: no such rebuild; there are"):
        moves(planned, rebuild=999999)
    with pytest.raises(BadInput, match="no such charge"):
        moves(planned, charge="shop/NONE/1")


def test_amounts_without_a_date_are_moved_too(offline: Books, row: MakeRow) -> None:
    steps = '[[rule]]\nname = "project"\n[rule.recognize]\nmethod = "milestones"\nmilestones = [{ name = "design", '
    steps += "percent = %d }, { name = 'go-live', percent = %d }]\n"
    offline.rules(steps % (40, 60))
    offline.take(row("P-1", amount="100.00"))
    offline.event("shop/P-1/1", "milestone", "2024-02-01", name="design")
    offline.rules(steps % (50, 50))
    schedule(offline.context(), rebuild=True, reason="The design is half of it")
    assert [one[2:] for one in moves(offline)] == [("", "60.00", "50.00"), ("2024-02", "40.00", "50.00")]


POLICED = """
[[rule]]
name = "plan"
description = "a plan"
[rule.recognize]
method = "monthly"
start = "post_date"
periods = 6
[rule.post]
memo = "{item}"
"""
IN_RECOGNIZE = {
    "on_price": 'on_price = "catch_up"',
    "on_credit": 'on_credit = "latest"',
    "on_release": 'on_release = "extend"',
    "on_change": 'on_change = "catch_up"',
    "on_migration": 'on_migration = "spread"',
    "scope": 'scope = "line"',
    "after_invoice": "after_invoice = true",
}


def edited(old: str, new: str) -> str:
    text = POLICED.replace(old, new)
    assert text != POLICED
    return text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((edited("periods = 6", f"periods = 6\n{key}"), f"{name}: ") for name, key in IN_RECOGNIZE.items()),
        (edited("{item}", "{item} {seq}"), "memo: {item} -> {item} {seq}; "),
        (edited('memo = "{item}"', 'memo = "{item}"\njournal = "GJ"'), "journal: RR -> GJ; "),
        (edited('memo = "{item}"', 'memo = "{item}"\naccrued = "4010"'), "revenue account: 4000 -> 4010; "),
        (edited('memo = "{item}"', 'memo = "{item}"\nsummarize = "account"'), "summarize: line -> account; "),
        (edited('"plan"', '"plan-2"'), "rule: plan -> plan-2; "),
    ],
)
def test_a_rebuild_adopts_what_later_events_follow_though_no_line_moves(
    offline: Books, row: MakeRow, text: str, said: str
) -> None:
    offline.rules(POLICED)
    offline.take(row("P-1", item="PLAN", amount="600.00", post_date="2024-01-15"))
    offline.rules(text)
    (change,) = schedule(offline.context()).changes
    assert change.note.startswith(said) and list(change.before) == list(change.after)
    assert offline.trace("shop/P-1/1")["rule"]["version"] == 1, "only a rebuild changes it"
    schedule(offline.context(), rebuild=True, reason="policy of 2024")
    assert schedule(offline.context()).changes == [] and verify(offline.context()).findings == []
    life = offline.trace("shop/P-1/1")
    assert life["rule"]["text"].strip() == text.strip()
    assert [one["text"].strip() for one in life["earlier_rules"]] == [POLICED.strip()]
    assert (life["schedule"][0]["rule"], life["schedule"][0]["rule_version"]) == ("plan", 1)


@pytest.mark.parametrize(
    ("until", "left"),
    [
        ("2024-06-30", [("2024-06-15", 30000)]),
        ("2024-02-28", [("2024-03-15", 10000), ("2024-03-20", 15000), ("2024-04-15", 15000)]),
    ],
)
def test_after_a_rebuild_a_new_price_follows_the_new_policy_also_where_all_is_posted(
    books: Books, intacct: Intacct, row: MakeRow, until: str, left: list[tuple[str, int]]
) -> None:
    books.rules(POLICED)
    books.take(row("P-1", item="PLAN", amount="600.00", post_date="2024-01-15"))
    assert books.run(until).complete
    books.rules(edited("periods = 6", 'periods = 6\non_price = "catch_up"'))
    schedule(books.context(), rebuild=True, reason="policy of 2024")
    books.event("shop/P-1/1", "price", "2024-03-20", amount=900)
    assert books.open_parts("shop/P-1/1")[: len(left)] == left
    assert "(on_price catch_up): 600.00 becomes 900.00 USD" in books.trace("shop/P-1/1")["schedule"][-1]["explanation"]


@pytest.mark.parametrize(
    "text",
    [
        edited("a plan", "another description"),
        edited('"a plan"', '"a plan"\npriority = 90\nowner = "print desk"'),
        edited("[rule.recognize]", '[rule.when]\nitem = "PLAN"\n[rule.recognize]'),
        edited("periods = 6", 'periods = 6\non_price = "prospective"'),
    ],
)
def test_what_no_event_follows_is_no_difference(offline: Books, row: MakeRow, text: str) -> None:
    offline.rules(POLICED)
    offline.take(row("P-1", item="PLAN", amount="600.00", post_date="2024-01-15"))
    offline.rules(text)
    assert schedule(offline.context(), rebuild=True, reason="words").changes == []
