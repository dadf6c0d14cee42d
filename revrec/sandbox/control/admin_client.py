"""Speaking to the admin port of a sandbox that runs already: found through its data file, on this machine alone."""

import json
import urllib.request
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from revrec.sandbox.control.address import running

_SECONDS = 10
_LARGEST_ANSWER = 10_000_000


class AdminError(Exception):
    """No sandbox serves the file, or it refused; the message names the mend."""


class NotServed(AdminError):
    """No sandbox serves the data file at this moment."""


def fault(data: Path, plan: str, seed: int | None = None) -> list[dict[str, Any]]:
    """Put a fault plan in force (empty: none) in place of the one before; the faults as the sandbox understood them.

    Its shares are drawn from `seed` (None: the seed in force) from the beginning.

    Raises:
        AdminError: the plan is none; the one before stays in force.
    """
    found: list[dict[str, Any]] = _ask(data, "fault", {"plan": plan} | ({} if seed is None else {"seed": seed}))[
        "faults"
    ]
    return found


def reset(data: Path) -> dict[str, Any]:
    """Back to the company as it was at the start: no entries, all periods open. The state afterwards."""
    return _ask(data, "reset", {})


def state(data: Path) -> dict[str, Any]:
    """What the sandbox holds: counts, closed periods, switches, faults, usage; and its addresses."""
    address = _address(data)
    shown = {name: address.get(name) for name in ("url", "admin_url", "pid")}
    return shown | _ask(data, "state")


def _address(data: Path) -> dict[str, Any]:
    address = running(data)
    if address is None:
        raise NotServed(f"{data}: no sandbox serves this file; start one with: revrec sandbox serve --data {data}")
    return address


def _ask(data: Path, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    base = str(_address(data).get("admin_url", ""))
    if not _is_loopback(base):
        raise AdminError(f"{data}: the admin address in its address file is not on this machine; serve it anew")
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base.rstrip('/')}/{path}", content, {"Content-Type": "application/json"})  # noqa: S310 - loopback http, checked above
    # Without handlers for proxies, or the request would leave this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return _decoded(answer.read(_LARGEST_ANSWER))
    except HTTPError as error:
        raise AdminError(str(_decoded(error.read(_LARGEST_ANSWER)).get("error", f"HTTP {error.code}"))) from None
    except (OSError, ValueError) as error:
        raise AdminError(f"{data}: its sandbox gives no usable answer ({error}); serve it anew") from None


def _decoded(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
