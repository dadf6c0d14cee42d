"""Reading rows of an object: visibility, order, paging and the elements they are written into."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import read_failure
from revrec.sandbox.reading.objects import ObjectField, ObjectType, write_value
from revrec.sandbox.xmltree import Element, text_element

_SHUFFLE = 2_654_435_761
_MODULUS = 1_000_003


@dataclass(slots=True)
class RowSelection:
    """Which rows of an object: SQL conditions with their values, and an ORDER BY (empty: no certain order)."""

    target: ObjectType
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    order: str = ""

    def add(self, sql: str, values: Sequence[object] = ()) -> None:
        """Another condition that must hold."""
        self.conditions.append(sql)
        self.values.extend(values)

    @property
    def where(self) -> str:
        """The WHERE clause."""
        return " AND ".join(self.conditions) if self.conditions else "1"


def visible(target: ObjectType, call: Call, show_private: bool) -> RowSelection:
    """A selection of what the caller may see: no entry in its visibility delay, no private data of other entities.

    At the top level private records show only with `show_private`; an entity sees its own and the top level's.
    """
    selection = RowSelection(target)
    if target.where:
        selection.add(target.where)
    if target.private and call.caller.location:
        selection.add(f"({target.private} IS NULL OR {target.private} = ?)", (call.caller.location,))
    elif target.private and not show_private:
        selection.add(f"{target.private} IS NULL")
    hidden = call.company.visibility.hidden_from_this_read() if target.entry else []
    if hidden:
        selection.add(f"{target.entry} NOT IN ({', '.join('?' * len(hidden))})", hidden)
    return selection


def uncertain_order(target: ObjectType, call: Call) -> str:
    """An ORDER BY that differs from call to call: without orderby the gateway promises nothing."""
    call.company.usage.shuffles += 1
    salt = call.company.seed * 7919 + call.company.usage.shuffles * 104_729
    return f"(({target.key} + {salt}) * {_SHUFFLE}) % {_MODULUS}"


def chosen_fields(target: ObjectType, names: str) -> list[ObjectField]:
    """The fields in a comma-separated list, or all for `*` or nothing. Raises FunctionFailure for an unknown one."""
    wanted = [name.strip().upper() for name in names.split(",") if name.strip()]
    if not wanted or wanted == ["*"]:
        return [item for item in target.fields.values() if "." not in item.name]
    unknown = [name for name in wanted if name not in target.fields]
    if unknown:
        raise read_failure(f"Invalid fields list {','.join(unknown)}")
    return [target.fields[name] for name in wanted]


def keys(call: Call, selection: RowSelection) -> list[int]:
    """RECORDNO of every selected row, in order."""
    target = selection.target
    order = selection.order or uncertain_order(target, call)
    sql = f"SELECT {target.key} FROM {target.source} WHERE {selection.where} ORDER BY {order}"  # noqa: S608
    return [row[0] for row in call.company.store.rows(sql, selection.values)]


def count(call: Call, selection: RowSelection) -> int:
    """How many rows are selected."""
    sql = f"SELECT count(*) FROM {selection.target.source} WHERE {selection.where}"  # noqa: S608
    return int(call.company.store.value(sql, selection.values))


def rows(
    call: Call, selection: RowSelection, fields: Sequence[ObjectField], limit: int, offset: int = 0
) -> list[list[str]]:
    """The texts of `fields` for each selected row on one page."""
    target = selection.target
    columns = ", ".join(f"{item.sql}, {item.currency_sql or 'NULL'}" for item in fields)
    order = selection.order or uncertain_order(target, call)
    sql = f"SELECT {columns} FROM {target.source} WHERE {selection.where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    found = call.company.store.rows(sql, [*selection.values, limit, offset])
    return [[write_value(item, row[2 * at], row[2 * at + 1] or "") for at, item in enumerate(fields)] for row in found]


def rows_by_key(
    call: Call, target: ObjectType, fields: Sequence[ObjectField], recordnos: Sequence[int]
) -> list[list[str]]:
    """The texts of `fields` for the given rows, in the order of `recordnos`; missing rows are left out."""
    selection = RowSelection(target, order=target.key)
    if target.where:
        selection.add(target.where)
    marks = ", ".join("?" * len(recordnos))
    selection.add(f"{target.key} IN ({marks})", recordnos)
    keyed = [ObjectField("", target.key, "integer"), *fields]
    found = {row[0]: row[1:] for row in rows(call, selection, keyed, len(recordnos))}
    return [found[str(key)] for key in recordnos if str(key) in found]


def append_rows(data: Element, tag: str, fields: Sequence[ObjectField], texts: Sequence[Sequence[str]]) -> None:
    """One element per row, its fields in the asked order."""
    for row in texts:
        element = text_element(data, tag)
        for item, text in zip(fields, row, strict=True):
            text_element(element, item.name, text)
