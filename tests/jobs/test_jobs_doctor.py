"""The doctor: each thing that a run needs is looked at in order, and what is wrong is reported with its fix."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from revrec.jobs.admin.doctor import DoctorCheck, examine
from support.books import Books, MakeRow
from support.intacct import Intacct

NAMES = [
    "configuration", "rules", "database", "credentials", "sign-in", "clock", "company", "ledger",
    "journals", "accounts", "locations", "departments", "customers", "items", "dimensions", "reading", "creating",
    "invoices", "closed books",
]  # fmt: skip


@pytest.fixture(autouse=True)
def item(intacct: Intacct) -> None:
    """Intacct has the item of the lines that tests make."""
    intacct.admin("/items", id="MAG-1")


def looked(books: Books, **environment: str) -> dict[str, DoctorCheck]:
    """All findings by their names, which always are the same, in the same order."""
    found = list(examine(lambda: books.context("doctor", also=environment)))
    assert [one.name for one in found] == NAMES
    return {one.name: one for one in found}


def troubles(found: dict[str, DoctorCheck]) -> dict[str, str]:
    return {name: one.state for name, one in found.items() if one.state != "ok"}


@pytest.fixture
def masters(intacct: Intacct) -> Iterator[Intacct]:
    """The sandbox, whose clock and permissions are as before afterwards."""
    yield intacct
    intacct.admin("/clock", offset_seconds=0)
    intacct.admin("/switch", denied="")


def test_healthy_books_are_healthy_and_nothing_is_changed(books: Books, row: MakeRow, intacct: Intacct) -> None:
    books.take(row(location="100", department="OPS"))
    before = books.content()
    found = looked(books)
    assert troubles(found) == {}
    assert found["accounts"].detail == "2400, 4000: exist and are active"
    assert found["locations"].detail == "100: exist and are active"
    assert found["departments"].detail == "OPS: exist and are active"
    assert books.content() == before and intacct.entries() == []


def test_where_the_credentials_come_from_is_reported_but_not_what_they_are(books: Books) -> None:
    found = looked(books)
    assert "user_password from environment" in found["credentials"].detail
    assert books.environment["INTACCT_USER_PASSWORD"] not in str(found)


def test_the_built_in_sandbox_is_started_for_it(new_books: type[Books], tmp_path: Path) -> None:
    assert troubles(looked(new_books(tmp_path / "books", {}))) == {}


def test_a_configuration_under_which_an_entry_could_be_sent_twice_is_the_only_finding(books: Books) -> None:
    (one,) = examine(lambda: books.context("doctor", REVREC_POSTING_TIMEOUT="1 h"))
    assert (one.name, one.state) == ("configuration", "failed") and "shorter than lease" in one.detail


def test_a_configuration_that_cannot_be_read_is_the_only_finding(books: Books) -> None:
    (books.folder / "revrec.toml").write_text("[gateway]\nendpiont = 1\n")
    (one,) = examine(lambda: books.context("doctor"))
    assert one.state == "failed" and 'did you mean "endpoint"?' in one.detail


def test_a_broken_rule_does_not_keep_the_rest_from_being_looked_at(books: Books) -> None:
    books.rules("[[rule]]\nname = 5\n")
    found = looked(books)
    assert troubles(found) == {"rules": "failed", "journals": "skipped", "accounts": "skipped"}
    assert "rules.toml:2:" in found["rules"].detail


def test_a_missing_database_is_failed(books: Books) -> None:
    books.database.unlink()
    assert troubles(looked(books)) == {"database": "failed"}


def test_a_database_that_another_writes_to_is_a_warning(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revrec.store.database.sqlite.BUSY_SECONDS", 0)
    other = sqlite3.connect(books.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert troubles(looked(books)) == {"database": "warning"}
    finally:
        other.close()


def test_missing_credentials_are_failed_and_all_that_needs_them_is_skipped(books: Books) -> None:
    found = looked(books, INTACCT_USER_PASSWORD="")
    assert found["credentials"].state == "failed" and "user_password" in found["credentials"].detail
    assert [one.state for one in found.values()][4:] == ["skipped"] * 15


def test_a_wrong_password_is_failed_once_and_not_tried_again(books: Books, intacct: Intacct) -> None:
    found = looked(books, INTACCT_USER_PASSWORD="wrong-4713")
    assert found["sign-in"].state == "failed" and "refused the sign-in" in found["sign-in"].detail
    assert [one.state for one in found.values()][5:] == ["skipped"] * 14
    assert "wrong-4713" not in str(found) and intacct.view("/state")["locked_users"] == []


def test_a_gateway_that_is_down_is_failed(books: Books) -> None:
    found = looked(books, INTACCT_ENDPOINT_URL="http://127.0.0.1:9/")
    assert found["sign-in"].state == "failed" and "cannot be used" in found["sign-in"].detail


@pytest.mark.parametrize(("seconds", "shown"), [(600, "ahead of"), (-600, "behind")])
def test_a_clock_that_is_off_is_a_warning(books: Books, masters: Intacct, seconds: int, shown: str) -> None:
    masters.admin("/clock", offset_seconds=seconds)
    found = looked(books)
    assert troubles(found) == {"clock": "warning"} and shown in found["clock"].detail and "NTP" in found["clock"].fix


def test_what_rules_name_and_intacct_has_not_or_not_active_is_failed(books: Books) -> None:
    rule = '[[rule]]\nname = "r"\n[rule.recognize]\nmethod = "rev_rec_date"\n[rule.post]\n'
    books.rules(rule + 'deferred = "9999"\naccrued = "4900"\njournal = "OLD"\n')
    found = looked(books)
    assert troubles(found) == {"journals": "failed", "accounts": "failed"}
    assert found["journals"].detail == "inactive: OLD"
    assert found["accounts"].detail == "not in Intacct: 9999; inactive: 4900"
    assert "correct the rules" in found["accounts"].fix


def test_what_waiting_lines_carry_is_looked_up_and_what_is_not_sent_is_not(books: Books, row: MakeRow) -> None:
    books.take(
        row("INV-1", location="100", department="OPS"),
        row("INV-2", location="900", department="NEW"),
        row("INV-3", entity="E100"),
        row("INV-4", entity="NOWHERE"),
    )
    found = looked(books)
    assert found["locations"].detail == "not in Intacct: NOWHERE; inactive: 900"
    assert found["departments"].detail == "not in Intacct: NEW"
    assert "correct the charge lines" in found["departments"].fix
    assert found["closed books"].state == "failed", "one cannot sign in to an entity that is none"
    found = looked(books, REVREC_GATEWAY_OMIT="department, location")
    assert found["locations"].detail == found["departments"].detail == "none are used"


def test_a_user_who_may_not_look_masters_up_can_still_post(books: Books, masters: Intacct) -> None:
    masters.admin("/switch", denied="read:GLACCOUNT,read:JOURNAL")
    found = looked(books)
    assert troubles(found) == {"journals": "warning", "accounts": "warning"}
    assert "permission" in found["accounts"].detail


def test_customers_items_and_dimensions_that_intacct_lacks_are_a_warning(
    books: Books, row: MakeRow, intacct: Intacct
) -> None:
    places = {"class": "RETAIL", "project": "P-100", "contract": "NEW"}
    books.take(row(customer="C1007", item="MAG-1", **places), row("INV-2", customer="NOBODY", item="MAG-2"))
    intacct.admin("/projects", id="P-100", active=False)
    found = looked(books)
    assert troubles(found) == {"customers": "warning", "items": "warning", "dimensions": "warning"}
    assert found["customers"].detail == "not in Intacct: NOBODY"
    assert found["items"].detail == "not in Intacct: MAG-2" and "omit in [gateway]" in found["items"].fix
    assert found["dimensions"].detail == (
        "class: RETAIL: exist and are active; contract: not in Intacct: NEW; project: inactive: P-100"
    )
    found = looked(books, REVREC_GATEWAY_OMIT="customer, item, project, contract")
    assert troubles(found) == {} and found["customers"].detail == "none are used"


def test_a_user_who_may_not_create_entries_is_found_and_none_is_created(books: Books, masters: Intacct) -> None:
    masters.admin("/switch", denied="create:GLBATCH")
    found = looked(books)
    assert troubles(found) == {"creating": "failed"}
    assert "permission for API operation CREATE" in found["creating"].detail
    assert masters.entries() == []


@pytest.mark.parametrize("denied", ["read:GLBATCH", "read:GLENTRY"])
def test_a_user_who_may_not_read_entries_back_must_not_post(books: Books, masters: Intacct, denied: str) -> None:
    masters.admin("/switch", denied=denied)
    found = looked(books)
    assert troubles(found) == {"reading": "failed"} and "list and view journal entries" in found["reading"].fix


@pytest.mark.parametrize(
    ("how", "denied", "said"),
    [
        ("sales_order", "", "no active payment term 'Net 45'"),
        ("sales_order", "read:SODOCUMENT", "Sales Invoice cannot be read"),
        ("invoice", "read:ARINVOICE", "receivables cannot be read"),
        ("invoice", "read:CUSTOMER", "customers cannot be read"),
    ],
)
def test_what_invoices_need_is_looked_at_where_a_source_asks_for_them(
    books: Books, masters: Intacct, how: str, denied: str, said: str
) -> None:
    with (books.folder / "revrec.toml").open("a") as config:
        config.write(f'[invoicing]\ndefault_term = "Net {30 if denied else 45}"\n[invoice.shop]\nas = "{how}"\n')
    masters.admin("/switch", denied=denied)
    found = looked(books)
    assert troubles(found) == {"invoices": "failed"} and said in found["invoices"].detail
    masters.admin("/switch", denied="")
    assert looked(books)["invoices"].state == ("ok" if denied else "failed")


def test_lines_that_wait_in_closed_books_are_a_warning(books: Books, row: MakeRow, masters: Intacct) -> None:
    books.take(row(entity="E100"), row("INV-2", entity="200"))
    masters.admin("/periods/close", month="2024-01", entity="E100")
    found = looked(books)
    assert troubles(found) == {"closed books": "warning"}
    assert "E100: through 2024-01-31" in found["closed books"].detail
    assert found["closed books"].detail.endswith("open lines in closed books: E100 from 2024-01-12")


def test_a_database_of_another_company_is_failed(books: Books, row: MakeRow, intacct: Intacct) -> None:
    books.take(row())
    assert books.run("2024-01-31").counts["posted"] == 1
    found = looked(books, INTACCT_COMPANY_ID="OTHER")
    assert found["database"].state == "failed" and "posts to the company" in found["database"].detail


def test_the_company_is_asked_what_it_is(books: Books, masters: Intacct) -> None:
    found = looked(books)["company"]
    assert (found.state, found.detail) == ("ok", "base currency USD; foreign currencies, several entities")
    masters.admin("/switch", multi_currency=False)
    assert looked(books)["company"].detail == "base currency USD; no foreign currencies, several entities"
    masters.admin("/switch", multi_currency=True)


def test_another_base_currency_than_the_company_s_is_failed(books: Books) -> None:
    found = looked(books, REVREC_GATEWAY_BASE_CURRENCY="EUR")
    assert troubles(found) == {"company": "failed"}
    assert found["company"].fix == 'set base_currency = "USD" in [gateway]'


def test_several_base_currencies_are_a_warning(books: Books, masters: Intacct) -> None:
    masters.admin("/switch", multi_base_currency=True)
    found = looked(books)
    masters.admin("/switch", multi_base_currency=False)
    assert troubles(found) == {"company": "warning"} and "separate books" in found["company"].fix


def test_a_dimension_that_is_not_enabled_in_the_ledger_is_failed(books: Books, row: MakeRow, masters: Intacct) -> None:
    books.take(row(location="100", department="OPS"))
    masters.admin("/switch", disabled_dimensions="CUSTOMER,CLASS")
    found = looked(books)
    masters.admin("/switch", disabled_dimensions="")
    assert troubles(found) == {"ledger": "failed"}
    assert found["ledger"].detail == "not enabled in the general ledger: customer"
    assert 'omit = "customer"' in found["ledger"].fix


def test_a_dimension_that_is_omitted_is_not_reported_as_enabled(books: Books, row: MakeRow, masters: Intacct) -> None:
    books.take(row(location="100", department="OPS"))
    with (books.folder / "revrec.toml").open("a") as config:
        config.write('[gateway]\nomit = "customer, department"\n')
    masters.admin("/switch", disabled_dimensions="CUSTOMER,DEPARTMENT")
    found = looked(books)
    masters.admin("/switch", disabled_dimensions="")
    assert found["ledger"].detail == "item, location: enabled in the general ledger"


def test_a_user_who_may_not_read_the_set_up_gets_warnings(books: Books, masters: Intacct) -> None:
    masters.admin("/switch", denied="read:FINANCIALSETUP,read:DIMENSIONS")
    assert troubles(looked(books)) == {"company": "warning", "ledger": "warning"}
