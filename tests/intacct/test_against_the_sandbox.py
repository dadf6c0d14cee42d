"""The gateway against the sandbox: another program in another process, which shares no code with it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count
from typing import Any

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import ReadRefused, SignInFailed
from revrec.intacct.gateway import ErrorClass, MasterKind, PostingOutcome
from revrec.intacct.reading import ReadPolicy
from support import wire

NUMBERS = count(1)


class Sandbox:
    """A running sandbox and its admin port."""

    def __init__(self, address: dict[str, Any]) -> None:
        self.address = address

    def admin(self, path: str, **body: object) -> Any:
        request = urllib.request.Request(
            self.address["admin_url"].rstrip("/") + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def entries(self, reference: str) -> list[Any]:
        with urllib.request.urlopen(self.address["admin_url"].rstrip("/") + "/entries", timeout=10) as answer:
            found: list[Any] = json.load(answer)["entries"]
        return [one for one in found if reference in json.dumps(one)]

    def credentials(self, **changes: str) -> Credentials:
        names = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
        return Credentials(
            **{**{name: self.address[name] for name in names}, "endpoint": self.address["url"], **changes}
        )


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "revrec.sandbox", "serve", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as server:
        assert server.stdout is not None
        yield Sandbox(json.loads(server.stdout.readline()))
        server.terminate()


@pytest.fixture
def sandbox(process: Sandbox, switches: dict[str, Any]) -> Sandbox:
    process.admin("/reset")
    process.admin("/fault", plan="")
    process.admin("/clock", offset_seconds=0)
    process.admin("/switch", **switches)
    return process


@pytest.fixture
def ledger(sandbox: Sandbox) -> Iterator[XmlGateway]:
    with XmlGateway(sandbox.credentials(), timeout=5, reads=ReadPolicy(3, 0.01)) as gateway:
        yield gateway


@pytest.fixture
def entry() -> Any:
    """Build entries, each with its own reference and control id."""

    def make(**changes: Any) -> Any:
        number = next(NUMBERS)
        dimensions = changes.pop("dimensions", {"location": "E100", "department": "OPS"})
        lines = [wire.journal_line(n, dimensions=dimensions, **changes.pop("line", {})) for n in (1, 2)]
        ids = {"reference": f"RRTEST{number:010d}", "control_id": f"revrec:test:{number}"}
        return wire.journal_entry(*lines, **{**ids, **changes})

    return make


def test_an_entry_is_posted_and_found_again_as_it_was_sent(ledger: XmlGateway, entry: Any) -> None:
    ours = entry()
    answer = ledger.post_entry(ours)
    assert answer.outcome is PostingOutcome.POSTED, answer
    (found,) = ledger.find_entries(ours.journal, ours.reference)
    assert (found.record_no, found.journal, found.date) == (answer.record_no, "RR", ours.date)
    assert (found.title, found.state, found.total_debit) == (ours.title, "Posted", 1250)
    assert [(one.side, one.account, one.amount, one.currency, one.document, one.location) for one in found.lines] == [
        ("debit", "2400", 1250, "USD", "INV-1042/1", "E100"),
        ("credit", "4000", 1250, "USD", "INV-1042/1", "E100"),
    ]


def test_the_same_control_id_is_executed_once_and_the_repeat_is_in_doubt(
    ledger: XmlGateway, sandbox: Sandbox, entry: Any
) -> None:
    ours = entry()
    assert ledger.post_entry(ours).outcome is PostingOutcome.POSTED
    repeat = ledger.post_entry(ours)
    assert (repeat.outcome, repeat.record_no) == (PostingOutcome.IN_DOUBT, "")
    assert "already been recorded" in repeat.errors[0].text
    assert len(sandbox.entries(ours.reference)) == 1


LOST = ["drop", "reset", "html", "empty", "truncated", "garbled", "wrong_control_id", "500", "502", "503", "524"]


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_lost_after_the_commit_is_in_doubt_and_found_by_reference(
    fault: str, ledger: XmlGateway, sandbox: Sandbox, entry: Any
) -> None:
    ours = entry()
    sandbox.admin("/fault", plan=f"{fault}@after:1x:create")
    assert ledger.post_entry(ours).outcome is PostingOutcome.IN_DOUBT
    (found,) = ledger.find_entries(ours.journal, ours.reference)
    assert found.total_debit == ours.amount


@pytest.mark.parametrize("fault", LOST)
def test_a_request_lost_before_the_commit_is_in_doubt_and_may_be_sent_again(
    fault: str, ledger: XmlGateway, sandbox: Sandbox, entry: Any
) -> None:
    ours = entry()
    sandbox.admin("/fault", plan=f"{fault}@before:1x:create")
    assert ledger.post_entry(ours).outcome is PostingOutcome.IN_DOUBT
    assert ledger.find_entries(ours.journal, ours.reference) == []
    assert ledger.post_entry(ours).outcome is PostingOutcome.POSTED
    assert len(sandbox.entries(ours.reference)) == 1


def test_a_slow_answer_is_in_doubt(sandbox: Sandbox, entry: Any) -> None:
    ours = entry()
    sandbox.admin("/fault", plan="slow=2@after:1x:create")
    with XmlGateway(sandbox.credentials(), timeout=0.5) as gateway:
        assert gateway.post_entry(ours).outcome is PostingOutcome.IN_DOUBT
    assert len(sandbox.entries(ours.reference)) == 1


def test_a_rate_limit_is_not_run(ledger: XmlGateway, sandbox: Sandbox, entry: Any) -> None:
    ours = entry()
    sandbox.admin("/fault", plan="429@before:1x:create")
    answer = ledger.post_entry(ours)
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.RETRY_LATER)
    assert ledger.post_entry(ours).outcome is PostingOutcome.POSTED


def test_one_control_id_sent_by_many_at_once_is_one_entry(sandbox: Sandbox, entry: Any) -> None:
    ours = entry()
    gateways = [XmlGateway(sandbox.credentials(), timeout=5) for _ in range(4)]
    for gateway in gateways:
        gateway.sign_in()
    with ThreadPoolExecutor(4) as pool:
        outcomes = [answer.outcome for answer in pool.map(lambda gateway: gateway.post_entry(ours), gateways)]
    assert sorted(outcomes) == ["in_doubt", "in_doubt", "in_doubt", "posted"]
    assert len(sandbox.entries(ours.reference)) == 1


def test_an_ended_session_is_renewed_silently(ledger: XmlGateway, sandbox: Sandbox, entry: Any) -> None:
    ledger.sign_in()
    sandbox.admin("/clock", offset_seconds=3 * 3600)
    assert ledger.post_entry(entry()).outcome is PostingOutcome.POSTED


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"sender_password": "wrong-one"}, "sender_password"),
        ({"user_password": "wrong-one"}, "Check all four"),
        ({"company_id": "NOBODY"}, "Check all four"),
        ({"entity_id": "NOWHERE"}, "Check all four"),
    ],
)
@pytest.mark.parametrize("refusal", ["xml", "http401"])
def test_wrong_credentials_are_refused_with_advice(
    changes: dict[str, str], advice: str, refusal: str, sandbox: Sandbox
) -> None:
    sandbox.admin("/switch", login_refusal=refusal)
    with (
        XmlGateway(sandbox.credentials(**changes), timeout=5) as gateway,
        pytest.raises(SignInFailed, match=advice),
    ):
        gateway.sign_in()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown account": ({"line": {"account": "9999"}}, "9999"),
    "inactive account": ({"line": {"account": "4900"}}, "4900"),
    "inactive department": ({"dimensions": {"location": "100", "department": "GONE"}}, "GONE"),
    "unknown location": ({"dimensions": {"location": "NOWHERE"}}, "NOWHERE"),
    "inactive journal": ({"journal": "OLD"}, "OLD"),
    "missing dimension": ({"line": {"account": "4200"}, "dimensions": {"location": "100"}}, "DEPARTMENT|Department"),
    "restricted account": (
        {"line": {"account": "4300"}, "dimensions": {"location": "200", "department": "SALES"}},
        "SALES",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_data_is_rejected_with_advice_that_names_it(
    case: str, ledger: XmlGateway, sandbox: Sandbox, entry: Any
) -> None:
    changes, named = REFUSED[case]
    answer = ledger.post_entry(entry(**changes))
    assert (answer.outcome, answer.error_class) == (PostingOutcome.REJECTED, ErrorClass.NEEDS_DATA), answer
    assert any(word in answer.advice for word in named.split("|")), answer.advice


def test_a_closed_period_is_rejected_and_reported(ledger: XmlGateway, sandbox: Sandbox, entry: Any) -> None:
    sandbox.admin("/periods/close", entity="", month="2025-03")
    assert ledger.closed_through() == date(2025, 3, 31)
    answer = ledger.post_entry(entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.REJECTED, ErrorClass.NEEDS_DATA)
    assert "closed" in answer.advice


def test_balances_move_by_what_was_posted(ledger: XmlGateway, entry: Any) -> None:
    march = (date(2025, 3, 1), date(2025, 3, 31))
    before = {one.account: one for one in ledger.account_balances(["2400", "4000"], *march)}
    ledger.post_entry(entry())
    after = {one.account: one for one in ledger.account_balances(["2400", "4000"], *march)}
    assert after["2400"].end - before["2400"].end == 1250
    assert after["4000"].end - before["4000"].end == -1250
    assert after["2400"].debits - before["2400"].debits == 1250


def test_a_foreign_currency_and_a_text_with_special_characters_arrive_unchanged(ledger: XmlGateway, entry: Any) -> None:
    memo = "Müller & Søn <\"quoted\"> ]]> 日本 \u0001\uffff 'end'"
    ours = entry(line={"currency": "JPY", "amount": 1250, "memo": memo}, currency="JPY")
    ours = ours._replace(lines=tuple(line._replace(currency="JPY", memo=memo) for line in ours.lines))
    answer = ledger.post_entry(ours)
    assert answer.outcome is PostingOutcome.POSTED, answer
    (found,) = ledger.find_entries(ours.journal, ours.reference)
    assert [(one.amount, one.currency) for one in found.lines] == [(1250, "JPY")] * 2
    assert found.lines[0].memo == memo.replace("\u0001", "\ufffd").replace("\uffff", "\ufffd")


def test_an_entry_of_2500_lines_is_read_back_whole_over_pages(ledger: XmlGateway, entry: Any) -> None:
    lines = [wire.journal_line(n, amount=n // 2 + n % 2) for n in range(1, 2501)]
    ours = entry()._replace(lines=tuple(lines))
    assert ledger.post_entry(ours).outcome is PostingOutcome.POSTED
    (found,) = ledger.find_entries(ours.journal, ours.reference)
    assert sorted((one.side, one.amount) for one in found.lines) == sorted((one.side, one.amount) for one in lines)


def test_master_records_are_found_with_their_state(ledger: XmlGateway) -> None:
    assert ledger.masters(MasterKind.JOURNAL, ["RR", "OLD", "XX"]) == {"RR": True, "OLD": False}
    assert ledger.masters(MasterKind.ACCOUNT, ["2400", "4900", "9999"]) == {"2400": True, "4900": False}
    assert ledger.masters(MasterKind.LOCATION, ["100-NY", "E100", "900"]) == {
        "100-NY": True,
        "E100": True,
        "900": False,
    }
    assert ledger.masters(MasterKind.DEPARTMENT, ["OPS", "GONE", "ops"]) == {"OPS": True, "GONE": False}


@pytest.mark.parametrize("denied", ["read:GLBATCH", "read:GLENTRY"])
def test_a_missing_right_to_read_is_found_before_it_is_needed(
    ledger: XmlGateway, sandbox: Sandbox, denied: str
) -> None:
    ledger.check_reading("RR")
    sandbox.admin("/switch", denied=denied)
    with pytest.raises(ReadRefused, match="permission"):
        ledger.check_reading("RR")


def test_the_clock_of_the_gateway_is_compared(ledger: XmlGateway, sandbox: Sandbox) -> None:
    sandbox.admin("/clock", offset_seconds=600)
    ledger.sign_in()
    offset = ledger.clock_offset()
    assert offset is not None and 595 < offset.total_seconds() < 605
