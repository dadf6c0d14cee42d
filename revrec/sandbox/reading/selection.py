"""Selection of rows of an object: visibility, order, paging, and the elements they are written to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import read_failure
from revrec.sandbox.reading.objects import ObjectField, ObjectType, format_value, object_type
from revrec.sandbox.xmltree import Element, text_element

_SHUFFLE = 2_654_435_761
_MODULUS = 1_000_003


@dataclass(slots=True)
class RowSelection:
    """The selected rows of an object: SQL conditions with values, and an ORDER BY (empty: no guaranteed order)."""

    target: ObjectType
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    order: str = ""

    def add(self, sql: str, values: Sequence[object] = ()) -> None:
        """Add a condition that must also hold."""
        self.conditions.append(sql)
        self.values.extend(values)

    @property
    def where(self) -> str:
        """The WHERE clause."""
        return " AND ".join(self.conditions) if self.conditions else "1"


def readable_object(call: Call) -> ObjectType:
    """Return the object that a query or read names, restricted to the transaction definition in ``docparid``.

    Raises:
        FunctionFailure: it does not exist, or the user may not read it.
    """
    target = object_type(call.body.value("object") or "", call.company, call.body.value("docparid") or "")
    call.require("read", target.name)
    return target


def select_visible(target: ObjectType, call: Call, show_private: bool) -> RowSelection:
    """Select what the caller may see: no delayed entries and no private records of other entities.

    At the top level, private records are included only with ``show_private``; an entity sees its records and top-level
    records.
    """
    selection = RowSelection(target)
    if target.where:
        selection.add(target.where)
    if target.private and call.caller.location:
        selection.add(f"({target.private} IS NULL OR {target.private} = ?)", (call.caller.location,))
    elif target.private and not show_private:
        # The option showprivate of query is off by default, so entity-private entries are missing at the top level.
        selection.add(f"{target.private} IS NULL")
    hidden = call.company.visibility.hidden_from_this_read() if target.entry else []
    if hidden:
        selection.add(f"{target.entry} NOT IN ({', '.join('?' * len(hidden))})", hidden)
    return selection


def shuffled_order(target: ObjectType, call: Call) -> str:
    """Return an ORDER BY that differs from call to call.

    Without orderby the real gateway guarantees no order, so clients must not depend on one.
    """
    call.company.usage.shuffles += 1
    salt = call.company.seed * 7919 + call.company.usage.shuffles * 104_729
    return f"(({target.key} + {salt}) * {_SHUFFLE}) % {_MODULUS}"


def select_fields(target: ObjectType, names: str) -> list[ObjectField]:
    """Return the fields in a comma-separated list, or all fields for ``*`` or an empty list.

    Raises:
        FunctionFailure: a field is unknown.
    """
    wanted = [name.strip().upper() for name in names.split(",") if name.strip()]
    if not wanted or wanted == ["*"]:
        return [item for item in target.fields.values() if "." not in item.name]
    unknown = [name for name in wanted if name not in target.fields]
    if unknown:
        raise read_failure(f"Invalid fields list {','.join(unknown)}")
    return [target.fields[name] for name in wanted]


def select_keys(call: Call, selection: RowSelection) -> list[int]:
    """Return the RECORDNO of each selected row, in order."""
    target = selection.target
    order = selection.order or shuffled_order(target, call)
    sql = f"SELECT {target.key} FROM {target.source} WHERE {selection.where} ORDER BY {order}"  # noqa: S608
    return [row[0] for row in call.company.store.rows(sql, selection.values)]


def count_rows(call: Call, selection: RowSelection) -> int:
    """Count the selected rows."""
    sql = f"SELECT count(*) FROM {selection.target.source} WHERE {selection.where}"  # noqa: S608
    return int(call.company.store.value(sql, selection.values))


def read_rows(
    call: Call, selection: RowSelection, fields: Sequence[ObjectField], limit: int, offset: int = 0
) -> list[list[str]]:
    """Return the texts of ``fields`` for each selected row on one page."""
    target = selection.target
    columns = ", ".join(f"{item.sql}, {item.currency_sql or 'NULL'}" for item in fields)
    order = selection.order or shuffled_order(target, call)
    sql = f"SELECT {columns} FROM {target.source} WHERE {selection.where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    found = call.company.store.rows(sql, [*selection.values, limit, offset])
    return [[format_value(item, row[2 * at], row[2 * at + 1] or "") for at, item in enumerate(fields)] for row in found]


def read_rows_by_key(
    call: Call, target: ObjectType, fields: Sequence[ObjectField], recordnos: Sequence[int]
) -> list[list[str]]:
    """Return the texts of ``fields`` for these rows, in the order of ``recordnos``; missing rows are left out."""
    selection = RowSelection(target, order=target.key)
    if target.where:
        selection.add(target.where)
    marks = ", ".join("?" * len(recordnos))
    selection.add(f"{target.key} IN ({marks})", recordnos)
    keyed = [ObjectField("", target.key, "integer"), *fields]
    found = {row[0]: row[1:] for row in read_rows(call, selection, keyed, len(recordnos))}
    return [found[str(key)] for key in recordnos if str(key) in found]


def append_rows(data: Element, tag: str, fields: Sequence[ObjectField], texts: Sequence[Sequence[str]]) -> None:
    """Append one element for each row, with its fields in the requested order."""
    for row in texts:
        element = text_element(data, tag)
        for item, text in zip(fields, row, strict=True):
            text_element(element, item.name, text)
