"""Removal of secrets from everything that is stored, shown or logged.

Secrets are removed by element name in parsed XML, and by value everywhere. By name alone would miss a password that
Intacct quotes in an error text; by value alone would miss a secret that this process never knew, such as a card number.
Intacct's Support IDs stay: they are not secret, and Sage's support asks for them.
"""

import re
from collections.abc import Iterable

from lxml import etree

from revrec.core.redaction import MARK, secret_pattern

SECRET_NAMES = frozenset(
    {
        "password", "sessionid", "accountnumber", "cardnum", "ssn", "achaccountnumber", "wireaccountnumber",
        "taxid", "sender_password", "user_password", "newpassword", "oldpassword",
    }
)  # fmt: skip
_INVALID_SESSION = re.compile(r"(Invalid session\s+)[^\s<]+", re.IGNORECASE)


class Redactor:
    """A filter that knows this process's secrets: passwords from the start, session ids as they are received.

    Longer secrets are matched first (``secret_pattern``). If the password ``abc`` were blanked before the session id
    ``abc-123``, the rest of the session id would remain readable.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Add secrets; empty ones are ignored."""
        new = {secret for secret in secrets if secret} - self._secrets
        if new:
            self._secrets |= new
            self._pattern = secret_pattern(self._secrets)

    def text(self, text: str) -> str:
        """Blank every known secret in a text, and the session id in an "Invalid session" message."""
        if self._pattern is not None:
            text = self._pattern.sub(MARK, text)
        return _INVALID_SESSION.sub(rf"\g<1>{MARK}", text)

    def tree(self, root: etree._Element) -> str:
        """Return a parsed document as text without secrets. Changes the tree in place."""
        for element in list(root.iter()):
            self._blank(element)
        return self.text(etree.tostring(root, encoding="unicode", with_tail=False))

    def _blank(self, element: etree._Element) -> None:
        secret = isinstance(element.tag, str) and _local(element.tag) in SECRET_NAMES
        if secret and (element.text or len(element)):
            for child in list(element):
                element.remove(child)
            element.text = MARK
        elif element.text:
            element.text = self.text(element.text)
        if element.tail:
            element.tail = self.text(element.tail)
        if isinstance(element.tag, str):
            for name, value in element.attrib.items():
                element.set(name, MARK if _local(str(name)) in SECRET_NAMES else self.text(str(value)))

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


def _local(name: str) -> str:
    return name.rpartition("}")[2].lower()
