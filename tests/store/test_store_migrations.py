"""Migrations go up and down, and say the same as the tables in code."""

import re
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from revrec.core.errors import BadConfiguration
from revrec.core.posting import TRANSITIONS, allowed
from revrec.store import migrations
from revrec.store.engine import Database, found_revision
from revrec.store.tables import metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'revrec.db'}")


def objects(database: Database) -> set[tuple[str, str]]:
    assert database.path
    with sqlite3.connect(database.path) as connection:
        query = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
        return set(connection.execute(query).fetchall())


def test_up_down_and_up_again_give_the_same_database(database: Database) -> None:
    assert database.create() is True
    first = objects(database)
    with database.write(checked=False) as connection:
        migrations.downgrade(connection, "base")
    assert objects(database) == set()
    assert database.revision() is None
    assert database.create() is True
    assert objects(database) == first
    assert {kind for kind, _name in first} == {"table", "index", "trigger"}


def test_creating_what_is_there_already_changes_nothing(database: Database) -> None:
    database.create()
    assert database.create() is False


def test_the_tables_in_code_are_those_that_the_migrations_make(database: Database) -> None:
    database.create()
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_revision_in_code_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.scripts_folder()))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_the_scripts_are_found_in_the_checkout() -> None:
    folder = migrations.scripts_folder()
    assert (folder / "env.py").is_file()
    assert list((folder / "versions").glob("*.py"))


def test_the_database_allows_the_posting_transitions_of_the_code_and_no_others(database: Database) -> None:
    database.create()
    assert database.path
    with sqlite3.connect(database.path) as connection:
        text = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_entry_states'").fetchone()[0]
    frozen = set(re.findall(r"'([A-Z_]+)>([A-Z_]+)'", text))
    assert frozen == set(TRANSITIONS)
    assert allowed("READY", "SENDING") and not allowed("READY", "POSTED")


def test_each_database_gets_a_deployment_id_of_its_own(tmp_path: Path) -> None:
    found = []
    for name in ("one.db", "two.db"):
        Database(f"sqlite:///{tmp_path / name}").create()
        with sqlite3.connect(tmp_path / name) as connection:
            found += connection.execute("SELECT value FROM meta WHERE key = 'deployment'").fetchall()
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("9999", r"revision 9999, newer than this revrec knows \(0001\); install a newer revrec"),
        ("0000", r"revision 0000, this revrec needs 0001; back it up, then: revrec db upgrade"),
    ],
)
def test_a_database_of_another_revision_is_refused_with_the_mend(database: Database, revision: str, said: str) -> None:
    database.create()
    assert database.path
    with sqlite3.connect(database.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    again = Database(database.url)
    for work in (again.read, again.write):
        with pytest.raises(BadConfiguration, match=said), work():
            pytest.fail("nothing may be done on it")


def test_a_database_of_a_newer_revision_is_not_upgraded(database: Database) -> None:
    database.create()
    assert database.path
    with sqlite3.connect(database.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadConfiguration, match="install a newer revrec"):
        Database(database.url).create()


def test_an_empty_database_is_refused_with_the_mend(database: Database) -> None:
    assert database.path
    database.path.touch()
    with (
        pytest.raises(BadConfiguration, match="not a revrec database yet; make one with: revrec init"),
        database.read(),
    ):
        pytest.fail("nothing may be done on it")


def test_a_missing_database_is_refused_and_not_made(database: Database) -> None:
    assert database.path
    with pytest.raises(BadConfiguration, match="there is no database here"), database.read():
        pytest.fail("nothing may be done on it")
    assert not database.path.exists()


def test_an_upgrade_that_breaks_off_leaves_the_database_as_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = migrations.upgrade

    def broken(connection: Connection) -> None:
        upgrade(connection)
        assert found_revision(connection) == migrations.HEAD
        raise RuntimeError("the power went out")

    monkeypatch.setattr(migrations, "upgrade", broken)
    with pytest.raises(RuntimeError, match="the power went out"):
        database.create()
    monkeypatch.undo()
    assert objects(database) == set()
    assert database.create() is True
