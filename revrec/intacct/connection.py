"""Connections that know whether a byte of a request has left, and that end when the time is up.

Two things that a posting needs and plain time-outs do not give: to be certain that nothing was sent, and a limit for
the whole exchange. A server that drips one byte a minute never runs into a socket's time-out, yet the right to send
ends with the lease.
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
    """Watches one exchange. ``sent``: a byte of the request may have left. ``expired``: the time was up."""

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def register(self, sock: socket.socket | None) -> None:
        """Name the socket that is in use, so that it can be cut; raises TimeoutError if the time is up already."""
        with self._lock:
            if self.expired:
                raise TimeoutError("the time was up before anything was sent")
            if sock is not None:
                self._sockets.append(sock)

    @contextlib.contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Cut the connection when the time is up."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
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
    """Watch what this thread sends meanwhile, for at most so many seconds."""
    watch = ExchangeWatch()
    _current.watch = watch
    try:
        with watch.time_limit(seconds):
            yield watch
    finally:
        _current.watch = None


class _WatchedConnection:
    """Tells the watch of this thread about the socket and the first byte; mixed into urllib3's connections."""

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
    """requests' adapter over watched connections; never repeats a request by itself."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use watched connections for direct requests."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Use watched connections through proxies too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
