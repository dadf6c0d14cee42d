"""A gateway written by hand, and a client that talks to it."""

from collections.abc import Iterator

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.reading import ReadPolicy
from support.wire import SENDER_PASSWORD, USER_PASSWORD, StubGateway


@pytest.fixture
def stub() -> Iterator[StubGateway]:
    """Serve a gateway that answers as a test says."""
    gateway = StubGateway()
    yield gateway
    gateway.close()


@pytest.fixture
def credentials(stub: StubGateway) -> Credentials:
    """Return credentials that the stub accepts."""
    return Credentials("acme", SENDER_PASSWORD, "ACME", "revrec_ws", USER_PASSWORD, endpoint=stub.url)


@pytest.fixture
def gateway(credentials: Credentials) -> Iterator[XmlGateway]:
    """Connect to the stub; reads are tried three times without a pause."""
    pauses: list[float] = []
    with XmlGateway(credentials, timeout=1.0, reads=ReadPolicy(3, 0.0, pauses.append)) as one:
        yield one
