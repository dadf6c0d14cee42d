"""Fixed-width lines and tab-separated ones."""

from collections.abc import Callable
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.sources import BadRow, PassedOver, SourceError
from revrec.sources.mapping_reader import read_mapping

MAPPING = {
    "format": "fixed",
    "source": "host",
    "currency": "USD",
    "line": "1",
    "positions": {
        "type": "1",
        "document": "2-9",
        "customer": "10-17",
        "item": "18-25",
        "post_date": "26-33",
        "amount": "34-44, 2 decimals",
    },
    "only": {"type": "D"},
}


def line(kind: str = "D", amount: str = "00000002400", document: str = "INV-1") -> str:
    return f"{kind}{document:<8}{'C-1':<8}{'MAG-01':<8}20240105{amount:>11}"


def rows(charges: Callable[..., Any], *lines: str, **more: Any) -> list[Any]:
    return list(charges("\r\n".join(lines), "in.dat", {**MAPPING, **more}))


def test_columns_are_read_by_their_place(charges: Callable[..., Any]) -> None:
    head, row, credit, tail = rows(charges, "H20240105", line(), line(amount="4550-", document="INV-2"), "T00002")
    assert isinstance(head, PassedOver) and isinstance(tail, PassedOver)
    assert head.reason == 'type is "H"' and head.place == "row 1"
    assert (row.line.id, row.line.customer, row.line.amount, row.row_number) == ("host/INV-1/1", "C-1", 2400, 2)
    assert credit.line.amount == -4550


@pytest.mark.parametrize(
    ("amount", "minor"), [("00000000001", 1), ("        250", 250), ("-0000001999", -1999), ("+1", 1)]
)
def test_implied_decimals(charges: Callable[..., Any], amount: str, minor: int) -> None:
    assert rows(charges, line(amount=amount))[0].line.amount == minor


@pytest.mark.parametrize("amount", ["24.00", "12a", "-12-", "--12", "1 2"])
def test_what_is_not_digits_where_decimals_are_implied_is_refused(charges: Callable[..., Any], amount: str) -> None:
    (row,) = rows(charges, line(amount=amount))
    assert isinstance(row, BadRow) and row.problems[0].field == "amount"
    assert row.problems[0].reason == "is not 11 digits with 2 implied decimals"


def test_a_line_that_ends_in_the_midst_of_an_amount_is_refused(charges: Callable[..., Any]) -> None:
    (row,) = rows(charges, line()[:40])
    assert isinstance(row, BadRow) and "implied decimals" in row.problems[0].reason


def test_a_line_that_is_longer_than_its_columns_is_refused_unless_the_rest_is_blank(
    charges: Callable[..., Any],
) -> None:
    bad, good = rows(charges, line() + "X", line(document="INV-2") + "   ")
    assert isinstance(bad, BadRow) and bad.problems[0].reason == "has 45 characters, the last column ends at 44"
    assert good.line.document == "INV-2"


def test_characters_are_counted_not_bytes(charges: Callable[..., Any]) -> None:
    data = line().replace("MAG-01  ", "MÄG-01  ")
    for encoding in ("utf-8", "cp1252"):
        (row,) = charges(data.encode(encoding), "in.dat", {**MAPPING, "encoding": encoding})
        assert (row.line.item, row.line.amount) == ("MÄG-01", 2400)


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ({"amount": "10-2"}, 'positions.amount = "10-2": expected its first and last character'),
        ({"amount": "ten"}, "expected its first and last character"),
        ({"amount": "1-99999"}, "expected its first and last character"),
    ],
)
def test_wrong_positions_are_refused(positions: dict[str, str], said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        read_mapping("host", {"format": "fixed", "positions": positions})


def test_positions_are_for_fixed_width_alone() -> None:
    with pytest.raises(BadConfiguration, match='positions: apply to format = "fixed" only, not to "csv"'):
        read_mapping("host", {"format": "csv", "positions": {"amount": "1-2"}})


def test_without_positions_nothing_is_guessed(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match="a fixed-width file needs the positions of its columns"):
        charges(line(), "in.dat", {"format": "fixed"})


def test_tabs_separate_whatever_else_the_header_holds(charges: Callable[..., Any]) -> None:
    header = "source,document,line,customer,item,post_date,amount,currency".replace(",", "\t")
    data = f"{header}\na,b;c|d\tshop\t1\tC\tI\t2024-01-05\t1.00\tUSD\n".replace("a,b;c|d\tshop", "shop\ta,b;c|d")
    (row,) = charges(data, "in.tsv")
    assert row.line.document == "a,b;c|d"
