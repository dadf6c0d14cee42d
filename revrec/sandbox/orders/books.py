"""Stored documents: written, replaced, removed, each with its receivable. In the transaction of the caller."""

from __future__ import annotations

import json
from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.ledger.dimensions import by_column
from revrec.sandbox.ledger.ledger import next_recordno
from revrec.sandbox.orders.conversion import claim, release
from revrec.sandbox.orders.document import Document, DocumentLine, read_document
from revrec.sandbox.orders.receivable import Charge, Receivable, delete_receivable, write_receivable
from revrec.sandbox.xmltree import Node

_LOCKED = ("In Progress", "Converted", "Partially Converted")


def write_document(body: Node, call: Call) -> str:
    """Write a new document and what follows from it; its DOCID. Raises Refusal."""
    document = read_document(body, call)
    document.number = document.number or _next_number(document, call)
    docid = f"{document.definition.name}-{document.number}"
    if call.desk.store.value("SELECT 1 FROM sodocument WHERE docid = ?", (docid,)):
        raise Refusal(number_taken(document.number))
    claim(document, call)
    recordno = next_recordno(call.desk)
    _insert(document, docid, recordno, body, call)
    _write_lines(document, recordno, {}, call)
    _write_receivable(document, docid, recordno, call)
    call.desk.usage.count(records_written=1)
    call.desk.store.after_commit(lambda: call.desk.visibility.created(recordno))
    return docid


def number_taken(number: str) -> Error:
    """The refusal of a document number that is in use."""
    return business(
        f"A transaction with the number '{number}' already exists.",
        correction="Use another document number.",
        errorid="SIM-DUPLICATE-NUMBER",
    )


def replace_document(stored: dict[str, Any], body: Node, call: Call) -> None:
    """Write a document anew: number, RECORDNO and lines stay, its receivable is made again under a new RECORDNO."""
    _check_unlocked(stored)
    store, recordno, docid = call.desk.store, stored["recordno"], stored["docid"]
    document = read_document(body, call)
    document.number = stored["docno"]
    kept = dict(store.rows("SELECT line_no, recordno FROM sodocumententry WHERE document = ?", (recordno,)))
    release(recordno, store)
    claim(document, call)
    if stored["prrecord"] is not None:
        delete_receivable(stored["prrecord"], call)
    created, by = stored["created"], stored["created_by"]
    store.execute("DELETE FROM sodocument WHERE recordno = ?", (recordno,))
    _insert(document, docid, recordno, body, call)
    store.execute("UPDATE sodocument SET created = ?, created_by = ? WHERE recordno = ?", (created, by, recordno))
    _write_lines(document, recordno, kept, call)
    _write_receivable(document, docid, recordno, call)
    call.desk.usage.count(records_written=1)


def remove_document(stored: dict[str, Any], call: Call) -> None:
    """Remove a document and its receivable; its source may be converted again."""
    _check_unlocked(stored)
    release(stored["recordno"], call.desk.store)
    if stored["prrecord"] is not None:
        delete_receivable(stored["prrecord"], call)
    call.desk.store.execute("DELETE FROM sodocument WHERE recordno = ?", (stored["recordno"],))
    call.desk.usage.count(records_written=1)


def stored_document(docid: str, call: Call) -> dict[str, Any]:
    """A stored document by its DOCID. Raises Refusal when there is none."""
    found = call.desk.store.dicts("SELECT * FROM sodocument WHERE docid = ?", (docid,))
    if not found:
        raise Refusal(business(f"The document '{docid}' does not exist.", errorid="SIM-NO-RECORD"))
    return found[0]


def _check_unlocked(stored: dict[str, Any]) -> None:
    if stored["state"] in _LOCKED:
        text = f"The document '{stored['docid']}' cannot be changed: its state is {stored['state']}."
        raise Refusal(business(text, errorid="SIM-DOCUMENT-STATE"))


def _next_number(document: Document, call: Call) -> str:
    store, definition = call.desk.store, document.definition
    while True:
        number = f"{definition.prefix}{store.next(f'docno:{definition.name}'):06d}"
        if not store.value("SELECT 1 FROM sodocument WHERE docid = ?", (f"{definition.name}-{number}",)):
            return number


def _insert(document: Document, docid: str, recordno: int, body: Node, call: Call) -> None:
    now = call.desk.clock.now().isoformat(timespec="seconds")
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
        "private_entity": call.who.location or None,
        "created_by": call.who.user,
        "created": now,
        "modified": now,
    }
    call.desk.store.insert("sodocument", row)


def _write_lines(document: Document, recordno: int, kept: dict[int, int], call: Call) -> None:
    """Lines are numbered from 0; those that were there before (`kept`) keep their RECORDNO."""
    store = call.desk.store
    rows = [
        _row(line, kept.get(at) or store.next("sodocumententry_recordno"), recordno, at)
        for at, line in enumerate(document.lines)
    ]
    store.insert("sodocumententry", *rows)


def _row(line: DocumentLine, key: int, recordno: int, at: int) -> dict[str, object]:
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


def _write_receivable(document: Document, docid: str, recordno: int, call: Call) -> None:
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
        charges=[_charge(line, definition.receivable) for line in document.lines],
        module="8.SO",
        description=document.message,
        docnumber=document.reference,
        docid=docid,
        journal=definition.journal,
        custom=document.custom,
    )
    number = write_receivable(receivable, call)
    call.desk.store.execute("UPDATE sodocument SET prrecord = ? WHERE recordno = ?", (number, recordno))


def _charge(line: DocumentLine, receivable: str) -> Charge:
    memo = line.memo or line.description
    return Charge(line.account, receivable, line.mills, line.base_mills, line.entity, line.dimensions, memo)


def to_plain(node: Node) -> list[Any]:
    """An element as plain data: tag, text, children."""
    return [node.tag, node.text, [to_plain(child) for child in node]]


def from_plain(plain: list[Any]) -> Node:
    """The element that `to_plain` wrote."""
    tag, text, children = plain
    return Node(tag, text, children=[from_plain(child) for child in children])
