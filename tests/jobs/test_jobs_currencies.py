"""Foreign currencies: what goes to Intacct beside the amount, from the file to the ledger."""

from datetime import date

import pytest

from revrec.core.errors import BadConfiguration, BadInput
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.exchange import exchange
from support.books import Books, MakeRow


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("currency,date,rate\nEUR,2024-02-01,1.1\n", "no rate of EUR in USD on 2024-01-31 or before it"),
        ("currency,date,rate\nEUR,31.01.2024,1.1\n", "row 2"),
        ("currency,date,rate\nEUR,2024-01-01,-1.1\n", "is not above zero"),
        ("currency,date,rate\nEUR,2024-01-01\n", "write currency, date and rate"),
        ("currency,date,rate\nXXX,2024-01-01,1\n", "row 2"),
    ],
)
def test_rates_that_cannot_be_used_are_named(rated: Books, row: MakeRow, content: str, said: str) -> None:
    rated.take(row("INV-1", currency="EUR", item="ODD", post_date="2024-03-15", rev_rec_date="2024-01-31"))
    rated.run("2024-01-31")
    (rated.folder / "rates.csv").write_text(content)
    with pytest.raises((BadInput, BadConfiguration), match=said):
        differences(rated, "2024-03-31")


def test_without_rates_the_report_says_what_to_configure(books: Books) -> None:
    with pytest.raises(BadConfiguration, match="set rates ="):
        differences(books, "2024-03-31")
