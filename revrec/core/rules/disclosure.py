"""The practical expedients by which remaining performance obligations may be left out of their disclosure.

Source: ASC 606-10-50-14 and 50-14A (IFRS 15.121): which obligations need no disclosure; 50-15 (122) says that what is
left out has to be explained; 25-3 and 25-4 (11 and 12): a contract lasts as long as neither party can end it.
"""

from collections.abc import Mapping
from types import MappingProxyType

EXPEDIENTS: Mapping[str, str] = MappingProxyType(
    {
        "within_a_year": "606-10-50-14(a)",
        "right_to_invoice": "606-10-50-14(b)",
        "usage_based": "606-10-50-14A",
    }
)
"""The keys of ``[rule.disclose]``, with their paragraphs."""

CANCELABLE = "cancelable"
"""What is earned after the notice with which the customer can cancel: no contract reaches that far."""
PARAGRAPHS: Mapping[str, str] = MappingProxyType({**EXPEDIENTS, CANCELABLE: "606-10-25-3"})
"""What is left out of the remaining obligations, with the paragraph for it."""
