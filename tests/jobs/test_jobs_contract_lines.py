"""Contracts that are signed now and billed later: recognition follows the contract, billing follows the invoices."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.calendar import month_end
from revrec.core.contract_balance import BalanceSheet, ContractBalance
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS
from revrec.core.money import decimal_string, split
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.documents import retry_waiting
from revrec.jobs.importing.import_files import ContractImport, ImportResult, import_document
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports import lists
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.status import status
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.jobs.scheduling.rebuild import schedule
from revrec.sources import NATIVE_CHARGES
from support.books import Books, MakeBooks, MakeRow, Row
from support.intacct import Intacct

RULES = """
[[rule]]
name = "service"
when = { item = "*" }
recognize = { method = "monthly", periods = 36 }
"""
DELIVERED = """
[[rule]]
name = "delivery"
recognize = { method = "pod_date" }
"""
SIGNED = "2024-01-01"
MONTHS = [date(2024 + at // 12, at % 12 + 1, 1) for at in range(36)]
ENDS = [month_end(one) for one in MONTHS]
YEARLY = {"2024-01-01": 100_000, "2025-01-01": 200_000, "2026-01-01": 300_000}
AT_SIGNING = {"2024-01-01": 600_000}


def sign(books: Books, *rows: Row, modified: date | None = None, dry_run: bool = False) -> ImportResult:
    """Import rows as ``revrec contract import`` does."""
    path = books.file("contracts.csv", rows)
    contract = ContractImport(modified)
    return import_document(books.context("contract"), path, [NATIVE_CHARGES], dry_run=dry_run, contract=contract)[0]


def ramp(row: MakeRow, line: str = "1", **fields: str) -> Row:
    """The row of a contract line: 600,000.00 for three years."""
    plain = {"source": "crm", "line": line, "item": "SUB", "post_date": SIGNED, "amount": "600000.00"}
    return row(**({"document": "C-1"} | plain | fields))


def invoice(row: MakeRow, document: str, day: str, amount: int | str, **fields: str) -> Row:
    """The row of a line that bills the contract line."""
    plain = {"item": "SUB", "post_date": day, "amount": f"{amount}", "bills": "C-1/1"}
    return row(document, **(plain | fields))


def invoices(row: MakeRow, billed: dict[str, int]) -> Sequence[Row]:
    return [invoice(row, f"INV-{at}", day, f"{amount}.00") for at, (day, amount) in enumerate(billed.items(), 1)]


def balances(books: Books, day: date, planned: bool = True) -> list[ContractBalance]:
    return list(contract_balances(books.context("report"), BalanceOptions(day, planned=planned), BalanceSheet()))


def ties_out(books: Books, day: date) -> Iterator[str]:
    """Yield the checks of the reports of a day that fail."""
    context = books.context("report")
    for report in (
        rollforward(context, RollforwardOptions(DateSpan(date(2024, 1, 1), day))),
        remaining_obligations(context, day, "item", [12, 24]),
        waterfall(context, day, "item", date(2024, 1, 1), 12),
        tie_out(context, day),
    ):
        yield from (f"{report.title}: {one.name}: {one.left} {one.right}" for one in report.checks if one.difference)


@pytest.mark.slow
@pytest.mark.parametrize("billed", [YEARLY, AT_SIGNING], ids=["yearly", "at signing"])
def test_a_ramp_is_even_from_the_start_however_it_is_billed(
    offline: Books, row: MakeRow, billed: dict[str, int]
) -> None:
    offline.rules(RULES)
    assert sign(offline, ramp(row)).scheduled == 1
    assert offline.take(*invoices(row, billed)).billing == len(billed)
    cents = [amount for _day, amount in offline.open_parts("crm/C-1/1")]
    assert set(cents) == {16_666_66, 16_666_67} and sum(cents) == 600_000_00
    for at, day in enumerate(ENDS):
        (contract,) = balances(offline, day)
        is_billed = sum(amount for on, amount in billed.items() if on <= day.isoformat()) * 100
        assert contract.billed == is_billed and contract.recognized == sum(cents[: at + 1])
        assert contract.liability - contract.asset == is_billed - sum(cents[: at + 1])


@pytest.mark.slow
@pytest.mark.both_databases
def test_the_reports_tie_out_while_a_contract_is_an_asset_and_a_liability(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    sign(books, ramp(row))
    books.take(*invoices(row, YEARLY))
    assert books.run("2024-12-31").complete
    assert not list(ties_out(books, date(2024, 3, 31)))
    assert not list(ties_out(books, date(2024, 12, 31)))
    (contract,) = balances(books, date(2024, 12, 31), planned=False)
    assert (contract.liability, contract.asset) == (0, 100_000_00)
    (left,) = remaining_obligations(books.context("report"), date(2024, 12, 31), "item", [12]).rows
    assert {name: left[name] for name in ("total", "billed", "not_billed")} == {
        "total": "400000.00", "billed": "-100000.00", "not_billed": "500000.00",
    }  # fmt: skip
    assert not verify(books.context("verify")).findings
    found = status(books.context("status"))
    assert (found.charges, found.unscheduled, found.missing) == (4, 0, ())
    assert {one["charge"]: one["state"] for one in lists.charges(books.context("list"), NO_FILTERS)} == {
        "crm/C-1/1": "scheduled",
        "shop/INV-1/1": "bills a contract",
        "shop/INV-2/1": "bills a contract",
        "shop/INV-3/1": "bills a contract",
    }
    assert not schedule(books.context("schedule"), rebuild=True, reason="again").changes


def problem(books: Books, *rows: Row) -> str:
    """Return the one problem of a file of charge lines, which is refused."""
    result = books.import_file(books.file("refused.csv", rows))
    assert result.refused and not result.accepted
    (one,) = result.report
    return f"row {one['row']}: {one['field']} {one['value']}: {one['reason']}; {one['fix']}"


def test_what_does_not_fit_a_contract_line_is_a_problem_of_its_row(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row), ramp(row, line="2"))
    offline.take(invoice(row, "INV-1", SIGNED, "500000.00"))
    assert "names no contract line of these books; import the contract first" in problem(
        offline, invoice(row, "INV-2", SIGNED, "1.00", bills="C-2/1")
    )
    assert (
        "amount 100000.01: is more than the 100000.00 USD of crm/C-1/1 that is not billed: 500000.00 is billed"
        in problem(offline, invoice(row, "INV-2", SIGNED, "100000.01"))
    )
    assert "takes back more than the 500000.00 USD that is billed of crm/C-1/1" in problem(
        offline, invoice(row, "CRN-1", SIGNED, "-500000.01")
    )
    assert "customer C-OTHER: differs from the contract line crm/C-1/1 that it bills, which has C1007" in problem(
        offline, invoice(row, "INV-2", SIGNED, "1.00", customer="C-OTHER")
    )
    assert "currency EUR: differs" in problem(offline, invoice(row, "INV-2", SIGNED, "1.00", currency="EUR"))
    assert "entity E2: differs" in problem(offline, invoice(row, "INV-2", SIGNED, "1.00", entity="E2"))
    for fields in ({"bills": "C-1"}, {"bills": "", "contract": "C-1"}):
        assert "may bill any of 2 contract lines: crm/C-1/1, crm/C-1/2; name the one" in problem(
            offline, invoice(row, "INV-2", SIGNED, "1.00", **fields)
        )
    twice = [invoice(row, f"INV-{at}", SIGNED, "60000.00") for at in (2, 3)]
    assert "row 3: amount 60000.00: is more than the 40000.00 USD" in problem(offline, *twice)


def test_an_invoice_is_matched_by_its_contract_and_item_and_a_credit_by_what_it_credits(
    offline: Books, row: MakeRow
) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row), ramp(row, line="2", item="SETUP", amount="500.00"))
    taken = offline.take(
        invoice(row, "INV-1", SIGNED, "100000.00", bills="", contract="C-1"),
        invoice(row, "INV-1", SIGNED, "40.00", bills="", contract="C-1", line="2", item="USAGE"),
        invoice(row, "CRN-1", "2024-02-01", "-30000.00", bills="", credits="INV-1/1"),
        invoice(row, "INV-2", "2024-02-01", "500.00", bills="crm/C-1/2", item="ANY"),
    )
    assert (taken.billing, taken.scheduled) == (3, 1)
    found = offline.sql(
        "SELECT c.id, o.id, b.matched_by FROM billing_line b JOIN charge_line c ON c.no = b.charge_no"
        " JOIN charge_line o ON o.no = b.ordered_no ORDER BY c.id"
    )
    assert found == [
        ("shop/CRN-1/1", "crm/C-1/1", "credits"),
        ("shop/INV-1/1", "crm/C-1/1", "contract"),
        ("shop/INV-2/1", "crm/C-1/2", "bills"),
    ]


def test_the_contract_lines_that_a_file_bills_are_read_together(offline: Books, row: MakeRow) -> None:
    """Queries for each of them would be most of the work of such an import."""
    offline.rules(RULES)
    sign(offline, *(ramp(row, document=f"C-{at}") for at in range(40)))
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            queries.append(statement)

    def read_for(numbers: Sequence[int]) -> int:
        queries.clear()
        bills = [invoice(row, f"INV-{at}", SIGNED, "100.00", bills=f"C-{at}/1") for at in numbers]
        assert offline.take(*bills, name=f"bills-{len(bills)}.csv").billing == len(bills)
        return len(queries)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        few, many = read_for(range(2, 5)), read_for(range(5, 40))
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert few == many


def test_importing_the_files_again_changes_nothing(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    contract, bills = ramp(row), invoices(row, YEARLY)
    sign(offline, contract)
    offline.take(*bills)
    before = offline.content()
    assert (sign(offline, contract).unchanged, offline.take(*bills).unchanged) == (1, 3)
    assert offline.content() == before


def test_a_modified_contract_is_refused_without_its_day_and_changed_from_it_on(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row, amount="36000.00"))
    new = ramp(row, amount="72000.00")
    refused = sign(offline, new)
    assert refused.refused and "--modified DATE" in str(refused.report[0]["fix"])
    tried = sign(offline, new, modified=date(2025, 6, 30), dry_run=True)
    assert [one["event"] for one in tried.changes] == ["price on 2025-06-30"]
    assert len({amount for _day, amount in offline.open_parts("crm/C-1/1")}) == 1
    assert sign(offline, new, modified=date(2025, 6, 30)).changed == 1
    parts = offline.open_parts("crm/C-1/1")
    assert [amount for _day, amount in parts[:18]] == [1000_00] * 18
    assert [amount for _day, amount in parts[18:]] == [3000_00] * 18


def test_a_modified_contract_does_not_drop_a_line(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row), ramp(row, line="2"))
    refused = sign(offline, ramp(row), modified=date(2025, 6, 30))
    assert refused.refused and "cancel" in str(refused.report[0]["fix"])


@pytest.mark.parametrize("rules", [RULES, DELIVERED], ids=["scheduled", "waits for its delivery"])
def test_a_contract_that_arrives_after_its_invoice_is_refused(offline: Books, row: MakeRow, rules: str) -> None:
    offline.rules(rules)
    offline.take(invoice(row, "INV-1", SIGNED, "100.00", bills="", contract="C-1"))
    assert (
        "crm/C-1/1: shop/INV-1/1 has the same contract and item, was imported before"
        in sign(offline, ramp(row)).refused
    )


def test_events_belong_to_the_contract_line(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row))
    offline.take(invoice(row, "INV-1", SIGNED, "100000.00"))
    with pytest.raises(BadInput, match="it bills the contract line crm/C-1/1, which earns the revenue"):
        offline.event("shop/INV-1/1", "credit", "2024-02-01", amount=5)
    refused = offline.import_events({"charge": "shop/INV-1/1", "kind": "credit", "date": "2024-02-01", "amount": "5"})
    assert refused.refused and "record the event for crm/C-1/1" in str(refused.report[0]["reason"])
    offline.event("crm/C-1/1", "cancel", "2024-12-31", amount=400_000)
    assert sum(amount for _day, amount in offline.open_parts("crm/C-1/1")) == 200_000_00
    assert "is more than the 100000.00 USD" in problem(offline, invoice(row, "INV-2", "2025-01-01", "100000.01"))


def test_what_is_billed_of_a_canceled_contract_line_too_much_is_an_exception(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row))
    offline.take(*invoices(row, AT_SIGNING))
    offline.event("crm/C-1/1", "cancel", "2024-12-31", amount=400_000)
    (found,) = exceptions(offline.context("report"), ENDS[0]).rows
    assert (found["kind"], found["subject"], found["amount"]) == ("over-billed contract line", "crm/C-1/1", "400000.00")
    more = invoice(row, "INV-2", "2025-01-01", "1.00")
    assert "is more than the 0.00 USD of crm/C-1/1 that is not billed: 600000.00 is billed" in problem(offline, more)
    assert "takes back more than the 600000.00 USD" in problem(
        offline, invoice(row, "CRN-1", "2024-12-31", "-600000.01", bills="", credits="INV-1")
    )
    for document, amount in (("CRN-1", "-150000.00"), ("CRN-2", "-250000.00")):
        offline.take(invoice(row, document, "2024-12-31", amount, bills="", credits="INV-1"), name=f"{document}.csv")
    assert not exceptions(offline.context("report"), ENDS[0]).rows


def test_an_invoice_waits_in_the_quarantine_for_the_contract_line_that_it_names(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    early = offline.file("early.csv", [invoice(row, "INV-1", SIGNED, "100.00", bills="crm/C-1/1")])
    assert offline.import_file(early, keep_good=True).waits_for == ["crm/C-1/1"]
    (missing,) = quarantine.show(offline.context("quarantine"), 1).now
    assert (missing["field"], missing["reason"]) == ("bills", "names no contract line of these books")
    sign(offline, ramp(row))
    assert not quarantine.show(offline.context("quarantine"), 1).now
    retry_waiting(offline.context("import"))
    assert offline.sql("SELECT count(*) FROM billing_line") == [(1,)]


def test_a_contract_line_of_the_quarantine_is_checked_against_earlier_invoices_in_any_order(
    offline: Books, row: MakeRow
) -> None:
    offline.rules(RULES)
    contracts = [ramp(row, document=f"C-{at}", bills="later", currency="") for at in (1, 2)]
    offline.import_file(offline.file("contracts.csv", contracts), keep_good=True)
    for id in (1, 2):
        quarantine.fix(offline.context("quarantine"), id, {"currency": "USD"}, "as signed")
    offline.take(invoice(row, "INV-1", SIGNED, "100.00", bills="", contract="C-2"))
    refused = quarantine.release(offline.context("quarantine"), [1, 2]).refused
    assert "crm/C-2/1: shop/INV-1/1 has the same contract and item" in refused


def test_an_invoice_that_arrives_after_the_close_counts_in_the_next_month(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row))
    decide(offline.context("periods"), [MONTHS[0]], "closed", "reported")
    offline.take(invoice(row, "INV-1", "2024-01-31", "100000.00"))
    sheet, notes = BalanceSheet(), BalanceNotes()
    found = contract_balances(offline.context("report"), BalanceOptions(ENDS[0]), sheet, notes)
    assert [one.billed for one in found] == [0]
    assert [one.charge for one in notes.late] == ["shop/INV-1/1"]
    assert [one.billed for one in balances(offline, ENDS[1])] == [100_000_00]


def test_a_contract_line_and_its_invoices_can_be_in_one_file(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    taken = offline.take(ramp(row, bills="later"), *invoices(row, YEARLY))
    assert (taken.scheduled, taken.billing) == (1, 3)


def test_a_contract_line_is_voided_after_the_lines_that_bill_it(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    sign(offline, ramp(row))
    offline.take(invoice(row, "INV-1", SIGNED, "100000.00"))
    with pytest.raises(BadInput, match="is billed by shop/INV-1/1; void these lines first"):
        void_charge(offline.context("charge void"), "crm/C-1/1", "a test")
    void_charge(offline.context("charge void"), "shop/INV-1/1", "a test")
    void_charge(offline.context("charge void"), "crm/C-1/1", "a test")
    assert not balances(offline, ENDS[0]) and not list(ties_out(offline, ENDS[0]))
    assert not verify(offline.context("verify")).findings


ALLOCATION = """
[[table]]
name = "standalone"
file = "prices.csv"
key = "item"

[[allocation]]
name = "platform"
prices = "standalone"
contract_by = "dimensions.contract"
round_to = "1"
variable = [{ items = "ROYALTY", to = ["LICENSE-X", "LICENSE-Y"] }]
[allocation.when]
item = ["YEAR", "LICENSE-X", "LICENSE-Y", "ROYALTY"]

[[rule]]
name = "year"
when = { item = "YEAR" }
recognize = { method = "monthly", start = "service_start", periods = 12, on = "last" }

[[rule]]
name = "license"
when = { item = ["LICENSE-X", "LICENSE-Y"] }
recognize = { method = "pod_date" }
"""


def allocate(books: Books) -> None:
    books.rules(ALLOCATION)
    prices = "item,price,per\nYEAR,200000,line\nLICENSE-X,800,line\nLICENSE-Y,1000,line\n"
    (books.folder / "rules" / "prices.csv").write_text(prices)


def test_the_years_of_a_ramp_share_its_price_whatever_each_bills(offline: Books, row: MakeRow) -> None:
    allocate(offline)
    years = [
        ramp(row, str(at), item="YEAR", amount=f"{at}00000.00", contract="C-1", service_start=f"{2023 + at}-01-01")
        for at in (1, 2, 3)
    ]
    assert sign(offline, *years).scheduled == 3
    offline.take(
        *(invoice(row, f"INV-{at}", f"{2023 + at}-01-01", f"{at}00000.00", bills=f"C-1/{at}") for at in (1, 2, 3))
    )
    for at in (1, 2, 3):
        assert {amount for _day, amount in offline.open_parts(f"crm/C-1/{at}")} == {16_666_66, 16_666_67}
    found = {end: balances(offline, date.fromisoformat(end))[0] for end in ("2024-06-30", "2024-12-31", "2025-12-31")}
    assert {end: one.liability - one.asset for end, one in found.items()} == {
        "2024-06-30": 0, "2024-12-31": -100_000_00, "2025-12-31": -100_000_00,
    }  # fmt: skip
    assert not list(ties_out(offline, date(2024, 12, 31)))


def test_35_b_royalties_that_arrive_later_are_shared_by_both_licenses(offline: Books, row: MakeRow) -> None:
    """ASC 606-10-55-275 to 55-279, example 35, case B: 133 and 167 of the fixed 300, 89 and 111 of the royalties."""
    allocate(offline)
    license = {"contract": "C-1", "post_date": "2024-01-31"}
    sign(
        offline,
        ramp(row, item="LICENSE-X", amount="300.00", **license),
        ramp(row, "2", item="LICENSE-Y", amount="0.00", **license),
    )
    offline.event("crm/C-1/2", "pod", "2024-01-31")
    billed = offline.take(
        invoice(row, "INV-1", "2024-01-31", "300.00", item="LICENSE-X", bills="C-1/1"),
        invoice(row, "INV-2", "2024-02-29", "200.00", item="ROYALTY", bills="", contract="C-1"),
    )
    assert billed.billing == 1
    found = {
        day: (one.recognized, one.liability, one.asset)
        for day in ("2024-01-31", "2024-02-29")
        for one in balances(offline, date.fromisoformat(day))
    }
    assert found == {"2024-01-31": (167_00, 133_00, 0), "2024-02-29": (278_00, 222_00, 0)}
    offline.event("crm/C-1/1", "pod", "2024-04-30")
    (settled,) = balances(offline, date(2024, 4, 30))
    assert (settled.recognized, settled.liability, settled.asset) == (500_00, 0, 0)
    assert not list(ties_out(offline, date(2024, 4, 30)))


def test_the_reports_tie_out_with_royalties_shared_by_lines_of_which_one_waits(offline: Books, row: MakeRow) -> None:
    allocate(offline)
    offline.take(
        row("D1", item="LICENSE-X", amount="300.00", contract="C-1"),
        row("D1", line="2", item="LICENSE-Y", amount="0.00", contract="C-1"),
    )
    offline.event("shop/D1/2", "pod", "2024-01-31")
    offline.take(row("D2", item="ROYALTY", amount="200.00", contract="C-1", post_date="2024-02-29"))
    assert not list(ties_out(offline, date(2024, 4, 30)))


FINANCED = """
[[rule]]
name = "paid-in-advance"
when = { item = "SUB" }
recognize = { method = "fixed_offset", offset = "2 years" }
financing = { direction = "prepayment", rate = "6", term = "2 years", interest = "7100" }
"""


def test_a_contract_line_of_a_rule_with_financing_waits_with_the_reason(offline: Books, row: MakeRow) -> None:
    offline.rules(FINANCED)
    assert sign(offline, ramp(row, amount="4000.00")).unscheduled == 1
    waits = offline.trace("crm/C-1/1")["unscheduled"]
    assert "a contract line cannot have financing, since its invoices decide when it is paid" in waits["reason"]
    assert offline.sql("SELECT count(*) FROM charge_line") == [(1,)]


def test_revrec_invoices_what_bills_a_contract_and_not_the_contract_line(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.rules(RULES)
    config = books.folder / "revrec.toml"
    both = '[invoice.shop]\nas = "invoice"\n[invoice.crm]\nas = "invoice"\n'
    config.write_text(config.read_text() + f'[invoicing]\ndefault_term = "Net 30"\n{both}')
    intacct.admin("/items", id="SUB")
    sign(books, ramp(row))
    books.take(invoice(row, "INV-1", SIGNED, "100000.00"))
    assert books.run("2024-01-31").complete
    found = books.sql("SELECT c.id, l.account FROM invoice_line l JOIN charge_line c ON c.no = l.charge_no")
    assert found == [("shop/INV-1/1", "2400")]
    (contract,) = balances(books, ENDS[0], planned=False)
    assert (contract.billed, contract.recognized) == (100_000_00, 16_666_67)


DAYS = st.dates(date(2024, 1, 1), date(2024, 12, 31))
CONTRACTS = st.lists(
    st.fixed_dictionaries({
        "price": st.integers(3, 1_000_000),
        "signed": DAYS,
        "shares": st.lists(st.tuples(DAYS, st.integers(1, 3)), max_size=3),
        "raised": st.none() | DAYS,
    }),
    min_size=1, max_size=3,
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(contracts=CONTRACTS, ran=st.none() | DAYS, day=DAYS)
def test_the_balance_is_what_invoices_bill_less_what_the_contract_earns(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, contracts: Any, ran: date | None, day: date
) -> None:
    """Contracts of any price, billed in any parts on any days, posted before or not, of which some become dearer."""
    books, billed = fresh_books(intacct.environment), 0
    books.rules(RULES)
    for at, one in enumerate(contracts):
        own = {"document": f"C-{at}", "post_date": one["signed"].isoformat()}
        sign(books, ramp(row, **own, amount=decimal_string(one["price"], "USD")))
        parts = split(one["price"], [share for _day, share in one["shares"]] + [1], "cumulative")
        for number, ((on, _share), amount) in enumerate(zip(one["shares"], parts, strict=False)):
            if amount:
                text, names = decimal_string(amount, "USD"), {"bills": f"C-{at}/1", "line": f"{number}"}
                books.take(invoice(row, f"INV-{at}", on.isoformat(), text, **names))
                billed += amount if on <= day else 0
    if ran:
        assert books.run(ran.isoformat()).complete
    for at, one in enumerate(contracts):
        if one["raised"]:
            own = {"document": f"C-{at}", "post_date": one["signed"].isoformat()}
            text = decimal_string(one["price"] + 600, "USD")
            assert sign(books, ramp(row, **own, amount=text), modified=one["raised"]).changed == 1
    earned = sum(one.recognized for one in balances(books, day, planned=False))
    net = sum(one.liability - one.asset for one in balances(books, day, planned=False))
    assert net == billed - earned
    assert not list(ties_out(books, day))
    assert verify(books.context("verify")).sound
