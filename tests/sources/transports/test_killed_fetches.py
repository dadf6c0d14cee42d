"""``revrec fetch`` as a process that is killed (SIGKILL): what the server had is what the books have in the end."""

import json
import signal
from typing import Any

import pytest

from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import fetch as job
from revrec.jobs.importing.documents import listed
from revrec.jobs.trust import confirm
from support.books import Books
from support.transports import DocumentServer, Mailbox, PageServer

pytestmark = pytest.mark.slow

NAMES = ["a", "b", "c", "d", "e"]

KILLED = """
import os, signal, sys
from revrec.cli.main import main
from revrec.jobs.importing import fetch as job
from revrec.jobs.importing.rows import ChargeImporter
from revrec.sources.transports import transports
from revrec.store import received

kind, step = sys.argv[1:3]
del sys.argv[1:3]
owner, name = {
    "in the transaction of the import": (ChargeImporter, "finish"),
    "before the document is recorded": (job._SourceFetch, "_archive"),
    "after the document is recorded": (job._SourceFetch, "_note"),
    "after it is settled at its source": (transports()[kind], "settle"),
    "after the fetch is recorded": (received, "add_fetch"),
}[step]
original = getattr(owner, name)

def last(*words, **how):
    original(*words, **how)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, last)
main()
"""
"""A program that runs the command, and kills itself the first time that it has done a step."""

STEPS = (
    "in the transaction of the import",
    "before the document is recorded",
    "after the document is recorded",
    "after it is settled at its source",
)


def csv(document: str) -> bytes:
    header = "source,document,line,customer,item,post_date,amount,currency\n"
    return f"{header}shop,{document},1,C1,MAG-1,2024-01-05,24.00,USD\n".encode()


def kill_at_each_step(books: Books, config: dict[str, Any], steps: tuple[str, ...] = STEPS) -> None:
    """Kill a fetch at each step, then let one finish; each document is in the books once, and the next has no work."""
    file = books.folder / "revrec.toml"
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items())
    file.write_text(f"{file.read_text()}[source.partner]\n{keys}")
    confirm(books.context())
    for step in steps:
        with books.start_program(
            KILLED, config["transport"], step, "--config", str(file), "fetch", "partner"
        ) as process:
            output, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, f"{step}: {output}{errors}"
    (last,) = job.fetch(books.context("fetch"), ["partner"])
    assert not last.failed
    assert [one for (one,) in books.sql("SELECT document FROM charge_line ORDER BY document")] == NAMES
    (again,) = job.fetch(books.context("fetch"), ["partner"])
    assert (again.documents, again.failed) == ([], "")
    assert list(listed(books.context())) == [] and verify(books.context()).sound


def test_killed_fetches_of_files_lose_and_double_nothing(books: Books, files: DocumentServer) -> None:
    for name in NAMES:
        files.put(f"{name}.csv", csv(name))
    kill_at_each_step(books, {**files.config, "after": "move:done"})
    assert files.names() == [f"done/{name}.csv" for name in NAMES]


def test_killed_fetches_of_mails_lose_and_double_nothing(books: Books, mailbox: Mailbox) -> None:
    mailbox.put(*((f"{name}.csv", csv(name)) for name in NAMES[:3]))
    mailbox.put(*((f"{name}.csv", csv(name)) for name in NAMES[3:]))
    kill_at_each_step(books, {**mailbox.config, "after": "move:Done"})
    assert (len(mailbox.flags()), len(mailbox.flags("Done"))) == (0, 2)


def test_killed_fetches_of_pages_lose_and_double_nothing(books: Books, pages: PageServer) -> None:
    url = f"http://127.0.0.1:{pages.server_address[1]}"

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        number = int(path.partition("page=")[2] or 1)
        following = {"Link": f'<{url}/?page={number + 1}>; rel="next"'} if number < len(NAMES) else {}
        return 200, {"Content-Type": "text/csv", **following}, csv(NAMES[number - 1])

    pages.answer = answer
    steps = (*STEPS[:3], "after the fetch is recorded")
    kill_at_each_step(books, {"transport": "http", "url": f"{url}/?page=1", "format": "csv"}, steps)
