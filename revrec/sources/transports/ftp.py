"""FTP, with TLS unless the server is on this machine."""

import ftplib
import ssl
import time
from calendar import timegm
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import CA_FILE, COMMON, FILES, HOST, PORT, TEXT, TLS, tls_context
from revrec.sources.transports.transport import (
    BLOCK,
    TLS_REQUIRED,
    YOUNG_SECONDS,
    Document,
    SourceTransport,
    free_name,
    plain_name,
)

UNSAFE = "\r\n\0/"
"""Characters that a file name must not have: a line break in it would let the server inject FTP commands."""


class FtpTransport(SourceTransport):
    """Files of a folder on an FTP server (RFC 959, 3659), with TLS (RFC 4217) and a verified certificate."""

    name = "ftp"
    keys = (
        *COMMON,
        *FILES,
        ConfigKey("host", HOST, "The server.", required=True),
        ConfigKey("port", PORT, "Its port.", 21),
        ConfigKey("user", TEXT, "The user; the password is a secret.", "anonymous"),
        ConfigKey("path", TEXT, "The folder on the server.", "/"),
        ConfigKey("tls", TLS, "explicit (AUTH TLS), implicit, or none (this machine only).", "explicit"),
        CA_FILE,
    )
    _ftp: ftplib.FTP | None = None

    @property
    def where(self) -> str:
        """``ftp://host/folder``."""
        return f"ftp://{self.settings['host']}{self._path('')}"

    def connect(self) -> None:
        """Connect, start TLS, and sign in."""
        host, tls = self.settings["host"], self.settings["tls"]
        if tls == "none" and not is_loopback(host):
            raise BadConfiguration(f"{self.where}: {TLS_REQUIRED}; set tls = 'explicit'")
        self._ftp = self._connected(host, tls)
        self._ftp.login(_sent(self.settings["user"]), _sent(self.secret("password")))
        if isinstance(self._ftp, ftplib.FTP_TLS):
            self._ftp.prot_p()
        self._ftp.cwd(_sent(self.settings["path"]))

    def _connected(self, host: str, tls: str) -> ftplib.FTP:
        if tls == "none":
            ftp = ftplib.FTP(timeout=self.settings["timeout"])  # noqa: S321 - to this machine only
        else:
            made = _ImplicitTls if tls == "implicit" else ftplib.FTP_TLS
            ftp = made(context=tls_context(self.settings), timeout=self.settings["timeout"])
        # One letter for each byte: a name that is not UTF-8 would otherwise end the list of all files.
        ftp.encoding = "latin-1"
        ftp.connect(host, self.settings["port"])
        return ftp

    def close(self) -> None:
        """Close the connection."""
        if self._ftp is not None:
            self._ftp.close()

    def documents(self) -> Iterator[Document]:
        """Yield the files by name, as MLSD lists them."""
        for name, facts in sorted(self._listed()):
            age = _age(facts)
            wanted = facts.get("type") == "file" and self.is_wanted(name)
            if wanted and (age is None or age >= self.settings["settle_seconds"]):
                size = int(facts["size"]) if facts.get("size", "").isdigit() else None
                is_sure = age is not None and age >= YOUNG_SECONDS and size is not None
                marker = f"{size}-{facts['modify']}" if is_sure else ""
                yield Document(name.encode("latin-1").decode("utf-8", "backslashreplace"), marker, size, name)

    def _listed(self) -> list[tuple[str, dict[str, str]]]:
        assert self._ftp is not None
        with self.reported_failures():
            return list(self._ftp.mlsd(facts=["type", "size", "modify"]))

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a file, over a separate data connection."""
        assert self._ftp is not None
        with self.reading(document):
            self._ftp.voidcmd("TYPE I")
            data = self._ftp.transfercmd(f"RETR {plain_name(document, UNSAFE)}")
            try:
                while block := data.recv(BLOCK):
                    yield block
            except GeneratorExit:
                # Only a part of the file is wanted. The server reports that its transfer was cut off; unless that is
                # read now, it would answer the next command.
                data.close()
                with suppress(ftplib.Error):
                    self._ftp.voidresp()
                return
            data.close()
            self._ftp.voidresp()

    def settle(self, document: Document, received: bool) -> None:
        """Move or delete the file on the server."""
        assert self._ftp is not None
        kind, folder = self.destination(received)
        name = plain_name(document, UNSAFE)
        with self.reported_failures():
            if kind == "keep" or self._is_free(name):
                return
            if kind == "delete":
                self._ftp.delete(name)
            else:
                there = f"{_sent(folder).rstrip('/')}/"
                self._ftp.rename(name, there + free_name(name, lambda one: self._is_free(there + one)))

    def _is_free(self, path: str) -> bool:
        """Return True if nothing has this name. Most servers replace a file that another is renamed to."""
        assert self._ftp is not None
        try:
            self._ftp.sendcmd(f"RNFR {path}")
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                return True
            raise
        return False

    def _path(self, name: str) -> str:
        return f"/{self.settings['path'].strip('/')}/{name}".replace("//", "/")

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure, including what the server replied."""
        return f"the server refused: {error}" if isinstance(error, ftplib.Error) else super().reason(error)

    def is_document_failure(self, error: Exception) -> bool:
        """Return True for reply 550: the file is gone, or may not be read."""
        return isinstance(error, ftplib.error_perm) and str(error).startswith("55")

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Return True for replies 530 and 532."""
        return isinstance(error, ftplib.error_perm) and str(error).startswith("53")


class _ImplicitTls(ftplib.FTP_TLS):
    """FTP with TLS from the first byte (usually port 990), which the standard library does not offer."""

    _sock: Any = None

    @property
    def sock(self) -> Any:
        """The socket, wrapped in TLS as soon as it is set."""
        return self._sock

    @sock.setter
    def sock(self, value: Any) -> None:
        wrapped = value is None or isinstance(value, ssl.SSLSocket)
        self._sock = value if wrapped else self.context.wrap_socket(value, server_hostname=self.host)


def _age(facts: dict[str, str]) -> float | None:
    """Return the seconds since the file changed, by the server's UTC time; None if the server sends no time."""
    modified = facts.get("modify", "")[:14]
    try:
        return time.time() - timegm(time.strptime(modified, "%Y%m%d%H%M%S"))
    except ValueError:
        return None


def _sent(text: str) -> str:
    """Return a text of the configuration so that it is sent as UTF-8 (RFC 2640)."""
    return text.encode().decode("latin-1")
