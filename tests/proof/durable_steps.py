"""The durable steps of posting, read off the source itself, and a process that kills itself at one of them.

A step is a commit of a posting job or a request to Intacct. Each has two moments: before (the transaction is complete
but not committed; the request has not left) and after (nothing was done with it yet). A commit that is added to
one of these jobs is thereby one more step that the kill harness must hit.
"""

import ast
import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

JOBS = Path(__file__).resolve().parents[2] / "revrec" / "jobs"
POSTING = (
    "running/run",
    "adjusting/adjustments",
    "posting/recovery",
    "posting/right_to_post",
    "posting/periods",
    "posting/poster",
    "posting/rejections",
    "posting/resolve",
)
"""The modules of ``revrec.jobs`` that commit on an entry's way to Intacct."""
WRITES = ("write", "_write", "transaction")
HEAD = "the head of the trail is kept"
"""Not a commit, but a file beside the database by which a copy of it is known later."""
REQUESTS = ("getAPISession", "get_closedbooksdate", "create GLBATCH", "query GLBATCH", "query GLENTRY")
WHEN = ("before", "after")


class Unknown(Exception):
    """A step was passed that is not in the list: another module commits, or another request is made."""


class Moment(NamedTuple):
    """When a process dies: before or after a step."""

    step: str
    when: str

    def __str__(self) -> str:
        return f"{self.when} {self.step}"


def steps() -> list[str]:
    """Every durable step of a run and of a person's decision."""
    commits = (step for module in POSTING for step in _commits(JOBS / f"{module}.py").values())
    return [*commits, HEAD, *REQUESTS]


def moments_of(step: str) -> list[Moment]:
    """Before and after it."""
    return [Moment(step, when) for when in WHEN]


@cache
def _commits(path: Path) -> dict[int, str]:
    """The transactions of a module by the line of their ``with``, as in ``run.PostingRun.post 2``."""
    found: dict[int, str] = {}

    def look(node: ast.AST, name: str, inside: list[int]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                lines: list[int] = []
                inner = f"{name}.{child.name}"
                look(child, inner, lines)
                numbered = len(lines) > 1 and isinstance(child, ast.FunctionDef)
                found.update({line: f"{inner} {at}" if numbered else inner for at, line in enumerate(lines, 1)})
            else:
                if isinstance(child, ast.With) and any(map(_is_write, child.items)):
                    inside.append(child.lineno)
                look(child, name, inside)

    look(ast.parse(path.read_text()), path.stem, [])
    return found


def _is_write(item: ast.withitem) -> bool:
    call = item.context_expr
    function = call.func if isinstance(call, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in WRITES


class Death:
    """Kills this very process at its n-th moment, or at one that is named; the moments pass at database and wire."""

    def __init__(self, where: str, record: Path) -> None:
        """``where``: a number, or a moment as it is written. The moment of death is kept in ``record``."""
        self.left = int(where) if where.isdecimal() else 0
        self.moment = where
        self.record = record
        self.commits = {
            (str(JOBS / f"{module}.py"), line): step
            for module in POSTING
            for line, step in _commits(JOBS / f"{module}.py").items()
        }

    def arm(self) -> None:
        """From now on each moment counts."""
        from revrec.intacct.transport import GatewayTransport
        from revrec.store.database.engine import Database
        from revrec.store.posting import continuity

        write, post, keep, death = Database.write, GatewayTransport.post, continuity.write_kept_head, self

        @contextlib.contextmanager
        def stepped_write(self: Any, *words: Any, **named: Any) -> Iterator[Any]:
            step = death.commit(sys._getframe(1))
            with write(self, *words, **named) as connection:
                yield connection
                death.passes(step, "before")
            death.passes(step, "after")

        def stepped_post(self: Any, url: str, body: bytes) -> Any:
            step = _request(body)
            death.passes(step, "before")
            exchange = post(self, url, body)
            death.passes(step, "after")
            return exchange

        def stepped_keep(database: Database, known: continuity.TrailHead) -> None:
            death.passes(HEAD, "before")
            keep(database, known)
            death.passes(HEAD, "after")

        continuity.write_kept_head = stepped_keep
        Database.write, GatewayTransport.post = stepped_write, stepped_post  # type: ignore[method-assign]

    def commit(self, frame: FrameType | None) -> str:
        """The step of the job above this frame."""
        while frame is not None and "/revrec/jobs/" not in frame.f_code.co_filename:
            frame = frame.f_back
        while frame is not None and frame.f_code.co_name in WRITES:
            frame = frame.f_back
        assert frame is not None
        place = (frame.f_code.co_filename, frame.f_lineno)
        if place not in self.commits:
            raise Unknown(f"a commit at {place} is in no module of POSTING")
        return self.commits[place]

    def passes(self, step: str, when: str) -> None:
        """Die here, if this is the moment."""
        self.left -= 1
        if self.left != 0 and self.moment != f"{when} {step}":
            return
        with self.record.open("a") as file:
            file.write(f"{when} {step}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def _request(body: bytes) -> str:
    found = re.search(rb"<function\b[^>]*><(\w+)(?:><object>|><)?(\w*)", body)
    assert found is not None, body
    of_an_object = found[1] in (b"create", b"query")
    step = b" ".join(found.groups() if of_an_object else found.groups()[:1]).decode()
    if step not in REQUESTS:
        raise Unknown(f"a request {step!r} is not in REQUESTS")
    return step
