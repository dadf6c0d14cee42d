"""The file itself: SQLite's own checks, and tables, indexes and triggers as the migrations make them."""

from collections.abc import Iterator
from functools import cache

from sqlalchemy import Connection, create_engine

from revrec.store import migrations
from revrec.store.verifying.findings import Finding

MASTER = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
GUARD = "a promise of the database does not hold by itself any more; restore a backup, or: revrec db upgrade"


def integrity(connection: Connection) -> Iterator[Finding]:
    """What SQLite finds wrong with its pages, its indexes and its constraints."""
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(10)"):
        if said != "ok":
            yield Finding("integrity", "database", "", str(said), "the file is damaged: restore a backup")


def foreign_keys(connection: Connection) -> Iterator[Finding]:
    """Rows that point to a row that is not there."""
    for number, (table, row, parent, _at) in enumerate(connection.exec_driver_sql("PRAGMA foreign_key_check")):
        if number == 10:
            return
        key = f"row {row}" if row is not None else ""
        yield Finding("foreign keys", table, key, f"what it refers to in {parent} is missing", "a row was removed")


def structure(connection: Connection) -> Iterator[Finding]:
    """Tables, indexes and triggers that are missing, changed or not ours."""
    there = {(kind, name): sql for kind, name, sql in connection.exec_driver_sql(MASTER)}
    ours = expected()
    for kind, name in sorted(ours.keys() | there.keys()):
        if there.get((kind, name)) == ours.get((kind, name)):
            continue
        missing, foreign = (kind, name) not in there, (kind, name) not in ours
        problem = "is missing" if missing else "is not one of revrec's" if foreign else "was changed"
        yield Finding("structure", "sqlite_master", f"{kind} {name}", f"the {kind} {problem}", GUARD)


def revision(connection: Connection) -> Iterator[Finding]:
    """Whether the revision is this program's, alone."""
    found = [row[0] for row in connection.exec_driver_sql("SELECT version_num FROM alembic_version")]
    if found != [migrations.HEAD]:
        problem = f"the revision is {found}, not {migrations.HEAD}"
        yield Finding("structure", "alembic_version", f"version_num {migrations.HEAD}", problem, GUARD)


@cache
def expected() -> dict[tuple[str, str], str]:
    """Every object by type and name, as the migrations make it in an empty database."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrations.upgrade(connection)
        found = {(kind, name): sql for kind, name, sql in connection.exec_driver_sql(MASTER)}
    engine.dispose()
    return found
