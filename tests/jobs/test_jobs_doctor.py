"""The doctor: each thing that a run needs is looked at in order, and what is wrong is reported with its fix."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from revrec.jobs.admin import company_checks
from revrec.jobs.admin.checks import DoctorCheck
from revrec.jobs.admin.doctor import examine
from support.books import Books, MakeRow
from support.intacct import Intacct

NAMES = [
    "configuration", "rules", "database", "credentials", "sign-in", "clock", "company", "ledger",
    "fields", "attachments", "journal types", "approvals", "permissions", "journals", "accounts",
    "locations", "departments", "customers", "items", "dimensions", "reading", "creating",
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


@pytest.mark.parametrize(
    ("table", "check", "said"),
    [
        ("[entities.200]\nbase_curency = 'EUR'\n", "configuration", 'did you mean "base_currency"?'),
        ("[entry_fields]\nSTATE = 'Draft'\n", "rules", "[entry_fields] STATE: this is Intacct's own field"),
        ("[invoice.shop]\nas = 'barter'\n", "invoices", "[invoice.shop] as"),
    ],
)
def test_a_wrong_key_of_a_free_section_fails_the_check_that_it_belongs_to(
    books: Books, table: str, check: str, said: str
) -> None:
    with (books.folder / "revrec.toml").open("a") as config:
        config.write(table)
    found = {one.name: one for one in examine(lambda: books.context("doctor"))}
    assert found[check].state == "failed" and said in found[check].detail
    assert check == "configuration" or found["sign-in"].state == "ok"


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
    assert [one.state for one in found.values()][4:] == ["skipped"] * 20


def test_a_wrong_password_is_failed_once_and_not_tried_again(books: Books, intacct: Intacct) -> None:
    found = looked(books, INTACCT_USER_PASSWORD="wrong-4713")
    assert found["sign-in"].state == "failed" and "refused the sign-in" in found["sign-in"].detail
    assert [one.state for one in found.values()][5:] == ["skipped"] * 19
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


def test_the_account_and_journal_of_exchange_differences_are_looked_up(books: Books) -> None:
    books.environment |= {"REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT": "7899", "REVREC_EXCHANGE_JOURNAL": "FX"}
    found = looked(books)
    assert troubles(found) == {"journals": "failed", "accounts": "failed"}
    assert (found["journals"].detail, found["accounts"].detail) == ("not in Intacct: FX", "not in Intacct: 7899")


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
    assert troubles(found) == dict.fromkeys(("journal types", "journals", "accounts"), "warning")
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
    assert troubles(found) == {"permissions": "failed", "creating": "failed"}
    assert "permission for API operation CREATE" in found["creating"].detail
    assert masters.entries() == []


@pytest.mark.parametrize("denied", ["read:GLBATCH", "read:GLENTRY"])
def test_a_user_who_may_not_read_entries_back_must_not_post(books: Books, masters: Intacct, denied: str) -> None:
    masters.admin("/switch", denied=denied)
    found = looked(books)
    assert found["reading"].state == "failed" and "list and view journal entries" in found["reading"].fix


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
    assert troubles(found).keys() - {"permissions"} == {"invoices"} and said in found["invoices"].detail
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


def test_lines_in_a_foreign_currency_of_a_company_without_any_are_failed(
    books: Books, row: MakeRow, masters: Intacct
) -> None:
    books.take(row(currency="EUR"))
    assert troubles(looked(books)) == {}
    masters.admin("/switch", multi_currency=False)
    found = looked(books)
    masters.admin("/switch", multi_currency=True)
    assert troubles(found) == {"company": "failed"}
    assert found["company"].detail == "it has no foreign currencies, and open charge lines are in EUR"


def test_another_base_currency_than_the_company_s_is_failed(books: Books) -> None:
    found = looked(books, REVREC_GATEWAY_BASE_CURRENCY="EUR")
    assert troubles(found) == {"company": "failed"}
    assert found["company"].fix == 'set base_currency = "USD" in [gateway]'


def test_each_entity_s_base_currency_is_compared(books: Books, intacct: Intacct, row: MakeRow) -> None:
    intacct.admin("/locations", id="200", details={"currency": "EUR"})
    found = looked(books)
    assert troubles(found) == {"company": "warning"}
    assert found["company"].detail == "the base currency of entity 200 is EUR, and in revrec.toml USD"
    assert found["company"].fix == 'set base_currency = "EUR" in [entities.200]'
    books.take(row(entity="200"))
    assert troubles(looked(books)) == {"company": "failed"}, "open lines are in it"
    with (books.folder / "revrec.toml").open("a") as config:
        config.write('[entities.200]\nbase_currency = "EUR"\n')
    found = looked(books)
    assert troubles(found) == {} and "200 EUR" in found["company"].detail


@pytest.mark.slow
def test_an_entity_with_another_base_currency_in_a_company_with_one_is_failed(books: Books) -> None:
    with (books.folder / "revrec.toml").open("a") as config:
        config.write('[entities.200]\nbase_currency = "EUR"\n')
    found = looked(books)
    assert troubles(found) == {"company": "failed"} and "another one of 200" in found["company"].detail


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


CUSTOM = """
[[rule]]
name = "custom"
[rule.recognize]
method = "rev_rec_date"
[rule.post]
attachment = "ATT-1"
line_fields = { SHIPMENT = "{document}" }
"""


def test_custom_fields_of_rules_and_required_ones_are_compared_with_the_company(books: Books, intacct: Intacct) -> None:
    books.rules(CUSTOM)
    found = looked(books)["fields"]
    assert (found.state, found.detail) == ("failed", "GLENTRY has no custom field SHIPMENT")
    assert "correct line_fields in [rule.post]" in found.fix
    intacct.admin("/customfields", id="GLENTRY.SHIPMENT", parent="GLENTRY", details={"required": True})
    assert looked(books)["fields"].state == "ok"
    intacct.admin("/customfields", id="GLBATCH.RUN_TYPE", parent="GLBATCH", details={"required": True})
    found = looked(books)["fields"]
    assert found.detail == "GLBATCH requires the custom field RUN_TYPE, and these rules have none: custom"
    assert "or to [entry_fields] in revrec.toml" in found.fix


@pytest.mark.slow
def test_an_attachment_that_cannot_be_read_is_a_warning(books: Books) -> None:
    books.rules(CUSTOM)
    found = looked(books)["attachments"]
    assert found.state == "warning" and "ATT-1 cannot be read" in found.detail and "[rule.post]" in found.fix


@pytest.mark.slow
def test_a_dimension_that_each_line_must_have_is_failed_if_open_lines_lack_it(
    books: Books, row: MakeRow, masters: Intacct
) -> None:
    masters.admin("/switch", location_required=True)
    books.take(row(location="100"))
    assert looked(books)["fields"].state == "ok"
    books.take(row("INV-2", location=""))
    found = looked(books)["fields"]
    masters.admin("/switch", location_required=False)
    assert (found.state, found.detail[:37]) == ("failed", "each journal line must have LOCATION,")


@pytest.mark.slow
def test_texts_that_intacct_stores_shorter_are_a_warning(books: Books, masters: Intacct) -> None:
    masters.admin("/switch", max_title=30)
    found = looked(books)["fields"]
    masters.admin("/switch", max_title=80)
    assert found.state == "warning" and "GLBATCH.BATCH_TITLE has at most 30 characters" in found.detail


@pytest.mark.slow
@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"adjustment": True}, "RR is an adjustment journal"),
        ({"book": "CASH"}, "RR posts to the book CASH"),
    ],
)
def test_a_journal_that_is_not_a_regular_one_is_a_warning(
    books: Books, intacct: Intacct, details: dict[str, object], said: str
) -> None:
    intacct.admin("/journals", id="RR", details=details)
    found = looked(books)["journal types"]
    assert found.state == "warning" and said in found.detail and "use a" in found.fix


def test_entries_that_wait_for_approval_are_a_warning(books: Books, row: MakeRow, masters: Intacct) -> None:
    masters.admin("/switch", approval=True)
    books.take(row())
    books.run("2024-01-31")
    found = looked(books)["approvals"]
    masters.admin("/switch", approval=False)
    assert found.state == "warning" and found.detail.startswith("entries of RR that wait for approval in Intacct: ")


def test_a_right_that_is_missing_or_superfluous_is_named(
    books: Books, masters: Intacct, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert looked(books)["permissions"].detail == "journal entries: add, delete, edit, list, view"
    monkeypatch.setattr(company_checks, "SANDBOX_COMPANY", re.compile("never"))
    found = looked(books)["permissions"]
    assert (found.state, found.detail) == ("warning", "the user may also edit, delete journal entries")
    masters.admin("/switch", denied="create:GLBATCH,update:GLBATCH,delete:GLBATCH")
    found = looked(books)["permissions"]
    assert (found.state, found.detail) == ("failed", "the user may not add journal entries")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "denied", "said"),
    [
        ("sales_order", "create:SODOCUMENT", "the user may not add order entry transactions"),
        ("invoice", "create:ARINVOICE", "the user may not add invoices"),
    ],
)
def test_a_right_that_invoices_need_is_named(books: Books, masters: Intacct, how: str, denied: str, said: str) -> None:
    with (books.folder / "revrec.toml").open("a") as config:
        config.write(f'[invoice.shop]\nas = "{how}"\n')
    masters.admin("/switch", denied=denied)
    found = looked(books)["permissions"]
    assert (found.state, found.detail) == ("failed", said)


def not_offered(control_id: str, **_arguments: str) -> bytes:
    """Return a function that no company has."""
    return f'<function controlid="{control_id}"><not_offered/></function>'.encode()


@pytest.mark.parametrize(
    ("function", "check"),
    [
        ("lookup", "fields"),
        pytest.param("get_user_permissions", "permissions", marks=pytest.mark.slow),
        pytest.param("get_attachment", "attachments", marks=pytest.mark.slow),
    ],
)
def test_a_function_that_the_company_does_not_offer_is_a_warning(
    books: Books, monkeypatch: pytest.MonkeyPatch, function: str, check: str
) -> None:
    monkeypatch.setattr(f"revrec.intacct.requests_xml.{function}", not_offered)
    books.rules(CUSTOM.partition("line_fields")[0])
    found = looked(books)
    assert found[check].state == "warning" and "cannot be read" in found[check].detail and found[check].fix


@pytest.mark.slow
@pytest.mark.parametrize("function", ["inspect_details", "get_company_preferences"])
def test_what_only_adds_to_a_check_may_be_missing(books: Books, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.setattr(f"revrec.intacct.requests_xml.{function}", not_offered)
    assert troubles(looked(books)) == {}


def test_a_rule_between_locations_without_inter_entity_accounts_is_a_warning(books: Books) -> None:
    rule = CUSTOM.partition("attachment")[0]
    books.rules(f'{rule}deferred_location = "E100"\naccrued_location = "200"\n')
    found = looked(books)
    assert troubles(found) == {"rules": "warning"} and "inter_entity in [posting]" in found["rules"].fix
    assert troubles(looked(books, REVREC_POSTING_INTER_ENTITY="1900, 2900")) == {}


@pytest.mark.slow
def test_the_accounts_of_inter_entity_lines_are_looked_up(books: Books) -> None:
    found = looked(books, REVREC_POSTING_INTER_ENTITY="1900, 2999")
    assert troubles(found) == {"accounts": "failed"} and found["accounts"].detail == "not in Intacct: 2999"
