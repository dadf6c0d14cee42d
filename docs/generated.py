"""Replace a generated part of a page: ``<!-- NAME: written by docs/WRITER.py -->`` to ``<!-- end of NAME -->``.

A test compares each generated part with the code, so that a page and the program cannot differ.
"""

from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def with_part(page: str, name: str, writer: str, lines: Iterable[str]) -> str:
    """Return the page with its part ``name`` replaced by ``lines``; a page without the two marks is an error."""
    begin, end = f"<!-- {name}: written by docs/{writer}.py -->\n", f"<!-- end of {name} -->"
    before, after = page.index(begin) + len(begin), page.index(end)
    return f"{page[:before]}{''.join(lines)}{page[after:]}"
