"""Telling of a failure nobody foresaw: shortly, or with its traceback; never with a secret in it."""

import os
import re
from collections.abc import Mapping

from revrec.core.redaction import redact_text

_SECRET_NAME = re.compile(r"PASSW|SECRET|TOKEN|CREDENTIAL", re.IGNORECASE)
_IN_XML = re.compile(r"<(\w*password|sessionid)>[^<]*<", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s:/@]*):[^\s@]+@")


def told(error: BaseException, verbose: bool, environment: Mapping[str, str] = os.environ) -> str:
    """The message for an unforeseen error; with its traceback if ``verbose``."""
    import traceback

    kind = type(error).__name__
    if verbose:
        text = f"unexpected {kind}; please report it with what follows\n{''.join(traceback.format_exception(error))}"
    else:
        text = f"unexpected {kind}: {error}; run it again with -v to see where"
    return without_secrets(text.rstrip(), environment)


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text without the passwords of the environment, of XML requests and of URLs."""
    secrets = [value for name, value in environment.items() if value and _SECRET_NAME.search(name)]
    return _IN_URL.sub(r"\1:***@", _IN_XML.sub(r"<\1>***<", redact_text(text, secrets)))
