"""What only PostgreSQL has: a server, users with rights, sessions that are lost, workers beside each other."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from revrec.core.errors import BadConfiguration, BadInput, Busy, RevrecError
from revrec.jobs.admin.database import backup, database_status
from revrec.jobs.admin.init import init
from revrec.jobs.context import make_context
from revrec.jobs.reports.health import is_run_active
from revrec.store.bulk import insert_rows, next_number
from revrec.store.database import postgresql
from revrec.store.database.engine import Database
from revrec.store.posting.workers import Worker, active_run
from revrec.store.reports import figures
from revrec.store.tables import charge_line, meta
from revrec.store.verifying import structure
from support.patience import PATIENCE, until
from support.postgresql import PostgresqlServer
from support.store import FilledDatabase

pytestmark = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.engine.dispose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgresql.SESSION, "lock_timeout", "50ms")


def epoch(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(text("SELECT value FROM meta WHERE key = 'epoch'")).scalar_one())


def raise_epoch(database: Database, value: str = "2") -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = :value WHERE key = 'epoch'"), {"value": value})


@pytest.mark.usefixtures("impatient")
def test_there_is_one_writer_at_a_time_and_reading_goes_on(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))
        said = "another revrec is writing to the database; try again when it is done"
        with pytest.raises(Busy, match=said), Database(database.url).write():
            pytest.fail("two writers at once")
        assert epoch(Database(database.url)) == "1"
    assert epoch(database) == "2"


@pytest.mark.usefixtures("impatient")
def test_a_writer_with_patience_comes_when_the_other_is_done(database: Database) -> None:
    begun = threading.Event()

    def hold() -> None:
        with Database(database.url).write():
            begun.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait()
    with database.write(patience=PATIENCE):
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()


def test_commits_are_durable_and_a_read_sees_one_moment_and_cannot_write(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        before = connection.execute(text("SELECT value FROM meta WHERE key = 'epoch'")).scalar()
        raise_epoch(Database(database.url))
        assert connection.execute(text("SELECT value FROM meta WHERE key = 'epoch'")).scalar() == before
    with pytest.raises(BadConfiguration, match="the database is read-only"), database.read() as connection:
        connection.execute(text("UPDATE meta SET value = '3' WHERE key = 'epoch'"))


def test_rows_are_copied_and_a_violated_promise_is_ours_to_tell(database: Database) -> None:
    with database.write() as connection:
        insert_rows(connection, meta, ("key", "value"), [("a\tb\\n\n", "größer ✓"), ("c", "\\N")])
    with database.read() as connection:
        rows = connection.execute(text("SELECT key, value FROM meta ORDER BY key")).all()
    assert [tuple(row) for row in rows][:2] == [("a\tb\\n\n", "größer ✓"), ("c", "\\N")]
    with pytest.raises(RevrecError, match="rejected the change: duplicate key"), database.write() as connection:
        insert_rows(connection, meta, ("key", "value"), [("d", "1"), ("c", "2")])


def test_a_number_is_given_without_a_gap_though_a_transaction_was_thrown_away(books: FilledDatabase) -> None:
    books.charge(((date(2024, 1, 31), 5),))
    with suppress(ZeroDivisionError), books.database.write():
        _ = 1 / 0
    with books.database.write() as connection:
        assert next_number(connection, charge_line.c.no) == 2


def upgrade_all(url: str, number: int) -> list[Any]:
    done: list[Any] = []

    def upgrade() -> None:
        try:
            done.append(Database(url).create())
        except RevrecError as error:
            done.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def test_of_several_upgrades_at_once_one_makes_the_tables(postgresql: PostgresqlServer, kind: str) -> None:
    url = postgresql.empty()
    assert sorted(upgrade_all(url, 4)) == [False, False, False, True]
    with Database(url).read() as connection:
        assert structure.find_objects(connection) == structure.recorded_objects()
        assert connection.execute(text("SELECT count(*) FROM meta WHERE key = 'deployment'")).scalar() == 1
    postgresql.drop(url)


def test_a_schema_of_its_own_holds_everything(postgresql: PostgresqlServer, kind: str) -> None:
    url = postgresql.empty()
    postgresql.run('CREATE SCHEMA "re-books"', url.partition("?")[0].rpartition("/")[2])
    own = Database(f"{url}&options=-csearch_path%3D%22re-books%22")
    assert own.create()
    with own.read() as connection:
        assert list(structure.check_structure(connection)) == []
    raise_epoch(own)
    postgresql.drop(url)


def test_a_right_that_is_missing_is_reported_with_the_fix(postgresql: PostgresqlServer, database: Database) -> None:
    said = (
        r"this user lacks a right: permission denied for table .*; have the owner grant it, see: revrec docs postgresql"
    )
    name = database.url.partition("?")[0].rpartition("/")[2]
    clerk = Database(postgresql.url(name, "clerk"))
    with pytest.raises(BadConfiguration, match=said), clerk.read():
        pytest.fail("it may not even read")
    postgresql.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk", name)
    assert epoch(clerk) == "1"
    with pytest.raises(BadConfiguration, match=said):
        raise_epoch(clerk)
    clerk.engine.dispose()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER meta_no_delete ON meta",
        "ALTER TABLE meta DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "TRUNCATE charge_line",
        "UPDATE alembic_version SET version_num = version_num",
        "CREATE OR REPLACE FUNCTION meta_no_delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TABLE more (id int)",
    ],
)
def test_the_rights_of_the_manual_undo_no_promise(postgresql: PostgresqlServer, database: Database, sql: str) -> None:
    clerk = Database(postgresql.as_clerk(database.url))
    raise_epoch(clerk)
    with pytest.raises(BadConfiguration, match="this user lacks a right"), clerk.write() as connection:
        connection.execute(text(sql))
    clerk.engine.dispose()


def test_a_table_of_a_user_s_own_cannot_stand_in_for_one_of_ours(
    books: FilledDatabase, postgresql: PostgresqlServer
) -> None:
    books.charge(((date(2024, 1, 31), 5),))
    clerk = Database(postgresql.as_clerk(books.database.url))
    hide = "CREATE TEMPORARY TABLE schedule (charge_no bigint, version int)"
    add = "INSERT INTO schedule_wait (charge_no, version, amount, code, reason) VALUES (1, 1, 5, 'held', 'x')"
    with pytest.raises(RevrecError, match="a schedule version is complete"), clerk.write() as connection:
        connection.exec_driver_sql(f"{hide}; {add}")
    clerk.engine.dispose()


def test_a_database_without_tables_or_of_another_revision_is_refused(postgresql: PostgresqlServer, kind: str) -> None:
    url = postgresql.empty()
    with pytest.raises(BadConfiguration, match="not a revrec database yet"), Database(url).read():
        pytest.fail("there is nothing")
    with pytest.raises(BadConfiguration, match="not a revrec database yet"), figures.quick_view(url):
        pytest.fail("there is nothing")
    postgresql.drop(url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("/t", "/nothing_like_it_08_53_"), 'database "nothing_like_it_.*" does not exist; create it on the server'),
        (("postgres@", "nobody@"), 'role "nobody" does not exist; create it on the server: .*CREATE ROLE'),
        (("host=/", "host=/nowhere/"), "cannot be reached: .*check that the server runs, and the host, port"),
        (("?host=/", "?host=127.0.0.1&port=9&x=/"), "cannot be reached|invalid connection option"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_reported_with_the_fix(
    database: Database, change: tuple[str, str], said: str
) -> None:
    url = database.url.replace(*change, 1).replace("@/", ":geh%40im@/")
    for work in (Database(url).read, Database(url).write):
        with pytest.raises(BadConfiguration, match=said) as refused, work():
            pytest.fail("there is nothing to work on")
        assert "geh" not in str(refused.value)


def test_a_password_is_neither_in_messages_nor_in_a_configuration(kind: str, tmp_path: Path) -> None:
    for url in ("postgresql://ada:geheim@db/books", "postgres://ada@db/books?password=geheim&sslmode=require"):
        database = Database(url)
        assert "geheim" not in database.where and "ada" in database.where
        with pytest.raises(BadInput, match=r"set PGPASSWORD or use a \.pgpass file"):
            init(tmp_path, url)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_reported(postgresql: PostgresqlServer, kind: str) -> None:
    error = Exception('connection failed: FATAL:  password authentication failed for user "ada"')
    found = Database("postgresql://ada:geheim@db/books").backend.known_error(error)
    assert isinstance(found, BadConfiguration) and "the user or the password is wrong" in str(found)


@pytest.mark.parametrize(
    ("state", "kind_of_error", "said"),
    [
        ("53100", RevrecError, "the disk of the server is full"),
        ("40001", Busy, "another transaction was in the way"),
        ("40P01", Busy, "another transaction was in the way"),
        ("57P01", BadConfiguration, "the connection was lost"),
        ("08006", BadConfiguration, "the connection was lost"),
        ("53300", Busy, "the server has no more capacity"),
        ("25006", BadConfiguration, "the database is read-only"),
    ],
)
def test_what_the_server_says_becomes_a_message_with_the_fix(
    kind: str, state: str, kind_of_error: type[RevrecError], said: str
) -> None:
    import psycopg

    error = psycopg.errors.lookup(state)("it said so")
    found = Database("postgresql://ada@db/books").backend.known_error(error)
    assert type(found) is kind_of_error and said in str(found) and "it said so" in str(found)


def test_a_session_that_the_server_ends_is_reported_and_the_next_one_works(
    postgresql: PostgresqlServer, database: Database
) -> None:
    def cut() -> None:
        with database.write() as connection:
            own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))
            postgresql.run(f"SELECT pg_terminate_backend({own})")
            connection.execute(text("UPDATE meta SET value = '3' WHERE key = 'epoch'"))

    with pytest.raises(BadConfiguration, match=r"the connection was lost: .*; nothing is half done"):
        cut()
    assert epoch(database) == "1"


def test_an_idle_connection_that_was_cut_is_opened_again_before_an_answer_is_written(
    postgresql: PostgresqlServer, database: Database
) -> None:
    with database.read() as connection:
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    postgresql.run(f"SELECT pg_terminate_backend({own})")
    raise_epoch(database)
    assert epoch(database) == "2"


@contextmanager
def workers(url: str, *owners: str, slots: int = 1, patience: float = 5) -> Iterator[list[Worker]]:
    with (
        active_run(Database(url), owners[0], 0, slots, patience) as one,
        active_run(Database(url), owners[1], 0, slots, patience) as other,
    ):
        yield [one, other]


def test_a_worker_is_lost_when_its_session_ends(database: Database) -> None:
    assert not is_run_active(database.url)
    with active_run(database, "one", 0, 1, 5) as one:
        with active_run(Database(database.url), "two", 0, 1, 5):
            assert one.lost({"one", "two", "three"}) == {"three"} and one.lost(set()) == set()
            assert is_run_active(database.url)
        until(lambda: one.lost({"one", "two"}) == {"two"})
        assert is_run_active(database.url)
    until(lambda: not is_run_active(database.url))


def test_anyone_who_has_to_be_alone_waits_for_the_others_and_they_for_him(database: Database) -> None:
    other = Database(database.url)
    for first, second in ((False, True), (True, False), (True, True)):
        with active_run(database, "one", 0, 1, 5, first), pytest.raises(Busy, match="another revrec run is posting"):  # noqa: SIM117
            with active_run(other, "two", 0, 1, 5, second):
                pytest.fail("they would be at work together")
    until(lambda: not is_run_active(database.url))
    with active_run(other, "two", 5, 1, 5, alone=True):
        assert is_run_active(database.url)


@pytest.mark.parametrize("slots", [1, 2])
def test_as_many_workers_have_a_turn_as_requests_may_be_out(database: Database, slots: int) -> None:
    most, now, lock = [0], [0], threading.Lock()
    turns: list[str] = []

    def work(worker: Worker) -> None:
        for _ in range(5):
            with worker.turn():
                with lock:
                    now[0] += 1
                    most[0] = max(most[0], now[0])
                    turns.append(worker.owner)
                time.sleep(0.03)
                with lock:
                    now[0] -= 1

    with workers(database.url, "a", "b", slots=slots) as both, active_run(database, "c", 0, slots, 5) as third:
        threads = [threading.Thread(target=work, args=(one,)) for one in (*both, third)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most[0] == slots and len(turns) == 15
    if slots == 1:
        assert not re.search(r"(.)\1", "".join(turns)[:12]), "in turn, none twice while another waits"


@pytest.mark.usefixtures("impatient")
def test_a_worker_that_hangs_in_its_turn_is_reported(database: Database) -> None:
    said = "another revrec run hangs and keeps others from posting"
    with workers(database.url, "a", "b", patience=0.1) as (one, other), one.turn():
        with pytest.raises(Busy, match=said), other.turn():
            pytest.fail("two requests would be out")
        with pytest.raises(Busy, match=said):
            other.waits_for_others()


def test_a_worker_that_leaves_waits_until_no_one_has_a_turn(database: Database) -> None:
    with workers(database.url, "a", "b", slots=2) as (one, other):
        begun, order = threading.Event(), []

        def slow() -> None:
            with one.turn():
                begun.set()
                time.sleep(0.2)
                order.append("turn ended")

        thread = threading.Thread(target=slow)
        thread.start()
        begun.wait()
        assert other.waits_for_others()
        order.append("others waited for")
        thread.join()
    assert order == ["turn ended", "others waited for"]


def test_a_worker_whose_session_is_lost_gets_no_further_turn(postgresql: PostgresqlServer, database: Database) -> None:
    with active_run(database, "one", 0, 1, 5) as one:
        name = database.url.partition("?")[0].rpartition("/")[2]
        postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with pytest.raises(BadConfiguration, match="the connection was lost"), one.turn():
            pytest.fail("others may think it dead")


def test_a_backup_names_the_program_that_makes_one(database: Database, tmp_path: Path) -> None:
    context = make_context("db backup", database=database.url, environment={"REVREC_CONFIG": ""})
    assert database_status(context)["current"] is True
    with pytest.raises(
        BadInput, match=r"PostgreSQL's own tool: pg_dump --format=custom --file=.*copy\.dump 'postgresql://"
    ):
        backup(context, tmp_path / "copy.dump")
