"""A dimension that the company has defined, from the charge line to the ledger and back."""

from dataclasses import replace
from datetime import date

import pytest

from revrec.jobs.admin.doctor import examine
from revrec.jobs.importing import import_files
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.sources import NATIVE_CHARGES
from support.books import HEADER, Books, MakeRow
from support.intacct import Intacct

DAY = "2024-02-12"


@pytest.fixture
def routes(intacct: Intacct, books: Books, row: MakeRow) -> Books:
    """Return books with a charge line on the route North, which the company has defined."""
    intacct.admin("/dimensions", id="ROUTE", name="Route")
    intacct.admin("/dimensionvalues", id="R1", name="North", parent="ROUTE")
    mapping = replace(NATIVE_CHARGES, dimensions={**NATIVE_CHARGES.dimensions, "route": "route"})
    path = books.file("charges.csv", [row(route="North", item="GOODS-1")], [*HEADER, "route"])
    result = import_files.import_charges(books.context("import"), path, mapping)
    assert not result.refused and not result.rejected, result
    return books


def check(books: Books) -> tuple[str, str]:
    (found,) = [one for one in examine(lambda: books.context("doctor")) if one.name == "dimensions"]
    return found.state, found.detail


def test_the_record_id_is_posted_and_reconciles_with_the_name(routes: Books, intacct: Intacct) -> None:
    assert check(routes) == ("ok", "route: North: exist")
    assert routes.run(DAY).counts["posted"] == 1
    (entry,) = intacct.entries()
    assert {line["dimensions"]["GLDIMROUTE"] for line in entry["lines"]} == {_record_id(intacct)}
    assert reconcile(routes.context("reconcile"), date(2024, 3, 31)).ties


def test_reconcile_names_a_route_that_was_changed_in_intacct(routes: Books, intacct: Intacct) -> None:
    routes.run(DAY)
    intacct.admin("/dimensionvalues", id="R1", name="West")
    (finding,) = reconcile(routes.context("reconcile"), date(2024, 3, 31)).findings
    assert "route: North -> West" in finding.what


def test_a_route_that_intacct_does_not_have_is_rejected_and_posted_once_it_is_there(
    routes: Books, intacct: Intacct
) -> None:
    intacct.admin("/dimensionvalues", id="R1", name="West")
    assert check(routes) == ("warning", "route: not in Intacct: North")
    (entry,) = routes.run(DAY).entries
    assert entry["status"] == "rejected" and "no record named 'North'" in str(entry["error"])
    intacct.admin("/dimensionvalues", id="R1", name="North")
    assert routes.run(DAY).counts["posted"] == 1


def test_a_dimension_that_the_company_has_not_is_named_by_the_doctor(routes: Books, intacct: Intacct) -> None:
    intacct.admin("/dimensions", id="ROUTE", active=False)
    state, detail = check(routes)
    assert state == "failed" and "has no such dimension" in detail


def _record_id(intacct: Intacct) -> str:
    return str(intacct.admin("/dimensionvalues", id="R1")["recordno"])
