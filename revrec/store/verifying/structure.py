"""Check the schema: the database's own checks, and tables, indexes and triggers as the migrations create them."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKeyConstraint, create_engine

from revrec.store.database import migrations
from revrec.store.tables import metadata
from revrec.store.verifying.findings import VerifyFinding

RECORDED = Path(__file__).with_name("postgresql.json")
"""PostgreSQL's objects as the migrations create them: verifying must not need the right to create any."""

GUARD = "the database no longer enforces its own rules; restore a backup, or: revrec db upgrade"

SchemaObjects = dict[tuple[str, str], str]
"""The definition of every object of a database, by type and name."""

SQLITE = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
POSTGRESQL = r"""
    WITH ours AS (SELECT * FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
    SELECT 'table', c.relname, concat(CASE WHEN c.relpersistence <> 'p' THEN 'not durable ' END,
        CASE WHEN c.relrowsecurity THEN 'rows hidden by policies ' END,
        string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> 0 THEN (SELECT collname FROM pg_collation WHERE oid = a.attcollation) END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)), ', '
        ORDER BY a.attnum))
      FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.relkind IN ('r', 'p', 'f') GROUP BY c.relname, c.relpersistence, c.relrowsecurity
    UNION ALL SELECT 'constraint', c.relname || ' ' || n.conname,
        pg_get_constraintdef(n.oid) || CASE WHEN n.convalidated THEN '' ELSE ' unproven' END
      FROM ours c JOIN pg_constraint n ON n.conrelid = c.oid WHERE n.contype <> 'n'
    UNION ALL SELECT 'index', c.relname, pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
      FROM ours c JOIN pg_index i ON i.indexrelid = c.oid
    UNION ALL SELECT 'trigger', c.relname || ' ' || t.tgname,
        pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
      FROM ours c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal
    UNION ALL SELECT 'foreign key', n.conname || ' ' || t.tgtype, 'disabled'
      FROM ours c JOIN pg_trigger t ON t.tgrelid = c.oid JOIN pg_constraint n ON n.oid = t.tgconstraint
      WHERE t.tgisinternal AND t.tgenabled <> 'O'
    UNION ALL SELECT 'rule', tablename || ' ' || rulename, definition FROM pg_rules WHERE schemaname = current_schema()
    UNION ALL SELECT 'function', p.proname,
        concat_ws(' ', format_type(p.prorettype, NULL), p.prosrc, array_to_string(p.proconfig, ' '))
      FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid JOIN ours c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL SELECT 'view', relname, pg_get_viewdef(oid) FROM ours WHERE relkind IN ('v', 'm')"""
"""Every object of the schema that has rows or protects them. Schema names differ, and are removed from the text."""


def check_integrity(connection: Connection) -> Iterator[VerifyFinding]:
    """Yield what SQLite finds wrong with its pages, indexes and constraints; PostgreSQL checks its pages itself."""
    if connection.dialect.name != "sqlite":
        return
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(10)"):
        if said != "ok":
            yield VerifyFinding("integrity", "database", "", str(said), "the file is damaged: restore a backup")


def check_foreign_keys(connection: Connection) -> Iterator[VerifyFinding]:
    """Yield rows that refer to a row that does not exist."""
    references = _references()
    # One query for all of them: mostly there is nothing to find.
    found = connection.exec_driver_sql(f"SELECT {', '.join(f'EXISTS ({one.dangling})' for one in references)}").one()
    for one, is_dangling in zip(references, found, strict=True):
        if not is_dangling:
            continue
        for row in connection.exec_driver_sql(f"{one.dangling} ORDER BY {one.shown} LIMIT 10"):
            place = ", ".join(f"{name} {value}" for name, value in zip(one.key, row, strict=True))
            problem = f"the row of {one.parent} that it refers to is missing"
            yield VerifyFinding("foreign keys", one.child, place, problem, "a row was removed")


class Reference(NamedTuple):
    """A foreign key, and the query for the rows of ``child`` whose row of ``parent`` is missing, by their ``key``."""

    child: str
    parent: str
    key: list[str]
    shown: str
    dangling: str


@cache
def _references() -> list[Reference]:
    return [
        _reference(constraint)
        for table in metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda one: list(one.column_keys))
    ]


def _reference(constraint: ForeignKeyConstraint) -> Reference:
    child, parent = constraint.table.name, constraint.referred_table.name
    pairs = [(f'c."{one.parent.name}"', f'p."{one.column.name}"') for one in constraint.elements]
    key = [column.name for column in constraint.table.primary_key.columns]
    joined = " AND ".join(f"{own} = {other}" for own, other in pairs)
    given = " AND ".join(f"{own} IS NOT NULL" for own, _other in pairs)
    shown = ", ".join(f'c."{name}"' for name in key)
    sql = f"SELECT {shown} FROM {child} c LEFT JOIN {parent} p ON {joined} WHERE {given} AND {pairs[0][1]} IS NULL"  # noqa: S608
    return Reference(child, parent, key, shown, sql)


def check_structure(connection: Connection) -> Iterator[VerifyFinding]:
    """Yield the tables, indexes, triggers and other objects that are missing, changed, or not revrec's."""
    there = find_objects(connection)
    ours = expected_objects() if connection.dialect.name == "sqlite" else recorded_objects()
    for kind, name in sorted(ours.keys() | there.keys()):
        if there.get((kind, name)) == ours.get((kind, name)):
            continue
        missing, foreign = (kind, name) not in there, (kind, name) not in ours
        problem = "is missing" if missing else "is not one of revrec's" if foreign else "was changed"
        yield VerifyFinding("structure", "schema", f"{kind} {name}", f"the {kind} {problem}", GUARD)


def check_revision_row(connection: Connection) -> Iterator[VerifyFinding]:
    """Yield a finding if this program's revision is not the only one recorded."""
    versions = [row[0] for row in connection.exec_driver_sql("SELECT version_num FROM alembic_version")]
    if versions != [migrations.HEAD]:
        problem = f"the revision is {versions}, not {migrations.HEAD}"
        yield VerifyFinding("structure", "alembic_version", f"version_num {migrations.HEAD}", problem, GUARD)


def find_objects(connection: Connection) -> SchemaObjects:
    """Return the objects of a database."""
    if connection.dialect.name == "sqlite":
        return {(kind, name): sql for kind, name, sql in connection.exec_driver_sql(SQLITE)}
    place = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    return {(kind, name): _placeless(text, place) for kind, name, text in connection.exec_driver_sql(POSTGRESQL)}


def _placeless(text: str, place: str) -> str:
    return text.replace(f"{place}.", "").replace(f"search_path={place},", "search_path=,")


@cache
def expected_objects() -> SchemaObjects:
    """Return the objects as the migrations create them in an empty SQLite database."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrations.upgrade(connection)
        objects = find_objects(connection)
    engine.dispose()
    return objects


def recorded_objects() -> SchemaObjects:
    """Return the recorded objects as the migrations create them in an empty PostgreSQL database."""
    kinds: Mapping[str, Mapping[str, str]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {(kind, name): text for kind, names in kinds.items() for name, text in names.items()}
