"""Documents that arrive again with other figures: each becomes changes of its charge lines, or is refused as a whole.

A charge line is never overwritten: it may be posted, and an auditor must find it as it was imported. Its new figures
are stored beside it, and events make its schedule follow: ``price`` for a changed amount, ``estimate`` for a changed
quantity, ``service_dates`` for changed dates, ``cancel`` for a line that its document does not have any more. A new
line becomes a charge line. If a removed line comes back, its cancellation is withdrawn.

A change of anything else, such as the customer, refuses the document, and only this one: the rest of its file is
imported.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.differences import differences
from revrec.core.money import decimal_string
from revrec.core.pricing import price_of
from revrec.core.rules import Rule
from revrec.core.rules.cost_events import without_cancellations
from revrec.core.rules.costs import is_cost
from revrec.jobs.importing.billing import billing_problem
from revrec.jobs.importing.event_copies import costs_of_charges, events_of_costs
from revrec.sources import BadRow, ColumnMapping, GoodRow, PassedOver, RowMoney, RowProblem
from revrec.sources.dates import date_reader
from revrec.sources.mapping import EVENT
from revrec.sources.problems import InvalidValue
from revrec.sources.rows import ReadableValues, SentRow, TakesBack
from revrec.sources.shops.objects import latest
from revrec.store import charges, events, line_changes, quarantine
from revrec.store.digests import RowDigest
from revrec.store.line_changes import CHANGING, DocumentKey, KnownLine, LineChange
from revrec.store.posting import reversals

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.importing.session import ImportSession

DOCUMENTS = 500
"""Documents whose stored lines are read together."""

REMOVED, RETURNED = "its document does not have the line any more", "its document has the line again"
"""The note of the cancellation of a removed line, and the reason of its withdrawal."""

DISMISSED = "dismissed from the quarantine before"
"""Why the row of a change that a person dismissed is passed over when it arrives again."""

_KINDS = {"amount": "price", "quantity": "estimate", "description": "", "line": "cancel"}
"""The kinds of event that changes become; dates are corrected by ``service_dates``."""

_DATE_EVENTS = {"start": "service_start", "end": "service_end", "rev_rec_date": "rev_rec_date"}
"""The fields that ``service_dates`` events correct, by the names of these events."""

_STAYS = "the imported line stays as it is"
_BY_HAND = (
    f"{_STAYS}: dismiss the row in the quarantine with the reason, or credit the line and bill it on another document"
)
_REFUSED = f'{_STAYS}; record the change as an event, or set on_changed = "event" in the mapping'

_CANCEL = "keep its row, and end it with: revrec event add CHARGE cancel DATE"
_DISMISS = "then leave the row out, or dismiss it in the quarantine"

Events = Sequence[FulfillmentEvent]


class AppliedChange(NamedTuple):
    """A change of a charge line as people read it: the figure before and after, and the event that was recorded."""

    charge: str
    field: str
    before: str
    after: str
    event: str


@dataclass
class _Sending:
    """A document as this file states it.

    ``rows`` are its new and changed lines by id, ``stated`` the ids of the others. ``parts`` are the parts of it that
    the file has, each with the time of its last change, and ``taken_back`` those that are not billed any more.
    ``left_out`` are the lines that are left out by themselves, by id. ``row`` is the first row.
    """

    row: int
    rows: dict[str, GoodRow[ChargeLine]] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    parts: dict[str | None, str] = field(default_factory=dict)
    taken_back: dict[str | None, PassedOver] = field(default_factory=dict)
    left_out: dict[str, "_LeftOut"] = field(default_factory=dict)

    def note(self, raw: Sequence[str]) -> None:
        """Note the part of the document that a row belongs to."""
        part, as_of = _part_of(raw), _as_of(raw)
        self.parts[part] = latest(as_of, self.parts[part]) if self.parts.get(part) and as_of else as_of


class _LeftOut(NamedTuple):
    """A row that is left out on purpose, its original values, and the time of its last change."""

    passed: PassedOver
    raw: Sequence[str]
    as_of: str


class _Difference(NamedTuple):
    """A line that is stated differently in ``row``, or not at all for a reason, by a document as of a time."""

    known: KnownLine
    as_of: str
    row: GoodRow[ChargeLine] | None = None
    reason: str = ""

    @property
    def old(self) -> ChargeLine:
        """The line as it was last stated."""
        return next(one.line for one in reversed(self.known.statements) if one.line)

    @property
    def new(self) -> ChargeLine | None:
        """The line as it is stated now."""
        return self.row.line if self.row else None


class _DocumentPlan(NamedTuple):
    """What a document changes, and the problems of its rows, which refuse it."""

    new: Sequence[GoodRow[ChargeLine]]
    changed: Sequence[_Difference]
    unchanged: Sequence[GoodRow[ChargeLine]]
    problems: dict[int, list[RowProblem]]


class DocumentChanges:
    """The documents of one import that were imported before.

    In files of documents, such as orders, a changed document is settled by itself. In a table it is settled so only if
    changes become events: otherwise its rows are conflicts, which refuse the file.
    """

    def __init__(
        self,
        session: "ImportSession",
        book: "RuleBook",
        mapping: ColumnMapping,
        sha256: str = "",
        modified: date | None = None,
    ) -> None:
        """``modified``: the day of all changes, as for contracts that were modified: no row has another."""
        self._session = session
        self._connection = session.connection
        self._book = book
        self.records = mapping.on_changed == EVENT
        self._modified = modified
        self._dates = date_reader(mapping.date_format, mapping.timezone, mapping.times_in)
        self._mapping = mapping.name
        self._sha256 = sha256
        self._sendings: dict[DocumentKey, _Sending] = {}
        self._is_noted = bool(mapping.skip) and not self.records
        self._noted: set[str] = set()
        """The lines that a table states again, if it may also leave out lines with their ids."""
        self._left_out: dict[DocumentKey, dict[str, _LeftOut]] = {}
        """The rows that a table leaves out although their lines were imported, by document and id.

        The id is empty for a whole document.
        """

    def settles(self, row: GoodRow[ChargeLine]) -> bool:
        """Return True if a changed line of this row is settled with its document."""
        return self.records or isinstance(row.raw, SentRow)

    def repeats(self, row: GoodRow[ChargeLine]) -> bool:
        """Return True if a file can state this line twice: its documents are sent again whenever they change."""
        return self.records and isinstance(row.raw, SentRow)

    def imported_before(self, rows: Iterable[GoodRow[ChargeLine]], known: Container[str]) -> set[DocumentKey]:
        """Return the documents of those rows with an id that is not ``known`` that other imports had lines of."""
        keys = {_key(row.line) for row in rows if self.settles(row) and row.line.id not in known}
        return line_changes.stored_documents(self._connection, keys, self._session.import_id) if keys else set()

    def see(self, row: GoodRow[ChargeLine]) -> None:
        """Note a line that arrived again as it was."""
        if self.settles(row):
            self._sending(row).stated.add(row.line.id)
        elif self._is_noted:
            self._noted.add(row.line.id)

    def add(self, row: GoodRow[ChargeLine]) -> None:
        """Note a line that is new or changed in a document that was imported before."""
        rows = self._sending(row).rows
        other = rows.get(row.line.id)
        if other is None or not _is_later(_as_of(other.raw), _as_of(row.raw)):
            rows[row.line.id] = row

    def skip(self, batch: Iterable[PassedOver]) -> None:
        """Note the lines of records that are left out on purpose, as far as these may take them back."""
        of_table: dict[DocumentKey, dict[str, _LeftOut]] = {}
        for passed in batch:
            for (source, document, line), raw in passed.lines:
                id, found = f"{source}/{document}/{line}", _LeftOut(passed, raw, _as_of(raw))
                if self.records or isinstance(raw, SentRow):
                    sending = self._sendings.setdefault((source, document), _Sending(passed.row_number))
                    self._skip_in(sending, id, found)
                else:
                    names = {id, ""} if passed.takes_back is TakesBack.DOCUMENT else {id}
                    of_table.setdefault((source, document), {}).update(dict.fromkeys(names, found))
        if of_table:
            stored = line_changes.stored_documents(self._connection, of_table, self._session.import_id)
            for one in stored:
                self._left_out.setdefault(one, {}).update(of_table[one])

    def _skip_in(self, sending: _Sending, id: str, found: _LeftOut) -> None:
        if found.passed.takes_back is TakesBack.NOTHING:
            sending.stated.add(id)
        elif found.passed.takes_back is TakesBack.LINE:
            sending.left_out[id] = found
        else:
            sending.note(found.raw)
            sending.taken_back[_part_of(found.raw)] = found.passed

    def _sending(self, row: GoodRow[ChargeLine]) -> _Sending:
        found = self._sendings.setdefault(_key(row.line), _Sending(row.row_number))
        found.note(row.raw)
        return found

    def settle(
        self,
        add_new: Callable[[Sequence[GoodRow[ChargeLine]]], None],
        problem_of_new: Callable[[ChargeLine], RowProblem | None],
    ) -> dict[int, Events]:
        """Record or refuse the changes of each document; ``add_new`` adds its new lines.

        Return the events that the changed lines had before, by their numbers.
        """
        changed: dict[int, Events] = {}
        # An earlier import of the same file saw already which lines it does not have; a row from the quarantine has no
        # file, and a row that cannot be read may be any line.
        is_known = line_changes.was_imported(self._connection, self._sha256, self._session.import_id)
        can_miss = bool(self._sha256) and not is_known and not self._session.bad_rows
        for page in batched(self._sendings.items(), DOCUMENTS):
            lines = self._lines_of(key for key, _sending in page)
            for key, sending in page:
                sold = lines.get(key, [])
                plan = self._plan(sending, sold, can_miss)
                wrong = {row.row_number: problem_of_new(row.line) for row in plan.new}
                plan.problems.update({number: [problem] for number, problem in wrong.items() if problem})
                if plan.problems:
                    self._session.refused_documents.add("/".join(key))
                    self._refuse(plan)
                else:
                    add_new(plan.new)
                    changed |= self._record(plan.changed)
                    self._count_unchanged(plan.unchanged)
        if not is_known:
            self._refuse_left_out()
        self._sendings, self._left_out = {}, {}
        return changed

    def _lines_of(self, documents: Iterable[DocumentKey]) -> dict[DocumentKey, list[KnownLine]]:
        """Return the stored lines of documents, without their costs.

        If changes cannot be recorded, lines that a person canceled are left out, since they are settled.
        """
        found = line_changes.known_lines(self._connection, documents)
        canceled: set[int] = set()
        if not self.records:
            numbers = [one.no for lines in found.values() for one in lines]
            recorded = events.events_of_charges(self._connection, numbers)
            canceled = {no for no, its in recorded.items() if any(event.kind == "cancel" for event in its)}
        return {
            key: [one for one in lines if one.no not in canceled and not is_cost(one.imported.line)]
            for key, lines in found.items()
        }

    def _refuse_left_out(self) -> None:
        """Reject the rows of a table that leave out lines that were imported by the same mapping before."""
        for page in batched(self._left_out.items(), DOCUMENTS):
            lines = self._lines_of(key for key, _rows in page)
            rejected: dict[int, tuple[_LeftOut, list[KnownLine]]] = {}
            for key, rows in page:
                for one in lines.get(key, ()):
                    found = rows.get(one.imported.id) or rows.get("")
                    if found and self._is_taken_back(one):
                        rejected.setdefault(found.passed.row_number, (found, []))[1].append(one)
            for found, known in rejected.values():
                problems = [_not_stated(one.imported, _why(found.passed)) for one in known]
                self._session.reject_passed(found.passed, found.raw, known[0].imported, problems)

    def _is_taken_back(self, line: KnownLine) -> bool:
        if line.is_void or line.import_id == self._session.import_id or line.imported.id in self._noted:
            return False
        return line.mapping == self._mapping

    def _plan(self, sending: _Sending, lines: Sequence[KnownLine], can_miss: bool) -> _DocumentPlan:
        known = {one.imported.id: one for one in lines}
        new, changed, unchanged = [], [], []
        for row in sending.rows.values():
            before = known.get(row.line.id)
            if before is None:
                new.append(row)
            elif before.is_void or _is_older(_as_of(row.raw), before.part, lines) or self._was_stated(before, row.line):
                unchanged.append(row)
            else:
                changed.append(_Difference(before, _as_of(row.raw), row))
        gone = [one for one in lines if self._is_gone(one, sending, lines)] if can_miss else []
        changed += [_gone(one, sending) for one in gone]
        problems: dict[int, list[RowProblem]] = {}
        for one in changed:
            if wrong := self._problems(one):
                problems.setdefault(one.row.row_number if one.row else sending.row, []).extend(wrong)
        return _DocumentPlan(new, changed, unchanged, problems)

    def _is_gone(self, line: KnownLine, sending: _Sending, lines: Sequence[KnownLine]) -> bool:
        """Return True if the document was sent again without this line, or is not billed any more."""
        id, part = line.imported.id, line.part
        if line.is_void or line.present is None or id in sending.stated or id in sending.rows:
            return False
        if left_out := sending.left_out.get(id):
            of_other_row = line.import_id != self._session.import_id or line.row < left_out.passed.row_number
            return of_other_row and not _is_older(left_out.as_of, part, lines)
        if part not in sending.parts or _is_older(sending.parts[part], part, lines):
            return False
        if line.import_id == self._session.import_id:
            taken_back = sending.taken_back.get(part)
            return taken_back is not None and line.row < taken_back.row_number
        # Another mapping, such as one of refunds, may state other lines of the same document.
        return part is not None or (self.records and line.mapping == self._mapping)

    def _was_stated(self, before: KnownLine, line: ChargeLine) -> bool:
        """Return True if this very file stated the line so before: it is imported again, and changes nothing."""
        stated = (one.line for one in before.statements if one.line and one.sha256 == self._sha256)
        return any(not differences(one, line) for one in stated)

    def _problems(self, one: _Difference) -> list[RowProblem]:
        """Return why a difference cannot be recorded; nothing if it can."""
        line = one.known.imported
        if billing := billing_problem(self._connection, [one.known.no]):
            return [RowProblem("line", line.line, f"{line.id} arrived with other figures: {billing}", _DISMISS)]
        if one.new:
            return problems_of_change(self._book, self.records, one.old, one.new)
        why = one.reason or "its document does not have it any more"
        if self._modified:
            return [RowProblem("line", line.line, f"{line.id} was imported, and {why}", _CANCEL)]
        return [] if self.records else [_not_stated(line, why)]

    def _refuse(self, plan: _DocumentPlan) -> None:
        """Refuse a document: report its problems, and its other new and changed lines, which are not imported."""
        self._count_unchanged(plan.unchanged)
        said = "has a change that cannot be recorded, so nothing of it is imported"
        rest = RowProblem("document", "", said, "settle the changed row of the document first")
        rows = {row.row_number: row for row in (*plan.new, *(one.row for one in plan.changed if one.row))}
        gone = [one.known.imported.id for one in plan.changed if not one.row]
        raws = {number: rows[number].raw if number in rows else gone for number in sorted({*rows, *plan.problems})}
        texts = {number: quarantine.raw_text(raw, self._session.header) for number, raw in raws.items()}
        settled = quarantine.outcomes_of(self._connection, texts.values())
        for number, raw in raws.items():
            row, place = rows.get(number), f"row {number}"
            if settled.get(texts[number]) == "dismissed":
                money = [RowMoney(row.line.amount, row.line.currency)] if row else []
                self._session.result.pass_over(PassedOver(number, DISMISSED, place, money))
                continue
            values = ReadableValues.of(row.line._asdict()) if row else ReadableValues()
            wrong = plan.problems.get(number) or [rest]
            self._session.refuse_document(BadRow(number, wrong, place, raw, values))

    def _count_unchanged(self, rows: Iterable[GoodRow[ChargeLine]]) -> None:
        for row in rows:
            self._session.result.unchanged += 1
            self._session.result.amounts_in(row.line.currency).unchanged += row.line.amount

    def _record(self, changed: Sequence[_Difference]) -> dict[int, Events]:
        """Record the changes of a document; return the events that the lines had before, by number."""
        if not changed:
            return {}
        costs = costs_of_charges(self._connection, self._book, [one.known.imported.id for one in changed])
        numbers = {one.known.no: [no for _id, no in costs.get(one.known.imported.id, ())] for one in changed}
        every = [no for no, its_costs in numbers.items() for no in (no, *its_costs)]
        recorded = events.events_of_charges(self._connection, every)
        stored = [LineChange(one.known.no, one.new, one.row.row_number if one.row else 0, one.as_of) for one in changed]
        digests = [line_changes.add_changes(self._connection, stored, self._session.import_id, self._session.audit_seq)]
        digests += [digest for one in changed if one.known.present is None for digest in self._withdraw_removal(one)]
        rows = [row for one in changed for row in self._rows(one, recorded, costs.get(one.known.imported.id, ()))]
        for one in changed:
            self._count(one)
        if rows:
            digests.append(events.add_events(self._connection, rows))
        self._session.record_written("changes of charge lines written", *digests)
        return {no: recorded.get(no, ()) for no in every}

    def _count(self, one: _Difference) -> None:
        """Count the change, and only the difference of the amounts as accepted, so that totals are right."""
        result, line = self._session.result, one.known.imported
        before = one.known.present.amount if one.known.present else 0
        amounts = result.amounts_in(line.currency)
        amounts.unchanged += before
        amounts.accepted += (one.new.amount if one.new else 0) - before
        result.changed += 1
        if one.row:
            self._session.accept(one.row)

    def _rows(
        self, one: _Difference, recorded: Mapping[int, Events], costs: Sequence[tuple[str, int]]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the events of a change as rows of their table: of the line, and of its costs."""
        who, number = self._session.who, one.row.row_number if one.row else None
        found = self._events(one, recorded.get(one.known.no, ()))
        for fact in found:
            copies = [(one.known.no, fact), *events_of_costs(self._book, costs, fact)]
            if fact.kind == "cancel":
                copies[1:] = [(no, self._refund(no, copy, recorded)) for no, copy in copies[1:]]
            yield from (
                events.event_row(no, copy, who.at, who.actor, self._session.import_id, number) for no, copy in copies
            )
        self._list(one, found)

    def _refund(self, no: int, event: FulfillmentEvent, recorded: Mapping[int, Events]) -> FulfillmentEvent:
        """Return the cancellation of a cost with the whole cost: what was never sold costs nothing."""
        line, counted = charges.read_charge(self._connection, no), without_cancellations(recorded.get(no, ()))
        return event._replace(amount=price_of(line, counted))

    def _events(self, one: _Difference, recorded: Events) -> list[FulfillmentEvent]:
        """Return the events by which a schedule follows a change of its line."""
        line, new, id = one.known.imported, one.new, one.known.imported.id
        day = self._day(one, recorded)
        counted = [event for event in recorded if event.note != REMOVED]
        if new is None:
            # It counts instead of a cancellation that a person recorded, so it refunds what that one left too.
            price = price_of(line, without_cancellations(counted))
            return [FulfillmentEvent(id, "cancel", day, amount=price, note=REMOVED)]
        figures = differences(one.old, new)
        note = "; ".join(f"{name} {old or 'nothing'} to {now or 'nothing'}" for name, old, now in figures)
        found = []
        if new.amount != one.old.amount:
            # The price on that day may be another one than the stated amount: credits of the line stay credits.
            price = price_of(line, [event for event in counted if event.date <= day]) + new.amount - one.old.amount
            found.append(FulfillmentEvent(id, "price", day, amount=price, note=note))
        if new.quantity != one.old.quantity:
            assert new.quantity is not None
            found.append(FulfillmentEvent(id, "estimate", day, quantity=abs(new.quantity), note=note))
        for name, field_name in _DATE_EVENTS.items():
            value = getattr(new, field_name)
            if value != getattr(one.old, field_name):
                found.append(FulfillmentEvent(id, "service_dates", value, name=name, note=note))
        return found

    def _day(self, one: _Difference, recorded: Events) -> date:
        """Return the day of a change: when its sender made it, but not before the line itself or an earlier new price.

        If that is not known, it is a correction from the first day on, or if the line is posted, a change of today.
        """
        start, day = one.known.imported.post_date, self._modified
        with suppress(InvalidValue):
            day = day or self._dates(one.as_of)
        if day is None and reversals.entries_that_count(self._connection, [one.known.no]):
            day = date.fromisoformat(self._session.who.at[:10])
        return max(day or start, start, *(event.date for event in recorded if event.kind == "price"))

    def _withdraw_removal(self, one: _Difference) -> Iterator[RowDigest]:
        """Withdraw the cancellation of a line that came back, and of its costs, unless a person did so."""
        found = events.recorded_for(self._connection, one.known.no)
        for removal in found:
            if removal.note == REMOVED and removal.withdrawn_at is None:
                copies = events.copies_for_costs(self._connection, removal)
                numbers = [event.id for event in (removal, *copies) if event.withdrawn_at is None]
                yield events.withdraw(self._connection, numbers, RETURNED, self._session.who, self._session.audit_seq)

    def _list(self, one: _Difference, found: Sequence[FulfillmentEvent]) -> None:
        """List the change for people, figure by figure."""
        line, figures = one.old, differences(one.old, one.new) if one.new else []
        if one.new is None:
            figures.append(("line", decimal_string(line.amount, line.currency), ""))
        elif one.known.present is None:
            figures.insert(0, ("line", "", decimal_string(line.amount, line.currency)))
        for name, old, new in figures:
            change = AppliedChange(one.known.imported.id, name, old, new, _event_of(name, found))
            self._session.result.changes.append(change._asdict())


def problems_of_change(book: "RuleBook", records: bool, old: ChargeLine, new: ChargeLine) -> list[RowProblem]:
    """Return why a change of a charge line cannot be recorded; with ``records`` False, none can."""
    found = differences(old, new)
    if not records:
        return [conflict(old.id, *figure, fix=_REFUSED) for figure in found]
    wrong = [conflict(old.id, *figure, fix=_BY_HAND) for figure in found if figure[0] not in CHANGING]
    for name, before, after in found:
        if name in ("quantity", *_DATE_EVENTS.values()) and not after:
            fix = f"{_STAYS}; send the {name} again, or dismiss the row"
            wrong.append(conflict(old.id, name, before, after, fix))
        elif name == "quantity" and _counts_usage(book, old):
            fix = f"{_STAYS}; record the units now expected as an estimate event, and dismiss the row"
            wrong.append(conflict(old.id, name, before, after, fix))
    return wrong


def _counts_usage(book: "RuleBook", line: ChargeLine) -> bool:
    rule = book.match(line)
    return isinstance(rule, Rule) and "estimate" in rule.method.follows


def _event_of(name: str, found: Sequence[FulfillmentEvent]) -> str:
    """Return the event of a changed figure; empty for a description, which no schedule depends on."""
    kind = _KINDS.get(name, "service_dates")
    return next((f"{event.kind} on {event.date}" for event in found if event.kind == kind), "")


def _gone(line: KnownLine, sending: _Sending) -> _Difference:
    """Return the difference of a line that its document does not state any more."""
    if left_out := sending.left_out.get(line.imported.id):
        return _Difference(line, left_out.as_of, reason=_why(left_out.passed))
    taken_back = sending.taken_back.get(line.part)
    return _Difference(line, sending.parts[line.part], reason=_why(taken_back) if taken_back else "")


def _not_stated(line: ChargeLine, why: str) -> RowProblem:
    """Return the problem of an imported line that its file does not state any more."""
    return RowProblem("line", line.line, f"{line.id} was imported, and {why}", _REFUSED)


def _why(passed: PassedOver) -> str:
    return f"is left out now: {passed.reason}"


def _key(line: ChargeLine) -> DocumentKey:
    return line.source, line.document


def _part_of(raw: Sequence[str]) -> str | None:
    return raw.part if isinstance(raw, SentRow) else None


def _as_of(raw: Sequence[str]) -> str:
    return raw.as_of if isinstance(raw, SentRow) else ""


def _is_later(time: str, other: str) -> bool:
    """Return True if both times are known, and the first one is the later one."""
    return bool(time and other) and time != other and latest(time, other) == time


def _is_older(as_of: str, part: str | None, lines: Sequence[KnownLine]) -> bool:
    """Return True if the part of a document was imported as of a later time already."""
    return any(_is_later(time, as_of) for line in lines if line.part == part for time in line.as_of)


def conflict(id: str, name: str, old: str, new: str, fix: str) -> RowProblem:
    """Return the problem of a figure that differs from the imported one."""
    return RowProblem(name, new, f"{id} was imported with {old or 'nothing'}", fix)
