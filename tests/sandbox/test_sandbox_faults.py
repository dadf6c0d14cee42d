"""Behavior 6 in depth: every kind of fault over real HTTP, seeded so that it can be repeated."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from revrec.sandbox.faults import KINDS, FaultPlan, FaultPlanError, parse_plan
from revrec.sandbox.protocol import http
from revrec.sandbox.protocol.exchange import DIED
from support.patience import PATIENCE, until
from support.sandbox_client import SandboxClient, ServeSandbox

QUERY = "<query><object>GLBATCH</object><select><field>RECORDNO</field></select></query>"


def create(client: SandboxClient, control_id: str | None = None) -> str:
    return client.function(f"<create>{client.glbatch()}</create>", control_id)


def test_b6_a_delay_happens_before_the_execution_or_after_the_commit(client: SandboxClient) -> None:
    for when in ("before", "after"):
        client.admin("fault", plan=f"slow=0.3@{when}")
        started = time.monotonic()
        assert client.create().status == "success"
        assert time.monotonic() - started >= 0.3


def test_b6_a_dripping_answer_arrives_complete_but_late(client: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    begun = threading.Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert begun.wait(PATIENCE), "the first piece arrives before the rest is sent"

    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    client.admin("fault", plan="drip=0.4@after:1x:create")
    document = client.document(create(client)).encode()
    with client.http.post(client.address["url"], data=document, timeout=PATIENCE, stream=True) as response:
        first = next(response.iter_content(1))
        begun.set()
        rest = response.raw.read()
    assert sum(pauses) == pytest.approx(0.4, rel=0.2) and len(pauses) > 1
    assert (first + rest).endswith(b"</response>") and len(client.entries()) == 1


def test_b6_an_answer_sent_twice_leaves_a_copy_on_the_connection(client: SandboxClient) -> None:
    client.admin("fault", plan="twice@after:1x:create")
    body = client.document(create(client)).encode()
    head = f"POST /ia/xml/xmlgw.phtml HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(client.gateway_address(), timeout=60) as line:
        line.sendall(head.encode() + body)
        received = b"".join(iter(lambda: line.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200") == 2 == received.count(b"<RECORDNO>")
    assert len(client.entries()) == 1
    assert client.create().status == "success", "a client's connection is usable or replaced"


def test_b6_a_repeated_request_is_refused_by_its_control_id_and_posts_once(client: SandboxClient) -> None:
    client.admin("fault", plan="repeat@after:2x:create")
    assert "already been recorded" in client.create().said
    assert len(client.entries()) == 1
    assert client.create(control=client.control(uniqueid="false")).status == "success"
    assert len(client.entries()) == 3, "without uniqueid the repeated request posts twice"


def test_b6_a_single_function_is_refused_with_a_chosen_error(client: SandboxClient) -> None:
    client.admin("fault", plan="refuse=BL03000018 Missing unit%2C at least@before:1x:create")
    answer = client.call(create(client, "again"), QUERY)
    assert answer.statuses == ["failure", "success"]
    assert answer.errors[0][0] == "BL03000018" and answer.errors[0][1].startswith("Missing unit, at least [Support")
    assert client.entries() == []
    assert client.create(control_id="again").status == "success", "what was refused is not remembered"


def test_b6_refusing_without_a_function_refuses_all_of_the_request(client: SandboxClient) -> None:
    client.admin("fault", plan="refuse@before")
    answer = client.call(create(client), QUERY)
    assert answer.statuses == ["failure", "failure"] and answer.errors[0][0] == "BL01001973"


@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
def test_b16_sessions_expire_before_or_after_a_request(client: SandboxClient, when: str, entries: int) -> None:
    session = client.session()
    client.admin("fault", plan=f"expire_sessions@{when}:1x:create")
    answer = client.in_session(session, create(client))
    assert answer.authentication == ("failure" if when == "before" else "success")
    assert len(client.entries()) == entries
    assert client.in_session(session, QUERY).errors[0][1].startswith("Invalid session")


def test_b29_control_ids_are_forgotten_one_all_or_by_age(client: SandboxClient) -> None:
    for control_id in ("a", "b", "c"):
        client.create(control_id=control_id)
    client.admin("fault", plan="forget_ids=one@before")
    assert client.create(control_id="a").status == "success"
    assert client.create(control_id="b").status == "failure"
    client.admin("fault", plan="forget_ids=3600@before")
    assert client.create(control_id="b").status == "failure", "it is not that old"
    client.admin("clock", offset_seconds=3700)
    client.admin("fault", plan="forget_ids=3600@before")
    assert client.create(control_id="b").status == "success"
    client.admin("fault", plan="forget_ids@after")
    assert client.create(control_id="d").status == "success"
    assert client.look("state")["counts"]["control_ids"] == 0


def test_b29_the_admin_port_forgets_control_ids_and_sessions(client: SandboxClient) -> None:
    session = client.session()
    for control_id in ("a", "b"):
        client.create(control_id=control_id)
    client.admin("control_ids/forget", id="a")
    assert client.create(control_id="a").status == "success" and client.create(control_id="b").status == "failure"
    client.admin("control_ids/forget", older_than_seconds=3600)
    assert client.create(control_id="b").status == "failure"
    assert client.admin("control_ids/forget")["control_ids"] == 0
    client.admin("sessions/expire")
    assert client.in_session(session, QUERY).authentication == "failure"


def test_b46_a_period_is_closed_in_the_middle_of_a_run_and_opened_again(client: SandboxClient) -> None:
    client.admin("fault", plan="close_period=2025-03/100@after:#1:create,open_period=2025-03/100@before:#3:create")
    assert [client.create().status for _ in range(3)] == ["success", "failure", "success"]
    assert client.look("state")["closed_through"] == {"100": "2025-02"}


def test_b6_a_fault_that_changes_the_company_combines_with_one_that_affects_the_answer(client: SandboxClient) -> None:
    client.admin("fault", plan="forget_ids@after:1x:create,drop@after:1x:create")
    with pytest.raises(requests.ConnectionError):
        client.create(control_id="twice")
    assert client.create(control_id="twice").status == "success"
    assert len(client.entries()) == 2, "the pair of faults against which no client can hold"


def test_b6_a_fault_can_apply_to_the_third_matching_request_only(client: SandboxClient) -> None:
    client.admin("fault", plan="503@before:#3:create")
    statuses = []
    for _ in range(4):
        client.call(QUERY)
        body = client.document(create(client)).encode()
        statuses.append(client.http.post(client.address["url"], data=body, timeout=60).status_code)
    assert statuses == [200, 200, 503, 200]


PLAN = "drop@after:0.2,503@before:0.2:create,garbled@after:0.1,expire_sessions@before:0.1"


def injected(seed: int, requests_: int = 200) -> list[list[str]]:
    plan = FaultPlan(PLAN, seed)
    bodies = (b"<function controlid='1'><create/>", b"<function controlid='2'><query/>")
    return [[str(fault) for fault in plan.for_request(bodies[at % 2], None)] for at in range(requests_)]


def test_b69_the_same_seed_and_requests_give_the_same_faults(client: SandboxClient) -> None:
    assert injected(7) == injected(7) != injected(8)
    kinds = {name for names in injected(7) for name in names}
    assert kinds == {"drop@after", "503@before", "garbled@after", "expire_sessions@before"}
    plan = FaultPlan(PLAN, 7)
    first = [[str(fault) for fault in plan.for_request(b"", None)] for _ in range(50)]
    plan.replace(PLAN)
    assert [[str(fault) for fault in plan.for_request(b"", None)] for _ in range(50)] == first
    plan.replace(PLAN, seed=8)
    assert [[str(fault) for fault in plan.for_request(b"", None)] for _ in range(50)] != first


def test_b69_the_log_shows_how_to_replay_each_fault(client: SandboxClient) -> None:
    lines: list[str] = []
    plan = FaultPlan(PLAN, 7, lines.append)
    found = [[str(fault) for fault in plan.for_request(b"", None)] for _ in range(60)]
    assert lines[0] == f"fault plan {PLAN!r}, seed 7"
    alone = [match[1] for line in lines if (match := re.search(r"; replay: (\S+)$", line))]
    assert len(alone) == sum(map(len, found)) > 10
    again = FaultPlan(",".join(alone), 99)
    assert [[str(fault) for fault in again.for_request(b"", None)] for _ in range(60)] == found


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("drip@before", "drip can only occur after the commit"),
        ("twice@before", "can only occur after the commit"),
        ("refuse@after", "can only occur before the commit"),
        ("close_period@before", "write close_period=YYYY-MM"),
        ("close_period=2025-13@before", "write close_period=YYYY-MM"),
        ("forget_ids=two@before", "write forget_ids=one, or an age in SECONDS"),
        ("drop=1@after", "drop accepts no value"),
        ("drop@after:#0", "write 3x, #3 or 0.1"),
        ("5xx@after", "KIND is one of drop, reset"),
        ("600@after", "KIND is one of drop, reset"),
    ],
)
def test_b6_an_invalid_plan_is_rejected_with_the_expected_form(plan: str, said: str) -> None:
    with pytest.raises(FaultPlanError, match=re.escape(said)):
        parse_plan(plan)


def test_b6_a_sandbox_inside_another_process_cannot_be_ended_by_a_fault(client: SandboxClient) -> None:
    response = client.http.post(client.address["admin_url"] + "fault", json={"plan": "die@after"}, timeout=60)
    assert response.status_code == 400 and "serve it in a separate one" in response.json()["error"]


@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
def test_b6_the_process_exits_and_restarts_with_everything_committed(
    client: SandboxClient, serve: ServeSandbox, tmp_path: Path, when: str, entries: int
) -> None:
    options = ["--data", str(tmp_path / "ledger.db"), "--quiet"]
    process, address = serve(*options, "--fault", f"die@{when}:#2:create")
    mine = SandboxClient(address)
    assert mine.create(control_id="first").status == "success"
    with pytest.raises(requests.ConnectionError):
        mine.create(control_id="second")
    assert process.wait(10) == DIED
    _, address = serve(*options)
    after = SandboxClient(address)
    assert len(after.entries()) == 1 + entries
    assert after.create(control_id="first").status == "failure"
    assert after.create(control_id="second").status == ("failure" if entries else "success")
    assert len(after.entries()) == 2


def test_every_kind_of_fault_has_a_test() -> None:
    """Search for the kinds in the plans of these tests and the transport tests."""
    here = Path(__file__).parent
    text = "".join((here / name).read_text() for name in ("test_sandbox_faults.py", "test_sandbox_transport.py"))
    names = [kind if kind != "5xx" else "503" for kind in KINDS]
    assert [name for name in names if not re.search(rf"[\"',\s]{name}(=[^@]*)?(@|\")", text)] == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_b6_requests_wait_for_each_other(client: SandboxClient, when: str) -> None:
    client.admin("fault", plan=f"gather=3@{when}:6x:create")
    with ThreadPoolExecutor(3) as threads:
        created = [threads.submit(client.create) for _ in range(6)]
        assert [one.result().status for one in created] == ["success"] * 6
    assert len(client.entries()) == 6


def test_b6_requests_that_wait_for_others_go_on_when_another_plan_is_set(client: SandboxClient) -> None:
    client.admin("fault", plan="gather=2@after:1x:create")
    with ThreadPoolExecutor(1) as thread:
        created = thread.submit(client.create)
        until(client.entries)
        assert not created.done()
        client.admin("fault", plan="")
        assert created.result().status == "success"
