"""Filters of reports: all parts add up to the whole report."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial

import pytest

from revrec.cli.reports.balance import BalanceRows, balance_report
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.known_time import KnownTime
from revrec.core.report import Report, address_of, minor_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.context import Context
from revrec.jobs.importing.import_files import ContractImport, import_document
from revrec.jobs.reports.activity import activity, drill_activity
from revrec.jobs.reports.balance_drill import drill_balance
from revrec.jobs.reports.disclosure_drill import drill_disclosures
from revrec.jobs.reports.disclosures import disclosures
from revrec.jobs.reports.drill import also_by_charge, drill
from revrec.jobs.reports.forecast import forecast
from revrec.jobs.reports.line_balances import balances_of
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.waterfall import KINDS, Cells, waterfall
from revrec.sources import NATIVE_CHARGES
from support.books import Books, MakeBooks, MakeRow, charge
from support.intacct import Intacct
from support.rule_texts import DELIVERY

DAY = date(2024, 2, 29)
KEYS = ("period", "currency", "item", "account", "timing", "category", "expedient")
NETTED = ("from_opening_liability", "from_period", "recognized_from_opening", "recognized_from_period")
RULES = f"""{DELIVERY}[rule.constraint]
percent = 10
until = "30 days"
from = "delivered"
reason = "right of return"
[[rule.cost]]
name = "principal"
percent = "80"
deferred = "2410"
expense = "4000"

[[rule]]
name = "magazine"
when = {{ item = "MAG-*" }}
recognize = {{ method = "monthly", periods = 3 }}
[rule.disclose]
within_a_year = true

[[rule]]
name = "license"
when = {{ item = "LIC-*" }}
recognize = {{ method = "fixed_offset", offset = "2 years" }}
[rule.financing]
direction = "prepayment"
rate = "6"
term = "2 years"
interest = "5000"
by = "period"

[[rule]]
name = "service"
when = {{ item = "SUB" }}
recognize = {{ method = "monthly", periods = 12 }}
disclose = {{ notice = "2 months" }}
"""


@pytest.fixture
def sold(fresh_books: MakeBooks, intacct: Intacct, row: MakeRow) -> Books:
    """Books with costs of a principal, constrained amounts, interest, a contract line and what bills it, posted."""
    intacct.admin("/accounts", id="2410")
    books = fresh_books(intacct.environment)
    books.rules(RULES)
    signed = {"source": "crm", "item": "SUB", "post_date": "2024-01-01", "amount": "1200.00", "customer": "C1008"}
    path = books.file("contracts.csv", [row("K-1", **signed)])
    import_document(books.context("contract"), path, [NATIVE_CHARGES], contract=ContractImport(None))
    books.take(
        row("D1", amount="30.00", post_date="2024-01-01"),
        row("D2", amount="-9.00", post_date="2024-01-01"),
        row("D3", item="POD-1", amount="100.00", post_date="2024-01-10"),
        row("D4", item="POD-1", amount="50.00", post_date="2024-01-10", customer="C1008"),
        row("D5", item="LIC-1", amount="4000.00", post_date="2024-01-01"),
        row("D6", item="LIC-1", amount="400.00", post_date="2024-02-01", customer="C1008"),
        row("D7", item="MAG-1", amount="24.00", post_date="2024-02-10", customer="C1008"),
        row("D9", item="MAG-1", amount="36.00", post_date="2024-02-10", currency="EUR", contract="CON-1"),
        row("D8", item="SUB", amount="300.00", post_date="2024-02-01", customer="C1008", bills="K-1/1"),
    )
    books.event("shop/D3/1", "pod", "2024-02-20")
    assert books.run(str(DAY)).complete
    return books


def reports(context: Context, filters: Filters = NO_FILTERS, by: str = "item") -> Iterator[Report]:
    """Yield the three reports with filters."""
    yield waterfall(context, DAY, by, date(2024, 2, 1), 3, filters, Cells(KINDS))
    yield remaining_obligations(context, DAY, by, (1, 12), filters)
    yield activity(context, DateSpan(date(2024, 2, 1), DAY), "month", filters)


def amounts(found: Iterable[Report]) -> Counter[tuple[str, ...]]:
    """Return the amounts of reports by row and column, in minor units, and how many lines are left out; no zeros."""
    sums: Counter[tuple[str, ...]] = Counter()
    for report in found:
        for row in report.rows:
            key = [str(row[name]) for name in KEYS if name in row]
            for column in report.amounts:
                sums[*key, column] += minor_of(row, column)
            sums[*key, "left_out_lines"] += row.get("left_out_lines", 0)
    return Counter({key: amount for key, amount in sums.items() if amount})


PARTS = ["customer", "dimension", *(pytest.param(one, marks=pytest.mark.slow) for one in ("item", "id", "currency"))]
"""The filters whose parts add up; ``id`` is the column of ``charge``."""


def filters_of(books: Books, name: str) -> dict[str, Filters]:
    """Return the filters of each value of a column of charge lines, or of the dimension ``contract``."""
    if name == "dimension":
        return {one: Filters(dimension=(f"contract={one}",)) for one in ("CON-1", "")}
    values = [one for (one,) in books.sql(f"SELECT DISTINCT {name} FROM charge_line")]
    return {one: Filters(**{{"id": "charge"}.get(name, name): one}) for one in values}


@pytest.mark.both_databases
@pytest.mark.parametrize("name", PARTS)
def test_the_parts_of_a_report_add_up_to_the_whole(sold: Books, name: str) -> None:
    context, whole = sold.context("report"), list(reports(sold.context("report")))
    assert all(report.ties_out and report.checks for report in whole)
    option = {"id": "charge"}.get(name, name)
    parts = {value: list(reports(context, filters)) for value, filters in filters_of(sold, name).items()}
    for at, report in enumerate(whole):
        # A charge line is selected with what it owes to a principal; the activity selects journal lines.
        is_by_line = report.header["report"] == "activity"
        some = [found[at] for value, found in parts.items() if is_by_line or ":cost:" not in value]
        assert amounts(some) == amounts([report]), report.title
        assert all(part.ties_out and part.header[option] for part in some), report.title
        has_checks = name in ("customer", "currency") or report.header["report"] == "activity"
        assert all(bool(part.checks) == has_checks for part in some if part.rows), report.title


@pytest.mark.parametrize("name", PARTS)
def test_the_parts_of_the_disclosures_add_up_to_the_whole(sold: Books, name: str) -> None:
    context, whole = sold.context("report"), list(disclosed(sold.context("report")))
    chosen = [filters for value, filters in filters_of(sold, name).items() if ":cost:" not in value]
    parts = [list(disclosed(context, filters)) for filters in chosen]
    assert amounts(report for some in parts for report in some) == amounts(whole)
    assert [
        (report.title, report.differences) for some in (whole, *parts) for report in some if not report.ties_out
    ] == []
    assert all(
        report.checks for some in parts for report in some if report.title.startswith("Revenue that") and report.rows
    )


def disclosed(context: Context, filters: Filters = NO_FILTERS) -> Iterator[Report]:
    """Yield the disclosures with filters, without amounts that are netted by contract: these do not add up."""
    for table in disclosures(context, DateSpan(date(2024, 2, 1), DAY), quarterly=False, filters=filters).tables:
        if table.name not in ("D1", "D4"):
            yield table.report._replace(amounts=[one for one in table.report.amounts if one not in NETTED])


def test_a_part_of_the_books_of_an_earlier_moment_is_as_it_was(sold: Books) -> None:
    filters, then = Filters(customer="C1007"), sold.audit_seq()
    before = amounts(reports(sold.context("report"), filters))
    sold.event("shop/D1/1", "credit", "2024-02-20", amount=3)
    assert amounts(reports(sold.context("report"), filters)) != before
    context = sold.context("report")
    context.database.read_as_known(KnownTime(str(then), then))
    assert amounts(reports(context, filters)) == before


def test_the_activity_of_an_account_is_its_own_rows_without_the_other_side(sold: Books) -> None:
    context, span = sold.context("report"), DateSpan(date(2024, 2, 1), DAY)
    whole, one = (activity(context, span, "month", filters) for filters in (NO_FILTERS, Filters(account="2410")))
    assert one.rows and one.rows == [row for row in whole.rows if row["account"] == "2410"]
    assert one.checks == []


@pytest.mark.parametrize(("rows", "of_each"), [(1, 2), pytest.param(2, 20, marks=pytest.mark.slow)])
def test_a_figure_of_a_part_has_what_is_behind_it(sold: Books, rows: int, of_each: int) -> None:
    context, filters = sold.context("report"), Filters(customer="C1008")
    by_charge, figures = list(reports(context, filters, also_by_charge("item"))), 0
    for at, report in enumerate(reports(context, filters)):
        for row in report.rows[:rows]:
            for column in report.amounts:
                address = address_of(report, row, column)
                if report.header["report"] == "activity":
                    behind = drill_activity(context, report, address, filters)
                else:
                    make = partial(by_charge.__getitem__, at)
                    behind = drill(context, report, address, make)
                assert behind.ties_out, (address, behind.differences)
                figures += 1
    span = DateSpan(date(2024, 2, 1), DAY)
    for table in disclosures(context, span, quarterly=False, filters=filters).tables:
        keys = [name for name in (*KEYS, "balance", "entity") if name in table.report.columns]
        for row in table.report.rows[:rows]:
            for column in [name for name in table.report.amounts if row[name] not in (None, "0.00")][:of_each]:
                named = [f"{name}={row[name]}" for name in keys]
                address = ",".join([f"disclosure={table.name}", *named, f"column={column}"])
                behind = drill_disclosures(context, span, False, address, filters)
                assert behind.ties_out and behind.rows, (address, behind.differences)
                figures += 1
    for show in BalanceRows:
        wanted = balances_of(DAY, filters)
        balances = balance_report(context, wanted, show)
        for row in balances.rows[:rows]:
            for column in balances.amounts:
                behind = drill_balance(context, wanted, balances, address_of(balances, row, column), False)
                assert behind.ties_out, (row, column, behind.differences)
                figures += 1
    assert figures > 50 * rows


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(customer="C-1"), "--customer C-1: unknown; charge lines name C1007"),
        (Filters(item="MAG-9"), "--item MAG-9: no such item"),
        (Filters(charge="D1"), "--charge D1: no such charge; a charge's id is SOURCE/DOCUMENT/LINE"),
        (Filters(rule="gone"), "--rule gone: no charge line follows this rule"),
        (Filters(account="9"), "--account 9: unknown"),
        (Filters(entity="E-9"), "E-9"),
        (Filters(currency="EUR"), "--currency EUR: unknown; charge lines are in USD"),
        (Filters(dimension=("contract=9",)), "--dimension contract=9: unknown; charge lines have CON-1"),
        (
            Filters(dimension=("contract=CON-1", "region=9")),
            "--dimension region=9: unknown; charge lines have contract",
        ),
    ],
)
def test_a_filter_that_the_books_do_not_know_is_refused(
    offline: Books, row: MakeRow, filters: Filters, words: str
) -> None:
    offline.take(row("D1", contract="CON-1"))
    context = offline.context("report")
    makers: Sequence[Callable[[], object]] = (
        partial(waterfall, context, DAY, "item", DAY, 3, filters),
        partial(remaining_obligations, context, DAY, "item", (12,), filters),
        partial(activity, context, DateSpan(DAY, DAY), "month", filters),
        partial(rollforward, context, RollforwardOptions(DateSpan(DAY, DAY), filters=filters)),
        partial(disclosures, context, DateSpan(DAY, DAY), quarterly=False, filters=filters),
    )
    for make in makers:
        with pytest.raises(BadInput, match=words):
            make()


@pytest.mark.both_databases
def test_rows_by_several_fields_add_up_to_the_rows_by_each(sold: Books) -> None:
    context, span = sold.context("report"), DateSpan(date(2024, 1, 1), DAY)
    makers: Sequence[Callable[[str], Report]] = (
        lambda by: waterfall(context, DAY, by, date(2024, 2, 1), 3),
        lambda by: remaining_obligations(context, DAY, by, (1, 12)),
        lambda by: revenue(context, span, "month", by),
        lambda by: forecast(context, span, by, "1"),
    )
    for make in makers:
        both = make("customer,rule")
        assert {row["customer"] for row in both.rows} == {"C1007", "C1008"}
        for name in ("customer", "rule"):
            assert sums_by(name, both) == sums_by(name, make(name)), both.title
        with pytest.raises(BadInput, match=r"--by dimensions\.region: no charge line has the dimension region"):
            make("customer,dimensions.region")


def sums_by(name: str, report: Report) -> Counter[tuple[str, ...]]:
    """Return the amounts of a report by one field, column and period, in minor units; no zeros."""
    sums: Counter[tuple[str, ...]] = Counter()
    for row in report.rows:
        for column in report.amounts:
            sums[row[name], row["currency"], str(row.get("period")), column] += minor_of(row, column)
    return Counter({key: amount for key, amount in sums.items() if amount})


@pytest.mark.both_databases
def test_the_waterfall_by_contract_has_the_contracts_of_the_balances(sold: Books) -> None:
    sold.take(charge("D10", amount="-3.00", post_date="2024-02-20", credits="D7/1", item="MAG-1"))
    assert sold.run(str(DAY)).complete
    context = sold.context("report")
    for net in (False, True):
        by_contract = waterfall(context, DAY, "contract", date(2024, 2, 1), 3, shown=Cells(net=net))
        assert by_contract.ties_out and by_contract.checks
        names = {
            row["contract"]
            for row in balance_report(context, balances_of(DAY, NO_FILTERS), BalanceRows.contracts, True).rows
        }
        assert {row["contract"] for row in by_contract.rows} <= names and "CON-1" in names
        both = waterfall(context, DAY, "contract,item", date(2024, 2, 1), 3, shown=Cells(net=net))
        assert sums_by("contract", both) == sums_by("contract", by_contract)
        by_charge = waterfall(context, DAY, "contract,charge", date(2024, 2, 1), 3, shown=Cells(net=net))
        of_credit = {row["charge"]: row["contract"] for row in by_charge.rows}
        assert of_credit["shop/D7/1"] == "shop/D7" and of_credit.get("shop/D10/1", "shop/D7") == "shop/D7"
    address = "contract=shop/D7,currency=USD,column=total"
    behind = drill(context, by_contract, address, lambda: by_charge)
    assert behind.ties_out and {one["charge"] for one in behind.rows} == {"shop/D7/1", "shop/D10/1"}
    with pytest.raises(BadInput, match="--by contract has no amounts in base currency: leave out --base"):
        waterfall(context, DAY, "contract", date(2024, 2, 1), 3, shown=Cells(base=True))
