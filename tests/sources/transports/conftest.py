"""Real servers on the loopback, one for each transport, that a test fills and looks into."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from support.books import Books
from support.transports import (
    PASSWORD,
    DocumentServer,
    Mailbox,
    PageServer,
    bucket,
    ftp_server,
    imap_server,
    in_folder,
    sftp_server,
)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books into which documents are fetched."""
    return Books(tmp_path / "books", {"REVREC_SOURCE_PARTNER_PASSWORD": PASSWORD})


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the test's authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


@pytest.fixture
def pages() -> Iterator[PageServer]:
    """Serve pages that a test sets."""
    server = PageServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "ftp", "sftp", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DocumentServer]:
    """A server whose documents are files, of each kind."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "done").mkdir()
    put, names, remove = in_folder(folder)
    place: Path | None = folder

    with contextlib.ExitStack() as stack:
        if request.param == "folder":
            config: dict[str, Any] = {"transport": "folder", "path": str(folder)}
        elif request.param == "ftp":
            port = stack.enter_context(ftp_server(folder, None))
            config = {"transport": "ftp", "host": "127.0.0.1", "port": port, "user": "revrec", "tls": "none"}
        elif request.param == "sftp":
            port, key = stack.enter_context(sftp_server(folder))
            config = {"transport": "sftp", "host": "127.0.0.1", "port": port, "user": "revrec", "host_key": key}
            config["path"] = "/"
        else:
            config, put, names, remove = bucket(request.getfixturevalue("s3_endpoint"), tmp_path.name)
            place = None
        yield DocumentServer(config, put, names, remove, place)


@pytest.fixture(scope="session")
def imap_port() -> Iterator[int]:
    with imap_server(None) as port:
        yield port


@pytest.fixture
def mailbox(imap_port: int) -> Mailbox:
    return Mailbox(imap_port)
