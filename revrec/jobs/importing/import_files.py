"""``revrec import``: import files of charge lines and fulfillment events, each file completely or not at all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.jobs.collecting import seldom_collected
from revrec.jobs.importing.changed_documents import DocumentChanges
from revrec.jobs.importing.events import EventRecorder
from revrec.jobs.importing.mappings import mapping_of, mappings_of
from revrec.jobs.importing.rows import ChargeImporter, batches, count_rows, path_as_text
from revrec.jobs.importing.session import ImportResult, ImportSession
from revrec.jobs.rules.load import load_rules
from revrec.sources import NATIVE_CHARGES, BadRow, ColumnMapping, read_charge_blocks, read_event_blocks
from revrec.sources.archives import ArchiveMember, members
from revrec.sources.mapping import EVENT, REFUSE
from revrec.sources.problems import SourceError
from revrec.sources.suggesting.wrong_dates import wrong_dates
from revrec.store import charges, quarantine
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

__all__ = ["ImportResult", "import_charges", "import_document", "mapping_of", "mappings_of"]


class ContractImport(NamedTuple):
    """The options of an import of contract lines: the day on which the contracts were modified, None if they are new.

    Without a day, a contract line that arrives with other figures is a conflict; with one, it is modified on that day.
    """

    modified: date | None = None


class UndoImport(Exception):
    """The signal to roll back the file's transaction; its results say why."""


def import_charges(
    context: "Context", path: Path, mapping: ColumnMapping | None = None, keep_good: bool = False, dry_run: bool = False
) -> ImportResult:
    """Import a file of charge lines only: see :func:`import_document`."""
    return import_document(context, path, [mapping or NATIVE_CHARGES], keep_good, dry_run)[0]


def import_document(
    context: "Context",
    path: Path,
    mappings: Sequence[ColumnMapping],
    keep_good: bool = False,
    dry_run: bool = False,
    name: str | None = None,
    fetched_from: str = "",
    may_be_empty: bool = False,
    contract: ContractImport | None = None,
) -> list[ImportResult]:
    """Import a file with each of the mappings, charge lines before events, in one transaction.

    The members of an archive are imported together. New charge lines are scheduled. A charge or event that is stored
    with the same figures is unchanged; a charge with other figures is a conflict, reported as a problem of its row and
    never overwritten. Any bad row refuses the file, unless ``keep_good`` sets bad rows aside. There is one result for
    each member and mapping; if one is refused, all are. ``name`` replaces the path as the name of the file;
    ``fetched_from`` is the name of its ``[source.NAME]``. A file without rows is a mistake unless it ``may_be_empty``.
    With ``contract``, the rows are contract lines, which are billed later by other charge lines.

    Raises:
        RuleErrors: The rules have errors; nothing was imported.
    """
    document = _DocumentImport(
        context, path, name or path_as_text(path), mappings, keep_good, dry_run, fetched_from, may_be_empty, contract
    )
    book = load_rules(context)
    try:
        document.process(book)
    except UndoImport:
        pass
    except SourceError as error:
        document.current().refuse(str(error))
    document.refuse_all_if_one_is()
    return document.results


class _DocumentImport:
    """The import of one file with everything in it."""

    def __init__(
        self,
        context: "Context",
        path: Path,
        name: str,
        mappings: Sequence[ColumnMapping],
        keep_good: bool,
        dry_run: bool,
        fetched_from: str,
        may_be_empty: bool,
        contract: ContractImport | None,
    ) -> None:
        self._contract = contract
        self._context = context
        self._fetched_from = fetched_from
        self._path = path
        self._name = name
        self._mappings = mappings
        self._keep_good = keep_good
        self._dry_run = dry_run
        self._may_be_empty = may_be_empty
        self._refused_documents: set[str] = set()
        self.results: list[ImportResult] = []

    def current(self) -> ImportResult:
        """Return the result of the part being read, or of the whole file if no part was read yet."""
        if not self.results:
            self.results.append(ImportResult(self._name, self._mappings[0].rows, dry_run=self._dry_run))
        return self.results[-1]

    def process(self, book: "RuleBook") -> None:
        """Import every member with every mapping.

        Raises:
            UndoImport: There is nothing to keep of it.
            SourceError: A member cannot be read.
        """
        parts = members(self._path, self._name, self._mappings[0].format)
        sources = [source_file(part)._replace(source=self._fetched_from) for part in parts]
        is_whole = len(parts) * len(self._mappings) == 1
        is_kept = False
        with seldom_collected(), self._context.database.write() as connection:
            for part, source in zip(parts, sources, strict=True):
                first = len(self.results)
                for mapping in self._mappings:
                    is_kept |= self._part(connection, part, source, mapping, book, is_whole)
                if not self._may_be_empty:
                    self._not_empty(part, self.results[first:])
            if self._dry_run or not is_kept:
                raise UndoImport

    def _part(
        self,
        connection: "Connection",
        part: ArchiveMember,
        source: charges.SourceFile,
        mapping: ColumnMapping,
        book: "RuleBook",
        is_whole: bool,
    ) -> bool:
        """Import one member with one mapping, the only ones if ``is_whole``; return True if there is anything new."""
        result = ImportResult(part.name, mapping.rows, dry_run=self._dry_run)
        self.results.append(result)
        # Importing a file again must leave no trace for a part without anything new, even if another part has some.
        # Within a savepoint SQLite copies each page that changes, and goes through all copies after each statement.
        savepoint = None if is_whole else connection.begin_nested()
        one = _FileImport(connection, self._context, result, source, mapping, self._refused_documents, self._contract)
        kept = one.run(part, book, self._keep_good, may_be_empty=self._may_be_empty or len(self._mappings) > 1)
        if result.refused:
            raise UndoImport
        if savepoint and kept:
            savepoint.commit()
        elif savepoint:
            savepoint.rollback()
        return kept

    def _not_empty(self, part: ArchiveMember, results: Sequence[ImportResult]) -> None:
        if not any(one.rows or one.passed_over for one in results):
            kinds = " and no ".join(one.kind for one in results)
            raise SourceError(
                part.name, "", f"has no {kinds}", "check whether this is the right file and the right mapping"
            )

    def refuse_all_if_one_is(self) -> None:
        """Mark all parts as refused if one of them was: they share one transaction."""
        refused = next((one for one in self.results if one.refused), None)
        for result in self.results:
            if refused and not result.refused:
                result.refuse(f"not imported either: the {refused.kind} of {refused.file} cannot be used")


def source_file(part: ArchiveMember) -> charges.SourceFile:
    """Return the location of a member, its SHA-256 and its size.

    Raises:
        SourceError: It is missing, a folder, empty or cannot be read.
    """
    with part.open() as stream:
        stream.drain()
        return charges.SourceFile(part.name, stream.sha256(), stream.size)


class _FileImport:
    """The import of one file with one mapping: provenance, rows, bad rows; it is kept completely or not at all."""

    def __init__(
        self,
        connection: "Connection",
        context: "Context",
        result: ImportResult,
        source: charges.SourceFile,
        mapping: ColumnMapping,
        refused_documents: set[str],
        contract: ContractImport | None = None,
    ) -> None:
        self._contract = contract
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
        shown |= {key: one for key, one in (("source", source.source), ("timezone", mapping.timezone)) if one}
        audit_seq = record(connection, who, f"import of {result.kind} begun", subject, shown)
        self._provenance = charges.add_import(
            connection, import_id, result.kind, source, mapping.name, who.at, who.actor, audit_seq
        )
        self._session = ImportSession(connection, who, result, import_id, subject, audit_seq)
        self._session.refused_documents = refused_documents

    def run(self, part: ArchiveMember, book: "RuleBook", keep_good: bool, may_be_empty: bool) -> bool:
        """Read, compare, write and schedule, batch by batch; return True if there is anything to keep.

        Raises:
            SourceError: The file cannot be read, or changed between hashing and reading.
        """
        importer = self._importer(book)
        self._session.keeps_bad_rows = keep_good
        with part.open() as stream:
            rows: Any
            if self._mapping.rows == "charges":
                booked = partial(charges.values_of_documents, self._connection)
                rows = read_charge_blocks(stream, self._mapping, may_be_empty, booked)
            else:
                rows = read_event_blocks(stream, self._mapping, may_be_empty)
            label = f"importing {Path(part.name).name}"
            for batch in self._context.progress.track(batches(rows), label, size=count_rows):
                importer.process(batch)
            self._session.header = stream.header
            importer.finish()
            if self._result.refused:
                return False
            self._result.warnings += stream.warnings
            # The recorded digest is the auditor's proof of what was imported; a file that was still being written
            # would be imported under the digest of other bytes.
            if stream.sha256() != self._source.sha256:
                fix = "import it again when it is complete"
                raise SourceError(self._source.uri, "", "it changed while it was read", fix)
            return self._finish(keep_good, stream.header)

    def _importer(self, book: "RuleBook") -> Any:
        if self._mapping.rows == "charges":
            contract, mapping = self._contract, self._mapping
            if contract:
                mapping = replace(mapping, on_changed=EVENT if contract.modified else REFUSE)
            changes = DocumentChanges(self._session, book, mapping, self._source.sha256, contract and contract.modified)
            return ChargeImporter(self._session, book, changes, is_contract=contract is not None)
        return EventRecorder(self._session, book)

    def _finish(self, keep_good: bool, header: Sequence[str]) -> bool:
        result = self._result
        result.dates = [one._asdict() for one in wrong_dates(self._session.bad_rows, self._mapping)]
        # A row of the quarantine would be released without the options of a contract: a contract file is whole.
        wrong = result.rejected - (0 if self._contract else self._session.refused_rows)
        if wrong and not keep_good:
            count = f"{wrong} of {result.rows} rows cannot be used"
            rest = "" if self._contract else ", or import the rest with --keep-good"
            result.refuse(f"{count}; nothing of this file was imported. Fix them{rest}")
            return False
        aside = self._rows_to_quarantine(header) if result.rejected else []
        if not (result.accepted or result.changed or aside):
            return False
        digests = [self._provenance]
        if aside:
            digests.append(charges.add_quarantined(self._connection, self._session.import_id, aside))
        counts = {name: getattr(result, name) for name in ("rows", "accepted", "unchanged", "rejected")}
        if result.passed_over:
            counts["passed_over"] = sum(result.passed_over.values())
        record(
            self._connection, self._session.who, f"import of {result.kind} done", self._session.subject, counts, digests
        )
        return True

    def _rows_to_quarantine(self, header: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the bad rows that no earlier import of the same content has quarantined."""
        before = charges.quarantined_rows(self._connection, self._result.kind, self._source.sha256)
        self._result.quarantined = not self._result.dry_run
        rows = [quarantine_row(row, header) for row in self._session.bad_rows if row.row_number not in before]
        # A document that was refused is sent again each day, and its rows wait in the quarantine once.
        known = quarantine.outcomes_of(self._connection, [row[2] for row in rows]) if self._session.refused_rows else {}
        return [row for row in rows if known.get(row[2], "") is not None]


def quarantine_row(row: BadRow, header: Sequence[str]) -> tuple[Any, ...]:
    """Return a bad row as the quarantine stores it: number, problems, original values, and those that can be read.

    The original values are by column, or by position if the row does not match the columns.
    """
    waits = {"waits_for": row.waits_for} if row.waits_for else {}
    problems = json.dumps([problem.as_dict() | waits for problem in row.problems], ensure_ascii=False)
    return (row.row_number, problems, quarantine.raw_text(row.raw, header), *row.values)
