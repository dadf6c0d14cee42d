"""query: select, filter, order and page through one object.

Breaking the published schema of ``query`` is a schema violation (a control failure). An unknown object or field is a
failure of the function.
"""

from dataclasses import dataclass

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import read_failure, schema_violation
from revrec.sandbox.money import format_mills
from revrec.sandbox.reading.conditions import Comparison, Condition, ConditionCompiler, ConditionGroup
from revrec.sandbox.reading.objects import ObjectField, ObjectType, format_value
from revrec.sandbox.reading.selection import (
    RowSelection,
    append_rows,
    count_rows,
    read_rows,
    readable_object,
    select_visible,
)
from revrec.sandbox.xmltree import Element, Node, text_element

_CHILDREN = ("object", "select", "filter", "orderby", "options", "pagesize", "offset", "docparid")
_AGGREGATES = ("count", "avg", "min", "max", "sum")
_OPTIONS = ("caseinsensitive", "showprivate", "returnformat")
_ONE_VALUE = {
    "equalto": "=",
    "notequalto": "!=",
    "lessthan": "<",
    "lessthanorequalto": "<=",
    "greaterthan": ">",
    "greaterthanorequalto": ">=",
    "like": "like",
    "notlike": "not like",
}
_MANY_VALUES = {"in": "in", "notin": "not in"}
_NO_VALUE = {"isnull": "null", "isnotnull": "not null"}


@dataclass(frozen=True, slots=True)
class _Column:
    """A selected field or an aggregate of it; ``tag`` is its element name in the answer."""

    field: ObjectField
    aggregate: str
    tag: str


def _check(body: Node) -> None:
    for node in body:
        if node.tag not in _CHILDREN or len(body.all(node.tag)) > 1:
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)
    select = body.child("select")
    if not body.value("object") or select is None or not select.children:
        raise schema_violation("Element 'query': Missing child element(s). Expected are ( object, select ).", body.line)
    for node in select:
        if node.tag not in ("field", *_AGGREGATES):
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)
    _whole_number(body, "pagesize", 1, 2000)
    _whole_number(body, "offset", 0, 2**31)
    _check_options(body.child("options"))
    _check_order(body.child("orderby"))
    filter_node = body.child("filter")
    if filter_node is not None:
        _condition(_only_child(filter_node))


def _whole_number(body: Node, tag: str, low: int, high: int) -> None:
    node = body.child(tag)
    if node is not None and not (node.text.isdecimal() and low <= int(node.text) <= high):
        rule = f"'{node.text}' is not a whole number from {low} to {high}."
        raise schema_violation(f"Element '{tag}': {rule}", node.line)


def _check_options(options: Node | None) -> None:
    tags = [node.tag for node in options or ()]
    if options is not None and tags != [tag for tag in _OPTIONS if tag in tags]:
        rule = f"expected are, in this order, ( {', '.join(_OPTIONS)} )."
        raise schema_violation(f"Element 'options': {rule}", options.line)


def _check_order(orderby: Node | None) -> None:
    for order in orderby or ():
        directions = [node for node in order if node.tag in ("ascending", "descending")]
        if order.tag != "order" or not order.value("field") or len(directions) > 1 or len(order.children) > 2:
            rule = "Expected is ( order ) holding ( field, ascending | descending )."
            raise schema_violation(f"Element 'orderby': {rule}", order.line)


def _only_child(node: Node) -> Node:
    if len(node.children) != 1:
        raise schema_violation(f"Element '{node.tag}': exactly one operator is expected.", node.line)
    return node.children[0]


def _condition(node: Node) -> Condition:
    if node.tag in ("and", "or"):
        if len(node.children) < 2:
            raise schema_violation(f"Element '{node.tag}': at least two operators are expected.", node.line)
        return ConditionGroup(node.tag, tuple(_condition(child) for child in node))
    field = node.value("field")
    values = tuple(value.text for value in node.all("value"))
    unknown = [child for child in node if child.tag not in ("field", "value")]
    if not field or unknown or len(node.all("field")) != 1:
        raise schema_violation(f"Element '{node.tag}': Expected are ( field, value ).", node.line)
    return Comparison(field, _operator(node, len(values)), values)


def _operator(node: Node, values: int) -> str:
    rules = (
        (_ONE_VALUE, 1, 1),
        (_NO_VALUE, 0, 0),
        (_MANY_VALUES, 1, 1000),
        ({"between": "between"}, 2, 2),
    )
    for names, low, high in rules:
        if node.tag in names:
            if low <= values <= high:
                return names[node.tag]
            wanted = f"{low}" if low == high else f"{low} to {high}"
            raise schema_violation(f"Element '{node.tag}': {wanted} ( value ) expected, not {values}.", node.line)
    raise schema_violation(f"Element '{node.tag}': This element is not expected in ( filter ).", node.line)


def _run(call: Call) -> FunctionOutput:
    body = call.body
    target = readable_object(call)
    call.company.usage.count(reads=1)
    options = body.child("options")
    compiler = ConditionCompiler(target, ignore_case=options is not None and options.value("caseinsensitive") == "true")
    columns = _columns(body, compiler)
    selection = select_visible(target, call, options is not None and options.value("showprivate") == "true")
    filter_node = body.child("filter")
    if filter_node is not None:
        selection.add(*compiler.sql(_condition(_only_child(filter_node))))
    selection.order = _order(body, compiler)
    page_size, offset = int(body.value("pagesize") or 100), int(body.value("offset") or 0)
    if any(column.aggregate for column in columns):
        return FunctionOutput(_aggregated(call, selection, columns))
    return FunctionOutput(_page(call, selection, [column.field for column in columns], page_size, offset))


def _columns(body: Node, compiler: ConditionCompiler) -> list[_Column]:
    select = body.child("select")
    assert select is not None
    if any(node.text == "*" for node in select):
        raise read_failure("The value * is not allowed in select; name the fields.")
    columns = []
    for node in select:
        field = compiler.field(node.text)
        aggregate = "" if node.tag == "field" else node.tag
        columns.append(_Column(field, aggregate, f"{node.tag.upper()}.{field.name}" if aggregate else field.name))
    return columns


def _order(body: Node, compiler: ConditionCompiler) -> str:
    parts = []
    for order in body.child("orderby") or ():
        direction = "DESC" if order.child("descending") is not None else "ASC"
        parts.append(f"{compiler.field(order.value('field') or '').sql} {direction}")
    return ", ".join(parts)


def _page(call: Call, selection: RowSelection, fields: list[ObjectField], page_size: int, offset: int) -> Element:
    total = count_rows(call, selection)
    texts = read_rows(call, selection, fields, page_size, offset)
    data = _data(selection.target, total, offset, len(texts))
    append_rows(data, selection.target.name, fields, texts)
    return data


def _data(target: ObjectType, total: int, offset: int, shown: int) -> Element:
    remaining = max(0, total - offset - shown)
    return Element(
        "data",
        listtype=target.name,
        totalcount=str(total),
        offset=str(offset),
        count=str(shown),
        numremaining=str(remaining),
    )


def _aggregated(call: Call, selection: RowSelection, columns: list[_Column]) -> Element:
    target = selection.target
    groups = ", ".join(column.field.sql for column in columns if not column.aggregate)
    terms = ", ".join(_sql_term(column) for column in columns)
    tail = f" GROUP BY {groups}" if groups else ""
    sql = f"SELECT {terms} FROM {target.source} WHERE {selection.where}{tail}"  # noqa: S608
    found = call.company.store.rows(sql, selection.values)
    data = _data(target, len(found), 0, len(found))
    for row in found:
        element = text_element(data, target.name)
        for at, column in enumerate(columns):
            text_element(element, column.tag, _aggregate_text(column, row[2 * at], row[2 * at + 1]))
    return data


def _sql_term(column: _Column) -> str:
    sql, currency = column.field.sql, column.field.currency_sql
    if column.aggregate == "avg":
        sql = f"sum({sql}) / count({sql})"
    elif column.aggregate:
        sql = f"{column.aggregate}({sql})"
    return f"{sql}, {(f'max({currency})' if column.aggregate else currency) if currency else 'NULL'}"


def _aggregate_text(column: _Column, value: object, currency: str | None) -> str:
    if column.aggregate == "count" or value is None:
        return str(value or 0)
    if column.field.kind == "amount":
        return format_mills(int(str(value)), currency or "")
    return format_value(column.field, value, "")


FUNCTION = GatewayFunction("query", _run, _check)
