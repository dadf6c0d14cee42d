"""Client of the admin port of a running sandbox, which it finds through the data file, on this machine only."""

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
    """No sandbox serves the file, or it rejected the request; the message says how to fix it."""


class NotServed(AdminError):
    """No sandbox serves the data file now."""


def fault(data: Path, plan: str, seed: int | None = None) -> list[dict[str, Any]]:
    """Replace the fault plan (empty: no faults) and return the faults as the sandbox parsed them.

    Random shares are drawn from ``seed`` (None: the current seed), starting over.

    Raises:
        AdminError: the plan is invalid; the previous one stays active.
    """
    found: list[dict[str, Any]] = _request(data, "fault", {"plan": plan} | ({} if seed is None else {"seed": seed}))[
        "faults"
    ]
    return found


def reset(data: Path) -> dict[str, Any]:
    """Reset the company to its initial state (no entries, all periods open) and return the state afterwards."""
    return _request(data, "reset", {})


def state(data: Path) -> dict[str, Any]:
    """Return the state of the sandbox (counts, closed periods, switches, faults, usage) and its addresses."""
    address = _address(data)
    shown = {name: address.get(name) for name in ("url", "admin_url", "pid")}
    return shown | _request(data, "state")


def _address(data: Path) -> dict[str, Any]:
    address = running(data)
    if address is None:
        raise NotServed(f"{data}: no sandbox serves this file; start one with: revrec sandbox serve --data {data}")
    return address


def _request(data: Path, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    base = str(_address(data).get("admin_url", ""))
    if not _is_loopback(base):
        raise AdminError(f"{data}: the admin address in its address file is not on this machine; restart the sandbox")
    content = None if body is None else json.dumps(body).encode()
    message = urllib.request.Request(f"{base.rstrip('/')}/{path}", content, {"Content-Type": "application/json"})  # noqa: S310 - loopback http, checked above
    # An HTTP proxy from the environment would carry the request off this machine, so no proxies are used.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=_SECONDS) as answer:
            return _decoded(answer.read(_LARGEST_ANSWER))
    except HTTPError as error:
        raise AdminError(str(_decoded(error.read(_LARGEST_ANSWER)).get("error", f"HTTP {error.code}"))) from None
    except (OSError, ValueError) as error:
        raise AdminError(f"{data}: its sandbox gave no usable answer ({error}); restart it") from None


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
