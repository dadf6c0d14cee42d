"""The status of a document: an original is read, a copy is left out, and what changes another document is refused.

A cancellation, change or replacement is about a document that may be imported and posted. It has the same lines, so
reading it as an original would keep, or double, what it takes back.
"""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from revrec.sources.documents import ColumnFinder, RejectedDocument, SkippedDocument, excerpt
from revrec.sources.edi.columns import ElementReference, Scopes, find_element
from revrec.sources.edi.edifact_message import EdifactMessage
from revrec.sources.edi.x12_transaction import TransactionSet
from revrec.sources.mapping import ColumnMapping

_FOLLOWED_BY_HAND = (
    "record it with `revrec event add` (cancel, credit or price), then leave the document out by `only` in the mapping"
)

X12_ORIGINALS = ("", "00", "15", "20")
"""Purpose codes (element 353) of an original: original, re-submission of one that was not accepted, final."""

X12_COPIES = {
    "06": "a confirmation",
    "07": "a duplicate",
    "12": "not processed",
    "13": "a request",
    "14": "an advance notification",
    "16": "a proposal",
    "22": "an information copy",
    "24": "a draft",
    "28": "a query",
    "38": "without financial value",
}
X12_CHANGES = {
    "01": "cancels another document",
    "02": "adds to another document",
    "03": "deletes another document",
    "04": "changes another document",
    "05": "replaces another document",
    "17": "cancels another document, which is to be reissued",
    "18": "reissues another document",
    "CO": "corrects another document",
}
_X12_PURPOSE = {"810": ("BIG", 8), "856": ("BSN", 1), "857": ("BHT", 2)}

X12_NOT_BILLED = {
    "38": "a test",
    "BD": "a statement of the balance due",
    "CJ": "a confirmation",
    "DU": "a duplicate",
    "EM": "an estimate",
    "FE": "a memorandum",
    "FL": "a final notice",
    "IN": "an inquiry",
    "ME": "a memorandum",
    "P1": "preliminary",
    "RA": "a request for credit",
    "RC": "a request for a quote",
    "SB": "a second notice",
    "SG": "a sample goods invoice",
}
"""BIG07 of documents that bill nothing."""

X12_REPLACEMENTS = {
    "AI": "adjusts another document",
    "CO": "corrects another document",
    "RE": "bills again what another document billed",
    "RG": "revises another document",
}
"""BIG07 of documents that replace another one."""

EDIFACT_ORIGINALS = ("", "9", "22", "35", "47")
"""Functions (1225) of an original: original, final transmission, retransmission, definitive."""

EDIFACT_COPIES = {
    "6": "a confirmation",
    "7": "a duplicate",
    "13": "a request",
    "16": "a proposal",
    "31": "a copy",
    "42": "a confirmation",
    "43": "an additional transmission",
    "46": "provisional",
    "53": "a test",
}
EDIFACT_CHANGES = {
    "1": "cancels another document",
    "2": "adds to another document",
    "3": "deletes from another document",
    "4": "changes another document",
    "5": "replaces another document",
    "18": "reissues another document",
    "20": "replaces the heading of another document",
    "21": "replaces lines of another document",
}

EDIFACT_NOT_BILLED = {
    "130": "an invoicing data sheet",
    "203": "a provisional payment valuation",
    "211": "an interim application for payment",
    "325": "a pro-forma invoice",
}
"""BGM document names (1001) of documents that bill nothing."""

EDIFACT_REPLACEMENTS = {
    "384": "corrects another document",
    "386": "bills a prepayment, which the final invoice bills again",
    "457": "reverses a debit of another document",
    "471": "corrects another document",
    "472": "corrects another document",
    "473": "corrects another document",
    "500": "bills a prepayment, which the final invoice bills again",
}
"""BGM document names of documents whose lines another document has too."""


Status = SkippedDocument | RejectedDocument | None


def x12_status(transaction: TransactionSet) -> Status:
    """Return why a transaction set is no original that counts; None if it is one."""
    usage = find_element(ElementReference("ISA", "", 15), [transaction.envelope])
    if usage in ("T", "I"):
        kind = "a test" if usage == "T" else "an information"
        return SkippedDocument(f"it is in {kind} interchange (ISA15 {usage})", transaction.place)
    tag, element = _X12_PURPOSE.get(transaction.kind, ("", 0))
    purpose = _CodedStatus(tag, element, f"{tag}{element:02d}", X12_COPIES, X12_CHANGES, X12_ORIGINALS)
    kinds = _CodedStatus("BIG", 7, "BIG07", X12_NOT_BILLED, X12_REPLACEMENTS)
    return purpose.of(transaction) or (kinds.of(transaction) if transaction.kind == "810" else None)


def edifact_status(message: EdifactMessage) -> Status:
    """Return why a message is no original that counts; None if it is one."""
    if find_element(ElementReference("UNB", "", 11), [message.envelope]) not in ("", "0"):
        return SkippedDocument("it is in a test interchange (UNB test indicator)", message.place)
    function = _CodedStatus("BGM", 3, "BGM.3", EDIFACT_COPIES, EDIFACT_CHANGES, EDIFACT_ORIGINALS)
    kinds = _CodedStatus("BGM", 1, "BGM.1", EDIFACT_NOT_BILLED, EDIFACT_REPLACEMENTS)
    return function.of(message) or (kinds.of(message) if message.kind == "INVOIC" else None)


class _CodedStatus(NamedTuple):
    """An element that states the status of a document, and its codes. Without ``originals`` any other code is one."""

    tag: str
    element: int
    field: str
    copies: Mapping[str, str]
    changes: Mapping[str, str]
    originals: Sequence[str] | None = None

    def of(self, document: TransactionSet | EdifactMessage) -> Status:
        """Return why a document is no original; None if it is one."""
        segment = next((one for one in document.segments if one.tag == self.tag), None)
        code = segment.get(self.element).strip() if segment else ""
        if segment is None or code in (self.originals or ()):
            return None
        place = document.at(segment)
        if code in self.copies:
            return SkippedDocument(f"it is {self.copies[code]} ({self.field} {code})", place)
        reason = self.changes.get(code)
        if reason is None and self.originals is None:
            return None
        reason = reason or "is not a code of an original document that is known here"
        return RejectedDocument(self.field, code, reason, _FOLLOWED_BY_HAND, place, excerpt(document.texts()))


_HEADERS = ("ISA", "GS", "BIG", "BSN", "BHT", "UNB", "UNG", "BGM")


def left_out(mapping: ColumnMapping, parse: Callable[[str], ColumnFinder | None], scopes: Scopes) -> str:
    """Return the header element by which ``only`` leaves a whole document out; empty if none does.

    Checked before the document is read, so that a mapping can leave out what would be refused.
    """
    for column, patterns in mapping.only.items():
        finder = parse(column) if column.startswith(_HEADERS) else None
        if finder and not any(fnmatchcase(finder(scopes), pattern) for pattern in patterns):
            return f'{column} is "{finder(scopes)}"'
    return ""
