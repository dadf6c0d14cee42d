"""The outcome of each kind of exchange, over a real HTTP connection."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.gateway import ErrorClass, PostingAnswer, PostingOutcome
from support import wire
from support.patience import PATIENCE


def post(gateway: XmlGateway, stub: wire.StubGateway, script: wire.Script) -> PostingAnswer:
    stub.script = [script]
    return gateway.post_entry(wire.journal_entry())


def for_another() -> Any:
    return lambda request: wire.Say(wire.answer("else", wire.result("else", data=wire.created())))


def twice() -> Any:
    def say(request: str) -> Any:
        control_id = wire.control_id_in(request)
        return wire.Say(wire.answer(control_id, wire.result(control_id, data=wire.created()) * 2))

    return say


def half_made() -> Any:
    return wire.refused(wire.error("BL34000061", "", "Another X already exists"), data=wire.created())


IN_DOUBT: dict[str, wire.Script] = {
    "connection dropped": wire.Say(fault="drop"),
    "no answer in time": wire.Say("x", fault="hang"),
    "answer drips past the time": wire.Say("<response>" + "x" * 400, fault="drip"),
    "body cut short": wire.Say("<response>" + "x" * 100 + "</response>", fault="cut"),
    "HTTP 500": wire.Say("", 500),
    "HTTP 502 with a page": wire.Say("<html><body>Bad gateway</body></html>", 502, "text/html"),
    "HTTP 503": wire.Say("", 503),
    "HTTP 524": wire.Say("", 524),
    "HTTP 500 with a success inside": (
        lambda request: replace(wire.posted(request), status=500)
    ),
    "HTTP 404 with a page": wire.Say("<html></html>", 404, "text/html"),
    "redirect": wire.Say("", 302, headers={"Location": "https://api.intacct.com/"}),
    "HTML with status 200": wire.Say("<html><head><meta></head></html>", 200, "text/html"),
    "empty body": wire.Say(""),
    "white space": wire.Say(" \n"),
    "truncated XML": wire.Say("<response><control><status>success</status>"),
    "another root": wire.Say("<answer/>"),
    "garbage": wire.Say(raw=bytes(range(256))),
    "broken gzip": wire.Say(raw=b"\x1f\x8b123", headers={"Content-Encoding": "gzip"}),
    "a DOCTYPE": wire.Say('<!DOCTYPE response [<!ENTITY a "b">]><response>&a;</response>'),
    "an external DOCTYPE": wire.Say('<!DOCTYPE response SYSTEM "file:///etc/passwd"><response/>'),
    "another control id": for_another(),
    "our result twice": twice(),
    "no result at all": lambda request: wire.Say(wire.answer(wire.control_id_in(request), "")),
    "success without a key": wire.refused("", "success"),
    "success with a strange key": wire.refused("", "success", wire.created("6680; x")),
    "success with two keys": wire.refused(
        "", "success", wire.created().replace("</data>", "<glbatch><RECORDNO>1</RECORDNO></glbatch></data>")
    ),
    "success with an error": wire.refused(wire.error("X"), "success", wire.created()),
    "failure that made an entry": half_made(),
    "unknown status word": wire.refused(wire.error("BL1"), "pending"),
    "aborted without a reason": wire.refused(wire.error("XL03000009"), "aborted"),
    "already recorded": wire.refused(
        wire.error("BL01001973", "", "A successful transaction has already been recorded with the control id x")
    ),
    "already recorded, beside a known failure": wire.refused(
        wire.error("BL1", "", "Transactions do not balance", errorid="GL-1009").replace("</errormessage>", "")
        + "<error><errorno>Z</errorno><description2>has already been recorded with the control id x</description2>"
        "</error></errormessage>"
    ),
    "concurrent request": wire.refused(wire.error("Z", "", "There is a concurrent request in process")),
    "DL02000001 on a write": wire.refused(wire.error("DL02000001", "There was an error processing")),
    "GW-0001": wire.Say(wire.control_failure(wire.error("GW-0001", "Invalid Request [Request ID: 1]"))),
    "refusal for another control id": wire.Say(
        wire.control_failure(wire.error("XL03000003", "", "XML Parse schema error"), "else")
    ),
    "authentication failed but a result": lambda request: replace(
        wire.posted(request),
        body=wire.posted(request).body.replace("<authentication><status>success", "<authentication><status>failure"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_DOUBT)
def test_it_may_have_been_saved(case: str, gateway: XmlGateway, stub: wire.StubGateway) -> None:
    answer = post(gateway, stub, IN_DOUBT[case])
    assert answer.outcome is PostingOutcome.IN_DOUBT, answer
    assert answer.error_class is ErrorClass.IN_DOUBT and answer.advice and not answer.record_no
    assert len(stub.postings) == 1


NOT_RUN: dict[str, tuple[wire.Script, ErrorClass]] = {
    "HTTP 429": (wire.Say("", 429), ErrorClass.RETRY_LATER),
    "HTTP 429 with GW-0010": (
        wire.Say(wire.control_failure(wire.error("GW-0010", "Too many")), 429),
        ErrorClass.RETRY_LATER,
    ),
    "rate limit inside a 200": (
        wire.refused(wire.error("X", "API rate limit exceeded")),
        ErrorClass.RETRY_LATER,
    ),
    "off-line": (
        wire.Say(wire.control_failure(wire.error("X", "The Service is Temporarily Off-line"))),
        ErrorClass.RETRY_LATER,
    ),
    "GW-0011": (
        wire.Say(wire.control_failure(wire.error("GW-0011", "Invalid Request [Request ID: 1]"))),
        ErrorClass.NEEDS_SIGN_IN,
    ),
    "GW-0012": (wire.Say(wire.control_failure(wire.error("GW-0012", "Invalid Request"))), ErrorClass.NEEDS_PERSON),
    "malformed": (
        wire.Say(wire.control_failure(wire.error("XL03000003", "", "XML Parse schema error"))),
        ErrorClass.NEEDS_PERSON,
    ),
    "sender password": (
        wire.Say(wire.control_failure(wire.error("XL03000006", "", "Incorrect Intacct XML Partner ID or password."))),
        ErrorClass.NEEDS_SIGN_IN,
    ),
    "HTTP 401": (
        wire.Say(wire.control_failure(wire.error("XMLGW_JPP0002", "Sign-in ...")), 401),
        ErrorClass.NEEDS_SIGN_IN,
    ),
    "HTTP 400 invalidRequest": (
        wire.Say(wire.control_failure(wire.error("invalidRequest", "Invalid Request")), 400),
        ErrorClass.NEEDS_SIGN_IN,
    ),
    "authentication": (
        wire.authentication_failure(wire.error("XL03000006", "", "Sign-in information is incorrect")),
        ErrorClass.NEEDS_SIGN_IN,
    ),
    "authentication, unheard-of": (
        wire.authentication_failure(wire.error("Q1", "", "Wrong moon phase")),
        ErrorClass.NEEDS_SIGN_IN,
    ),
}


@pytest.mark.parametrize("case", NOT_RUN)
def test_it_certainly_did_not_run(case: str, gateway: XmlGateway, stub: wire.StubGateway) -> None:
    script, error_class = NOT_RUN[case]
    answer = post(gateway, stub, script)
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, error_class), answer
    assert answer.advice and len(stub.postings) == 1
    for error in answer.errors:
        assert error.errorno in answer.explanation and error.text in answer.explanation


REJECTED: dict[str, tuple[wire.Script, ErrorClass]] = {
    "unbalanced, by its error id": (
        wire.refused(wire.error("BL01001973", "", "anders gesagt", errorid="GL-1009")),
        ErrorClass.NEEDS_DATA,
    ),
    "unheard-of": (wire.refused(wire.error("BL99", "", "Something new")), ErrorClass.NEEDS_PERSON),
    "no errors at all": (wire.refused(""), ErrorClass.NEEDS_PERSON),
    "aborted with a known reason": (
        wire.refused(wire.error("PL01000127", "", "Document Number is missing"), "aborted"),
        ErrorClass.NEEDS_DATA,
    ),
    "random server failure": (
        wire.refused(
            wire.error(
                "BL01001973", "", "Could not create GLBatch record!",
                "Check the transaction for errors or inconsistencies, then try again.",
            )
        ),
        ErrorClass.RETRY_NOW,
    ),
    "the same correction under a new reason": (
        wire.refused(
            wire.error("BL01001973", "", "Your frobnicator is bent", "Check the transaction for errors or "
            "inconsistencies, then try again.")
        ),
        ErrorClass.NEEDS_PERSON,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REJECTED)
def test_a_failure_for_our_control_id_is_rejected(case: str, gateway: XmlGateway, stub: wire.StubGateway) -> None:
    script, error_class = REJECTED[case]
    answer = post(gateway, stub, script)
    assert (answer.outcome, answer.error_class) == (PostingOutcome.REJECTED, error_class), answer


def test_success_with_a_record_number_is_posted(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    answer = post(gateway, stub, wire.posted)
    assert (answer.outcome, answer.record_no, answer.error_class) == (PostingOutcome.POSTED, "6680", None)
    assert answer.http_status == 200 and answer.sent_at and answer.answered_at and answer.sent_at <= answer.answered_at
    assert "<RECORDNO>6680</RECORDNO>" in answer.redacted_response


def test_a_compressed_answer_is_read(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    def say(request: str) -> Any:
        plain = wire.posted(request)
        return replace(plain, raw=wire.gzipped(plain.body), headers={"Content-Encoding": "gzip"})

    assert post(gateway, stub, say).outcome is PostingOutcome.POSTED


def test_an_answer_beyond_the_limit_is_cut_off_and_in_doubt(credentials: Credentials, stub: wire.StubGateway) -> None:
    def say(request: str) -> Any:
        plain = wire.posted(request)
        endless = wire.gzipped(plain.body + " " * 1_000_000)
        return replace(plain, raw=endless, headers={"Content-Encoding": "gzip"})

    with XmlGateway(credentials, timeout=5, max_answer_bytes=100_000) as gateway:
        answer = post(gateway, stub, say)
    assert answer.outcome is PostingOutcome.IN_DOUBT and len(answer.redacted_response) < 300_000


def test_a_redirect_never_gets_the_request(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    with closing(wire.StubGateway()) as other:
        other.script = [wire.posted]
        answer = post(gateway, stub, wire.Say("", 307, headers={"Location": other.url}))
        assert answer.outcome is PostingOutcome.IN_DOUBT and not other.requests


def test_a_password_of_netrc_is_never_added(
    gateway: XmlGateway, stub: wire.StubGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr("revrec.intacct.transport.is_loopback_url", lambda url: False)
    assert post(gateway, stub, wire.posted).outcome is PostingOutcome.POSTED
    assert all("Authorization" not in headers for headers in stub.headers)


def test_entities_are_never_expanded(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    bomb = '<!DOCTYPE response [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
    )
    answer = post(gateway, stub, wire.Say(bomb + "]><response>&j;</response>"))
    assert answer.outcome is PostingOutcome.IN_DOUBT


def test_a_very_slow_answer_ends_at_the_time_limit(credentials: Credentials, stub: wire.StubGateway) -> None:
    with XmlGateway(credentials, timeout=0.5) as gateway:
        gateway.sign_in()
        answer = post(gateway, stub, wire.Say("x" * 400, fault="drip"))
    assert answer.outcome is PostingOutcome.IN_DOUBT and "in time" in answer.advice


def test_a_refused_connection_means_that_nothing_was_sent(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        stub.session_endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    answer = gateway.post_entry(wire.journal_entry())
    assert (answer.outcome, answer.error_class) == (PostingOutcome.NOT_RUN, ErrorClass.RETRY_LATER)
    assert answer.http_status == 0 and not stub.postings


def test_a_listener_that_never_answers_leaves_it_in_doubt(credentials: Credentials, stub: wire.StubGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stub.session_endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with XmlGateway(credentials, timeout=0.5) as gateway:
            answer = gateway.post_entry(wire.journal_entry())
    assert answer.outcome is PostingOutcome.IN_DOUBT


def post_from_threads(gateway: XmlGateway, count: int) -> list[PostingOutcome]:
    """Post an entry from each of so many threads; return the outcomes."""
    with ThreadPoolExecutor(count) as threads:
        answers = [threads.submit(gateway.post_entry, wire.journal_entry()) for _ in range(count)]
        return [answer.result().outcome for answer in answers]


def test_one_request_at_a_time_however_many_threads_post(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def say(request: str) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return wire.posted(request)

    stub.script = [say]
    assert post_from_threads(gateway, 5) == [PostingOutcome.POSTED] * 5
    assert most == 1 and len(stub.postings) == 5


def test_requests_of_several_threads_overlap_if_allowed(credentials: Credentials, stub: wire.StubGateway) -> None:
    together = threading.Barrier(3, timeout=PATIENCE)

    def say(request: str) -> wire.Say:
        together.wait()
        return wire.posted(request)

    stub.script = [say]
    with XmlGateway(credentials, max_in_flight=3) as gateway:
        gateway.sign_in()
        assert post_from_threads(gateway, 6) == [PostingOutcome.POSTED] * 6


def test_the_pause_that_intacct_asks_for_is_returned(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    assert post(gateway, stub, wire.Say("", 429, headers={"Retry-After": "17"})).retry_after == 17
    assert post(gateway, stub, wire.Say("", 429, headers={"Retry-After": "9" * 30})).retry_after is None


def test_the_support_id_is_kept_apart_and_decoded(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    said = wire.error("BL01001973", "", "Invalid Project &#039;10064&#039; specified. [Support ID: aB%7Ec%2Dd]")
    first = post(gateway, stub, wire.refused(said)).errors[0]
    assert (first.description2, first.support_id) == ("Invalid Project '10064' specified.", "aB~c-d")


def test_every_error_of_the_list_is_kept(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    two = wire.error("A1", "one", "two", "three", "GL-1")
    two = two.replace("</errormessage>", "<error><errorno>B2</errorno></error></errormessage>")
    errors = post(gateway, stub, wire.refused(two)).errors
    assert [one.errorno for one in errors] == ["A1", "B2"]
    assert (errors[0].description, errors[0].correction, errors[0].error_id) == ("one", "three", "GL-1")


def test_a_connection_that_the_server_closed_is_not_used_again(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    def say(request: str) -> Any:
        return replace(wire.posted(request), fault="close")

    stub.script = [say]
    for _ in range(3):
        assert gateway.post_entry(wire.journal_entry()).outcome is PostingOutcome.POSTED
        time.sleep(0.05)


def test_a_connection_is_kept_for_the_next_entry(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.posted]
    for _ in range(3):
        gateway.post_entry(wire.journal_entry())
    assert stub.connections == 1


def test_the_interface_and_its_values_need_neither_lxml_nor_requests() -> None:
    program = (
        "import sys, revrec.intacct.gateway, revrec.intacct.errors, revrec.intacct.credentials;"
        "sys.exit(sorted(name for name in ('lxml', 'requests', 'urllib3') if name in sys.modules) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
