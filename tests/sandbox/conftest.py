"""A running sandbox and hand-written requests; revrec's client is not used here."""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from revrec.sandbox.control.sandbox import Sandbox
from support.intacct import address_of, start_sandbox
from support.sandbox_client import SandboxClient, ServeSandbox, glbatch, serving


@pytest.fixture(scope="session")
def shared() -> Iterator[SandboxClient]:
    with serving(Sandbox(seed=7)) as client:
        yield client


@pytest.fixture
def client(shared: SandboxClient) -> SandboxClient:
    """Reset the shared sandbox: seeded company, default switches, no faults, true clock."""
    defaults = type(shared.sandbox.switches)().as_dict()
    shared.switch(**defaults)
    shared.admin("fault", plan="")
    shared.admin("clock", offset_seconds=0)
    shared.admin("reset")
    return shared


@pytest.fixture
def refused(client: SandboxClient) -> Callable[..., str]:
    """Send a GLBATCH that must fail without a trace, and return the error text."""

    def send(lines: str | None = None, **more: str | None) -> str:
        answer = client.create(glbatch(lines, **more))
        assert answer.status == "failure", answer.http.text
        assert client.look("state")["counts"]["entries"] == 0
        assert answer.errors[-1] == ("BL01001973", "Could not create GLBatch record!")
        return answer.said

    return send


@pytest.fixture
def serve() -> Iterator[ServeSandbox]:
    """Serve further sandboxes as processes, which end with the test; return process and address."""
    processes: list[subprocess.Popen[str]] = []

    def run(*options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        processes.append(start_sandbox(*options))
        return processes[-1], address_of(processes[-1])

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
