"""Writes the table of ``docs/errors.md`` from the catalogue of failures.

    python docs/write_errors.py

A test compares, so that the page and the program cannot differ.
"""

from collections.abc import Iterator
from pathlib import Path

from revrec.intacct.catalogue import policies
from revrec.jobs.reports.known_errors import known_errors

PAGE = Path(__file__).resolve().parent / "errors.md"
BEGIN, END = "<!-- failures: written by docs/write_errors.py -->\n", "<!-- end of failures -->"


def written(page: str) -> str:
    """The page with its tables as the catalogue is now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{''.join(tables())}{END}{after}"


def tables() -> Iterator[str]:
    """For each class what revrec does, and its failures."""
    for error_class, policy in policies().items():
        yield f"\n## {error_class}\n\n{policy.says}\n\n| failure | known by | what to do |\n|---|---|---|\n"
        for row in known_errors(error_class):
            cells = (f"`{row['error']}`", row["signs"], row["advice"])
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
