"""Intacct's public address on this machine: clients that insist on https://api.intacct.com reach a sandbox.

They reach it through a proxy (``HTTPS_PROXY``), or by connecting to its port directly. It ends TLS with a certificate
for the name and passes the bytes on.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

NAME = "api.intacct.com"
URL = f"https://{NAME}"
_TLS_HANDSHAKE = b"\x16"
_WAIT_SECONDS = 60.0


@contextmanager
def intacct_address(target: tuple[str, int], folder: Path) -> Iterator[tuple[int, Path]]:
    """Pass requests to https://api.intacct.com on to ``target``; yield the port and the certificate to trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, context, target), daemon=True)
        accepting.start()
        yield int(listener.getsockname()[1]), trusted
        # Closing a listener does not wake a thread that waits in accept.
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listener: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            client, _address = listener.accept()
            threading.Thread(target=_serve, args=(client, context, target), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    client.settimeout(_WAIT_SECONDS)
    with suppress(OSError), client:
        if client.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            _accept_tunnel(client)
        with context.wrap_socket(client, server_side=True) as inside, socket.create_connection(target) as server:
            answers = threading.Thread(target=_copy, args=(server, inside), daemon=True)
            answers.start()
            _copy(inside, server)
            answers.join()


def _accept_tunnel(client: socket.socket) -> None:
    """Answer the CONNECT of a client that uses a proxy, whatever host it names."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(4096)
        if not part:
            raise OSError("the client hung up")
        head += part
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
