"""Write the tables of ``docs/errors.md`` from the catalog of errors: python docs/write_errors.py"""

from collections.abc import Iterator

from generated import DOCS, with_part

from revrec.intacct.catalog import policies
from revrec.jobs.reports.known_errors import known_errors

PAGE = DOCS / "errors.md"


def written(page: str) -> str:
    """Return the page with its tables as the catalog is now."""
    return with_part(page, "failures", "write_errors", tables())


def tables() -> Iterator[str]:
    """Yield, for each class, what revrec does about it and its errors."""
    for error_class, policy in policies().items():
        yield f"\n## {error_class}\n\n{policy.says}\n\n| failure | known by | what to do |\n|---|---|---|\n"
        for row in known_errors(error_class):
            cells = (f"`{row.error}`", row.signs, row.advice)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
