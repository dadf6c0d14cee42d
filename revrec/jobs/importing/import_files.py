"""``revrec import``: files of charge lines and fulfillment events into the database, all or nothing a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.jobs.importing.events import EventTaker
from revrec.jobs.importing.mappings import mapping_of, mappings_of
from revrec.jobs.importing.rows import BATCH, ChargeTaker, ImportResult, Reception, shown_name
from revrec.jobs.rules.load import load_rules
from revrec.sources import NATIVE_CHARGES, BadRow, ColumnMapping, read_charges, read_events
from revrec.sources.archives import ArchiveMember, members
from revrec.sources.problems import SourceError
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

__all__ = ["ImportResult", "import_charges", "import_document", "mapping_of", "mappings_of"]


class Undo(Exception):
    """Rolls the file's transaction back; its results tell why."""


def import_charges(
    context: "Context", path: Path, mapping: ColumnMapping | None = None, keep_good: bool = False, dry_run: bool = False
) -> ImportResult:
    """Import a file of charge lines alone: see :func:`import_document`."""
    return import_document(context, path, [mapping or NATIVE_CHARGES], keep_good, dry_run)[0]


def import_document(
    context: "Context",
    path: Path,
    mappings: Sequence[ColumnMapping],
    keep_good: bool = False,
    dry_run: bool = False,
    name: str | None = None,
) -> list[ImportResult]:
    """Import a file by each of the mappings, charge lines before events, in one transaction.

    An archive is taken as its members, together. New charge lines are scheduled; a charge or event that the store has
    with the same figures is unchanged; a charge with other figures is a conflict, reported as a problem of its row and
    never overwritten. Any bad row refuses the file, unless ``keep_good`` sets bad rows aside. There is one result for
    each member and mapping; if one is refused, all are. ``name`` is what the file is known by, if not its path.

    Raises:
        RuleErrors: the rules are broken; nothing runs on them.
    """
    document = _Document(context, path, name or shown_name(path), mappings, keep_good, dry_run)
    book = load_rules(context)
    try:
        document.take(book)
    except Undo:
        pass
    except SourceError as error:
        document.current().refuse(str(error))
    document.tell_the_others()
    return document.results


class _Document:
    """One file on its way in, with all that it holds."""

    def __init__(
        self,
        context: "Context",
        path: Path,
        name: str,
        mappings: Sequence[ColumnMapping],
        keep_good: bool,
        dry_run: bool,
    ) -> None:
        self._context = context
        self._path = path
        self._name = name
        self._mappings = mappings
        self._keep_good = keep_good
        self._dry_run = dry_run
        self.results: list[ImportResult] = []

    def current(self) -> ImportResult:
        """The result of what is being read, or of the whole file before anything was."""
        if not self.results:
            self.results.append(ImportResult(self._name, self._mappings[0].rows, dry_run=self._dry_run))
        return self.results[-1]

    def take(self, book: "RuleBook") -> None:
        """Import every member by every mapping.

        Raises:
            Undo: nothing of it is kept.
            SourceError: a member cannot be read.
        """
        parts = members(self._path, self._name, self._mappings[0].format)
        sources = [source_file(part) for part in parts]
        with self._context.database.write() as connection:
            for part, source in zip(parts, sources, strict=True):
                first = len(self.results)
                for mapping in self._mappings:
                    self._part(connection, part, source, mapping, book)
                self._not_empty(part, self.results[first:])
            if self._dry_run:
                raise Undo

    def _part(
        self,
        connection: "Connection",
        part: ArchiveMember,
        source: charges.SourceFile,
        mapping: ColumnMapping,
        book: "RuleBook",
    ) -> None:
        result = ImportResult(part.name, mapping.rows, dry_run=self._dry_run)
        self.results.append(result)
        # A part that brings nothing new leaves no trace, whatever the others bring.
        savepoint = connection.begin_nested()
        kept = _FileImport(connection, self._context, result, source, mapping).run(
            part, book, self._keep_good, may_be_empty=len(self._mappings) > 1
        )
        if result.refused:
            raise Undo
        if kept:
            savepoint.commit()
        else:
            savepoint.rollback()

    def _not_empty(self, part: ArchiveMember, results: Sequence[ImportResult]) -> None:
        if not any(one.rows or one.passed_over for one in results):
            kinds = " and no ".join(one.kind for one in results)
            raise SourceError(part.name, "", f"has no {kinds}", "check whether it is the file, and the mapping, meant")

    def tell_the_others(self) -> None:
        """If one part was refused, so are all."""
        refused = next((one for one in self.results if one.refused), None)
        for result in self.results:
            if refused and not result.refused:
                result.refuse(f"not imported either: the {refused.kind} of {refused.file} cannot be used")


def source_file(part: ArchiveMember) -> charges.SourceFile:
    """Where a member is, its SHA-256 and its size.

    Raises:
        SourceError: it is missing, a folder, empty or cannot be read.
    """
    with part.open() as stream:
        stream.drain()
        return charges.SourceFile(part.name, stream.sha256(), stream.size)


class _FileImport:
    """One file, read by one mapping: provenance, rows, bad rows, and keeping all or nothing."""

    def __init__(
        self,
        connection: "Connection",
        context: "Context",
        result: ImportResult,
        source: charges.SourceFile,
        mapping: ColumnMapping,
    ) -> None:
        self._connection = connection
        self._context = context
        self._result = result
        self._source = source
        self._mapping = mapping
        who = context.who()
        import_id = charges.next_import_id(connection)
        subject = f"import {import_id}"
        shown: dict[str, object] = {"file": source.uri, "sha256": source.sha256, "size": source.size}
        shown |= {"mapping": mapping.name} | ({"tables": mapping.tables} if mapping.tables else {})
        audit_seq = record(connection, who, f"import of {result.kind} begun", subject, shown)
        self._provenance = charges.add_import(
            connection, import_id, result.kind, source, mapping.name, who.at, who.actor, audit_seq
        )
        self._to = Reception(connection, who, result, import_id, subject, audit_seq)

    def run(self, part: ArchiveMember, book: "RuleBook", keep_good: bool, may_be_empty: bool) -> bool:
        """Read, compare, write, schedule; batch by batch. Tells whether there is anything to keep.

        Raises:
            SourceError: the file cannot be read, or changed between hashing and reading.
        """
        taker = self._taker(book)
        with part.open() as stream:
            read: Any = read_charges if self._mapping.rows == "charges" else read_events
            rows = read(stream, self._mapping, may_be_empty)
            for batch in batched(self._context.progress.track(rows, f"importing {Path(part.name).name}"), BATCH):
                taker.take(batch)
            taker.finish()
            if stream.sha256() != self._source.sha256:
                mend = "import it again when it is complete"
                raise SourceError(self._source.uri, "", "it changed while it was read", mend)
            return self._finish(keep_good, stream.header)

    def _taker(self, book: "RuleBook") -> Any:
        if self._mapping.rows == "charges":
            return ChargeTaker(self._to, book)
        return EventTaker(self._to, book)

    def _finish(self, keep_good: bool, header: Sequence[str]) -> bool:
        result = self._result
        if result.rejected and not keep_good:
            count = f"{result.rejected} of {result.rows} rows cannot be used"
            result.refuse(f"{count}; nothing of this file was imported. Fix them, or import the rest with --keep-good")
            return False
        aside = self._new_aside(header) if result.rejected else []
        if not (result.accepted or aside):
            return False
        digests = [self._provenance]
        if aside:
            digests.append(charges.add_quarantined(self._connection, self._to.import_id, aside))
        counts = {name: getattr(result, name) for name in ("rows", "accepted", "unchanged", "rejected")}
        if result.passed_over:
            counts["passed_over"] = sum(result.passed_over.values())
        record(self._connection, self._to.who, f"import of {result.kind} done", self._to.subject, counts, digests)
        return True

    def _new_aside(self, header: Sequence[str]) -> list[tuple[int, str, str]]:
        """The bad rows that no earlier import of the same content has set aside already."""
        before = charges.quarantined_rows(self._connection, self._result.kind, self._source.sha256)
        self._result.quarantined = not self._result.dry_run
        return [set_aside(row, header) for row in self._to.aside if row.row_number not in before]


def set_aside(row: BadRow, header: Sequence[str]) -> tuple[int, str, str]:
    """A bad row as the quarantine keeps it: number, problems, and its values by column, or as they stood."""
    problems = json.dumps([problem.as_dict() for problem in row.problems], ensure_ascii=False)
    named = len(row.raw) == len(header) == len(set(header))
    raw = dict(zip(header, row.raw, strict=True)) if named else list(row.raw)
    return row.row_number, problems, json.dumps(raw, ensure_ascii=False)
