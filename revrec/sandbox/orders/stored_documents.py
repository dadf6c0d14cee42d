"""Order-entry documents in the store: write, replace and delete, together with their receivables.

Everything here runs inside the caller's transaction.
"""

import json
from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.ledger.dimensions import by_column
from revrec.sandbox.ledger.ledger import next_recordno
from revrec.sandbox.orders.conversion import convert_from_source, return_to_source
from revrec.sandbox.orders.definitions import TransactionDefinition
from revrec.sandbox.orders.document import SalesDocument, SalesDocumentLine, read_document
from revrec.sandbox.orders.receivable import (
    ARADJUSTMENT,
    ARINVOICE,
    Receivable,
    ReceivableLine,
    delete_receivable,
    write_receivable,
)
from revrec.sandbox.xmltree import Node

_LOCKED = ("In Progress", "Converted", "Partially Converted")


def write_document(body: Node, call: Call) -> str:
    """Write a new document with its receivable and journal entry, and return its DOCID.

    Raises:
        FunctionFailure: the document is invalid, or its number is in use.
    """
    document = read_document(body, call)
    document.number = document.number or _next_number(document, call)
    docid = f"{document.definition.name}-{document.number}"
    if call.company.store.value("SELECT 1 FROM sodocument WHERE docid = ?", (docid,)):
        raise FunctionFailure(number_taken(document.number))
    convert_from_source(document, call)
    recordno = next_recordno(call.company)
    _insert(document, docid, recordno, body, call)
    _write_lines(document, recordno, {}, call)
    _write_receivable(document, docid, recordno, call)
    call.company.usage.count(records_written=1)
    call.company.store.after_commit(lambda: call.company.visibility.created(recordno))
    return docid


def number_taken(number: str) -> Error:
    """Return the error for a document number that is in use."""
    return business_error(
        f"A transaction with the number '{number}' already exists.",
        correction="Use another document number.",
        errorid="SIM-DUPLICATE-NUMBER",
    )


def replace_document(stored: dict[str, Any], body: Node, call: Call) -> None:
    """Replace a document. Its number, RECORDNO and line RECORDNOs stay; its receivable gets a new RECORDNO.

    Raises:
        FunctionFailure: the new document is invalid, or the stored one is locked by its state.
    """
    _check_unlocked(stored)
    store, recordno, docid = call.company.store, stored["recordno"], stored["docid"]
    document = read_document(body, call)
    document.number = stored["docno"]
    recordnos = dict(store.rows("SELECT line_no, recordno FROM sodocumententry WHERE document = ?", (recordno,)))
    return_to_source(recordno, store)
    convert_from_source(document, call)
    if stored["prrecord"] is not None:
        delete_receivable(stored["prrecord"], call)
    created, by = stored["created"], stored["created_by"]
    store.execute("DELETE FROM sodocument WHERE recordno = ?", (recordno,))
    _insert(document, docid, recordno, body, call)
    store.execute("UPDATE sodocument SET created = ?, created_by = ? WHERE recordno = ?", (created, by, recordno))
    _write_lines(document, recordno, recordnos, call)
    _write_receivable(document, docid, recordno, call)
    call.company.usage.count(records_written=1)


def remove_document(stored: dict[str, Any], call: Call) -> None:
    """Delete a document and its receivable, and return its quantities to the source document.

    Raises:
        FunctionFailure: the document is locked by its state, or its period is closed.
    """
    _check_unlocked(stored)
    return_to_source(stored["recordno"], call.company.store)
    if stored["prrecord"] is not None:
        delete_receivable(stored["prrecord"], call)
    call.company.store.execute("DELETE FROM sodocument WHERE recordno = ?", (stored["recordno"],))
    call.company.usage.count(records_written=1)


def stored_document(docid: str, call: Call) -> dict[str, Any]:
    """Return a stored document by its DOCID.

    Raises:
        FunctionFailure: it does not exist.
    """
    found = call.company.store.dicts("SELECT * FROM sodocument WHERE docid = ?", (docid,))
    if not found:
        raise FunctionFailure(business_error(f"The document '{docid}' does not exist.", errorid="SIM-NO-RECORD"))
    return found[0]


def _check_unlocked(stored: dict[str, Any]) -> None:
    if stored["state"] in _LOCKED:
        text = f"The document '{stored['docid']}' cannot be changed: its state is {stored['state']}."
        raise FunctionFailure(business_error(text, errorid="SIM-DOCUMENT-STATE"))


def _next_number(document: SalesDocument, call: Call) -> str:
    store, definition = call.company.store, document.definition
    while True:
        number = f"{definition.prefix}{store.next(f'docno:{definition.name}'):06d}"
        if not store.value("SELECT 1 FROM sodocument WHERE docid = ?", (f"{definition.name}-{number}",)):
            return number


def _insert(document: SalesDocument, docid: str, recordno: int, body: Node, call: Call) -> None:
    now = call.company.clock.now().isoformat(timespec="seconds")
    row = {
        "recordno": recordno,
        "docid": docid,
        "definition": document.definition.name,
        "docno": document.number,
        "state": document.state,
        "customer": document.customer,
        "created_day": document.created.isoformat(),
        "posted_day": document.posted.isoformat(),
        "due_day": document.due.isoformat(),
        "term": document.term,
        "reference": document.reference or None,
        "message": document.message or None,
        "currency": document.currency,
        "mills": sum(line.mills for line in document.lines),
        "base_mills": sum(line.base_mills for line in document.lines),
        "createdfrom": document.created_from or None,
        "externalid": document.external_id or None,
        "custom": json.dumps(document.custom, sort_keys=True),
        "body": json.dumps(to_plain(body)),
        "private_entity": call.caller.location or None,
        "created_by": call.caller.user,
        "created": now,
        "modified": now,
    }
    call.company.store.insert("sodocument", row)


def _write_lines(document: SalesDocument, recordno: int, recordnos: dict[int, int], call: Call) -> None:
    """Write the lines, numbered from 0. Lines that existed before keep the RECORDNO in ``recordnos``."""
    store = call.company.store
    rows = [
        _row(line, recordnos.get(at) or store.next("sodocumententry_recordno"), recordno, at)
        for at, line in enumerate(document.lines)
    ]
    store.insert("sodocumententry", *rows)


def _row(line: SalesDocumentLine, key: int, recordno: int, at: int) -> dict[str, object]:
    return {
        "recordno": key,
        "document": recordno,
        "line_no": at,
        "item": line.item,
        "itemdesc": line.description,
        "quantity": line.quantity,
        "unit": line.unit,
        "price": f"{line.price.normalize():f}",
        "mills": line.mills,
        "base_mills": line.base_mills,
        "memo": line.memo or None,
        "source_line": line.source_line,
        "account": line.account,
        "custom": json.dumps(line.custom, sort_keys=True),
        **by_column(line.dimensions),
    }


def _write_receivable(document: SalesDocument, docid: str, recordno: int, call: Call) -> None:
    definition = document.definition
    if not definition.posts or document.state == "Draft":
        return
    receivable = Receivable(
        recordid=document.number,
        customer=document.customer,
        created=document.created,
        posted=document.posted,
        due=document.due,
        term=document.term,
        currency=document.currency,
        lines=[_receivable_line(line, definition) for line in document.lines],
        module="8.SO",
        description=document.message,
        docnumber=document.reference,
        docid=docid,
        journal=definition.journal,
        record_type=ARADJUSTMENT if definition.credits else ARINVOICE,
        custom=document.custom,
    )
    number = write_receivable(receivable, call)
    call.company.store.execute("UPDATE sodocument SET prrecord = ? WHERE recordno = ?", (number, recordno))


def _receivable_line(line: SalesDocumentLine, definition: TransactionDefinition) -> ReceivableLine:
    memo, sign = line.memo or line.description, -1 if definition.credits else 1
    amounts = (sign * line.mills, sign * line.base_mills)
    return ReceivableLine(line.account, definition.receivable, *amounts, line.entity, line.dimensions, memo)


def to_plain(node: Node) -> list[Any]:
    """Convert an element to plain data: tag, text, children."""
    return [node.tag, node.text, [to_plain(child) for child in node]]


def from_plain(plain: list[Any]) -> Node:
    """Convert the result of ``to_plain`` back to an element."""
    tag, text, children = plain
    return Node(tag, text, children=[from_plain(child) for child in children])
