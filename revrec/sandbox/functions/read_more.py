"""readMore: the next page of a readByQuery."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import read_failure, schema_violation
from revrec.sandbox.functions.read_by_query import next_page, owner
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if [node.tag for node in body] != ["resultId"]:
        raise schema_violation("Element 'readMore': Expected is ( resultId ).", body.line)


def _run(call: Call) -> FunctionOutput:
    result_id = call.body.value("resultId") or ""
    pages = call.company.result_sets.find(result_id, owner(call))
    if pages is None or not pages.remaining:
        raise read_failure(f"The resultId '{result_id}' is unknown, or all of its records have been read.")
    return FunctionOutput(next_page(call, pages, result_id))


FUNCTION = GatewayFunction("readMore", _run, _check)
