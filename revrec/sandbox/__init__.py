"""The built-in Sage Intacct simulator: an HTTP server that speaks the XML gateway.

It imports nothing from the rest of revrec. It has separate parsing, validation and storage, so a mistake in our client
cannot be hidden by the same mistake here.

A request goes through ``protocol`` (HTTP and faults, shape of the request, sign-in, operation), one file of
``functions``, then ``ledger`` or ``orders`` (writes) or ``reading`` (reads), and comes back through ``protocol``.
``company`` is the state they work on, and ``control`` runs the server and the admin port.

Limits: it listens on the loopback only, for tests and demos, and holds one company.
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
    records: Path | None = None,
    public_url: str = "",
) -> int:
    """Serve a sandbox until a signal ends it; see ``revrec.sandbox.control.serve.serve``.

    The server is imported only when this is called, so that ``import revrec.sandbox`` stays cheap.
    """
    from revrec.sandbox.control.serve import serve as serve_now

    return serve_now(port, data, seed, fault, switches, quiet, records=records, public_url=public_url)


def running(data: Path) -> dict[str, Any] | None:
    """Return the address of the sandbox that serves ``data`` now (URLs, credentials, pid), or None if there is none."""
    from revrec.sandbox.control.address import running as running_now

    return running_now(data)
