"""Real servers on the loopback: mail servers of every kind, and a web hook that listens."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from support.mail import PASSWORD, USER, MailServer, ServeMail, WebHook


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority made for these tests, and its certificate as a file."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@pytest.fixture
def trusted(authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the authority of these tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))


@pytest.fixture
def mail_server(authority: tuple[trustme.CA, Path]) -> Iterator[ServeMail]:
    """Starts mail servers: ``tls`` as in the settings, a certificate for ``name``, sign-in wanted if ``auth``."""
    with contextlib.ExitStack() as running:

        def serve(tls: str = "none", name: str = "localhost", auth: bool = False) -> MailServer:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority[0].issue_cert(name).configure_cert(context)
            box = MailServer("127.0.0.1" if tls == "none" else "localhost", 0)

            def check(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
                right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
                return AuthResult(success=right, handled=right)

            given: dict[str, Any] = {
                "authenticator": check,
                "auth_required": auth,
                "auth_require_tls": tls == "starttls",
            }
            if tls == "starttls":
                given |= {"tls_context": context, "require_starttls": True}
            if tls == "implicit":
                given |= {"ssl_context": context}
            with socket.create_server(("127.0.0.1", 0)) as free:
                box.port = free.getsockname()[1]
            controller = Controller(box, "127.0.0.1", box.port, **given)
            controller.start()
            running.callback(controller.stop, no_assert=True)
            return box

        yield serve


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def hook() -> Iterator[WebHook]:
    """A web hook, listening."""
    with WebHook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
