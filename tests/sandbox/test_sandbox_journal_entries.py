"""Behaviors 39 to 53: the conditions for posting a GLBATCH."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from xml.sax.saxutils import escape

import pytest

from support.sandbox_client import SandboxClient

Refused = Callable[..., str]


@pytest.mark.parametrize("field", ["JOURNAL", "BATCH_DATE", "BATCH_TITLE"])
@pytest.mark.parametrize("value", [None, ""])
def test_b39_a_missing_header_field_is_named(refused: Refused, field: str, value: str | None) -> None:
    assert f"BL03000018 Required field {field} is missing" in refused(**{field: value})


def test_b39_entries_are_required(client: SandboxClient) -> None:
    for lines in ("", "<ENTRIES/>"):
        batch = client.glbatch().partition("<ENTRIES>")[0] + lines + "</GLBATCH>"
        answer = client.create(batch)
        assert "Required field ENTRIES is missing" in answer.said


def test_b39_an_entry_needs_two_lines(client: SandboxClient, refused: Refused) -> None:
    assert "at least two lines" in refused(client.line("2400", "1", "5.00"))


@pytest.mark.parametrize("field", ["ACCOUNTNO", "TR_TYPE", "TRX_AMOUNT"])
def test_b39_a_missing_line_field_is_named(client: SandboxClient, refused: Refused, field: str) -> None:
    assert f"Required field {field} is missing in GLENTRY" in refused(client.pair(**{field: ""}))


def test_b39_fields_that_do_not_exist_or_repeat_are_refused(client: SandboxClient, refused: Refused) -> None:
    assert "The field REFERENCE is not a field of GLBATCH" in refused(REFERENCE="x")
    assert "The field CUSTOMER is not a field of GLENTRY" in refused(client.pair(CUSTOMER="C1007"))
    assert "occurs more than once" in refused(client.pair(DOCUMENT="a</DOCUMENT><DOCUMENT>b"))
    client.switch(unknown_fields="ignore")
    assert client.create(client.glbatch(REFERENCE="x")).status == "success"


@pytest.mark.parametrize("code", ["NONE", "OLD", "rr"])
def test_b40_an_unknown_or_inactive_journal_is_refused(refused: Refused, code: str) -> None:
    assert f"Journal '{code}' specified is not valid." in refused(JOURNAL=code)


@pytest.mark.parametrize("number", ["9999", "4900"])
def test_b40_an_unknown_or_inactive_account_is_refused(client: SandboxClient, refused: Refused, number: str) -> None:
    lines = client.line("2400", "1", "5.00") + client.line(number, "-1", "5.00")
    assert f"Account {number} is not valid" in refused(lines)


@pytest.mark.parametrize(
    ("field", "code", "text"),
    [
        ("LOCATION", "NOWHERE", "The location 'NOWHERE' is invalid."),
        ("LOCATION", "900", "The location '900' is invalid."),
        ("DEPARTMENT", "NONE", "The department 'NONE' is invalid."),
        ("DEPARTMENT", "GONE", "The department 'GONE' is invalid."),
        ("CUSTOMERID", "C-X", "Customer 'C-X' specified is not valid."),
        ("ITEMID", "I-X", "Item 'I-X' specified is not valid."),
        ("CONTRACTID", "K-X", "Contract 'K-X' specified is not valid."),
        ("PROJECTID", "10064", "Invalid Project '10064' specified."),
        ("VENDORID", "V-X", "The vendor 'V-X' is invalid."),
        ("EMPLOYEEID", "E-X", "The employee 'E-X' is invalid."),
        ("CLASSID", "X", "Class 'X' specified is not valid."),
        ("WAREHOUSEID", "X", "Warehouse 'X' specified is not valid."),
    ],
)
def test_b40_an_unknown_or_inactive_dimension_is_refused(
    client: SandboxClient, refused: Refused, field: str, code: str, text: str
) -> None:
    client.switch(masters="strict")
    assert text in refused(client.pair(**{field: code}))


def test_b40_unknown_customers_and_items_are_created_on_sight_by_default(client: SandboxClient) -> None:
    answer = client.create(client.glbatch(client.pair(CUSTOMERID="NEW-C", ITEMID="NEW-I") * 2))
    assert answer.status == "success"
    assert "NEW-C" in [record["id"] for record in client.look("customers")["records"]]
    client.switch(masters="strict")
    assert client.create(client.glbatch(client.pair(CUSTOMERID="NEW-C", ITEMID="NEW-I"))).status == "success"


def test_b40_a_customer_seen_in_a_refused_entry_is_not_created(client: SandboxClient, refused: Refused) -> None:
    refused(client.pair(CUSTOMERID="NEW-C") + client.line("2400", "1", "1.00"))
    assert "NEW-C" not in [record["id"] for record in client.look("customers")["records"]]


def test_b40_a_customer_made_inactive_is_refused_in_both_modes(client: SandboxClient, refused: Refused) -> None:
    client.admin("customers", id="C1007", active=False)
    assert "Customer 'C1007' specified is not valid." in refused(client.pair(CUSTOMERID="C1007"))


@pytest.mark.parametrize("amount", ["-5.00", "0", "0.00", "abc", "1e3", "1,000.00", "1234567890123", "NaN", "١"])
def test_b41_an_amount_must_be_a_number_above_zero(client: SandboxClient, refused: Refused, amount: str) -> None:
    assert f"The value '{amount}' of TRX_AMOUNT is not valid" in refused(client.pair(amount))


@pytest.mark.parametrize("sign", ["0", "2", "debit", "+1", "1.0"])
def test_b41_tr_type_is_1_or_minus_1(client: SandboxClient, refused: Refused, sign: str) -> None:
    text = refused(client.line("2400", sign, "5.00") + client.line("4000", "-1", "5.00"))
    assert f"The value '{sign}' of TR_TYPE is not valid" in text


@pytest.mark.parametrize(("currency", "amount"), [("USD", "1.005"), ("JPY", "1.5"), ("KWD", "1.0005")])
def test_b41_too_many_decimals_are_refused(client: SandboxClient, refused: Refused, currency: str, amount: str) -> None:
    text = refused(client.pair(amount, CURRENCY=currency, EXCHANGE_RATE="1"))
    assert "decimals for " + currency in text


def test_b41_too_many_decimals_may_be_rounded(client: SandboxClient) -> None:
    client.switch(extra_decimals="round")
    client.create(client.glbatch(client.pair("1.005")))
    assert [line["amount"] for line in client.entries()[0]["lines"]] == ["1.01", "1.01"]


@pytest.mark.parametrize(
    ("currency", "amount", "kept"),
    [("JPY", "1500", "1500"), ("KWD", "1.005", "1.005"), ("USD", "7", "7.00"), ("USD", "7.500", "7.50")],
)
def test_b41_amounts_are_kept_with_their_currencys_decimals(
    client: SandboxClient, currency: str, amount: str, kept: str
) -> None:
    answer = client.create(client.glbatch(client.pair(amount, CURRENCY=currency, EXCHANGE_RATE="1.5")))
    assert answer.status == "success"
    assert client.entries()[0]["lines"][0]["amount"] == kept


def test_b41_amount_is_accepted_in_place_of_trx_amount(client: SandboxClient) -> None:
    lines = client.pair("8.25").replace("TRX_AMOUNT", "AMOUNT")
    assert client.create(client.glbatch(lines)).status == "success"
    assert client.balances() == {"2400": "8.25", "4000": "-8.25"}


def test_b42_debits_and_credits_must_be_equal(client: SandboxClient, refused: Refused) -> None:
    text = refused(client.line("2400", "1", "5.00") + client.line("4000", "-1", "4.99"))
    assert "Transactions do not balance for currency USD: debits 5.00, credits 4.99" in text


def test_b42_each_currency_must_balance(client: SandboxClient, refused: Refused) -> None:
    euro = {"CURRENCY": "EUR", "EXCHANGE_RATE": "1"}
    text = refused(client.line("2400", "1", "5.00", **euro) + client.line("4000", "-1", "5.00"))
    assert "do not balance for" in text


def test_b42_each_entity_must_balance(client: SandboxClient, refused: Refused) -> None:
    lines = client.line("2400", "1", "5.00", LOCATION="100") + client.line("4000", "-1", "5.00", LOCATION="200")
    assert "Transactions do not balance for Location 100" in refused(lines)


def test_b42_a_sub_location_belongs_to_its_entity(client: SandboxClient) -> None:
    lines = client.line("2400", "1", "5.00", LOCATION="100") + client.line("4000", "-1", "5.00", LOCATION="100-NY")
    assert client.create(client.glbatch(lines)).status == "success"


def test_b42_with_a_base_location_inter_entity_lines_are_added(client: SandboxClient) -> None:
    lines = client.line("2400", "1", "5.00", LOCATION="100") + client.line("4000", "-1", "5.00", LOCATION="200")
    answer = client.create(client.glbatch(lines, BASELOCATION_NO="E100"))
    assert answer.status == "success"
    booked = client.entries()[0]["lines"]
    assert len(booked) == 6
    for entity in ("100", "200", "E100"):
        mine = [line for line in booked if line["dimensions"]["LOCATION"] == entity]
        assert sum(Decimal(line["amount"]) * line["type"] for line in mine) == 0
    read = client.call(f"<read><object>GLBATCH</object><keys>{answer.record_no}</keys></read>")
    assert len(list(read.data.iter("glentry"))) == 6


def test_b42_a_base_location_must_be_an_entity(refused: Refused) -> None:
    assert "The location '100-NY' is invalid." in refused(BASELOCATION_NO="100-NY")


def test_b42_an_entry_is_in_one_base_currency(client: SandboxClient, refused: Refused) -> None:
    client.admin("locations", id="200", details={"currency": "EUR"})
    lines = client.line("2400", "1", "5.00", LOCATION="E100") + client.line("4000", "-1", "5.00", LOCATION="200")
    assert "entities with the same base currency; they have EUR and USD" in refused(lines, BASELOCATION_NO="E100")
    euros = client.pair("5.00", LOCATION="200", CURRENCY="EUR")
    assert client.create(client.glbatch(euros)).status == "success"
    assert client.entries()[0]["lines"][0]["base_amount"] == "5.00"


def test_b43_a_foreign_currency_needs_a_rate_or_its_type(client: SandboxClient, refused: Refused) -> None:
    assert "EXCH_RATE_TYPE_ID or EXCHANGE_RATE" in refused(client.pair(CURRENCY="EUR"))
    for more in ({"EXCHANGE_RATE": "1.1"}, {"EXCH_RATE_TYPE_ID": "Intacct Daily Rate"}, {"EXCH_RATE_TYPE_ID": ""}):
        assert client.create(client.glbatch(client.pair("10.00", CURRENCY="EUR", **more))).status == "success"
    assert client.balances()["2400"] == "32.60"


def test_b43_an_empty_rate_type_may_count_as_missing(client: SandboxClient, refused: Refused) -> None:
    client.switch(empty_rate_type=False)
    assert "EXCH_RATE_TYPE_ID or EXCHANGE_RATE" in refused(client.pair(CURRENCY="EUR", EXCH_RATE_TYPE_ID=""))


@pytest.mark.parametrize("more", [{"EXCHANGE_RATE": "0"}, {"EXCHANGE_RATE": "x"}, {"EXCH_RATE_TYPE_ID": "Mine"}])
def test_b43_an_invalid_rate_is_refused(client: SandboxClient, refused: Refused, more: dict[str, str]) -> None:
    refused(client.pair(CURRENCY="EUR", **more))


def test_b43_rates_that_differ_do_not_balance_in_base_currency(client: SandboxClient, refused: Refused) -> None:
    debit = client.line("2400", "1", "100.00", CURRENCY="EUR", EXCHANGE_RATE="1.1")
    credit = client.line("4000", "-1", "100.00", CURRENCY="EUR", EXCHANGE_RATE="1.2")
    assert "in base currency" in refused(debit + credit)


def test_b43_a_rounding_difference_in_base_currency_is_settled(client: SandboxClient, refused: Refused) -> None:
    rate = {"CURRENCY": "EUR", "EXCHANGE_RATE": "1.5"}
    lines = client.line("2400", "1", "0.03", **rate) + client.line("4000", "-1", "0.01", **rate) * 3
    client.switch(base_rounding="reject")
    assert "in base currency" in refused(lines)
    client.switch(base_rounding="adjust")
    assert client.create(client.glbatch(lines)).status == "success"
    assert sum(Decimal(amount) for amount in client.balances().values()) == 0


def test_b43_the_currency_may_be_required(client: SandboxClient, refused: Refused) -> None:
    client.switch(currency_required=True)
    assert "Required field CURRENCY is missing" in refused()
    assert client.create(client.glbatch(client.pair(CURRENCY="USD"))).status == "success"


def test_b43_an_unknown_currency_is_refused(client: SandboxClient, refused: Refused) -> None:
    assert "Currency 'XXX' specified is not valid." in refused(client.pair(CURRENCY="XXX"))


def test_b43_a_company_of_one_currency_refuses_others(client: SandboxClient, refused: Refused) -> None:
    client.switch(multi_currency=False)
    assert "Enable foreign-currency transactions" in refused(client.pair(CURRENCY="EUR", EXCHANGE_RATE="1"))


def test_b44_an_account_can_require_dimensions(client: SandboxClient, refused: Refused) -> None:
    bare = client.line("2400", "1", "5.00") + client.line("4200", "-1", "5.00")
    text = "This transaction is missing the {} dimension for the Account 4200"
    assert text.format("Department") in refused(bare)
    assert text.format("Location") in refused(bare.replace("<LOCATION>100</LOCATION>", ""))
    full = client.line("2400", "1", "5.00") + client.line("4200", "-1", "5.00", DEPARTMENT="OPS")
    assert client.create(client.glbatch(full)).status == "success"


def test_b44_an_account_can_restrict_dimensions(client: SandboxClient, refused: Refused) -> None:
    lines = client.line("2400", "1", "5.00") + client.line("4300", "-1", "5.00", DEPARTMENT="SALES")
    expected = "Department 'SALES':'Sales' specified is not valid. Department is restricted by GL account."
    assert expected in refused(lines)


def test_b44_a_location_can_be_required_on_every_line(client: SandboxClient, refused: Refused) -> None:
    assert client.create(client.glbatch(client.pair(LOCATION=None))).status == "success"
    client.admin("reset")
    client.switch(location_required=True)
    assert "Use of empty Location is invalid." in refused(client.pair(LOCATION=None))


def test_b44_a_task_needs_its_project(client: SandboxClient, refused: Refused) -> None:
    assert "TASKID needs PROJECTID" in refused(client.pair(TASKID="T-1"))


@pytest.mark.parametrize("text", ["03/31/2025", "3/31/2025", "02/29/2024", "3/5/2025"])
def test_b45_us_dates_are_accepted(client: SandboxClient, text: str) -> None:
    assert client.create(client.glbatch(BATCH_DATE=text)).status == "success"


@pytest.mark.parametrize(
    "text", ["2025-03-31", "31/03/2025", "02/30/2025", "02/29/2025", "03/31/25", "03-31-2025", "x"]
)
def test_b45_other_dates_are_refused(refused: Refused, text: str) -> None:
    assert f"The value '{text}' of BATCH_DATE is not a date of the form mm/dd/yyyy." in refused(BATCH_DATE=text)


def test_b45_iso_dates_may_be_accepted(client: SandboxClient) -> None:
    client.switch(iso_dates=True)
    assert client.create(client.glbatch(BATCH_DATE="2025-03-31")).status == "success"
    assert client.entries()[0]["date"] == "2025-03-31"


@pytest.mark.parametrize("text", ["03/31/2025", "03/30/2025"])
def test_b45_a_reversal_must_be_after_the_posting_date(refused: Refused, text: str) -> None:
    assert "The reversal date must be after the posting date." in refused(REVERSEDATE=text)


def test_b45_a_reversal_date_makes_a_second_entry(client: SandboxClient) -> None:
    answer = client.create(client.glbatch(REVERSEDATE="04/01/2025", REFERENCENO="R1"))
    original, mirror = client.entries()
    assert original["record_no"] == int(answer.record_no)
    assert (mirror["date"], mirror["reversed_from"]) == ("2025-04-01", original["record_no"])
    assert [line["type"] for line in mirror["lines"]] == [-line["type"] for line in original["lines"]]
    assert set(client.balances().values()) == {"0.00"}


def test_b46_a_closed_period_refuses_the_entry(client: SandboxClient, refused: Refused) -> None:
    client.admin("periods/close", entity="100", month="2025-03")
    expected = (
        "Periods are closed. Your transaction date (03/31/2025) is within a period that's been closed. [Support ID:"
    )
    assert expected in refused()
    assert "Periods are closed" in refused(BATCH_DATE="02/01/2025")
    assert client.create(client.glbatch(BATCH_DATE="04/01/2025")).status == "success"


def test_b46_errorno_and_wording_of_closed_books_are_switches(client: SandboxClient) -> None:
    client.admin("periods/close", entity="100", month="2025-03")
    client.switch(closed_period_text="on_or_after", closed_period_errorno="BL03000130")
    answer = client.create()
    assert answer.errors[0][0] == "BL03000130"
    assert answer.errors[0][1].startswith("Date must be on or after 04/01/2025")


def test_b46_periods_are_closed_by_entity(client: SandboxClient) -> None:
    client.admin("periods/close", entity="200", month="2025-03")
    assert client.create(client.glbatch()).status == "success"
    assert client.create(client.glbatch(client.pair(LOCATION="200"))).status == "failure"


def test_b46_closing_the_company_closes_every_entity(client: SandboxClient, refused: Refused) -> None:
    client.admin("periods/close", month="2025-03")
    assert "Periods are closed" in refused()


def test_b46_an_opened_period_accepts_entries_again(client: SandboxClient) -> None:
    client.admin("periods/close", entity="100", month="2025-03")
    client.admin("periods/open", entity="100", month="2025-03")
    assert client.create().status == "success"
    assert client.create(client.glbatch(BATCH_DATE="02/28/2025")).status == "failure"


def test_b46_dates_outside_all_periods_are_refused(refused: Refused) -> None:
    assert "Date must be on or after 01/01/2000" in refused(BATCH_DATE="12/31/1999")
    assert "There is no reporting period" in refused(BATCH_DATE="01/01/2100")


def test_b46_the_reversal_needs_an_open_period_too(refused: Refused) -> None:
    assert "There is no reporting period" in refused(BATCH_DATE="12/31/2099", REVERSEDATE="01/01/2100")


@pytest.mark.parametrize(
    ("field", "limit", "text"),
    [("JOURNAL", 24, "J" * 25), ("REFERENCENO", 20, "r" * 21), ("BATCH_TITLE", 80, "t" * 81)],
)
def test_b47_over_long_header_texts_are_refused(refused: Refused, field: str, limit: int, text: str) -> None:
    assert f"The value of {field} has {len(text)} characters; the maximum is {limit}." in refused(**{field: text})


def test_b47_a_journal_may_have_more_than_four_characters(client: SandboxClient, refused: Refused) -> None:
    client.admin("journals", id="FYLE_JE", name="Expenses")
    assert client.create(client.glbatch(JOURNAL="FYLE_JE")).status == "success"
    client.admin("reset")
    client.switch(max_journal=4)
    assert "the maximum is 4" in refused(JOURNAL="FYLE_JE")


def test_b47_an_over_long_document_is_refused_and_limits_are_switches(client: SandboxClient, refused: Refused) -> None:
    assert client.create(client.glbatch(client.pair(DOCUMENT="d" * 30), REFERENCENO="r" * 20)).status == "success"
    client.admin("reset")
    assert "The value of DOCUMENT has 31 characters" in refused(client.pair(DOCUMENT="d" * 31))
    client.switch(max_title=30)
    assert "the maximum is 30" in refused(BATCH_TITLE="t" * 31)


def test_b47_over_long_texts_may_be_cut_instead(client: SandboxClient) -> None:
    client.switch(over_long="cut", max_title=30)
    lines = client.pair(DOCUMENT="d" * 40, DESCRIPTION="m" * 600)
    assert client.create(client.glbatch(lines, BATCH_TITLE="t" * 31, REFERENCENO="r" * 21)).status == "success"
    (entry,) = client.entries()
    assert (entry["title"], entry["reference"]) == ("t" * 30, "r" * 20)
    assert {(len(line["document"]), len(line["description"])) for line in entry["lines"]} == {(30, 500)}


def test_b48_a_draft_does_not_touch_balances(client: SandboxClient) -> None:
    assert client.create(client.glbatch(STATE="Draft")).status == "success"
    assert client.balances() == {}
    assert client.create(client.glbatch(STATE="Posted")).status == "success"
    assert client.balances() == {"2400": "10.00", "4000": "-10.00"}


@pytest.mark.parametrize("state", ["posted", "P", "Submitted", "Nonsense"])
def test_b48_other_states_are_refused(refused: Refused, state: str) -> None:
    assert f"The value '{state}' of STATE is not valid" in refused(STATE=state)


def test_b48_with_approvals_a_posted_create_is_only_submitted(client: SandboxClient) -> None:
    client.switch(approval=True)
    assert client.create().status == "success"
    assert client.entries()[0]["state"] == "Submitted"
    assert client.balances() == {}


def test_b49_success_returns_the_record_number_in_lower_case_glbatch(client: SandboxClient) -> None:
    answer = client.create()
    assert dict(answer.data.attrib) == {"listtype": "objects", "count": "1"}
    assert answer.data[0].tag == "glbatch"
    assert answer.record_no.isdecimal()


def test_b49_record_numbers_jump_and_batch_numbers_count_by_journal(client: SandboxClient) -> None:
    for journal in ("RR", "RR", "GJ", "RR"):
        client.create(client.glbatch(JOURNAL=journal))
    found = client.entries()
    numbers = [entry["record_no"] for entry in found]
    assert all(later - earlier > 1 for earlier, later in pairwise(numbers))
    assert [(entry["journal"], entry["batch_no"]) for entry in found] == [("RR", 1), ("RR", 2), ("GJ", 1), ("RR", 3)]


def test_b49_element_names_are_accepted_in_any_case(client: SandboxClient) -> None:
    batch = client.glbatch().lower().replace("rr<", "RR<").replace("usd", "USD")
    assert client.create(batch).status == "success"


def test_b50_a_reference_may_be_used_twice(client: SandboxClient) -> None:
    assert client.create(client.glbatch(REFERENCENO="SAME")).status == "success"
    assert client.create(client.glbatch(REFERENCENO="SAME")).status == "success"


def test_b51_an_update_replaces_all_lines(client: SandboxClient) -> None:
    number = client.create().record_no
    changed = client.glbatch(client.pair("3.00") * 2, RECORDNO=number, BATCH_TITLE="Corrected", JOURNAL=None)
    answer = client.call(f"<update>{changed}</update>")
    assert answer.record_no == number
    entry = client.entries()[0]
    assert (entry["title"], entry["batch_no"], len(entry["lines"])) == ("Corrected", 1, 4)
    assert client.balances() == {"2400": "6.00", "4000": "-6.00"}


def test_b51_a_delete_removes_the_entry_and_its_lines(client: SandboxClient) -> None:
    number = client.create().record_no
    assert client.call(f"<delete><object>GLBATCH</object><keys>{number}</keys></delete>").status == "success"
    assert client.look("state")["counts"] | {"control_ids": 0} == {
        "entries": 0,
        "posted": 0,
        "lines": 0,
        "control_ids": 0,
    }


def test_b51_neither_works_in_a_closed_period_or_without_the_record(client: SandboxClient) -> None:
    number = client.create().record_no
    client.admin("periods/close", month="2025-03")
    moved = client.glbatch(RECORDNO=number, BATCH_DATE="04/01/2025")
    delete = f"<delete><object>GLBATCH</object><keys>{number}</keys></delete>"
    assert "Periods are closed" in client.call(f"<update>{moved}</update>").said
    assert "Periods are closed" in client.call(delete).said
    assert "does not exist" in client.call(delete.replace(f">{number}<", ">999999<")).said
    assert len(client.entries()) == 1


def allocated(client: SandboxClient, *splits: str, name: str = "Custom") -> str:
    blocks = "".join(f"<SPLIT>{split}</SPLIT>" for split in splits)
    line = client.line("4000", "-1", "10.00", LOCATION="NOWHERE", ALLOCATION=name)
    return client.line("2400", "1", "10.00") + line.replace("</GLENTRY>", blocks + "</GLENTRY>")


def test_b52_a_custom_allocation_splits_the_line_and_ignores_its_dimensions(client: SandboxClient) -> None:
    first = "<AMOUNT>7.00</AMOUNT><LOCATIONID>100</LOCATIONID><DEPARTMENTID>OPS</DEPARTMENTID>"
    second = "<AMOUNT>3.00</AMOUNT><LOCATIONID>100-NY</LOCATIONID>"
    answer = client.create(client.glbatch(allocated(client, first, second)))
    assert answer.status == "success"
    booked = [(line["amount"], line["dimensions"]) for line in client.entries()[0]["lines"][1:]]
    assert booked == [("7.00", {"LOCATION": "100", "DEPARTMENT": "OPS"}), ("3.00", {"LOCATION": "100-NY"})]


def test_b52_splits_must_add_up_and_the_allocation_must_exist(client: SandboxClient, refused: Refused) -> None:
    part = "<AMOUNT>7.00</AMOUNT><LOCATIONID>100</LOCATIONID>"
    assert "The splits of the allocation add up to 7.00, not to the amount 10.00" in refused(allocated(client, part))
    assert "Allocation 'Ours' specified is not valid." in refused(allocated(client, part, name="Ours"))
    assert "Required field SPLIT is missing" in refused(allocated(client))


@pytest.mark.parametrize(
    "text", ["Bücher & <Söhne> \"Ltd\" 'x'", "日本語テキスト", "Ελληνικά 🙂", "a]]>b", "tab\there"]
)
def test_b53_escapes_and_non_latin_text_survive_the_round_trip(client: SandboxClient, text: str) -> None:
    lines = client.pair(DESCRIPTION=escape(text), CUSTOMERID=escape(text)[:30] if "&" not in text else "C1007")
    answer = client.create(client.glbatch(lines, BATCH_TITLE=escape(text)))
    read = client.call(f"<read><object>GLBATCH</object><keys>{answer.record_no}</keys></read>")
    assert read.column("BATCH_TITLE") == [text]
    assert read.column("DESCRIPTION") == [text, text]
    found = client.call(
        "<query><object>GLBATCH</object><select><field>BATCH_TITLE</field></select><filter><equalto>"
        f"<field>BATCH_TITLE</field><value>{escape(text)}</value></equalto></filter></query>"
    )
    assert found.column("BATCH_TITLE") == [text]
