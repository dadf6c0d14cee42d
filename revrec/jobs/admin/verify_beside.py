"""Verify the books in a second process while a command does something else.

A verification reads every row: on large books it takes as long as all reports of a month, which leave one core idle.
The second process gets no environment, so it reads SQLite only.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from revrec.jobs.admin.verify import VerifyResult, verify, verify_database
from revrec.jobs.context import Silent
from revrec.sandbox.child import start_python
from revrec.store.charges import next_charge_number
from revrec.store.database.engine import Database
from revrec.store.verifying.findings import VerifyFinding

if TYPE_CHECKING:
    from revrec.jobs.context import Context

FEWEST_LINES = 50_000
"""The fewest charge lines for a second process: it takes half a second to start."""


@contextmanager
def verifying(context: "Context") -> Iterator[Callable[[], VerifyResult]]:
    """Verify the books from now on; the function that is yielded waits for the result.

    Without a second process, or if it fails, the function verifies the books itself.
    """
    if not _is_worth_it(context):
        yield lambda: verify(context)
        return
    with _started(context) as process:
        try:
            yield lambda: _result(process) or verify(context)
        finally:
            process.kill()


def _is_worth_it(context: "Context") -> bool:
    if not context.database_url.startswith("sqlite"):
        return False
    with context.database.read() as connection:
        return next_charge_number(connection) > FEWEST_LINES


def _started(context: "Context") -> "subprocess.Popen[str]":
    nothing, words = subprocess.DEVNULL, ["-m", __name__, context.database_url]
    return start_python(words, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, encoding="utf-8")


def _result(process: "subprocess.Popen[str]") -> VerifyResult | None:
    """Return what a process found; None if it failed."""
    assert process.stdout is not None
    text = process.stdout.read()
    if process.wait():
        return None
    found = json.loads(text)
    return VerifyResult(**{**found, "findings": [VerifyFinding(**one) for one in found["findings"]]})


def main(url: str) -> None:
    """Print what a verification finds as JSON."""
    found = asdict(verify_database(Database(url), Silent()))
    print(json.dumps({**found, "findings": [one._asdict() for one in found["findings"]]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
