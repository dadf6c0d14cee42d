"""HTTP: a URL that is requested page by page for new documents."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey, text
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import COMMON, TEXT
from revrec.sources.transports.transport import (
    BLOCK,
    Document,
    IsKnown,
    SignInRefused,
    SourceTransport,
    TransportFailed,
)

PAGES = 10_000
"""Most pages of one fetch. A server that always names a next page would otherwise keep it running forever."""


class HttpTransport(SourceTransport):
    """The API of a shop or carrier. Each page of the response is a document.

    ``{since}`` in the URL is the time of the last successful fetch. More pages are found by the header
    ``Link: <...>; rel="next"`` (RFC 8288), or by ``next``, the path of their URL in a JSON response. Redirects are not
    followed, and a next page on another host is refused, since the secret is sent with every request.
    """

    name = "http"
    keys = (
        *COMMON,
        ConfigKey(
            "url",
            text("the URL in quotes"),
            "The URL; {since} is replaced by the time of the last fetch.",
            required=True,
        ),
        ConfigKey("header", TEXT, "The header that carries the secret.", "Authorization"),
        ConfigKey("prefix", TEXT, 'Text before the secret in that header, such as "Bearer".'),
        ConfigKey("user", TEXT, "A user for basic authentication, instead of the header."),
        ConfigKey("next", TEXT, "The path of the next page in a JSON response, such as links.next."),
        ConfigKey("since", TEXT, "The value of {since} at the first fetch.", "1970-01-01T00:00:00Z"),
    )
    _session: Any = None
    _next: str | None = None

    @property
    def where(self) -> str:
        """Scheme, host and path. The query may contain secrets."""
        parts = urlsplit(self.settings["url"])
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

    def connect(self) -> None:
        """Prepare the session; nothing is sent yet."""
        import requests

        parts = urlsplit(self.settings["url"])
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise BadConfiguration(f"{self.where}: plain http is allowed to this machine only; write https://")
        self._session = requests.Session()
        # A proxy from the environment would receive requests meant for this machine, with their secret.
        self._session.trust_env = not is_loopback(parts.hostname or "")
        self._session.headers["Accept"] = "application/json, application/xml;q=0.9, text/csv;q=0.9, */*;q=0.1"
        secret = self.secret("password")
        if self.settings["user"]:
            self._session.auth = (self.settings["user"], secret)
        elif secret:
            self._session.headers[self.settings["header"]] = f"{self.settings['prefix'] or ''} {secret}".strip()

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """Yield one page after the other. The URL of the next page is known once a page was read."""
        since = quote(self.settings["since"], safe="")
        self._next = self.settings["url"].replace("{since}", since)
        for number in range(1, PAGES + 1):
            if self._next is None:
                return
            url, self._next = self._next, None
            file = urlsplit(url).path.rpartition("/")[2]
            yield Document(f"page {number} of {file}" if file else f"page {number}", "", None, url)
        raise TransportFailed(f"{self.where}: it still names a next page after {PAGES:,} pages; check next and url")

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a page, and remember the URL of its next page."""
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
        """Return the reason of a failure. The library's own message is left out, since it may quote the URL."""
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
            raise TransportFailed(f"{self.where}: HTTP {answer.status_code} instead of 200; check url")

    def _bounded(self, size: int) -> None:
        if size > self.settings["largest"]:
            raise TransportFailed(
                f"{self.where}: a page has more than {self.settings['largest']} bytes; request smaller pages"
            )

    def _note_next(self, answer: Any, url: str, body: bytes) -> None:
        found = answer.links.get("next", {}).get("url")
        if not found and self.settings["next"]:
            found = _at(body, self.settings["next"])
        if not found:
            return
        # A response is input from outside. If it could name any host as its next page, it could collect the secret, or
        # reach servers inside the company's network through this machine (SSRF).
        following = urljoin(url, found)
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise TransportFailed(f"{self.where}: its next page is on another host, and the secret is not sent there")
        self._next = following


def _at(body: bytes, path: str) -> str | None:
    """Return the text at a dotted path of a JSON document, or None."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None
