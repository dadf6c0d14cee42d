"""Foreign currencies: what goes to Intacct beside the amount, from the file to the ledger."""

import tomllib
from datetime import date
from decimal import Decimal

import pytest

from revrec.core.errors import BadConfiguration, BadInput
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reports.exchange import exchange
from revrec.jobs.running.reverse import reverse
from support.books import ROOT, Books, MakeRow


@pytest.mark.both_databases
def test_a_magazine_billed_in_euro_is_earned_at_the_rate_of_its_invoice(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", currency="EUR", post_date="2024-01-05"), row("INV-2", post_date="2024-01-05"))
    assert books.run("2024-03-31").complete
    requests = [text for (text,) in books.sql("SELECT request FROM attempt ORDER BY id") if "<GLENTRY>" in text]
    euro, dollar = ([text for text in requests if f"<CURRENCY>{one}<" in text] for one in ("EUR", "USD"))
    assert len(euro) == len(dollar) == 3
    for text in euro:
        assert text.count("<EXCH_RATE_DATE>01/05/2024</EXCH_RATE_DATE>") == 2
        assert text.count("<EXCH_RATE_TYPE_ID>Intacct Daily Rate</EXCH_RATE_TYPE_ID>") == 2
    assert not any("EXCH_RATE" in text for text in dollar)
    assert verify(books.context("verify")).sound


@pytest.mark.parametrize("word", ["recognized", "recognised"])
def test_the_rate_of_the_entry_s_date_is_a_setting_under_its_former_name_too(
    word: str, books: Books, row: MakeRow
) -> None:
    config = books.folder / "revrec.toml"
    config.write_text(f'{config.read_text()}\n[gateway]\nrate_date = "{word}"\n')
    books.take(row("INV-1", currency="EUR"))
    assert books.run("2024-01-31").complete
    ((request,),) = books.sql("SELECT request FROM attempt WHERE request LIKE '%<GLENTRY>%'")
    assert "EXCH_RATE_DATE" not in request and request.count("EXCH_RATE_TYPE_ID") == 4


RATES = "currency,date,rate\nEUR,2024-01-01,1.10\nEUR,2024-03-01,1.2000\nJPY,2023-01-01,0.0070\nJPY,2024-03-10,0.0065\n"


@pytest.fixture
def rated(books: Books) -> Books:
    """Return books with a file of exchange rates."""
    (books.folder / "rates.csv").write_text(RATES)
    books.environment["REVREC_GATEWAY_RATES"] = str(books.folder / "rates.csv")
    return books


def differences(books: Books, day: str, by: str = "account") -> list[tuple[str, ...]]:
    """Return the rows of the report: account, currency, what was earned, and the amounts in base currency."""
    names = ("account", "transaction", "earned", "currency", "at_entries", "at_billing", "difference")
    rows = exchange(books.context("report"), date.fromisoformat(day), by).rows
    return [tuple(str(row[name]) for name in names) for row in rows]


@pytest.mark.both_databases
def test_revenue_earned_before_its_invoice_leaves_the_difference_of_the_rates(rated: Books, row: MakeRow) -> None:
    later = {"item": "ODD", "post_date": "2024-03-15", "rev_rec_date": "2024-01-31"}
    rated.take(
        row("INV-1", currency="EUR", amount="100.00", **later),
        row("INV-2", currency="JPY", amount="10001", **later),
        row("INV-3", currency="USD", amount="50.00", **later),
        # Earned after the invoice, at its rate: nothing stays.
        row("INV-4", currency="EUR", amount="24.00"),
    )
    rated.run("2024-01-31")
    assert differences(rated, "2024-02-29") == []
    assert differences(rated, "2024-03-31") == [
        # 100.00 EUR at 1.10 and 1.20; 10,001 JPY at 0.0070 are 70.007 and at 0.0065 are 65.0065.
        ("2400", "EUR", "100.00", "USD", "110.00", "120.00", "10.00"),
        ("2400", "JPY", "10001", "USD", "70.01", "65.01", "-5.00"),
    ]
    by_charge = exchange(rated.context("report"), date(2024, 3, 31), "charge").rows
    assert [one["charge"] for one in by_charge] == ["shop/INV-1/1", "shop/INV-2/1"]


def test_with_the_rate_of_the_entry_all_revenue_differs_from_its_invoice(rated: Books, row: MakeRow) -> None:
    rated.environment["REVREC_GATEWAY_RATE_DATE"] = "recognized"
    rated.take(row("INV-1", currency="EUR", amount="24.00", post_date="2024-02-20"))
    rated.run("2024-03-31")
    # 2.00 on February 27 at 1.10, the rate of the invoice, and 2.00 on March 27 at 1.20.
    assert differences(rated, "2024-03-31") == [("2400", "EUR", "4.00", "USD", "4.60", "4.40", "-0.20")]


MONTHLY = """
[[rule]]
name = "months-{months}"
when = {{ item = "SUB-{months}" }}
recognize = {{ method = "monthly", periods = {months} }}
"""
MAY = date(2024, 5, 31)
GOLDEN = tomllib.loads((ROOT / "tests" / "golden" / "exchange.toml").read_text())
OF_MONTHS = {name: case for name, case in GOLDEN["case"].items() if "months" in case}


@pytest.mark.slow
@pytest.mark.both_databases
def test_contract_lines_leave_what_was_computed_by_hand(rated: Books, row: MakeRow) -> None:
    rates = [(*pair.split("/"), day, rate) for pair, days in GOLDEN["rates"].items() for day, rate in days.items()]
    lines = ["currency,base,date,rate", *map(",".join, rates)]
    (rated.folder / "rates.csv").write_text("\n".join(lines))
    months = {case["months"] for case in OF_MONTHS.values()}
    rated.rules("".join(MONTHLY.format(months=one) for one in months))
    for name, case in OF_MONTHS.items():
        foreign = {"item": f"SUB-{case['months']}", "currency": case["currency"]}
        total = sum(Decimal(amount) for _day, amount in case["earned"])
        signed = {"bills": "later", "post_date": "2024-01-01", "amount": f"{total}"}
        bills = [
            row(f"{name}-{at}", post_date=day.isoformat(), amount=amount, bills=f"{name}/1", **foreign)
            for at, (day, amount) in enumerate(case["billed"])
        ]
        rated.take(row(name, **foreign, **signed), *bills)
    in_base = {"item": "SUB-1", "amount": "100.00"}
    rated.take(row("C-1", **in_base, bills="later"), row("B-1", **in_base, post_date="2024-03-15", bills="C-1/1"))
    rated.run("2024-05-31")
    assert not any("C-1" in one["charge"] for one in exchange(rated.context("report"), MAY, "charge").rows)
    for name, case in OF_MONTHS.items():
        for day, *expected in case["expected"]:
            rows = exchange(rated.context("report"), day, "charge").rows
            found = [
                (one["earned"], one["at_entries"], one["at_billing"])
                for one in rows
                if one["charge"] == f"shop/{name}/1"
            ]
            assert found == ([tuple(expected)] if any(map(Decimal, expected)) else []), (name, day)


def test_a_contract_line_is_settled_by_its_bills_and_not_by_its_signing(rated: Books, row: MakeRow) -> None:
    euro = {"item": "ODD", "currency": "EUR", "amount": "100.00"}
    rated.take(
        row("C-1", **euro, bills="later", rev_rec_date="2024-01-31"),
        row("INV-1", **euro | {"amount": "40.00"}, post_date="2024-02-10", bills="C-1/1"),
        row("INV-2", **euro | {"amount": "60.00"}, post_date="2024-03-10", bills="C-1/1"),
    )
    rated.run("2024-01-31")
    assert differences(rated, "2024-02-09") == []
    assert differences(rated, "2024-02-29") == [("2400", "EUR", "40.00", "USD", "44.00", "44.00", "0.00")]
    assert differences(rated, "2024-03-31") == [("2400", "EUR", "100.00", "USD", "110.00", "116.00", "6.00")]


def test_a_reversed_entry_leaves_no_difference(rated: Books, row: MakeRow) -> None:
    rated.take(row("INV-1", currency="EUR", item="ODD", post_date="2024-03-15", rev_rec_date="2024-01-31"))
    (entry,) = rated.run("2024-01-31").entries
    reverse(rated.context("reverse"), ReversalOrder(entry["reference"], "not done", date(2024, 3, 5), final=True))
    assert differences(rated, "2024-03-31") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("currency,date,rate\nEUR,2024-02-01,1.1\n", "no rate of EUR in USD on 2024-01-31 or before it"),
        ("currency,date,rate\nEUR,31.01.2024,1.1\n", "row 2"),
        ("currency,date,rate\nEUR,2024-01-01,-1.1\n", "is not above zero"),
        ("currency,date,rate\nEUR,2024-01-01\n", "write currency, date and rate"),
        ("currency,date,rate\nXXX,2024-01-01,1\n", "row 2"),
        ("currency,date,rate\nEUR,2024-01-01,1,1000\n", "row 2: has more values than the file has columns"),
        ('currency,date,rate\nEUR,2024-01-01,"1,1000"\n', 'row 2: rate "1,1000" is not a number with a decimal point'),
        ("currency,date,rate\nEUR,2024-01-01,1e999999\n", 'row 2: rate "1e999999" is not a number'),
        ("currency,date,rate\nEUR,2024-02-30,1.1\n", 'row 2: date "2024-02-30" is not a date'),
        ("currency;date;rate\nEUR;2024-01-01;1.1\n", "row 1: the column currency is missing"),
        ("", "row 1: the column currency is missing"),
        ("currency,date,rate\n\udcff", "the exchange rates are not UTF-8 text; save the file as UTF-8"),
        (
            "currency,date,rate\nEUR,2024-01-01,1.1\nEUR,2024-01-01,1.2\n",
            "row 3: the rate of EUR on 2024-01-01 is 1.2 here and 1.1 in row 2; keep one of them",
        ),
    ],
)
def test_rates_that_cannot_be_used_are_named(rated: Books, row: MakeRow, content: str, said: str) -> None:
    rated.take(row("INV-1", currency="EUR", item="ODD", post_date="2024-03-15", rev_rec_date="2024-01-31"))
    rated.run("2024-01-31")
    (rated.folder / "rates.csv").write_text(content, errors="surrogateescape")
    with pytest.raises((BadInput, BadConfiguration), match=said):
        differences(rated, "2024-03-31")


def test_without_rates_the_report_says_what_to_configure(books: Books) -> None:
    with pytest.raises(BadConfiguration, match="set rates ="):
        differences(books, "2024-03-31")
