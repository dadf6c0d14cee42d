"""No secret is stored, shown or logged. The tests search everything that is written."""

import logging
import traceback
from collections.abc import Callable
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from revrec.core.redaction import MARK, SHORTEST, redact_text
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.redact import Redactor
from support import wire


def forms() -> list[str]:
    found = []
    for secret in (wire.SENDER_PASSWORD, wire.USER_PASSWORD, wire.SESSION_ID):
        found += [secret, escape(secret), escape(secret, {'"': "&quot;", "'": "&#39;"}), repr(secret)[1:-1]]
    return found


def echo_everything() -> Callable[[str], wire.Say]:
    """Return an answer that repeats the whole request in an error, an attribute, a comment and another element."""

    def say(request: str) -> wire.Say:
        control_id = wire.control_id_in(request)
        text, attribute = escape(request), escape(request, {'"': "&quot;", "\n": " "})
        errors = (
            f"<errormessage><error><errorno>BL1</errorno><description>{text}</description>"
            f'<description2 echo="{attribute}">{text} [Support ID: {text}]</description2>'
            f"<correction>{text}</correction></error></errormessage>"
        )
        body = wire.answer(control_id, wire.result(control_id, "failure", errors=errors) + f"<x>{text}</x>{text}")
        return wire.Say(body.replace("</response>", "<sessionid>other-session</sessionid></response>"))

    return say


ECHOES: dict[str, wire.Script] = {
    "in XML": echo_everything(),
    "in HTML": lambda request: wire.Say(f"<html>{escape(request)}<p>{request}", 500, "text/html"),
    "as text": lambda request: wire.Say(request, 404, "text/plain"),
    "cut": lambda request: wire.Say("<response>" + request, 200),
    "as an invalid session": wire.authentication_failure(
        wire.error("XL03000006", "", "Invalid session SESSION-47....")
    ),
}


@pytest.mark.parametrize("case", ECHOES)
def test_no_secret_in_what_a_posting_leaves_behind(
    case: str, gateway: XmlGateway, stub: wire.StubGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.script = [ECHOES[case]]
    prepared = gateway.prepare(wire.journal_entry())
    answer = gateway.send(prepared)
    left_behind = "\n".join([repr(prepared), repr(answer), str(answer), caplog.text, repr(vars(gateway))])
    assert not [secret for secret in forms() if secret in left_behind]
    assert "other-session" not in left_behind and "SESSION-47" not in left_behind
    assert answer.redacted_response


def test_no_secret_in_a_memo_that_happens_to_hold_one(gateway: XmlGateway) -> None:
    line = wire.journal_line(1, memo=f"see {wire.USER_PASSWORD}")
    prepared = gateway.prepare(wire.journal_entry(line, wire.journal_line(2)))
    assert f"<DESCRIPTION>see {MARK}</DESCRIPTION>" in prepared.redacted


@pytest.mark.parametrize("case", ["in XML", "in HTML", "as text"])
def test_no_secret_in_an_exception_its_causes_or_its_arguments(
    case: str, credentials: Credentials, stub: wire.StubGateway
) -> None:
    stub.sign_ins = [ECHOES[case]]
    with XmlGateway(credentials, timeout=1) as gateway:
        for action in (gateway.sign_in, lambda: gateway.find_entries("RR", "RR1")):
            with pytest.raises(Exception, match="Intacct") as caught:
                action()
            assert not [secret for secret in forms() if secret in all_of(caught.value)]


def test_no_secret_when_the_connection_fails(credentials: Credentials, stub: wire.StubGateway) -> None:
    stub.sign_ins = [wire.Say(fault="drop")]
    with XmlGateway(credentials, timeout=1) as gateway, pytest.raises(Exception, match="Intacct") as caught:
        gateway.sign_in()
    assert not [secret for secret in forms() if secret in all_of(caught.value)]
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def all_of(error: BaseException) -> str:
    """Return an exception as text, with its arguments, causes and attributes."""
    parts = ["".join(traceback.format_exception(error)), repr(error), repr(error.args), repr(vars(error))]
    for inner in (error.__cause__, error.__context__):
        if inner is not None:
            parts.append(all_of(inner))
    return "\n".join(parts)


def test_credentials_show_no_password() -> None:
    shown = repr(Credentials("s", "pw-one", "c", "u", "pw-two")) + str(Credentials("s", "pw-one", "c", "u", "pw-two"))
    assert "pw-one" not in shown and "pw-two" not in shown and "'u'" in shown


def test_elements_and_attributes_are_blanked_by_their_names() -> None:
    root = etree.fromstring(
        '<r><Password>a1b2</Password><x password="c3d4" y="ok"/><cardnum><b>e5f6</b></cardnum><ssn/>keep</r>'
    )
    assert Redactor().tree(root) == (
        '<r><Password>***</Password><x password="***" y="ok"/><cardnum>***</cardnum><ssn/>keep</r>'
    )


def test_a_support_id_is_kept() -> None:
    assert redact_text("failed [Support ID: abc~123]", ["secret"]) == "failed [Support ID: abc~123]"


def test_a_secret_within_a_secret_leaves_no_rest() -> None:
    assert redact_text("pass password pass", ["pass", "password"]) == f"{MARK} {MARK} {MARK}"


SHORT = ("a", "1", "ab", "<", "&")


@pytest.mark.parametrize("secret", SHORT)
def test_a_short_secret_does_not_garble_a_message(secret: str) -> None:
    said = "a transaction failed: 1 of 12 entries, grab & go; rules.toml:1:1: amount < 1, pa1"
    assert redact_text(said, [secret, "s3cret-and-long"]) == said


@pytest.mark.parametrize("secret", SHORT)
def test_a_short_secret_is_blanked_where_it_is_a_whole_value(secret: str) -> None:
    for before, after in (('"', '"'), ("'", "'"), ("<x>", "</x>"), ("password=", ""), ("://user:", "@host")):
        assert redact_text(f"{before}{secret}{after} is wrong", [secret]) == f"{before}{MARK}{after} is wrong"


@given(st.lists(st.text(min_size=SHORTEST), min_size=1, max_size=4), st.text(), st.text())
def test_no_secret_survives_in_any_text(secrets: list[str], before: str, after: str) -> None:
    cleaned = redact_text(before + secrets[0] + after, secrets)
    rest = cleaned.replace(MARK, "\0\0\0") if not any("\0" in secret or "*" in secret for secret in secrets) else ""
    assert not any(secret in rest for secret in secrets)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=6))
def test_no_secret_survives_in_a_document(secret: str) -> None:
    root = etree.Element("response", note=f"a{secret}b") if _is_legal(secret) else etree.Element("response")
    etree.SubElement(root, "description2").text = f"x{secret}y" if _is_legal(secret) else "x"
    back = etree.fromstring(Redactor([secret]).tree(root).encode())
    assert secret not in "".join(map(str, back.itertext())) and secret not in back.get("note", "")


def _is_legal(text: str) -> bool:
    try:
        etree.Element("x").text = text
    except ValueError:
        return False
    return True
