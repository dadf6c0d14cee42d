"""Two processes on one PostgreSQL share a run, and either may be killed: each entry is posted once, none is lost."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from revrec.jobs.admin.verify import verify
from revrec.store.posting.workers import active_run
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import PATIENCE, until

pytestmark = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)

DAY = "2024-12-31"
LATER = timedelta(minutes=11)


def take(books: Books, row: MakeRow, magazines: int) -> int:
    """Import yearly plans that begin on days of their own; returns how many entries will be due, one a date."""
    books.take(*(row(f"INV-{number}", post_date=f"2023-12-{number + 1:02}") for number in range(magazines)))
    ((count,),) = books.sql("SELECT count(DISTINCT date) FROM schedule_line")
    assert count > 11 * magazines
    return int(count)


def states(books: Books) -> Counter[str]:
    return Counter(state for (state,) in books.sql("SELECT state FROM journal_entry"))


def owners(books: Books) -> list[str]:
    """The worker of each sending, in order."""
    sent = books.sql("SELECT detail FROM audit_event WHERE action = 'entry SENDING' ORDER BY seq")
    return [json.loads(detail)["owner"] for (detail,) in sent]


def minor(line: Any) -> int:
    """Return the amount of a ledger line in cents."""
    return int(Decimal(line["amount"]) * 100)


@contextmanager
def together(books: Books, slots: int = 1) -> Iterator[None]:
    """Let two runs that are started within begin at the same moment: all turns are in use until both wait for one."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = ("
    waiting += "SELECT oid FROM pg_database WHERE datname = current_database())"
    with active_run(books.context("run").database, "gate", 0, slots, 60) as gate, ExitStack() as turns:
        for _ in range(slots):
            turns.enter_context(gate.turn())
        yield
        until(lambda: books.sql(waiting) == [(2,)])


def same_ledgers(books: Books, intacct: Intacct, count: int) -> None:
    """Ours and Intacct's agree entry by entry, and nothing is there twice."""
    ours = books.sql("SELECT reference, record_no, date, amount FROM journal_entry WHERE state = 'POSTED'")
    ledger = intacct.entries()
    theirs = [
        (one["reference"], str(one["record_no"]), one["date"], sum(minor(line) for line in one["lines"]) // 2)
        for one in ledger
    ]
    assert len(theirs) == count and sorted(ours) == sorted(theirs)
    assert len({one["reference"] for one in ledger}) == count
    documents = Counter(line["description"] for one in ledger for line in one["lines"])
    assert set(documents.values()) == {2}, "each part of each plan once, on both sides"


def both_results(books: Books, intacct: Intacct, allowed: int = 1) -> list[dict[str, Any]]:
    """Return the results of two complete runs that begin at the same moment, at an Intacct that allows few requests."""
    intacct.admin("/switch", function_delay_ms=20, max_in_flight=allowed)
    with together(books, allowed):
        both = [books.start("run", "--date", DAY, "--format", "json") for _ in range(2)]
    shown = [process.communicate(timeout=PATIENCE) for process in both]
    intacct.admin("/switch", function_delay_ms=0, max_in_flight=0)
    assert [process.returncode for process in both] == [0, 0], shown
    return [json.loads(out) for out, _error in shown]


def test_two_processes_share_a_run_in_turn_and_never_have_two_requests_out(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    count = take(books, row, 2)
    results = both_results(books, intacct)
    assert sum(result["posted"] for result in results) == count
    assert all(result["waiting"] == result["in_doubt"] == 0 for result in results), "none leaves before all is settled"
    outcomes = Counter(outcome for (outcome,) in books.sql("SELECT outcome FROM attempt_outcome"))
    assert outcomes == {"posted": count}, "the sandbox never had to turn one away for having two requests at once"
    took = Counter(owners(books)).values()
    assert len(took) == 2 and max(took) - min(took) <= 2, "in turn"
    same_ledgers(books, intacct, count)


def test_each_of_two_runs_reports_its_own_entries_and_the_last_one_the_total(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    count = take(books, row, 2)
    results = both_results(books, intacct)
    listed = [{one["reference"] for one in result["entries"]} for result in results]
    assert [len(one) for one in listed] == [result["posted"] for result in results]
    assert not listed[0] & listed[1], "no entry is reported by both"
    own = sum((Decimal(one["amount"]) for result in results for one in result["entries"]), Decimal(0))
    (total,) = (result["shared"] for result in results if result["shared"])
    assert (total["runs"], total["posted"]) == ([1, 2], count)
    assert [(one["currency"], Decimal(one["amount"])) for one in total["sums"]] == [("USD", own)]


def killed_run(books: Books, row: MakeRow, intacct: Intacct, magazines: int, chance: random.Random) -> None:
    """Two processes, of which one is killed at random; then one run that settles what it left.

    With the short quarantine of the other tests, the right to post would be claimed again every second or so. If the
    victim dies during a claim, the survivor rightly stops, and not all is posted.
    """
    count = take(books, row, magazines)
    intacct.admin("/switch", function_delay_ms=10)
    with together(books):
        both = [books.start("run", "--date", DAY, REVREC_POSTING_QUARANTINE="10 min") for _ in range(2)]
    victim, survivor = chance.sample(both, 2)
    enough = chance.randrange(count // 2)
    until(lambda: states(books)["POSTED"] >= enough or not alive(both))
    time.sleep(chance.random() * 0.1)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    _out, error = survivor.communicate(timeout=PATIENCE)
    intacct.admin("/switch", function_delay_ms=0)
    left = states(books)
    assert survivor.returncode in (0, 4), error
    assert left["POSTED"] + left["IN_DOUBT"] == count and left["IN_DOUBT"] <= 1, "only what the dead one had in hand"
    assert (survivor.returncode == 4) == bool(left["IN_DOUBT"]), "it is noticed within the survivor's own run"
    assert books.run(DAY, later=LATER).complete
    same_ledgers(books, intacct, count)
    assert verify(books.context("verify")).sound


def alive(processes: list["subprocess.Popen[str]"]) -> bool:
    return all(process.poll() is None for process in processes)


@pytest.mark.slow
def test_one_of_two_that_is_killed_loses_nothing_and_doubles_nothing(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    killed_run(books, row, intacct, 4, random.Random(4))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow if seed == 0 else pytest.mark.long) for seed in range(4)]
)
def test_of_hundreds_of_entries_none_is_lost_or_doubled_whenever_one_is_killed(
    books: Books, intacct: Intacct, row: MakeRow, seed: int
) -> None:
    killed_run(books, row, intacct, 25, random.Random(seed))


@pytest.mark.slow
def test_more_requests_at_once_if_so_configured(books: Books, intacct: Intacct, row: MakeRow) -> None:
    count = take(books, row, 3)
    books.environment["REVREC_POSTING_MAX_IN_FLIGHT"] = "3"
    intacct.admin("/switch", function_delay_ms=30)
    three = [books.start("run", "--date", DAY) for _ in range(3)]
    shown = [process.communicate(timeout=PATIENCE) for process in three]
    intacct.admin("/switch", function_delay_ms=0)
    assert [process.returncode for process in three] == [0, 0, 0], shown
    same_ledgers(books, intacct, count)


@pytest.mark.slow
def test_runs_with_several_requests_in_flight_share_the_limit(books: Books, intacct: Intacct, row: MakeRow) -> None:
    count = take(books, row, 3)
    books.environment["REVREC_POSTING_MAX_IN_FLIGHT"] = "3"
    both_results(books, intacct, 3)
    outcomes = Counter(outcome for (outcome,) in books.sql("SELECT outcome FROM attempt_outcome"))
    assert outcomes == {"posted": count}, "Intacct never had to reject a request of one because of the other's"
    same_ledgers(books, intacct, count)
    assert verify(books.context("verify")).sound
