"""EDI X12: invoices (810), shipment and billing notices (857), ship notices (856), statuses (214), freight bills (210).

Each interchange's ISA declares its separators. The counts of segments, sets and groups (SE01, GE01, IEA01) and the
control numbers are checked against the contents.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from revrec.sources.documents import (
    SENT_AGAIN,
    DocumentColumns,
    DocumentOutcome,
    DocumentRows,
    RejectedDocument,
    SkippedDocument,
    excerpt,
    skipped_lines,
)
from revrec.sources.edi import x12_sets
from revrec.sources.edi.columns import x12_column
from revrec.sources.edi.segments import MOST_SEGMENTS, Segment, Separators, Splitter
from revrec.sources.edi.status import left_out
from revrec.sources.edi.x12_transaction import TransactionSet
from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".x12", ".edi", ".810", ".856", ".857", ".214", ".210")

_ISA = 106
"""Characters of an ISA: its elements have fixed widths, so its separators have fixed places."""

_SENT_AGAIN = "the file is damaged: ask the sender to send it again"


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the charges or events of every transaction set, numbered from 1 in their order."""
    charges = mapping.rows == "charges"
    elements = x12_sets.CHARGE_ELEMENTS if charges else x12_sets.EVENT_ELEMENTS
    columns = DocumentColumns(source, mapping, x12_sets.OWN, x12_column, "BIG02 or N1[BY]04", elements)
    convert = x12_sets.charges if charges else x12_sets.events
    rows = DocumentRows(_X12Envelopes(source, mapping).outcomes(convert), columns.row)
    kinds = x12_sets.CHARGE_SETS if charges else x12_sets.EVENT_SETS
    expected = f"it needs a transaction set {', '.join(kinds)}"
    return Table(
        columns.header, rows.records(), lambda _number: rows.place, expected=expected, elements=columns.elements
    )


class _X12Envelopes:
    """Reader of interchanges, groups and transaction sets that checks their counts against their contents."""

    def __init__(self, source: SourceStream, mapping: ColumnMapping) -> None:
        self._source = source
        self._mapping = mapping
        self._segments = Splitter(source, mapping.encoding)

    def outcomes(self, convert: Callable[[TransactionSet], Iterable[DocumentOutcome]]) -> Iterator[DocumentOutcome]:
        """Yield the outcomes of every transaction set."""
        for transaction in self._transactions():
            if isinstance(transaction, RejectedDocument):
                yield transaction
            elif reason := left_out(self._mapping, x12_column, (transaction.segments, transaction.envelope)):
                yield SkippedDocument(reason, transaction.place, skipped_lines(partial(convert, transaction)))
            else:
                yield from convert(transaction)

    def _transactions(self) -> Iterator[TransactionSet | RejectedDocument]:
        while self._segments.peek(1):
            isa = self._isa()
            groups = 0
            while (segment := self._next("IEA")).tag != "IEA":
                if segment.tag == "TA1":
                    continue
                if segment.tag != "GS":
                    raise self._error(segment, "expected GS or IEA here", _SENT_AGAIN)
                groups += 1
                yield from self._group(isa, segment)
            self._check(segment, "IEA01", groups, "group")
            self._agree(isa.get(13), segment, "IEA02")

    def _isa(self) -> Segment:
        """Read the start of an interchange, and use its separators from here on."""
        head = self._segments.peek(_ISA)
        if not head.startswith("ISA"):
            raise self._source.error(
                "the beginning", "is not an X12 interchange: it does not start with ISA", _SENT_AGAIN
            )
        element, component, terminator = head[3:4], head[104:105], head[105:106]
        wrong = len(head) < _ISA or len({element, component, terminator}) < 3
        if wrong or any(one.isalnum() or one == " " for one in (element, component, terminator)):
            raise self._source.error("segment 1 (ISA)", "is damaged: it must have 106 characters", _SENT_AGAIN)
        # An ISA has no components: the component separator itself is the value of its last element.
        self._segments.separators = Separators(terminator, element, "")
        isa = self._next("ISA")
        if len(isa.elements) != 16:
            reason = f"has {len(isa.elements)} elements, an ISA has 16"
            raise self._error(isa, reason, _SENT_AGAIN)
        self._segments.separators = Separators(terminator, element, component)
        return isa

    def _group(self, isa: Segment, gs: Segment) -> Iterator[TransactionSet | RejectedDocument]:
        sets = 0
        while (segment := self._next("GE")).tag != "GE":
            if segment.tag != "ST":
                raise self._error(segment, "expected ST or GE here", _SENT_AGAIN)
            sets += 1
            yield self._transaction(isa, gs, segment)
        self._check(segment, "GE01", sets, "transaction set")
        self._agree(gs.get(6), segment, "GE02")

    def _transaction(self, isa: Segment, gs: Segment, st: Segment) -> TransactionSet | RejectedDocument:
        """Read one transaction set; return it rejected if its counts or control numbers are wrong."""
        place = f"interchange {isa.get(13)}, group {gs.get(6)}, set {st.get(1)} {st.get(2)}"
        segments: list[Segment] = []
        while (segment := self._next("SE")).tag != "SE":
            if segment.tag in ("ST", "GE", "IEA", "ISA"):
                raise self._error(segment, "SE is missing before it", _SENT_AGAIN)
            segments.append(segment)
            if len(segments) > MOST_SEGMENTS:
                raise self._error(
                    segment, f"a set has more than {MOST_SEGMENTS:,} segments", "ask the sender to split it"
                )
        count = str(len(segments) + 2)
        at = f"{place}, {segment.place}"
        if segment.get(1).lstrip("0") != count:
            reason = f"states {segment.get(1) or 'nothing'}, the set has {count} segments"
            return RejectedDocument(
                "SE01", segment.get(1), reason, SENT_AGAIN, at, excerpt(one.text for one in segments)
            )
        if segment.get(2) != st.get(2):
            reason = f"is not the control number {st.get(2)} of its ST"
            return RejectedDocument(
                "SE02", segment.get(2), reason, SENT_AGAIN, at, excerpt(one.text for one in segments)
            )
        return TransactionSet(st.get(1), st.get(2), segments, [gs, isa], place)

    def _next(self, wanted: str) -> Segment:
        segment = self._segments.segment()
        if segment is None:
            raise self._source.error("the end", f"{wanted} is missing: the file is cut off", _SENT_AGAIN)
        return segment

    def _check(self, segment: Segment, field: str, count: int, what: str) -> None:
        stated = segment.get(1)
        if stated.lstrip("0") != str(count or ""):
            raise self._error(
                segment, f"{field} states {stated or 'nothing'}, the file has {count} {what}(s)", _SENT_AGAIN
            )

    def _agree(self, number: str, segment: Segment, field: str) -> None:
        if segment.get(2).strip() != number.strip():
            raise self._error(
                segment, f'{field} "{segment.get(2)}" does not match the opening segment\'s "{number}"', _SENT_AGAIN
            )

    def _error(self, segment: Segment, reason: str, fix: str) -> Exception:
        return self._source.error(segment.place, reason, fix)
