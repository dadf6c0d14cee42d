"""The base of all transports."""

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

from revrec.core.errors import BadConfiguration
from revrec.core.extras import install_command
from revrec.core.keys import ConfigKey

BLOCK = 65_536
TLS_REQUIRED = "a connection without TLS is allowed to this machine only"
LONGEST_PAUSE = 300
"""Seconds of the longest pause that the other side can ask for; a fetch that has to wait longer stops."""
MOST_NAMES = 10_000
YOUNG_SECONDS = 3
"""A file can change twice in the second that its server shows: one that is this young is identified by its content."""


class Document(NamedTuple):
    """A document that the other side offers.

    ``name`` identifies it there: the same name means the same document, perhaps with other content. ``marker`` changes
    when the content does (size and time, ETag, UID), and is empty if only the content itself can show a change.
    Documents of one ``group``, the attachments of a mail, are settled together. ``place`` is for the transport only.
    """

    name: str
    marker: str
    size: int | None = None
    place: Any = None
    group: str = ""


class TransportFailed(BadConfiguration):
    """A connection that failed or broke off. What was received before remains imported.

    ``pause`` are the seconds that the other side asks to wait, None if it does not say.
    """

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class SignInRefused(TransportFailed):
    """A sign-in that the other side refused, or a permission that it did not grant."""


class DocumentUnreachable(TransportFailed):
    """A document that is offered and cannot be read. The connection works, so the others are read anyway."""


class SourceTransport(ABC):
    """The connection of one source, as a context. ``settings`` are its checked keys; ``secret`` returns a password."""

    name: ClassVar[str] = ""
    keys: ClassVar[tuple[ConfigKey, ...]]
    extra: ClassVar[str] = ""
    """The extra that must be installed."""
    is_paged: ClassVar[bool] = False
    """True if its documents are the pages of an answer: the same content may be another page at the next fetch, and
    one without records is not a mistake."""

    def __init__(self, settings: Mapping[str, Any], secret: Callable[[str], str]) -> None:
        self.settings = settings
        self.secret = secret

    def __enter__(self) -> Self:
        with self.reported_failures():
            self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    @abstractmethod
    def where(self) -> str:
        """The other side as an address without secrets."""

    @abstractmethod
    def connect(self) -> None:
        """Connect and sign in."""

    def close(self) -> None:  # noqa: B027 - many have nothing to close
        """Close the connection in any state."""

    @property
    def position(self) -> str:
        """How far the source was read, to be resumed by the next fetch; empty if every fetch lists everything."""
        return ""

    @property
    def offers_all(self) -> bool:
        """True if all that is not settled was offered again: a document that was not is replaced by those that were."""
        return False

    def resume(self, position: str) -> None:  # noqa: B027 - many list everything
        """Begin where an earlier fetch stopped. A position that does not fit the settings any more is ignored."""

    @abstractmethod
    def documents(self) -> Iterator[Document]:
        """Yield what the other side offers, always in the same order; the documents of a group one after the other.

        The next document is requested when the one before is recorded.
        """

    @abstractmethod
    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a document, block by block."""

    def settle(self, document: Document, received: bool) -> None:  # noqa: B027 - many leave it where it is
        """Move, mark or delete a document that was received (or refused), as the source's keys say.

        The database must have committed the document before: a crash in between then leaves a document that is known
        and settled at the next fetch. The other order could delete the only copy of an invoice.
        """

    def mark_finished(self, document: Document) -> None:  # noqa: B027 - many list everything
        """Note that a document, and all of its group, is imported or resolved, and need not be offered again."""

    def conclude(self, all_settled: bool) -> None:  # noqa: B027 - many list everything
        """Note that everything was offered; ``all_settled`` if all of it is imported or resolved."""

    @contextmanager
    def reading(self, document: Document) -> Iterator[None]:
        """Turn a failure inside the block into :class:`DocumentUnreachable` if it concerns this document alone."""
        try:
            with self.reported_failures():
                yield
        except TransportFailed as error:
            cause = error.__context__
            if isinstance(cause, Exception) and self.is_document_failure(cause):
                message = f"{self.where.rstrip('/')}/{document.name}: {self.reason(cause)}"
                raise DocumentUnreachable(f"{message}; make it readable there, or dismiss it") from None
            raise

    def is_document_failure(self, error: Exception) -> bool:
        """Return True if only the document failed: it is gone, or may not be read."""
        return isinstance(error, FileNotFoundError | PermissionError)

    @contextmanager
    def reported_failures(self) -> Iterator[None]:
        """Turn any failure inside the block into one that names the source and the reason, and never a secret.

        Raises:
            TransportFailed: the connection or a request failed.
            SignInRefused: the sign-in failed.
        """
        try:
            yield
        except BadConfiguration:
            raise
        except Exception as error:
            reason = self.reason(error)
            if reason is None:
                raise
            kind = SignInRefused if self.is_sign_in_failure(error) else TransportFailed
            raise kind(f"{self.where}: {reason}; fix that and fetch again") from None

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure; None for an error of the program. Transports add their libraries' errors."""
        return _reason(error) if isinstance(error, OSError | EOFError) else None

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Return True if the sign-in failed. It is not tried again, since that would lock the user out."""
        return False

    def is_wanted(self, name: str) -> bool:
        """Return True if a file of this name is to be read. Hidden files and unfinished uploads never are."""
        if name.startswith(".") or name.endswith((".part", ".tmp", ".filepart", ".crdownload")):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self.settings["files"])

    def destination(self, received: bool) -> tuple[str, str]:
        """Return what to do with a document: ("keep", ""), ("delete", "") or ("move", folder)."""
        kind, _, folder = self.settings["after" if received else "refused"].partition(":")
        return kind, folder


def shown_name(name: str) -> str:
    """Return a file name as text that can be stored; bytes that are not UTF-8 appear as ``\\xNN``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def free_name(name: str, is_free: Callable[[str], bool]) -> str:
    """Return the name, with a number added if a file of this name exists, so that nothing is overwritten.

    Raises:
        TransportFailed: ``name-2`` and the 9,999 after it exist as well.
    """
    if is_free(name):
        return name
    stem, dot, suffix = name.rpartition(".")
    for number in range(2, MOST_NAMES):
        found = f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}"
        if is_free(found):
            return found
    raise TransportFailed(f"{name}: cannot be moved: {MOST_NAMES:,} files there have this name; clear the folder")


def plain_name(document: Document, unsafe: str) -> str:
    """Return the file name of a document, without any of the ``unsafe`` characters.

    Raises:
        DocumentUnreachable: the name has one of them.
    """
    name: str = document.place
    if any(character in name for character in unsafe):
        raise DocumentUnreachable(f"the server offers a file named {name!r}, which is not a safe name; rename it there")
    return name


def missing_extra(extra: str) -> BadConfiguration:
    """Return the error for a library that is not installed, with the command that installs it."""
    return BadConfiguration(f"this transport needs libraries that are not installed: {install_command(extra)}")


def _reason(error: Exception) -> str:
    """Return the failure in words. A library's own message may quote what was sent, so only the system's is used."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted (for your own authority, set ca_file): {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"the connection broke off ({type(error).__name__})"
