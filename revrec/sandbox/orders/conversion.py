"""Conversion of documents: an invoice converts quantities of the lines of its order, and the order counts them."""

from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.company.store import Store
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.orders.document import QUANTITY, SalesDocument, SalesDocumentLine

_OPEN = ("Pending", "Partially Converted")


def convert_from_source(document: SalesDocument, call: Call) -> None:
    """Convert the quantities of a document from the lines of its source document.

    Raises:
        FunctionFailure: the source is unknown or already converted, or has less left than the document needs.
    """
    sourced = [line for line in document.lines if line.source_line is not None]
    if not document.created_from:
        if sourced:
            raise FunctionFailure(business_error("sourcelinekey needs createdfrom.", errorid="SIM-SOURCE"))
        return
    source = _source(document, call.company.store)
    for line in sourced:
        _convert_line(line, source, call.company.store)
    update_source_state(source["docid"], call.company.store)


def return_to_source(recordno: int, store: Store) -> None:
    """Return the quantities of a stored document to its source."""
    converted = store.rows(
        "SELECT source_line, quantity FROM sodocumententry WHERE document = ? AND source_line IS NOT NULL", (recordno,)
    )
    for source_line, quantity in converted:
        sql = "UPDATE sodocumententry SET converted = converted - ? WHERE recordno = ?"
        store.execute(sql, (quantity, source_line))
    docid = store.value("SELECT createdfrom FROM sodocument WHERE recordno = ?", (recordno,))
    if docid:
        update_source_state(docid, store)


def update_source_state(docid: str, store: Store) -> None:
    """Set the state of a source to Pending, Partially Converted or Converted, from the converted quantities."""
    converted_lines, open_lines = store.rows(
        "SELECT sum(l.converted > 0), sum(l.converted < l.quantity) FROM sodocumententry l "
        "JOIN sodocument d ON d.recordno = l.document WHERE d.docid = ?",
        (docid,),
    )[0]
    state = "Pending" if not converted_lines else "Partially Converted" if open_lines else "Converted"
    store.execute("UPDATE sodocument SET state = ? WHERE docid = ?", (state, docid))


def _source(document: SalesDocument, store: Store) -> dict[str, Any]:
    docid = document.created_from
    found = store.dicts("SELECT * FROM sodocument WHERE docid = ?", (docid,))
    if not found:
        raise _conversion_failure(f"The document '{docid}' to create from does not exist.")
    source = found[0]
    if source["definition"] not in document.definition.sources:
        raise _conversion_failure(f"A {document.definition.name} cannot be created from a {source['definition']}.")
    if source["customer"] != document.customer:
        raise _conversion_failure(f"The document '{docid}' belongs to the customer {source['customer']}.")
    if source["state"] == "Converted":
        raise _conversion_failure(f"The document '{docid}' has already been converted.")
    if source["state"] not in _OPEN:
        raise _conversion_failure(f"The document '{docid}' cannot be converted: its state is {source['state']}.")
    return source


def _convert_line(line: SalesDocumentLine, source: dict[str, Any], store: Store) -> None:
    sql = "SELECT item, quantity, converted FROM sodocumententry WHERE recordno = ? AND document = ?"
    found = store.rows(sql, (line.source_line, source["recordno"]))
    if not found:
        raise _conversion_failure(f"The sourcelinekey {line.source_line} is not a line of '{source['docid']}'.")
    item, quantity, converted = found[0]
    if item != line.item:
        raise _conversion_failure(
            f"The line {line.source_line} of '{source['docid']}' has the item {item}, not {line.item}."
        )
    if line.quantity > quantity - converted:
        rest = f"{(quantity - converted) / QUANTITY:g}"
        raise _conversion_failure(
            f"The line {line.source_line} of '{source['docid']}' has only {rest} left to convert."
        )
    store.execute(
        "UPDATE sodocumententry SET converted = converted + ? WHERE recordno = ?", (line.quantity, line.source_line)
    )


def _conversion_failure(text: str) -> FunctionFailure:
    return FunctionFailure(business_error(text, errorid="SIM-CONVERSION"))
