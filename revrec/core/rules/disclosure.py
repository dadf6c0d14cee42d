"""The practical expedients by which remaining performance obligations may be left out of their disclosure.

Source: ASC 606-10-50-14 and 50-14A (IFRS 15.121): which obligations need no disclosure; 50-15 (122) says that what is
left out has to be explained.
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
