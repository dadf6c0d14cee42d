"""Compare all entries of a range with Intacct's, and find what else is in our journals."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.adjusting import adjusting_mark
from revrec.core.batching import batched
from revrec.core.journal import SentLine, is_reference, mark_of
from revrec.intacct.gateway import AWAITING_STATES, DECLINED_STATE, FoundEntry, FoundLine, Gateway
from revrec.intacct.glbatch import EntrySettings
from revrec.jobs.gateway import omitted
from revrec.jobs.posting.findings import Finding, given_up, in_intacct, lost, unsettled
from revrec.jobs.posting.journal_entries import same_content
from revrec.jobs.reconciling.amounts import DateRange, by, counted
from revrec.jobs.reconciling.balances import Ledger, LedgerSums
from revrec.jobs.reconciling.differences import FoundThere, PostedHere, differences
from revrec.store.database.engine import deployment
from revrec.store.posting import posted
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.kinds import known_in_ledger
from revrec.store.posting.ledger_changes import changed_parts
from revrec.store.posting.posted_adjustments import (
    adjusting_journals,
    adjustments_with_record_nos,
    posted_adjustments,
)
from revrec.store.posting.reversals import reopened_in_intacct
from revrec.store.rule_versions import posted_journals

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

AT_ONCE = 200


class ReconcileScope(NamedTuple):
    """The days, and one account and one entity if only those are compared."""

    within: DateRange
    account: str | None
    entity: str | None


class EntryCheck:
    """One pass over our entries and over Intacct's journals; heads and record numbers are kept for the balances."""

    def __init__(self, context: "Context", connection: "Connection", gateway: Gateway, wanted: ReconcileScope) -> None:
        self._context = context
        self._connection = connection
        self._gateway = gateway
        self._wanted = wanted
        self._settings = EntrySettings(omit=omitted(context))
        self._mark = mark_of(deployment(connection))
        self._heads: dict[str, FoundEntry] = {}
        self._places: set[str] | None = None
        journals = {*posted_journals(connection), *adjusting_journals(connection), context.settings.posting.journal}
        self.journals = sorted(journals)
        self.compared = 0
        self.awaiting = 0
        """The number of our entries that Intacct has outside its ledger, as drafts or waiting for approval."""
        self.lost: dict[str, FoundEntry] = {}
        """The entries with the mark of this deployment that are not stored here, by the keys of their findings."""

    def findings(self) -> Iterator[Finding]:
        """Yield every difference, each once."""
        seen: set[str] = set()
        for finding in self._all():
            if finding.key not in seen:
                seen.add(finding.key)
                yield finding

    def _all(self) -> Iterator[Finding]:
        within, entity = self._wanted.within, self._wanted.entity
        total = posted.count_posted(self._connection, *within, entity)
        schedule_entries = chain.from_iterable(posted.posted_entries(self._connection, *within, entity))
        ours = chain(schedule_entries, posted_adjustments(self._connection, *within, entity))
        for some in batched(self._context.progress.track(ours, "comparing entries", total), AT_ONCE):
            chosen = [one for one in some if self._touches(one.entry.sent_lines)]
            self.compared += len(chosen)
            yield from self._compared(chosen)
        for journal in self.journals:
            heads = self._gateway.entries_dated(journal, *within)
            for page in batched(self._context.progress.track(heads, f"looking through journal {journal}"), AT_ONCE):
                yield from self._of_page(page)

    def _touches(self, lines: Iterable[SentLine | FoundLine]) -> bool:
        account = self._wanted.account
        return account is None or any(line.account == account for line in lines)

    def _compared(self, ours: Sequence[posted.PostedEntry]) -> Iterator[Finding]:
        """Compare our entries with what Intacct has under their numbers and references."""
        if not ours:
            return
        heads = self._gateway.entries_numbered(one.record_no for one in ours)
        mirrors = self._gateway.entries_numbered(head.reversed_by for head in heads if head.reversed_by)
        names = [one.entry.reference for one in ours]
        same = self._gateway.entries_referenced(names)
        parts = changed_parts(self._connection, names)
        reopened = reopened_in_intacct(self._connection, list(parts))
        posted_by_us = [
            PostedHere(*one, self._settings, parts.get(name, ()), name in reopened)
            for one, name in zip(ours, names, strict=True)
        ]
        dimensions = sorted(
            {name for one in posted_by_us for line in one.entry.sent_lines for name in one.dimensions(line)}
        )
        whole = {one.record_no: one for one in self._whole([*heads, *mirrors, *same], dimensions)}
        twins = by(same, "reference")
        for one in posted_by_us:
            entry = whole.get(one.record_no)
            mirror = whole.get(entry.reversed_by) if entry is not None else None
            others = [
                whole[head.record_no] for head in twins.get(one.entry.reference, ()) if head.record_no != one.record_no
            ]
            yield from differences(one, FoundThere(entry, mirror, others), self._wanted.within)

    def _whole(self, heads: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        distinct = {head.record_no: head for head in heads}
        self._heads |= distinct
        return self._gateway.with_lines(distinct.values(), dimensions)

    def _of_page(self, heads: Sequence[FoundEntry]) -> Iterator[Finding]:
        """Yield findings about entries of a page that are not compared yet: moved here from other days, or unknown."""
        self._heads |= {head.record_no: head for head in heads}
        ours = self._ours_by_number({*(head.record_no for head in heads), *(head.reverses for head in heads)} - {""})
        references = {head.reference for head in heads if head.reference}
        known = known_in_ledger(self._connection, "reference", references)
        unknown, elsewhere = [], {}
        for head in heads:
            one = ours.get(head.record_no) or ours.get(head.reverses)
            if one is None and known.get(head.reference, ("", ""))[1] == "POSTED":
                one = self._by_reference(head.reference)
            if one is None:
                unknown.append(head)
            elif not self._wanted.within.has(one.entry.date):
                elsewhere[one.entry.reference] = one
        yield from self._compared([one for one in elsewhere.values() if self._is_wanted(one)])
        yield from self._unknown(unknown, known)

    def _ours_by_number(self, numbers: set[str]) -> dict[str, posted.PostedEntry]:
        wanted = sorted(numbers)
        found = posted.with_record_nos(self._connection, wanted)
        return {one.record_no: one for one in (*found, *adjustments_with_record_nos(self._connection, wanted))}

    def _by_reference(self, reference: str) -> posted.PostedEntry:
        found = ENTRY_TABLES.find(self._connection, reference) or ADJUSTMENT_TABLES.find(self._connection, reference)
        assert found is not None
        return self._ours_by_number({found.record_no})[found.record_no]

    def _is_wanted(self, one: posted.PostedEntry) -> bool:
        return self._wanted.entity in (None, one.entry.entity) and self._touches(one.entry.sent_lines)

    def _unknown(self, heads: Sequence[FoundEntry], known: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
        counted_there = [head for head in heads if not self._is_outside_ledger(head, known)]
        for one in self._whole(counted_there):
            if self._touches(one.lines) and any(self._is_here(line) for line in one.lines):
                yield self._named(one, known)._replace(effect=counted(one, self._wanted.within))

    def _is_outside_ledger(self, head: FoundEntry, known: Mapping[str, tuple[str, str]]) -> bool:
        """Check if an entry that is not posted here is not in Intacct's ledger either, so that nothing differs."""
        state = known.get(head.reference, ("", ""))[1]
        is_awaiting = state == "AWAITING_APPROVAL" and head.state in AWAITING_STATES
        self.awaiting += is_awaiting
        return is_awaiting or (head.state == DECLINED_STATE and state in ("HELD", "CANCELED"))

    def _named(self, one: FoundEntry, known: Mapping[str, tuple[str, str]]) -> Finding:
        """Return the finding about an entry in our journal that this database has not posted."""
        if one.reference in known:
            state = known[one.reference][1]
            gone = state in ("REJECTED", "REPLACED", "CANCELED")
            return given_up(one, state) if gone else unsettled(one, state)
        if one.reference.startswith(self._mark):
            self.lost[lost(one).key] = one
            return lost(one)
        if one.reference.startswith(adjusting_mark(self._mark)):
            what = "these books made it and do not have it any more, as they were put back from a copy"
            return in_intacct("foreign", one, what)
        if is_reference(one.reference):
            return in_intacct("foreign", one, f"another revrec made it in journal {one.journal}")
        for ours in self._of_day(one.journal, one.date):
            if same_content(ours.entry, one):
                what = f"it has the date and the lines of {ours.entry.reference}, Intacct's entry {ours.record_no}"
                return in_intacct("alike", one, what)
        return in_intacct("foreign", one, f"another person or program made it in journal {one.journal}: {one.title}")

    def _of_day(self, journal: str, day: date | None) -> list[posted.PostedEntry]:
        return posted.posted_on(self._connection, journal, day) if day is not None else []

    def _is_here(self, line: FoundLine) -> bool:
        """Check if a line is at a location of the entity that is compared."""
        if self._wanted.entity is None:
            return True
        return line.location in self.places(self._wanted.entity)

    def places(self, entity: str) -> set[str]:
        """Return the entity that is compared, and all locations below it."""
        if self._places is None:
            self._places = self._gateway.locations_within(entity)
        return self._places

    def ledger(self, accounts: Iterable[str]) -> Ledger:
        """Return the sums of all lines on accounts within the days, with the heads of their entries."""
        read = LedgerSums()
        lines = self._gateway.lines_on(accounts, *self._wanted.within)
        read.add(line for line in self._context.progress.track(lines, "reading lines") if self._is_here(line))
        ours = set(self._heads)
        for some in batched((number for number in read.net if number not in ours), AT_ONCE):
            self._heads |= {head.record_no: head for head in self._gateway.entries_numbered(some)}
        return Ledger(read, self._heads, frozenset(ours))
