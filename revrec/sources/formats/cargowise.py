"""CargoWise universal XML: transactions and shipments to charge lines, events and shipments to deliveries.

- ``UniversalTransaction``, also in batches: each posting journal of a receivables invoice or credit note, without tax.
  The journals must add up to the transaction's amounts. The amounts of a credit note are negative.
- ``UniversalShipment``, also sub-shipments: the charge lines of its job costing whose sell side is posted; and its
  delivery, by the milestone POD or DCF or the completed delivery cartage.
- ``UniversalEvent``: each event with its type and time, except estimates.

Namespaces and wrappers (interchanges, batches) are ignored. A DOCTYPE is refused.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from lxml import etree

from revrec.sources.documents import (
    PART,
    BrokenDocument,
    ColumnFinder,
    DocumentColumns,
    DocumentOutcome,
    DocumentRows,
    FoundRecord,
    SkippedDocument,
    read_whole,
)
from revrec.sources.edi.segments import number, plain
from revrec.sources.formats.xml import damage, has_errors, pull_parser, refuse_early_doctype
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".cargowise", ".cw1")
OWN = (
    "type", "document", "line", "invoice_line", "kind", "item", "description", "amount", "currency", "customer", "date",
    "branch", "department", "job", "shipment", "status",
)  # fmt: skip
"""The derived columns. ``document.PATH`` and ``line.PATH`` name any other element."""

LARGEST_DOCUMENT = 16 * 1024 * 1024
"""Most bytes of one transaction, shipment or event, which is held in memory."""

_ELEMENTS = {
    "document": "Number", "line": "Sequence", "invoice_line": "Number, Sequence", "shipment": "Job/Key",
    "item": "ChargeCode/Code, GLAccount/AccountCode", "amount": "OSAmount, SellOSAmount",
    "currency": "OSCurrency/Code, SellOSCurrency/Code", "customer": "OrganizationAddress/OrganizationCode, Debtor/Key",
    "date": "PostDate, TransactionDate, EventTime", "branch": "Branch/Code", "department": "Department/Code",
    "job": "Job/Key", "status": "EventType",
}  # fmt: skip
"""The elements that the derived columns come from."""

_HEADER_AMOUNTS = {
    "OSExGSTVATAmount": "OSAmount",
    "OSGSTVATAmount": "OSGSTVATAmount",
    "LocalExVATAmount": "LocalAmount",
    "LocalVATAmount": "LocalGSTVATAmount",
}
"""Amounts of a transaction, each with the amount of a posting journal that adds up to it."""

_HEADER_TOTALS = (("OSTotal", "OSAmount", "OSGSTVATAmount"), ("LocalTotal", "LocalAmount", "LocalGSTVATAmount"))
"""Totals with tax, each with the amounts of a posting journal that add up to it."""

DEEPEST = 100
CREDIT = "CRD"
DELIVERED = ("POD", "DCF")
"""Milestones of a delivery: proof of delivery, delivery cartage finalized."""

_DOCUMENTS = ("TransactionInfo", "Transaction", "Shipment", "SubShipment", "Event")
Element = Any


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the charges or events of every document, numbered from 1 in their order."""
    refuse_early_doctype(source)
    columns = DocumentColumns(
        source, mapping, OWN, _path_column, "document.OSCurrency.Code or line.GLAccount.AccountCode", _ELEMENTS
    )
    convert = _charges if mapping.rows == "charges" else _events
    rows = DocumentRows(_outcomes(source, mapping, convert), columns.row)
    expected = "it needs a UniversalTransaction, a UniversalShipment or a UniversalEvent"
    elements = columns.elements
    return Table(columns.header, rows.records(), lambda _number: rows.place, expected=expected, elements=elements)


def _outcomes(
    source: SourceStream, mapping: ColumnMapping, convert: Callable[[Element, str], Iterable[DocumentOutcome]]
) -> Iterator[DocumentOutcome]:
    for number_, element in enumerate(_elements(source, mapping), start=1):
        place = f"document {number_} ({_local(element)}, line {element.sourceline})"
        yield from read_whole(partial(convert, element, place), partial(_source_text, element))
        _forget(element)


def _elements(source: SourceStream, mapping: ColumnMapping) -> Iterator[Element]:
    """Yield each document when it has ended. A document inside another is read with that one."""
    parser = pull_parser([f"{{*}}{name}" for name in _DOCUMENTS], mapping.encoding)
    since_document = 0
    try:
        while block := source.read():
            parser.feed(block)
            if has_errors(parser):
                parser.close()
            since_document += len(block)
            for element in _ended(parser):
                since_document = 0
                yield _checked(source, element)
            if since_document > LARGEST_DOCUMENT:
                limit = LARGEST_DOCUMENT // 1024 // 1024
                raise source.error(
                    f"byte {source.size}", f"{limit} MiB without the end of a document", "ask the sender to split it"
                )
        parser.close()
    except etree.XMLSyntaxError as err:
        raise damage(source, err) from None
    yield from (_checked(source, element) for element in _ended(parser))


def _ended(parser: Any) -> Iterator[Element]:
    for _event, element in parser.read_events():
        if not any(_local(above) in _DOCUMENTS for above in element.iterancestors()):
            yield element


def _checked(source: SourceStream, element: Element) -> Element:
    if element.getroottree().docinfo.internalDTD is not None:
        place = f"before line {element.sourceline}"
        raise source.error(place, "a DOCTYPE is not allowed", "remove it and replace its entities with their values")
    return element


def _source_text(element: Element) -> list[str]:
    return [etree.tostring(element, encoding="unicode", with_tail=False)]


def _forget(element: Element) -> None:
    """Free the memory of a document that was read, and of what precedes it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _at(element: Element, *names: str) -> str:
    """Return the text at a path of element names; empty if the path does not exist."""
    for name in names:
        element = next((child for child in element if _local(child) == name), None) if element is not None else None
    return (element.text or "").strip() if element is not None else ""


def _all(element: Element, *names: str) -> list[Element]:
    """Return the elements with the last name under the path of the others."""
    *path, last = names
    for name in path:
        element = next((child for child in element if _local(child) == name), None)
        if element is None:
            return []
    return [child for child in element if _local(child) == last]


def _path_column(column: str) -> ColumnFinder | None:
    root, *names = column.split(".")
    if root not in ("document", "line") or not names:
        return None
    return lambda scopes: _at(scopes[root], *names) if scopes.get(root) is not None else ""


def _amount(element: Element, place: str, *names: str) -> Decimal:
    text = _at(element, *names)
    try:
        return number(text)
    except InvalidValue as refused:
        raise BrokenDocument("/".join(names), text, refused.reason, place) from None


def _charges(element: Element, place: str) -> Iterator[DocumentOutcome]:
    kind = _local(element)
    if kind in ("TransactionInfo", "Transaction"):
        yield from _transaction(element, place)
    elif kind in ("Shipment", "SubShipment"):
        yield from _costing(element, place, 1)
    else:
        yield SkippedDocument("it is an event, which has no charges", place)


def _transaction(element: Element, place: str) -> Iterator[DocumentOutcome]:
    ledger, kind, document = _at(element, "Ledger"), _at(element, "TransactionType"), _at(element, "Number")
    if ledger != "AR" or kind not in ("INV", CREDIT):
        yield SkippedDocument(
            f"it is {ledger or 'without ledger,'} {kind}".strip() + ", not a receivables invoice or credit note", place
        )
        return
    if _at(element, "IsCancelled").lower() == "true":
        yield SkippedDocument("it is canceled", place)
        return
    if not document:
        raise BrokenDocument("Number", "", "is missing", place)
    journals = _all(element, "PostingJournalCollection", "PostingJournal")
    amounts = [_amount(journal, place, "OSAmount") for journal in journals]
    _check_amounts(element, journals, kind, place)
    sign = -1 if kind == CREDIT and sum(amounts, Decimal(0)) > 0 else 1
    shared = {
        "type": kind,
        PART: f"{kind} {document}",
        "document": document,
        "date": _at(element, "PostDate") or _at(element, "TransactionDate"),
        "customer": _at(element, "OrganizationAddress", "OrganizationCode"),
        "kind": "line" if kind == "INV" else "credit",
    }
    for at, (journal, amount) in enumerate(zip(journals, amounts, strict=True), 1):
        line = _at(journal, "Sequence") or str(at)
        here = f"{place}, line {line}"
        if not amount:
            yield SkippedDocument("its amount is zero", here)
            continue
        values = {
            **shared,
            "line": line,
            "invoice_line": f"{document}-{line}".replace("/", "-"),
            "item": _at(journal, "ChargeCode", "Code") or _at(journal, "GLAccount", "AccountCode"),
            "description": _at(journal, "Description"),
            "amount": plain(sign * amount),
            "currency": _at(journal, "OSCurrency", "Code") or _at(element, "OSCurrency", "Code"),
            "branch": _at(journal, "Branch", "Code") or _at(element, "Branch", "Code"),
            "department": _at(journal, "Department", "Code") or _at(element, "Department", "Code"),
            "job": _at(journal, "Job", "Key") or _at(element, "Job", "Key"),
            "shipment": _at(journal, "Job", "Key") or _at(element, "Job", "Key") or document,
        }
        yield FoundRecord(values, {"document": element, "line": journal}, here)


def _check_amounts(transaction: Element, journals: list[Element], kind: str, place: str) -> None:
    """Compare each amount of a transaction with its posting journals, as far as both state it.

    The amounts of a credit note are negative in some versions and positive in others, in the transaction or in its
    journals, but then all of them; an invoice's journals must have the same sign.

    Raises:
        BrokenDocument: an amount differs from the journals, or a journal is in another currency.
    """
    currency = _at(transaction, "OSCurrency", "Code")
    other = next((one for one in journals if _at(one, "OSCurrency", "Code") not in ("", currency)), None)
    if currency and other is not None:
        reason = f"is not {currency}, the currency of the transaction"
        raise BrokenDocument("OSCurrency", _at(other, "OSCurrency", "Code"), reason, place)
    sums: list[tuple[str, tuple[str, ...]]] = [(name, (of_journal,)) for name, of_journal in _HEADER_AMOUNTS.items()]
    sums += [(total, (net, tax)) for total, net, tax in _HEADER_TOTALS]
    turned, same = set[str](), set[str]()
    for name, parts in sums:
        stated = _at(transaction, name)
        if not stated or not all(_at(one, part) for one in journals for part in parts):
            continue
        amount = _amount(transaction, place, name)
        found = sum((_amount(one, place, part) for part in parts for one in journals), Decimal(0))
        if kind == CREDIT and found and amount == -found:
            turned.add(name)
        elif kind == CREDIT and found and amount == found:
            same.add(name)
        elif amount != found:
            raise BrokenDocument(name, stated, f"the journals add up to {plain(found)}", place)
    if turned and same:
        reason = f"has the sign of its journals, but {', '.join(sorted(turned))} has not"
        raise BrokenDocument(min(same), _at(transaction, min(same)), reason, place)


def _costing(shipment: Element, place: str, depth: int) -> Iterator[DocumentOutcome]:
    """Yield the posted sell side of the charge lines of a shipment and its sub-shipments."""
    if depth > DEEPEST:
        raise BrokenDocument("SubShipment", "", "is nested too deeply", place)
    key = _key(shipment)
    for at, line in enumerate(_all(shipment, "JobCosting", "ChargeLineCollection", "ChargeLine"), 1):
        here = f"{place}, shipment {key or '?'}, charge {at}"
        if _at(line, "SellIsPosted").lower() != "true":
            yield SkippedDocument("its sell side is not posted", here)
            continue
        amount, code = _amount(line, here, "SellOSAmount"), _at(line, "ChargeCode", "Code")
        if not amount:
            yield SkippedDocument("its amount is zero", here)
            continue
        credit = _at(line, "SellPostedTransactionType") == CREDIT
        values = {
            "type": "credit" if credit else "shipment",
            PART: f"shipment {key}",
            "document": _at(line, "SellPostedTransactionNumber") or key,
            "line": f"{key}-{_at(line, 'DisplaySequence') or at}-{code}".replace("/", "-"),
            "kind": "credit" if credit else "line",
            "item": code,
            "description": _at(line, "Description"),
            "amount": plain(-amount if credit and amount > 0 else amount),
            "currency": _at(line, "SellOSCurrency", "Code"),
            "customer": _at(line, "Debtor", "Key"),
            "date": _at(line, "SellPostedTransactionDate") or _at(line, "SellTaxDate"),
            "branch": _at(line, "Branch", "Code"),
            "department": _at(line, "Department", "Code"),
            "job": key,
            "shipment": key,
        }
        yield FoundRecord(values, {"document": shipment, "line": line}, here)
    for sub in _all(shipment, "SubShipmentCollection", "SubShipment"):
        yield from _costing(sub, place, depth + 1)


def _key(element: Element) -> str:
    """Return the key of the job that a document is about: a shipment if there is one, else any other job."""
    found = [
        (_at(one, "Type"), _at(one, "Key"))
        for collection, name in (("DataSourceCollection", "DataSource"), ("DataTargetCollection", "DataTarget"))
        for one in _all(element, "DataContext", collection, name)
    ]
    keys = [key for kind, key in found if kind == "ForwardingShipment" and key] + [key for _kind, key in found if key]
    return keys[0] if keys else ""


def _events(element: Element, place: str) -> Iterator[DocumentOutcome]:
    kind = _local(element)
    if kind == "Event":
        yield _event(element, place)
    elif kind in ("Shipment", "SubShipment"):
        yield from _delivered(element, place, 1)
    else:
        yield SkippedDocument("it is a transaction, which has no deliveries", place)


def _event(event: Element, place: str) -> DocumentOutcome:
    if _at(event, "IsEstimate").lower() == "true":
        return SkippedDocument("it is an estimate", place)
    values = {
        "type": "event",
        "status": _at(event, "EventType"),
        "date": _at(event, "EventTime"),
        "shipment": _key(event),
        "job": _key(event),
        "document": _context(event, "InvoiceNumber") or _key(event),
        "description": _at(event, "EventReference"),
    }
    return FoundRecord(values, {"document": event, "line": event}, place)


def _context(event: Element, wanted: str) -> str:
    """Return a context value of the event by its type."""
    for one in _all(event, "ContextCollection", "Context"):
        if wanted in (_at(one, "Type"), _at(one, "Type", "Code")):
            return _at(one, "Value")
    return ""


def _delivered(shipment: Element, place: str, depth: int) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a shipment and its sub-shipments."""
    if depth > DEEPEST:
        raise BrokenDocument("SubShipment", "", "is nested too deeply", place)
    key = _key(shipment)
    here = f"{place}, shipment {key or '?'}"
    milestones = _all(shipment, "MilestoneCollection", "Milestone")
    days = [_at(one, "ActualDate") for one in milestones if _at(one, "EventCode") in DELIVERED]
    day = next(filter(None, days), "") or _at(shipment, "LocalProcessing", "DeliveryCartageCompleted")
    subs = _all(shipment, "SubShipmentCollection", "SubShipment")
    if day:
        values = {"type": "shipment", "status": "POD", "date": day, "shipment": key, "job": key, "document": key}
        yield FoundRecord(values, {"document": shipment, "line": shipment}, here)
    elif not subs:
        yield SkippedDocument("it has no delivery", here)
    for sub in subs:
        yield from _delivered(sub, place, depth + 1)
