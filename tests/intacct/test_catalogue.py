"""The catalogue of failures: every known text has its class and its advice, and the order of matching holds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.intacct.catalogue import catalogue, meaning_of, meaning_of_no_answer
from revrec.intacct.gateway import ErrorClass, GatewayError

KNOWN = [
    # level, errorno, text, error id, name
    ("control", "XL03000003", "XML Parse schema error: Fatal Error 76", "", "malformed"),
    ("control", "XL03000006", "Incorrect Intacct XML Partner ID or password.", "", "sender-password"),
    ("control", "XL03000006", "x is not a valid transport policy.", "", "transport-policy"),
    ("control", "PL04000055", "This company is a demo company and has expired.", "", "demo-expired"),
    ("control", "GW-0010", "", "", "rate-limit"),
    ("control", "GW-0011", "Invalid Request [Request ID: 1]", "", "gateway-error"),
    ("control", "GW-0042", "", "", "gateway-error"),
    ("control", "UJPP0002", "Sign-in information is incorrect. Please check your request.", "", "sign-in-incorrect-front"),
    ("control", "invalidRequest", "Invalid Request", "", "invalid-request"),
    ("authentication", "XL03000006", "Sign-in information is incorrect", "", "sign-in-incorrect"),
    ("authentication", "XL03000006", "Invalid Web Services Authorization", "", "sender-not-authorised"),
    ("authentication", "XL03000006", "Invalid session 3pkz....", "", "invalid-session"),
    ("authentication", "XL03000006", "The user is locked", "", "user-locked"),
    ("function", "Get API Session Failed", "x", "", "session-not-given"),
    ("function", "BL01001973", "API rate limit exceeded", "", "rate-limit"),
    ("function", "BL01001973", "The Service is Temporarily Off-line", "", "off-line"),
    ("function", "DL02000001", "There was an error processing the request.", "", "database-or-field"),
    ("function", "BL01001973", "Periods are closed. Your transaction date (03/31/2025) is within a period that's been closed.", "", "period-closed"),
    ("function", "BL01001973", "Date must be on or after 04/01/2025", "", "period-closed"),
    ("function", "BL01001973", "Transactions do not balance for E100", "", "unbalanced"),
    ("function", "BL01001973", "egal", "GL-1009", "unbalanced"),
    ("function", "BL01001973", "This transaction is missing the Department dimension for the Account 4000", "", "dimension-missing"),
    ("function", "BL03000018", "Missing the Location dimension for Account 4000", "", "dimension-missing"),
    ("function", "BL01001973", "The account number '4000' requires a Department", "", "dimension-missing"),
    ("function", "BL01001973", "Account 4000 is not valid", "", "account-unknown"),
    ("function", "BL01001973", "GL account '4000':'Sales' specified is not valid. GL account is restricted by Location", "", "account-restricted"),
    ("function", "BL01001973", "Department 'D1':'Ops' specified is not valid. Department is restricted by GL account.", "", "department-restricted"),
    ("function", "BL01001973", "The location 'L1' is invalid.", "", "dimension-unknown"),
    ("function", "BL01001973", "The department 'D1' is invalid.", "", "dimension-unknown"),
    ("function", "BL01001973", "Customer 'C1' specified is not valid.", "", "dimension-unknown"),
    ("function", "BL01001973", "Invalid Project '10064' specified.", "", "dimension-unknown"),
    ("function", "BL01001973", "The vendor 'V1' is invalid.", "", "dimension-unknown"),
    ("function", "BL01001973", "Smart Rule NoWeekend Violated", "", "smart-rule"),
    ("function", "BL01001973", "Use of empty Location is invalid. A valid Multi-Entity Location must be specified.", "", "location-empty"),
    ("function", "BL34000061", "Another Customer with the given value(s) C1 already exists.", "", "record-exists"),
    ("function", "PL05000104", "", "", "record-exists"),
    ("function", "X", "A transaction with the number 'INV-1' already exists.", "", "document-exists"),
    ("function", "BL03000018", "Missing unit", "", "unit-missing"),
    ("function", "BL03000018", "Illegal format for x", "", "field-missing-or-malformed"),
    ("function", "PL01000127", "Document Number is missing", "", "document-number-missing"),
    ("function", "BL03002129", "wrong transfer action", "", "transfer-action"),
    ("function", "BL02000051", "", "", "foreign-invoice-payment"),
    ("function", "BL03002101", "Remove the extra line item", "", "extra-line-item"),
    ("function", "Query Failed", "Object definition VENDOR9 not found", "", "object-unknown"),
    ("function", "Invalid fields list x", "", "", "field-unknown"),
    ("function", "BL01001973", "You do not have permission for API operation create", "", "permission"),
    ("function", "BL01001973", "Duplicate account number", "GL-0493", "account-number-exists"),
    ("function", "BL01001973", "Required field Date Due is missing", "", "date-due-missing"),
    ("function", "BL01001973", "A successful transaction has already been recorded with the control id abc", "", "already-recorded"),
    ("function", "X", "concurrent request in process", "", "concurrent-request"),
    ("function", "GL-0951", "Could not create GLBatch record.", "GL-0951", "could-not-create"),
    ("function", "XL03000009", "The entire transaction in this operation has been rolled back due to an error.", "", "rolled-back"),
    ("function", "BL01001973", "Etwas anderes", "", "business-layer"),
    ("function", "ZZ1", "Never heard of", "", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("level", "errorno", "text", "error_id", "name"), KNOWN)
def test_a_known_failure_is_recognised(level: str, errorno: str, text: str, error_id: str, name: str) -> None:
    meaning = meaning_of(level, 200, [GatewayError(errorno, description2=text, error_id=error_id)])
    assert meaning.name == name
    assert meaning.advice and "{" not in meaning.advice


def test_every_row_is_reached_by_some_known_text() -> None:
    with_reasons = {row.name for row in catalogue() if row.reason}
    reached = {row[-1] for row in KNOWN} | with_reasons | {"random-server-failure", "rolled-back-without-reason", "currency", "too-long", "journal-unknown", "sender-control"}  # fmt: skip
    assert {row.name for row in catalogue()} <= reached


def test_names_are_unique() -> None:
    names = [row.name for row in catalogue()]
    assert len(names) == len(set(names))


def test_the_advice_names_what_the_text_named() -> None:
    text = "This transaction is missing the Department dimension for the Account 4000"
    assert meaning_of("function", 200, [GatewayError("X", description2=text)]).advice.startswith(
        "Account 4000 demands the dimension Department"
    )
    text = "Customer 'C1007' specified is not valid."
    assert "Customer C1007" in meaning_of("function", 200, [GatewayError("X", description=text)]).advice


def test_the_specific_error_wins_over_its_wrappers_wherever_it_stands() -> None:
    wrapper = GatewayError("BL01001973", description2="Could not create GLBatch record!", error_id="GL-0951")
    rolled = GatewayError("XL03000009", description2="The entire transaction in this operation has been rolled back")
    specific = GatewayError("BL01001973", description2="The location 'L1' is invalid.")
    for errors in ([specific, wrapper, rolled], [rolled, wrapper, specific], [wrapper, specific]):
        assert meaning_of("function", 200, errors).name == "dimension-unknown"


def test_that_it_may_have_landed_wins_over_everything() -> None:
    landed = GatewayError("X", description2="A successful transaction has already been recorded with the control id 1")
    other = GatewayError("Y", description2="API rate limit exceeded", error_id="GL-1009")
    assert meaning_of("function", 429, [other, landed]).error_class is ErrorClass.IN_DOUBT


def test_an_error_id_wins_over_a_text_and_a_text_over_a_number() -> None:
    error = GatewayError("PL01000127", description2="Customer 'C' specified is not valid.", error_id="GL-1009")
    assert meaning_of("function", 200, [error]).name == "unbalanced"
    assert meaning_of("function", 200, [error._replace(error_id="")]).name == "dimension-unknown"
    assert meaning_of("function", 200, [GatewayError("PL01000127", "neu")]).name == "document-number-missing"


def test_a_random_failure_is_tried_again_only_if_nothing_specific_is_said() -> None:
    again = "Check the transaction for errors or inconsistencies, then try again."
    vague = GatewayError("BL01001973", "", "Could not create GLBatch record!", again)
    assert meaning_of("function", 200, [vague]).error_class is ErrorClass.RETRY_NOW
    specific = GatewayError("BL01001973", "", "The widget is purple.", again)
    assert meaning_of("function", 200, [vague, specific]).error_class is ErrorClass.NEEDS_PERSON


@pytest.mark.parametrize(
    "reason",
    ["timeout", "broken_off", "truncated", "http", "empty", "not_xml", "too_large", "other_control_id",
     "contradiction", "status_word", "no_key", "redirect"],
)  # fmt: skip
def test_every_lack_of_an_answer_is_in_doubt_for_a_write_and_never_for_a_read(reason: str) -> None:
    meaning = meaning_of_no_answer(reason, 500)
    assert meaning.error_class is ErrorClass.IN_DOUBT and meaning.read_class is not ErrorClass.IN_DOUBT


def test_a_524_is_told_apart() -> None:
    assert meaning_of_no_answer("http", 524).name == "cut-by-the-cdn"
    assert meaning_of_no_answer("http", 502).name == "server-error"


def test_no_row_of_the_sign_in_or_of_the_unknown_is_ever_tried_again() -> None:
    for level in ("control", "authentication", "function"):
        assert meaning_of(level, 200, []).error_class is ErrorClass.NEEDS_PERSON


@given(st.text(), st.text(), st.text(), st.sampled_from(["control", "authentication", "function"]))
def test_any_text_has_a_meaning(errorno: str, one: str, two: str, level: str) -> None:
    assert meaning_of(level, 200, [GatewayError(errorno, one, two)]).advice


@pytest.mark.parametrize(
    "text", ["account '" * 20_000, "Invalid " + "a " * 50_000, "The " + "'" * 100_000, "Another " * 20_000]
)
def test_no_text_keeps_the_patterns_busy(text: str) -> None:
    began = time.perf_counter()
    meaning_of("function", 200, [GatewayError("X", text, text, text)])
    assert time.perf_counter() - began < 1
