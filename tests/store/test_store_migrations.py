"""Migrations run up and down, and create the same tables as the code declares."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from revrec.core.errors import BadConfiguration
from revrec.core.posting import TRANSITIONS, is_allowed
from revrec.store.database import engine, migrations
from revrec.store.database.engine import Database, found_revision
from revrec.store.tables import metadata
from revrec.store.verifying import structure
from support import sqlite
from support.postgresql import PostgresqlServer

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _real_migrations() -> Iterator[None]:
    with sqlite.real_migrations():
        yield


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database: on SQLite not even a file."""
    url = f"sqlite:///{tmp_path / 'revrec.db'}"
    server = None if kind == "sqlite" else request.getfixturevalue("postgresql")
    made = Database(server.empty() if server else url)
    yield made
    made.engine.dispose()
    if server:
        server.drop(made.url)


def objects(database: Database) -> structure.SchemaObjects:
    """Return the objects of the database, without alembic's own table."""
    with database.engine.connect() as connection:
        found = structure.find_objects(connection)
    return {key: text for key, text in found.items() if "alembic_version" not in key[1]}


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_the_tables_that_other_tests_make_are_those_of_the_migrations(database: Database, tmp_path: Path) -> None:
    assert database.create()
    quick = Database(f"sqlite:///{tmp_path / 'quick.db'}")
    with sqlite.quick_engines():
        assert quick.create()
    assert (objects(quick), quick.revision()) == (objects(database), database.revision())


def change(database: Database, sql: str) -> None:
    """Run a statement without checking the revision."""
    with database.write(checked=False) as connection:
        connection.execute(text(sql))


def test_up_down_and_up_again_give_the_same_database(database: Database) -> None:
    assert database.create() is True
    first = objects(database)
    with database.write(checked=False) as connection:
        migrations.downgrade(connection, "base")
    assert objects(database) == {}
    assert database.revision() is None
    assert database.create() is True
    assert objects(database) == first
    assert {kind for kind, _name in first} >= {"table", "index", "trigger"}


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
    (guard,) = [text for key, text in objects(database).items() if key[1] == "journal_entry_states" and ">" in text]
    frozen = set(re.findall(r"'([A-Z_]+)>([A-Z_]+)'", guard))
    assert frozen == set(TRANSITIONS)
    assert is_allowed("READY", "SENDING") and not is_allowed("READY", "POSTED")


def test_the_structure_that_is_recorded_for_postgresql_is_the_one_that_the_migrations_make(
    postgresql: PostgresqlServer,
) -> None:
    database = Database(postgresql.empty())
    database.create()
    recorded = structure.recorded_objects()
    with database.read() as connection:
        found = structure.find_objects(connection)
    assert found == recorded, "after a new migration: python tests/store/write_structure.py"
    tables = [text for (kind, name), text in found.items() if kind == "table" and name != "alembic_version"]
    assert not [text for text in tables if re.search(r" text (?!C\b|text C\b)", text)], (
        "text in the order of its code points"
    )
    assert not [text for text in tables if "nextval" in text], "numbers are given by revrec, without gaps"
    database.engine.dispose()
    postgresql.drop(database.url)


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
        ("r9999", rf"revision r9999, newer than this revrec knows \({migrations.HEAD}\); install a newer revrec"),
        ("r0000", rf"revision r0000, this revrec needs {migrations.HEAD}; back it up, then: revrec db upgrade"),
        ("0010", "before the first release made this database .revision 0010., and it cannot be upgraded; keep it"),
    ],
)
def test_a_database_of_another_revision_is_refused_with_the_fix(database: Database, revision: str, said: str) -> None:
    database.create()
    change(database, f"UPDATE alembic_version SET version_num = '{revision}'")
    again = Database(database.url)
    for work in (again.read, again.write):
        with pytest.raises(BadConfiguration, match=said), work():
            pytest.fail("nothing may be done on it")


def test_a_program_that_is_at_work_writes_no_more_once_the_database_was_upgraded(database: Database) -> None:
    database.create()
    with database.write():
        """It is at work."""
    change(Database(database.url), "UPDATE alembic_version SET version_num = 'r9999'")
    with pytest.raises(BadConfiguration, match="install a newer revrec"), database.write():
        pytest.fail("it would write without what the newer one has added")


def test_a_database_of_a_newer_revision_is_not_upgraded(database: Database) -> None:
    database.create()
    change(database, "UPDATE alembic_version SET version_num = 'r9999'")
    with pytest.raises(BadConfiguration, match="install a newer revrec"):
        Database(database.url).create()


def test_an_empty_database_is_refused_with_the_fix(database: Database) -> None:
    if database.path:
        database.path.touch()
    with (
        pytest.raises(BadConfiguration, match="not a revrec database yet; create one with: revrec init"),
        database.read(),
    ):
        pytest.fail("nothing may be done on it")


def test_a_missing_database_is_refused_and_not_made(database: Database) -> None:
    if database.path is None:
        pytest.skip("the server itself reports that")
    with pytest.raises(BadConfiguration, match="there is no database here"), database.read():
        pytest.fail("nothing may be done on it")
    assert not database.path.exists()


LATER = """
import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "r0002"
down_revision = "r0001"
GUARDS = guards.append_only(["note"])


def upgrade() -> None:
    op.create_table("note", sa.Column("text", sa.Text(), nullable=False))
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    op.drop_table("note")
"""


@pytest.fixture
def later_scripts(tmp_path: Path) -> Path:
    """Return a copy of the migrations with one more, as the next release may have it."""
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.scripts_folder(), folder)
    (folder / "versions" / "0002_later.py").write_text(LATER, encoding="utf-8")
    return folder


def test_a_later_migration_upgrades_a_database_in_use_and_can_be_reversed(
    database: Database, later_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.create()
    before = objects(database)
    with database.read() as connection:
        deployment = engine.deployment(connection)
    monkeypatch.setattr(migrations, "scripts_folder", lambda: later_scripts)
    monkeypatch.setattr(migrations, "HEAD", "r0002")
    later = Database(database.url)
    with pytest.raises(BadConfiguration, match="revision r0001, this revrec needs r0002"), later.read():
        pytest.fail("nothing may be done on it")
    assert later.create() is True
    with later.read() as connection:
        assert engine.deployment(connection) == deployment
    assert {name for _kind, name in objects(later).keys() - before.keys()} >= {"note"}
    with later.write(checked=False) as connection:
        migrations.downgrade(connection, "r0001")
    assert objects(later) == before
    later.engine.dispose()


def test_a_new_migration_is_written_from_the_template(later_scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(later_scripts).replace("%", "%%"))
    command.revision(config, "Add a thing.", rev_id="r0003", head="r0002")
    (script,) = (later_scripts / "versions").glob("r0003*.py")
    written: dict[str, Any] = {}
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), written)
    assert written["revision"] == "r0003" and written["down_revision"] == "r0002" and written["GUARDS"] == {}


def test_a_database_from_before_the_first_release_is_not_upgraded(database: Database) -> None:
    database.create()
    change(database, "UPDATE alembic_version SET version_num = '0010'")
    with pytest.raises(BadConfiguration, match="keep it with the program that made it, and start a new one with"):
        Database(database.url).create()


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
    assert objects(database) == {}
    assert database.create() is True
