"""``revrec errors``: explain Intacct's failures to the accountant who meets one."""

from collections.abc import Iterator
from typing import NamedTuple

from revrec.core.errors import BadInput
from revrec.intacct.catalog import UNKNOWN, UNKNOWN_ADVICE, catalog, explain_failure, failure_named, policies
from revrec.intacct.gateway import ErrorClass


class KnownError(NamedTuple):
    """An error of Intacct's, by its name in the catalog, with the signs that it is known by.

    ``advice`` is what to do about it, and ``policy`` what revrec does about every error of this class.
    """

    error: str
    error_class: str
    signs: str
    advice: str
    policy: str


def known_errors(error_class: str | None = None) -> Iterator[KnownError]:
    """Yield every known failure, or one class of them, in the order of the catalog, and unknown failures last."""
    for row in catalog():
        if error_class in (None, row.error_class):
            yield _known_error(row.name, row.error_class, ", ".join(row.signs) or "its text", row.general_advice)
    if error_class in (None, ErrorClass.NEEDS_PERSON):
        yield _known_error(UNKNOWN, ErrorClass.NEEDS_PERSON, "anything else", UNKNOWN_ADVICE)


def explain_error(text: str) -> list[KnownError]:
    """Explain an error number, an error id, an HTTP status, a name in the catalog, or the text of an error.

    Raises:
        BadInput: The text is empty.
    """
    if not text.strip():
        raise BadInput(
            "nothing to explain; write an error number, its id or its text, as in: revrec errors explain GL-1009"
        )
    found = []
    for meaning in explain_failure(text):
        row = failure_named(meaning.name)
        assert row is not None
        found.append(_known_error(row.name, row.error_class, ", ".join(row.signs) or "its text", meaning.advice))
    return found or [_known_error(UNKNOWN, ErrorClass.NEEDS_PERSON, "anything else", UNKNOWN_ADVICE)]


def _known_error(name: str, error_class: ErrorClass, signs: str, advice: str) -> KnownError:
    return KnownError(name, str(error_class), signs, advice, policies()[error_class].says)
