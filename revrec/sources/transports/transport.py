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
IsKnown = Callable[[str], bool]


class Document(NamedTuple):
    """A document that the other side offers.

    ``name`` is its name for people there. ``marker`` changes when the content does (size and time, ETag, UID), and is
    empty if only the content itself can show a change. ``place`` is for the transport only.
    """

    name: str
    marker: str
    size: int | None = None
    place: Any = None


class TransportFailed(BadConfiguration):
    """A connection that failed or broke off. What was received before remains imported."""


class SignInRefused(TransportFailed):
    """A sign-in that the other side refused, or a permission that it did not grant."""


class SourceTransport(ABC):
    """The connection of one source, as a context. ``settings`` are its checked keys; ``secret`` returns a password."""

    name: ClassVar[str] = ""
    keys: ClassVar[tuple[ConfigKey, ...]]
    extra: ClassVar[str] = ""
    """The extra that must be installed."""

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

    @abstractmethod
    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """Yield what the other side offers, always in the same order.

        ``known`` returns True for a marker if it, or a part of it (``MARKER-...``), was received before. A transport
        that must download a document to list it skips known ones. It skips them by marker and not by the last position:
        a document that arrives late, with a name or number before the last one, would never be seen.
        """

    @abstractmethod
    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a document, block by block."""

    def settle(self, document: Document, received: bool) -> None:  # noqa: B027 - many leave it where it is
        """Move, mark or delete a document that was received (or refused), as the source's keys say.

        The database must have committed the document before: a crash in between then leaves a document that is known
        and settled at the next fetch. The other order could delete the only copy of an invoice.
        """

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
        word = self.settings["after" if received else "refused"]
        kind, _, folder = word.partition(":")
        if (kind == "move") != bool(folder) or kind not in ("keep", "delete", "move"):
            raise BadConfiguration(f'{self.where}: {word!r}: write "keep", "delete" or "move:FOLDER"')
        return kind, folder


def missing_extra(extra: str) -> BadConfiguration:
    """Return the error for a library that is not installed, with the command that installs it."""
    return BadConfiguration(f"this transport needs libraries that are not installed: {install_command(extra)}")


def _reason(error: Exception) -> str:
    """Return the failure in words. A library's own message may quote what was sent, so only the system's is used."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"the connection broke off ({type(error).__name__})"
