"""readByQuery: rows of one object by an SQL-like condition, in pages that readMore continues."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.result_sets import ResultSet
from revrec.sandbox.errors import read_failure, schema_violation
from revrec.sandbox.reading.conditions import ConditionCompiler
from revrec.sandbox.reading.objects import object_type
from revrec.sandbox.reading.selection import (
    append_rows,
    read_rows_by_key,
    readable_object,
    select_fields,
    select_keys,
    select_visible,
)
from revrec.sandbox.reading.where_clause import parse_where
from revrec.sandbox.xmltree import Element, Node

_CHILDREN = ("object", "fields", "query", "pagesize", "returnFormat", "docparid")
_PAGE_LIMIT = 1000


def _check(body: Node) -> None:
    for node in body:
        if node.tag not in _CHILDREN or len(body.all(node.tag)) > 1:
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)
    if not body.value("object"):
        raise schema_violation("Element 'readByQuery': Missing child element(s). Expected is ( object ).", body.line)


def _run(call: Call) -> FunctionOutput:
    target = readable_object(call)
    fields = select_fields(target, call.body.value("fields") or "*")
    page_size = _page_size(call.body.value("pagesize") or "100")
    selection = select_visible(target, call, show_private=False)
    condition = parse_where(call.body.value("query") or "")
    if condition is not None:
        selection.add(*ConditionCompiler(target, state_codes=True).sql(condition))
    found = select_keys(call, selection)
    names = tuple(field.name for field in fields)
    docparid = call.body.value("docparid") or ""
    pages = ResultSet(owner(call), target.name, names, found, len(found), page_size, docparid)
    result_id = call.company.result_sets.add(pages) if len(found) > page_size else ""
    return FunctionOutput(next_page(call, pages, result_id))


def _page_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _PAGE_LIMIT:
        raise read_failure(f"The pagesize '{text}' is not a whole number from 1 to {_PAGE_LIMIT}.")
    return int(text)


def owner(call: Call) -> str:
    """Return the owner of a result set: only the same user in the same entity may continue it."""
    return f"{call.caller.user}|{call.caller.location}"


def next_page(call: Call, pages: ResultSet, result_id: str) -> Element:
    """Return the next page of a result set and remove it from the remaining rows."""
    call.company.usage.count(reads=1)
    target = object_type(pages.object, call.company, pages.docparid)
    shown, pages.remaining = pages.remaining[: pages.page_size], pages.remaining[pages.page_size :]
    fields = [target.fields[name] for name in pages.fields]
    texts = read_rows_by_key(call, target, fields, shown)
    data = Element(
        "data",
        listtype=target.name.lower(),
        count=str(len(texts)),
        totalcount=str(pages.total),
        numremaining=str(len(pages.remaining)),
        resultId=result_id,
    )
    append_rows(data, target.name.lower(), fields, texts)
    return data


FUNCTION = GatewayFunction("readByQuery", _run, _check)
