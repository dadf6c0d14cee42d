"""Removing secrets from text that is stored, printed or logged, by their values and in every escaped form."""

import json
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote, quote_plus

MARK = "***"

SHORTEST = 4
"""Characters of the shortest secret that is removed wherever it occurs. A shorter one occurs in most words; removing it
there would make every message unreadable, so it is removed only where it is a whole value."""

_WHOLE_VALUE = r"(?<=[>\"'=]){0}(?=[<\"'&;,\s]|$)|(?<=:){0}(?=@)"
"""A value in an element, in quotes, after an equals sign, or the password of a URL."""


def redact_text(text: str, secrets: Iterable[str]) -> str:
    """Return the text with every occurrence of the secrets replaced by ``***``; empty secrets are ignored."""
    found = secret_pattern(secrets)
    return text if found is None else found.sub(MARK, text)


def secret_pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Return one alternation of all forms, the longest first so that no part of a secret is left; None without any."""
    forms = {form: len(secret) < SHORTEST for secret in secrets if secret for form in _forms(secret)}
    if not forms:
        return None
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(
        "|".join(_WHOLE_VALUE.format(re.escape(one)) if forms[one] else re.escape(one) for one in ordered)
    )


def _forms(secret: str) -> set[str]:
    """Return a secret as it may occur: plain, in XML or HTML, in a URL, in JSON, in Python's notation."""
    plain = {secret, secret.strip() or secret}
    plain |= {text.encode("ascii", "xmlcharrefreplace").decode() for text in plain}
    escaped = {escape(text, quote=quote_too) for text in plain for quote_too in (False, True)}
    escaped |= {text.replace("&#x27;", other) for text in escaped for other in ("&apos;", "&#39;", "&#039;")}
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_python = {repr(secret)[1:-1], repr(secret.encode())[2:-1]}
    return plain | escaped | in_urls | in_json | in_python
