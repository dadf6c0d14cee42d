"""FTP, over TLS unless it is this machine's own."""

import ftplib
import ssl
import time
from calendar import timegm
from collections.abc import Iterator
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import COMMON, FILES, PORT, TEXT, TLS
from revrec.sources.transports.transport import BLOCK, Document, IsKnown, Transport, TransportFailed


class FtpTransport(Transport):
    """Files of a folder of an FTP server (RFC 959, 3659), with TLS (RFC 4217) whose certificate is verified."""

    name = "ftp"
    keys = (
        *COMMON,
        *FILES,
        ConfigKey("host", TEXT, "The server.", required=True),
        ConfigKey("port", PORT, "Its port.", 21),
        ConfigKey("user", TEXT, "The user; the password is a secret.", "anonymous"),
        ConfigKey("path", TEXT, "The folder on the server.", "/"),
        ConfigKey("tls", TLS, "explicit (AUTH TLS), implicit, or none (to this machine alone).", "explicit"),
    )
    _ftp: ftplib.FTP | None = None

    @property
    def where(self) -> str:
        """``ftp://host/folder``."""
        return f"ftp://{self.settings['host']}{self._path('')}"

    def connect(self) -> None:
        """Connect, secure the connection, sign in."""
        host, tls = self.settings["host"], self.settings["tls"]
        if tls == "none" and not is_loopback(host):
            raise BadConfiguration(f"{self.where}: without TLS only this machine is spoken to; set tls = explicit")
        self._ftp = self._connected(host, tls)
        self._ftp.login(self.settings["user"], self.secret("password"))
        if isinstance(self._ftp, ftplib.FTP_TLS):
            self._ftp.prot_p()
        self._ftp.cwd(self.settings["path"])

    def _connected(self, host: str, tls: str) -> ftplib.FTP:
        if tls == "none":
            ftp = ftplib.FTP(timeout=self.settings["timeout"])  # noqa: S321 - to this machine alone
        else:
            made = _ImplicitTls if tls == "implicit" else ftplib.FTP_TLS
            ftp = made(context=ssl.create_default_context(), timeout=self.settings["timeout"])
        ftp.encoding = "utf-8"
        ftp.connect(host, self.settings["port"])
        return ftp

    def close(self) -> None:
        """Hang up."""
        if self._ftp is not None:
            self._ftp.close()

    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """Files by name, as MLSD lists them."""
        for name, facts in sorted(self._listed()):
            if facts.get("type") == "file" and self.is_wanted(name) and _age(facts) >= self.settings["settle_seconds"]:
                size = int(facts["size"]) if facts.get("size", "").isdigit() else None
                yield Document(name, f"{facts.get('size', '')}-{facts.get('modify', '')}", size, name)

    def _listed(self) -> list[tuple[str, dict[str, str]]]:
        assert self._ftp is not None
        with self.reported_failures():
            return list(self._ftp.mlsd(facts=["type", "size", "modify"]))

    def read(self, document: Document) -> Iterator[bytes]:
        """Its bytes, over a data connection of its own."""
        assert self._ftp is not None
        with self.reported_failures():
            self._ftp.voidcmd("TYPE I")
            with self._ftp.transfercmd(f"RETR {_plain(document.place)}") as data:
                while block := data.recv(BLOCK):
                    yield block
            self._ftp.voidresp()

    def settle(self, document: Document, received: bool) -> None:
        """Move or delete it on the server."""
        assert self._ftp is not None
        kind, folder = self.destination(received)
        name = _plain(document.place)
        with self.reported_failures():
            if kind == "delete":
                self._ftp.delete(name)
            elif kind == "move":
                self._ftp.rename(name, f"{folder.rstrip('/')}/{name}")

    def _path(self, name: str) -> str:
        return f"/{self.settings['path'].strip('/')}/{name}".replace("//", "/")

    def reason(self, error: Exception) -> str | None:
        """The server's own words too."""
        return f"the server refused: {error}" if isinstance(error, ftplib.Error) else super().reason(error)

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Replies 530 and 532."""
        return isinstance(error, ftplib.error_perm) and str(error).startswith("53")


class _ImplicitTls(ftplib.FTP_TLS):
    """TLS from the first byte on (usually port 990), which the standard library leaves to its users."""

    _sock: Any = None

    @property
    def sock(self) -> Any:
        """The socket, wrapped as soon as it is there."""
        return self._sock

    @sock.setter
    def sock(self, value: Any) -> None:
        wrapped = value is None or isinstance(value, ssl.SSLSocket)
        self._sock = value if wrapped else self.context.wrap_socket(value, server_hostname=self.host)


def _age(facts: dict[str, str]) -> float:
    """Seconds since the file changed, by the server's UTC time; far in the past if it tells none."""
    modified = facts.get("modify", "")[:14]
    return time.time() - timegm(time.strptime(modified, "%Y%m%d%H%M%S")) if modified.isdigit() else float("inf")


def _plain(name: str) -> str:
    """The name of a file, which must not end the command that it stands in."""
    if any(letter in name for letter in "\r\n\0/"):
        raise TransportFailed(f"the server offers a file of the name {name!r}, which is not taken")
    return name
