"""readMore: the next page of a readByQuery."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import read_fault, schema_fault
from revrec.sandbox.functions.read_by_query import next_page, owner
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if [node.tag for node in body] != ["resultId"]:
        raise schema_fault("Element 'readMore': Expected is ( resultId ).", body.line)


def _run(call: Call) -> Outcome:
    result_id = call.body.value("resultId") or ""
    pages = call.desk.pages.take(result_id, owner(call))
    if pages is None or not pages.remaining:
        raise read_fault(f"The resultId '{result_id}' is unknown, or all of its records have been read.")
    return Outcome(next_page(call, pages, result_id))


FUNCTION = Function("readMore", _run, _check)
