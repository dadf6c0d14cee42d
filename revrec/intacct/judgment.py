"""Judgment of answers: what an answer proves about the one function that was sent.

An answer counts only if it repeats our control id. Success with a record number is posted; a failure is rejected; a
refusal of the whole request (control, authentication, rate limit) is not run. Anything else is in doubt. Both possible
mistakes make the ledger wrong: if a saved entry counts as rejected, it is posted twice; if an unsaved entry counts as
posted, it is never posted.
"""

from typing import NamedTuple

from lxml import etree

from revrec.intacct.catalog import TOO_MANY_REQUESTS, FailureMeaning, meaning_of, meaning_of_no_answer
from revrec.intacct.gateway import ErrorClass, GatewayError, PostingOutcome
from revrec.intacct.responses import FunctionResult, GatewayResponse, RemoveSecrets, UnreadableAnswer, parse_response
from revrec.intacct.transport import HttpExchange

CREATED_ELEMENTS = ("glbatch", "customer", "item")
"""Elements of records that revrec creates with ``create``."""


class PostingVerdict(NamedTuple):
    """The result of judging one exchange. ``meaning``: None if posted. ``response``: None if it is not parseable."""

    outcome: PostingOutcome
    record_no: str = ""
    errors: tuple[GatewayError, ...] = ()
    meaning: FailureMeaning | None = None
    response: GatewayResponse | None = None
    result: FunctionResult | None = None


def judge_posting(exchange: HttpExchange, control_id: str, clean: RemoveSecrets) -> PostingVerdict:
    """Judge a posting by its exchange."""
    reason, response = parse_exchange(exchange, clean)
    if response is None:
        return _judge_no_answer(reason, exchange.status)
    refused = _judge_refusal(response, exchange.status, control_id)
    if refused is not None:
        return refused
    result, reason = result_for(response, control_id)
    if result is None:
        return _judge_no_answer(reason, exchange.status, response)
    verdict = _judge_result(result, exchange.status)
    return verdict._replace(response=response, result=result)


def parse_exchange(exchange: HttpExchange, clean: RemoveSecrets) -> tuple[str, GatewayResponse | None]:
    """Parse an answer, or return the reason why it cannot count.

    A redirect or a server error never counts, even with a well-formed body: it comes from a proxy or a gateway that
    gave up, while the request may still be running behind it.
    """
    if exchange.reason:
        return exchange.reason, None
    if 300 <= exchange.status < 400:
        return "redirect", None
    if exchange.status >= 500 or exchange.status < 200:
        return "http", None
    try:
        return "", parse_response(exchange.body, clean)
    except UnreadableAnswer as reason:
        return ("http" if exchange.status >= 400 else str(reason)), None


def result_for(response: GatewayResponse, control_id: str) -> tuple[FunctionResult | None, str]:
    """Return the one result for our control id, or the reason why no result counts.

    Without this check, an answer meant for another request (a confused proxy, a cached page, a connection out of step)
    would mark the wrong entry as posted. Two results for the same control id contradict each other.
    """
    if response.control_status != "success" or response.operations != 1 or response.authentication is None:
        return None, "contradiction"
    if response.authentication.status != "success":
        return None, "contradiction"
    own = [result for result in response.results if result.control_id == control_id]
    if len(own) != 1:
        return None, "contradiction" if own else "other_control_id"
    return own[0], ""


def request_refusal(
    response: GatewayResponse, http_status: int
) -> tuple[FailureMeaning, tuple[GatewayError, ...]] | None:
    """Return why no function was run (a failure of control or authentication), or None if functions ran."""
    if response.results:
        return None
    if response.control_status == "failure" and response.operations == 0:
        return meaning_of("control", http_status, response.control_errors), response.control_errors
    block = response.authentication
    if response.control_status == "success" and block is not None and block.status == "failure":
        return _authentication_meaning(response, http_status), response.authentication_errors
    return None


def _authentication_meaning(response: GatewayResponse, http_status: int) -> FailureMeaning:
    meaning = meaning_of("authentication", http_status, response.authentication_errors)
    if meaning.known:
        return meaning
    # An unknown text still means that Intacct refused the user. As needs_person, the run would go on with the next
    # entry and be refused again, until Intacct locks the user.
    return meaning._replace(error_class=ErrorClass.NEEDS_SIGN_IN, read_class=ErrorClass.NEEDS_SIGN_IN)


def _judge_no_answer(reason: str, status: int, response: GatewayResponse | None = None) -> PostingVerdict:
    not_run = reason == "not_connected" or status == TOO_MANY_REQUESTS
    outcome = PostingOutcome.NOT_RUN if not_run else PostingOutcome.IN_DOUBT
    return PostingVerdict(outcome, meaning=meaning_of_no_answer(reason, status), response=response)


def _judge_refusal(response: GatewayResponse, http_status: int, control_id: str) -> PostingVerdict | None:
    refused = request_refusal(response, http_status)
    if refused is None:
        return None
    if response.control_id not in ("", control_id):
        return _judge_no_answer("other_control_id", http_status, response)
    meaning, errors = refused
    doubtful = meaning.error_class is ErrorClass.IN_DOUBT
    return PostingVerdict(
        PostingOutcome.IN_DOUBT if doubtful else PostingOutcome.NOT_RUN, "", errors, meaning, response
    )


def _judge_result(result: FunctionResult, http_status: int) -> PostingVerdict:
    if result.status == "success":
        return _judge_success(result)
    if result.status == "failure":
        return _judge_failure(result, http_status)
    meaning = meaning_of("function", http_status, result.errors)
    # "aborted" means rolled back, but only a failure that the catalog knows confirms it; any other word is in doubt.
    if result.status == "aborted" and meaning.known and not created_keys(result):
        return _judge_failure(result, http_status)
    return PostingVerdict(PostingOutcome.IN_DOUBT, "", result.errors, meaning_of_no_answer("status_word"))


def _judge_success(result: FunctionResult) -> PostingVerdict:
    keys = created_keys(result)
    if len(keys) == 1 and not result.errors:
        return PostingVerdict(PostingOutcome.POSTED, keys[0])
    return PostingVerdict(
        PostingOutcome.IN_DOUBT, "", result.errors, meaning_of_no_answer("contradiction" if keys else "no_key")
    )


def _judge_failure(result: FunctionResult, http_status: int) -> PostingVerdict:
    if created_keys(result):
        # A create can report a failure and still list a record that it saved; sending it again would post it twice.
        return PostingVerdict(PostingOutcome.IN_DOUBT, "", result.errors, meaning_of_no_answer("contradiction"))
    meaning = meaning_of("function", http_status, result.errors)
    outcome = {ErrorClass.IN_DOUBT: PostingOutcome.IN_DOUBT, ErrorClass.RETRY_LATER: PostingOutcome.NOT_RUN}
    return PostingVerdict(outcome.get(meaning.error_class, PostingOutcome.REJECTED), "", result.errors, meaning)


def created_keys(result: FunctionResult) -> list[str]:
    """Return the keys of the records that a result lists as created: record numbers, or a legacy function's key."""
    if result.data is None:
        return [result.key] if result.key else []
    return [key for record in result.data if _has_tag(record, *CREATED_ELEMENTS) for key in _record_numbers(record)]


def _record_numbers(batch: etree._Element) -> list[str]:
    found = ((child.text or "").strip() for child in batch if _has_tag(child, "recordno"))
    return [text for text in found if text.isascii() and text.isdigit()]


def _has_tag(element: etree._Element, *names: str) -> bool:
    return isinstance(element.tag, str) and element.tag.lower() in names
