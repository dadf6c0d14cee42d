"""The filters of ``query`` and ``readByQuery`` as one tree, compiled to SQL with bound values."""

from dataclasses import dataclass

from revrec.sandbox.dates import parse_us_date
from revrec.sandbox.errors import read_failure
from revrec.sandbox.money import format_filter_mills
from revrec.sandbox.reading.objects import ObjectField, ObjectType

_SIGNS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison. ``op``: = != < <= > >= like, not like, in, not in, between, null, not null."""

    field: str
    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionGroup:
    """Conditions joined by ``and`` or ``or``; ``not`` has exactly one part."""

    op: str
    parts: "tuple[Condition, ...]"


Condition = Comparison | ConditionGroup
SqlCondition = tuple[str, list[object]]


class ConditionCompiler:
    """The compiler of conditions on one object to SQL. With ``state_codes``, STATE is compared by code, not label."""

    def __init__(self, target: ObjectType, *, state_codes: bool = False, ignore_case: bool = False) -> None:
        self._target = target
        self._state_codes = state_codes
        self._ignore_case = ignore_case

    def sql(self, condition: Condition) -> SqlCondition:
        """Return a boolean SQL expression and its values.

        Raises:
            FunctionFailure: a field is unknown, or a value does not fit its field (DL02000001).
        """
        return self._group(condition) if isinstance(condition, ConditionGroup) else self._compare(condition)

    def field(self, name: str) -> ObjectField:
        """Return the field with this name, in any case.

        Raises:
            FunctionFailure: the object has no such field (DL02000001).
        """
        found = self._target.fields.get(name.upper())
        if found is None:
            raise read_failure(f"The field {name} is not a field of {self._target.name}.")
        return found

    def _group(self, group: ConditionGroup) -> SqlCondition:
        parts = [self.sql(part) for part in group.parts]
        values = [value for _, bound in parts for value in bound]
        if group.op == "not":
            return f"NOT ({parts[0][0]})", values
        return "(" + f" {group.op.upper()} ".join(text for text, _ in parts) + ")", values

    def _compare(self, compare: Comparison) -> SqlCondition:
        field = self.field(compare.field)
        text = self._cased(field, field.sql)
        if compare.op in ("null", "not null"):
            return f"({field.sql} IS {compare.op.upper()})", []
        values = [self._value(field, value) for value in compare.values]
        marks = ", ".join(self._cased(field, "?") for _ in values)
        if compare.op in ("in", "not in"):
            return f"({text} {compare.op.upper()} ({marks}))", values
        if compare.op in ("like", "not like"):
            return f"({text} {compare.op.upper()} {marks})", values
        if compare.op == "between":
            return f"({text} BETWEEN {marks.replace(', ', ' AND ')})", values
        return f"({text} {_SIGNS[compare.op]} {marks})", values

    def _cased(self, field: ObjectField, sql: str) -> str:
        return f"lower({sql})" if self._ignore_case and field.kind in ("text", "state") else sql

    def _value(self, field: ObjectField, text: str) -> object:
        if field.kind == "state":
            return self._state(field, text)
        if field.kind == "flag":
            return int(text == "true")
        if field.kind == "text":
            return text
        found = self._number_or_date(field, text)
        if found is None:
            raise read_failure(f"The value '{text}' cannot be compared with the field {field.name}.")
        return found

    def _number_or_date(self, field: ObjectField, text: str) -> object:
        if field.kind in ("integer", "amount", "quantity"):
            mills = format_filter_mills(text)
            if mills is None or field.kind == "amount":
                return mills
            return mills * 1000 if field.kind == "quantity" else mills / 1000
        day, _, hour = text.partition(" ")
        found = parse_us_date(day)
        if found is None:
            return None
        return found.isoformat() if field.kind == "date" else f"{found.isoformat()}T{hour or '00:00:00'}"

    def _state(self, field: ObjectField, text: str) -> str:
        # readByQuery compares STATE by its code ("P"), query by its label ("Posted").
        if not self._state_codes:
            return text
        return next((label for label, code in (field.codes or {}).items() if code == text), "")
