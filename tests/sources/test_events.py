"""Fulfillment events from files."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.sources import BadRow, EventRow

HEADER = "charge,kind,date,quantity,percent,amount,name,note\n"


@pytest.mark.parametrize(
    ("row", "event"),
    [
        ("shop/1/1,pod,2024-03-07,,,,,Signed", EventRow("shop/1/1", "pod", date(2024, 3, 7), note="Signed")),
        (
            "shop/1/1,percent,2024-03-07,,40%,,,",
            EventRow("shop/1/1", "percent", date(2024, 3, 7), percent=Decimal(40)),
        ),
        (
            "shop/2024/001/1,credit,2024-03-07,,,(5.00),,",
            EventRow("shop/2024/001/1", "credit", date(2024, 3, 7), amount=Decimal("-5.00")),
        ),
        (
            "shop/1/1,milestone,2024-03-07,,,,go-live,",
            EventRow("shop/1/1", "milestone", date(2024, 3, 7), name="go-live"),
        ),
    ],
)
def test_an_event_is_read(events: Callable[..., Any], row: str, event: EventRow) -> None:
    assert events(HEADER + row + "\n")[0].line == event


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("INV-1,pod,2024-03-07,,,,,", "charge"),
        ("a/b/1,service_dates,2024-03-07,,,,,", "name"),
        ("a/b/1,service_dates,2024-03-07,,,,begin,", "name"),
        ("shop/1/1,delivered,2024-03-07,,,,,", "kind"),
        ("shop/1/1,pod,,,,,,", "date"),
        ("shop/1/1,percent,2024-03-07,,,,,", "percent"),
        ("shop/1/1,percent,2024-03-07,,140,,,", "percent"),
        ("shop/1/1,milestone,2024-03-07,,,,,", "name"),
        ("shop/1/1,usage,2024-03-07,many,,,,", "quantity"),
    ],
)
def test_a_wrong_event_names_its_field(events: Callable[..., Any], row: str, field: str) -> None:
    (bad,) = events(HEADER + row + "\n")
    assert isinstance(bad, BadRow) and [problem.field for problem in bad.problems] == [field]


def test_events_come_as_json_and_xml_too(events: Callable[..., Any]) -> None:
    expected = EventRow("shop/1/1", "pod", date(2024, 3, 7))
    assert (
        events('{"events": [{"charge": "shop/1/1", "kind": "pod", "date": "2024-03-07"}]}', "in.json")[0].line
        == expected
    )
    xml = "<events><event><charge>shop/1/1</charge><kind>pod</kind><date>2024-03-07</date></event></events>"
    assert events(xml, "in.xml")[0].line == expected


def test_a_carriers_list_becomes_proofs_of_delivery(events: Callable[..., Any]) -> None:
    mapping = {
        "kind": "pod",
        "columns": {"charge": "Ref", "date": "Delivered"},
        "date_format": "%m/%d/%Y",
        "ignore": ["*"],
    }
    (row,) = events("Ref,Delivered,Driver\nshop/1/1,03/07/2024,Kim\n", mapping=mapping)
    assert row.line == EventRow("shop/1/1", "pod", date(2024, 3, 7))
