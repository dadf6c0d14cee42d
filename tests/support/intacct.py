"""A simulated Intacct: the sandbox as a process, seen and changed from its admin port."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def sign_in(address: dict[str, Any]) -> dict[str, str]:
    """Return the environment with which commands sign in to a sandbox at this address."""
    return {
        "INTACCT_ENDPOINT_URL": address["url"],
        "INTACCT_SENDER_ID": address["sender_id"],
        "INTACCT_SENDER_PASSWORD": address["sender_password"],
        "INTACCT_COMPANY_ID": address["company_id"],
        "INTACCT_USER_ID": address["user_id"],
        "INTACCT_USER_PASSWORD": address["user_password"],
    }


class Intacct:
    """A running sandbox, seen from its admin port."""

    def __init__(self, address: dict[str, Any]) -> None:
        self.address = address
        self.environment = sign_in(address)

    def admin(self, path: str, **body: object) -> Any:
        """Post to a path of the admin port and return its answer."""
        url = self.address["admin_url"].rstrip("/") + path
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def view(self, path: str) -> Any:
        """Get a path of the admin port."""
        with urllib.request.urlopen(self.address["admin_url"].rstrip("/") + path, timeout=10) as answer:
            return json.load(answer)

    def entries(self) -> list[dict[str, Any]]:
        """Return all journal entries of the ledger, oldest first."""
        found: list[dict[str, Any]] = self.view("/entries")["entries"]
        return found

    def balances(self, until: date) -> dict[str, Decimal]:
        """Return the balance of each account on a day, debits positive."""
        found: dict[str, Decimal] = {}
        for line in (line for one in self.entries() if one["date"] <= until.isoformat() for line in one["lines"]):
            found[line["account"]] = found.get(line["account"], Decimal(0)) + line["type"] * Decimal(line["amount"])
        return found

    def injected(self) -> int:
        """Count the faults that were injected since it started; tests before this one may have injected some."""
        return len(self.view("/state")["injected"])

    def fault(self, plan: str) -> None:
        """Set the plan of faults."""
        self.admin("/fault", plan=plan)


def start_sandbox(*options: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a sandbox process; the first line of its output is its address as JSON."""
    return subprocess.Popen(
        [sys.executable, "-m", "revrec.sandbox", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def address_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait until a sandbox process listens and return its address."""
    assert process.stdout
    address: dict[str, Any] = json.loads(process.stdout.readline())
    return address


@contextmanager
def served_intacct(*options: str, **environment: str) -> Iterator[Intacct]:
    """Serve a sandbox for a block."""
    with start_sandbox(*options, **environment) as process:
        yield Intacct(address_of(process))
        process.terminate()
