"""One running sandbox: company, gateway server and admin server, connected to each other."""

import os
import random
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from revrec.sandbox.company import profile
from revrec.sandbox.company.access import AccessControl, Sender, User
from revrec.sandbox.company.control_ids import ControlIds
from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.company.own_records import take_over
from revrec.sandbox.company.periods import Periods
from revrec.sandbox.company.result_sets import ResultSetCache
from revrec.sandbox.company.seed import seed_missing
from revrec.sandbox.company.sessions import Clock, Sessions
from revrec.sandbox.company.state import CompanyState, UsageCounters, VisibilityDelay
from revrec.sandbox.company.store import Store
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.control.admin import AdminServer
from revrec.sandbox.faults import FaultPlan
from revrec.sandbox.protocol.gateway import Gateway
from revrec.sandbox.protocol.http import LOGIN_PATH, LOOPBACK, GatewayServer, LogLine


class Sandbox:
    """A sandbox on two loopback ports, served by threads between ``start`` and ``stop``."""

    def __init__(
        self,
        port: int = 0,
        data: Path | None = None,
        seed: int = 1,
        fault: str = "",
        switches: Mapping[str, object] | None = None,
        log: LogLine | None = None,
        may_exit: bool = False,
        records: Sequence[MasterRecord] = (),
        public_url: str = "",
    ) -> None:
        """Open the company and bind both ports.

        ``may_exit`` is true if the sandbox has the process to itself, so that a fault may end it. ``records`` replace
        the seeded records of their kinds. ``public_url`` is the address of a proxy in front of the gateway, such as
        https://api.intacct.com; without it, the endpoint for sessions is at the host that the client asked.

        Raises:
            ValueError: a switch, the fault plan or the public address is invalid.
            StoreError: the data file cannot be used.
            OSError: the port cannot be bound.
        """
        public_url = checked_url(public_url)
        self.switches = Switches()
        for name, value in (switches or {}).items():
            self.switches.set(name, value)
        writer = log or (lambda _line: None)
        faults = FaultPlan(fault, seed, writer, may_exit)
        self._passwords = _password("SENDER"), _password("USER")
        self.company = _company(Store(data), self.switches, self._passwords, seed)
        if records:
            take_over(self.company, records)
        self._gateway = GatewayServer(port, Gateway(self.company), faults, writer, public_url)
        self._admin = AdminServer(self.company, faults)
        self._threads: list[threading.Thread] = []

    @property
    def address(self) -> dict[str, Any]:
        """The data that clients need to connect: URLs, credentials, journal, active accounts."""
        sender_password, user_password = self._passwords
        accounts = [item.id for item in self.company.masters.all("GLACCOUNT") if item.active]
        return {
            "url": f"http://{LOOPBACK}:{self._gateway.server_port}{LOGIN_PATH}",
            "admin_url": f"http://{LOOPBACK}:{self._admin.server_port}/",
            "sender_id": profile.SENDER_ID,
            "sender_password": sender_password,
            "company_id": profile.COMPANY_ID,
            "user_id": profile.USER_ID,
            "user_password": user_password,
            "journal": profile.JOURNAL,
            "accounts": accounts,
        }

    def start(self) -> None:
        """Start serving both ports."""
        for server in (self._gateway, self._admin):
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop serving and close the store, after the running function has finished."""
        for server in (self._gateway, self._admin):
            if self._threads:
                server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
        self.company.store.close()


def checked_url(text: str) -> str:
    """Return a public address without a slash at its end.

    Raises:
        ValueError: it is not the scheme and host of a web address.
    """
    url = text.rstrip("/")
    if url and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", url, re.ASCII):
        raise ValueError(f"{text!r} is not a public address; write scheme and host, such as https://api.intacct.com")
    return url


def _password(whose: str) -> str:
    return os.environ.get(f"REVREC_SANDBOX_{whose}_PASSWORD") or secrets.token_urlsafe(18)


def _company(store: Store, switches: Switches, passwords: tuple[str, str], seed: int) -> CompanyState:
    clock = Clock()
    access = AccessControl(profile.COMPANY_ID, switches)
    access.add_sender(Sender(profile.SENDER_ID, passwords[0]))
    access.add_user(User(profile.USER_ID, passwords[1]))
    company = CompanyState(
        store=store,
        masters=MasterRecords(store, clock),
        periods=Periods(store, switches),
        switches=switches,
        clock=clock,
        access=access,
        sessions=Sessions(clock, switches),
        control_ids=ControlIds(store, switches),
        result_sets=ResultSetCache(),
        usage=UsageCounters(),
        visibility=VisibilityDelay(clock, switches),
        random=random.Random(f"support:{seed}"),  # noqa: S311
        seed=seed,
    )
    if store.is_new:
        seed_missing(company)
    return company
