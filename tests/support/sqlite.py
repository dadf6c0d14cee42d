"""SQLite databases that cost a test little: copied instead of migrated, and opened without waits for the disk."""

import atexit
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.engine import Dialect

from revrec.store.database import engine, migrations, sqlite
from revrec.store.database.engine import Database
from revrec.store.verifying import structure

COMPILED: dict[Any, Any] = {}
"""The statements that SQLAlchemy has compiled in this process, for all its engines."""


@contextmanager
def quick_engines() -> Iterator[None]:
    """Flush neither databases nor files to the disk; compile each SQL statement and each migration once in a process.

    Only this process: a command that a test starts as a process flushes each commit as in production.
    """
    with (
        mock.patch.multiple(sqlite, create_engine=create_sharing, prepare=_prepare),
        mock.patch.object(os, "fsync"),
        mock.patch.object(migrations, "upgrade", _upgrade),
    ):
        yield


@contextmanager
def real_migrations() -> Iterator[None]:
    """Create tables by the migrations, as in production."""
    with mock.patch.object(migrations, "upgrade", _upgrade_in_production):
        yield


@contextmanager
def durable_engines() -> Iterator[None]:
    """Open SQLite databases and flush files as in production."""
    with (
        mock.patch.multiple(sqlite, create_engine=create_engine, prepare=_prepare_in_production),
        mock.patch.object(os, "fsync", _flush_in_production),
    ):
        yield


def copied(file: Path) -> Path:
    """Make a database with all tables and its own deployment id; equal to one that ``revrec init`` makes."""
    shutil.copy(_template(), file)
    database = Database(f"sqlite:///{file}")
    with database.write() as connection:
        engine._name_deployment(connection)
    database.engine.dispose()
    return file


@cache
def template_image() -> bytes:
    """The bytes of a database with all tables and no row."""
    return _template().read_bytes()


@cache
def _template() -> Path:
    folder = tempfile.mkdtemp(prefix="revrec-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "revrec.db"
    database = Database(f"sqlite:///{file}")
    database.backend.create_empty()
    with database.write(checked=False) as connection:
        _upgrade_in_production(connection)
    # The last connection that closes moves the write-ahead log into the file.
    database.engine.dispose()
    return file


class Content:
    """Everything that a database holds: two are equal if their dumps are."""

    def __init__(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            self._image = connection.serialize()

    def __eq__(self, other: object) -> bool:
        # A dump takes ten times as long as the bytes, and is needed only if the bytes differ.
        return isinstance(other, Content) and (self._image == other._image or self.dump() == other.dump())

    __hash__ = None  # type: ignore[assignment]

    def dump(self) -> list[str]:
        """Return the statements that would make it again."""
        with closing(sqlite3.connect(":memory:")) as connection:
            # A database in memory has no write-ahead log.
            connection.deserialize(self._image[:18] + b"\1\1" + self._image[20:])
            return list(connection.iterdump())


def create_sharing(url: URL, **options: Any) -> Engine:
    """Create an engine of SQLite that shares its compiled statements with the others."""
    made = create_engine(url, execution_options={"compiled_cache": COMPILED}, **options)
    # The dialect is part of a compiled statement's key: engines that share statements share the dialect too.
    made.dialect = _dialect()
    return made


@cache
def _dialect() -> Dialect:
    first = create_engine("sqlite://")
    first.connect().close()
    return first.dialect


def _upgrade(connection: Connection, revision: str = "head") -> None:
    """Create the tables of an empty SQLite database by the statements that the migrations gave once."""
    if revision != "head" or connection.dialect.name != "sqlite" or structure.find_objects(connection):
        _upgrade_in_production(connection, revision)
        return
    cursor: Any = connection.connection.cursor()
    for statement in _statements():
        cursor.execute(statement)


@cache
def _statements() -> list[str]:
    with closing(sqlite3.connect(_template())) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    return [*(sql for (sql,) in made), f"INSERT INTO alembic_version VALUES ('{migrations.HEAD}')"]


_upgrade_in_production = migrations.upgrade
_prepare_in_production = sqlite.prepare
_flush_in_production = os.fsync


def _prepare(dbapi: Any, record: object) -> None:
    _prepare_in_production(dbapi, record)
    dbapi.execute("PRAGMA synchronous = OFF")
