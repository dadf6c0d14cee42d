"""``revrec errors``: explain Intacct's failures to the accountant who meets one."""

from collections.abc import Iterator
from typing import Any

from revrec.core.errors import BadInput
from revrec.intacct.catalog import UNKNOWN, UNKNOWN_ADVICE, catalog, explain_failure, failure_named, policies
from revrec.intacct.gateway import ErrorClass


def known_errors(error_class: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield every known failure, or one class of them, in the order of the catalog, and unknown failures last."""
    for row in catalog():
        if error_class in (None, row.error_class):
            yield _shown(row.name, row.error_class, ", ".join(row.signs) or "its text", row.general_advice)
    if error_class in (None, ErrorClass.NEEDS_PERSON):
        yield _shown(UNKNOWN, ErrorClass.NEEDS_PERSON, "anything else", UNKNOWN_ADVICE)


def explain_error(text: str) -> list[dict[str, Any]]:
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
        found.append(_shown(row.name, row.error_class, ", ".join(row.signs) or "its text", meaning.advice))
    return found or [_shown(UNKNOWN, ErrorClass.NEEDS_PERSON, "anything else", UNKNOWN_ADVICE)]


def _shown(name: str, error_class: ErrorClass, signs: str, advice: str) -> dict[str, Any]:
    return {
        "error": name,
        "class": str(error_class),
        "signs": signs,
        "advice": advice,
        "policy": policies()[error_class].says,
    }
