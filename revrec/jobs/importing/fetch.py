"""``revrec fetch``: download the documents that the sources offer, each once, and settle them there afterwards.

A document is downloaded into a private folder, imported in one transaction, recorded, and only then moved, marked or
deleted at its source. After a crash in between it is downloaded a second time, and recognized by its content.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from revrec.core.errors import BadConfiguration
from revrec.files import draft_of
from revrec.jobs.importing.import_files import ImportResult, import_document, mappings_of
from revrec.jobs.importing.mappings import of_source
from revrec.jobs.importing.sources import source_names, transport_of
from revrec.sources.transports import Document, SignInRefused, SourceTransport, TransportFailed
from revrec.store import received
from revrec.store.received import ReceivedDocument

if TYPE_CHECKING:
    from revrec.jobs.context import Context

TRIES = 3
LONGEST_PAUSE = 30
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}$")


@dataclass
class SourceResult:
    """The result of fetching one source. ``failed`` says why it stopped early; documents imported before are kept."""

    source: str
    documents: list[ReceivedDocument] = field(default_factory=list)
    imports: list[ImportResult] = field(default_factory=list)
    known: int = 0
    failed: str = ""

    @property
    def refused(self) -> int:
        """Return the number of documents that could not be used."""
        return sum(1 for one in self.documents if one.outcome == "refused")


def fetch(
    context: "Context", names: Sequence[str] = (), dry_run: bool = False, again: bool = False
) -> list[SourceResult]:
    """Fetch the named sources, else all. A source that fails does not keep the others from being fetched.

    ``again`` retries documents that were refused before. With ``dry_run`` documents are listed and read, and nothing is
    kept or changed, here or at the source.

    Raises:
        BadConfiguration: A source does not exist or has wrong settings; nothing was fetched.
        RuleErrors: The rules have errors; nothing was imported.
    """
    chosen = list(names) or source_names(context)
    if not chosen:
        raise BadConfiguration("no source is set up; add a [source.NAME] table to revrec.toml: revrec docs sources")
    for name in chosen:
        transport_of(context, name)
    return [_SourceFetch(context, name, dry_run, again).fetch() for name in chosen]


class _SourceFetch:
    """The fetching of one source."""

    def __init__(self, context: "Context", name: str, dry_run: bool, again: bool) -> None:
        self._context = context
        self._dry_run = dry_run
        self._again = again
        self._result = SourceResult(name)
        self._started = context.timestamp()
        with context.database.read() as connection:
            self._known = received.known_markers(connection, name)
            since = received.last_fetch(connection, name)
        self._transport = transport_of(context, name, since)
        settings = self._transport.settings
        self._mappings = of_source(mappings_of(context, settings["map"], settings["events"]), settings)

    def fetch(self) -> SourceResult:
        """Fetch every document that is offered; reconnect after a lost connection, with growing pauses."""
        trying = Retrying(
            retry=retry_if_exception(_is_temporary),
            wait=wait_random_exponential(multiplier=1, max=LONGEST_PAUSE),
            stop=stop_after_attempt(TRIES),
            sleep=self._context.sleep,
            reraise=True,
        )
        try:
            trying(self._fetch_all)
        except TransportFailed as error:
            self._result.failed = str(error)
        if not self._dry_run:
            outcome = self._result.failed or "done"
            count = len(self._result.documents)
            with self._context.database.write() as connection:
                who = self._context.who()
                received.add_fetch(connection, self._result.source, self._started, count, outcome, who)
        return self._result

    def _fetch_all(self) -> None:
        with self._transport as transport:
            offered = transport.documents(self._is_known)
            for document in self._context.progress.track(offered, f"fetching {self._result.source}"):
                self._fetch_one(transport, document)

    def _is_known(self, marker: str) -> bool:
        return any(one == marker or one.startswith(f"{marker}-") for one in self._known)

    def _fetch_one(self, transport: SourceTransport, document: Document) -> None:
        if document.marker and document.marker in self._known and not self._again:
            self._result.known += 1
            return
        with tempfile.TemporaryDirectory(prefix="revrec-") as folder:
            spool = Path(folder) / f"document{_suffix(document.name)}"
            digest, size = _download(transport, document, spool)
            marker = document.marker or digest
            if not document.marker and marker in self._known and not self._again:
                self._result.known += 1
                return
            one = self._import(transport, document, spool, (marker, digest, size))
        self._result.documents.append(one)
        if not self._dry_run:
            # Record first: if the record fails, the source still offers the document and nothing is lost.
            self._record(one)
            transport.settle(document, received=one.outcome != "refused")

    def _import(
        self, transport: SourceTransport, document: Document, spool: Path, about: tuple[str, str, int]
    ) -> ReceivedDocument:
        name = f"{transport.where.rstrip('/')}/{document.name}"
        largest = transport.settings["largest"]
        if about[2] > largest:
            said = f"{name}: has more than {largest:,} bytes; ask its sender to split it, or raise largest"
            return ReceivedDocument(self._result.source, document.name, *about, "refused", said, "")
        keep_good = transport.settings["keep_good"]
        results = import_document(
            self._context, spool, self._mappings, keep_good, self._dry_run, name, self._result.source
        )
        self._result.imports += results
        refused = next((one.refused for one in results if one.refused), "")
        accepted = sum(one.accepted for one in results)
        outcome = "refused" if refused else "imported" if accepted else "unchanged"
        kept = "" if self._dry_run else self._archive(spool, about[1])
        return ReceivedDocument(self._result.source, document.name, *about, outcome, refused, kept)

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
                draft.write_bytes(spool.read_bytes())
        return str(target.relative_to(settings.home)) if target.is_relative_to(settings.home) else str(target)

    def _record(self, one: ReceivedDocument) -> None:
        with self._context.database.write() as connection:
            received.add_document(connection, one, self._context.who())
        self._known.add(one.marker)


def _is_temporary(error: BaseException) -> bool:
    """Return True if another attempt may succeed; after a refused sign-in more attempts would lock the user."""
    return isinstance(error, TransportFailed) and not isinstance(error, SignInRefused)


def _suffix(name: str) -> str:
    """Return the suffix of a name, which shows the format; no other part of a foreign name may get into a path."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""


def _download(transport: SourceTransport, document: Document, spool: Path) -> tuple[str, int]:
    """Write a document to a file; return its SHA-256 and size."""
    largest, digest, size = transport.settings["largest"], hashlib.sha256(), 0
    # Documents hold customers' data: no other user may read the spool file, not even for a moment.
    with open(spool, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        for block in transport.read(document):
            size += len(block)
            digest.update(block)
            if size > largest:
                break
            file.write(block)
    return digest.hexdigest(), size
