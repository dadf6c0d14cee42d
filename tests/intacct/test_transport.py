"""The HTTP transport: certificates, idle connections, the time limit, and whether a byte was sent."""

import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from revrec.intacct.connection import ExchangeWatch, watch_exchange
from revrec.intacct.transport import GatewayTransport
from support import wire


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_of_an_unknown_authority_is_refused_before_a_byte_is_sent(
    stub: wire.StubGateway, tmp_path: Path
) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    stub.server.socket = context.wrap_socket(stub.server.socket, server_side=True)
    transport = GatewayTransport(timeout=5)
    exchange = transport.post(f"https://localhost:{stub.port}/", b"<request/>")
    assert (exchange.sent, exchange.reason, stub.requests) == (False, "not_connected", [])


def test_a_connection_that_was_idle_is_not_trusted_with_another_request(stub: wire.StubGateway) -> None:
    clock = [0.0]
    stub.script = [wire.Say("<response/>")]
    transport = GatewayTransport(timeout=5, monotonic=lambda: clock[0])
    for now in (1.0, 2.0, 30.0):
        clock[0] = now
        assert transport.post(stub.url, b"<request/>").status == 200
    assert stub.connections == 2
    transport.close()


def test_nothing_is_sent_after_the_time_limit(stub: wire.StubGateway) -> None:
    with watch_exchange(0.01) as watch:
        time.sleep(0.1)
        assert watch.expired
        with pytest.raises(TimeoutError, match="before anything was sent"):
            watch.register(None)
    assert not watch.sent


def test_the_watch_cuts_the_sockets_registered_with_it() -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(2)
    with ours, theirs:
        watch = ExchangeWatch()
        watch.register(ours)
        with watch.time_limit(0.01):
            assert theirs.recv(1) == b""
        assert watch.expired


def test_the_detail_of_a_failure_is_the_system_s_and_quotes_no_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    exchange = GatewayTransport(timeout=1).post(f"http://127.0.0.1:{port}/", b"<password>hunter2</password>")
    assert (exchange.sent, exchange.reason) == (False, "not_connected")
    assert "refused" in exchange.detail and "hunter2" not in repr(exchange)


def test_a_name_that_does_not_resolve_means_that_nothing_was_sent() -> None:
    exchange = GatewayTransport(timeout=2).post("https://nowhere.invalid/", b"<request/>")
    assert (exchange.sent, exchange.reason) == (False, "not_connected")
