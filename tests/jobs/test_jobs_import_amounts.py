"""An import shows money: what was accepted, unchanged, left out and rejected, checked against the sender's totals."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.jobs.importing.import_files import ImportResult, import_document, mappings_of
from revrec.jobs.importing.mappings import with_totals
from support.books import ROOT, Books, MakeRow

SAMPLES = ROOT / "sample_data"
FILES = {
    "": ("charges.csv", "charges.tsv", "charges.xlsx", "orders.xml", "shop-orders.jsonl"),
    "x12": ("edi/invoices.x12",),
    "edifact": ("edi/invoices.edifact",),
    "shopify-orders": ("shops/shopify-orders.json", "shops/shopify-graphql.json", "shops/shopify-webhooks.jsonl"),
    "magento-orders": ("shops/magento-orders.json",),
    "cargowise": ("cargowise/transaction.xml",),
    "host": ("host.fixed",),
    "bank": ("bank-payments.csv",),
}


def total_of(result: ImportResult) -> list[str]:
    """Return the total of each currency, as the sender would state it."""
    return [f"{one['total']} {one['currency']}" for one in result.totals()]


def imported(books: Books, name: str, mapping: str, totals: list[str], dry_run: bool = True) -> ImportResult:
    use = with_totals(mappings_of(books.context(), mapping or None), totals)
    return import_document(books.context("import"), SAMPLES / name, use, dry_run=dry_run)[0]


def off_by_a_cent(total: str) -> str:
    amount, currency = total.split()
    return f"{Decimal(amount) + Decimal('0.01')} {currency}"


@pytest.mark.parametrize(("mapping", "name"), [(mapping, name) for mapping in FILES for name in FILES[mapping]])
def test_the_senders_total_is_checked_in_every_format(offline: Books, mapping: str, name: str) -> None:
    with (offline.folder / "revrec.toml").open("a") as config:
        config.write((SAMPLES / "mapping-example.toml").read_text(encoding="utf-8"))
    for table in ("customers.csv", "items.csv", "terms.csv"):
        (offline.folder / table).write_bytes((SAMPLES / table).read_bytes())
    plain = imported(offline, name, mapping, [])
    totals = total_of(plain)
    assert totals and not plain.refused
    assert not imported(offline, name, mapping, totals).refused
    wrong = [*map(off_by_a_cent, totals[:1]), *totals[1:]]
    refused = imported(offline, name, mapping, wrong, dry_run=False).refused
    stated, found = wrong[0].split()[0], totals[0].split()[0]
    assert f"is {stated}, its rows add up to {found}; check whether rows are missing" in refused
    assert offline.sql("SELECT count(*) FROM charge_line") == [(0,)]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["USD", "JPY", "EUR"]),
        st.integers(-90_000, 90_000).filter(bool),
        st.sampled_from(["good", "left out", "no date", "no amount"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_the_amounts_of_a_file_add_up_whatever_happens_to_its_rows(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, rows: Any
) -> None:
    books = new_books(tmp_path_factory.mktemp("books"), {})
    with (books.folder / "revrec.toml").open("a") as config:
        config.write('[mapping.mine]\nonly = { customer = "C-*" }\n')
    truth: dict[str, Counter[str]] = {kind: Counter() for kind in ("good", "left out", "no date", "no amount")}
    written = []
    for number, (currency, amount, kind) in enumerate(rows):
        truth[kind][currency] += amount
        written.append(
            row(
                f"D-{number}",
                customer="X-1" if kind == "left out" else "C-1",
                post_date="" if kind == "no date" else "2024-01-05",
                amount="many" if kind == "no amount" else decimal_string(amount, currency),
                currency=currency,
            )
        )
    path = books.file("rows.csv", written)
    use = mappings_of(books.context(), "mine")
    (result,) = import_document(books.context("import"), path, use, keep_good=True)
    for name, kind in (("accepted", "good"), ("left_out", "left out"), ("rejected", "no date")):
        found = {currency: getattr(one, name) for currency, one in result.amounts.items() if getattr(one, name)}
        assert found == {currency: amount for currency, amount in truth[kind].items() if amount}
    assert result.without_amount == sum(kind == "no amount" for _currency, _amount, kind in rows)
    (again,) = import_document(books.context("import"), path, use, keep_good=True)
    assert {currency: (one.accepted, one.unchanged) for currency, one in again.amounts.items()} == {
        currency: (0, one.accepted) for currency, one in result.amounts.items()
    }


def test_a_refused_file_has_nothing_accepted_and_all_its_money_rejected(offline: Books, row: MakeRow) -> None:
    path = offline.file("rows.csv", [row("D-1", amount="24.00"), row("D-2", amount="7.00", post_date="")])
    result = offline.import_file(path)
    assert result.refused
    (total,) = result.totals()
    assert (total["accepted"], total["rejected"], total["total"]) == ("0.00", "31.00", "31.00")


def test_a_conflict_with_the_books_is_rejected_money(offline: Books, row: MakeRow) -> None:
    offline.take(row("D-1", amount="24.00"))
    path = offline.file("rows.csv", [row("D-1", amount="25.00"), row("D-2", amount="1.00")])
    (total,) = offline.import_file(path, keep_good=True).totals()
    assert (total["accepted"], total["rejected"]) == ("1.00", "25.00")


def test_each_currency_of_a_file_has_its_own_total(offline: Books, row: MakeRow) -> None:
    path = offline.file("rows.csv", [row("D-1", amount="24.00"), row("D-2", amount="500", currency="JPY")])

    def outcome(*totals: str) -> str:
        use = with_totals(mappings_of(offline.context(), None), totals)
        return import_document(offline.context("import"), path, use, dry_run=True)[0].refused

    assert outcome("24.00 USD", "JPY 500") == ""
    assert "the total of the file in JPY is 501, its rows add up to 500" in outcome("24.00 USD", "501 JPY")
    assert "has 500 JPY, and no total in JPY" in outcome("24.00 USD")
    assert "has 500 JPY and 24.00 USD, and its total names no currency" in outcome("24.00")
    assert "the total of the file in EUR is 1.00, its rows add up to 0;" in outcome("24.00 USD", "500 JPY", "1.00 EUR")


def test_a_row_with_another_problem_still_counts_in_the_total_of_the_file(offline: Books, row: MakeRow) -> None:
    path = offline.file("rows.csv", [row("D-1", amount="24.00"), row("D-2", amount="7.00", post_date="")])
    use = with_totals(mappings_of(offline.context(), None), ["31.00"])
    (result,) = import_document(offline.context("import"), path, use, keep_good=True)
    assert (result.refused, result.accepted, result.rejected) == ("", 1, 1)


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (["much"], '--expect "much" is not a number'),
        (["1.00", "2.00"], '--expect "2.00" is the second total in one currency'),
        (["1.00 USD", "2.00 USD"], '--expect "2.00 USD" is the second total in USD'),
        (["1.00 USD", "2.00"], "--expect 2.00 has no currency, and another total has one"),
        (["1.00 XYZ"], '--expect "1.00 XYZ" is not an ISO 4217 currency'),
        (["$1.00"], '--expect "$1.00" names no currency'),
    ],
)
def test_a_total_that_cannot_be_compared_is_refused(offline: Books, totals: list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        with_totals(mappings_of(offline.context(), None), totals)
    assert said in str(caught.value)


def test_the_totals_of_a_mapping_are_checked_too(offline: Books, row: MakeRow) -> None:
    with (offline.folder / "revrec.toml").open("a") as config:
        config.write('[mapping.mine.control]\ntotal = ["24.00 USD", "500 JPY"]\n')
    path = offline.file("rows.csv", [row("D-1", amount="24.00"), row("D-2", amount="501", currency="JPY")])
    (result,) = import_document(offline.context("import"), path, mappings_of(offline.context(), "mine"))
    assert "the total of the file in JPY is 500, its rows add up to 501" in result.refused


@pytest.mark.parametrize(
    ("mapping", "name", "left_out"),
    [
        ("shopify-orders", "shops/shopify-orders.json", {"USD": 2400}),
        ("magento-orders", "shops/magento-orders.json", {"USD": 2400}),
    ],
)
def test_a_skipped_order_shows_the_money_that_it_would_bring(
    offline: Books, mapping: str, name: str, left_out: dict[str, int]
) -> None:
    found = imported(offline, name, mapping, []).amounts
    assert {currency: one.left_out for currency, one in found.items() if one.left_out} == left_out


@pytest.mark.parametrize(
    ("mapping", "name", "original", "test"),
    [
        ("x12", "edi/invoices.x12", "*0*P*", "*0*T*"),
        ("edifact", "edi/invoices.edifact", "240328:0915+11'", "240328:0915+11++++++1'"),
    ],
)
def test_a_test_interchange_shows_its_money_as_left_out(
    offline: Books, mapping: str, name: str, original: str, test: str
) -> None:
    total = imported(offline, name, mapping, []).amounts
    text = (SAMPLES / name).read_text(encoding="utf-8")
    path = offline.folder / Path(name).name
    path.write_text(text.replace(original, test, 1), encoding="utf-8")
    result = import_document(offline.context("import"), path, mappings_of(offline.context(), mapping))[0]
    assert result.accepted == 0 and not result.refused
    assert {currency: one.left_out for currency, one in result.amounts.items()} == {
        currency: one.accepted for currency, one in total.items()
    }
