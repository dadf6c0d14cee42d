"""Servers on the loopback, one for each transport, that a test fills and reads."""

import asyncio
import contextlib
import http.server
import imaplib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from revrec.sources.transports import SourceTransport, open_transport

PASSWORD = "s3cret-pass"
ENOUGH = 60.0


class DocumentServer:
    """A server with documents; ``config`` is a source's table for it."""

    def __init__(
        self,
        config: dict[str, Any],
        put: Callable[[str, bytes], None],
        names: Callable[[], list[str]],
        remove: Callable[[str], None],
        folder: Path | None,
    ) -> None:
        self.config = config
        self.put = put
        self.names = names
        self.remove = remove
        self.folder = folder
        """The folder with its files, None for S3."""

    def open(self, password: str = PASSWORD, **more: Any) -> SourceTransport:
        """The transport for it, with further keys."""
        return open_transport("partner", {**self.config, **more}, lambda _key: password)


def in_folder(folder: Path) -> tuple[Callable[[str, bytes], None], Callable[[], list[str]], Callable[[str], None]]:
    """Return functions that put a file into a folder, list those there and below, and remove one."""

    def put(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        os.utime(folder / name, (time.time() - 60, time.time() - 60))

    def names() -> list[str]:
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def remove(name: str) -> None:
        (folder / name).unlink()

    return put, names, remove


def is_locked(path: str | bytes) -> bool:
    """Return True if no one may read a file, not even the superuser, who often runs the tests."""
    return os.path.lexists(path) and not os.lstat(path).st_mode & 0o777


@contextlib.contextmanager
def ftp_server(folder: Path, certificate: Path | None) -> Iterator[int]:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import ThreadedFTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user("revrec", PASSWORD, str(folder), perm="elradfmw")
    base = TLS_FTPHandler if certificate else FTPHandler
    settings: dict[str, Any] = {"authorizer": authorizer, "certfile": certificate and str(certificate)}
    settings |= {"tls_control_required": True, "tls_data_required": True} if certificate else {}

    def ftp_RETR(self: Any, file: str) -> Any:
        return self.respond("550 Not enough privileges.") if is_locked(file) else base.ftp_RETR(self, file)

    handler = type("Handler", (base,), {**settings, "ftp_RETR": ftp_RETR})
    server = ThreadedFTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05, "handle_exit": False}, daemon=True)
    thread.start()
    yield server.address[1]
    server.close_all()
    thread.join(ENOUGH)


@contextlib.contextmanager
def sftp_server(folder: Path) -> Iterator[tuple[int, str]]:
    """An SSH server on a folder; its port and the fingerprint of its key."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()

    class Logins(asyncssh.SSHServer):
        def begin_auth(self, _user: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, user: str, password: str) -> bool:
            return (user, password) == ("revrec", PASSWORD)

    class Files(asyncssh.SFTPServer):
        def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
            if is_locked(self.map_path(path)):
                raise asyncssh.SFTPPermissionDenied("not allowed")
            return super().open(path, pflags, attrs)

    def chrooted(channel: Any) -> Any:
        return Files(channel, chroot=str(folder).encode())

    async def serve() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], server_factory=Logins, sftp_factory=chrooted
        )

    listener = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield listener.get_port(), key.get_fingerprint()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(ENOUGH)


IMAP_SERVER = """
import pymap.config
from pymap.main import main
from pysasl.hashing import BuiltinHash
pymap.config.BuiltinHash = lambda: BuiltinHash(rounds=1)
main()
"""
"""The mail server, which hashes a password once for each sign-in, not 500,000 times."""


@contextlib.contextmanager
def imap_server(certificate: Path | None) -> Iterator[int]:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secure = ["--cert", str(certificate), "--key", str(certificate)] if certificate else ["--no-tls"]
    place = ["--host", "127.0.0.1", "--port", str(port)]
    users = ["dict", "--demo-data", "--demo-user", "revrec", "--demo-password", PASSWORD]
    program = [sys.executable, "-c", IMAP_SERVER, *secure, *place, *users]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + ENOUGH
        while True:
            try:
                imaplib.IMAP4("127.0.0.1", port).logout()
                break
            except (OSError, imaplib.IMAP4.error):
                if time.monotonic() > until or process.poll() is not None:
                    process.terminate()
                    raise AssertionError(process.stderr and process.stderr.read()) from None
                time.sleep(0.05)
        yield port
        process.terminate()


class PageServer(http.server.ThreadingHTTPServer):
    """A web server on the loopback: ``pages`` has its answer for each path, ``asked`` the requests it received."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda path: self.pages.get(
            path, (404, {}, b"not here")
        )
        super().__init__(("127.0.0.1", 0), _PageHandler)


class _PageHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, PageServer)
        self.server.asked.append((self.path, dict(self.headers)))
        status, headers, body = self.server.answer(self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Log nothing."""


def bucket(
    endpoint: str, name: str
) -> tuple[dict[str, Any], Callable[[str, bytes], None], Callable[[], list[str]], Callable[[str], None]]:
    """A new bucket."""
    import boto3

    name = "".join(letter for letter in name.lower() if letter.isalnum())[:50]
    credentials = {"aws_access_key_id": "revrec", "aws_secret_access_key": PASSWORD}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **credentials)
    client.create_bucket(Bucket=name)

    def put(key: str, content: bytes) -> None:
        client.put_object(Bucket=name, Key=key, Body=content)

    def names() -> list[str]:
        found: list[dict[str, str]] = client.list_objects_v2(Bucket=name).get("Contents", [])
        return sorted(one["Key"] for one in found)

    def remove(key: str) -> None:
        client.delete_object(Bucket=name, Key=key)

    config = {"transport": "s3", "bucket": name, "endpoint": endpoint, "region": "us-east-1", "user": "revrec"}
    return {**config, "settle_seconds": 0}, put, names, remove


class Mailbox:
    """A mailbox that a test fills."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.config = {
            "transport": "imap", "host": "127.0.0.1", "port": port, "tls": "none", "user": "revrec",
            "senders": "carrier@example.com",
        }  # fmt: skip
        with self.signed_in() as box:
            box.select("INBOX")
            box.store("1:*", "+FLAGS", "\\Deleted")
            box.expunge()
            box.create("Done")
            box.select("Done")
            box.store("1:*", "+FLAGS", "\\Deleted")
            box.expunge()

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[imaplib.IMAP4]:
        box = imaplib.IMAP4("127.0.0.1", self.port)
        box.login("revrec", PASSWORD)
        yield box
        box.logout()

    def put(self, *attachments: tuple[str, bytes], sender: str = "carrier@example.com", subject: str = "POD") -> None:
        """A mail arrives."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, "ledger@example.com", subject
        mail.set_content("see the files\n")
        for name, content in attachments:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        with self.signed_in() as box:
            box.append("INBOX", "", "", mail.as_bytes())

    def put_many(self, doublings: int, sender: str) -> int:
        """Many small mails arrive; return how many the folder has then."""
        with self.signed_in() as box:
            box.append("INBOX", "", "", f"From: {sender}\r\nSubject: news\r\n\r\nnews\r\n".encode())
            for _again in range(doublings):
                box.select("INBOX")
                box.copy("1:*", "INBOX")
            return int(box.select("INBOX")[1][0] or 0)

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of each mail of a folder."""
        with self.signed_in() as box:
            box.select(folder, readonly=True)
            found = box.fetch("1:*", "(FLAGS)")[1]
            return [one.decode() for one in found if isinstance(one, bytes)]

    def open(self, password: str = PASSWORD, **more: Any) -> SourceTransport:
        """The transport for it."""
        return open_transport("partner", {**self.config, **more}, lambda _key: password)
