"""Making a document from another: an invoice takes quantities from the lines of its order, which remembers them."""

from __future__ import annotations

from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.company.store import Store
from revrec.sandbox.errors import Refusal, business
from revrec.sandbox.orders.document import QUANTITY, Document, DocumentLine

_OPEN = ("Pending", "Partially Converted")


def claim(document: Document, call: Call) -> None:
    """Take the document's quantities from its source. Raises Refusal for an unknown, converted or overdrawn one."""
    sourced = [line for line in document.lines if line.source_line is not None]
    if not document.created_from:
        if sourced:
            raise Refusal(business("sourcelinekey needs createdfrom.", errorid="SIM-SOURCE"))
        return
    source = _source(document, call.desk.store)
    for line in sourced:
        _take(line, source, call.desk.store)
    settle(source["docid"], call.desk.store)


def release(recordno: int, store: Store) -> None:
    """Give back what a stored document took from its source."""
    taken = store.rows(
        "SELECT source_line, quantity FROM sodocumententry WHERE document = ? AND source_line IS NOT NULL", (recordno,)
    )
    for source_line, quantity in taken:
        sql = "UPDATE sodocumententry SET converted = converted - ? WHERE recordno = ?"
        store.execute(sql, (quantity, source_line))
    docid = store.value("SELECT createdfrom FROM sodocument WHERE recordno = ?", (recordno,))
    if docid:
        settle(docid, store)


def settle(docid: str, store: Store) -> None:
    """Bring a source's state in line with what was taken: Pending, Partially Converted or Converted."""
    taken, open_lines = store.rows(
        "SELECT sum(l.converted > 0), sum(l.converted < l.quantity) FROM sodocumententry l "
        "JOIN sodocument d ON d.recordno = l.document WHERE d.docid = ?",
        (docid,),
    )[0]
    state = "Pending" if not taken else "Partially Converted" if open_lines else "Converted"
    store.execute("UPDATE sodocument SET state = ? WHERE docid = ?", (state, docid))


def _source(document: Document, store: Store) -> dict[str, Any]:
    docid = document.created_from
    found = store.dicts("SELECT * FROM sodocument WHERE docid = ?", (docid,))
    if not found:
        raise _refused(f"The document '{docid}' to create from does not exist.")
    source = found[0]
    if source["definition"] not in document.definition.sources:
        raise _refused(f"A {document.definition.name} cannot be created from a {source['definition']}.")
    if source["customer"] != document.customer:
        raise _refused(f"The document '{docid}' belongs to the customer {source['customer']}.")
    if source["state"] == "Converted":
        raise _refused(f"The document '{docid}' has already been converted.")
    if source["state"] not in _OPEN:
        raise _refused(f"The document '{docid}' cannot be converted: its state is {source['state']}.")
    return source


def _take(line: DocumentLine, source: dict[str, Any], store: Store) -> None:
    sql = "SELECT item, quantity, converted FROM sodocumententry WHERE recordno = ? AND document = ?"
    found = store.rows(sql, (line.source_line, source["recordno"]))
    if not found:
        raise _refused(f"The sourcelinekey {line.source_line} is not a line of '{source['docid']}'.")
    item, quantity, converted = found[0]
    if item != line.item:
        raise _refused(f"The line {line.source_line} of '{source['docid']}' has the item {item}, not {line.item}.")
    if line.quantity > quantity - converted:
        rest = f"{(quantity - converted) / QUANTITY:g}"
        raise _refused(f"The line {line.source_line} of '{source['docid']}' has only {rest} left to convert.")
    store.execute(
        "UPDATE sodocumententry SET converted = converted + ? WHERE recordno = ?", (line.quantity, line.source_line)
    )


def _refused(text: str) -> Refusal:
    return Refusal(business(text, errorid="SIM-CONVERSION"))
