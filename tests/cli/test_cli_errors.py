"""``revrec errors``: the catalog of failures as an accountant sees it."""

import runpy
from pathlib import Path

from support.commands import Revrec

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_failures_is_that_of_the_catalog() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(DOCS / "write_errors.py"))["written"](page) == page, "run: python docs/write_errors.py"


def test_the_failures_of_a_class_are_listed_with_what_to_do(revrec: Revrec) -> None:
    rows = revrec("errors", "list", "--class", "retry_later", "--format", "json").json["errors"]
    assert [row["error"] for row in rows] == ["not-connected", "rate-limit", "off-line"]
    assert all(row["advice"] and row["policy"] for row in rows)
    assert "rate-limit" in revrec("errors", "list").out


def test_a_failure_is_explained_with_its_advice_and_what_revrec_does(revrec: Revrec) -> None:
    shown = revrec("errors", "explain", "This transaction is missing the Department dimension for the Account 4000").out
    assert shown.startswith("dimension-missing (needs data")
    assert "Account 4000 requires the dimension Department" in shown and "what revrec does: Nothing was saved" in shown


def test_what_no_one_knows_needs_a_person(revrec: Revrec) -> None:
    (row,) = revrec("errors", "explain", "Etwas anderes", "--format", "json").json["errors"]
    assert (row["error"], row["class"]) == ("unknown", "needs_person")
    assert revrec("errors", "explain", " ").code == 3
