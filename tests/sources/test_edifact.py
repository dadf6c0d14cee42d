"""EDIFACT: how each message is read, release characters, and contradictions reported with their numbers."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, PassedOver, SourceError

SAMPLES = Path(__file__).parents[2] / "sample_data" / "edi"
HEAD = ("BGM+380+INV-1+9", "DTM+137:20240328:102", "NAD+BY+C-1::92", "CUX+2:EUR:4")
LINE = ("LIN+1++MAG-01:SA", "QTY+47:2:PCE", "MOA+203:24.00")


def interchange(*messages: tuple[str, Sequence[str]], una: str = "") -> str:
    segments = ["UNB+UNOC:3+ACME+NORDWIND+240328:0915+11"]
    for number, (kind, body) in enumerate(messages, 1):
        segments += [f"UNH+{number}+{kind}:D:96A:UN", *body, f"UNT+{len(body) + 2}+{number}"]
    segments.append(f"UNZ+{len(messages)}+11")
    return una + "".join(f"{segment}'\r\n" for segment in segments)


def invoice(*segments: str) -> tuple[str, Sequence[str]]:
    return "INVOIC", (*HEAD, *(segments or LINE))


@pytest.fixture
def read(read_by: Callable[..., Any]) -> Callable[..., list[Any]]:
    return partial(read_by, "edifact")


def test_the_samples_become_charges_and_deliveries(read: Callable[..., Any]) -> None:
    charges = [row for row in read(SAMPLES / "invoices.edifact") if isinstance(row, GoodRow)]
    assert [(row.line.id, row.line.item, row.line.amount, row.line.currency) for row in charges] == [
        ("edi/INV-6001/1", "MAG-01", 24000, "EUR"),
        ("edi/INV-6001/2", "GOODS-POD-SHELF", 39800, "EUR"),
        ("edi/INV-6001/ALC-1", "FC", 1450, "EUR"),
        ("edi/CN-6002/1", "MAG-01", -2400, "EUR"),
    ]
    assert charges[0].line.description == "Zeitschrift, 12 Hefte: Jahresplan"
    assert charges[1].line.description == "Regal 'Oslo'"
    found = read(SAMPLES / "deliveries.edifact", "events")
    assert [(row.line.charge, str(row.line.date)) for row in found if isinstance(row, GoodRow)] == [
        ("edi/INV-6001/*", "2024-04-04"),
        ("edi/INV-6001/*", "2024-04-04"),
    ]


@pytest.mark.parametrize(
    ("text", "read_as"),
    [("a?'b", "a'b"), ("a?+b", "a+b"), ("a?:b", "a:b"), ("a??", "a?"), ("???'", "?'"), ("?a", "a"), ("a????", "a??")],
)
def test_the_release_character_makes_the_next_one_text(read: Callable[..., Any], text: str, read_as: str) -> None:
    head = (f"BGM+380+{text}+9", *HEAD[1:])
    (row,) = read(interchange(("INVOIC", (*head, *LINE))))
    assert row.line.document == read_as


def test_una_declares_other_separators_and_the_decimal_sign(read: Callable[..., Any]) -> None:
    text = interchange(invoice("LIN+1++MAG-01:SA", "MOA+203:24,50"))
    swapped = text.translate(str.maketrans("+:'", "|^~")).replace("~\r\n", "~")
    (row,) = read("UNA^|,? ~" + swapped)
    assert row.line.amount == 2450


@pytest.mark.parametrize("amount", ["24.5", "24,5"])
def test_either_decimal_sign_is_accepted(read: Callable[..., Any], amount: str) -> None:
    assert read(interchange(invoice("LIN+1++A:SA", f"MOA+203:{amount}")))[0].line.amount == 2450


def test_without_a_stated_amount_quantity_times_price_counts_by_its_basis(read: Callable[..., Any]) -> None:
    (row,) = read(interchange(invoice("LIN+1++A:SA", "QTY+47:250:PCE", "PRI+AAA:12.40:::100:PCE")))
    assert row.line.amount == 3100


def test_a_credit_note_is_negative_and_an_allowance_too(read: Callable[..., Any]) -> None:
    credit = ("BGM+381+CN-1+9", *HEAD[1:])
    body = (*credit, *LINE, "UNS+S", "MOA+79:24", "ALC+A", "MOA+8:4")
    line, allowance = read(interchange(("INVOIC", body)))
    assert (line.line.amount, allowance.line.amount) == (-2400, 400)


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [("102", "20240328", "2024-03-28"), ("203", "202403281830", "2024-03-28"), ("303", "202403281830UTC", "2024-03-28"),
     ("101", "240328", "2024-03-28")],
)  # fmt: skip
def test_dates_are_read_by_their_format(read: Callable[..., Any], form: str, text: str, day: str) -> None:
    head = (HEAD[0], f"DTM+137:{text}:{form}", *HEAD[2:])
    assert str(read(interchange(("INVOIC", (*head, *LINE))))[0].line.post_date) == day


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("UNT+9+1", "UNT+8+1", "UNT", "states 8, the message has 9 segments"),
        ("UNT+9+1", "UNT+9+2", "UNT", "is not the reference 1 of its UNH"),
        ("MOA+79:24.00", "MOA+79:25.00", "MOA 79", "the lines add up to 24"),
        ("203:24.00", "203:viel", "MOA", "is not a number"),
        ("137:20240328:102", "137:20240328:718", "DTM", "a date in format"),
        ("MOA+203:24.00", "ALC+A", "MOA", "with allowances or charges (ALC) needs its amount (MOA 203)"),
    ],
)
def test_a_message_that_contradicts_itself_is_one_bad_row_with_its_numbers(
    read: Callable[..., Any], old: str, new: str, field: str, said: str
) -> None:
    text = interchange(invoice("LIN+1++MAG-01:SA", "MOA+203:24.00", "MOA+79:24.00")).replace("MOA+79", "UNS+S'MOA+79")
    text = text.replace("UNT+9", "UNT+10") if "UNT+10" in text else text.replace("UNT+9+1", "UNT+10+1")
    old, new = old.replace("UNT+9", "UNT+10"), new.replace("UNT+9", "UNT+10")
    assert old in text, text
    (row,) = read(text.replace(old, new, 1))
    assert isinstance(row, BadRow) and row.problems[0].field == field
    assert said.replace("9 segments", "10 segments") in row.problems[0].reason
    assert row.place.startswith("interchange 11, message 1 INVOIC")


def test_the_count_of_lines_is_held_against_them(read: Callable[..., Any]) -> None:
    (row,) = read(interchange(invoice(*LINE, "UNS+S", "CNT+2:3")))
    assert row.problems[0].reason == "states 3 lines, the message has 1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("UNZ+1+11'", "UNZ+2+11'", "UNZ states 2, the file has 1"),
        ("UNZ+1+11'", "UNZ+1+12'", 'UNZ "12" does not match the opening segment\'s "11"'),
        ("UNZ+1+11'", "", "UNZ is missing: the file is cut off"),
        ("UNZ+1+11'", "UNZ+1+11?'", 'ends without its terminator "\'"'),
        ("UNT+9+1'", "", "UNT is missing before it"),
        ("UNB+", "UNX+", "this is not an EDIFACT interchange"),
        ("UNH+1", "XXX+1", "expected UNH or UNZ here"),
    ],
)
def test_a_damaged_envelope_refuses_the_file(read: Callable[..., Any], old: str, new: str, said: str) -> None:
    text = interchange(invoice())
    assert old in text
    with pytest.raises(SourceError) as caught:
        read(text.replace(old, new, 1))
    assert said in str(caught.value) and caught.value.fix


def test_a_damaged_una_is_reported(read: Callable[..., Any]) -> None:
    for una in ("UNA:+.?", "UNAAAAAAA", "UNA:++? '"):
        with pytest.raises(SourceError):
            read(una + interchange(invoice()))


def test_any_element_can_be_named(read: Callable[..., Any]) -> None:
    head = (*HEAD, "RFF+CT:V-99")
    (row,) = read(
        interchange(("INVOIC", (*head, *LINE))),
        dimensions={"contract": "RFF[CT].1.2", "sender": "UNB.2.1"},
        columns={"post_date": "date", "quantity": "QTY[47].1.2"},
    )
    assert row.line.dimensions == {"contract": "V-99", "sender": "ACME"} and row.line.quantity == 2


def test_a_despatch_without_a_delivery_and_statuses_on_the_way_are_passed_over(read: Callable[..., Any]) -> None:
    despatch = ("DESADV", ("BGM+351+D-1+9", "DTM+11:20240401:102"))
    status = ("IFTSTA", ("BGM+23+S-1", "CNI+1+CMR-1", "STS+1+24", "DTM+334:20240402:102"))
    rows = read(interchange(despatch, status), "events")
    assert [row.reason for row in rows if isinstance(row, PassedOver)] == [
        "it has no delivery date (DTM 35)", 'status is "24"',
    ]  # fmt: skip
