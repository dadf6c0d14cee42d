"""The program of the second process that reads an SQLite database: :class:`revrec.store.two_readers.SecondReader`.

It runs by its path, without the packages of revrec, because importing them takes longer than many queries. Each line of
its input is a JSON list of a statement and its parameters. It prints ``true`` once it has begun to read, and then for
each statement lists of rows, the last one empty, or the text of the error.
"""

import json
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

ROWS = 2_000
"""The most rows of one line."""


def main(path: str, *pragmas: str) -> None:
    """Answer statements about a database until the input ends."""
    # Ctrl-C reaches both processes, and the other one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as books:
        for pragma in pragmas:
            books.execute(f"PRAGMA {pragma}")
        books.execute("BEGIN")
        books.execute("SELECT count(*) FROM sqlite_master").fetchone()  # The view begins with the first rows.
        _print(True)
        for line in sys.stdin:
            statement, parameters = json.loads(line)
            try:
                _answer(books.execute(statement, parameters))
            except sqlite3.Error as error:
                _print(str(error))


def _answer(rows: sqlite3.Cursor) -> None:
    while some := rows.fetchmany(ROWS):
        _print(some)
    _print([])


def _print(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
