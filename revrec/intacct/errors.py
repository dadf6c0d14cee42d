"""What the gateway raises. Posting an entry raises none of the last three: its answer says what happened instead."""

from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.intacct.gateway import ErrorClass, PostingAnswer, PostingOutcome


class UnpostableEntry(BadInput):
    """A journal entry that Intacct must refuse: too few lines, unbalanced, or without a usable control id."""


class SignInFailed(BadConfiguration):
    """Intacct refused the sender, the company, the user or the entity. Do not try again: users get locked."""


class GatewayUnreachable(BadConfiguration):
    """No usable answer to a sign-in or a read: no connection, a time-out, a server error, or not Intacct at all.

    ``passes`` tells whether it may be over in a while; ``retry_after`` is Intacct's wish in seconds, if it had one.
    """

    def __init__(self, message: str, temporary: bool = False, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.retry_after = retry_after


class ReadRefused(RevrecError):
    """Intacct answered a read with a failure, or with something that cannot be understood."""


def not_run_answer(control_id: str, refused: BadConfiguration, advice: str) -> PostingAnswer:
    """The answer of a posting before which Intacct could not be spoken to."""
    error_class, retry_after = ErrorClass.NEEDS_PERSON, None
    if isinstance(refused, SignInFailed):
        error_class = ErrorClass.NEEDS_SIGN_IN
    elif isinstance(refused, GatewayUnreachable):
        error_class, retry_after = ErrorClass.RETRY_LATER, refused.retry_after
    return PostingAnswer(
        PostingOutcome.NOT_RUN, control_id, error_class=error_class, advice=advice, retry_after=retry_after
    )
