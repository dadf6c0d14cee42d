"""Text of others on its way to a terminal: what could move the cursor, colour or reorder is shown, not obeyed."""

import re

_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and marks that change the direction of writing."""


def harmless(text: str) -> str:
    """The text with every such character as its escape: ``\\x1b`` instead of what it does."""
    return _ACTIVE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
