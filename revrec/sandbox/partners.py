"""Servers of an imaginary partner on this machine, for demonstrations: a folder served by SFTP, and a mailbox.

They are real servers from other libraries (extra ``demo``). They listen on the loopback only and end with the process
that started them.
"""

import asyncio
import imaplib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from revrec.sandbox.child import start_python

HOST = "127.0.0.1"
START_SECONDS = 30.0
PORTS_TRIED = 5
MAILBOX = """
import os, sys, threading
import pymap.config
from pymap.main import main
from pysasl.hashing import BuiltinHash
pymap.config.BuiltinHash = lambda: BuiltinHash(rounds=1)
sys.argv.append("--demo-password=" + sys.stdin.readline().strip())
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main()
"""
"""The mail server. It reads its password from standard input, because all users of a machine can read command lines.

The password is generated for each start and never stored: to hash it 500,000 times would only delay each sign-in.
One word for option and password: a generated password may begin with a dash, and would be read as another option."""


class PartnerLogin(NamedTuple):
    """The only user and password that the partner's servers accept."""

    user: str
    password: str


class FileServerAddress(NamedTuple):
    """The port of the file server and the fingerprint of its host key, which is generated at each start."""

    port: int
    host_key: str


@contextmanager
def file_server(folder: Path, login: PartnerLogin) -> Iterator[FileServerAddress]:
    """Serve the files of a folder by SFTP until the end of the block.

    Raises:
        ImportError: the extra ``demo`` is not installed.
    """
    import asyncssh

    class PasswordServer(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == login

    def files(channel: Any) -> Any:
        return asyncssh.SFTPServer(channel, chroot=str(folder.resolve()).encode())

    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    listening = asyncssh.listen(HOST, 0, server_host_keys=[key], server_factory=PasswordServer, sftp_factory=files)
    port = loop.run_until_complete(listening).get_port()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield FileServerAddress(port, key.get_fingerprint())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)


@contextmanager
def mail_server(login: PartnerLogin) -> Iterator[int]:
    """Serve an empty mailbox by IMAP until the end of the block, and yield its port.

    Raises:
        OSError: the server does not start.
    """
    process, port = _start_mail_server(login)
    try:
        yield port
    finally:
        _end(process)


def _start_mail_server(login: PartnerLogin) -> tuple[subprocess.Popen[bytes], int]:
    """Start the mail server and return its process and port.

    Another process can grab the port between the probe and the start, so a few ports are tried.
    """
    for left in reversed(range(PORTS_TRIED)):
        with socket.create_server((HOST, 0)) as probe:
            port = int(probe.getsockname()[1])
        place = ["--no-tls", "--host", HOST, "--port", str(port)]
        process = start_python(
            ["-c", MAILBOX, *place, "dict", "--demo-user", login.user],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.write(f"{login.password}\n".encode())
        process.stdin.flush()
        try:
            _wait_for(port, process)
        except OSError:
            _end(process)
            if not left:
                raise
        else:
            break
    return process, port


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.communicate(timeout=START_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            imaplib.IMAP4(HOST, port).logout()
        except (OSError, imaplib.IMAP4.error) as error:
            if time.monotonic() > until or process.poll() is not None:
                raise OSError(f"the mail server does not start: {error}") from error
            time.sleep(0.05)
        else:
            return


def put_mail(port: int, login: PartnerLogin, sender: str, subject: str, attachment: Path) -> None:
    """Put a mail with an attached file into the mailbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, login.user, subject
    mail.set_content("See the attached file.\n")
    mail.add_attachment(attachment.read_bytes(), maintype="text", subtype="csv", filename=attachment.name)
    box = imaplib.IMAP4(HOST, port)
    box.login(*login)
    box.append("INBOX", "", "", mail.as_bytes())
    box.logout()
