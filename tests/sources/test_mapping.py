"""Column mappings: how they are applied, and how mistakes in them are reported."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.sources import SourceError
from revrec.sources.mapping_reader import read_mapping

SHOP = {
    "source": "shop",
    "columns": {"document": "Order No", "amount": "Total", "post_date": "Date"},
    "defaults": {"currency": "USD", "line": "1", "item": "MISC"},
    "dimensions": {"channel": "Sales channel", "location": "Shop"},
    "date_format": "%d/%m/%Y",
    "ignore": ["Internal *", "Notes"],
}
FILE = "Order No,customer,item,Date,Total,Sales channel,Shop,Notes,Internal id\n"


def test_columns_constants_defaults_and_dimensions_make_a_charge_line(charges: Callable[..., Any]) -> None:
    first, second = charges(
        FILE + "1001,C-1,MAG-01,28/03/2024,24.00,web,100,x,y\n1002,C-2,,29/03/2024,5.00,,,,\n", mapping=SHOP
    )
    assert first.line.id == "shop/1001/1" and first.line.post_date == date(2024, 3, 28)
    assert first.line.dimensions == {"channel": "web", "location": "100"}
    assert second.line.item == "MISC" and second.line.dimensions == {} and second.line.currency == "USD"


def test_a_mapped_column_that_is_missing_is_named_with_its_field(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match=r'column "Sales channel" is missing \(for channel\)'):
        charges("Order No,customer,item,Date,Total,Shop\n1,C,I,28/03/2024,1.00,100\n", mapping=SHOP)


def test_a_column_beside_a_constant_of_its_name_is_not_dropped_in_silence(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match='column "source" is not known'):
        charges(FILE.replace("Notes", "source") + "1,C,I,28/03/2024,1.00,web,100,eu,y\n", mapping=SHOP)


def test_ignoring_all_else_is_said_with_a_star(charges: Callable[..., Any]) -> None:
    rows = charges(
        FILE.replace("Notes", "anything") + "1,C,I,28/03/2024,1.00,web,100,eu,y\n", mapping={**SHOP, "ignore": ["*"]}
    )
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"colums": {}}, r'unknown key "colums" in \[mapping.bank\]; did you mean "columns"\?'),
        ({"columns": {"amout": "Total"}}, r'columns.amout: there is no such field; did you mean "amount"\?'),
        ({"columns": ["amount"]}, r"columns must be a table \[mapping.bank.columns\]"),
        ({"columns": {"amount": 7}}, 'columns.amount = 7: expected a text in quotes; write it in quotes: "7"'),
        ({"line": 1}, 'line = 1: expected a text in quotes; write it in quotes: "1"'),
        ({"source": "shop", "columns": {"source": "Shop"}}, "source is both a constant and in columns"),
        ({"defaults": {"curency": "USD"}}, "defaults.curency: there is no such field"),
        ({"dimensions": {"amount": "Total"}}, "dimensions.amount: is a field, not a dimension; map it in columns"),
        ({"dimensions": {"sales channel": "X"}}, "write the name with letters"),
        ({"ignore": "Notes"}, r'ignore = "Notes": expected a list of column names, such as \["Notes"\]'),
        ({"date_format": "dd/mm/yyyy"}, "it must name year, month and day once each, such as %d/%m/%Y"),
        ({"decimal": ";"}, 'decimal = ";": expected "." or ","'),
        ({"decimal": ",", "thousands": ","}, "is also the decimal sign"),
        ({"delimiter": ";;"}, 'delimiter = ";;": expected one character'),
        ({"encoding": "utf-9"}, 'encoding = "utf-9": expected an encoding such as'),
        ({"encoding": "base64"}, 'encoding = "base64": expected an encoding such as'),
        ({"format": "docx"}, 'format = "docx": expected one of cargowise, csv, '),
        ({"rows": "orders"}, 'rows = "orders": expected one of charges, events'),
        ({"signs": {"$": "DOL"}}, "'DOL' is not in ISO 4217"),
    ],
)
def test_a_wrong_mapping_is_refused_before_any_file_is_opened(config: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message) as caught:
        read_mapping("bank", config)
    assert "[mapping.bank]" in str(caught.value)


def test_all_mistakes_of_a_mapping_are_reported_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_mapping("bank", {"decimal": "x", "encoding": "y", "columns": {"z": "Z"}})
    assert str(caught.value).count("[mapping.bank]") == 3


def test_a_wrong_kind_of_rows_does_not_make_correct_fields_wrong() -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_mapping("bank", {"rows": "event", "columns": {"charge": "Charge"}})
    assert str(caught.value) == (
        '[mapping.bank] rows = "event": expected one of charges, events; did you mean "events"?'
    )


def test_a_mapping_for_events_does_not_read_charges(events: Callable[..., Any]) -> None:
    with pytest.raises(BadConfiguration, match=r"is for charges: set rows = \"events\""):
        events("charge,kind,date\nshop/1/1,pod,2024-01-05\n", mapping={"rows": "charges"})
