"""``revrec import``: files of charge lines or fulfilment events into the database, all or nothing a file."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from revrec.core.charge_line import ChargeLine
from revrec.core.errors import BadConfiguration
from revrec.core.fingerprint import differences, fingerprint
from revrec.jobs.rules import load_rules
from revrec.jobs.scheduling import Scheduler
from revrec.sources import NATIVE_CHARGES, NATIVE_EVENTS, Bad, ColumnMapping, Good, Problem, SourceStream, read_charges
from revrec.sources.problems import SourceError
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.audit import Who

T = TypeVar("T")

BATCH = 2_000
"""Rows that are compared and written together."""

MOST_REPORTED = 1_000
"""Rows reported in full; any further ones are counted."""


@dataclass
class ImportResult:
    """What became of one file. ``rejected`` rows are in ``report``; they were set aside if ``quarantined``."""

    file: str
    kind: str
    rows: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    scheduled: int = 0
    unscheduled: int = 0
    quarantined: bool = False
    dry_run: bool = False
    refused: str = ""
    """Why the whole file was refused; empty if it was taken."""
    report: list[dict[str, object]] = field(default_factory=list)

    def refuse(self, why: str) -> None:
        """Tell that nothing of the file was taken, and why."""
        self.refused = why
        self.accepted = self.scheduled = self.unscheduled = 0

    def reject(self, row: Bad) -> None:
        """Count a bad row and report each of its problems."""
        self.rejected += 1
        if self.rejected <= MOST_REPORTED:
            self.report += [
                {"file": self.file, "row": row.row_number, "place": row.place, **problem._asdict()}
                for problem in row.problems
            ]


class Undo(Exception):
    """Rolls the file's transaction back; its result tells why."""


def import_charges(
    context: "Context", path: Path, mapping: ColumnMapping | None = None, keep_good: bool = False, dry_run: bool = False
) -> ImportResult:
    """Import a file of charge lines and schedule the new ones, in one transaction.

    A charge the store has with the same figures is unchanged; with other figures it is a conflict, reported as a
    problem of its row and never overwritten. Any bad row refuses the file, unless ``keep_good`` sets bad rows aside.

    Raises:
        RuleErrors: the rules are broken; nothing runs on them.
    """
    result = ImportResult(shown_name(path), "charges", dry_run=dry_run)
    book = load_rules(context)
    try:
        source = source_file(path)
        with context.database.write() as connection:
            _ChargeImport(connection, context, result, source, book, mapping or NATIVE_CHARGES).run(path, keep_good)
    except Undo:
        pass
    except SourceError as error:
        result.refuse(str(error))
    return result


def source_file(path: Path) -> charges.SourceFile:
    """Where the file is, its SHA-256 and size.

    Raises:
        SourceError: it is missing, a folder, empty or cannot be read.
    """
    with SourceStream(path) as stream:
        del stream
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return charges.SourceFile(shown_name(path), digest.hexdigest(), size)


def shown_name(path: Path) -> str:
    """The path as text. Bytes that are none show as ``\\xNN``, since neither JSON nor a database could hold them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class FileImport:
    """The common part of importing charges and events: provenance, bad rows, and keeping all or nothing."""

    def __init__(
        self,
        connection: "Connection",
        context: "Context",
        result: ImportResult,
        source: charges.SourceFile,
        mapping: ColumnMapping,
    ) -> None:
        self.connection = connection
        self.context = context
        self.result = result
        self.source = source
        self.mapping = mapping
        self.who: Who = context.who()
        self.import_id = charges.next_import(connection)
        self.subject = f"import {self.import_id}"
        shown = {"file": source.uri, "sha256": source.sha256, "size": source.size, "mapping": mapping.name}
        self.audit_seq = record(connection, self.who, f"import of {result.kind} begun", self.subject, shown)
        self._provenance = charges.add_import(
            connection, self.import_id, result.kind, source, mapping.name, self.who.at, self.who.actor, self.audit_seq
        )
        self._aside: list[tuple[int, str, str]] = []

    def reject(self, row: Bad, raw: Any = ()) -> None:
        """Report a bad row, and remember it for the quarantine."""
        self.result.reject(row)
        problems = json.dumps([problem._asdict() for problem in row.problems], ensure_ascii=False)
        self._aside.append((row.row_number, problems, json.dumps(list(raw), ensure_ascii=False)))

    def finish(self, keep_good: bool, read: str) -> None:
        """Keep the import, or undo it: if it was bad, if it brought nothing new, or on a dry run.

        Raises:
            SourceError: the file changed between hashing and reading.
        """
        result = self.result
        if read != self.source.sha256:
            raise SourceError(
                self.source.uri, "", "it changed while it was read", "import it again when it is complete"
            )
        if result.rejected and not keep_good:
            count = f"{result.rejected} of {result.rows} rows cannot be used"
            result.refuse(f"{count}; nothing of this file was imported. Mend them, or import the rest with --keep-good")
        aside = self._new_aside() if result.rejected and not result.refused else []
        if result.refused or result.dry_run or not (result.accepted or aside):
            raise Undo
        digests = [self._provenance]
        if aside:
            digests.append(charges.add_quarantined(self.connection, self.import_id, aside))
        counts = {name: getattr(result, name) for name in ("rows", "accepted", "unchanged", "rejected")}
        record(self.connection, self.who, f"import of {result.kind} done", self.subject, counts, digests)

    def _new_aside(self) -> list[tuple[int, str, str]]:
        """The bad rows that no earlier import of the same content has set aside already."""
        before = charges.quarantined_rows(self.connection, self.result.kind, self.source.sha256)
        self.result.quarantined = not self.result.dry_run
        return [row for row in self._aside if row[0] not in before]


class _ChargeImport(FileImport):
    """One file of charge lines on its way in."""

    def __init__(
        self,
        connection: "Connection",
        context: "Context",
        result: ImportResult,
        source: charges.SourceFile,
        book: "RuleBook",
        mapping: ColumnMapping,
    ) -> None:
        super().__init__(connection, context, result, source, mapping)
        self._scheduler = Scheduler(connection, book, self.who, self.audit_seq)
        self._next = charges.next_no(connection)

    def run(self, path: Path, keep_good: bool) -> None:
        """Read, compare, write, schedule; batch by batch."""
        with SourceStream(path) as stream:
            rows = read_charges(stream, self.mapping)
            for batch in batches(self.context.progress.track(rows, f"importing {path.name}"), BATCH):
                self._take(batch)
            read = stream.sha256()
        self.result.scheduled, self.result.unscheduled = self._scheduler.scheduled, self._scheduler.unscheduled
        self.finish(keep_good, read)

    def _take(self, batch: list[Good[ChargeLine] | Bad]) -> None:
        self.result.rows += len(batch)
        good = [row for row in batch if isinstance(row, Good)]
        known = charges.known(self.connection, [row.line.id for row in good])
        new: list[tuple[Any, ...]] = []
        for row in batch:
            if isinstance(row, Bad):
                self.reject(row)
            else:
                self._one(row, known, new)
        if new:
            digest = charges.add_charges(self.connection, new)
            record(self.connection, self.who, "charge lines written", f"rows of {self.subject}", {}, [digest])
        self._scheduler.flush()

    def _one(self, row: Good[ChargeLine], known: dict[str, charges.Known], new: list[tuple[Any, ...]]) -> None:
        line = row.line
        mark = fingerprint(line)
        same = known.get(line.id)
        if same is None:
            no, self._next = self._next, self._next + 1
            known[line.id] = charges.Known(no, mark, self.import_id, row.row_number)
            new.append(charges.charge_row(no, line, mark, self.import_id, row.row_number))
            self._scheduler.first(no, line)
            self.result.accepted += 1
        elif same.import_id == self.import_id:
            problem = Problem(
                "charge", line.id, f"stands in row {same.row} of this file already", "keep one of the two"
            )
            self.reject(Bad(row.row_number, [problem], f"row {row.row_number}"), row.raw)
        elif same.fingerprint == mark:
            self.result.unchanged += 1
        else:
            self.reject(Bad(row.row_number, self._conflicts(same, line), f"row {row.row_number}"), row.raw)

    def _conflicts(self, same: charges.Known, line: ChargeLine) -> list[Problem]:
        """One problem for each figure that differs from the imported charge, which stays as it is."""
        mend = "the imported charge stays as it is; send a change as a new line that corrects it"
        stored = charges.read_charge(self.connection, same.no)
        return [
            Problem(name, new, f"{line.id} was imported with {old or 'nothing'}", mend)
            for name, old, new in differences(stored, line)
        ]


def batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def mapping_of(context: "Context", name: str | None, events: bool) -> ColumnMapping:
    """The named mapping of the configuration, or the native one for charges or events.

    Raises:
        BadConfiguration: there is no such mapping, it is wrong, or it reads the other kind of rows.
    """
    if not name:
        return NATIVE_EVENTS if events else NATIVE_CHARGES
    mapping = ColumnMapping.from_config(name, context.settings.mapping(name))
    if (mapping.rows == "events") != events:
        flag = "with" if mapping.rows == "events" else "without"
        raise BadConfiguration(f"mapping {name} reads {mapping.rows}: import its files {flag} --events")
    return mapping
