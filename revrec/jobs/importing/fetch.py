"""``revrec fetch``: download the documents that the sources offer, each once, and settle them there afterwards.

A document is downloaded into a private folder, kept, imported in one transaction, recorded, and only then moved, marked
or deleted at its source. After a crash in between it is downloaded a second time, and recognized by its content.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from revrec.core.errors import BadConfiguration
from revrec.files import draft_of
from revrec.jobs.importing.documents import DocumentImporter, Outcome, retry_waiting
from revrec.jobs.importing.import_files import ImportResult
from revrec.jobs.importing.sources import source_names, transport_of
from revrec.sources.transports import (
    LONGEST_PAUSE,
    Document,
    DocumentUnreachable,
    SignInRefused,
    SourceTransport,
    TransportFailed,
)
from revrec.store import received
from revrec.store.received import REPLACED, ReceivedDocument, StoredDocument

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp

UNCHANGED = Outcome("unchanged", "", (), ())
TRIES = 3
"""Attempts in a row without a new document before a source is given up."""
GROWING_PAUSE = wait_random_exponential(multiplier=1, max=30)
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}$")


@dataclass
class SourceResult:
    """The result of fetching one source. ``failed`` says why it stopped early; documents imported before are kept.

    ``known`` counts documents that were received before and did not change.
    """

    source: str
    known: int = 0
    failed: str = ""
    imports_of: dict[str, tuple[ImportResult, ...]] = field(default_factory=dict)
    """The results of importing the documents, by their names."""
    _documents: dict[str, ReceivedDocument] = field(default_factory=dict)

    @property
    def documents(self) -> list[ReceivedDocument]:
        """Return the documents that were fetched now."""
        return list(self._documents.values())

    @property
    def imports(self) -> list[ImportResult]:
        """Return the results of importing all documents."""
        return [one for many in self.imports_of.values() for one in many]

    @property
    def refused(self) -> int:
        """Return the number of documents that could not be imported or read."""
        return sum(1 for one in self._documents.values() if one.outcome in ("refused", "unreachable"))

    def add(self, document: ReceivedDocument, imports: tuple[ImportResult, ...]) -> None:
        """Add a document with its result; it replaces an earlier result of the same document."""
        self._documents[document.name] = document
        self.imports_of[document.name] = imports


def fetch(
    context: "Context", names: Sequence[str] = (), dry_run: bool = False, again: bool = False
) -> list[SourceResult]:
    """Fetch the named sources, else all. A source that fails does not keep the others from being fetched.

    Documents that waited for charge lines which have arrived are imported as well. ``again`` imports known documents a
    second time, except dismissed ones. With ``dry_run`` documents are listed and read, and nothing is kept or changed,
    here or at the source.

    Raises:
        BadConfiguration: A source does not exist or has wrong settings; nothing was fetched.
        RuleErrors: The rules have errors; nothing was imported.
    """
    chosen = list(names) or source_names(context)
    if not chosen:
        raise BadConfiguration("no source is set up; add a [source.NAME] table to revrec.toml: revrec docs sources")
    for name in chosen:
        transport_of(context, name)
    results = {name: _SourceFetch(context, name, dry_run, again).fetch() for name in chosen}
    for one in () if dry_run else retry_waiting(context):
        source = one.document.source
        results.setdefault(source, SourceResult(source)).add(one.document, one.imports)
    return list(results.values())


class _SourceFetch:
    """The fetching of one source."""

    def __init__(self, context: "Context", name: str, dry_run: bool, again: bool) -> None:
        self._context = context
        self._dry_run = dry_run
        self._again = again
        self._result = SourceResult(name)
        self._started = context.timestamp()
        self._transport = transport_of(context, name)
        self._importer = DocumentImporter(context, name, self._transport)
        with context.database.read() as connection:
            self._latest = {one.name: one for one in received.latest_documents(connection, name)}
            self._saved = received.read_position(connection, name)
        if not again:
            self._transport.resume(self._saved)
        self._contents = {one.sha256 for one in self._latest.values() if one.is_settled}
        self._offered: set[str] = set()
        self._done: set[str] = set()
        self._unmoved: dict[str, str] = {}
        self._failures = 0
        self._progress: tuple[int, str] = (0, "")

    def fetch(self) -> SourceResult:
        """Fetch every document that is offered; reconnect after a lost connection, with growing pauses."""
        trying = Retrying(
            retry=retry_if_exception(_is_temporary),
            wait=_pause,
            stop=self._gives_up,
            sleep=self._context.sleep,
            reraise=True,
        )
        try:
            trying(self._fetch_all)
        except TransportFailed as error:
            self._result.failed = str(error)
        if self._unmoved and not self._result.failed:
            first = next(iter(self._unmoved.values()))
            count = f"{len(self._unmoved)} imported or refused, but not moved, marked or deleted there"
            self._result.failed = f"{count}: {first}"
        if not self._dry_run:
            outcome = self._result.failed or "done"
            count_documents = len(self._result.documents)
            with self._context.database.write() as connection:
                who = self._context.who()
                received.add_fetch(
                    connection, self._result.source, self._started, count_documents, outcome, who, self._position()
                )
        return self._result

    def _gives_up(self, state: RetryCallState) -> bool:
        """Return True after several failures without a new document or page, or if the pause would be too long."""
        progress = len(self._result.documents), self._transport.position
        self._failures = 1 if progress != self._progress else self._failures + 1
        self._progress = progress
        error = state.outcome and state.outcome.exception()
        pause = error.pause if isinstance(error, TransportFailed) else None
        return self._failures >= TRIES or (pause or 0) > LONGEST_PAUSE

    def _position(self) -> str | None:
        """Return how far the source was read, None if that is saved already."""
        position = self._transport.position
        if not position or position == self._saved:
            return None
        self._saved = position
        return position

    def _fetch_all(self) -> None:
        with self._transport as transport:
            offered = self._context.progress.track(transport.documents(), f"fetching {self._result.source}")
            for _group, documents in groupby(offered, key=lambda one: one.group or one.name):
                self._fetch_group(transport, documents)
            if not self._dry_run:
                self._conclude(transport)

    def _fetch_group(self, transport: SourceTransport, documents: Iterable[Document]) -> None:
        """Fetch the documents of a group, then settle the group at its source."""
        found = [(document, self._fetch_one(transport, document)) for document in documents]
        if not self._dry_run:
            self._settle(transport, found[-1][0], [stored for _document, stored in found])

    def _settle(self, transport: SourceTransport, document: Document, stored: Sequence[StoredDocument]) -> None:
        """Move, mark or delete what was imported or refused; what waits or could not be read stays where it is."""
        not_settled = [one for one in stored if not one.is_settled]
        if any(one.outcome == "unreachable" or one.waits_for for one in not_settled):
            return
        group = document.group or document.name
        try:
            transport.settle(document, received=not not_settled)
        except TransportFailed as error:
            self._unmoved[group] = str(error)
            return
        self._unmoved.pop(group, None)
        if not not_settled:
            transport.mark_finished(document)

    def _conclude(self, transport: SourceTransport) -> None:
        """Mark what is not offered any more as replaced, if all was offered; let the transport know what is settled."""
        left = [one for one in self._latest.values() if not one.is_settled]
        gone = [one for one in left if one.name not in self._offered] if transport.offers_all else []
        if gone:
            with self._context.database.write() as connection:
                reason = "a later complete fetch did not offer it any more"
                received.resolve_documents(connection, gone, REPLACED, reason, self._context.who())
        transport.conclude(all_settled=len(gone) == len(left))

    def _fetch_one(self, transport: SourceTransport, document: Document) -> StoredDocument:
        """Fetch a document, unless it is known; return it as it is stored."""
        self._offered.add(document.name)
        known = self._latest.get(document.name)
        is_due = known is None or (document.name not in self._done and self._is_due(known))
        is_same = known is not None and known.marker == document.marker != ""
        if known and is_same and not is_due and not self._compares_content:
            return self._skip(known)
        who = self._context.who()
        with tempfile.TemporaryDirectory(prefix="revrec-") as folder:
            spool = Path(folder) / f"document{_suffix(document.name)}"
            try:
                digest, size = _download(transport, document, spool)
            except DocumentUnreachable as error:
                return self._unreachable(document, str(error), who)
            is_known = known is not None and not is_due and digest in (known.sha256, known.marker)
            if known and is_known and (is_same or not document.marker or known.resolution):
                return self._skip(known)
            is_page = transport.is_paged and (known is None or known.is_settled) and not self._again
            if is_page and digest in self._contents:
                self._result.known += 1
                return received.as_stored(self._received(document, digest, size, UNCHANGED), 0, who)
            done, kept = self._import(transport, document, spool, digest, size)
        one = self._received(document, digest, size, done, kept)
        return self._note(one, done.imports, who)

    @property
    def _compares_content(self) -> bool:
        return self._transport.settings.get("compare") == "content"

    def _is_due(self, known: StoredDocument) -> bool:
        """Return True if a known document that did not change is to be fetched again."""
        if known.resolution:
            return False
        return self._again or known.outcome == "unreachable" or (bool(known.waits_for) and not known.kept)

    def _skip(self, known: StoredDocument) -> StoredDocument:
        if known.name not in self._done:
            self._done.add(known.name)
            self._result.known += 1
        return known

    def _unreachable(self, document: Document, reason: str, who: "AuditStamp") -> StoredDocument:
        """Record that a document cannot be read, unless another process fetched and moved it at this moment."""
        known = self._latest.get(document.name)
        with self._context.database.read() as connection:
            newest = received.newest_document(connection, self._result.source, document.name)
        if newest and newest.is_settled and (known is None or newest.id != known.id):
            return self._skip(newest)
        one = self._received(document, "", document.size or 0, Outcome("unreachable", reason, (), ()))
        if known and (known.outcome, known.detail, known.marker) == (one.outcome, one.detail, one.marker):
            self._result.add(one, ())
            return known
        return self._note(one, (), who)

    def _import(
        self, transport: SourceTransport, document: Document, spool: Path, digest: str, size: int
    ) -> tuple[Outcome, str]:
        """Import a document and keep a copy of it; return the outcome and the path of the copy."""
        largest = transport.settings["largest"]
        if size > largest:
            why = f"{self._importer.uri(document.name)}: has more than {largest:,} bytes"
            return Outcome("refused", f"{why}; ask its sender to split it, or raise largest", (), ()), ""
        kept = "" if self._dry_run or not size else self._archive(spool, digest)
        return self._importer.process(spool, document.name, self._dry_run), kept

    def _received(self, document: Document, digest: str, size: int, done: Outcome, kept: str = "") -> ReceivedDocument:
        source, marker = self._result.source, document.marker or digest
        sha256 = digest if size <= self._transport.settings["largest"] else ""
        return ReceivedDocument(
            source, document.name, marker, sha256, size, done.outcome, done.detail, done.waits_for, kept
        )

    def _archive(self, spool: Path, digest: str) -> str:
        """Keep a copy of the document for auditors, named by its digest; return its path from the home folder."""
        settings = self._context.settings
        folder = settings.sources.received
        if folder is None:
            return ""
        target = folder / digest[:2] / f"{digest}{''.join(spool.suffixes)}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft_of(target) as draft:
                shutil.copyfile(spool, draft)
        return str(target.relative_to(settings.home)) if target.is_relative_to(settings.home) else str(target)

    def _note(self, one: ReceivedDocument, imports: tuple[ImportResult, ...], who: "AuditStamp") -> StoredDocument:
        """Record a document. The source still offers it if this fails, so that nothing is lost."""
        if self._dry_run:
            stored = received.as_stored(one, 0, who)
        else:
            with self._context.database.write() as connection:
                stored = received.add_document(connection, one, who, self._position())
        self._latest[one.name] = stored
        self._done.add(one.name)
        if stored.is_settled:
            self._contents.add(one.sha256)
        self._result.add(one, imports)
        return stored


def _is_temporary(error: BaseException) -> bool:
    """Return True if another attempt may succeed; after a refused sign-in more attempts would lock the user."""
    return isinstance(error, TransportFailed) and not isinstance(error, SignInRefused)


def _pause(state: RetryCallState) -> float:
    """Return the seconds to wait before the next attempt: as long as the other side asks, else a growing time."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.pause if isinstance(error, TransportFailed) else None
    return GROWING_PAUSE(state) if asked is None else asked


def _suffix(name: str) -> str:
    """Return the suffix of a name, which shows the format; no other part of a foreign name may get into a path."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""


def _download(transport: SourceTransport, document: Document, spool: Path) -> tuple[str, int]:
    """Write a document to a file; return its SHA-256 and size. Of one that is too large, at most the start is read."""
    largest, digest, size = transport.settings["largest"], hashlib.sha256(), 0
    if (document.size or 0) > largest:
        return "", document.size or 0
    # Documents hold customers' data: no other user may read the spool file, not even for a moment.
    with open(spool, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        for block in transport.read(document):
            size += len(block)
            digest.update(block)
            if size > largest:
                break
            file.write(block)
    return digest.hexdigest(), size
