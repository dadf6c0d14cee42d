"""``revrec quarantine``: fix rows that were set aside, then import them in the same way as every other row."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.jobs.importing.billing import BillingMatcher
from revrec.jobs.importing.changed_documents import DocumentChanges, problems_of_change
from revrec.jobs.importing.contracts_in_progress import cannot_continue
from revrec.jobs.importing.mappings import mapping_of, of_source
from revrec.jobs.importing.rows import ChargeImporter, nothing_to_recognize
from revrec.jobs.importing.session import ImportResult, ImportSession
from revrec.jobs.importing.sources import settings_of
from revrec.jobs.rules.load import load_rules
from revrec.sources import BadRow, ColumnMapping, GoodRow
from revrec.sources.mapping import EVENT
from revrec.sources.problems import RowProblem
from revrec.sources.read import reread
from revrec.store import charges, line_changes, quarantine
from revrec.store.audit import record
from revrec.store.quarantine import QuarantinedRow, QuarantineFix, QuarantineOutcome

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


class ListedRow(NamedTuple):
    """A quarantined row in a list. ``state`` is waiting, released or dismissed; ``reason`` names its first problem.

    ``document`` to ``amount`` are what can be read of the row as it came; ``amount`` is a decimal string.
    """

    id: int
    file: str
    row: int
    document: str
    customer: str
    item: str
    date: str
    amount: str | None
    currency: str
    kind: str
    mapping: str
    state: str
    charge: str
    reason: str


class ShownRow(NamedTuple):
    """All that is known of a quarantined row.

    ``raw`` are its original values and ``problems`` why it was set aside. ``now`` are the problems that it has with its
    fixes; ``unreadable`` is why it cannot be read now, empty if it can.
    """

    id: int
    file: str
    row: int
    document: str
    customer: str
    item: str
    date: str
    amount: str | None
    currency: str
    kind: str
    mapping: str
    state: str
    charge: str
    reason: str
    imported_at: str
    raw: dict[str, str] | list[str]
    problems: Sequence[dict[str, str]]
    fixes: Sequence[QuarantineFix]
    now: Sequence[dict[str, str]]
    unreadable: str
    outcome: QuarantineOutcome | None


class DismissedRow(NamedTuple):
    """A row that was dismissed."""

    id: int
    state: str = "dismissed"


class QuarantineTrace(NamedTuple):
    """A row that was imported from the quarantine: its original values, its problems and its fixes.

    ``id`` is its number in the quarantine; ``released`` and ``by`` are when and by whom it was released.
    """

    id: int
    raw: Any
    problems: Sequence[dict[str, str]]
    fixes: tuple[QuarantineFix, ...]
    released: str
    by: str


class _UndoRelease(Exception):
    """The signal to roll back a release; its result says why."""


def listed(context: "Context", settled: bool = False, filters: Filters = NO_FILTERS) -> list[ListedRow]:
    """Return the quarantined rows, each with its first problem; with ``settled`` also released and dismissed ones."""
    with context.database.read() as connection:
        return [_listed(row) for row in quarantine.quarantined_rows(connection, settled, filters)]


def _listed(row: QuarantinedRow) -> ListedRow:
    first = row.problems[0] if row.problems else {"field": "", "reason": ""}
    said = f"{first['field']}: {first['reason']}" + (f" (+{len(row.problems) - 1})" if len(row.problems) > 1 else "")
    state = row.outcome or "waiting"
    amount = None if row.amount is None else decimal_string(row.amount, row.currency)
    read = (row.document, row.customer, row.item, row.date, amount, row.currency)
    return ListedRow(row.id, row.file, row.row, *read, row.kind, row.mapping, state, row.charge or "", said)


def show(context: "Context", id: int) -> ShownRow:
    """Return one row: its original values, why it was quarantined, its fixes, and the problems that it has now.

    Raises:
        BadInput: The row does not exist.
    """
    with context.database.read() as connection:
        row = _row(connection, id)
        fixes = quarantine.read_fixes(connection, id)
        outcome = quarantine.read_outcome(connection, id)
    now, unreadable = _present_problems(context, row, fixes)
    return ShownRow(
        *_listed(row),
        imported_at=row.imported_at,
        raw=row.raw,
        problems=row.problems,
        fixes=fixes,
        now=[one.as_dict() for one in now],
        unreadable=unreadable,
        outcome=outcome,
    )


def _present_problems(
    context: "Context", row: QuarantinedRow, fixes: Sequence[QuarantineFix]
) -> tuple[list[RowProblem], str]:
    """Return the problems of the row as it is read now, or why its mapping cannot be used."""
    try:
        with context.database.read() as connection:
            mapping = _mapping(context, row)
            read = _reread(connection, row, mapping, fixes)
            if isinstance(read, BadRow):
                return read.problems, ""
            if row.kind == "charges":
                return _problems_of_charge(connection, load_rules(context), mapping, read.line), ""
    except BadConfiguration as error:
        return [], str(error)
    return [], ""


def _problems_of_charge(
    connection: "Connection", book: "RuleBook", mapping: ColumnMapping, line: ChargeLine
) -> list[RowProblem]:
    """Return the problems that a charge line would have if it were released now."""
    no = charges.find_charge(connection, line.id)
    if no is None:
        bills = BillingMatcher(connection).match(line)
        problem = bills if isinstance(bills, RowProblem) else nothing_to_recognize(line, book)
        problem = problem or cannot_continue(line, book)
        return [problem] if problem else []
    imported = charges.read_charge(connection, no)
    present = line_changes.changed_lines(connection, {no: imported}).get(no) or imported
    return problems_of_change(book, mapping.on_changed == EVENT, present, line)


def fix(context: "Context", id: int, fields: Mapping[str, str], reason: str) -> ShownRow:
    """Replace values of a row, written as its source writes them; the original row is kept as it came.

    Raises:
        BadInput: The row does not exist or has left the quarantine, or its mapping has no such field.
    """
    with context.database.write() as connection:
        row = _waiting(connection, id)
        mapping = _mapping(context, row)
        known = [*(one.name for one in mapping.fields), *mapping.all_dimensions]
        for name, text in fields.items():
            if name not in known:
                raise BadInput(f"quarantine {id}: {name}: there is no such field; fields are {', '.join(known)}")
            if len(text) > 65_536:
                raise BadInput(f"quarantine {id}: {name}: is over 65,536 characters long; shorten it")
        who = context.who()
        seq = record(connection, who, "quarantine fix", f"quarantine {id}", {"fields": dict(fields), "reason": reason})
        digest = quarantine.add_fix(connection, id, dict(fields), reason, who.at, who.actor, seq)
        record(connection, who, "quarantine fix written", f"rows of quarantine {id}", {}, [digest])
    return show(context, id)


def release(context: "Context", ids: Sequence[int]) -> ImportResult:
    """Import rows, all of them or none, as rows of their original files; charges before events.

    A row whose charge was imported since in another way, with the same figures, is settled and counted as unchanged.

    Raises:
        BadInput: A row does not exist or has left the quarantine.
        BadConfiguration: The mapping of a row no longer exists.
    """
    book = load_rules(context)
    result = ImportResult("the quarantine", "rows")
    try:
        with context.database.write() as connection:
            rows = sorted((_waiting(connection, id) for id in dict.fromkeys(ids)), key=lambda row: (row.kind, row.id))
            for _kind, alike in groupby(rows, key=lambda row: row.kind):
                importers = [_release(connection, context, book, row, result) for row in alike]
                # Released lines of one contract must be allocated together, or each would change the others' shares.
                importers[0].finish(importers[1:])
            if result.rejected or result.refused:
                raise _UndoRelease
    except _UndoRelease:
        if result.rejected:
            result.refuse(f"{result.rejected} of {result.rows} rows cannot be used; none was released. Fix them first")
    return result


def _release(
    connection: "Connection", context: "Context", book: "RuleBook", row: QuarantinedRow, result: ImportResult
) -> Any:
    """Import one row; return its importer, which is not finished yet."""
    who, subject = context.who(), f"quarantine {row.id}"
    shown = {"file": row.file, "row": row.row, "mapping": row.mapping}
    seq = record(connection, who, "quarantine release", subject, shown)
    session = ImportSession(connection, who, result, row.import_id, subject, seq)
    mapping = _mapping(context, row)
    read = _reread(connection, row, mapping, quarantine.read_fixes(connection, row.id))
    importer = _importer(session, book, mapping)
    importer.process([read])
    if isinstance(read, GoodRow):
        charge = read.line.id if row.kind == "charges" else read.line.charge
        _settle(connection, who, row.id, ("released", charge, ""), seq)
    return importer


def _importer(session: ImportSession, book: "RuleBook", mapping: ColumnMapping) -> Any:
    if mapping.rows == "charges":
        return ChargeImporter(session, book, DocumentChanges(session, book, mapping))
    from revrec.jobs.importing.events import EventRecorder

    return EventRecorder(session, book)


def dismiss(context: "Context", ids: Sequence[int], reason: str) -> list[DismissedRow]:
    """Dismiss rows, with the reason: they stay on record and are never imported.

    Raises:
        BadInput: A row does not exist or has left the quarantine, or the reason is empty.
    """
    if not reason.strip():
        raise BadInput("a row can only be dismissed with a reason; add --reason TEXT")
    with context.database.write() as connection:
        for id in dict.fromkeys(ids):
            _waiting(connection, id)
            who = context.who()
            seq = record(connection, who, "quarantine dismiss", f"quarantine {id}", {"reason": reason})
            _settle(connection, who, id, ("dismissed", "", reason), seq)
    return [DismissedRow(id) for id in dict.fromkeys(ids)]


def _settle(connection: "Connection", who: "AuditStamp", id: int, said: tuple[str, str, str], seq: int) -> None:
    digest = quarantine.settle(connection, [id, *said, who.at, who.actor, seq])
    record(connection, who, "quarantine outcome written", f"rows of quarantine {id}", {}, [digest])


def _row(connection: "Connection", id: int) -> QuarantinedRow:
    found = quarantine.quarantined_row(connection, id)
    if found is None:
        raise BadInput(f"quarantine {id}: no such row; see: revrec quarantine list")
    return found


def _waiting(connection: "Connection", id: int) -> QuarantinedRow:
    found = _row(connection, id)
    if found.outcome:
        raise BadInput(f"quarantine {id}: was {found.outcome} already; see: revrec quarantine show {id}")
    return found


def _mapping(context: "Context", row: QuarantinedRow) -> ColumnMapping:
    name = None if row.mapping == "native" else row.mapping
    mapping = mapping_of(context, name, row.kind == "events")
    return of_source([mapping], settings_of(context, row.source))[0] if row.source else mapping


def _reread(
    connection: "Connection", row: QuarantinedRow, mapping: ColumnMapping, fixes: Sequence[QuarantineFix]
) -> Any:
    columns = row.raw if isinstance(row.raw, dict) else {}
    put = {name: text for fix in fixes for name, text in fix.fields.items()}
    booked = partial(charges.values_of_documents, connection)
    return reread(mapping, columns, put, row.row, f"quarantine {row.id}, row {row.row}", booked)


def life(connection: "Connection", import_id: int, number: int) -> QuarantineTrace | None:
    """Return how a row was imported from the quarantine, for ``revrec trace``; None if it was not."""
    id = quarantine.released_row_id(connection, import_id, number)
    if id is None:
        return None
    row = _row(connection, id)
    fixes, outcome = tuple(quarantine.read_fixes(connection, id)), quarantine.read_outcome(connection, id)
    assert outcome
    return QuarantineTrace(id, row.raw, row.problems, fixes, outcome.at, outcome.actor)


DIGITS = 19
"""Numbers have fewer digits than this: the database stores 64 bits."""


def ids(texts: Sequence[str], waiting: Sequence[int], what: str = "row of the quarantine") -> Iterator[int]:
    """Yield the numbers that texts such as ``7``, ``7-12`` and ``all`` mean.

    Raises:
        BadInput: A text is not one of these.
    """
    for text in texts:
        first, dash, last = text.partition("-")
        if text == "all":
            yield from waiting
        elif not (first.isdecimal() and (last.isdecimal() or not dash) and max(len(first), len(last)) < DIGITS):
            raise BadInput(f"{text}: not a {what}; write its number, such as 7, a range 7-12, or all")
        elif not dash:
            yield int(first)
        elif int(first) > int(last):
            raise BadInput(f"{text}: the range ends before it begins; write {last}-{first}")
        else:
            # Not every number of the range: a mistyped end can be a billion.
            yield from (id for id in sorted(waiting) if int(first) <= id <= int(last))
