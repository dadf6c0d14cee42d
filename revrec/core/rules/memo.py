"""Memo templates: the text of a journal line, with fields in braces."""

from collections.abc import Mapping
from functools import lru_cache
from string import Formatter

from revrec.core.keys import RejectedValue, ValueKind, did_you_mean, text
from revrec.core.posting_options import Fields

FIELDS = ("item", "seq", "of", "document", "customer", "charge", "description")
"""The fields of a memo; ``seq`` and ``of`` are the part's number and the number of parts, as in 3/12."""

DEFAULT = "{item} {seq}/{of} {document}"


@lru_cache(maxsize=1024)
def memo_format(template: str) -> tuple[str, tuple[str, ...]]:
    """Return a template as the text of a ``str.format`` without names, and the fields to pass to it, in order.

    Raises:
        RejectedValue: the template has something other than plain known fields.
    """
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise RejectedValue(f"{error}; write a brace itself as {{{{ or }}}}") from None
    for _literal, field, layout, conversion in parsed:
        if field is not None and (field not in FIELDS or layout or conversion):
            raise RejectedValue(f"{{{field}}} is not known{did_you_mean(field, FIELDS)}")
    text = "".join(_escaped(literal) + ("" if field is None else "{}") for literal, field, *_rest in parsed)
    return text, tuple(field for _literal, field, *_rest in parsed if field is not None)


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def render_memo(template: str, values: Mapping[str, object]) -> str:
    """Fill in the fields of a template; ``values`` has a value for each of :data:`FIELDS` that the template names.

    Values are not interpreted: a brace in a value stays a brace.
    """
    text, fields = memo_format(template)
    return text.format(*[values[field] for field in fields])


def filled_in(templates: Fields, values: Mapping[str, object]) -> Fields:
    """Return custom fields with their templates filled in, as :func:`render_memo` does."""
    return tuple((name, render_memo(template, values)) for name, template in templates)


def _read(value: object) -> str:
    template: str = _TEXT.read(value)
    memo_format(template)
    return template


_TEXT = text(longest=500)
MEMO = ValueKind("a text with " + ", ".join(f"{{{field}}}" for field in FIELDS), _read, _TEXT.schema)
