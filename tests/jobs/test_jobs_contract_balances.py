"""Contract assets and liabilities: what was billed less what was earned, line by line, netted by contract."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.contract_balance import BalanceSheet, BalanceTotal, ContractBalance
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.money import decimal_string
from revrec.core.pricing import price_of
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.contract_balances import contract_balances, contract_name
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.preview import preview
from revrec.store import charges, events
from revrec.store.posting import posted
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.rule_texts import BUNDLES

ON_DELIVERY = '[[rule]]\nname = "delivery"\nrecognize = { method = "pod_date" }\n'
BUNDLED_GOODS = f"""{BUNDLES}[allocation.when]
item = ["GOODS-*", "MAG-1"]
[[rule]]
name = "goods"
[rule.when]
item = ["GOODS-*"]
[rule.recognize]
method = "fixed_offset"
[[rule]]
name = "on-its-day"
[rule.when]
item = "ODD"
[rule.recognize]
method = "rev_rec_date"
[[rule]]
name = "service"
priority = 1
[rule.recognize]
method = "monthly"
periods = 24
on = "last"
"""


class Reported(NamedTuple):
    """A report as it was asked for."""

    contracts: dict[str, ContractBalance]
    sheet: BalanceSheet

    @property
    def nets(self) -> dict[str, int]:
        """Liabilities above zero and assets below it, by contract, of those that have one."""
        nets = {name: one.liability - one.asset for name, one in self.contracts.items()}
        return {name: net for name, net in nets.items() if net}

    @property
    def total(self) -> BalanceTotal:
        (total,) = self.sheet.totals()
        return total

    def account(self, number: str = "2400") -> Any:
        (found,) = (one for one in self.sheet.accounts() if one.account == number)
        return found


def report(books: Books, day: str, **how: Any) -> Reported:
    sheet = BalanceSheet()
    found = list(
        contract_balances(books.context("report balance"), BalanceOptions(date.fromisoformat(day), **how), sheet)
    )
    named = {contract_name(one.contract): one for one in found}
    assert len(named) == len(found)
    return Reported(named, sheet)


def invoiced(books: Books, intacct: Intacct, how: str) -> None:
    """Let the documents of the shop be invoiced from here; Intacct knows their items."""
    config = books.folder / "revrec.toml"
    wish = f'[invoicing]\ndefault_term = "Net 30"\n[invoice.shop]\nas = "{how}"\n'
    config.write_text(config.read_text() + wish)
    for item in ("MAG-1", "GOODS-1", "NEW-1", "ODD"):
        intacct.admin("/items", id=item)


class TestTheStandardsExamples:
    """ASC 606-10-55, Examples 38 to 40 (IFRS 15.IE197 to IE208)."""

    @pytest.mark.parametrize(("case", "billed"), [("A", "2019-03-01"), ("B", "2019-01-31")])
    def test_38_a_payment_in_advance_is_a_liability_from_when_it_is_paid_or_due(
        self, case: str, billed: str, books: Books, row: MakeRow
    ) -> None:
        books.rules(ON_DELIVERY)
        books.take(row(item="POD-1", post_date=billed, amount="1000.00"))
        assert report(books, "2019-01-30").nets == {}
        assert report(books, billed).nets == {"shop/INV-1": 100_000}
        books.event("shop/INV-1/1", "pod", "2019-03-31")
        books.run("2019-03-31")
        assert report(books, "2019-03-30").nets == {"shop/INV-1": 100_000}
        assert report(books, "2019-03-31").nets == {}

    def test_39_what_is_delivered_and_cannot_be_billed_yet_is_a_contract_asset(
        self, books: Books, row: MakeRow
    ) -> None:
        books.rules(ON_DELIVERY)
        both = [row(line=line, item="POD-1", post_date="2019-05-31", amount=amount, contract="CON-7")
                for line, amount in (("A", "400.00"), ("B", "600.00"))]  # fmt: skip
        books.take(*both)
        books.event("shop/INV-1/A", "pod", "2019-03-31")
        books.run("2019-03-31")
        found = report(books, "2019-03-31")
        assert (found.total.asset, found.total.liability) == (40_000, 0) and found.nets == {"CON-7": -40_000}
        account = found.account()
        assert (account.balance, account.reclassify, account.presented) == (-40_000, 40_000, 0)
        books.event("shop/INV-1/B", "pod", "2019-05-31")
        books.run("2019-05-31")
        assert report(books, "2019-05-31").nets == {}, "1,000 are receivable, no asset is left"

    def test_40_what_is_billed_and_will_be_given_back_is_a_liability(self, books: Books, row: MakeRow) -> None:
        rebate = 'name = "rebate"\npriority = 200\nwhen = { item = "TOY-1" }'
        held = f'[[rule]]\n{rebate}\nrecognize = {{ method = "hold", reason = "volume" }}\n'
        books.rules(ON_DELIVERY + held)
        books.take(row(item="POD-1", amount="12500.00"), row(line="2", item="TOY-1", amount="2500.00"))
        books.event("shop/INV-1/1", "pod", "2024-01-05")
        books.run("2024-01-05")
        (contract,) = report(books, "2024-01-05").contracts.values()
        assert (contract.billed, contract.recognized, contract.liability) == (1_500_000, 1_250_000, 250_000)


@pytest.mark.both_databases
def test_it_ties_to_the_entries_and_to_the_ledger(books: Books, intacct: Intacct, row: MakeRow) -> None:
    """Revenue that is invoiced from here: Intacct's ledger has both sides of every balance."""
    invoiced(books, intacct, "invoice")
    (books.folder / "rules" / "ssp.csv").write_text("item,price\nGOODS-1,60\nMAG-1,40\n")
    cost = '[[rule.cost]]\nname = "cogs"\npercent = "50"\ndeferred = "1300"\nexpense = "5000"\n'
    books.rules(BUNDLED_GOODS + cost)
    books.take(
        row("INV-1", line="1", item="GOODS-1", amount="0.00"),
        row("INV-1", line="2", amount="100.00"),
        row("INV-2", item="NEW-1", amount="48.00", post_date="2024-02-10"),
        row("INV-2", line="2", item="NEW-1", amount="-12.00", post_date="2024-02-10"),
        row("INV-3", item="ODD", amount="24.00", post_date="2024-05-10", rev_rec_date="2024-01-31"),
    )
    assert books.run("2024-03-31").complete
    end = date(2024, 3, 31)
    found = report(books, "2024-03-31")
    assert found.nets == {"shop/INV-1": 10_000 - 6_000 - 500, "shop/INV-2": 3_600 - 300, "shop/INV-3": -2_400}
    setup = next(line for line in found.contracts["shop/INV-1"].lines if line.charge == "shop/INV-1/1")
    assert setup.balance == -6_000, "billed at nothing and earned at once: netted within its contract"
    balances = {one.account: one for one in reconcile(books.context("reconcile"), end).balances}
    assert found.account().balance == -balances["2400"].intacct == 6_800 - 2_400
    with books.context().database.read() as connection:
        moved = posted.account_sums(connection, date(2024, 1, 1), end)
    assert found.account().billed - moved["2400", "USD"] == found.account().balance
    costs = found.account("1300")
    assert (costs.of, costs.billed, costs.reclassify) == ("costs", -5_000 - 1_800, 0)
    assert costs.billed - moved["1300", "USD"] == costs.balance == -found.total.costs
    assert (found.total.liability, found.total.asset) == (6_800, 2_400), "a cost is netted with no liability"


@pytest.mark.both_databases
def test_contracts_are_reported_by_allocation_dimension_or_document(offline: Books, row: MakeRow) -> None:
    (offline.folder / "rules" / "ssp.csv").write_text("item,price\nGOODS-1,60\nMAG-1,40\n")
    offline.rules(BUNDLED_GOODS)
    offline.take(
        row('Ä"1\\', line="1", item="GOODS-1", amount="10.00"),
        row('Ä"1\\', line="2", amount="10.00"),
        row('Ä"1\\', line="3", item="NEW-1", customer="C2", amount="5.00"),
        row("INV-2", line="1", item="NEW-1", amount="7.00", contract="Zoë's", project="P1"),
        row("INV-3", line="1", item="NEW-1", amount="9.00", contract="Zoë's", entity="E2"),
        row("INV-4", line="1", item="NEW-1", amount="11.00", currency="EUR"),
    )
    members = {}
    for by in ("contract", "document", "customer", "dimensions.project"):
        sheet = BalanceSheet()
        found = contract_balances(offline.context(), BalanceOptions(date(2024, 1, 5), by=by), sheet)
        members[by] = [(contract_name(one.contract), one.entity, one.currency, len(one.lines)) for one in found]
        assert [(one.entity, one.currency) for one in sheet.totals()] == [("", "EUR"), ("", "USD"), ("E2", "USD")]
    document, others = ('shop/Ä"1\\', "", "USD", 3), ("shop/INV-4", "", "EUR", 1)
    assert sorted(members["contract"]) == sorted([document, others, ("Zoë's", "", "USD", 1), ("Zoë's", "E2", "USD", 1)])
    assert document in members["document"] and ("shop/INV-3", "E2", "USD", 1) in members["document"]
    assert ('shop/Ä"1\\', "", "USD", 2) in members["customer"], (
        "an allocated contract is one contract, whatever is asked"
    )
    assert {("C2", "", "USD", 1), ("C1007", "", "EUR", 1)} < set(members["customer"])
    assert ("P1", "", "USD", 1) in members["dimensions.project"] and document in members["dimensions.project"]
    assert report(offline, "2024-01-05", customer="C2").total.liability == 500
    assert report(offline, "2024-01-05", entity="E2").total.liability == 900
    assert report(offline, "2024-01-05", account="4000").contracts == {}
    for wrong in ("item", 'dimensions."x', "dimensions."):
        with pytest.raises(BadInput, match="--by"):
            report(offline, "2024-01-05", by=wrong)


def test_credits_new_prices_and_refunds_count_from_their_day(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2"), row("INV-3"))
    books.event("shop/INV-1/1", "credit", "2024-02-20", amount=6)
    books.event("shop/INV-2/1", "price", "2024-02-20", amount=36)
    books.event("shop/INV-3/1", "cancel", "2024-02-20", amount=20)
    books.run("2024-02-29")
    before, after = report(books, "2024-02-19"), report(books, "2024-02-29")
    assert before.nets == {f"shop/INV-{number}": 2400 - 400 for number in (1, 2, 3)}
    assert after.nets == {"shop/INV-1": 1800 - 400, "shop/INV-2": 3600 - 400}, (
        "of the third, 20.00 were left and refunded"
    )


def test_what_is_due_within_a_year_is_current(offline: Books, row: MakeRow) -> None:
    (offline.folder / "rules" / "ssp.csv").write_text("item,price\nGOODS-1,60\n")
    offline.rules(BUNDLED_GOODS)
    fees = {"item": "ODD", "amount": "5.00", "rev_rec_date": "2024-01-31"}
    offline.take(
        row("INV-1", item="NEW-1", amount="24.00"),
        row("INV-2", line="1", post_date="2025-01-31", **fees),
        row("INV-2", line="2", post_date="2025-02-01", **fees),
        row("INV-3", line="1", item="ODD", amount="12.00", rev_rec_date="2024-06-01"),
        row("INV-3", line="2", item="NEW-1", amount="24.00", post_date="2024-06-01"),
    )
    found = report(offline, "2024-01-31", planned=True)
    assert found.total == BalanceTotal("", "USD", 3500, 1100, 1000, 500, 0, 0, 0, 0), (
        "12 of 23 months to come; one bill of two"
    )
    assert report(offline, "2024-01-31").total == BalanceTotal("", "USD", 3600, 1100, 0, 0, 0, 0, 0, 0), (
        "what is late is due at once"
    )
    assert report(offline, "9999-12-31", planned=True).nets == {}


def test_a_line_that_waits_is_on_the_account_of_its_rule(offline: Books, row: MakeRow) -> None:
    offline.rules(ON_DELIVERY + '[rule.post]\ndeferred = "2410"\naccrued = "4000"\n[[rule.cost]]\nname = "cogs"\n'
                  'percent = "40"\ndeferred = "1300"\nexpense = "5000"\n')  # fmt: skip
    offline.take(row(item="POD-1", amount="100.00"))
    found = report(offline, "2024-01-31")
    assert {one.account: one.balance for one in found.sheet.accounts()} == {"2410": 10_000, "1300": -4_000}


def test_what_intacct_refused_is_not_recognized(books: Books, row: MakeRow) -> None:
    books.rules('[[rule]]\nname = "date"\nrecognize = { method = "fixed_offset" }\npost = { accrued = "98765" }\n')
    books.take(row())
    assert not books.run("2024-01-31").complete
    (contract,) = report(books, "2024-01-31").contracts.values()
    assert (contract.recognized, contract.planned, contract.liability) == (0, 2400, 2400)
    assert report(books, "2024-01-31", planned=True).nets == {}


def test_a_document_that_is_to_be_invoiced_is_billed_when_it_is(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row())
    assert report(books, "2024-01-31").total.liability == 2400
    invoiced(books, intacct, "sales_order")
    assert report(books, "2024-01-31").nets == {}
    assert books.run("2024-01-31").complete
    assert report(books, "2024-01-31").nets == {"shop/INV-1": 2200}


DAYS = st.dates(date(2024, 1, 1), date(2025, 3, 1)).map(str)
LINES = st.lists(
    st.fixed_dictionaries({
        "amount": st.integers(-5000, 5000).filter(bool),
        "post_date": DAYS,
        "item": st.sampled_from(["MAG-1", "GOODS-1", "POD-1"]),
        "contract": st.sampled_from(["", "CON-7"]),
        "currency": st.sampled_from(["USD", "EUR"]),
        "document": st.sampled_from(["D1", "D2"]),
        "events": st.lists(st.tuples(st.sampled_from(["credit", "price", "cancel", "pod"]), DAYS, st.integers(-40, 40)),
                           max_size=2),
    }), min_size=1, max_size=8,
)  # fmt: skip


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lines=LINES, day=DAYS)
def test_whatever_was_billed_and_earned_is_in_one_balance_once(
    fresh_books: MakeBooks, row: MakeRow, lines: Any, day: str
) -> None:
    books = fresh_books({})
    rows = filled(books, row, lines)
    found = report_all(books, day)
    expected = _expected(books, rows, day)
    nets = {(contract_name(one.contract), one.currency): one.liability - one.asset for one in found[0]}
    assert {key: net for key, net in nets.items() if net} == {key: net for key, net in expected.items() if net}
    assert not any(one.asset and one.liability for one in found[0])
    for total in found[1].totals():
        accounts = [one for one in found[1].accounts() if one.currency == total.currency]
        assert sum(one.balance for one in accounts) == total.liability - total.asset
        assert sum(one.presented for one in accounts) == total.liability
        assert sum(one.reclassify for one in accounts) == total.asset
        assert all(one.credit - one.debit == one.billed - one.recognized == one.balance for one in accounts)
        assert 0 <= total.liability_noncurrent <= total.liability and 0 <= total.asset_noncurrent <= total.asset


@pytest.mark.slow
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lines=LINES, runs=st.lists(DAYS, min_size=1, max_size=2), day=DAYS)
def test_billed_lines_less_posted_entries_are_what_the_account_shows_on_any_day(
    fresh_books: MakeBooks,
    row: MakeRow,
    intacct: Intacct,
    lines: Any,
    runs: Any,
    day: str,
) -> None:
    books = fresh_books(intacct.environment)
    filled(books, row, lines)
    for until in runs:
        assert books.run(until).complete
    _contracts, sheet = report_all(books, day, planned=False)
    with books.context().database.read() as connection:
        moved = posted.account_sums(connection, date(2024, 1, 1), date.fromisoformat(day))
    shown = {one.currency: one for one in sheet.accounts()}
    for currency in ("USD", "EUR"):
        credited = moved.get(("2400", currency), 0)
        assert credited == (shown[currency].recognized if currency in shown else 0)
        assert currency not in shown or shown[currency].balance == shown[currency].billed - credited


def filled(books: Books, row: MakeRow, lines: Any) -> list[dict[str, str]]:
    """Let charge lines and their events come in; the rows of the lines."""
    rows = []
    for at, one in enumerate(lines, 1):
        fields = {name: value for name, value in one.items() if name not in ("events", "amount")}
        rows.append(row(line=str(at), **fields, amount=decimal_string(one["amount"], one["currency"])))
    books.take(*rows)
    for at, one in enumerate(lines, 1):
        for kind, when, amount in one["events"]:
            books.event(f"shop/{one['document']}/{at}", kind, when, amount=None if kind == "pod" else amount)
    return rows


def report_all(books: Books, day: str, planned: bool = True) -> tuple[list[ContractBalance], BalanceSheet]:
    sheet = BalanceSheet()
    wanted = BalanceOptions(date.fromisoformat(day), planned=planned)
    return list(contract_balances(books.context(), wanted, sheet)), sheet


def _expected(books: Books, rows: list[dict[str, str]], day: str) -> dict[tuple[str, str], int]:
    """Net balances from what the other commands show: prices by events, recognition by the preview."""
    until = date.fromisoformat(day)
    earned: Counter[str] = Counter()
    for one in preview(books.context(), Filters(last=until)).lines:
        earned[one.charge] += int(one.amount.replace(".", ""))
    nets: dict[tuple[str, str], int] = defaultdict(int)
    with books.context().database.read() as connection:
        for no, fields in enumerate(rows, 1):
            line, facts = charges.read_charge(connection, no), events.events_of_charges(connection, [no]).get(no, [])
            price = price_of(line, [fact for fact in facts if fact.date <= until])
            key = (fields["contract"] or f"shop/{fields['document']}", line.currency)
            nets[key] += (price if line.post_date <= until else 0) - earned[line.id]
    return nets
