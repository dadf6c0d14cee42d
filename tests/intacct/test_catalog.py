"""The catalog of failures: the class and advice of every known text, and the order of matching."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.intacct.catalog import catalog, explain_failure, meaning_of, meaning_of_no_answer, policies
from revrec.intacct.gateway import ErrorClass, GatewayError

DATA = tomllib.loads((Path(__file__).parent / "known_failures.toml").read_text(encoding="utf-8"))
KNOWN, NO_ANSWER = DATA["cases"], DATA["no_answer"]


@pytest.mark.parametrize(("level", "errorno", "text", "error_id", "name", "error_class"), KNOWN)
def test_a_known_failure_is_recognized(
    level: str, errorno: str, text: str, error_id: str, name: str, error_class: str
) -> None:
    meaning = meaning_of(level, 200, [GatewayError(errorno, description2=text, error_id=error_id)])
    assert (meaning.name, meaning.error_class) == (name, error_class)
    assert meaning.advice and "{" not in meaning.advice


@pytest.mark.parametrize(("reason", "status", "name", "error_class", "read_class"), NO_ANSWER)
def test_a_missing_answer_is_recognized(reason: str, status: int, name: str, error_class: str, read_class: str) -> None:
    meaning = meaning_of_no_answer(reason, status)
    assert (meaning.name, meaning.error_class, meaning.read_class) == (name, error_class, read_class)


def test_every_row_has_a_case() -> None:
    cases = {case[4] for case in KNOWN} | {case[2] for case in NO_ANSWER}
    assert {row.name for row in catalog() if not row.only} <= cases


def test_every_class_has_a_policy_and_only_temporary_failures_are_retried_within_a_run() -> None:
    assert set(policies()) == set(ErrorClass) and all(policy.says for policy in policies().values())
    assert {one for one, policy in policies().items() if policy.in_run} == {"retry_now", "retry_later"}
    assert {one for one, policy in policies().items() if policy.later} == {"retry_now", "retry_later", "in_doubt"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("GL-1009", ["unbalanced"]),
        ("429", ["rate-limit"]),
        ("524", ["cut-by-the-cdn"]),
        ("timeout", ["no-answer-in-time"]),
        ("XL03000006", ["sign-in-incorrect", "sender-control"]),
        ("period-closed", ["period-closed"]),
        ("Account 4000 is not valid", ["account-unknown"]),
        ("no such thing", []),
    ],
)
def test_a_number_a_name_or_a_text_is_explained(text: str, names: list[str]) -> None:
    assert [meaning.name for meaning in explain_failure(text)] == names


def test_values_named_in_a_text_are_available_apart_from_the_advice() -> None:
    text = "This transaction is missing the Department dimension for the Account 4000"
    meaning = meaning_of("function", 200, [GatewayError("BL01001973", description2=text)])
    assert meaning.named == {"dimension": "Department", "account": "4000"}


def test_names_are_unique() -> None:
    names = [row.name for row in catalog()]
    assert len(names) == len(set(names))


NAMED = {
    "This transaction is missing the Department dimension for the Account 4000": "Account 4000 requires the dimension "
    "Department.",
    "Missing the Location dimension for account 4000": "Account 4000 requires the dimension Location.",
    "The account number '4000' requires a Cost Type": "Account 4000 requires the dimension Cost Type.",
    "GL account '4300':'Sales' specified is not valid. GL account is restricted by D": "Account 4300 is restricted",
    "Department 'OPS':'Ops' specified is not valid. Department is restricted by GL account.": "Department OPS cannot",
    "Account 4000 is not valid": "Account 4000 does not",
    "Customer 'C1007' specified is not valid.": "Customer C1007 does not",
    "Invalid Project '10064' specified.": "Project 10064 does not",
    "The location 'E 1' is invalid.": "location E 1 does not",
    "The journal 'XX' is invalid.": "Journal XX does not",
    "A transaction with the number 'INV 1' already exists.": "Document INV 1 is already",
}


@pytest.mark.parametrize("text", NAMED)
def test_the_advice_names_what_the_text_named(text: str) -> None:
    for error in (GatewayError("X", description2=text), GatewayError("X", text), GatewayError("X", correction=text)):
        assert meaning_of("function", 200, [error]).advice.startswith(NAMED[text])


def test_the_specific_error_wins_over_its_wrappers_in_any_order() -> None:
    wrapper = GatewayError("BL01001973", description2="Could not create GLBatch record!", error_id="GL-0951")
    rolled = GatewayError("XL03000009", description2="The entire transaction in this operation has been rolled back")
    specific = GatewayError("BL01001973", description2="The location 'L1' is invalid.")
    for errors in ([specific, wrapper, rolled], [rolled, wrapper, specific], [wrapper, specific]):
        assert meaning_of("function", 200, errors).name == "dimension-unknown"


def test_a_text_that_it_may_have_been_saved_wins_over_everything() -> None:
    landed = GatewayError("X", description2="A successful transaction has already been recorded with the control id 1")
    other = GatewayError("Y", description2="API rate limit exceeded", error_id="GL-1009")
    assert meaning_of("function", 429, [other, landed]).error_class is ErrorClass.IN_DOUBT


def test_an_error_id_wins_over_a_text_and_a_text_over_a_number() -> None:
    error = GatewayError("PL01000127", description2="Customer 'C' specified is not valid.", error_id="GL-1009")
    assert meaning_of("function", 200, [error]).name == "unbalanced"
    assert meaning_of("function", 200, [error._replace(error_id="")]).name == "dimension-unknown"
    assert meaning_of("function", 200, [GatewayError("PL01000127", "neu")]).name == "document-number-missing"


def test_a_random_failure_is_retried_only_if_no_error_is_specific() -> None:
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
def test_every_missing_answer_is_in_doubt_for_a_write_and_never_for_a_read(reason: str) -> None:
    meaning = meaning_of_no_answer(reason, 500)
    assert meaning.error_class is ErrorClass.IN_DOUBT and meaning.read_class is not ErrorClass.IN_DOUBT


def test_a_524_has_its_own_meaning() -> None:
    assert meaning_of_no_answer("http", 524).name == "cut-by-the-cdn"
    assert meaning_of_no_answer("http", 502).name == "server-error"


def test_an_unknown_failure_is_never_retried() -> None:
    for level in ("control", "authentication", "function"):
        assert meaning_of(level, 200, []).error_class is ErrorClass.NEEDS_PERSON


@settings(max_examples=40)
@given(st.text(), st.text(), st.text(), st.sampled_from(["control", "authentication", "function"]))
def test_any_text_has_a_meaning(errorno: str, one: str, two: str, level: str) -> None:
    assert meaning_of(level, 200, [GatewayError(errorno, one, two)]).advice


@pytest.mark.parametrize(
    "text", ["account '" * 20_000, "Invalid " + "a " * 50_000, "The " + "'" * 100_000, "Another " * 20_000]
)
def test_no_text_makes_a_pattern_slow(text: str) -> None:
    # A pattern that tries every split of such a text would not end.
    assert meaning_of("function", 200, [GatewayError("X", text, text, text)]).advice
