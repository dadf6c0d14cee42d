"""An API that is asked page by page."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from revrec.core.errors import BadConfiguration
from revrec.sources.transports import TransportFailed, open_transport
from support.transports import PageServer


def opened(pages: PageServer, path: str = "/orders", password: str = "", **more: Any) -> Any:
    url = f"http://127.0.0.1:{pages.server_address[1]}{path}"
    return open_transport("shop", {"transport": "http", "url": url, **more}, lambda _key: password)


def read(transport: Any) -> list[bytes]:
    return [b"".join(transport.read(one)) for one in transport.documents()]


def test_the_header_names_the_next_page(pages: PageServer) -> None:
    pages.pages = {
        "/orders": (200, {"Link": '</orders?page=2>; rel="next"'}, b"1"),
        "/orders?page=2": (200, {"Link": '</orders>; rel="previous"'}, b"2"),
    }
    with opened(pages) as transport:
        assert read(transport) == [b"1", b"2"]


def test_the_answer_names_the_next_page(pages: PageServer) -> None:
    first = json.dumps({"links": {"next": "/orders?page=2"}}).encode()
    pages.pages = {"/orders": (200, {}, first), "/orders?page=2": (200, {}, b'{"links": {"next": null}}')}
    with opened(pages, next="links.next") as transport:
        assert len(read(transport)) == 2


def test_the_time_of_the_last_fetch_is_in_the_url(pages: PageServer) -> None:
    pages.pages = {"/orders?since=2024-03-28T06%3A00%3A00Z": (200, {}, b"new")}
    with opened(pages, "/orders?since={since}", since="2024-03-28T06:00:00Z") as transport:
        assert read(transport) == [b"new"]


def test_the_secret_goes_where_the_source_says(pages: PageServer) -> None:
    pages.pages = {"/orders": (200, {}, b"")}
    for more in ({"header": "X-Shop-Token"}, {"prefix": "Bearer"}, {"user": "revrec"}):
        with opened(pages, password="s3cret", **more) as transport:
            read(transport)
    token, bearer, basic = (headers for _path, headers in pages.asked)
    assert token["X-Shop-Token"] == "s3cret"
    assert bearer["Authorization"] == "Bearer s3cret"
    assert basic["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "said"), [(401, "check the secret"), (404, "check url"), (429, "later"), (503, "later")]
)
def test_an_answer_other_than_200_is_reported_with_the_fix(pages: PageServer, status: int, said: str) -> None:
    pages.pages = {"/orders": (status, {}, b"")}
    with opened(pages) as transport, pytest.raises(TransportFailed, match=said):
        read(transport)


def test_a_redirect_is_not_followed(pages: PageServer) -> None:
    pages.pages = {"/orders": (302, {"Location": "/elsewhere"}, b""), "/elsewhere": (200, {}, b"stolen")}
    with opened(pages, password="s3cret") as transport, pytest.raises(TransportFailed, match="HTTP 302"):
        read(transport)
    assert [path for path, _headers in pages.asked] == ["/orders"]


def test_the_secret_is_not_carried_to_another_host(pages: PageServer) -> None:
    pages.pages = {"/orders": (200, {"Link": '<http://evil.example.com/>; rel="next"'}, b"1")}
    with opened(pages, password="s3cret") as transport, pytest.raises(TransportFailed, match="another host"):
        read(transport)


@pytest.fixture
def secure(pages: PageServer, certificate: Path) -> str:
    """Serve the pages over TLS, with a certificate of the test's own authority; return the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    pages.socket = context.wrap_socket(pages.socket, server_side=True)
    pages.pages = {"/orders": (200, {}, b"new")}
    return f"https://localhost:{pages.server_address[1]}/orders"


def test_an_own_authority_is_trusted_by_ca_file_or_by_the_environment(
    secure: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    config = {"transport": "http", "url": secure}
    untrusted = pytest.raises(TransportFailed, match=r"not trusted \(for your own authority, set ca_file\)")
    with open_transport("shop", config, lambda _key: "s3cret") as transport, untrusted:
        read(transport)
    with open_transport("shop", {**config, "ca_file": str(ca_file)}, lambda _key: "s3cret") as transport:
        assert read(transport) == [b"new"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    with open_transport("shop", config, lambda _key: "s3cret") as transport:
        assert read(transport) == [b"new"]


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_reported(pages: PageServer, tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(BadConfiguration, match=r"ca_file .*ca\.pem: .*; name the file"):
        opened(pages, ca_file=str(tmp_path / "ca.pem")).connect()


def test_a_connection_that_breaks_off_in_the_middle_is_reported(pages: PageServer) -> None:
    pages.pages = {"/orders": (200, {"Content-Length": "1000"}, b"half")}
    with opened(pages, timeout=2) as transport, pytest.raises(TransportFailed, match="fetch again"):
        read(transport)
