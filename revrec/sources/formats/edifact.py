"""EDIFACT: invoices (INVOIC), despatch advices (DESADV) and transport status messages (IFTSTA).

Separators come from UNA, or are the standard ones. A ``?`` before a separator makes it part of the text. The counts of
segments (UNT) and of messages or groups (UNZ, UNE) and the references are checked against the contents.
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
from revrec.sources.edi import edifact_messages
from revrec.sources.edi.columns import edifact_column
from revrec.sources.edi.edifact_message import EdifactMessage
from revrec.sources.edi.segments import MOST_SEGMENTS, Segment, Separators, Splitter
from revrec.sources.edi.status import left_out
from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".edifact", ".edf", ".invoic", ".desadv", ".iftsta")

_STANDARD = Separators("'", "+", ":", "?", ".")
_UNA = 9
"""Characters of a UNA: its tag, component, element, decimal and release characters, a reserved one, terminator."""

_SENT_AGAIN = "the file is damaged: ask the sender to send it again"


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the charges or events of every message, numbered from 1 in their order."""
    charges = mapping.rows == "charges"
    elements = edifact_messages.CHARGE_ELEMENTS if charges else edifact_messages.EVENT_ELEMENTS
    own, example = edifact_messages.OWN, "BGM.2.1 or NAD[BY].2.1"
    columns = DocumentColumns(source, mapping, own, edifact_column, example, elements)
    convert = edifact_messages.charges if charges else edifact_messages.events
    rows = DocumentRows(_EdifactEnvelopes(source, mapping).outcomes(convert), columns.row)
    kinds = edifact_messages.CHARGE_MESSAGES if charges else edifact_messages.EVENT_MESSAGES
    expected = f"it needs a message {' or '.join(kinds)}"
    return Table(
        columns.header, rows.records(), lambda _number: rows.place, expected=expected, elements=columns.elements
    )


class _EdifactEnvelopes:
    """Reader of interchanges, groups and messages that checks their counts against their contents."""

    def __init__(self, source: SourceStream, mapping: ColumnMapping) -> None:
        self._source = source
        self._mapping = mapping
        self._segments = Splitter(source, mapping.encoding)

    def outcomes(self, convert: Callable[[EdifactMessage], Iterable[DocumentOutcome]]) -> Iterator[DocumentOutcome]:
        """Yield the outcomes of every message."""
        for message in self._messages():
            if isinstance(message, RejectedDocument):
                yield message
            elif reason := left_out(self._mapping, edifact_column, (message.segments, message.envelope)):
                yield SkippedDocument(reason, message.place, skipped_lines(partial(convert, message)))
            else:
                yield from convert(message)

    def _messages(self) -> Iterator[EdifactMessage | RejectedDocument]:
        while self._segments.peek(1):
            self._una()
            unb = self._next("UNB")
            if unb.tag != "UNB":
                raise self._error(unb, "expected UNB here: this is not an EDIFACT interchange")
            yield from self._interchange(unb)

    def _una(self) -> None:
        head = self._segments.peek(_UNA)
        if not head.startswith("UNA"):
            self._segments.separators = _STANDARD
            return
        component, element, decimal, release, _reserved, terminator = list(head[3:9].ljust(6))
        if len(head) < _UNA or len({component, element, terminator}) < 3 or decimal not in ".,":
            raise self._source.error("the beginning", "UNA is damaged: it must have 9 characters", _SENT_AGAIN)
        if any(one.isalnum() for one in (component, element, release, terminator)):
            raise self._source.error("the beginning", "UNA is damaged: a separator is a letter or digit", _SENT_AGAIN)
        self._segments.separators = Separators(terminator, element, component, release.strip(), decimal)
        self._segments.skip(_UNA)

    def _interchange(self, unb: Segment) -> Iterator[EdifactMessage | RejectedDocument]:
        """Read from UNB to UNZ. UNZ counts the groups if there are any, or else the messages."""
        messages = groups = 0
        group: Segment | None = None
        in_group = 0
        while (segment := self._next("UNZ")).tag != "UNZ":
            if segment.tag == "UNH":
                messages, in_group = messages + 1, in_group + 1
                yield self._message(unb, group, segment)
            elif segment.tag == "UNG" and group is None:
                group, groups, in_group = segment, groups + 1, 0
            elif segment.tag == "UNE" and group is not None:
                self._check(segment, "UNE", in_group, group.get(5))
                group = None
            else:
                raise self._error(segment, "expected UNH or UNZ here")
        self._check(segment, "UNZ", groups or messages, unb.get(5))

    def _message(self, unb: Segment, group: Segment | None, unh: Segment) -> EdifactMessage | RejectedDocument:
        """Read one message; return it rejected if its count or reference is wrong."""
        place = f"interchange {unb.get(5)}, message {unh.get(1)} {unh.get(2)}"
        segments: list[Segment] = []
        while (segment := self._next("UNT")).tag != "UNT":
            if segment.tag in ("UNH", "UNZ", "UNE", "UNB", "UNG"):
                raise self._error(segment, "UNT is missing before it")
            segments.append(segment)
            if len(segments) > MOST_SEGMENTS:
                raise self._error(segment, f"a message has more than {MOST_SEGMENTS:,} segments")
        count, at = str(len(segments) + 2), f"{place}, {segment.place}"
        if segment.get(1).lstrip("0") != count:
            reason = f"states {segment.get(1) or 'nothing'}, the message has {count} segments"
            return RejectedDocument(
                "UNT", segment.get(1), reason, SENT_AGAIN, at, excerpt(one.text for one in segments)
            )
        if segment.get(2) != unh.get(1):
            reason = f"is not the reference {unh.get(1)} of its UNH"
            return RejectedDocument(
                "UNT", segment.get(2), reason, SENT_AGAIN, at, excerpt(one.text for one in segments)
            )
        envelope = [one for one in (group, unb) if one is not None]
        return EdifactMessage(unh.get(2), segments, envelope, self._segments.separators, place)

    def _next(self, wanted: str) -> Segment:
        segment = self._segments.segment()
        if segment is None:
            raise self._source.error("the end", f"{wanted} is missing: the file is cut off", _SENT_AGAIN)
        return segment

    def _check(self, segment: Segment, field: str, count: int, reference: str) -> None:
        stated = segment.get(1)
        if stated.lstrip("0") != str(count or ""):
            raise self._error(segment, f"{field} states {stated or 'nothing'}, the file has {count}")
        if segment.get(2) != reference:
            raise self._error(
                segment, f'{field} "{segment.get(2)}" does not match the opening segment\'s "{reference}"'
            )

    def _error(self, segment: Segment, reason: str) -> Exception:
        return self._source.error(segment.place, reason, _SENT_AGAIN)
