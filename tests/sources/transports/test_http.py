"""An API that is asked page by page."""

import json
from typing import Any

import pytest

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


def test_a_connection_that_breaks_off_in_the_middle_is_reported(pages: PageServer) -> None:
    pages.pages = {"/orders": (200, {"Content-Length": "1000"}, b"half")}
    with opened(pages, timeout=2) as transport, pytest.raises(TransportFailed, match="fetch again"):
        read(transport)
