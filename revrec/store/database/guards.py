"""Triggers for the migrations, written once and created on both SQLite and PostgreSQL.

A guard is a name and a trigger in SQLite's syntax::

    "journal_entry_posted_fixed": '''
        BEFORE UPDATE ON journal_entry WHEN OLD.state = 'POSTED'
        BEGIN SELECT RAISE(ABORT, 'a posted journal entry never changes'); END'''

On PostgreSQL it becomes a row trigger, whose function tests the same condition and raises the same message as a
violated constraint. Two hand-written texts would drift apart, and one database would accept what the other refuses.

Write ``IS`` and ``IS NOT`` where null counts as a value: they become ``IS [NOT] DISTINCT FROM``. With ``=`` or ``<>``,
a null would make the condition null, and the guard would let the row pass. On both, a row trigger sees the rows
before it.

The databases keep the triggers as they were created: a change of this module needs a migration that creates them again.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

PARTS = re.compile(
    r"BEFORE (?P<event>INSERT|UPDATE|DELETE)(?: OF (?P<columns>\w+(?:, *\w+)*))? ON (?P<table>\w+)"
    r"(?:\s+WHEN (?P<when>.*?))?\s+BEGIN SELECT RAISE\(ABORT, '(?P<message>[^']*)'\); END",
    re.DOTALL,
)


def create(op: Any, guards: Mapping[str, str]) -> None:
    """Create guards, by name, through alembic's ``op``."""
    bind = op.get_bind()
    place = bind.exec_driver_sql("SELECT current_schema()").scalar() if bind.dialect.name == "postgresql" else None
    for name, text in guards.items():
        for statement in statements(name, text, place):
            bind.exec_driver_sql(statement)


def drop(op: Any, guards: Mapping[str, str]) -> None:
    """Drop guards."""
    bind = op.get_bind()
    for name in guards:
        if bind.dialect.name == "postgresql":
            # This drops its trigger too.
            bind.exec_driver_sql(f"DROP FUNCTION {name}() CASCADE")
        else:
            bind.exec_driver_sql(f"DROP TRIGGER {name}")


def append_only(tables: Iterable[str]) -> dict[str, str]:
    """Return guards against any update of these tables."""
    return {
        f"{table}_no_update": f"BEFORE UPDATE ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only: it is never updated'); END"
        for table in tables
    }


def never_deleted(tables: Iterable[str]) -> dict[str, str]:
    """Return guards against any deletion from these tables, and on PostgreSQL against TRUNCATE."""
    return {
        f"{table}_no_delete": f"BEFORE DELETE ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is never deleted from'); END"
        for table in tables
    }


def statements(name: str, text: str, place: str | None) -> list[str]:
    """Return the SQL that creates a guard in the PostgreSQL schema ``place``, or on SQLite if it is None."""
    if place is None:
        return [f"CREATE TRIGGER {name} {text}"]
    parts = PARTS.fullmatch(text.strip())
    if parts is None:
        raise ValueError(f"guard {name}: its text does not have the known form")
    body, when = _row_guard(parts) if parts["when"] else _statement_guard(parts)
    return [_function(name, place, body), f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"]


def _row_guard(parts: re.Match[str]) -> tuple[str, str]:
    event, columns = parts["event"], f" OF {parts['columns']}" if parts["columns"] else ""
    row = "OLD" if event == "DELETE" else "NEW"
    body = f"IF {null_safe(parts['when'])} THEN {_refusal(parts)}; END IF; RETURN {row}"
    return body, f"BEFORE {event}{columns} ON {parts['table']} FOR EACH ROW"


def _statement_guard(parts: re.Match[str]) -> tuple[str, str]:
    """Return a trigger that refuses whole statements, even one that changes no row or truncates the table."""
    event = "DELETE OR TRUNCATE" if parts["event"] == "DELETE" else parts["event"]
    return _refusal(parts), f"BEFORE {event} ON {parts['table']} FOR EACH STATEMENT"


def _refusal(parts: re.Match[str]) -> str:
    return f"RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{parts['message']}'"


def _function(name: str, place: str, body: str) -> str:
    # A fixed search path: otherwise a user could create a temporary table of the same name, which PostgreSQL searches
    # first, and the guard would read that one.
    path = place.replace('"', '""')
    return (
        f'CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = "{path}", pg_temp'
        f" AS $guard$ BEGIN {body}; END $guard$"
    )


def null_safe(condition: str) -> str:
    """Return a condition with SQLite's ``IS`` and ``IS NOT`` between values written for PostgreSQL, on one line."""
    line = " ".join(condition.split())
    line = re.sub(r"\bIS NOT (?!NULL\b)", "IS DISTINCT FROM ", line)
    return re.sub(r"\bIS (?!NOT\b|NULL\b|DISTINCT\b)", "IS NOT DISTINCT FROM ", line)
