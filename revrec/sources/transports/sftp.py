"""SFTP: files over SSH, from a server with a known key."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey
from revrec.sources.transports.settings import COMMON, FILES, HOST, PORT, TEXT, USER
from revrec.sources.transports.transport import (
    BLOCK,
    YOUNG_SECONDS,
    Document,
    SignInRefused,
    SourceTransport,
    free_name,
    missing_extra,
    plain_name,
)

MOST_REQUESTS = 64
"""Most blocks that are requested ahead."""

UNSAFE = "\0/"
"""Characters that a file name must not have: the name could lead out of its folder."""


class SftpTransport(SourceTransport):
    """Files of a folder on an SSH server. Its key must be known, by ``host_key`` or in the user's ``known_hosts``."""

    name = "sftp"
    extra = "sftp"
    keys = (
        *COMMON,
        *FILES,
        ConfigKey("host", HOST, "The server.", required=True),
        ConfigKey("port", PORT, "Its port.", 22),
        ConfigKey("user", USER, "The user; the password is a secret.", required=True),
        ConfigKey("key_file", TEXT, "A private key to sign in with; its pass phrase is the secret."),
        ConfigKey("host_key", TEXT, 'The fingerprint of the server\'s key, as "SHA256:..."; else known_hosts.'),
        ConfigKey("path", TEXT, "The folder on the server.", "."),
    )
    _client: Any = None
    _sftp: Any = None

    @property
    def where(self) -> str:
        """``sftp://host/folder``."""
        return f"sftp://{self.settings['host']}/{self.settings['path'].strip('/')}"

    def connect(self) -> None:
        """Connect to the server, check its key, and sign in."""
        try:
            import paramiko
        except ImportError:
            raise missing_extra(self.extra) from None
        self._client = paramiko.SSHClient()
        self._client.load_system_host_keys()
        self._client.set_missing_host_key_policy(_only(self.settings["host_key"]))
        self._client.connect(self.settings["host"], self.settings["port"], **self._credentials())
        self._sftp = self._client.open_sftp()
        self._sftp.get_channel().settimeout(self.settings["timeout"])
        self._sftp.chdir(self.settings["path"])

    def _credentials(self) -> dict[str, Any]:
        """Return arguments for one sign-in by one method: trying several methods would lock the user out."""
        seconds, secret = self.settings["timeout"], self.secret("password")
        common = {"timeout": seconds, "banner_timeout": seconds, "auth_timeout": seconds, "allow_agent": False}
        common |= {"username": self.settings["user"], "look_for_keys": False}
        if not self.settings["key_file"]:
            return {**common, "password": secret}
        file = Path(self.settings["key_file"]).expanduser()
        if not file.is_file():
            raise BadConfiguration(f"{self.where}: key_file {file}: there is no such file")
        return {**common, "key_filename": str(file), "passphrase": secret or None}

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def documents(self) -> Iterator[Document]:
        """Yield the files by name."""
        with self.reported_failures():
            found = sorted(self._sftp.listdir_attr(), key=lambda one: one.filename)
        for one in found:
            age = time.time() - (one.st_mtime or 0)
            regular = stat.S_ISREG(one.st_mode or 0)
            if regular and self.is_wanted(one.filename) and age >= self.settings["settle_seconds"]:
                is_sure = one.st_mtime and one.st_size is not None and age >= YOUNG_SECONDS
                marker = f"{one.st_size}-{one.st_mtime}" if is_sure else ""
                yield Document(one.filename, marker, one.st_size, one.filename)

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        with self.reading(document), self._sftp.open(plain_name(document, UNSAFE), "rb") as file:
            # The size is the server's word: blocks that arrive ahead of the reader would fill the memory.
            file.prefetch(min(document.size or 0, self.settings["largest"] + 1), MOST_REQUESTS)
            while block := file.read(BLOCK):
                yield block

    def settle(self, document: Document, received: bool) -> None:
        """Move or delete the file on the server."""
        kind, folder = self.destination(received)
        name = plain_name(document, UNSAFE)
        with self.reported_failures():
            if kind == "keep" or self._is_free(name):
                return
            if kind == "delete":
                self._sftp.remove(name)
            else:
                there = f"{folder.rstrip('/')}/"
                self._sftp.rename(name, there + free_name(name, lambda one: self._is_free(there + one)))

    def _is_free(self, path: str) -> bool:
        """Return True if nothing has this name: renaming to an existing file fails, or replaces it."""
        try:
            self._sftp.lstat(path)
        except FileNotFoundError:
            return True
        return False

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure, including the library's message, which never quotes a password."""
        import paramiko

        if isinstance(error, paramiko.AuthenticationException):
            return "the server refused the sign-in: check user, password or key_file, before users get locked"
        if isinstance(error, UnicodeDecodeError):
            return "it has a file whose name is not UTF-8; rename it there"
        if isinstance(error, paramiko.SSHException) or self._is_refusal(error):
            return str(error)
        return super().reason(error)

    def is_document_failure(self, error: Exception) -> bool:
        """Return True if the server refused to read a file, by a status with or without a reason."""
        return super().is_document_failure(error) or self._is_refusal(error)

    def _is_refusal(self, error: Exception) -> bool:
        """Return True for an answer such as "Failure", over a connection that still works."""
        works = self._client.get_transport() is not None and self._client.get_transport().is_active()
        return type(error) is OSError and error.errno is None and works

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Return True for the library's exception for this."""
        import paramiko

        return isinstance(error, paramiko.AuthenticationException)


def _only(fingerprint: str | None) -> Any:
    """Return a policy that accepts a key missing from known_hosts only if it has this fingerprint."""
    import paramiko

    class Only(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        def missing_host_key(self, _client: Any, hostname: str, key: Any) -> None:
            found = key.fingerprint
            if not fingerprint or found != fingerprint.rstrip("="):
                known = "is not the one that host_key names" if fingerprint else "is not known"
                raise SignInRefused(
                    f"sftp://{hostname}: the server's key {found} {known}; ask the server's owner to confirm it, then "
                    f'set host_key = "{found}"'
                )

    return Only()
