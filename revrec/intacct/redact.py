"""Taking secrets out of whatever is stored, shown or logged.

By element name on the parsed tree, and by value everywhere: a password that comes back in an error text is removed
too, also in its escaped forms. Intacct's Support IDs stay: they are no secret and the support asks for them.
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
    """Knows the secrets of this process and blanks them; learns the session ids as they come."""

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
        """The text with every known secret, and the session id in an "Invalid session" message, blanked."""
        if self._pattern is not None:
            text = self._pattern.sub(MARK, text)
        return _INVALID_SESSION.sub(rf"\g<1>{MARK}", text)

    def tree(self, root: etree._Element) -> str:
        """A parsed document as text without secrets; the tree is changed in place."""
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
