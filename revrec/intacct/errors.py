"""Exceptions of the gateway.

Sending a posting raises only UnpostableEntry; any other failure is part of the answer that it returns.
"""

from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.intacct.gateway import ErrorClass, PostingAnswer, PostingOutcome


class UnpostableEntry(BadInput):
    """An entry or invoice that Intacct would reject: too few lines, unbalanced, or without a usable control id."""


class SignInFailed(BadConfiguration):
    """A sign-in that Intacct refused for the sender, company, user or entity. Do not retry: Intacct locks users."""


class GatewayUnreachable(BadConfiguration):
    """A sign-in or read without a usable answer: no connection, a timeout, a server error, or not Intacct at all.

    ``temporary``: the same request may succeed later. ``retry_after``: seconds that Intacct asked to wait, if any.
    """

    def __init__(self, message: str, temporary: bool = False, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.retry_after = retry_after


class ReadRefused(RevrecError):
    """A read that Intacct answered with a failure or with an unreadable result."""


def not_run_answer(control_id: str, refused: BadConfiguration, advice: str) -> PostingAnswer:
    """Return the answer of a posting that was not sent, because signing in or connecting failed before it."""
    error_class, retry_after = ErrorClass.NEEDS_PERSON, None
    if isinstance(refused, SignInFailed):
        error_class = ErrorClass.NEEDS_SIGN_IN
    elif isinstance(refused, GatewayUnreachable):
        error_class, retry_after = ErrorClass.RETRY_LATER, refused.retry_after
    return PostingAnswer(
        PostingOutcome.NOT_RUN, control_id, error_class=error_class, advice=advice, retry_after=retry_after
    )
