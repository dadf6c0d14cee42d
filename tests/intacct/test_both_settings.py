"""The client's promises under every setting of the sandbox's switches, alone and combined.

Each unverified behavior of the real gateway is a switch of the sandbox.
"""

import random
from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import SignInFailed
from revrec.intacct.gateway import ErrorClass, PostingOutcome
from revrec.intacct.reading import ReadPolicy
from revrec.sandbox.company.switches import SETTINGS, Switches
from revrec.sandbox.control.sandbox import Sandbox
from support import wire
from support.sandbox_client import serving

UNVERIFIED = {name: settings for name, settings in SETTINGS.items() if len(settings) > 1}
ALONE = [(name, setting) for name, settings in UNVERIFIED.items() for setting in settings[1:]]
LOST = ("drop", "503", "garbled", "wrong_control_id", "stale", "twice", "repeat", "drip=0.05")
NUMBERS = count(1)


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with serving(Sandbox(seed=3)) as client:
        yield client.sandbox


def credentials(sandbox: Sandbox, **changes: str) -> Credentials:
    names = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
    return Credentials(
        **({name: sandbox.address[name] for name in names} | {"endpoint": sandbox.address["url"]} | changes)
    )


class Contract:
    """The promises that posting relies on, in any company."""

    def __init__(self, sandbox: Sandbox, settings: dict[str, Any], ask: Any) -> None:
        self.sandbox = sandbox
        self.ask = ask
        self.settings = Switches().as_dict() | settings
        self.posted: list[str] = []
        ask("reset")
        ask("switch", **self.settings)

    def entry(self, **changes: Any) -> Any:
        number = next(NUMBERS)
        lines = [wire.journal_line(n, **changes.pop("line", {})) for n in (1, 2)]
        names = {"reference": f"RRBOTH{number:010d}", "control_id": f"revrec:both:{number}"}
        return wire.journal_entry(*lines, **names, **changes)

    def hold(self, faults: random.Random) -> None:
        with XmlGateway(credentials(self.sandbox), timeout=5, reads=ReadPolicy(3, 0.01)) as gateway:
            assert gateway.check_creating("RR") == "", "checking the permission creates nothing"
            self.posts_once(gateway)
            self.survives(gateway, faults.choice(LOST))
            self.is_refused(gateway)
            self.renews_its_session(gateway)
        self.does_not_try_a_wrong_password_again()
        entries = self.ask("entries")["entries"]
        assert sorted(one["reference"] for one in entries) == sorted(self.posted), "each once, and no others"

    def posts_once(self, gateway: XmlGateway) -> None:
        ours = self.entry()
        assert gateway.post_entry(ours).outcome is PostingOutcome.POSTED
        again = gateway.post_entry(ours)
        assert (again.outcome, again.record_no) == (PostingOutcome.IN_DOUBT, "")
        self.found(gateway, ours)

    def survives(self, gateway: XmlGateway, lost: str) -> None:
        """Check that a lost or damaged answer never counts as a rejection, and that the entry is found."""
        ours = self.entry()
        self.ask("fault", plan=f"{lost}@after:1x:create")
        answer = gateway.post_entry(ours)
        assert answer.outcome in (PostingOutcome.IN_DOUBT, PostingOutcome.POSTED), answer
        self.found(gateway, ours)
        ours = self.entry()
        self.ask("fault", plan="drop@before:1x:create")
        assert gateway.post_entry(ours).outcome is PostingOutcome.IN_DOUBT
        assert gateway.find_entries(ours.journal, ours.reference) == []
        assert gateway.post_entry(ours).outcome is PostingOutcome.POSTED
        self.found(gateway, ours)

    def found(self, gateway: XmlGateway, ours: Any) -> None:
        (found,) = gateway.find_entries(ours.journal, ours.reference)
        sides = sorted((line.side, line.amount) for line in found.lines)
        assert (sides, found.date) == ([("credit", 1250), ("debit", 1250)], ours.date)
        assert found.state == ("Submitted" if self.settings["approval"] else "Posted")
        self.posted.append(ours.reference)

    def is_refused(self, gateway: XmlGateway) -> None:
        wrong = gateway.post_entry(self.entry(line={"account": "9999"}))
        assert (wrong.outcome, wrong.error_class) == (PostingOutcome.REJECTED, ErrorClass.NEEDS_DATA)
        assert "9999" in wrong.advice
        self.ask("periods/close", month="2025-03")
        late = gateway.post_entry(self.entry())
        assert (late.outcome, late.error_class) == (PostingOutcome.REJECTED, ErrorClass.NEEDS_DATA)
        assert "period" in late.advice.lower()
        reported = self.settings["closed_books_date"] == "answer"
        assert gateway.closed_through() == (date(2025, 3, 31) if reported else None)
        self.ask("periods/open", month="2025-01")

    def renews_its_session(self, gateway: XmlGateway) -> None:
        self.ask("sessions/expire")
        ours = self.entry()
        assert gateway.post_entry(ours).outcome is PostingOutcome.POSTED
        self.found(gateway, ours)

    def does_not_try_a_wrong_password_again(self) -> None:
        with XmlGateway(credentials(self.sandbox, user_password="wrong-one"), timeout=5) as gateway:
            for _ in range(2):
                with pytest.raises(SignInFailed):
                    gateway.sign_in()
        assert self.ask("state")["locked_users"] == []
        self.ask("users/unlock")


@pytest.fixture
def contract(served: Sandbox) -> Any:
    """Return a function that builds the contract under settings."""
    import requests

    def ask(path: str, **body: Any) -> Any:
        url = served.address["admin_url"] + path
        sent = (
            requests.get(url, timeout=5) if path in ("entries", "state") else requests.post(url, json=body, timeout=5)
        )
        assert sent.status_code == 200, sent.text
        return sent.json()

    return lambda settings: Contract(served, settings, ask)


def combination(seed: int) -> tuple[dict[str, Any], random.Random]:
    """Draw a setting of each switch from the seed."""
    draw = random.Random(f"settings:{seed}")
    return {name: draw.choice(settings) for name, settings in UNVERIFIED.items()}, draw


MANY = [pytest.param(seed, marks=pytest.mark.slow if seed < 1030 else pytest.mark.long) for seed in range(1000, 1500)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "setting"), ALONE)
def test_the_client_holds_under_each_setting(name: str, setting: Any, contract: Any) -> None:
    contract({name: setting}).hold(random.Random(f"{name}={setting}"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
def test_the_client_holds_under_settings_together(seed: int, contract: Any) -> None:
    settings, draw = combination(seed)
    contract(settings).hold(draw)


@pytest.mark.parametrize("seed", MANY)
def test_the_client_holds_under_many_settings_together(seed: int, contract: Any) -> None:
    settings, draw = combination(seed)
    contract(settings).hold(draw)
