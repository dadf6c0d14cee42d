"""``revrec verify``: check the audit chain, the rows that it covers, and the rules that must hold between them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput, RevrecError
from revrec.files import write_text
from revrec.store.database import engine
from revrec.store.verifying import invariants, kept_head, structure
from revrec.store.verifying.chain import AuditChain, compare_with_anchor
from revrec.store.verifying.findings import VerifyFinding, damage_finding, findings_of
from revrec.store.verifying.rows import RowCheck

if TYPE_CHECKING:
    from revrec.jobs.context import Context, Progress
    from revrec.store.connection import Connection
    from revrec.store.database.engine import Database

MOST = 100
"""Most findings listed; any further ones are counted."""


@dataclass
class VerifyResult:
    """The result of a verification: what was checked and what was found; sound if nothing was."""

    database: str
    deployment: str = ""
    events: int = 0
    rows: int = 0
    checks: int = 0
    head: str = ""
    anchored: int | None = None
    """The event that the given anchor had seen, if one was given."""
    count: int = 0
    findings: list[VerifyFinding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Return True if nothing was found."""
        return not self.count

    def add(self, found: Iterator[VerifyFinding]) -> None:
        """Count findings and keep the first ones."""
        for one in found:
            self.count += 1
            if len(self.findings) < MOST:
                self.findings.append(one)


def verify(context: "Context", anchor: Path | None = None, write_anchor: Path | None = None) -> VerifyResult:
    """Check the whole database without changing it.

    ``anchor`` is a file that an earlier verification wrote: the present chain must continue it, and also the head that
    is kept next to the database. ``write_anchor`` is written only if nothing was found.

    Raises:
        BadInput: The anchor cannot be read or written, or is not an anchor.
        BadConfiguration: The database does not exist or has another revision.
    """
    result = verify_database(context.database, context.progress, read_anchor(anchor) if anchor else None)
    if write_anchor and result.sound:
        save_anchor(write_anchor, result, context.timestamp())
    return result


def verify_database(database: "Database", progress: "Progress", known: dict[str, Any] | None = None) -> VerifyResult:
    """Check the whole database; ``known`` is an anchor that it must continue. See :func:`verify`."""
    result = VerifyResult(database.where)
    there = kept_head.read_kept_head(database)
    try:
        with database.read() as connection:
            _check(progress, connection, result, known, there)
    except (RevrecError, UnicodeDecodeError) as error:
        damaged = damage_finding(error)
        if damaged is None:
            raise
        result.add(iter([damaged]))
    return result


def _check(
    progress: "Progress",
    connection: "Connection",
    result: VerifyResult,
    known: dict[str, Any] | None,
    there: kept_head.KeptHead | None,
) -> None:
    steps = [
        structure.check_integrity,
        structure.check_structure,
        structure.check_revision_row,
        structure.check_foreign_keys,
    ]
    for step in progress.track(steps, "checking the file"):
        result.add(findings_of(step.__name__.replace("_", " "), partial(step, connection)))
    result.add(findings_of("audit chain", lambda: _follow(progress, connection, result, known)))
    result.add(findings_of(kept_head.CHECK, lambda: kept_head.check_kept_head(connection, there)))
    for one in progress.track(invariants.INVARIANTS, "checking what must hold"):
        result.add(findings_of(one.name, partial(invariants.find_violations, connection, one)))
    result.checks = len(steps) + len(invariants.INVARIANTS) + 3 + (known is not None)


def _follow(
    progress: "Progress", connection: "Connection", result: VerifyResult, known: dict[str, Any] | None
) -> Iterator[VerifyFinding]:
    """Follow the chain event by event and check the rows that each event covers."""
    chain, rows = AuditChain(), RowCheck(connection)
    events = chain.walk(connection, known["seq"] if known else 0)
    for _seq, detail in progress.track(events, "following the audit trail"):
        for digest in detail.get("digests", ()):
            yield from findings_of("rows", partial(rows.take, digest))
    if chain.broken:
        yield chain.broken
    yield from rows.finish()
    result.deployment = engine.deployment(connection)
    result.events, result.rows, result.head = chain.seq, rows.rows, chain.hash
    if known:
        result.anchored = known["seq"]
        yield from compare_with_anchor(chain, known, result.deployment)


def read_anchor(path: Path) -> dict[str, Any]:
    """Return an anchor: ``deployment``, ``seq``, ``hash`` and ``at``.

    Raises:
        BadInput: The file cannot be read, or is not an anchor.
    """
    fix = "name a file that revrec verify --write-anchor wrote"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read as an anchor: {error}; {fix}") from error
    kinds = {"deployment": str, "seq": int, "hash": str, "at": str}
    if not isinstance(found, dict) or any(not isinstance(found.get(name), kind) for name, kind in kinds.items()):
        raise BadInput(f"{path}: is not an anchor: it must contain {', '.join(kinds)}; {fix}")
    return found


def save_anchor(path: Path, result: VerifyResult, at: str) -> None:
    """Write the anchor of a database in which nothing was found.

    Raises:
        BadInput: The file cannot be written.
    """
    anchor = {"deployment": result.deployment, "seq": result.events, "hash": result.head, "at": at}
    try:
        write_text(path, json.dumps(anchor, indent=2) + "\n")
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}; choose another place") from error
