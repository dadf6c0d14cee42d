"""What the program advises, done as it says: each sequence ends settled, with every due line in the ledger once."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.jobs.admin.database import backup
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.posting.periods import decide
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from revrec.jobs.reports.health import CRIT, OK, health
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.slow

DAY = "2024-02-10"
END = date(2024, 3, 31)
WHY = "looked at it in Intacct"
OTHER_ACCOUNT = """
[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
offset = "30 days"
[rule.post]
accrued = "{0}"
"""


class Stage:
    """Books, the sandbox that they post to, a copy of the books from before, and a clock that only goes on."""

    def __init__(self, books: Books, intacct: Intacct, row: Callable[..., Any]) -> None:
        self.books, self.intacct, self.row = books, intacct, row
        self.minute = 0
        self.files = 0

    def take(self, *documents: str) -> None:
        """Import goods that are recognized on 2024-02-04, 10.00 each."""
        self.files += 1
        rows = (self.row(name, item="GOODS-1", amount="10.00") for name in documents)
        self.books.take(*rows, name=f"{self.files}.csv")

    def run(self, times: int = 1, also: Mapping[str, str] = {}) -> Any:
        """Run the day, each time some minutes later; the last result."""
        for _ in range(times):
            self.minute += 2
            result = self.books.run(DAY, later=timedelta(minutes=self.minute), also=also)
        return result

    def keep(self, name: str) -> None:
        """Keep a copy of the books."""
        backup(self.books.context("db backup"), self.books.folder / f"{name}.db")

    def put_back(self, name: str) -> None:
        """A copy takes the place of the database by hand."""
        database = self.books.database
        for end in ("-wal", "-shm"):
            Path(f"{database}{end}").unlink(missing_ok=True)
        shutil.copyfile(self.books.folder / f"{name}.db", f"{database}.new")
        Path(f"{database}.new").replace(database)

    def failing(self, plan: str, **environment: str) -> None:
        """Run once while the sandbox follows a plan of faults."""
        self.intacct.fault(plan)
        self.run(also=environment)
        self.intacct.fault("")

    def held(self) -> str:
        """The reference of the one entry that is held."""
        ((reference,),) = self.books.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
        return str(reference)

    def states(self) -> list[str]:
        return [state for (state,) in self.books.sql("SELECT state FROM journal_entry ORDER BY id")]

    def cancel(self) -> None:
        resolve.cancel(self.books.context(), self.held(), WHY)

    def resend(self) -> None:
        resolve.send_again(self.books.context(), self.held(), WHY)

    def as_posted(self) -> None:
        resolve.as_posted(self.books.context(), self.held(), str(self.intacct.entries()[-1]["record_no"]), WHY)

    def reconcile(self, *accept: str, recognized: bool | None = None) -> Reconciliation:
        found = self.books.context("reconcile", timedelta(minutes=self.minute))
        return reconcile(found, END, accept=accept, reason=WHY, recognized=recognized)

    def accept(self, kind: str, recognized: bool | None = None) -> None:
        (key,) = (one.key for one in self.reconcile().findings if one.kind == kind)
        self.reconcile(key, recognized=recognized)

    def edit(self, **changes: Any) -> None:
        self.intacct.admin("/entries/edit", record_no=self.intacct.entries()[-1]["record_no"], **changes)

    def delete(self) -> None:
        self.intacct.admin("/entries/delete", record_no=self.intacct.entries()[-1]["record_no"])

    def delete_first(self) -> None:
        self.intacct.admin("/entries/delete", record_no=self.intacct.entries()[0]["record_no"])

    def reverse(self) -> None:
        self.intacct.admin("/entries/reverse", record_no=self.intacct.entries()[-1]["record_no"], date=DAY)

    def ledger(self) -> dict[str, int]:
        """By document how often it is in the ledger, less what was reversed."""
        net: Counter[str] = Counter()
        for entry in self.intacct.entries():
            for line in entry["lines"][::2]:
                net[line["document"]] += -1 if entry["reversed_from"] else 1
        return {document: count for document, count in net.items() if count}

    def settled(self, *documents: str) -> None:
        """Everything is settled: these documents are in the ledger once, and there is nothing left to do."""
        last = self.run()
        assert last.complete and last.stopped is None
        assert self.ledger() == {f"{document}/1": 1 for document in documents}
        count = len(self.intacct.entries())
        again = self.run()
        assert again.complete and again.stopped is None and again.entries == [] and len(self.intacct.entries()) == count
        later = self.books.context("status", timedelta(minutes=self.minute))
        assert health(later, date.fromisoformat(DAY)).state == OK
        assert verify(self.books.context("verify")).sound


@pytest.fixture
def stage(books: Books, intacct: Intacct, row: MakeRow) -> Stage:
    return Stage(books, intacct, row)


def fork(stage: Stage, plan: str) -> None:
    """INV-1 is on an entry here that failed, and with INV-2 on one that was posted from another copy of the books."""
    stage.take("INV-1")
    stage.keep("before")
    stage.failing(plan)
    stage.keep("here")
    stage.put_back("before")
    stage.take("INV-2")
    stage.run(2)
    stage.put_back("here")
    stage.run()
    assert stage.run().stopped and stage.states() == ["HELD"]


def rival(stage: Stage) -> None:
    """Its entry here was never sent."""
    fork(stage, "429@before:99x:create")


def refused_rival(stage: Stage) -> None:
    """Its entry here was refused in words that revrec does not know."""
    fork(stage, "refuse=BL99999999 Unbekannt@before:1x:create")


def unknown(stage: Stage) -> None:
    """INV-1 was posted since the copy, and is not imported here again."""
    stage.keep("before")
    stage.take("INV-1")
    stage.run()
    stage.put_back("before")
    stage.take("INV-0")
    assert "cannot rebuild" in stage.run(2).stopped.advice


def other_figures(stage: Stage) -> None:
    """INV-1 and INV-2 were posted since the copy under another rule, and are planned by a new one here."""
    stage.keep("before")
    stage.books.rules(OTHER_ACCOUNT.format("4010"))
    stage.take("INV-1", "INV-2")
    stage.run()
    stage.put_back("before")
    stage.take("INV-1", "INV-2")
    stage.books.rules(OTHER_ACCOUNT.format("4000"))
    schedule(stage.books.context(), rebuild=True)
    stage.take("INV-0")
    assert "cannot rebuild" in stage.run(2).stopped.advice


def edited(stage: Stage) -> None:
    """The answer was lost, and the entry's figures edited in Intacct."""
    stage.take("INV-1")
    stage.failing("drop@after:1x:create")
    stage.edit(lines=[{"line_no": 1, "amount": "9.00"}, {"line_no": 2, "amount": "9.00"}])
    stage.run()
    assert stage.states() == ["HELD"]


def never_shown(stage: Stage) -> None:
    """It was sent as often as is allowed, and Intacct does not have it."""
    stage.take("INV-1")
    stage.failing("drop@before:99x:create", REVREC_POSTING_ATTEMPTS="1")
    stage.run(also={"REVREC_POSTING_ATTEMPTS": "1"})
    assert stage.states() == ["HELD"]


def refused_often(stage: Stage) -> None:
    """Intacct refuses it again and again."""
    stage.take("INV-1")
    stage.failing("refuse=BL03000018 Missing unit@before:99x:create", REVREC_POSTING_REFUSALS="1")
    assert stage.states() == ["HELD"]


def closed_meanwhile(stage: Stage) -> None:
    """It did not arrive, and its period was closed here since."""
    stage.take("INV-1")
    stage.failing("drop@before:1x:create")
    decide(stage.books.context(), [date(2024, 2, 1)], "closed", WHY)
    stage.run()
    assert stage.states() == ["HELD"]


def posted(stage: Stage) -> None:
    """It is posted, and reconciled with the ledger."""
    stage.take("INV-1")
    assert stage.run().complete


def given_up_wrongly(stage: Stage) -> None:
    """It is in Intacct with other figures, and was canceled here all the same, so that its lines need review."""
    edited(stage)
    stage.cancel()
    stage.take("INV-2")
    stage.run()
    assert stage.states() == ["CANCELED", "HELD", "POSTED"] and stage.ledger() == {"INV-1/1": 1, "INV-2/1": 1}
    assert [one.kind for one in stage.reconcile().findings] == ["given_up"]


def canceled_wrongly(stage: Stage) -> None:
    """Its answer was lost, and a person canceled it though it is in Intacct as it should be; INV-2 comes in."""
    stage.take("INV-1")
    stage.failing("drop@after:1x:create")
    ((reference,),) = stage.books.sql("SELECT reference FROM journal_entry")
    resolve.cancel(stage.books.context(), reference, WHY, early=True)
    stage.take("INV-2")
    stage.run()
    assert stage.states() == ["CANCELED", "HELD", "POSTED"] and stage.ledger() == {"INV-1/1": 1, "INV-2/1": 1}


def canceled_and_moved(stage: Stage, offset: str) -> None:
    """It was canceled though it is in Intacct, and a new rule moves its line to another day; INV-2 comes in."""
    stage.take("INV-1")
    stage.failing("drop@after:1x:create")
    ((reference,),) = stage.books.sql("SELECT reference FROM journal_entry")
    resolve.cancel(stage.books.context(), reference, WHY, early=True)
    stage.books.rules(OTHER_ACCOUNT.format("4000").replace("30 days", offset))
    schedule(stage.books.context(), rebuild=True)
    stage.take("INV-2")
    stage.run()
    assert sorted(stage.states()) == ["CANCELED", "HELD", "POSTED"] and stage.ledger() == {"INV-1/1": 1, "INV-2/1": 1}


def as_the_first(stage: Stage) -> None:
    """What is held is the first entry in Intacct."""
    resolve.as_posted(stage.books.context(), stage.held(), str(stage.intacct.entries()[0]["record_no"]), WHY)


def reverse_first(stage: Stage) -> None:
    stage.intacct.admin("/entries/reverse", record_no=stage.intacct.entries()[0]["record_no"], date=DAY)


def opened(stage: Stage) -> None:
    decide(stage.books.context(), [date(2024, 2, 1)], "open", WHY)


SEQUENCES: dict[str, tuple[Callable[[Stage], None], list[Callable[[Stage], Any]], list[str]]] = {
    "a rival is canceled, then the rest is imported": (
        rival, [Stage.cancel, Stage.run, lambda stage: stage.take("INV-2")], ["INV-1", "INV-2"],
    ),
    "the rest is imported, then a rival is canceled": (
        rival, [lambda stage: stage.take("INV-2"), Stage.run, Stage.cancel], ["INV-1", "INV-2"],
    ),
    "a rival is canceled, and the other entry deleted": (rival, [Stage.cancel, Stage.delete], ["INV-1"]),
    "a rival is sent again, so that it is held again": (
        rival, [Stage.resend, Stage.run, Stage.cancel, lambda stage: stage.take("INV-2")], ["INV-1", "INV-2"],
    ),
    "a refused rival is canceled": (
        refused_rival, [Stage.cancel, lambda stage: stage.take("INV-2")], ["INV-1", "INV-2"],
    ),
    "what is missing is imported": (unknown, [lambda stage: stage.take("INV-1")], ["INV-0", "INV-1"]),
    "what no one explains is deleted": (unknown, [Stage.delete], ["INV-0"]),
    "what no one explains is reversed and accepted": (
        unknown, [Stage.reverse, lambda stage: stage.accept("lost", recognized=False)], ["INV-0"],
    ),
    "what was accepted as not recognized is imported after all, and its new entry canceled": (
        unknown,
        [
            Stage.reverse, lambda stage: stage.accept("lost", recognized=False), Stage.run,
            lambda stage: stage.take("INV-1"), Stage.run, Stage.cancel,
        ],
        ["INV-0", "INV-1"],
    ),
    "an entry with other figures is accepted as recognized": (
        other_figures, [lambda stage: stage.accept("lost", recognized=True)], ["INV-0", "INV-1", "INV-2"],
    ),
    "an entry with other figures is reversed and accepted as not recognized": (
        other_figures,
        [Stage.reverse, lambda stage: stage.accept("lost", recognized=False)], ["INV-0", "INV-1", "INV-2"],
    ),
    "an entry with other figures is deleted": (other_figures, [Stage.delete], ["INV-0", "INV-1", "INV-2"]),
    "an edited entry is settled as posted": (edited, [Stage.as_posted], ["INV-1"]),
    "an edited entry is deleted, and sent again, which Intacct refuses as recorded already; it is canceled then": (
        edited,
        [Stage.delete, Stage.resend, lambda stage: stage.run(6), Stage.cancel],
        ["INV-1"],
    ),
    "an edited entry is deleted, and canceled": (edited, [Stage.delete, Stage.cancel], ["INV-1"]),
    "what Intacct never showed is sent again": (never_shown, [Stage.resend], ["INV-1"]),
    "what Intacct never showed is canceled": (never_shown, [Stage.cancel], ["INV-1"]),
    "what was refused too often is sent again": (refused_often, [Stage.resend], ["INV-1"]),
    "what was refused too often is canceled": (refused_often, [Stage.cancel], ["INV-1"]),
    "a reversal on purpose is accepted": (posted, [Stage.reverse, lambda stage: stage.accept("reversed")], []),
    "a deletion on purpose is accepted": (posted, [Stage.delete, lambda stage: stage.accept("deleted")], []),
    "an edit is accepted": (
        posted, [lambda stage: stage.edit(title="Mine"), lambda stage: stage.accept("edited")], ["INV-1"],
    ),
    "a wrong entry that was canceled is deleted, and its lines are sent": (
        given_up_wrongly, [Stage.delete_first, Stage.resend], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake is settled as posted": (
        canceled_wrongly, [as_the_first], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake is canceled again, and deleted": (
        canceled_wrongly, [Stage.cancel, Stage.run, Stage.delete_first, Stage.cancel], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake is not sent while Intacct has it": (
        canceled_wrongly, [Stage.resend, Stage.run, as_the_first], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake, and whose line moved to a later day, is settled as posted": (
        lambda stage: canceled_and_moved(stage, "34 days"), [as_the_first], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake, and whose line moved to an earlier day, is deleted and sent": (
        lambda stage: canceled_and_moved(stage, "20 days"),
        [Stage.delete_first, Stage.resend], ["INV-1", "INV-2"],
    ),
    "an entry that was canceled by mistake is reversed, accepted, and its lines are sent": (
        canceled_wrongly,
        [reverse_first, lambda stage: stage.accept("given_up"), Stage.resend], ["INV-1", "INV-2"],
    ),
    "its period is opened, and it is sent again": (closed_meanwhile, [opened, Stage.resend], ["INV-1"]),
    "its period is opened, and it is canceled": (closed_meanwhile, [Stage.cancel, opened], ["INV-1"]),
}  # fmt: skip
"""Each situation, what a person does as advised, and the documents that are in the ledger once in the end."""


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_every_sequence_that_is_advised_ends_settled(stage: Stage, sequence: str) -> None:
    situation, steps, documents = SEQUENCES[sequence]
    situation(stage)
    for step in steps:
        step(stage)
    stage.settled(*documents)


def test_a_lost_entry_that_counts_ties_out_once_its_own_differences_are_accepted(stage: Stage) -> None:
    other_figures(stage)
    stage.accept("lost", recognized=True)
    assert stage.run().complete
    assert [one.kind for one in stage.reconcile().findings] == ["edited"]
    stage.accept("edited")
    assert stage.reconcile().ties


def test_a_lost_entry_that_does_not_count_is_canceled_here_if_its_lines_are_due_and_they_are_posted_again(
    stage: Stage,
) -> None:
    unknown(stage)
    stage.reverse()
    stage.take("INV-1")
    stage.accept("lost", recognized=False)
    assert stage.states() == ["CANCELED"]
    stage.settled("INV-0", "INV-1")
    result = stage.reconcile()
    assert [(one.kind, one.key in result.accepted) for one in result.findings] == [
        ("given_up", True),
        ("foreign", False),
    ]


def test_a_monitor_is_alarmed_while_a_lost_entry_stops_the_runs(stage: Stage) -> None:
    unknown(stage)
    found = health(stage.books.context("status"))
    assert found.state == CRIT and "stopped: Intacct has entries of these books" in found.line


def test_a_lost_entry_is_accepted_only_with_the_word_on_whether_it_counts(stage: Stage) -> None:
    unknown(stage)
    (key,) = (one.key for one in stage.reconcile().findings)
    with pytest.raises(BadInput, match="say whether it counts: --recognized"):
        stage.reconcile(key)
    with pytest.raises(BadInput, match=r"no open line of INV-1/1 on 2024-02-04 is in these books; import it"):
        stage.reconcile(key, recognized=True)
    with pytest.raises(BadInput, match="go with --accept KEY of a lost entry"):
        stage.reconcile(recognized=True)
    assert stage.reconcile().accepted == set()


def test_a_lost_entry_whose_lines_are_on_another_one_here_counts_only_after_that_is_settled(stage: Stage) -> None:
    rival(stage)
    (key,) = (one.key for one in stage.reconcile().findings)
    with pytest.raises(BadInput, match=f"its lines are on {stage.held()} here; settle that first"):
        stage.reconcile(key, recognized=True)
    stage.cancel()
    with pytest.raises(BadInput, match=r"no open line of INV-2/1 on 2024-02-04 is in these books"):
        stage.reconcile(key, recognized=True)
    stage.take("INV-2")
    stage.reconcile(key, recognized=True)
    stage.settled("INV-1", "INV-2")


SITUATIONS = (rival, refused_rival, unknown, other_figures, edited, never_shown, refused_often, closed_meanwhile)


@pytest.mark.parametrize("seed", range(len(SITUATIONS)))
def test_anyone_who_follows_the_advice_in_whatever_order_comes_to_an_end(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    SITUATIONS[seed % len(SITUATIONS)](stage)
    for _ in range(12):
        result = stage.run()
        held = stage.books.sql("SELECT reference, advice FROM journal_entry WHERE state = 'HELD'")
        if result.complete and result.stopped is None and not held:
            break
        for reference, advice in held:
            settle_as_advised(stage, chance, reference, advice)
        if result.stopped and "cannot rebuild" in result.stopped.advice:
            explain_as_advised(stage, chance)
        if SITUATIONS[seed % len(SITUATIONS)] is closed_meanwhile:
            opened(stage)
    stage.settled(*sorted(document for (document,) in stage.books.sql("SELECT document FROM charge_line")))


def settle_as_advised(stage: Stage, chance: random.Random, reference: str, advice: str) -> None:
    """One of the ways that the advice names, and that fits what Intacct has."""
    there = [entry["record_no"] for entry in stage.intacct.entries() if entry["reference"] == reference]
    if there:
        assert "--as-posted" in advice
        resolve.as_posted(stage.books.context(), reference, str(there[0]), WHY)
        return
    ways = {"--cancel": resolve.cancel, "--resend": resolve.send_again}
    way = chance.choice([name for name in ways if name in advice])
    ways[way](stage.books.context(), reference, WHY)


def explain_as_advised(stage: Stage, chance: random.Random) -> None:
    """Import what is missing, delete the entry, or decide about it."""
    (lost, *_) = (one for one in stage.reconcile().findings if one.kind == "lost")
    way = chance.choice(["import", "delete", "recognized", "not recognized"])
    if way == "import":
        for document in ("INV-1", "INV-2"):
            stage.take(document)
    elif way == "delete":
        stage.intacct.admin("/entries/delete", record_no=lost.record_no)
    elif way == "not recognized":
        stage.intacct.admin("/entries/reverse", record_no=lost.record_no, date=DAY)
        stage.reconcile(lost.key, recognized=False)
    else:
        with suppress(BadInput):
            stage.reconcile(lost.key, recognized=True)
