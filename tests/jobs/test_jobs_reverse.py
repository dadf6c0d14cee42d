"""A posted entry is reversed by its mirror entry, exactly once, and its schedule lines are due again."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.intacct.transport import GatewayTransport
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.context import Context
from revrec.jobs.gateway import open_gateway
from revrec.jobs.posting import resolve
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.running.reverse import ReversalResult, reverse
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store.database.engine import Database
from support.books import RULES, Books, MakeRow
from support.intacct import Intacct
from support.patience import until

pytestmark = pytest.mark.both_databases

DAY = "2024-02-12"
LATER = timedelta(minutes=1)


@pytest.fixture
def posted(books: Books, row: MakeRow) -> Books:
    """Books with two posted entries of 2.00: of two charge lines in January, and of the same in February."""
    books.take(row("INV-1"), row("INV-2"))
    assert books.run(DAY).complete
    return books


def references(books: Books) -> list[str]:
    return [one for (one,) in books.sql("SELECT reference FROM journal_entry ORDER BY id")]


def undo(books: Books, what: str, later: timedelta = timedelta(0), **options: Any) -> ReversalResult:
    options = {"reason": "wrong account", **options}
    dry_run = options.pop("dry_run", False)
    return reverse(books.context("postings reverse", later), ReversalOrder(what, **options), dry_run)


def ledger(intacct: Intacct) -> dict[str, int]:
    """Net amounts by account in Intacct, in cents."""
    found: dict[str, int] = {}
    for entry in intacct.entries():
        for line in entry["lines"]:
            amount = round(float(line["amount"]) * 100) * line["type"]
            found[line["account"]] = found.get(line["account"], 0) + amount
    return found


def open_until(books: Books, day: str = DAY) -> list[tuple[Any, ...]]:
    return books.sql(
        "SELECT charge_no, seq, amount FROM schedule_line WHERE entry_id IS NULL AND superseded_by IS NULL"
        " AND date <= ? ORDER BY charge_no, seq",
        day,
    )


def sound(books: Books) -> None:
    assert verify(books.context("verify")).findings == []


def test_a_reversal_is_the_mirror_of_its_entry_and_opens_its_lines(posted: Books, intacct: Intacct) -> None:
    first, _second = references(posted)
    result = undo(posted, first)
    assert result.complete and result.reverses == {references(posted)[-1]: first}
    original, mirror = intacct.entries()[0], intacct.entries()[-1]
    assert mirror["date"] == original["date"] and mirror["journal"] == original["journal"]
    shown = [(line["account"], line["amount"], line["type"]) for line in mirror["lines"]]
    assert sorted(shown) == sorted((line["account"], line["amount"], -line["type"]) for line in original["lines"])
    assert open_until(posted) == [(1, 1, 200), (2, 1, 200)]
    sound(posted)


def test_the_next_run_posts_the_lines_again_under_another_reference(posted: Books, intacct: Intacct) -> None:
    before = ledger(intacct)
    undo(posted, references(posted)[0])
    (again,) = posted.run(DAY).entries
    assert again["status"] == "posted" and references(posted).count(again["reference"]) == 1
    assert ledger(intacct) == before and len(intacct.entries()) == 4
    assert posted.run(DAY).entries == []
    sound(posted)


def test_a_whole_run_is_reversed_and_its_ledger_is_empty(posted: Books, intacct: Intacct) -> None:
    result = undo(posted, "1")
    assert result.complete and len(result.run.entries) == 2
    assert set(ledger(intacct).values()) == {0}
    assert len(open_until(posted)) == 4
    with pytest.raises(BadInput, match=r"run 1: nothing is left to reverse: .* already reversed by"):
        undo(posted, "1")
    sound(posted)


def test_a_dry_run_shows_the_mirror_entries_and_changes_nothing(posted: Books, intacct: Intacct) -> None:
    content = posted.content()
    result = undo(posted, "1", dry_run=True)
    assert [one["status"] for one in result.run.entries] == ["planned", "planned"] and result.lines == 4
    assert posted.content() == content and len(intacct.entries()) == 2


def test_final_lines_are_never_posted_again(posted: Books, intacct: Intacct) -> None:
    undo(posted, references(posted)[0], final=True)
    assert open_until(posted) == []
    assert posted.run(DAY).entries == [] and len(intacct.entries()) == 3
    sound(posted)


def test_what_cannot_be_reversed_is_refused_and_nothing_is_posted(posted: Books, intacct: Intacct) -> None:
    first, second = references(posted)
    undo(posted, first)
    mirror = references(posted)[-1]
    for what, message in (
        (first, f"{first} is already reversed by {mirror}, Intacct record"),
        (mirror, "is a reversal itself"),
        ("RR2NOTHERE", "no such entry"),
        ("99", "no run of this number"),
    ):
        with pytest.raises(BadInput, match=message):
            undo(posted, what)
    with pytest.raises(BadInput, match="needs a reason"):
        undo(posted, second, reason=" ")
    with pytest.raises(BadInput, match="is before"):
        undo(posted, second, day=date(2024, 1, 1))
    assert len(intacct.entries()) == 3


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_of_two_orders_at_once_the_second_one_says_that_the_entry_is_reversed_already(
    posted: Books, intacct: Intacct
) -> None:
    reference = references(posted)[0]

    def connect(context: Context) -> Any:
        assert undo(posted, reference).complete
        return open_gateway(context)

    with pytest.raises(BadInput, match=f"{reference} is already reversed by RR.*, Intacct record"):
        reverse(posted.context("postings reverse"), ReversalOrder(reference, reason="wrong account"), connect=connect)
    assert ledger(intacct)["4000"] == -400 and len(references(posted)) == 3
    sound(posted)


@pytest.mark.parametrize("policy", ["hold", "next_open", "fail"])
def test_a_reversal_of_a_closed_month_is_dated_in_the_first_open_one(
    posted: Books, intacct: Intacct, policy: str
) -> None:
    posted.environment["REVREC_POSTING_CLOSED_PERIOD"] = policy
    intacct.admin("/periods/close", month="2024-01")
    if policy == "fail":
        from revrec.jobs.posting import periods

        periods.sync(posted.context("periods sync"))
    result = undo(posted, references(posted)[0])
    assert result.complete and [one["date"] for one in result.run.entries] == ["2024-02-01"]
    assert (result.lines, result.blocked) == (2, 2 if policy == "hold" else 0)
    sound(posted)


def test_a_day_in_a_closed_period_is_refused_with_the_next_open_day(posted: Books, intacct: Intacct) -> None:
    intacct.admin("/periods/close", month="2024-03")
    with pytest.raises(BadInput, match=r"2024-03-15: that period is closed .* the next open day is 2024-04-01"):
        undo(posted, references(posted)[0], day=date(2024, 3, 15))
    assert undo(posted, references(posted)[0], day=date(2024, 4, 2)).run.entries[0]["date"] == "2024-04-02"


def test_a_reversal_whose_answer_was_lost_is_found_and_posted_once(posted: Books, intacct: Intacct) -> None:
    first = references(posted)[0]
    intacct.fault("drop@after:1x:create")
    lost = undo(posted, first)
    assert (lost.complete, lost.lines) == (False, 0)
    assert open_until(posted) == [], "nothing is due again before the reversal is certain"
    assert undo(posted, first, later=LATER).complete
    with pytest.raises(BadInput, match="already reversed"):
        undo(posted, first)
    assert len(intacct.entries()) == 3 and len(open_until(posted)) == 2
    sound(posted)


def test_a_reversal_that_was_lost_on_its_way_is_sent_by_the_next_run(posted: Books, intacct: Intacct) -> None:
    intacct.fault("drop@before:1x:create")
    undo(posted, references(posted)[0])
    posted.run("2024-02-11", later=LATER)
    assert len(intacct.entries()) == 3, "the reversal is posted"
    assert len(open_until(posted)) == 2
    assert posted.run(DAY).complete and len(intacct.entries()) == 4
    sound(posted)


def test_a_rejected_reversal_is_renewed_by_the_next_run_with_the_same_lines(posted: Books, intacct: Intacct) -> None:
    first = references(posted)[0]
    intacct.admin("/accounts", id="4000", active=False)
    (rejected,) = undo(posted, first).run.entries
    assert rejected["status"] == "rejected" and open_until(posted) == []
    sound(posted)
    intacct.admin("/accounts", id="4000", active=True)
    posted.run("2024-01-31")
    assert len(intacct.entries()) == 3 and len(open_until(posted)) == 2
    assert references(posted)[-1] != rejected["reference"]
    sound(posted)


def test_the_same_order_renews_a_rejected_reversal_with_another_day(posted: Books, intacct: Intacct) -> None:
    first = references(posted)[0]
    intacct.admin("/accounts", id="4000", active=False)
    undo(posted, first)
    intacct.admin("/accounts", id="4000", active=True)
    (again,) = undo(posted, first, day=date(2024, 3, 1)).run.entries
    assert (again["status"], again["date"]) == ("posted", "2024-03-01")
    sound(posted)


@pytest.mark.parametrize("policy", ["hold", "next_open"])
def test_a_period_that_intacct_closes_at_the_last_moment_moves_the_reversal(
    posted: Books, intacct: Intacct, policy: str
) -> None:
    posted.environment["REVREC_POSTING_CLOSED_PERIOD"] = policy
    intacct.fault("close_period=2024-01@before:1x:create")
    result = undo(posted, references(posted)[0])
    assert result.complete and [one["date"] for one in result.run.entries] == ["2024-02-01"]
    assert (result.lines, result.blocked) == (2, 2 if policy == "hold" else 0)
    assert len(intacct.entries()) == 3
    sound(posted)


def test_lines_of_an_older_schedule_version_are_due_again_as_they_were(
    posted: Books, intacct: Intacct, row: MakeRow
) -> None:
    posted.event("shop/INV-1/1", "credit", "2024-02-20", amount=12)
    undo(posted, references(posted)[0])
    sound(posted)
    assert posted.run("2024-12-31").complete
    sound(posted)
    assert posted.sql(
        "SELECT sum(l.amount) FROM schedule_line l JOIN journal_entry e ON e.id = l.entry_id"
        " WHERE e.state = 'POSTED' AND l.charge_no = 1"
    ) == [(1200,)]
    assert ledger(intacct)["2400"] == 3600


def test_after_a_rule_is_corrected_the_lines_go_to_the_new_account(posted: Books, intacct: Intacct) -> None:
    undo(posted, "1")
    posted.rules(RULES.replace("periods = 12", 'periods = 12\n[rule.post]\naccrued = "4010"'))
    schedule(posted.context(), rebuild=True)
    assert posted.run(DAY).complete
    assert ledger(intacct) == {"2400": 800, "4000": 0, "4010": -800}
    sound(posted)


def test_a_trace_shows_both_directions(posted: Books, intacct: Intacct) -> None:
    first = references(posted)[0]
    undo(posted, first)
    mirror = references(posted)[-1]
    entries = {one["reference"]: one for one in posted.trace("shop/INV-1/1")["entries"]}
    by, of = entries[first]["reversed_by"], entries[mirror]["reverses"]
    assert (by["reference"], by["status"], by["reason"], by["final"]) == (mirror, "posted", "wrong account", False)
    assert (of["reference"], of["record_no"]) == (first, entries[first]["record_no"])
    assert entries[first]["reverses"] is None and entries[mirror]["reversed_by"] is None


def test_lines_reversed_for_good_are_shown_as_reversed(posted: Books, intacct: Intacct) -> None:
    undo(posted, references(posted)[0], final=True)
    lines = posted.trace("shop/INV-1/1")["schedule"][-1]["lines"]
    assert [line["status"] for line in lines][:3] == ["reversed", "posted", "planned"]


def balances(books: Books, day: str) -> dict[str, int]:
    """The balance of each deferred account, in cents."""
    context = books.context("report balance")
    with context.database.read() as connection:
        found = deferred_balances(context, connection, date.fromisoformat(day))
    return {account: amount for (account, _currency), amount in found.items()}


@pytest.mark.parametrize("final", [True, False])
def test_the_balance_counts_what_the_ledger_has_on_each_day(posted: Books, intacct: Intacct, final: bool) -> None:
    before = balances(posted, DAY)
    undo(posted, references(posted)[0], day=date(2024, 3, 5), final=final)
    assert balances(posted, DAY) == before == {"2400": 4000}
    assert balances(posted, "2024-03-04") == before, "the days before the reversal stay as they were"
    assert balances(posted, "2024-03-05") == {"2400": 4400}
    found = reconcile(posted.context("reconcile"), date(2024, 3, 5))
    assert found.ties and [one.unrecognized for one in found.balances if one.account == "2400"] == [4400]
    if not final:
        assert posted.run(DAY).complete
        assert balances(posted, "2024-03-05") == {"2400": 4000}


def test_books_put_back_from_a_copy_find_their_reversals(posted: Books, intacct: Intacct, kind: str) -> None:
    if kind != "sqlite":
        pytest.skip("a copy of a database file")
    copy = posted.folder / "copy.db"
    backup(posted.context("db backup"), copy)
    undo(posted, references(posted)[0], final=True)
    undo(posted, references(posted)[1])
    restore(posted.context("db restore"), copy)
    for minutes in (1, 2):
        posted.run(DAY, later=minutes * LATER)
    assert posted.run(DAY, later=3 * LATER).complete
    assert len(intacct.entries()) == 5, "only the lines that are due again are posted"
    assert posted.sql("SELECT final FROM entry_reversal ORDER BY reverses") == [(1,), (0,)]
    sound(posted)


def test_a_reversal_in_another_currency_has_the_rates_of_its_entry(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1", currency="EUR", amount="1200.00"))
    for rate_date in ("billed", "recognized"):
        books.environment["REVREC_GATEWAY_RATE_DATE"] = rate_date
        assert books.run(DAY).complete
        last = references(books)[-1]
        undo(books, last, day=date(2024, 5, 2))
        ((of_entry,), (of_mirror,)) = books.sql(
            "SELECT a.request FROM attempt a JOIN journal_entry e ON e.id = a.entry_id WHERE a.kind = 'send'"
            " ORDER BY a.id DESC LIMIT 2"
        )
        rates = [set(re.findall("<EXCH_RATE_DATE>(.*?)<", request)) for request in (of_mirror, of_entry)]
        assert rates == ([{"01/05/2024"}] * 2 if rate_date == "billed" else [set(), {"02/12/2024"}])


def test_a_canceled_reversal_leaves_the_entry_as_it_was(posted: Books, intacct: Intacct) -> None:
    first = references(posted)[0]
    intacct.fault("drop@before:1x:create")
    undo(posted, first)
    mirror = references(posted)[-1]
    resolve.cancel(posted.context("postings resolve"), mirror, "not needed", early=True)
    assert open_until(posted) == []
    sound(posted)
    assert undo(posted, first).complete, "it can be reversed again, under another reference"
    assert len(set(references(posted))) == 4 and len(open_until(posted)) == 2
    sound(posted)


def finding(books: Books, day: str = "2024-03-31") -> Any:
    """The one finding of a reconciliation that no one has accepted."""
    (found,) = reconcile(books.context("reconcile"), date.fromisoformat(day)).open
    return found


@pytest.mark.parametrize("done", ["reverse", "delete"])
@pytest.mark.parametrize("decision", ["reopen", "final"])
def test_an_entry_that_was_reversed_or_deleted_in_intacct_is_reopened_or_closed(
    posted: Books, intacct: Intacct, done: str, decision: str
) -> None:
    first = intacct.entries()[0]["record_no"]
    intacct.admin(f"/entries/{done}", record_no=first, **({"date": "2024-03-05"} if done == "reverse" else {}))
    settled: Any = {decision: [finding(posted).key], "reason": "ticket 81"}
    assert reconcile(posted.context("reconcile"), date(2024, 3, 31), **settled).ties
    assert balances(posted, "2024-03-31") == {"2400": 4400}
    assert len(open_until(posted)) == (2 if decision == "reopen" else 0)
    sound(posted)
    by = posted.trace("shop/INV-1/1")["entries"][0]["reversed_by"]
    mirror = str(intacct.entries()[-1]["record_no"]) if done == "reverse" else None
    assert (by["record_no"], by["reason"], by["final"]) == (mirror, "ticket 81", decision == "final")
    assert len(posted.run(DAY).entries) == (1 if decision == "reopen" else 0)
    assert balances(posted, "2024-03-31") == {"2400": 4000 if decision == "reopen" else 4400}
    assert reconcile(posted.context("reconcile"), date(2024, 3, 31)).ties
    with pytest.raises(BadInput, match="is already reversed in Intacct"):
        undo(posted, references(posted)[0])
    sound(posted)


def test_only_reversed_or_deleted_entries_are_reopened(posted: Books, intacct: Intacct) -> None:
    intacct.admin("/entries/edit", record_no=intacct.entries()[0]["record_no"], title="Changed")
    with pytest.raises(BadInput, match="the finding is edited, not reversed or deleted; nothing was accepted"):
        reconcile(posted.context("reconcile"), date(2024, 3, 31), reopen=[finding(posted).key], reason="why")
    assert finding(posted).kind == "edited"


def test_an_entry_that_was_reversed_here_and_there_is_not_reopened_twice(posted: Books, intacct: Intacct) -> None:
    undo(posted, references(posted)[0])
    intacct.admin("/entries/reverse", record_no=intacct.entries()[0]["record_no"], date="2024-03-05")
    with pytest.raises(BadInput, match="is reversed here too"):
        reconcile(posted.context("reconcile"), date(2024, 3, 31), reopen=[finding(posted).key], reason="why")
    assert len(open_until(posted)) == 2


class Killed(BaseException):
    """The end of the process, in this process."""


@contextmanager
def killed_at(moment: int) -> Iterator[None]:
    """Kill the command at the n-th moment: before or after a commit or a request to Intacct."""
    left = moment

    def passes() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    write, post = Database.write, GatewayTransport.post

    @contextmanager
    def stepped_write(self: Any, *words: Any, **named: Any) -> Iterator[Any]:
        with write(self, *words, **named) as connection:
            yield connection
            passes()
        passes()

    def stepped_post(self: Any, url: str, body: bytes) -> Any:
        passes()
        answer = post(self, url, body)
        passes()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", stepped_write)
        patch.setattr(GatewayTransport, "post", stepped_post)
        yield


@pytest.mark.slow
def test_a_reversal_that_is_killed_at_any_moment_is_posted_once(
    tmp_path: Path, new_books: type[Books], intacct: Intacct, row: MakeRow
) -> None:
    for moment in count(1):
        intacct.admin("/reset")
        books = new_books(tmp_path / f"books-{moment}", intacct.environment)
        books.take(row("INV-1"))
        assert books.run(DAY).complete
        (first, _second) = references(books)
        try:
            with killed_at(moment):
                undo(books, first)
            killed = False
        except Killed:
            killed = True
        for later in (LATER, 2 * LATER):
            with suppress(BadInput):
                undo(books, first, later)
        assert set(books.sql("SELECT state FROM journal_entry")) == {("POSTED",)}, f"killed at moment {moment}"
        titles = [entry["title"] for entry in intacct.entries()]
        assert sum(title.startswith(f"Reversal of {first}") for title in titles) == 1, f"killed at moment {moment}"
        assert len(titles) == 3 and open_until(books) == [(1, 1, 200)], f"killed at moment {moment}"
        sound(books)
        if not killed:
            break
    assert moment > 20, "there are that many commits and requests"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_command_that_is_killed_while_it_sends_is_settled_by_the_next_run(
    posted: Books, intacct: Intacct, when: str
) -> None:
    first, injected = references(posted)[0], intacct.injected()
    intacct.fault(f"slow=4@{when}:1x:create")
    # Longer than a slow machine needs to kill a process and run the next command.
    quarantine = "40 s"
    process = posted.start(
        "postings", "reverse", first, "--reason", "wrong account", REVREC_POSTING_QUARANTINE=quarantine
    )
    until(lambda: intacct.injected() > injected)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    posted.run("2024-01-31", REVREC_POSTING_QUARANTINE=quarantine)
    until(lambda: len(intacct.entries()) == 3)
    assert open_until(posted) == [], "the reversal is in doubt"
    posted.run("2024-01-31", later=2 * LATER)
    assert len(intacct.entries()) == 3 and len(open_until(posted)) == 2
    sound(posted)


def test_entries_of_a_run_that_are_not_posted_are_left_out_and_named(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1", post_date="2024-01-06"))
    intacct.fault("drop@before:1x:create")
    books.run(DAY)
    result = undo(books, "1")
    assert len(result.run.entries) == 2 and result.complete
    (left_out,) = result.left_out
    assert "is in doubt, not posted; see: revrec postings list" in left_out
    sound(books)
