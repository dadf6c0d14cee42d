"""Books whose database is the twin: the lines that are due are the real books', all else is values in memory."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import twin_store
from memory_books import JOINING, MemoryBooks, SimulatedBooks
from promises import Key
from twin_store import Line, State, TwinDatabase

from revrec.core.journal import JournalEntry
from revrec.store.charges import read_charges
from revrec.store.database.engine import Database, deployment
from revrec.store.posting.continuity import last_scan
from revrec.store.posting.due import due_lines
from revrec.store.posting.posting_tables import AttemptOutcome


class TwinBooks(SimulatedBooks):
    """What :class:`MemoryBooks` offers to a simulator, several times as fast."""

    def __init__(self, real: MemoryBooks) -> None:
        image = real.database.image()
        real.join(len(JOINING))
        with Database.read(real.database) as connection:
            found = due_lines(connection, date.max)
            lines = {(due.charge_no, due.version, due.seq): Line(due, shown, None, 0) for due, shown in found}
            assert deployment(connection) == twin_store.DEPLOYMENT
            numbers = sorted({charge_no for charge_no, _version, _seq in lines})
            first = State(lines, dict(read_charges(connection, numbers)), last_scan(connection).at)
        real.database.put_back(image)
        joining = {row["document"] for row in JOINING}
        self._joining = {key: line for key, line in lines.items() if line.due.document in joining}
        """The lines that come in later; they are numbered in the order in which they do."""
        self._order = [*lines]
        for key in self._joining:
            del lines[key]
        super().__init__(real.clock, real.policies)
        self.database: TwinDatabase = TwinDatabase(self._at_transaction, first)

    def join(self, number: int) -> None:
        """Let the first so many of the further charge lines come in; those that are there stay as they are."""
        state = self.database.state.copy()
        new = {key: self._joining[key] for key in sorted(self._joining)[:number] if key not in state.lines}
        if new:
            state.record(self.context("import").who(), "import", *new)
            together = {**state.lines, **new}
            state.lines = {key: together[key] for key in self._order if key in together}
            self.database.put_back(state)

    @property
    def _now(self) -> State:
        return self.database.state

    def postings(self) -> list[tuple[int, str, str, str | None]]:
        """Number, reference, state and record number of each entry."""
        return [(row.id, row.reference, row.state, row.record_no) for row in self._now.entries.values()]

    def body(self, number: int) -> JournalEntry:
        """An entry with its lines."""
        return self._now.bodies[number]

    def last_attempt(self, number: int) -> tuple[str, str | None]:
        """The request and the outcome of the last attempt for an entry that has an outcome."""
        last = max(at for at, one in self._now.attempts.items() if one.entry_id == number and at in self._now.outcomes)
        return self._now.attempts[last].request, self._now.outcomes[last].outcome

    def attempts(self) -> list[tuple[Any, ...]]:
        """Each attempt with its outcome and what that meant."""
        nothing: tuple[None, ...] = (None,) * len(AttemptOutcome._fields)
        return [
            (at, *one, *self._now.outcomes.get(at, nothing), *(self._now.failures.get(at) or (None, None))[:2])
            for at, one in self._now.attempts.items()
        ]

    def sent_and_decided(self) -> Iterable[tuple[str, int, int]]:
        """By reference: how often it may have been sent, and how often a person let it be sent again."""
        sent: Counter[int] = Counter()
        for at, one in self._now.attempts.items():
            outcome = self._now.outcomes.get(at)
            sent[one.entry_id] += one.kind == "send" and (outcome is None or outcome.outcome != "not_run")
        for number, times in sent.items():
            reference = self._now.entries[number].reference
            yield reference, times, self._now.events.count((reference, "HELD", "READY"))

    def on_live_entries(self) -> Iterable[tuple[Key, str]]:
        """Each schedule line and an entry that it is on by its journal lines, if that still counts."""
        return twin_store.on_live_entries(self._now)

    def scheduled(self, until: date) -> Counter[str]:
        """Each schedule line dated until a day, as its memo names it."""
        return Counter(
            f"{line.due.charge} {line.due.seq}" for line in self._now.lines.values() if line.due.date <= until
        )

    def open_lines(self, until: date) -> int:
        """How many schedule lines dated until a day are on no entry."""
        return sum(1 for line in self._now.lines.values() if line.entry_id is None and line.due.date <= until)

    def check_sums(self) -> None:
        """Schedule lines never change here."""
