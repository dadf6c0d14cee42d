"""Sign-in: once, to the returned endpoint, renewed in time, and never again after a refusal."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from revrec.core.errors import BadConfiguration
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import GatewayUnreachable, SignInFailed
from revrec.intacct.gateway import ErrorClass, PostingOutcome
from support import wire
from support.patience import until


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2025, 3, 31, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(credentials: Credentials, stub: wire.StubGateway, clock: Clock) -> Any:
    stub.now = clock
    with XmlGateway(credentials, timeout=2, now=clock) as gateway:
        yield gateway


def sign_ins(stub: wire.StubGateway) -> int:
    return sum("<getAPISession/>" in request for request in stub.requests)


def test_the_login_has_its_elements_in_order_and_the_function_alone(
    gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    gateway.sign_in()
    request = etree.fromstring(stub.requests[0].encode())
    login = wire.find(stub.requests[0], "operation/authentication/login")
    assert [(child.tag, child.text) for child in login] == [
        ("userid", "revrec_ws"),
        ("companyid", "ACME"),
        ("password", wire.USER_PASSWORD),
    ]
    assert request.findtext("control/uniqueid") == "false"
    assert [child.tag for function in request.iter("function") for child in function] == ["getAPISession"]


def test_all_further_requests_go_to_the_returned_endpoint_with_one_session(
    gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    with closing(wire.StubGateway()) as second:
        stub.session_endpoint = second.url
        second.script = [wire.posted]
        assert gateway.post_entry(wire.journal_entry()).outcome is PostingOutcome.POSTED
        assert gateway.post_entry(wire.journal_entry()).outcome is PostingOutcome.POSTED
        assert (len(stub.requests), len(second.postings)) == (1, 2)
        assert all(wire.USER_PASSWORD not in request for request in second.requests)


def test_a_session_that_ended_is_renewed_once_with_the_same_control_id(
    gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [wire.invalid_session, wire.posted]
    answer = gateway.post_entry(wire.journal_entry())
    assert answer.outcome is PostingOutcome.POSTED and sign_ins(stub) == 2
    assert {wire.control_id_in(request) for request in stub.postings} == {"revrec:acme:d1:rrabcdefgh23456789"}


def test_a_session_that_ends_twice_is_not_renewed_again(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.invalid_session]
    answer = gateway.post_entry(wire.journal_entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.NEEDS_SIGN_IN)
    assert len(stub.postings) == 2 and sign_ins(stub) == 2


def test_a_session_is_renewed_before_it_ends_by_intacct_s_clock(
    timed: XmlGateway, stub: wire.StubGateway, clock: Clock
) -> None:
    stub.skew = timedelta(days=-400)
    stub.script = [wire.posted]
    timed.post_entry(wire.journal_entry())
    clock.time += timedelta(hours=1, minutes=58)
    timed.post_entry(wire.journal_entry())
    assert sign_ins(stub) == 1
    clock.time += timedelta(minutes=1, seconds=30)
    timed.post_entry(wire.journal_entry())
    assert sign_ins(stub) == 2


def test_every_answer_extends_the_session(timed: XmlGateway, stub: wire.StubGateway, clock: Clock) -> None:
    stub.script = [
        lambda request: wire.Say(
            wire.answer(
                wire.control_id_in(request), wire.result(wire.control_id_in(request), data=wire.created()), stub.times()
            )
        )
    ]
    for _ in range(6):
        timed.post_entry(wire.journal_entry())
        clock.time += timedelta(hours=1, minutes=50)
    assert sign_ins(stub) == 1


@pytest.mark.parametrize("times", ["", "<sessiontimeout>soon</sessiontimeout>"])
def test_unreadable_times_count_as_a_short_life(
    times: str, timed: XmlGateway, stub: wire.StubGateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stub, "times", lambda: times)
    stub.script = [wire.posted]
    timed.post_entry(wire.journal_entry())
    clock.time += timedelta(minutes=20)
    timed.post_entry(wire.journal_entry())
    assert sign_ins(stub) == 2


REFUSALS: dict[str, tuple[wire.Script, str]] = {
    "sender password": (
        wire.Say(wire.control_failure(wire.error("XL03000006", "", "Incorrect Intacct XML Partner ID or password."))),
        "sender_password",
    ),
    "sender not authorised": (
        wire.authentication_failure(
            wire.error("XL03000006", "Invalid Web Services Authorization", "The sender ID 'acme' is not authorized")
        ),
        "Web Services authorizations",
    ),
    "user, company, password or entity": (
        wire.authentication_failure(wire.error("XL03000006", "", "Sign-in information is incorrect")),
        "Check all four",
    ),
    "locked": (
        wire.authentication_failure(wire.error("XL03000006", "", "Your user account is locked")),
        "unlock",
    ),
    "front gateway": (
        wire.Say(wire.control_failure(wire.error("XMLGW_JPP0002", "Sign-in ...")), 401),
        "front gateway",
    ),
    "no session": (
        wire.refused(wire.error("Get API Session Failed", "x")),
        "entity",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_sign_in_names_the_level_and_is_never_repeated(
    case: str, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    script, advice = REFUSALS[case]
    stub.sign_ins = [script]
    with pytest.raises(SignInFailed, match=advice) as caught:
        gateway.sign_in()
    assert caught.value.exit_code == 5
    with pytest.raises(SignInFailed):
        gateway.sign_in()
    answer = gateway.post_entry(wire.journal_entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.NEEDS_SIGN_IN)
    assert advice in answer.advice
    assert sign_ins(stub) == 1 and not stub.postings


def test_a_refusal_by_an_entity_does_not_block_the_top_level(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    gateway.sign_in()
    stub.sign_ins = [REFUSALS["no session"][0]]
    for _time in (1, 2):
        with pytest.raises(SignInFailed):
            gateway.closed_through("NOWHERE")
    assert sign_ins(stub) == 2, "asked once, and once at the top level"
    assert gateway.post_entry(wire.journal_entry()).outcome is not PostingOutcome.NOT_RUN


NOT_NOW: dict[str, wire.Script] = {
    "rate limit": wire.Say(wire.control_failure(wire.error("GW-0010", "slow down")), 429),
    "503": wire.Say("", 503),
    "HTML": wire.Say("<html><meta></html>", 200, "text/html"),
    "404": wire.Say("not here", 404, "text/plain"),
    "redirect": wire.Say("", 302, headers={"Location": "http://127.0.0.1:1/"}),
    "dropped": wire.Say(fault="drop"),
    "another's answer": wire.Say(wire.answer("x", wire.result("x"))),
}


@pytest.mark.parametrize("case", NOT_NOW)
def test_a_sign_in_without_an_answer_may_be_tried_later(case: str, gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.sign_ins = [NOT_NOW[case], stub.signed_in]
    answer = gateway.post_entry(wire.journal_entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.RETRY_LATER), answer
    assert not stub.postings
    gateway.sign_in()


class RecordingLock:
    """A lock that records each thread that asks for it, before it waits."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.asked.append(threading.get_ident())
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize(
    ("sign_in", "outcome"),
    [(wire.StubGateway.signed_in, PostingOutcome.POSTED), (lambda *_: NOT_NOW["503"], PostingOutcome.NOT_RUN)],
)
def test_threads_that_need_a_session_share_one_sign_in_or_its_failure(
    sign_in: Any, outcome: PostingOutcome, credentials: Credentials, stub: wire.StubGateway
) -> None:
    waiting = RecordingLock()

    def slow_sign_in(request: str) -> Any:
        until(lambda: len(waiting.asked) == 4)
        return sign_in(stub, request)

    stub.sign_ins, stub.script = [slow_sign_in], [wire.posted]
    with XmlGateway(credentials, max_in_flight=4) as gateway, ThreadPoolExecutor(4) as threads:
        gateway._sessions._lock = waiting  # type: ignore[assignment]
        answers = [threads.submit(gateway.post_entry, wire.journal_entry()) for _ in range(4)]
        assert {answer.result().outcome for answer in answers} == {outcome}
    assert sign_ins(stub) == 1


def test_no_listener_at_the_endpoint_is_reported_with_the_fix(credentials: Credentials, stub: wire.StubGateway) -> None:
    stub.close()
    with XmlGateway(credentials, timeout=1) as gateway, pytest.raises(GatewayUnreachable, match=r"refused.*endpoint"):
        gateway.sign_in()


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://api.intacct.com/ia/xml/xmlgw.phtml",
        "https://evil.example/xmlgw.phtml",
        "http://user:pw@127.0.0.1/",
        "file:///etc/passwd",
        "no url at all",
        "http://[::1",
    ],
)
def test_a_returned_endpoint_of_another_party_is_refused(
    endpoint: str, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.session_endpoint = endpoint
    with pytest.raises(BadConfiguration):
        gateway.sign_in()
    answer = gateway.post_entry(wire.journal_entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.NEEDS_PERSON)
    assert not stub.postings


def test_proxies_of_the_environment_are_not_used_on_this_machine(
    gateway: XmlGateway, stub: wire.StubGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    stub.script = [wire.posted]
    assert gateway.post_entry(wire.journal_entry()).outcome is PostingOutcome.POSTED


@pytest.mark.parametrize("minutes", [0, 7, -60 * 24 * 400])
def test_the_other_side_s_clock_is_compared_at_each_sign_in(
    gateway: XmlGateway, stub: wire.StubGateway, minutes: int
) -> None:
    assert gateway.clock_offset() is None
    stub.skew = timedelta(minutes=minutes)
    gateway.sign_in()
    offset = gateway.clock_offset()
    assert offset is not None and abs(offset - stub.skew) < timedelta(seconds=3)
