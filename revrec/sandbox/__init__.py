"""The built-in Sage Intacct simulator: a real HTTP server that speaks the XML gateway.

A stranger to the rest of revrec: own parsing, own validation, own SQLite file, so that a mistake in our client cannot
cancel itself out. The way of a request: http (transport, faults) - request (shape) - gateway (sender, login, session) -
operation (control ids, transaction) - functions (one file each) - glbatch and ledger, or reading - response.

Bounds: it is a loopback server for tests and demos, keeps no attachments, and holds one company.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def serve(
    port: int = 0,
    data: Path | None = None,
    seed: int = 1,
    fault: str = "",
    switches: Mapping[str, object] | None = None,
    quiet: bool = False,
) -> int:
    """Serve a sandbox until a signal ends it; see ``revrec.sandbox.control.serve.serve``.

    The server is imported only when this is called, so that ``import revrec.sandbox`` stays cheap.
    """
    from revrec.sandbox.control.serve import serve as serve_now

    return serve_now(port, data, seed, fault, switches, quiet)


def running(data: Path) -> dict[str, Any] | None:
    """The address of the sandbox that serves `data` now (URLs, credentials, pid); None when there is none."""
    from revrec.sandbox.control.address import running as running_now

    return running_now(data)
