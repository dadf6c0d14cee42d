"""HTTP: an address that is asked, page by page, for what is new."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import COMMON, TEXT
from revrec.sources.transports.transport import (
    BLOCK,
    Document,
    IsKnown,
    SignInRefused,
    Transport,
    TransportFailed,
)

PAGES = 10_000
"""The most pages of one fetch: a shop that always names a next page must not be asked for ever."""


class HttpTransport(Transport):
    """A shop's or carrier's API: each page of the answer is a document.

    ``{since}`` in the address is the time of the last fetch that ended well. Further pages are found by the header
    ``Link: <...>; rel="next"`` (RFC 8288), or by ``next``, the path of their address in a JSON answer. Redirects are
    not followed, and a next page on another host is refused, since the secret goes with every request.
    """

    name = "http"
    keys = (
        *COMMON,
        ConfigKey("url", TEXT, "The address; {since} stands for the time of the last fetch.", required=True),
        ConfigKey("header", TEXT, "The header that carries the secret.", "Authorization"),
        ConfigKey("prefix", TEXT, 'What stands before the secret in that header, such as "Bearer".'),
        ConfigKey("user", TEXT, "A user for basic authentication, instead of the header."),
        ConfigKey("next", TEXT, "Where a JSON answer names its next page, such as links.next."),
        ConfigKey("since", TEXT, "What {since} is at the first fetch.", "1970-01-01T00:00:00Z"),
    )
    _session: Any = None
    _next: str | None = None

    @property
    def where(self) -> str:
        """Scheme, host and path: a query may hold secrets."""
        parts = urlsplit(self.settings["url"])
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

    def connect(self) -> None:
        """Nothing is sent yet."""
        import requests

        parts = urlsplit(self.settings["url"])
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise BadConfiguration(f"{self.where}: only https is spoken, but to this machine; write https://")
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(parts.hostname or "")
        self._session.headers["Accept"] = "application/json, application/xml;q=0.9, text/csv;q=0.9, */*;q=0.1"
        secret = self.secret("password")
        if self.settings["user"]:
            self._session.auth = (self.settings["user"], secret)
        elif secret:
            self._session.headers[self.settings["header"]] = f"{self.settings['prefix'] or ''} {secret}".strip()

    def close(self) -> None:
        """Close kept connections."""
        if self._session is not None:
            self._session.close()

    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """One page after the other; what the next one's address is, is known once a page was read."""
        since = quote(self.settings["since"], safe="")
        self._next = self.settings["url"].replace("{since}", since)
        for number in range(1, PAGES + 1):
            if self._next is None:
                return
            url, self._next = self._next, None
            file = urlsplit(url).path.rpartition("/")[2]
            yield Document(f"page {number} of {file}" if file else f"page {number}", "", None, url)
        raise TransportFailed(f"{self.where}: it names a next page after {PAGES} pages; check next and the address")

    def read(self, document: Document) -> Iterator[bytes]:
        """The page; its own next page is noted."""
        request = {"timeout": self.settings["timeout"], "allow_redirects": False, "stream": True, "verify": True}
        with self.reported_failures(), self._session.get(document.place, **request) as answer:
            self._check(answer)
            body = bytearray()
            for block in answer.iter_content(BLOCK):
                if self.settings["next"]:
                    body += block
                    self._bounded(len(body))
                yield block
            self._note_next(answer, document.place, bytes(body))

    def reason(self, error: Exception) -> str | None:
        """What the library raises too; its own texts may quote the address."""
        import requests

        if isinstance(error, requests.exceptions.SSLError):
            return "its certificate is not trusted; nothing was sent"
        if isinstance(error, requests.Timeout):
            return "it did not answer in time"
        is_own = isinstance(error, requests.RequestException)
        return f"the request failed ({type(error).__name__})" if is_own else super().reason(error)

    def _check(self, answer: Any) -> None:
        if answer.status_code in (401, 403):
            raise SignInRefused(f"{self.where}: HTTP {answer.status_code}: not let in; check the secret and its rights")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise TransportFailed(f"{self.where}: HTTP {answer.status_code}: it is busy or down; fetch again later")
        if answer.status_code != 200:
            raise TransportFailed(f"{self.where}: HTTP {answer.status_code} instead of 200; check the address")

    def _bounded(self, size: int) -> None:
        if size > self.settings["largest"]:
            raise TransportFailed(
                f"{self.where}: a page has more than {self.settings['largest']} bytes; ask for smaller ones"
            )

    def _note_next(self, answer: Any, url: str, body: bytes) -> None:
        found = answer.links.get("next", {}).get("url")
        if not found and self.settings["next"]:
            found = _at(body, self.settings["next"])
        if not found:
            return
        following = urljoin(url, found)
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise TransportFailed(f"{self.where}: its next page is on another host; the secret is not carried there")
        self._next = following


def _at(body: bytes, path: str) -> str | None:
    """The text at a dotted path of a JSON document, if there is one."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None
