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
        ("MOA+79:24.00", "MOA+79:25.00", "MOA 79", "the total is 25, the lines add up to 24; the difference is 1"),
        ("203:24.00", "203:viel", "MOA 203 (MOA.1.2)", "is not a number"),
        ("137:20240328:102", "137:20240328:718", "DTM 137 (DTM.1.2)", "a date in format"),
        ("MOA+203:24.00", "ALC+A", "QTY", "the line has no amount (MOA 203 or 66), and no QTY 47"),
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
        'status is "11"', 'status is "24"',
    ]  # fmt: skip
    shipped = {
        "kind": "pod",
        "only": {"status": ["35", "12", "11"]},
        "columns": {"date": "shipped", "note": "shipment"},
    }
    (row,) = (row for row in read(interchange(despatch), "events", **shipped))
    assert (row.line.charge, str(row.line.date)) == ("edi/D-1/*", "2024-04-01")
    listed = ("DESADV", (*despatch[1], "RFF+ON:PO-1", "CPS+1", "LIN+1++A:SA", "QTY+12:2"))
    (row,) = read(interchange(listed), "events")
    assert (row.line.kind, row.line.item, str(row.line.quantity), row.line.name) == ("notice", "A", "2", "D-1")
    (row,) = read(interchange(("DESADV", (*listed[1][:-1], "QTY+12:-2"))), "events")
    assert row.problems[0].reason == "is below zero"
    undated = ("DESADV", ("BGM+351+D-1+9",))
    assert read(interchange(undated), "events")[0].reason == "it has no delivery date (DTM 35)"


def message(*segments: str, bgm: str = "BGM+380+INV-1+9") -> str:
    return interchange(("INVOIC", (bgm, *HEAD[1:], *segments)))


def amounts(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.line.line, row.line.amount) for row in rows if isinstance(row, GoodRow)]


CHARGED = (*LINE, "TAX+7+VAT+++:::10", "UNS+S", "MOA+79:24.00", "MOA+125:30.00", "MOA+131:6.00", "MOA+176:3.00",
           "MOA+77:33.00", "MOA+86:33.00", "MOA+128:33.00", "TAX+7+VAT+++:::10", "MOA+124:3.00", "MOA+125:30.00",
           "ALC+C++++FC", "MOA+8:6.00")  # fmt: skip


@pytest.mark.parametrize("total", ["79:24", "125:30", "131:6", "176:3", "77:33", "86:33", "128:33", "124:3"])
@pytest.mark.parametrize("by", [1, -1, 0.01])
def test_every_total_that_the_message_states_is_compared(read: Callable[..., Any], total: str, by: float) -> None:
    assert amounts(read(message(*CHARGED))) == [("1", 2400), ("ALC-1", 600)]
    code, value = total.split(":")
    stated = f"MOA+{code}:{value}.00"
    wrong = [f"MOA+{code}:{int(value) + by:.2f}" if one == stated else one for one in CHARGED]
    assert wrong != list(CHARGED)
    (row,) = read(message(*wrong))
    assert isinstance(row, BadRow) and row.problems[0].field.startswith("MOA ")
    assert "; the difference is " in row.problems[0].reason


@pytest.mark.parametrize("code", ["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"])
@pytest.mark.parametrize(
    "line",
    [
        ("QTY+47:2", "MOA+203:24.00", "UNS+S", "MOA+79:24.00"),
        ("QTY+47:-2", "MOA+203:-24.00", "UNS+S", "MOA+79:-24.00"),
        ("QTY+47:2", "MOA+203:24.00", "UNS+S", "MOA+79:-24.00"),
    ],
)
def test_a_credit_note_is_negative_under_each_of_its_codes(
    read: Callable[..., Any], code: str, line: Sequence[str]
) -> None:
    rows = read(message("LIN+1++A:SA", *line, bgm=f"BGM+{code}+CN-1+9"))
    assert amounts(rows) == [("1", -2400)]


@pytest.mark.parametrize("total", ["MOA+125:36.00", "MOA+86:36.00", "MOA+77:36.00"])
def test_a_charge_of_the_summary_adds_to_one_of_its_code_if_the_total_includes_both(
    read: Callable[..., Any], total: str
) -> None:
    body = ("ALC+C++++FC", "MOA+23:5", *LINE, "UNS+S", total, "ALC+C++++FC", "MOA+8:7")
    assert [row.line.amount for row in read(message(*body))] == [2400, 500, 700]


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (("MOA+39:24.00",), ""),
        (("MOA+39:23.00",), "the total is 23, lines, charges and allowances add up to 24; the difference is -1"),
        (("MOA+9:24.00",), ""),
        (("MOA+9:14.00", "MOA+113:10.00"), ""),
        (("MOA+9:14.00",), "the total is 14, lines, charges and allowances add up to 24; the difference is -10"),
        (("MOA+79:24.00", "MOA+9:4.00"), ""),
    ],
)
def test_other_codes_of_the_total(read: Callable[..., Any], totals: Sequence[str], said: str) -> None:
    (row,) = read(message(*LINE, "UNS+S", *totals))
    assert (row.problems[0].reason if isinstance(row, BadRow) else "") == said


def test_a_problem_names_the_element(read: Callable[..., Any]) -> None:
    (row,) = read(message(*LINE).replace("NAD+BY+C-1::92", "NAD+BY"))
    assert str(row.problems[0]).startswith("customer (NAD[BY].2.1, NAD[IV].2.1): is empty")


@pytest.mark.parametrize(
    ("settlement", "total", "expected"),
    [("1", "24.00", [2400]), ("4", "24.00", [2400]), ("4", "22.00", [2400, -200]), ("2", "22.00", [2400, -200])],
)
def test_an_allowance_that_is_settled_elsewhere_counts_only_if_the_total_includes_it(
    read: Callable[..., Any], settlement: str, total: str, expected: list[int]
) -> None:
    allowance = (f"ALC+A++{settlement}++DI", "MOA+204:2.00")
    rows = read(message(*allowance, *LINE, "UNS+S", f"MOA+125:{total}"))
    assert sorted((row.line.amount for row in rows), reverse=True) == expected
    rows = read(message(*allowance, *LINE))
    assert sum(row.line.amount for row in rows) == (2200 if settlement == "2" else 2400)


@pytest.mark.parametrize(
    ("net", "charges", "expected"),
    [
        ("29.00", "5.00", [-2400, -500]),
        ("-29.00", "-5.00", [-2400, -500]),
        ("29.00", "-5.00", "the total is -5, allowances and charges add up to 5; the difference is -10"),
        ("-29.00", "5.00", "the total is -5, allowances and charges add up to 5; the difference is -10"),
    ],
)
def test_the_charges_of_a_credit_note_have_the_sign_of_its_totals(
    read: Callable[..., Any], net: str, charges: str, expected: Any
) -> None:
    body = ("ALC+C++++FC", "MOA+8:5.00", *LINE, "UNS+S", f"MOA+125:{net}", f"MOA+131:{charges}")
    rows = read(message(*body, bgm="BGM+381+CN-1+9"))
    if isinstance(expected, str):
        assert rows[0].problems[0].reason == expected
    else:
        assert [row.line.amount for row in rows] == expected


def test_the_totals_of_a_credit_note_have_one_sign(read: Callable[..., Any]) -> None:
    (row,) = read(message(*LINE, "UNS+S", "MOA+79:-24.00", "MOA+77:24.00", bgm="BGM+381+CN-1+9"))
    assert (row.problems[0].field, row.problems[0].reason) == (
        "MOA 79", "is negative, but MOA 77 is 24: all totals must have one sign",
    )  # fmt: skip


@pytest.mark.parametrize("code", ["80", "82", "84", "380", "383", "385", "389", "393"])
def test_invoices_and_debit_notes_are_positive(read: Callable[..., Any], code: str) -> None:
    assert amounts(read(message(*LINE, "UNS+S", "MOA+79:24.00", bgm=f"BGM+{code}+INV-1+9"))) == [("1", 2400)]


def test_an_invoice_with_a_negative_total_is_refused(read: Callable[..., Any]) -> None:
    (row,) = read(message(*LINE, "UNS+S", "MOA+79:-24.00"))
    assert row.problems[0].reason == "the total is -24, the lines add up to 24; the difference is -48"


@pytest.mark.parametrize(
    ("bgm", "outcome"),
    [
        ("BGM+380+INV-1+7", "it is a duplicate (BGM.3 7)"),
        ("BGM+380+INV-1+31", "it is a copy (BGM.3 31)"),
        ("BGM+380+INV-1+46", "it is provisional (BGM.3 46)"),
        ("BGM+380+INV-1+53", "it is a test (BGM.3 53)"),
        ("BGM+325+INV-1+9", "it is a pro-forma invoice (BGM.1 325)"),
    ],
)
def test_what_bills_nothing_is_left_out(read: Callable[..., Any], bgm: str, outcome: str) -> None:
    (row,) = read(message(*LINE, bgm=bgm))
    assert isinstance(row, PassedOver) and row.reason == outcome


@pytest.mark.parametrize(
    ("bgm", "field", "reason"),
    [
        ("BGM+380+INV-1+1", "BGM.3", "cancels another document"),
        ("BGM+380+INV-1+5", "BGM.3", "replaces another document"),
        ("BGM+380+INV-1+99", "BGM.3", "is not a code of an original document that is known here"),
        ("BGM+384+INV-2+9", "BGM.1", "corrects another document"),
        ("BGM+471+INV-2+9", "BGM.1", "corrects another document"),
        ("BGM+500+INV-2+9", "BGM.1", "bills a prepayment, which the final invoice bills again"),
    ],
)
def test_what_changes_another_document_is_refused_unless_the_mapping_leaves_it_out(
    read: Callable[..., Any], bgm: str, field: str, reason: str
) -> None:
    (row,) = read(message(*LINE, bgm=bgm))
    assert (row.problems[0].field, row.problems[0].reason) == (field, reason)
    (row,) = read(message(*LINE, bgm=bgm), only={"BGM.3": ["9"], "BGM.1": ["380", "381"]})
    assert isinstance(row, PassedOver) and row.reason.startswith(f"{field} is ")


def test_a_test_interchange_is_left_out(read: Callable[..., Any]) -> None:
    (row,) = read(message(*LINE).replace(":0915+11", ":0915+11++++++1"))
    assert row.reason == "it is in a test interchange (UNB test indicator)"


@pytest.mark.parametrize(
    ("heading", "line", "summary", "expected"),
    [
        (("ALC+C++++FC", "MOA+23:6"), (), ("MOA+79:24", "MOA+125:30", "ALC+C++++FC", "MOA+131:6"), [2400, 600]),
        ((), (), ("MOA+86:38", "ALC+C++++DL", "MOA+8:2", "ALC+C++++CA", "MOA+131:12"), [2400, 200, 1200]),
        ((), (), ("MOA+86:40", "ALC+C++++CA", "MOA+8:13", "ALC+C++++TX", "MOA+8:3"), [2400, 1300]),
        ((), ("ALC+C++++CA", "MOA+8:4"), ("MOA+79:24", "MOA+86:24", "ALC+C++++CA", "MOA+131:4"), [2400]),
        (("ALC+A++++DI", "PCD+3:25"), (), ("MOA+79:24", "MOA+125:18"), [2400, -600]),
        (("ALC+A++++DI", "MOA+204:6"), (), ("MOA+79:24", "MOA+125:18", "MOA+131:6"), [2400, -600]),
        (("ALC+A++++DI", "MOA+204:-6"), (), ("MOA+79:24", "MOA+125:18"), [2400, -600]),
        (("ALC+N++++DI", "MOA+8:6"), (), ("MOA+79:24", "MOA+125:24"), [2400]),
    ],
)
def test_allowances_and_charges_count_once_and_taxes_never(
    read: Callable[..., Any], heading: Sequence[str], line: Sequence[str], summary: Sequence[str], expected: list[int]
) -> None:
    rows = read(message(*heading, *LINE, *line, "UNS+S", *summary))
    assert [row.line.amount for row in rows if isinstance(row, GoodRow)] == expected


def test_a_summary_that_differs_from_what_it_repeats_is_refused(read: Callable[..., Any]) -> None:
    body = ("ALC+C++++FC", "MOA+23:6", *LINE, "UNS+S", "MOA+79:24", "ALC+C++++FC", "MOA+131:7")
    (row,) = read(message(*body))
    assert row.problems[0].reason == "the summary states 7, heading and lines have 6"


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        (("QTY+47:5", "PRI+AAA:3.00"), 1500),
        (("QTY+47:5", "PRI+AAF:3.00:DI:NTP"), 1500),
        (("QTY+47:5", "PRI+AAB:3.00", "ALC+A", "MOA+8:1.50"), 1350),
        (("QTY+47:5", "PRI+AAB:3.00", "ALC+A", "PCD+3:10"), 1350),
        (("QTY+47:5", "PRI+AAA:2.70", "PRI+AAB:3.00", "ALC+A", "MOA+8:1.50"), 1350),
        (("QTY+47:5", "MOA+66:13.50", "PRI+AAB:3.00", "ALC+A", "MOA+8:1.50"), 1350),
        (("QTY+47:250", "PRI+AAA:0.3333:::100",), 83),
    ],
)  # fmt: skip
def test_a_line_without_its_amount_is_calculated_by_the_kind_of_its_price(
    read: Callable[..., Any], line: Sequence[str], amount: int
) -> None:
    rows = read(message("LIN+1++A:SA", *line, "UNS+S", f"MOA+86:{amount / 100}"))
    assert amounts(rows) == [("1", amount)]


def test_a_price_that_includes_tax_is_no_price_to_calculate_from(read: Callable[..., Any]) -> None:
    (row,) = read(message("LIN+1++A:SA", "QTY+47:5", "PRI+AAE:3.00", "UNS+S", "MOA+86:15"))
    assert row.problems[0].field == "PRI" and "(MOA 203 or 66)" in row.problems[0].reason


@pytest.mark.parametrize(
    ("taxes", "total", "accepted"),
    [
        (("PRI+AAA:12.00",), "28.56", True),
        (("PRI+AAA:12.00",), "28.57", False),
        (("PRI+AAA:12.00",), "27.00", False),
        (("PRI+AAA:11.00",), "28.56", False),
        ((), "28.56", False),
        (("TAX+7+VAT+++:::5",), "25.20", True),
        (("TAX+7+VAT+++:::5",), "28.56", False),
        (("TAX+7+VAT+++:::5", "LIN+2++B:SA", "MOA+203:10.00", "TAX+7+VAT+++:::19"), "37.10", True),
        (("TAX+7+VAT+++:::5", "LIN+2++B:SA", "MOA+203:10.00", "TAX+7+VAT+++:::19"), "37.11", False),
    ],
)
def test_a_total_with_taxes_that_are_not_stated_must_fit_a_rate(
    read: Callable[..., Any], taxes: Sequence[str], total: str, accepted: bool
) -> None:
    row, *_others = read(message(*LINE, *taxes, "UNS+S", f"MOA+86:{total}"))
    assert isinstance(row, GoodRow if accepted else BadRow)


def test_a_total_is_not_net_if_the_message_states_a_tax_and_nothing_confirms_it(read: Callable[..., Any]) -> None:
    body = (*LINE, "UNS+S", "MOA+86:24.00", "ALC+C++++TX", "MOA+8:3.00")
    (row,) = read(message(*body))
    assert row.problems[0].reason == "the total is 24, with taxes, the amounts add up to 27; the difference is -3"
    assert amounts(read(message(*body, "MOA+79:24.00"))) == [("1", 2400)]


@pytest.mark.parametrize(
    ("form", "text"),
    [("2", "280324"), ("3", "032824"), ("4", "28032024"), ("201", "2403281830"), ("304", "20240328183000UTC")],
)
def test_dates_are_read_in_the_order_of_their_format(read: Callable[..., Any], form: str, text: str) -> None:
    (row,) = read(message(*LINE).replace("137:20240328:102", f"137:{text}:{form}"))
    assert str(row.line.post_date) == "2024-03-28"


def test_the_terminator_of_the_last_segment_may_be_missing(read: Callable[..., Any]) -> None:
    assert amounts(read(message(*LINE).rstrip("\r\n")[:-1])) == [("1", 2400)]


def test_a_despatch_advice_delivers_its_items_each_with_its_quantity(read: Callable[..., Any]) -> None:
    head = ("BGM+351+D-1+9", "DTM+35:20240402:102", "RFF+ON:PO-1", "CPS+1", "PAC+2")
    lines = (
        "LIN+1++A:SA",
        "QTY+12:2",
        "LIN+2++B:SA",
        "QTY+12:9",
        "QTY+46:1",
        "CPS+2",
        "PAC+1",
        "LIN+3++A:SA",
        "QTY+12:3",
    )
    other = ("LIN+4++A:SA", "QTY+12:7", "RFF+ON:PO-2", "CNT+2:4")
    rows = read(interchange(("DESADV", (*head, *lines, *other))), "events")
    assert [(row.line.charge, row.line.item, row.line.quantity, row.line.name) for row in rows] == [
        ("edi/PO-1/*", "A", 5, "D-1"),
        ("edi/PO-1/*", "B", 1, "D-1"),
        ("edi/PO-2/*", "A", 7, "D-1"),
    ]


def test_a_despatch_advice_that_cancels_another_one_is_refused(read: Callable[..., Any]) -> None:
    (row,) = read(interchange(("DESADV", ("BGM+351+D-1+1", "DTM+35:20240402:102"))), "events")
    assert (row.problems[0].field, row.problems[0].reason) == ("BGM.3", "cancels another document")
