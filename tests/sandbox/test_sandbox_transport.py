"""Behaviors 1 to 8: HTTP, XML and connection faults."""

import socket
import threading

import pytest
import requests

from revrec.sandbox.errors import SchemaViolation
from revrec.sandbox.xmltree import parse
from support.sandbox_client import SandboxClient

QUERY = "<query><object>GLBATCH</object><select><field>RECORDNO</field></select></query>"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_b1_only_post_is_allowed_on_the_gateway_path(client: SandboxClient, method: str) -> None:
    response = requests.request(method, client.address["url"], timeout=60)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_b1_other_paths_do_not_exist(client: SandboxClient) -> None:
    url = client.address["url"].replace("xmlgw.phtml", "other.phtml")
    assert requests.post(url, data=b"<request/>", timeout=60).status_code == 404
    assert requests.get(url, timeout=60).status_code == 404


def test_b1_the_gateway_answers_on_the_loopback_only(client: SandboxClient) -> None:
    assert client.sandbox._gateway.server_address[0] == "127.0.0.1"
    assert client.sandbox._admin.server_address[0] == "127.0.0.1"


def test_b1_a_body_without_a_length_is_refused(client: SandboxClient) -> None:
    response = requests.post(client.address["url"], data=iter([b"<request/>"]), timeout=60)
    assert response.status_code == 411


def test_b2_malformed_xml_is_a_control_failure_with_line_and_column(client: SandboxClient) -> None:
    document = client.document(QUERY).replace("</content>", "</contents>")
    answer = client.post(document)
    assert answer.http.status_code == 200
    assert answer.control == "failure"
    number, text = answer.errors[0]
    assert number == "XL03000003"
    assert "XML Parse schema error: Fatal Error 76" in text
    assert "Line: 1, column:" in text


def test_b2_each_malformed_request_has_only_its_own_errors() -> None:
    for body, mistake in ((b"<a>", "77"), (b"<a></b>", "76"), (b"<a>", "77")):
        with pytest.raises(SchemaViolation) as refused:
            parse(body)
        assert f"Fatal Error {mistake}:" in refused.value.errors[0].description2


def test_b2_sender_and_control_id_are_echoed_from_a_malformed_request(client: SandboxClient) -> None:
    answer = client.post(client.document(QUERY).replace("</request>", ""))
    assert answer.text("control/senderid") == client.address["sender_id"]
    assert answer.text("control/controlid") == "request-1"
    assert not answer.has("operation")


def test_b2_error_texts_end_with_a_support_id(client: SandboxClient) -> None:
    assert "[Support ID: " in client.post("<request>").errors[0][1]


@pytest.mark.parametrize(
    "body",
    [b"", b"no xml at all", b"<request>\xff\xfe</request>", b"<answer/>", b"<request/>", b"<request>\x00</request>"],
    ids=["empty", "text", "not utf-8", "wrong root", "no control", "nul"],
)
def test_b3_bytes_that_are_not_a_request_are_a_control_failure(client: SandboxClient, body: bytes) -> None:
    answer = client.post(body)
    assert answer.http.status_code == 200
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"


def test_b3_a_document_type_and_its_entities_are_refused(client: SandboxClient) -> None:
    bomb = '<!DOCTYPE request [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><request><control>&b;</control></request>'
    assert client.post(bomb).errors[0][0] == "XL03000003"


def test_b4_the_answer_is_xml_and_zipped_only_when_accepted(client: SandboxClient) -> None:
    plain = client.call(QUERY, headers={"Accept-Encoding": "identity"})
    assert plain.http.headers["Content-Type"] == 'text/xml; encoding="UTF-8"'
    assert "Content-Encoding" not in plain.http.headers
    zipped = client.call(QUERY, headers={"Accept-Encoding": "gzip"})
    assert zipped.http.headers["Content-Encoding"] == "gzip"
    assert zipped.status == "success"


def test_b4_one_connection_serves_many_requests(client: SandboxClient) -> None:
    assert client.call(QUERY).http.headers.get("Connection", "keep-alive") != "close"
    assert client.call(QUERY).status == "success"


def test_b5_answers_are_indented_unless_whitespace_is_declined(client: SandboxClient) -> None:
    indented = client.call(QUERY, control=client.control(includewhitespace=None))
    assert "\n    <control>\n" in indented.http.text
    compact = client.call(QUERY, control=client.control(includewhitespace="false"))
    assert "<response><control><status>success</status>" in compact.http.text


@pytest.mark.parametrize(
    "kind", ["429", "500", "502", "503", "524", "html", "empty", "garbled", "wrong_control_id", "stale"]
)
@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
def test_b6_a_fault_affects_the_answer_before_or_after_the_commit(
    client: SandboxClient, kind: str, when: str, entries: int
) -> None:
    client.call(QUERY)
    client.admin("fault", plan=f"{kind}@{when}:1x:create")
    body = client.document(client.function(f"<create>{client.glbatch()}</create>")).encode()
    response = client.http.post(client.address["url"], data=body, timeout=60)
    assert response.status_code == (int(kind) if kind.isdecimal() else 200)
    assert "<RECORDNO>" not in response.text or kind in ("wrong_control_id", "garbled")
    assert kind != "garbled" or b"\0" in response.content
    assert kind != "wrong_control_id" or "request-1" not in response.text
    assert len(client.entries()) == entries


@pytest.mark.parametrize("kind", ["drop", "reset", "truncated"])
@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
def test_b6_a_fault_breaks_the_connection_before_or_after_commit(
    client: SandboxClient, kind: str, when: str, entries: int
) -> None:
    client.admin("fault", plan=f"{kind}@{when}:1x:create")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.create()
    assert len(client.entries()) == entries
    assert client.create().status == "success"


def test_b6_a_header_asks_for_a_fault_of_one_request(client: SandboxClient) -> None:
    with pytest.raises(requests.ConnectionError):
        client.create(headers={"X-Sandbox-Fault": "drop@after"})
    assert len(client.entries()) == 1


def test_b6_shares_are_drawn_from_the_seed(client: SandboxClient) -> None:
    from revrec.sandbox.faults import FaultPlan

    def pattern(seed: int) -> list[bool]:
        plan = FaultPlan("503@before:0.3", seed)
        return [bool(plan.for_request(b"", None)) for _ in range(100)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 15 < sum(pattern(1)) < 45


@pytest.mark.parametrize(
    "plan", ["drop", "drop@later", "boom@before", "drop@after:often", "drop@after:7", "slow=x@after"]
)
def test_b6_an_unreadable_plan_is_rejected(client: SandboxClient, plan: str) -> None:
    response = client.http.post(client.address["admin_url"] + "fault", json={"plan": plan}, timeout=60)
    assert response.status_code == 400
    assert plan in response.json()["error"]


def test_b7_more_requests_at_once_than_allowed_are_answered_429(client: SandboxClient) -> None:
    client.switch(max_in_flight=1, function_delay_ms=300, retry_after=7)
    first = threading.Thread(target=client.create)
    first.start()
    threading.Event().wait(0.1)
    answer = client.create()
    first.join()
    assert answer.http.status_code == 429
    assert answer.http.headers["Retry-After"] == "7"
    assert answer.errors == [("GW-0010", "")]
    assert not answer.has("control/senderid")


def test_b7_more_requests_a_minute_than_allowed_are_answered_429(client: SandboxClient) -> None:
    client.switch(max_per_minute=2)
    client.sandbox._gateway.limiter._recent.clear()
    assert [client.call(QUERY).http.status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("kind", ["GW-0001", "GW-0011"])
def test_b8_the_gateway_refuses_a_request_on_demand(client: SandboxClient, kind: str) -> None:
    client.admin("fault", plan=f"{kind}@before")
    answer = client.call(QUERY)
    assert answer.errors[0][0] == kind
    assert "Invalid Request [Request ID:" in answer.text("errormessage/error/description")


def test_a_connection_that_sends_nonsense_does_not_harm_others(client: SandboxClient) -> None:
    with socket.create_connection(client.gateway_address()) as line:
        line.sendall(b"\x00\x01\x02 nonsense\r\n\r\n")
    assert client.call(QUERY).status == "success"
