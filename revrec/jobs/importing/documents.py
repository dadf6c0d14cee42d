"""Documents of sources after they arrived: import them, try them again, list them, dismiss them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.errors import BadConfiguration, BadInput
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.import_files import ImportResult, import_document, mappings_of
from revrec.jobs.importing.mappings import of_source
from revrec.jobs.importing.sources import transport_of
from revrec.sources.events import ALL_LINES
from revrec.store import charges, received
from revrec.store.quarantine import waiting_rows
from revrec.store.received import DISMISSED, ReceivedDocument, StoredDocument

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.sources.transports import SourceTransport
    from revrec.store.connection import Connection

PATTERNS = 1_000
"""Charge lines that are looked up together."""


class Outcome(NamedTuple):
    """The outcome of importing a document: imported, unchanged or refused, why, and which charge lines it waits for."""

    outcome: str
    detail: str
    waits_for: tuple[str, ...]
    imports: tuple[ImportResult, ...]


class DocumentImporter:
    """The importer of the documents of one source, by its mapping and settings."""

    def __init__(self, context: "Context", source: str, transport: "SourceTransport") -> None:
        self._context = context
        self._source = source
        self._may_be_empty = transport.is_paged
        self._where = transport.where.rstrip("/")
        self._settings = transport.settings
        found = mappings_of(context, self._settings["map"], self._settings["events"])
        self._mappings = of_source(found, self._settings)

    def uri(self, name: str) -> str:
        """Return the full name of a document, as an import records it."""
        return f"{self._where}/{name}"

    def process(self, file: Path, name: str, dry_run: bool) -> Outcome:
        """Import a document, all or nothing, from a file that was downloaded.

        Raises:
            RuleErrors: The rules have errors; nothing was imported.
        """
        if self._may_be_empty and not file.stat().st_size:
            return Outcome("unchanged", "no records", (), ())
        results = import_document(
            self._context,
            file,
            self._mappings,
            self._settings["keep_good"],
            dry_run,
            self.uri(name),
            self._source,
            self._may_be_empty,
        )
        refused = next((one for one in results if one.refused), None)
        accepted = sum(one.accepted + one.changed for one in results)
        if refused is None:
            return Outcome("imported" if accepted else "unchanged", "", (), tuple(results))
        rejected, waiting = sum(one.rejected for one in results), sum(one.waiting for one in results)
        waits_for = chain.from_iterable(one.waits_for for one in results) if rejected == waiting else ()
        return Outcome("refused", _reason(refused), tuple(dict.fromkeys(waits_for)), tuple(results))


def _reason(refused: ImportResult) -> str:
    """Return why a document was refused, with the first problem of a row."""
    if not refused.report:
        return refused.refused
    first = refused.report[0]
    value = f' "{first["value"]}"' if first["value"] else ""
    count = f"{refused.rejected} of {refused.rows} rows cannot be used"
    return f"{count}; {first['place']}: {first['field']}{value}: {first['reason']}; {first['fix']}"


class RetriedDocument(NamedTuple):
    """A document that was imported again from its kept copy, with its result."""

    document: ReceivedDocument
    imports: tuple[ImportResult, ...]


def retry_waiting(context: "Context") -> list[RetriedDocument]:
    """Import what was refused only because charge lines were missing that exist now: documents and quarantined rows.

    A document is imported from its kept copy. It is not tried before all of its charge lines exist, nor a second time
    before something new was imported. One that is imported may be what another one waits for.

    Raises:
        RuleErrors: The rules have errors; nothing was imported.
    """
    done: dict[tuple[str, str], RetriedDocument] = {}
    while again := _retry_ready(context):
        done |= {(one.document.source, one.document.name): one for one in again}
        if not any(one.document.outcome == "imported" for one in again):
            break
    return list(done.values())


def _retry_ready(context: "Context") -> list[RetriedDocument]:
    with context.database.read() as connection:
        rows = list(waiting_rows(connection))
        waiting = [one for one in received.open_documents(connection) if one.waits_for and one.kept]
        wanted = [*chain.from_iterable(one.waits_for for one in waiting), *(charge for _id, charge in rows)]
        newest, known = charges.last_import_at(connection) if waiting else "", _known(connection, wanted)
    for id, charge in rows:
        if charge in known:
            quarantine.release(context, [id])
    ready = [one for one in waiting if known.issuperset(one.waits_for) and newest >= one.at]
    return list(_retried(context, ready, {}))


def _known(connection: "Connection", wanted: Iterable[str]) -> set[str]:
    """Return the charge lines, or patterns of whole documents, that are stored."""
    found: set[str] = set()
    for some in batched(dict.fromkeys(wanted), PATTERNS):
        whole = [one for one in some if one.endswith(f"/{ALL_LINES}")]
        found.update(charges.document_lines(connection, whole) if whole else ())
        found.update(charges.known_charges(connection, list(some)))
    return found


def retry(context: "Context", ids: Sequence[int]) -> list[RetriedDocument]:
    """Import refused documents again from their kept copies, for example after a mapping was corrected.

    Raises:
        BadInput: A document does not exist, needs no attention, has no kept copy, or its source has no settings.
        RuleErrors: The rules have errors; nothing was imported.
    """
    with context.database.read() as connection:
        chosen = _chosen(connection, ids)
    importers: dict[str, DocumentImporter] = {}
    for one in chosen:
        _importer(context, one.source, importers)
        _copy(context, one)
    return list(_retried(context, chosen, importers))


def _retried(
    context: "Context", documents: Iterable[StoredDocument], importers: dict[str, DocumentImporter]
) -> Iterator[RetriedDocument]:
    for one in context.progress.track(documents, "importing documents again"):
        # A copy that is gone, or a source that was removed, leaves the document in the list of those to act on.
        with suppress(BadInput, BadConfiguration):
            importer = _importer(context, one.source, importers)
            # The time before the attempt: what is imported meanwhile must count as newer.
            who = context.who()
            done = importer.process(_copy(context, one), one.name, dry_run=False)
            again = ReceivedDocument(
                one.source,
                one.name,
                one.marker,
                one.sha256,
                one.size,
                done.outcome,
                done.detail,
                done.waits_for,
                one.kept,
            )
            with context.database.write() as connection:
                received.add_document(connection, again, who)
            yield RetriedDocument(again, done.imports)


def _importer(context: "Context", source: str, made: dict[str, DocumentImporter]) -> DocumentImporter:
    """Return the importer of a source. It reads the mapping and its lookup tables, so that each is ``made`` once."""
    if source not in made:
        made[source] = DocumentImporter(context, source, transport_of(context, source))
    return made[source]


def _copy(context: "Context", document: StoredDocument) -> Path:
    """Return the kept copy of a document.

    Raises:
        BadInput: No copy was kept, or it is not what was received.
    """
    path = context.settings.home / document.kept
    named = f"document {document.id} ({document.name})"
    if not document.kept or not path.is_file():
        raise BadInput(f"{named}: no copy was kept; run: revrec fetch {document.source} --again")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != document.sha256:
            raise BadInput(f"{named}: {path} is not what was received; run: revrec fetch {document.source} --again")
    return path


def dismiss(context: "Context", ids: Sequence[int], reason: str) -> list[StoredDocument]:
    """Dismiss documents that will not be imported, with the reason; they stay on record.

    Raises:
        BadInput: A document does not exist or needs no attention, or the reason is empty.
    """
    if not reason.strip():
        raise BadInput("a document can only be dismissed with a reason; add --reason TEXT")
    with context.database.write() as connection:
        chosen = _chosen(connection, ids)
        received.resolve_documents(connection, chosen, DISMISSED, reason.strip(), context.who())
    return chosen


def _chosen(connection: "Connection", ids: Sequence[int]) -> list[StoredDocument]:
    """Return the documents with these numbers, which must need attention."""
    found = {one.id: one for one in received.open_documents(connection)}
    for id in ids:
        if id not in found:
            exists = received.document(connection, id)
            reason = "it was imported, dismissed or replaced" if exists else "no such document"
            raise BadInput(f"document {id}: {reason}; see: revrec fetch list --all")
    return [found[id] for id in dict.fromkeys(ids)]


class ListedDocument(NamedTuple):
    """A document in a list; ``state`` is imported, unchanged, refused, waiting, unreachable, dismissed or replaced.

    ``reason`` is why, with the fix. ``copy`` is the path of the kept copy, empty without one.
    """

    id: int
    source: str
    document: str
    state: str
    received: str
    size: int
    sha256: str
    reason: str
    waits_for: tuple[str, ...]
    copy: str


def listed(context: "Context", sources: Sequence[str] = (), settled: bool = False) -> Iterator[ListedDocument]:
    """Yield the documents that need attention; with ``settled``, every version of every document.

    ``sources`` restricts them to some sources.
    """
    with context.database.read() as connection:
        for one in received.all_documents(connection) if settled else received.open_documents(connection):
            if not sources or one.source in sources:
                yield as_listed(one)


def as_listed(one: StoredDocument) -> ListedDocument:
    """Return a document as a list shows it."""
    state = one.resolution or ("waiting" if one.waits_for else one.outcome)
    reason = one.reason if one.resolution else one.detail
    return ListedDocument(
        one.id, one.source, one.name, state, one.at, one.size, one.sha256, reason or "", one.waits_for, one.kept
    )


def named(context: "Context", name: str) -> list[ListedDocument]:
    """Return every version of the documents of a name or SHA-256, oldest first."""
    with context.database.read() as connection:
        return [as_listed(one) for one in received.documents_named(connection, name)]
