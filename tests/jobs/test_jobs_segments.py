"""Revenue by category and segment: Example 41 of the standard (ASC 606-10-55-296; IFRS 15.IE210 and IE211)."""

from datetime import date

import pytest

from revrec.core.filters import Basis
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.drill import also_by_charge, drill
from revrec.jobs.reports.revenue import by_segment, revenue
from support.books import Books, MakeRow

YEAR = DateSpan(date(2024, 1, 1), date(2024, 12, 31))
SEGMENTS = "dimensions.class"
RULES = """
[[rule]]
name = "power-plants"
when = { item = "PLANT" }
recognize = { method = "monthly", periods = 12 }

[[rule]]
name = "goods"
when = { item = ["OFFICE", "APPLIANCE", "CLOTHING", "MOTORCYCLE", "CAR", "SOLAR"] }
recognize = { method = "fixed_offset" }
"""
LINES = (
    ("OFFICE", "Consumer", "NA", "600"), ("APPLIANCE", "Consumer", "NA", "390"), ("APPLIANCE", "Consumer", "EU", "300"),
    ("APPLIANCE", "Consumer", "ASIA", "300"), ("CLOTHING", "Consumer", "ASIA", "400"),
    ("MOTORCYCLE", "Transport", "NA", "500"), ("CAR", "Transport", "NA", "1750"), ("CAR", "Transport", "EU", "750"),
    ("CAR", "Transport", "ASIA", "260"), ("SOLAR", "Energy", "EU", "1000"), ("PLANT", "Energy", "NA", "5250"),
)  # fmt: skip


@pytest.fixture
def sold(offline: Books, row: MakeRow) -> Books:
    """Books with the revenue of the example."""
    offline.rules(RULES)
    offline.take(
        *(
            row(f"INV-{at}", item=item, **{"class": segment}, department=region, amount=amount, post_date="2024-01-01")
            for at, (item, segment, region, amount) in enumerate(LINES)
        )
    )
    return offline


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("timing", {"point_in_time": "1990 1000 3260 6250", "over_time": "0 5250 0 5250"}),
        ("dimensions.department", {"NA": "990 5250 2250 8490", "EU": "300 1000 750 2050", "ASIA": "700 0 260 960"}),
    ],
)
def test_each_category_is_reconciled_to_the_segments(sold: Books, by: str, expected: dict[str, str]) -> None:
    context = sold.context("report")

    def found(fields: str) -> Report:
        return by_segment(revenue(context, YEAR, "span", f"{fields},{SEGMENTS}", Basis.earned), fields, SEGMENTS)

    report = found(by)
    columns = ("Consumer", "Energy", "Transport", "revenue")
    assert report.columns == ("period", "currency", by, *columns) and report.ties_out
    assert {one[by]: " ".join(one[name].partition(".")[0] for name in columns) for one in report.rows} == expected
    behind = drill(context, report, "column=Energy", lambda: found(also_by_charge(by)))
    assert behind.ties_out and {one["charge"] for one in behind.rows} == {"shop/INV-9/1", "shop/INV-10/1"}


def test_a_segment_without_a_name_or_with_the_name_of_a_column_has_another_one(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    lines = (("", "10.00"), ("revenue", "20.00"))
    offline.take(
        *(
            row(f"I-{amount}", item="CAR", **{"class": one}, amount=amount, post_date="2024-01-01")
            for one, amount in lines
        )
    )
    wanted = revenue(offline.context("report"), YEAR, "span", f"item,{SEGMENTS}", Basis.earned)
    (found,) = by_segment(wanted, "item", SEGMENTS).rows
    assert (found["no segment"], found["segment revenue"], found["revenue"]) == ("10.00", "20.00", "30.00")
