"""One HTTP request and its answer as plain values. Every failure becomes an HttpExchange, never an exception.

Exceptions of HTTP libraries contain the request, and with it the passwords. A traceback in a log would show them, so no
such exception leaves this module.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests

from revrec import __version__
from revrec.core.loopback import is_loopback_url
from revrec.intacct.connection import ExchangeWatch, WatchedAdapter, watch_exchange

CONNECT_TIMEOUT = 10.0
RETRY_AFTER_LIMIT = 3600
IDLE_LIMIT = 4.0
"""Seconds after which an idle connection is not used again.

The server may be closing it. A request sent into a closing connection fails after its first byte, and its entry would
be in doubt although Intacct never saw it.
"""

HEADERS = {
    "Content-Type": "application/xml",
    "Accept": "application/xml, text/xml",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"revrec/{__version__}",
}


class HttpExchange(NamedTuple):
    """One request's result.

    ``sent``: a byte of it may have left this machine. ``reason``: empty if the answer is complete, else
    ``not_connected``, ``timeout``, ``broken_off`` or ``too_large``; ``detail`` says it in words.
    """

    sent: bool
    status: int = 0
    body: bytes = b""
    content_type: str = ""
    retry_after: str = ""
    reason: str = ""
    detail: str = ""

    @property
    def retry_after_seconds(self) -> int | None:
        """Return ``Retry-After`` (a number or a date) in seconds, at most an hour; None if missing or unreadable."""
        text = self.retry_after.strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return min(int(text), RETRY_AFTER_LIMIT)
        try:
            left = parsedate_to_datetime(text) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
        return min(max(math.ceil(left.total_seconds()), 0), RETRY_AFTER_LIMIT)


@dataclass
class _Connection:
    """A connection that carries one request at a time; ``last_used`` is a monotonic time."""

    session: requests.Session
    last_used: float = float("-inf")


class GatewayTransport:
    """A client that posts documents, with a time limit (seconds) and a size limit (bytes) for each.

    Threads may share it. Each request in flight has its own connection, which is kept for later requests. A thread that
    would exceed ``max_in_flight`` waits until another request has ended.
    """

    def __init__(
        self,
        timeout: float,
        max_bytes: int = 20_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        before_send: Callable[[], None] = lambda: None,
        max_in_flight: int = 1,
    ) -> None:
        """Set the limits of an exchange and of an answer; ``before_send`` is called before each request."""
        self._before_send = before_send
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(max_in_flight)
        self._idle: dict[bool, list[_Connection]] = {True: [], False: []}

    def post(self, url: str, body: bytes) -> HttpExchange:
        """Post once, without redirects or retries, and always verify certificates."""
        with self._slots, self._connection(is_loopback_url(url)) as connection:
            self._before_send()
            with watch_exchange(self._timeout) as watch:
                return self._exchange(connection.session, url, body, watch)

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._lock:
            for connections in self._idle.values():
                while connections:
                    connections.pop().session.close()

    @contextmanager
    def _connection(self, loopback: bool) -> Iterator[_Connection]:
        """Lend the idle connection that was used last, or a new one."""
        with self._lock:
            idle = self._idle[loopback]
            connection = idle.pop() if idle else _Connection(_new_session(loopback))
        if self._monotonic() - connection.last_used > IDLE_LIMIT:
            connection.session.close()
        try:
            yield connection
        finally:
            connection.last_used = self._monotonic()
            with self._lock:
                idle.append(connection)

    def _exchange(self, session: requests.Session, url: str, body: bytes, watch: ExchangeWatch) -> HttpExchange:
        limits = (min(CONNECT_TIMEOUT, self._timeout), self._timeout)
        try:
            with session.post(
                url, data=body, headers=HEADERS, timeout=limits, allow_redirects=False, stream=True, verify=True
            ) as answer:
                return self._read(answer, watch)
        except Exception as fault:
            # requests documents RequestException, but urllib3 and ssl raise others. Bytes may have left by then, and an
            # exception that escapes would leave the entry as sending, without an answer on record.
            return HttpExchange(watch.sent, reason=_reason(fault, watch), detail=_detail(fault))

    def _read(self, answer: requests.Response, watch: ExchangeWatch) -> HttpExchange:
        head = HttpExchange(
            True,
            answer.status_code,
            content_type=answer.headers.get("Content-Type", ""),
            retry_after=answer.headers.get("Retry-After", ""),
        )
        parts, size = [], 0
        try:
            for part in answer.iter_content(65_536):
                parts.append(part)
                size += len(part)
                if size > self._max_bytes:
                    return head._replace(reason="too_large", detail=f"more than {self._max_bytes} bytes")
        except Exception as fault:
            return head._replace(body=b"".join(parts), reason=_reason(fault, watch), detail=_detail(fault))
        if watch.expired:
            return head._replace(body=b"".join(parts), reason="timeout", detail="the time limit passed")
        return head._replace(body=b"".join(parts))


def _new_session(loopback: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = not loopback
    session.auth = _no_auth
    session.mount("https://", WatchedAdapter())
    session.mount("http://", WatchedAdapter())
    return session


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from adding a password from ``.netrc``."""
    return request


def _reason(fault: Exception, watch: ExchangeWatch) -> str:
    if not watch.sent:
        return "not_connected"
    timed_out = watch.expired or isinstance(fault, requests.Timeout | TimeoutError)
    return "timeout" if timed_out or "timed out" in str(fault) else "broken_off"


def _detail(fault: Exception) -> str:
    """Return the exception's class and the operating system's message, if there is one.

    Never the library's own text, which may quote the URL, a header or the body.
    """
    system = fault
    seen = 0
    while system is not None and seen < 10:
        if isinstance(system, OSError) and system.strerror and not isinstance(system, requests.RequestException):
            return f"{type(fault).__name__}: {system.strerror}"
        inner = system.__cause__ or system.__context__ or getattr(system, "reason", None)
        inner = inner or next((one for one in system.args if isinstance(one, Exception)), None)
        if not isinstance(inner, Exception):
            break
        system, seen = inner, seen + 1
    return type(fault).__name__
