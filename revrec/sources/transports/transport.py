"""What every transport is made of."""

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey

BLOCK = 65_536
IsKnown = Callable[[str], bool]


class Document(NamedTuple):
    """Something that the other side offers.

    ``name`` is how people there know it. ``marker`` changes when its content does (size and time, ETag, UID); empty
    where only the content itself tells. ``place`` is the transport's own.
    """

    name: str
    marker: str
    size: int | None = None
    place: Any = None


class TransportFailed(BadConfiguration):
    """The other side cannot be reached, does not let us in, or broke off; what was taken before is kept."""


class SignInRefused(TransportFailed):
    """The other side does not know user or secret, or does not allow them what is needed."""


class Transport(ABC):
    """One source's connection, as a context. ``words`` are its checked keys, ``secret`` gives its passwords."""

    name: ClassVar[str] = ""
    keys: ClassVar[tuple[ConfigKey, ...]]
    extra: ClassVar[str] = ""
    """What must be installed beside revrec: ``pip install "revrec[EXTRA]"``."""

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
        """Hang up, whatever state it is in."""

    @abstractmethod
    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """What the other side offers, in an order that stays.

        ``known`` tells of a marker whether it, or a part of it (``MARKER-...``), was taken before; a transport for
        which looking is costly leaves such ones out.
        """

    @abstractmethod
    def read(self, document: Document) -> Iterator[bytes]:
        """The bytes of a document, block by block."""

    def settle(self, document: Document, received: bool) -> None:  # noqa: B027 - many leave it where it is
        """Move, mark or delete a document that was taken (or refused), as the source's keys say."""

    @contextmanager
    def reported_failures(self) -> Iterator[None]:
        """What goes wrong on the way as one failure that names the source and the reason, never a secret."""
        try:
            yield
        except BadConfiguration:
            raise
        except Exception as error:
            reason = self.reason(error)
            if reason is None:
                raise
            kind = SignInRefused if self.is_sign_in_failure(error) else TransportFailed
            raise kind(f"{self.where}: {reason}; mend that and fetch again") from None

    def reason(self, error: Exception) -> str | None:
        """Why it failed, in words; None for what no other side does. Transports add what their libraries raise."""
        return _reason(error) if isinstance(error, OSError | EOFError) else None

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Whether it was the sign-in that failed: trying again would lock users."""
        return False

    def is_wanted(self, name: str) -> bool:
        """Whether a file of this name is to be taken; hidden and half-written ones never are."""
        if name.startswith(".") or name.endswith((".part", ".tmp", ".filepart", ".crdownload")):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self.settings["files"])

    def destination(self, received: bool) -> tuple[str, str]:
        """What becomes of a document: ("keep", ""), ("delete", "") or ("move", folder)."""
        word = self.settings["after" if received else "refused"]
        kind, _, folder = word.partition(":")
        if (kind == "move") != bool(folder) or kind not in ("keep", "delete", "move"):
            raise BadConfiguration(f'{self.where}: {word!r}: write "keep", "delete" or "move:FOLDER"')
        return kind, folder


def missing_extra(extra: str) -> BadConfiguration:
    """That a library is missing, and how to get it."""
    return BadConfiguration(f'this transport needs libraries that are not installed: pip install "revrec[{extra}]"')


def _reason(error: Exception) -> str:
    """The failure in words; a library's own text may quote what was sent, so only the system's is told."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"the connection broke off ({type(error).__name__})"
