"""HTTP: a URL that is requested page by page for new documents."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote_plus, urljoin, urlsplit, urlunsplit

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey, text, whole_number
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import CA_FILE, COMMON, TEXT, ca_file
from revrec.sources.transports.transport import (
    BLOCK,
    LONGEST_PAUSE,
    Document,
    SignInRefused,
    SourceTransport,
    TransportFailed,
)

TIME = "%Y-%m-%dT%H:%M:%SZ"
LONGEST_STATED = 31_536_000.0
PAGES = 10_000
"""Most pages of one fetch. A server that always names a next page would otherwise keep it running forever."""


class HttpTransport(SourceTransport):
    """The API of a shop or carrier. Each page of the response is a document.

    ``{since}`` in the URL is the time when the last complete fetch began: one that read every page, and of which each
    page was imported, dismissed or replaced. A fetch that stops early is resumed at the page where it stopped. More
    pages are found by the header ``Link: <...>; rel="next"`` (RFC 8288), or by ``next``, the path of their URL in a
    JSON response. Redirects are not followed, and a next page on another host is refused, since the secret is sent with
    every request. An API that asks to wait (``Retry-After``) is asked again after that time.
    """

    name = "http"
    keys = (
        *COMMON,
        ConfigKey(
            "url",
            text("the URL in quotes"),
            "The URL; {since} is replaced by the time of the last complete fetch.",
            required=True,
        ),
        ConfigKey("header", TEXT, "The header that carries the secret.", "Authorization"),
        ConfigKey("prefix", TEXT, 'Text before the secret in that header, such as "Bearer".'),
        ConfigKey("user", TEXT, "A user for basic authentication, instead of the header."),
        ConfigKey("next", TEXT, "The path of the next page in a JSON response, such as links.next."),
        ConfigKey("since", TEXT, "The value of {since} at the first fetch.", "1970-01-01T00:00:00Z"),
        ConfigKey(
            "overlap",
            whole_number(0, 604_800),
            "Seconds that {since} goes back further, for clocks that differ and records that appear late.",
            300,
        ),
        CA_FILE,
    )
    is_paged = True
    _session: Any = None
    _verify: str | bool = True
    _next: str | None = None
    _url = ""
    """The URL of the page that is read next; empty before the first one and after the last one."""
    _page = 1
    _began = ""
    _resumed = False

    def __init__(self, settings: Mapping[str, Any], secret: Callable[[str], str]) -> None:
        super().__init__(settings, secret)
        self._since: str = settings["since"]

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
        self._verify = ca_file(self.settings) or os.environ.get("REQUESTS_CA_BUNDLE") or True
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

    @property
    def position(self) -> str:
        """The time of the last complete fetch, and the next page of one that stopped early."""
        page = {"began": self._began, "page": self._page, "next": self._stored(self._url)} if self._url else {}
        return json.dumps({"since": self._since, "of": self._fingerprint(), **page})

    def resume(self, position: str) -> None:
        """Continue with the page where the last fetch stopped; with page 1 if ``url`` has changed since."""
        if not position:
            return
        found = json.loads(position)
        self._since = found["since"]
        if found.get("next") and found["of"] == self._fingerprint():
            self._began, self._page, self._url = found["began"], found["page"], self._restored(*found["next"])
            self._resumed = True

    def _fingerprint(self) -> str:
        return sha256(f"{self.settings['url']} {self.settings['next']}".encode()).hexdigest()

    def _stored(self, url: str) -> list[Any]:
        """Return the path and the parameters of a page, to be stored; empty if they contain the secret.

        A parameter that the configured URL has too is stored as its place there, since its value may be a secret.
        """
        own = [unquote_plus(one) for one in _parameters(self.settings["url"])]
        found = [(one, unquote_plus(one)) for one in _parameters(url)]
        kept = [own.index(plain) if plain in own else raw for raw, plain in found]
        secret = self.secret("password")
        is_safe = not secret or all(secret not in unquote_plus(one) for one in kept if isinstance(one, str))
        return [urlsplit(url).path, *kept] if is_safe else []

    def _restored(self, path: str, *kept: int | str) -> str:
        url, own = self.settings["url"], _parameters(self.settings["url"])
        query = "&".join(own[one] if isinstance(one, int) else one for one in kept)
        there: str = urlunsplit((*urlsplit(url)[:2], path, query, ""))
        return there

    def documents(self) -> Iterator[Document]:
        """Yield one page after the other. The URL of the next page is known once a page was read."""
        if not self._url:
            self._url = self.settings["url"].replace("{since}", quote(self._since, safe=""))
            self._began = (datetime.now(UTC) - timedelta(seconds=self.settings["overlap"])).strftime(TIME)
            self._page, self._resumed = 1, False
        while self._url:
            if self._page > PAGES:
                raise TransportFailed(
                    f"{self.where}: it still names a next page after {PAGES:,} pages; check next and url"
                )
            self._next = None
            yield Document(self._name(), "", None, self._url)
            self._url, self._page = self._next or "", self._page + 1

    def _name(self) -> str:
        """Return the name of the page, which contains its time: page 3 of another fetch is another document."""
        file = urlsplit(self._url).path.rpartition("/")[2]
        page = f"page {self._page} of {file}" if file else f"page {self._page}"
        return f"since {self._since}: {page}" if "{since}" in self.settings["url"] else page

    def conclude(self, all_settled: bool) -> None:
        """Let the next fetch begin at the time of this one, if each of its pages is imported or resolved."""
        if all_settled:
            self._since = self._began

    @property
    def offers_all(self) -> bool:
        """True if this fetch began with page 1."""
        return not self._resumed

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a page, and remember the URL of its next page."""
        request = {"timeout": self.settings["timeout"], "allow_redirects": False, "stream": True}
        with self.reported_failures(), self._session.get(document.place, verify=self._verify, **request) as answer:
            self._check(answer)
            # Known before the page is read: a page that is too large must not end the list of pages.
            self._note_next(answer.links.get("next", {}).get("url"), document.place)
            body = bytearray()
            for block in answer.iter_content(BLOCK):
                if self.settings["next"]:
                    body += block
                    self._bounded(len(body))
                yield block
            if self.settings["next"]:
                self._note_next(_at(bytes(body), self.settings["next"]), document.place)

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure. The library's own message is left out, since it may quote the URL."""
        import requests

        if isinstance(error, requests.exceptions.SSLError):
            return "its certificate is not trusted (for your own authority, set ca_file); nothing was sent"
        if isinstance(error, requests.Timeout):
            return "it did not answer in time"
        is_own = isinstance(error, requests.RequestException)
        return f"the request failed ({type(error).__name__})" if is_own else super().reason(error)

    def _check(self, answer: Any) -> None:
        status = f"{self.where}: HTTP {answer.status_code}"
        if answer.status_code in (401, 403):
            raise SignInRefused(f"{status}: not let in; check the secret and its rights")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _busy(status, answer.headers.get("Retry-After"))
        if answer.status_code in (200, 204):
            return
        if self._resumed:
            # The address of a next page is often valid for a short time only.
            self._url = ""
            raise TransportFailed(f"{status} for the page where the last fetch stopped; it begins again at page 1")
        raise TransportFailed(f"{status} instead of 200; check url")

    def _bounded(self, size: int) -> None:
        if size > self.settings["largest"]:
            raise TransportFailed(
                f"{self.where}: a page has more than {self.settings['largest']} bytes; request smaller pages"
            )

    def _note_next(self, found: str | None, url: str) -> None:
        if not found:
            return
        # A response is input from outside. If it could name any host as its next page, it could collect the secret, or
        # reach servers inside the company's network through this machine (SSRF).
        following = urljoin(url, found)
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise TransportFailed(f"{self.where}: its next page is on another host, and the secret is not sent there")
        self._next = following


def _parameters(url: str) -> list[str]:
    query = urlsplit(url).query
    return query.split("&") if query else []


def _busy(status: str, retry_after: str | None) -> TransportFailed:
    """Return the failure of a server that asks to be asked later, with the seconds that it names."""
    pause = _seconds(retry_after or "")
    if pause is None or pause <= LONGEST_PAUSE:
        return TransportFailed(f"{status}: it is busy or down; fetch again later", pause)
    when = (datetime.now(UTC) + timedelta(seconds=pause)).strftime("%Y-%m-%d %H:%M")
    return TransportFailed(f"{status}: it asks to wait until {when} UTC; fetch again after that", pause)


def _seconds(retry_after: str) -> float | None:
    """Return the seconds to wait that a header states, in seconds or as a date (RFC 9110); None if it does not."""
    if retry_after.strip().isdecimal():
        return min(float(retry_after), LONGEST_STATED)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((aware - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_STATED)


def _at(body: bytes, path: str) -> str | None:
    """Return the text at a dotted path of a JSON document, or None."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None
