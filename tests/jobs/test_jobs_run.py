"""A run: exactly what is due, balanced, once, and what Intacct refuses is reported and fixed."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration, Busy
from revrec.jobs.running.result import EntryView
from revrec.jobs.running.run import run
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store.posting import entries
from revrec.store.posting.entries import StoredEntry
from revrec.store.posting.workers import active_run
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import PATIENCE

pytestmark = pytest.mark.both_databases

DAY = "2024-03-31"


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def figures(entry: EntryView) -> tuple[str | int, ...]:
    """Return what a planned entry and the same entry posted have in common."""
    return (
        entry["reference"], entry["date"], entry["journal"], entry["entity"], entry["currency"], entry["lines"],
        entry["amount"],
    )  # fmt: skip


def sides(entry: Any) -> list[tuple[str, int, str]]:
    return [(line["account"], line["type"], line["amount"]) for line in entry["lines"]]


def test_exactly_the_due_lines_are_posted_each_on_its_date(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1", post_date="2024-03-01"), row("INV-3", item="POD-1"))
    result = books.run(DAY)
    assert result.complete and result.counts["posted"] == 4
    ledger = intacct.entries()
    assert [entry["date"] for entry in ledger] == ["2024-01-12", "2024-02-12", "2024-03-12", "2024-03-31"]
    assert sides(ledger[0]) == [("2400", 1, "2.00"), ("4000", -1, "2.00")]
    assert sides(ledger[3]) == [("2400", 1, "24.00"), ("4000", -1, "24.00")]
    ours = {one["reference"]: (one["record_no"], one["status"]) for one in result.entries}
    assert ours == {entry["reference"]: (str(entry["record_no"]), "posted") for entry in ledger}
    assert {entry["journal"] for entry in ledger} == {"RR"}


def test_entry_and_line_carry_all_that_the_charge_line_had(books: Books, intacct: Intacct, row: MakeRow) -> None:
    dimensions = {"location": "100", "department": "OPS", "class": "RETAIL", "project": "P-100", "contract": "CON-7"}
    books.take(row("INV-1", item="GOODS-1", **dimensions))
    books.run(DAY)
    (entry,) = intacct.entries()
    carried = {
        "LOCATION": "100", "DEPARTMENT": "OPS", "CLASSID": "RETAIL", "PROJECTID": "P-100", "CONTRACTID": "CON-7",
        "CUSTOMERID": "C1007", "ITEMID": "GOODS-1",
    }  # fmt: skip
    for line in entry["lines"]:
        assert line["dimensions"] == carried
        assert (line["document"], line["description"]) == ("INV-1/1", "GOODS-1 1/1 INV-1")
    assert entry["title"] == "Rev rec 2024-02-04"


def test_a_run_sends_the_entries_that_it_stored_without_reading_their_lines_back(
    books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_words: Any) -> StoredEntry:
        pytest.fail("an entry is read back")

    monkeypatch.setattr(entries, "load_entry", load)
    books.take(row("INV-1"))
    assert books.run(DAY).counts["posted"] == len(intacct.entries()) == 3


def test_dimensions_that_the_ledger_does_not_carry_are_left_out(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.environment["REVREC_GATEWAY_OMIT"] = "customer, item"
    books.take(row("INV-1", item="GOODS-1", location="100"))
    books.run(DAY)
    (entry,) = intacct.entries()
    assert [line["dimensions"] for line in entry["lines"]] == [{"LOCATION": "100"}] * 2


def test_charge_lines_of_one_date_entity_journal_and_currency_share_an_entry(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(
        row("INV-1", item="GOODS-1"),
        row("INV-2", item="GOODS-2", amount="10.00"),
        row("INV-3", item="GOODS-3", currency="EUR"),
        row("INV-4", item="GOODS-4", entity="200", location="200"),
    )
    books.run(DAY)
    found = [(entry["lines"][0]["currency"], entry["title"], len(entry["lines"])) for entry in intacct.entries()]
    assert sorted(found) == [
        ("EUR", "Rev rec 2024-02-04", 2),
        ("USD", "Rev rec 2024-02-04", 4),
        ("USD", "Rev rec 2024-02-04 200", 2),
    ]


def test_a_credit_is_posted_with_its_sides_reversed(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("CRN-1", item="GOODS-1", amount="(10.00)"))
    books.run(DAY)
    assert sides(intacct.entries()[0]) == [("4000", 1, "10.00"), ("2400", -1, "10.00")]


@pytest.mark.parametrize(
    ("currency", "amount", "posted"),
    [
        ("JPY", "1000", ["83", "84", "83"]),
        ("KWD", "1.000", ["0.083", "0.084", "0.083"]),
        ("USD", "10.00", ["0.83", "0.84", "0.83"]),
    ],
)
def test_every_currency_is_posted_in_its_own_minor_units(
    books: Books, intacct: Intacct, row: MakeRow, currency: str, amount: str, posted: list[str]
) -> None:
    books.take(row("INV-1", currency=currency, amount=amount))
    books.run(DAY)
    assert [sides(entry)[0][2] for entry in intacct.entries()] == posted
    books.run("2025-12-31")
    units = {"JPY": 1, "USD": 100, "KWD": 1000}[currency]
    total = sum(Decimal(sides(entry)[0][2]) * units for entry in intacct.entries())
    assert (total, len(intacct.entries())) == (1000, 12)


def test_over_the_line_limit_an_entry_is_split_in_a_stable_order(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(*(row(f"INV-{n}", item="GOODS-1", amount=f"{n}.00") for n in (5, 1, 4, 2, 3)))
    result = books.run(DAY, REVREC_POSTING_LINES_PER_ENTRY="5")
    assert [one["lines"] for one in sorted(result.entries, key=lambda one: int(one["record_no"] or 0))] == [4, 4, 2]
    documents = [[line["document"] for line in entry["lines"][::2]] for entry in intacct.entries()]
    assert documents == [["INV-5/1", "INV-1/1"], ["INV-4/1", "INV-2/1"], ["INV-3/1"]]


def test_a_dry_run_shows_the_very_entries_writes_nothing_and_speaks_to_no_one(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    before, files = books.content(), sorted(books.folder.iterdir())
    nowhere = {"INTACCT_ENDPOINT_URL": "http://127.0.0.1:9/", "INTACCT_SENDER_PASSWORD": ""}
    planned = books.run(DAY, dry_run=True, also=nowhere)
    assert {one["status"] for one in planned.entries} == {"planned"} and planned.complete and planned.run is None
    assert books.content() == before and sorted(books.folder.iterdir()) == files and intacct.entries() == []
    posted = books.run(DAY)
    assert [figures(one) for one in planned.entries] == [figures(one) for one in posted.entries]


def test_references_and_control_ids_fit_intacct_and_name_company_and_database(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"))
    books.run(DAY)
    ((deployment,),) = books.sql("SELECT value FROM meta WHERE key = 'deployment'")
    found = books.sql("SELECT reference, control_id FROM journal_entry")
    assert len(set(found)) == 3
    for reference, control_id in found:
        assert re.fullmatch("RR[A-Z2-7]{16}", reference)
        assert control_id == f"revrec:revrec-sandbox:{deployment}:{reference}".lower()


def test_run_again_nothing_is_posted_twice(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    books.run(DAY)
    ledger = intacct.entries()
    for day in (DAY, "2024-01-15", "2023-01-01", DAY):
        again = books.run(day)
        assert again.entries == [] and again.counts["posted"] == 0 and again.complete
    assert intacct.entries() == ledger
    assert books.run("2024-04-30").counts["posted"] == 1
    assert [entry["date"] for entry in intacct.entries()][3:] == ["2024-04-12"]


def test_an_earlier_date_than_any_line_posts_nothing_and_needs_no_gateway(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    credentials = {f"INTACCT_{name}": "x" for name in ("SENDER_ID", "SENDER_PASSWORD", "COMPANY_ID", "USER_ID")}
    result = offline.run("2023-12-31", INTACCT_USER_PASSWORD="x", also=credentials)
    assert result.complete and result.entries == []


def test_what_is_dated_late_is_posted_whatever_the_clock_says(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    books.run("2024-01-31", later=timedelta(days=-9000))
    assert [entry["date"] for entry in intacct.entries()] == ["2024-01-12"]


def test_each_run_is_on_record_with_its_outcome(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"))
    books.run("2024-01-31")
    ((day, started, finished, actor, outcome),) = books.sql(
        "SELECT date, started_at, finished_at, actor, outcome FROM posting_run"
    )
    assert day == "2024-01-31" and started < finished and "@" in actor
    assert outcome == "1 posted, 0 failed, 0 in_doubt, 0 held, 0 waiting"


def test_of_two_runs_at_once_one_posts_and_the_other_exits_6_or_finds_nothing(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(*(row(f"INV-{n}") for n in range(3)))
    intacct.admin("/switch", function_delay_ms=150)
    both = [books.start("run", "--date", DAY) for _ in range(2)]
    shown = [process.communicate(timeout=PATIENCE) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 6], [0, 0]), shown
    if codes == [0, 6]:
        assert any("another revrec run is posting; wait for it to end" in error for _out, error in shown)
    references = [entry["reference"] for entry in intacct.entries()]
    assert len(references) == len(set(references)) == 3
    assert states(books) == ["POSTED"] * 3


@pytest.mark.slow
def test_a_run_that_waits_for_another_finds_its_work_done(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    intacct.admin("/switch", function_delay_ms=100)
    both = [books.start("run", "--date", DAY, "--wait", "40 s", "--format", "json") for _ in range(2)]
    shown = [process.communicate(timeout=PATIENCE) for process in both]
    assert [process.returncode for process in both] == [0, 0], shown
    assert len(intacct.entries()) == 3


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_run_does_not_start_while_another_holds_the_lock(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    context = books.context("run")
    before = books.content()
    with active_run(context.database, "other", 0, 1, 0), pytest.raises(Busy, match="another revrec run is posting"):
        run(books.context("run"), date(2024, 3, 31))
    assert books.content() == before and intacct.entries() == []


def test_a_time_out_must_end_before_the_lease(books: Books) -> None:
    with pytest.raises(BadConfiguration, match="timeout must be shorter than lease"):
        books.run(DAY, REVREC_POSTING_TIMEOUT="10 s", REVREC_POSTING_LEASE="10 s")


def wrong_account(books: Books, account: str = "9999") -> None:
    rule = (
        f'[[rule]]\nname = "goods"\npriority = 200\n[rule.when]\nitem = "GOODS-*"\n[rule.post]\naccrued = "{account}"\n'
    )
    recognize = '[rule.recognize]\nmethod = "fixed_offset"\noffset = "30 days"\n'
    monthly = '[[rule]]\nname = "magazine"\n[rule.recognize]\nmethod = "monthly"\noffset = "7 days"\nperiods = 12\n'
    books.rules(rule + recognize + monthly)


def test_an_entry_that_intacct_refuses_is_reported_with_advice_and_the_others_go_on(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    wrong_account(books)
    books.take(row("INV-1"), row("INV-2", item="GOODS-1"), row("INV-3"))
    result = books.run(DAY)
    assert result.counts == {"posted": 3, "failed": 1, "in_doubt": 0, "held": 0, "waiting": 0}
    assert not result.complete and len(intacct.entries()) == 3
    (refused,) = [one for one in result.entries if one["status"] == "rejected"]
    assert (
        refused["error_no"] and "9999" in str(refused["error"]) and refused["advice"] and refused["record_no"] is None
    )
    (attempt,) = books.trace(refused["reference"])["entries"][0]["attempts"]
    assert attempt["outcome"] == "rejected" and "<errorno>" in attempt["response"] and "9999" in attempt["request"]


def test_after_the_account_is_fixed_in_intacct_the_next_run_posts_under_a_new_reference(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    wrong_account(books, "9998")
    books.take(row("INV-2", item="GOODS-1"))
    (first,) = books.run(DAY).entries
    assert books.run(DAY).counts["failed"] == 1, "tried again, and refused again"
    intacct.admin("/accounts", id="9998", name="Goods", details={"type": "incomestatement", "normal": "credit"})
    result = books.run(DAY)
    assert result.complete and states(books) == ["REPLACED", "REPLACED", "POSTED"]
    assert [entry["reference"] for entry in intacct.entries()] == [result.entries[-1]["reference"]]
    life = books.trace("shop/INV-2/1")
    assert [entry["status"] for entry in life["entries"]] == ["replaced", "replaced", "posted"]
    assert len({entry["reference"] for entry in life["entries"]}) == 3
    assert len({entry["control_id"] for entry in life["entries"]}) == 3
    assert books.trace(first["reference"]) == life, "the old reference still leads to it"


def test_after_the_account_is_fixed_in_the_rule_the_next_run_posts_to_the_new_one(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    wrong_account(books)
    books.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    books.run(DAY)
    assert schedule(books.context()).changes == []
    assert states(books).count("REJECTED") == 1
    wrong_account(books, "4010")
    (change,) = schedule(books.context(), rebuild=True).changes
    assert (change.charge, change.posted, change.before) == ("shop/INV-2/1", 0, change.after)
    assert states(books).count("REPLACED") == 1
    assert books.run(DAY).complete
    (posted,) = [entry for entry in intacct.entries() if entry["lines"][0]["document"] == "INV-2/1"]
    assert sides(posted) == [("2400", 1, "24.00"), ("4010", -1, "24.00")]


def test_a_delivery_corrected_after_a_refusal_moves_the_line(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "fail"
    books.take(row("INV-1", item="POD-1"), row("INV-2", item="POD-1"))
    for charge in ("shop/INV-1/1", "shop/INV-2/1"):
        books.event(charge, "pod", "2024-02-07")
    intacct.admin("/periods/close", month="2024-02")
    assert books.run(DAY).counts["failed"] == 1
    _fact, (change,) = books.event("shop/INV-1/1", "pod", "2024-03-07")
    assert str(change.after[0][0]) == "2024-03-07"
    assert books.run(DAY).counts["failed"] == 1, "the other charge stays where it was, and refused"
    intacct.admin("/periods/open", month="2024-02")
    assert books.run(DAY).complete
    found = {entry["lines"][0]["document"]: entry["date"] for entry in intacct.entries()}
    assert found == {"INV-1/1": "2024-03-07", "INV-2/1": "2024-02-07"}
    assert len(intacct.entries()) == 2


def test_a_refused_month_is_not_moved_by_later_months_that_were_posted(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "fail"
    books.take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    result = books.run(DAY)
    assert (result.counts["posted"], result.counts["failed"]) == (2, 1)
    assert schedule(books.context(), rebuild=True).changes == [], "January's part stays January's"
    intacct.admin("/periods/open", month="2024-01")
    assert books.run(DAY).complete
    assert sorted(entry["date"] for entry in intacct.entries()) == ["2024-01-12", "2024-02-12", "2024-03-12"]


def test_a_refused_entry_is_left_alone_by_a_run_for_an_earlier_date(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "fail"
    books.take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    books.run("2024-01-31")
    result = books.run("2024-01-01")
    assert states(books) == ["REJECTED"] and result.counts["failed"] == 1 and not result.complete


def test_a_gateway_that_cannot_be_reached_leaves_everything_as_it_was(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    with pytest.raises(BadConfiguration, match="cannot be used"):
        books.run(DAY, INTACCT_ENDPOINT_URL="http://127.0.0.1:9/ia/xml/xmlgw.phtml")
    assert states(books) == [], "no entry is made before Intacct's journal is looked at"
    ((outcome,),) = books.sql("SELECT outcome FROM posting_run")
    assert outcome.startswith("stopped: ")
    assert books.run(DAY).complete
    assert len(intacct.entries()) == 3


def test_what_a_run_for_a_later_date_left_is_not_posted_by_one_for_an_earlier(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    intacct.fault("429@before:9x:create")
    books.run("2024-12-31")
    result = books.run("2024-02-29")
    assert [entry["date"] for entry in intacct.entries()] == ["2024-01-12", "2024-02-12"]
    assert result.counts["posted"] == 2 and result.counts["waiting"] == 10 and not result.complete
    assert books.run("2024-12-31").complete and len(intacct.entries()) == 12


@pytest.mark.parametrize("whose", ["USER", "SENDER"])
def test_a_wrong_password_is_exit_5_and_nothing_is_sent(
    books: Books, intacct: Intacct, row: MakeRow, whose: str
) -> None:
    books.take(row("INV-1"))
    process = books.start("run", "--date", DAY, **{f"INTACCT_{whose}_PASSWORD": "not-it-at-all"})
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 5 and "refused the sign-in" in error and out == ""
    assert "not-it-at-all" not in error
    assert states(books) == [] and intacct.entries() == []
    assert books.run(DAY).complete


def test_missing_credentials_are_named_before_anything_is_written(
    books: Books, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(books.folder))
    books.take(row("INV-1"))
    before = books.content()
    with pytest.raises(BadConfiguration, match="INTACCT_USER_PASSWORD"):
        books.run(DAY, INTACCT_USER_PASSWORD="")
    assert books.content() == before
