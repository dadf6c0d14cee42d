"""A repeated charge has no differences; the same charge with other figures has one for each."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine
from revrec.core.differences import differences

LINE = ChargeLine(
    "shop", "INV-1", "1", "C-1", "MAG-01", date(2024, 1, 5), 2400, "USD", None, "Magazine", Decimal(1), None, None, "",
    {"location": "100", "class": "P"},
)  # fmt: skip
CHANGES: dict[str, Any] = {
    "source": "web", "document": "INV-2", "line": "2", "customer": "C-2", "item": "X", "post_date": date(2024, 1, 6),
    "amount": 2500, "currency": "EUR", "rev_rec_date": date(2024, 1, 5), "description": "", "quantity": None,
    "service_start": date(2024, 1, 5), "service_end": date(2024, 1, 5), "entity": "E",
    "dimensions": {"location": "100"}, "credits": "INV-0",
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_every_figure_counts(field: str) -> None:
    other = LINE._replace(**{field: CHANGES[field]})
    assert [name for name, _, _ in differences(LINE, other)] == ["class" if field == "dimensions" else field]


@pytest.mark.parametrize(
    "same",
    [
        LINE._replace(quantity=Decimal("1.00")),
        LINE._replace(dimensions={"class": "P", "location": "100"}),
        LINE._replace(dimensions={"class": "P", "location": "100", "project": ""}),
    ],
)
def test_another_way_to_write_the_same_figures_is_the_same(same: ChargeLine) -> None:
    assert differences(LINE, same) == []


def test_differences_are_reported_as_people_write_them() -> None:
    other = LINE._replace(amount=-2500, dimensions={"location": "200"}, rev_rec_date=date(2024, 2, 1))
    assert differences(LINE, other) == [
        ("amount", "24.00", "-25.00"),
        ("rev_rec_date", "", "2024-02-01"),
        ("class", "P", ""),
        ("location", "100", "200"),
    ]
