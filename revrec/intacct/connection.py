"""HTTP connections that record whether any byte of a request was sent, and that stop when a time limit is reached.

Posting exactly once needs two things that requests and urllib3 do not provide:

- Certainty that nothing was sent. A refused connection and a connection that breaks after the last byte both raise
  ConnectionError. After the first the entry can be sent again; after the second it may be in the ledger already, and
  sending it again would post it twice.
- A limit for the whole exchange. A socket's timeout starts again with each byte, so a server that sends one byte a
  minute holds a request for hours. By then the lease has expired and another worker may be sending the same entry.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class ExchangeWatch:
    """The state of one exchange. ``sent``: a byte may have left this machine. ``expired``: the time limit passed."""

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def register(self, sock: socket.socket | None) -> None:
        """Register the socket in use, so that it can be shut down when the time limit passes.

        Raises:
            TimeoutError: the time limit has passed already. Nothing was sent, and nothing must be sent from now on.
        """
        with self._lock:
            if self.expired:
                raise TimeoutError("the time limit passed before anything was sent")
            if sock is not None:
                self._sockets.append(sock)

    @contextlib.contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Shut the connection down when this many seconds have passed."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        # The lock orders this against `register`: without it, a socket registered at the same moment would be sent
        # on although the limit has passed, and no one would shut it down.
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _ThreadState(threading.local):
    watch: ExchangeWatch | None = None


_current = _ThreadState()


@contextlib.contextmanager
def watch_exchange(seconds: float) -> Iterator[ExchangeWatch]:
    """Watch what this thread sends inside the block, for at most this many seconds."""
    watch = ExchangeWatch()
    _current.watch = watch
    try:
        with watch.time_limit(seconds):
            yield watch
    finally:
        _current.watch = None


class _WatchedConnection:
    """Mixin for urllib3's connections: reports the socket and the first byte to this thread's watch.

    ``sent`` is set before the byte is written, not after: if the write fails halfway, bytes may have arrived. What is
    sent while connecting (a proxy's CONNECT, the TLS handshake) carries nothing of the request and does not count.
    """

    sock: socket.socket | None
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        watch = _current.watch
        if watch is not None and not self._connecting:
            if self.sock is None:
                self.connect()
            watch.register(self.sock)
            watch.sent = True
        super().send(data)  # type: ignore[misc]


class _WatchedHTTPConnection(_WatchedConnection, HTTPConnection):
    pass


class _WatchedHTTPSConnection(_WatchedConnection, HTTPSConnection):
    pass


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


_POOLS = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}


class WatchedAdapter(HTTPAdapter):
    """Adapter for requests that uses watched connections and never retries.

    A retry inside urllib3 would send a posting a second time without a record of it.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use watched connections for direct requests."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Use watched connections through proxies, too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
