"""The other side is wrong, gone or hostile: one message with the fix, no secret in it, nothing sent in the clear."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

from revrec.core.errors import BadConfiguration
from revrec.sources.transports import TransportFailed, open_transport, transports
from support.transports import PASSWORD, Mailbox, ftp_server, imap_server, sftp_server

pytestmark = pytest.mark.slow

CSV = b"source,document\nshop,1\n"


def opened(config: dict[str, Any], password: str = PASSWORD) -> Any:
    return open_transport("partner", config, lambda _key: password)


def failure_of(config: dict[str, Any], password: str = PASSWORD) -> str:
    with pytest.raises(BadConfiguration) as raised, opened(config, password) as transport:
        _ = [b"".join(transport.read(document)) for document in transport.documents()]
    text = str(raised.value)
    assert password not in text
    return text


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


REMOTE: dict[str, dict[str, Any]] = {
    "ftp": {"host": "127.0.0.1", "tls": "none", "user": "revrec"},
    "sftp": {"host": "127.0.0.1", "user": "revrec"},
    "imap": {"host": "127.0.0.1", "tls": "none", "user": "revrec", "senders": "a@example.com"},
    "http": {},
    "s3": {"bucket": "b", "region": "us-east-1", "user": "revrec", "timeout": 1},
}


def config_of(kind: str, port: int) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}/orders"
    place = {"http": {"url": address}, "s3": {"endpoint": address}}.get(kind, {"port": port})
    return {"transport": kind, **REMOTE[kind], **place}


@pytest.mark.parametrize("kind", REMOTE)
def test_a_server_that_is_not_there(kind: str) -> None:
    text = failure_of(config_of(kind, closed_port()))
    assert text.startswith(f"{kind if kind != 'http' else 'http'}://") and "fetch again" in text


@pytest.mark.parametrize("kind", REMOTE)
def test_a_server_that_never_answers_costs_no_more_than_the_time_out(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = failure_of({**config_of(kind, silent.getsockname()[1]), "timeout": 1})
    assert "fetch again" in text


@pytest.mark.parametrize("kind", ["ftp", "sftp", "imap", "http"])
def test_a_server_that_hangs_up_at_once(kind: str) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            while True:
                server.accept()[0].close()

    threading.Thread(target=hang_up, daemon=True).start()
    text = failure_of({**config_of(kind, server.getsockname()[1]), "timeout": 2})
    server.close()
    assert "fetch again" in text


def test_a_wrong_password_is_reported_and_not_tried_twice(tmp_path: Path, mailbox: Mailbox) -> None:
    with ftp_server(tmp_path, None) as port:
        assert "the server refused: 530" in failure_of(config_of("ftp", port), "wr0ng-pass")
    with sftp_server(tmp_path) as (port, key):
        assert "refused the sign-in" in failure_of({**config_of("sftp", port), "host_key": key}, "wr0ng-pass")
    assert "refused the sign-in" in failure_of(config_of("imap", mailbox.port), "wr0ng-pass")


def test_a_server_of_another_key_is_not_spoken_to(tmp_path: Path) -> None:
    with sftp_server(tmp_path) as (port, key):
        text = failure_of({**config_of("sftp", port), "host_key": "SHA256:" + "A" * 43})
        assert "is not the one that host_key names" in text and key.rstrip("=") in text
        assert "is not known" in failure_of(config_of("sftp", port))


@pytest.mark.parametrize("kind", ["ftp", "imap", "http", "s3"])
def test_without_tls_only_this_machine_is_spoken_to(kind: str) -> None:
    address = "http://partner.example.com/orders"
    place = {"http": {"url": address}, "s3": {"endpoint": address}}.get(kind, {"host": "partner.example.com"})
    assert "this machine" in failure_of({"transport": kind, **REMOTE[kind], **place})


def test_over_tls_with_a_trusted_certificate_files_are_read(trusted: None, certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_bytes(CSV)
    with ftp_server(tmp_path / "out", certificate) as port:
        config = {"transport": "ftp", "host": "localhost", "port": port, "user": "revrec", "settle_seconds": 0}
        with opened(config) as transport:
            assert [b"".join(transport.read(one)) for one in transport.documents()] == [CSV]


def test_an_own_authority_is_trusted_by_ca_file(authority: trustme.CA, certificate: Path, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = {"user": "revrec", "host": "localhost", "ca_file": str(tmp_path / "ca.pem")}
    with ftp_server(tmp_path, certificate) as port, opened({"transport": "ftp", "port": port, **own}):
        pass
    mails = {"transport": "imap", "tls": "starttls", "senders": "@example.com"}
    with imap_server(certificate) as port, opened({**mails, "port": port, **own}):
        pass


def test_a_certificate_of_an_unknown_authority_is_refused(certificate: Path, tmp_path: Path) -> None:
    with ftp_server(tmp_path, certificate) as port:
        assert "certificate is not trusted" in failure_of(
            {**config_of("ftp", port), "tls": "explicit", "host": "localhost"}
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as plain, context.wrap_socket(plain, server_side=True) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        url = f"https://localhost:{server.getsockname()[1]}/"
        assert "certificate is not trusted" in failure_of({"transport": "http", "url": url, "timeout": 2})


def _accept(server: Any) -> None:
    with contextlib.suppress(OSError):
        server.accept()


def test_names_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "secret.csv").write_bytes(CSV)
    (tmp_path / "out" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with opened({"transport": "folder", "path": str(tmp_path / "out"), "settle_seconds": 0}) as transport:
        assert list(transport.documents()) == []


def test_a_file_that_still_changes_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    with opened({"transport": "folder", "path": str(tmp_path)}) as transport:
        assert list(transport.documents()) == []


def test_nothing_is_overwritten_where_files_are_moved_to(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    for content in (b"1", b"2"):
        (tmp_path / "a.csv").write_bytes(content)
        with opened({"transport": "folder", "path": str(tmp_path), "settle_seconds": 0, "after": "move:done"}) as one:
            (document,) = one.documents()
            one.settle(document, received=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "done").iterdir()} == {"a.csv": b"1", "a-2.csv": b"2"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "[source.partner] needs transport: one of folder, ftp, http, imap, s3, sftp"),
        ({"transport": "sfpt"}, 'did you mean "sftp"?'),
        ({"transport": "folder"}, "[source.partner] needs path: the folder in quotes"),
        ({"transport": "folder", "path": "x", "pth": "y"}, 'unknown key "pth" in [source.partner]; did you mean'),
        ({"transport": "ftp", "host": "h", "port": 0}, "[source.partner] port = 0: expected a whole number"),
        ({"transport": "ftp", "host": "h", "tls": "yes"}, "expected one of explicit, implicit, none"),
        ({"transport": "imap", "host": "h", "user": "u", "senders": []}, "expected an address or a list of addresses"),
    ],
)
def test_wrong_settings_of_a_source_are_reported(config: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration) as raised:
        opened(config)
    assert said in str(raised.value)


def test_every_transport_documents_its_keys() -> None:
    assert list(transports()) == ["folder", "ftp", "http", "imap", "s3", "sftp"]
    for kind in transports().values():
        assert kind.__doc__ and all(key.doc and key.kind for key in kind.keys)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(TransportFailed, match="there is no such folder"),
        opened({"transport": "folder", "path": str(tmp_path / "none")}),
    ):
        pass


def test_the_published_page_of_the_sources_is_the_one_that_the_code_makes() -> None:
    import runpy

    docs = Path(__file__).resolve().parents[3] / "docs"
    page = (docs / "sources.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(docs / "write_sources.py"))["written"](page) == page, "run: python docs/write_sources.py"
